//! `stagger connect --pipe`: the connection as standard input and output.

mod relay;
mod stdio;

use std::io;
use std::net::SocketAddr;

use self::relay::{Fault, relay};
pub(crate) use self::stdio::{Input, input_is_terminal};
use crate::args::ConnectArgs;
use crate::connect::{Connect, lost, no_runtime};
use crate::console::{Console, Exit};
use crate::runtime::{Job, Runtime, Stream};
use crate::signal;

/// Connects, and carries standard input to the peer and what the peer sends to standard output.
/// Nothing else is written there, and what goes wrong is said on standard error.
pub(crate) fn run(args: &ConnectArgs, console: &mut Console) -> Exit {
    let connect = match Connect::of(args) {
        Ok(connect) => connect,
        Err(error) => {
            console.error(&error.to_string());
            return Exit::Usage;
        }
    };
    finish(args.wanted.runtime.run(Pipe(connect)), console)
}

/// Says how a pipe ended.
pub(crate) fn finish(ended: Result<(), End>, console: &mut Console) -> Exit {
    match ended {
        Ok(()) => Exit::Success,
        Err(End::Unread) => signal::end_unread(),
        Err(End::Error(error, exit)) => {
            console.error(&error);
            exit
        }
    }
}

struct Pipe(Connect);

/// Carries both directions of a connection until it is over.
///
/// # Errors
///
/// Why it is over before all is carried.
pub(crate) async fn carried<S: Stream>(stream: &S) -> Result<(), End> {
    let peer = stream.ends().peer;
    relay(stream).await.map_err(|fault| End::broken(fault, peer))
}

/// Why it is over before all is carried.
pub(crate) enum End {
    /// Nobody reads standard output any more.
    Unread,
    /// For this reason, and with this code.
    Error(String, Exit),
}

impl Job for Pipe {
    type Output = Result<(), End>;

    fn run<R: Runtime>(self) -> Self::Output {
        let Self(Connect { target, policy, options, names, .. }) = self;
        let dialer = R::dialer(names.resolver::<R>(), options).with_policy(policy);
        let piped = async {
            let stream = dialer.connect(target).await.map_err(|error| End::lost(&error))?;
            carried(&stream).await
        };
        R::block_on(piped)
            .unwrap_or_else(|error| Err(End::Error(no_runtime(&error), Exit::Failure)))
    }
}

impl End {
    /// There is no connection.
    fn lost(error: &stagger::Error) -> Self {
        let (race, exit) = lost(error);
        Self::Error(race.error.unwrap_or_else(|| error.to_string()), exit)
    }

    /// There was one, and carrying failed.
    fn broken(fault: Fault, peer: Option<SocketAddr>) -> Self {
        let peer = peer.map_or_else(|| "the peer".to_owned(), |peer| peer.to_string());
        let text = match fault {
            Fault::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Self::Unread;
            }
            Fault::Input(error) => format!("cannot read standard input: {error}"),
            Fault::Output(error) => format!("cannot write standard output: {error}"),
            Fault::Send(error) => format!("cannot send to {peer}: {error}"),
            Fault::Receive(error) => format!("cannot receive from {peer}: {error}"),
        };
        Self::Error(text, Exit::Failure)
    }
}
