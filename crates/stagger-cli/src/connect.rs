//! `stagger connect`.

use std::error::Error as _;
use std::io;

use stagger::{Error, ErrorKind, Policy, Target};
use stagger_net::{BindError, Lanes, LookupError, LookupErrorKind, TcpOptions};

use crate::args::ConnectArgs;
use crate::console::{Console, Exit};
use crate::lanes::lanes;
use crate::race::Race;
use crate::runtime::{Job, Runtime, Stream as _};
use crate::timeline::timeline;
use crate::usage::UsageError;
use crate::{bind, json, pipe, policy};

pub(crate) struct Connect {
    pub(crate) target: Target,
    pub(crate) policy: Policy,
    pub(crate) options: TcpOptions,
    pub(crate) lanes: Lanes,
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
        return exit;
    }
    if exit != Exit::Usage {
        console.print(&timeline(&race));
    }
    if let Some(error) = &race.error {
        console.error(error);
    }
    exit
}

impl Connect {
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, UsageError> {
        Ok(Self {
            target: args.wanted.target()?,
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, args.wanted.family.into())?,
            lanes: lanes(args.wanted.lanes.as_deref())?,
        })
    }
}

impl Job for Connect {
    type Output = (Race, Exit);

    fn run<R: Runtime>(self) -> (Race, Exit) {
        let Self { target, policy, options, lanes } = self;
        let dialer = R::dialer(R::resolver().with_lanes(lanes), options).with_policy(policy);
        let dial = async {
            let (stream, report) = dialer.connect(target).with_report().await?;
            Ok(Race::won(stream.ends(), &report))
        };
        match R::block_on(dial) {
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
