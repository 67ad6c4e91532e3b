//! A connection as standard input and output: `connect --pipe` and `listen --pipe`.

mod relay;

use std::io;
use std::net::SocketAddr;

use self::relay::{Fault, relay};
use crate::args::ConnectArgs;
use crate::console::{Console, Exit};
use crate::dial::{Dialed, Dialing};
use crate::failure::Failure;
use crate::runtime::{Job, Runtime};
use crate::signal;
use crate::stream::Stream;

/// Connects and relays. Standard output has only what the peer sends; standard error has the reason
/// of a failure.
pub(crate) fn run(args: &ConnectArgs, console: &mut Console) -> Exit {
    let ended = match Dialing::of(args) {
        Ok(dialing) => {
            if let Some(warning) = dialing.warning() {
                console.warn(warning);
            }
            let kept = dialing.history();
            if let Some(kept) = &kept {
                kept.warn(console);
            }
            let ended = args.target.runtime.run(Pipe(dialing));
            if let Some(kept) = &kept {
                kept.warn(console);
            }
            ended
        }
        Err(failure) => Err(failure.into()),
    };
    finish(ended, console)
}

/// Shows why a pipe failed, and returns the exit code.
pub(crate) fn finish(ended: Result<(), PipeError>, console: &mut Console) -> Exit {
    match ended {
        Ok(()) => Exit::Success,
        Err(PipeError::Unread) => signal::end_unread(),
        Err(PipeError::Failed(Failure { message, exit })) => {
            console.error(&message);
            exit
        }
    }
}

/// Relays a connection until both directions have ended.
///
/// # Errors
///
/// The reason why not everything was sent and received.
pub(crate) async fn carried<S: Stream>(stream: S) -> Result<(), PipeError> {
    let peer = stream.ends().peer;
    relay(stream).await.map_err(|fault| PipeError::broken(fault, peer))
}

/// Why not everything was sent and received.
pub(crate) enum PipeError {
    /// Nobody reads standard output any more.
    Unread,
    /// There is no connection, or it broke.
    Failed(Failure),
}

impl From<Failure> for PipeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl PipeError {
    /// The relay failed at this step.
    fn broken(fault: Fault, peer: Option<SocketAddr>) -> Self {
        let peer = peer.map_or_else(|| "the peer".to_owned(), |peer| peer.to_string());
        Self::Failed(Failure::new(match fault {
            Fault::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Self::Unread;
            }
            Fault::Input(error) => format!("cannot read standard input: {error}"),
            Fault::Output(error) => format!("cannot write standard output: {error}"),
            Fault::Send(error) => format!("cannot send to {peer}: {error}"),
            Fault::Receive(error) => format!("cannot receive from {peer}: {error}"),
        }))
    }
}

/// A connect whose connection becomes standard input and output.
struct Pipe(Dialing);

impl Job for Pipe {
    type Output = Result<(), PipeError>;

    fn run<R: Runtime>(self) -> Self::Output {
        let Self(dialing) = self;
        let Dialed { dial, .. } = dialing.begin::<R>()?;
        let piped = async {
            let (stream, _) = dial.await.map_err(|error| Failure::lost(&error))?;
            carried(stream).await
        };
        R::block_on(piped).unwrap_or_else(|error| Err(Failure::no_runtime(&error).into()))
    }
}
