//! `stagger demo`: runs races over loopback sockets, past dead addresses, and checks each.

mod scene;
mod script;
mod source;
mod stage;

use std::io;
use std::time::Duration;

use stagger::resolve::ByName;
use stagger::{Dialer, Policy, Target};
use stagger_net::TcpOptions;

use self::scene::{HOST, Scene, scenes};
use self::source::AnswerSource;
use self::stage::Stage;
use crate::args::{ColorWhen, DemoArgs};
use crate::console::{Console, Exit};
use crate::dial::Dialed;
use crate::live::{Screen, shown};
use crate::picture::timeline;
use crate::proxy::Chain;
use crate::race::{Race, Via};
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
    let way = scene.way(stage.port()).map_err(io::Error::other).map_err(set_up)?;
    let (target, proxy) = way;
    let source = scene.source(stage.port()).map_err(set_up)?;
    let setting = scene.setting(proxy.as_ref().unwrap_or(&target), &source);
    console.print(&format!("{}\n", paragraph(&setting, look.width)));
    let job = Play { source, target, proxy, tls, color: args.color };
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
    proxy: Option<Target>,
    tls: Option<Pair>,
    color: ColorWhen,
}

impl Job for Play {
    type Output = io::Result<Race>;

    fn run<R: Runtime>(self) -> io::Result<Race> {
        let policy = Policy::new().with_timeout(TIMEOUT).map_err(io::Error::other)?;
        let resolver = self.source.resolver::<R>()?;
        let over_tls = self.tls.is_some();
        let connector = R::tcp(TcpOptions::new());
        let connector = match &self.tls {
            Some(pair) => pair.client.over(connector),
            None => connector,
        };
        let chain = self.proxy.map(Chain::socks5);
        let proxies = chain.as_ref().map(Chain::names).unwrap_or_default();
        let via = Via { ssh: None, proxies };
        let dialer = Dialer::new(resolver, connector, R::timer());
        let Dialed { dial, so_far } = match chain {
            Some(chain) => {
                let dialer = dialer.with_policy(Policy::new().without_timeout());
                let dialer = Dialer::new(ByName, chain.over(dialer), R::timer());
                Dialed::of(dialer.with_policy(policy), |dialer| dialer.connect(self.target))
            }
            None => Dialed::of(dialer.with_policy(policy), |dialer| dialer.connect(self.target)),
        };
        let screen = Screen::of_process(self.color);
        let screen = screen.map(|screen| screen.with_tls(over_tls).with_via(via.clone()));
        let dial = async {
            let race = match dial.await {
                Ok((stream, report)) => Race::won(stream.ends(), report),
                Err(error) => Race::lost(&error),
            };
            Race { over_tls, via, ..race }
        };
        R::block_on(shown(dial, &R::timer(), so_far, screen))
    }
}
