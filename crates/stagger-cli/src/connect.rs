//! `stagger connect`.

use std::error::Error as _;
use std::io::{self, Stdout};
use std::path::Path;

use stagger::{Error, ErrorKind, Policy, Target};
use stagger_net::{BindError, LookupError, LookupErrorKind, TcpOptions};

use crate::args::ConnectArgs;
use crate::console::{Console, Exit};
use crate::escape::quoted;
use crate::live::{Screen, shown};
use crate::names::Names;
use crate::picture::{svg, timeline};
use crate::race::Race;
use crate::runtime::{Job, Runtime, Stream as _};
use crate::save::save;
use crate::terminal::Terminal;
use crate::usage::UsageError;
use crate::watch::Watch;
use crate::{bind, json, pipe, policy};

pub(crate) struct Connect {
    pub(crate) target: Target,
    pub(crate) policy: Policy,
    pub(crate) options: TcpOptions,
    pub(crate) names: Names,
    watch: Watch,
    screen: Option<Screen<Stdout>>,
}

/// Connects, closes the connection, and shows how it went; or makes a pipe of it.
pub(crate) fn run(args: &ConnectArgs, console: &mut Console) -> Exit {
    if args.pipe {
        return pipe::run(args, console);
    }
    let wanted = &args.wanted;
    let (race, exit) = match Connect::of(args) {
        Ok(connect) => wanted.runtime.run(connect),
        Err(error) => (Race::refused(error.to_string()), Exit::Usage),
    };
    if wanted.json {
        console.print(&json::connect(&wanted.target_text(), &race));
        return draw(args, &race, console, exit);
    }
    let drawn_instead = args.svg.as_deref().is_some_and(is_output);
    if exit != Exit::Usage && !drawn_instead {
        console.print(&timeline(&race, &Terminal::of_process(args.color).look));
    }
    if let Some(error) = &race.error {
        console.error(error);
    }
    draw(args, &race, console, exit)
}

/// Writes the picture that is asked for, if one is and there was a race.
fn draw(args: &ConnectArgs, race: &Race, console: &mut Console, exit: Exit) -> Exit {
    let Some(path) = args.svg.as_deref().filter(|_| exit != Exit::Usage) else {
        return exit;
    };
    let picture = svg(&args.wanted.target_text(), race);
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
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, UsageError> {
        let drawn_instead = args.svg.as_deref().is_some_and(is_output);
        if drawn_instead && args.wanted.json {
            return Err(UsageError::new(
                "--svg",
                "-",
                "with --json, standard output has the object",
            ));
        }
        let shown = !args.wanted.json && !drawn_instead && !args.pipe;
        let families = args.wanted.family.into();
        Ok(Self {
            target: args.wanted.target()?,
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, families)?,
            names: Names::of(&args.wanted)?,
            watch: Watch::new(families),
            screen: shown.then(|| Screen::of_process(args.color)).flatten(),
        })
    }
}

impl Job for Connect {
    type Output = (Race, Exit);

    fn run<R: Runtime>(self) -> (Race, Exit) {
        let Self { target, policy, options, names, watch, screen } = self;
        let dialer = R::dialer(names.resolver::<R>(), options).with_policy(policy);
        let dialer = dialer.with_observer(watch.clone());
        let dial = async {
            let (stream, report) = dialer.connect(target).with_report().await?;
            Ok(Race::won(stream.ends(), &report))
        };
        let (race, exit) = match R::block_on(shown(dial, &R::timer(), &watch, screen)) {
            Ok(Ok(race)) => (race, Exit::Success),
            Ok(Err(error)) => lost(&error),
            Err(error) => (Race::refused(no_runtime(&error)), Exit::Failure),
        };
        (watch.complete(race), exit)
    }
}

/// Says that the runtime could not be started.
pub(crate) fn no_runtime(error: &io::Error) -> String {
    format!("cannot start the runtime: {error}")
}

/// What a failure is to the command: the race, and the code to exit with.
///
/// It tells what the network did from what was asked in vain: a service or a zone that this
/// machine does not know, and bind addresses of none of the target's families.
pub(crate) fn lost(error: &Error) -> (Race, Exit) {
    let mut race = Race::lost(error);
    let source = error.source();
    let lookup = source.and_then(|source| source.downcast_ref::<LookupError>());
    let unknown = lookup.filter(|lookup| {
        matches!(
            lookup.kind(),
            LookupErrorKind::UnknownService
                | LookupErrorKind::UnknownZone
                | LookupErrorKind::InvalidName
        )
    });
    if let Some(unknown) = unknown {
        race.error = Some(unknown.to_string());
    }
    let wrong_family = error.kind() == ErrorKind::NoneUsable
        && source
            .and_then(|source| source.downcast_ref::<io::Error>())
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<BindError>());
    if unknown.is_some() || wrong_family || error.kind() == ErrorKind::InvalidTarget {
        (race, Exit::Usage)
    } else {
        (race, Exit::Failure)
    }
}
