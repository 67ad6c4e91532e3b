//! Connects by running a command.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use blocking::unblock;
use stagger::Endpoint;
use stagger_net::Register;

use crate::runtime::{BoxFuture, Watched};

use super::{Command, CommandStream, Running, Spawned};

/// A command to connect with, again and again: its standard input and output are the connection.
///
/// Each connect runs the command. By default the connect succeeds once the command has started.
/// [`with_greeting`](Self::with_greeting) waits for the first byte.
///
/// The command gets the variable `SHLVL=1`, so that bash does not read `~/.bashrc`.
///
/// The command runs in a process group of its own. Dropping the stream, or the connect, kills that
/// group with SIGKILL and reaps the command on another thread.
///
/// # Examples
///
/// ```
/// use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
/// use stagger::Endpoint as _;
/// use stagger_ssh::{Command, CommandEndpoint};
///
/// # futures_lite::future::block_on(async {
/// let endpoint = CommandEndpoint::<stagger_smol::Reactor>::new(Command::new("cat"));
/// let stream = endpoint.connect().await?;
/// let mut socket = stream.get_ref().clone();
/// socket.write_all(b"hello").await?;
/// let mut answer = [0; 5];
/// socket.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct CommandEndpoint<R> {
    command: Command,
    register: R,
    has_greeting: bool,
}

impl<R: Default> CommandEndpoint<R> {
    /// Makes the endpoint.
    pub fn new(command: Command) -> Self {
        Self::new_on(command, R::default())
    }
}

impl<R> CommandEndpoint<R> {
    /// Makes the endpoint with this reactor.
    pub fn new_on(command: Command, register: R) -> Self {
        Self { command, register, has_greeting: false }
    }

    /// Waits in each connect until the far end has sent its first byte, which stays unread.
    ///
    /// Use it where the server speaks first, as an SSH server does. A command that ends before
    /// that is a failed connect.
    pub fn with_greeting(mut self) -> Self {
        self.has_greeting = true;
        self
    }

    /// Returns whether a connect waits for the first byte.
    pub fn has_greeting(&self) -> bool {
        self.has_greeting
    }

    /// Returns the command.
    pub fn command(&self) -> &Command {
        &self.command
    }
}

impl<R> fmt::Debug for CommandEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandEndpoint")
            .field("command", &self.command)
            .field("has_greeting", &self.has_greeting)
            .finish_non_exhaustive()
    }
}

/// Prints the program's name.
impl<R> fmt::Display for CommandEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command.fmt(f)
    }
}

impl<R> Endpoint for CommandEndpoint<R>
where
    R: Register<UnixStream> + Clone + Send + Sync + 'static,
    R::Socket: Send + Sync,
{
    type Connection = CommandStream<R::Stream>;
    type Error = io::Error;
    type Connecting = CommandConnect<R::Stream>;

    fn connect(&self) -> CommandConnect<R::Stream> {
        let Self { command, register, has_greeting } = self.clone();
        CommandConnect(Box::pin(connect(command, register, has_greeting)))
    }
}

/// A connect of a [`CommandEndpoint`] in progress.
///
/// # Errors
///
/// The system's error if the command cannot be started. With a greeting, a
/// [`CommandError`](crate::CommandError) if the command fails first, or
/// [`io::ErrorKind::UnexpectedEof`] if it succeeds without a byte.
///
/// # Cancel safety
///
/// Dropping it kills the command's process group and reaps the command.
#[must_use = "futures do nothing unless polled"]
pub struct CommandConnect<U>(BoxFuture<io::Result<CommandStream<U>>>);

impl<U> Future for CommandConnect<U> {
    type Output = io::Result<CommandStream<U>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.as_mut().poll(cx)
    }
}

impl<U> fmt::Debug for CommandConnect<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandConnect").finish_non_exhaustive()
    }
}

async fn connect<R>(
    command: Command,
    register: R,
    has_greeting: bool,
) -> io::Result<CommandStream<R::Stream>>
where
    R: Register<UnixStream> + Clone + Send + Sync + 'static,
    R::Socket: Send + Sync,
{
    let (command, spawned) = unblock(move || {
        let spawned = command.connect();
        (command, spawned)
    })
    .await;
    let (Spawned { process, stderr }, socket) = spawned?;
    let stderr = Watched::new(register.clone(), stderr)?;
    let running = Running::new(&command, process, Box::new(stderr));
    let mut running = running.with_socket(&socket)?;
    if has_greeting {
        let copy = Watched::new(register.clone(), socket.try_clone()?)?;
        if !running.has_greeted(&copy).await {
            running.end().await?;
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("command {command} ended without a byte"),
            ));
        }
    }
    let socket = register.register(socket)?;
    Ok(CommandStream::new(register.finish(socket)?, running))
}
