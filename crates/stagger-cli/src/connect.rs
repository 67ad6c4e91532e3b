//! `stagger connect`.

use std::error::Error as _;
use std::io::{self, Stdout};
use std::iter;
use std::path::Path;

use stagger::error::{ErrorKind, LookupErrorKind};
use stagger::observe::Recorder;
use stagger::sort::Unusable;
use stagger::target::Host;
use stagger::{Error, Policy, Target};
use stagger_net::TcpOptions;
use stagger_net::tcp::BindError;

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
use crate::{bind, json, pipe, policy};

pub(crate) struct Connect {
    pub(crate) target: Target,
    pub(crate) policy: Policy,
    pub(crate) options: TcpOptions,
    pub(crate) names: Names,
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
            screen: shown.then(|| Screen::of_process(args.color)).flatten(),
        })
    }
}

impl Job for Connect {
    type Output = (Race, Exit);

    fn run<R: Runtime>(self) -> (Race, Exit) {
        let Self { target, policy, options, names, screen } = self;
        let recorder = Recorder::new();
        let dialer = R::dialer(names.resolver::<R>(), options).with_policy(policy);
        let dialer = dialer.with_observer(recorder.clone());
        let dial = async {
            let (stream, report) = dialer.connect(target).with_report().await?;
            Ok(Race::won(stream.ends(), report))
        };
        match R::block_on(shown(dial, &R::timer(), &recorder, screen)) {
            Ok(Ok(race)) => (race, Exit::Success),
            Ok(Err(error)) => lost(&error),
            Err(error) => (Race::refused(no_runtime(&error)), Exit::Failure),
        }
    }
}

/// Says that the runtime could not be started.
pub(crate) fn no_runtime(error: &io::Error) -> String {
    format!("cannot start the runtime: {error}")
}

/// What a failure means for the command: the race, and the code to exit with.
///
/// Arguments that are wrong whatever the network says are bad usage: a target that cannot be
/// parsed, an unknown service or zone, and an address with bind addresses of the other family. Every
/// other failure comes from a lookup or an attempt: which addresses a name has is the network's word.
pub(crate) fn lost(error: &Error) -> (Race, Exit) {
    let mut race = Race::lost(error);
    let invalid = invalid_lookup(error);
    let is_usage =
        invalid.is_some() || is_wrong_literal(error) || error.kind() == ErrorKind::InvalidTarget;
    if invalid.is_some() {
        race.error = invalid;
    }
    (race, if is_usage { Exit::Usage } else { Exit::Failure })
}

/// Why a target cannot be looked up at all, in one line: the target, and the root of the failure,
/// because each layer of a resolver names the target again. If an attempt was made, the target was
/// not at fault.
fn invalid_lookup(error: &Error) -> Option<String> {
    let report = error.report();
    if !report.attempts().is_empty() {
        return None;
    }
    let is_invalid = |kind: LookupErrorKind| kind.is_invalid_input();
    let query = report.queries().iter().find(|query| query.kind.is_some_and(is_invalid))?;
    let first: &(dyn std::error::Error + 'static) = query.error.as_ref()?.get_ref();
    let root = iter::successors(Some(first), |&cause| cause.source()).last()?;
    Some(match error.target() {
        Some(target) => format!("cannot look up {target}: {root}"),
        None => root.to_string(),
    })
}

/// Whether the target is an address that no dial can use: it has no zone where it needs one, or no
/// bind address is of its family.
fn is_wrong_literal(error: &Error) -> bool {
    if error.target().is_some_and(|target| matches!(target.host(), Host::Name(_))) {
        return false;
    }
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    error.kind() == ErrorKind::NoneUsable
        && source
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<BindError>() || inner.is::<Unusable>())
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use futures_lite::stream;
    use stagger::resolve::{Record, resolver_fn};
    use stagger::{Answer, Dialer};
    use stagger_testkit::{Fate, ScriptedConnector, ScriptedError, ms};

    use super::*;
    use crate::race::kit::{addrs, ledger};

    /// An error of an outer layer of a resolver, which names the target again.
    #[derive(Debug)]
    struct Outer(ScriptedError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("example.com:nosuch failed")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    /// What a connect comes to if a lookup fails with this kind, and another finds these addresses.
    fn failed(kind: LookupErrorKind, found: &[&str]) -> (Option<String>, Exit) {
        let ledger = ledger();
        let addresses = addrs(found);
        let resolver = resolver_fn(move |_: &_| {
            let error = Outer(ScriptedError::new("the reason"));
            stream::iter([
                Answer::failed(Record::A, error).with_kind(kind),
                Answer::found(Record::Aaaa, addresses.clone()),
            ])
        });
        let connector = found.iter().fold(ScriptedConnector::new(&ledger), |connector, address| {
            connector.at(address, Fate::fails(ms(1)))
        });
        let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
        let error = ledger.clock().run(dialer.connect("example.com:nosuch")).unwrap_err();
        let (race, exit) = lost(&error);
        (race.error, exit)
    }

    #[test]
    fn a_target_that_is_wrong_in_itself_is_bad_usage_and_names_the_root() {
        for (kind, exit) in [
            (LookupErrorKind::UnknownService, Exit::Usage),
            (LookupErrorKind::UnknownZone, Exit::Usage),
            (LookupErrorKind::InvalidName, Exit::Usage),
            (LookupErrorKind::NotFound, Exit::Failure),
            (LookupErrorKind::Temporary, Exit::Failure),
            (LookupErrorKind::Other, Exit::Failure),
        ] {
            let (error, found) = failed(kind, &[]);
            assert_eq!(found, exit, "{kind}: {error:?}");
            let is_short = error.unwrap() == "cannot look up example.com:nosuch: the reason";
            assert_eq!(is_short, exit == Exit::Usage, "{kind}");
        }
    }

    #[test]
    fn after_an_attempt_the_target_was_not_at_fault() {
        let (error, exit) = failed(LookupErrorKind::UnknownService, &["[2001:db8::1]:80"]);
        assert_eq!(exit, Exit::Failure);
        let error = error.unwrap();
        assert!(error.starts_with("could not connect to example.com:nosuch: "), "{error}");
    }

    #[test]
    fn a_target_that_cannot_be_parsed_is_bad_usage() {
        let error = Error::from(Target::parse("localhost:65536").unwrap_err());
        assert_eq!(lost(&error).1, Exit::Usage);
    }
}
