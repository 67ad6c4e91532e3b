//! `stagger demo`: runs races over loopback sockets, past dead addresses, and checks each.

mod scene;
mod script;
mod source;
mod stage;

use std::io;
use std::time::Duration;

use stagger::observe::Recorder;
use stagger::{Dialer, Policy, Target};
use stagger_net::TcpOptions;

use self::scene::{HOST, Scene, scenes};
use self::source::AnswerSource;
use self::stage::Stage;
use crate::args::{ColorWhen, DemoArgs};
use crate::console::{Console, Exit};
use crate::live::{Screen, shown};
use crate::picture::timeline;
use crate::race::Race;
use crate::runtime::{Job, Runtime};
use crate::stream::Stream as _;
use crate::terminal::Terminal;
use crate::tls::Pair;
use crate::wrap::paragraph;

/// The time limit of one race, so that the demo always ends.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs every race and shows it.
pub(crate) fn run(args: &DemoArgs, console: &mut Console) -> Exit {
    let look = Terminal::of_process(args.color).look;
    let paragraph = |text: &str| paragraph(text, look.width);
    console.print(&paragraph(
        "These races run over real loopback sockets. Some addresses accept, some refuse, and \
         some never answer because their backlog is full. Only the answers to queries are made \
         up. In the races over DNS, a name server on loopback sends them over UDP.",
    ));
    let ipv6 = stage::ipv6_loopback();
    if let Err(error) = &ipv6 {
        console.print(&paragraph(&format!(
            "This machine has no IPv6 ({error}). 127.0.0.2 stands in for ::1, and the races that \
             need both families are skipped."
        )));
    }
    let scenes = scenes(ipv6.ok());
    for (index, scene) in scenes.iter().enumerate() {
        console.print(&format!("\n{}. {}\n", index + 1, scene.heading));
        if let Err(fault) = show(scene, args, console) {
            console.error(&fault);
            return Exit::Failure;
        }
    }
    let count = scenes.len();
    console.print(&format!("\nAll {count} races went as they should.\n"));
    Exit::Success
}

/// Runs one race, shows it, and describes it.
///
/// # Errors
///
/// How the race differed from what it should have been.
fn show(scene: &Scene, args: &DemoArgs, console: &mut Console) -> Result<(), String> {
    let look = Terminal::of_process(args.color).look;
    let set_up = |error| format!("the race could not be set up: {error}");
    let tls = scene.over_tls().then(|| Pair::new(HOST)).transpose().map_err(set_up)?;
    let stage = Stage::new(&scene.spots, tls.as_ref()).map_err(set_up)?;
    let target =
        Target::try_from((HOST, stage.port())).map_err(io::Error::other).map_err(set_up)?;
    let source = scene.source(stage.port()).map_err(set_up)?;
    console.print(&format!("{}\n", paragraph(&scene.setting(&target, &source), look.width)));
    let job = Play { source, target, tls, color: args.color };
    let race = args.runtime.run(job).map_err(set_up)?;
    console.print(&format!("{}\n", timeline(&race, &look)));
    let sentence = (scene.judge)(&race);
    let sentence = sentence.map_err(|fault| format!("the race went wrong: {fault}"))?;
    console.print(&paragraph(&sentence, look.width));
    Ok(())
}

/// One race of the demo, to be run on a runtime.
struct Play {
    source: AnswerSource,
    target: Target,
    tls: Option<Pair>,
    color: ColorWhen,
}

impl Job for Play {
    type Output = io::Result<Race>;

    fn run<R: Runtime>(self) -> io::Result<Race> {
        let policy = Policy::new().with_timeout(TIMEOUT).map_err(io::Error::other)?;
        let resolver = self.source.resolver::<R>()?;
        let recorder = Recorder::new();
        let over_tls = self.tls.is_some();
        let connector = R::tcp(TcpOptions::new());
        let connector = match &self.tls {
            Some(pair) => pair.client.over(connector),
            None => connector,
        };
        let dialer = Dialer::new(resolver, connector, R::timer()).with_policy(policy);
        let dialer = dialer.with_observer(recorder.clone());
        let dial = async {
            let race = match dialer.connect(self.target).with_report().await {
                Ok((stream, report)) => Race::won(stream.ends(), report),
                Err(error) => Race::lost(&error),
            };
            Race { over_tls, ..race }
        };
        let screen = Screen::of_process(self.color).map(|screen| screen.with_tls(over_tls));
        R::block_on(shown(dial, &R::timer(), &recorder, screen))
    }
}
