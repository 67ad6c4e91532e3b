//! `stagger connect`: connects, and shows the race.

use std::io::Stdout;
use std::path::Path;

use futures_lite::AsyncWriteExt as _;

use crate::args::ConnectArgs;
use crate::console::{Console, Exit};
use crate::dial::{Dialed, Dialing};
use crate::escape::quoted;
use crate::failure::{Failure, lost};
use crate::live::{Screen, shown};
use crate::picture::{svg, timeline};
use crate::race::Race;
use crate::runtime::{Job, Runtime};
use crate::save::save;
use crate::stream::Stream as _;
use crate::terminal::Terminal;
use crate::usage::UsageError;
use crate::{endpoint, json, pipe, target};

/// A connect that is shown.
struct Connect {
    dialing: Dialing,
    /// Draws the race while it runs.
    screen: Option<Screen<Stdout>>,
}

/// Connects, closes the connection, and shows the race; or makes a pipe of the connection.
pub(crate) fn run(args: &ConnectArgs, console: &mut Console) -> Exit {
    if args.pipe {
        return pipe::run(args, console);
    }
    let (race, exit) = match Connect::of(args) {
        Ok(connect) => {
            let kept = connect.dialing.history();
            let ended = args.target.runtime.run(connect);
            if let Some(kept) = kept {
                kept.warn(console);
            }
            ended
        }
        Err(Failure { message, exit }) => (Race::refused(message), exit),
    };
    if args.target.json {
        console.print(&json::connect(&text(args), &race));
        return draw(args, &race, console, exit);
    }
    let drawn_instead = args.svg.as_deref().is_some_and(is_output);
    if exit != Exit::Usage && !drawn_instead {
        console.print(&timeline(&race, &Terminal::of_process(args.color).look));
        if let Some(session) = &race.session {
            console.print(&session.text());
        }
    }
    if let Some(doubt) = args.ssh.doubt().filter(|_| is_unproven(&race)) {
        console.warn(doubt);
    }
    if let Some(error) = &race.error {
        console.error(error);
    }
    draw(args, &race, console, exit)
}

/// Whether the connection is not one over TCP, and nothing has answered at its other end.
fn is_unproven(race: &Race) -> bool {
    let has_no_peer = race.ends.is_some_and(|ends| ends.peer.is_none());
    has_no_peer && race.session.is_none() && race.via.proxies.is_empty()
}

/// The target or the endpoint as a text, even if it is wrong.
fn text(args: &ConnectArgs) -> String {
    match (&args.endpoint, &args.target.target, args.ssh.host()) {
        (Some(text), ..) => endpoint::shown(text),
        (None, None, Some(host)) => host.to_owned(),
        (None, ..) => target::text(&args.target),
    }
}

/// Writes the picture that `--svg` asks for, if there was a race.
fn draw(args: &ConnectArgs, race: &Race, console: &mut Console, exit: Exit) -> Exit {
    let Some(path) = args.svg.as_deref().filter(|_| exit != Exit::Usage) else {
        return exit;
    };
    let picture = svg(&text(args), race);
    if is_output(path) {
        console.print(&picture);
        return exit;
    }
    match save(path, &picture) {
        Ok(()) => exit,
        Err(error) => {
            console.error(&format!("cannot write {}: {error}", quoted(&path.to_string_lossy())));
            Exit::Failure
        }
    }
}

/// Whether a file's name stands for standard output.
fn is_output(path: &Path) -> bool {
    path == Path::new("-")
}

impl Connect {
    fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        let drawn_instead = args.svg.as_deref().is_some_and(is_output);
        if drawn_instead && args.target.json {
            return Err(UsageError::new(
                "--svg",
                "-",
                "--json writes to standard output too; write the picture to a file",
            )
            .into());
        }
        let is_drawn = !args.target.json && !drawn_instead;
        Ok(Self {
            dialing: Dialing::of(args)?,
            screen: is_drawn.then(|| Screen::of_process(args.color)).flatten(),
        })
    }
}

impl Job for Connect {
    type Output = (Race, Exit);

    fn run<R: Runtime>(self) -> (Race, Exit) {
        let Self { dialing, screen } = self;
        let (over_tls, via) = (dialing.has_tls(), dialing.via());
        let screen = screen.map(|screen| screen.with_tls(over_tls).with_via(via.clone()));
        let Dialed { dial, so_far } = match dialing.begin::<R>() {
            Ok(dialed) => dialed,
            Err(Failure { message, exit }) => return (Race::refused(message), exit),
        };
        let dial = async {
            let (mut stream, report) = dial.await?;
            let session = stream.session();
            if session.is_some() {
                // Ends TLS in order. The connection is not used, so a failure harms nobody.
                let _ = stream.close().await;
            }
            Ok(Race { session, ..Race::won(stream.ends(), report) })
        };
        let (race, exit) = match R::block_on(shown(dial, &R::timer(), so_far, screen)) {
            Ok(Ok(race)) => (race, Exit::Success),
            Ok(Err(error)) => lost(&error),
            Err(error) => {
                let Failure { message, exit } = Failure::no_runtime(&error);
                (Race::refused(message), exit)
            }
        };
        (Race { over_tls, via, ..race }, exit)
    }
}
