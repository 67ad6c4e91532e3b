//! `ssh -W` as a backend.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::sync::Arc;

use blocking::unblock;
use stagger::Target;

use crate::backend::{Backend, Hop, Opening};
use crate::command::{CommandError, Running, Spawned};
use crate::runtime::Socket;
use crate::{Command, SshError, SshErrorKind, SshHost};

use super::{invocation, verdict};

/// Opens each connection by a command of its own: `ssh -W host:port alias`.
///
/// It works with every setting of OpenSSH, and each connection logs in anew. ssh dials the first
/// hop itself, one address after the other, unless there is a
/// [dial command](Self::with_dial_command). It uses masters at a configured `ControlPath`, and
/// starts none. ssh never prompts (`BatchMode`).
///
/// Success is unknown until the server sends its first byte. A connect succeeds once ssh runs, and
/// a failure comes with the first read. [`with_greeting`](Self::with_greeting) waits for the first
/// byte.
///
/// # Cancel safety
///
/// Dropping the connect, or the stream, kills ssh with all commands that it runs.
///
/// # Examples
///
/// ```
/// use stagger_ssh::SshCommand;
///
/// // For an SSH server or a mail server, which speaks first.
/// let backend = SshCommand::new()
///     .with_dial_command("stagger connect --pipe %h %p")
///     .with_greeting();
/// assert!(backend.has_greeting());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SshCommand(Arc<Settings>);

#[derive(Clone, PartialEq, Eq)]
struct Settings {
    program: OsString,
    dial_command: Option<String>,
    has_greeting: bool,
}

impl SshCommand {
    /// Makes the backend.
    pub fn new() -> Self {
        let program = "ssh".into();
        Self(Arc::new(Settings { program, dial_command: None, has_greeting: false }))
    }

    /// Uses this program in place of `ssh`.
    pub fn with_program(mut self, program: impl Into<OsString>) -> Self {
        Arc::make_mut(&mut self.0).program = program.into();
        self
    }

    /// Sets the `ProxyCommand` of a first hop that is reached by TCP. The line has the tokens of
    /// ssh_config(5), such as `%h` and `%p`.
    ///
    /// With `stagger connect --pipe %h %p`, the first hop is a race.
    pub fn with_dial_command(mut self, line: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).dial_command = Some(line.into());
        self
    }

    /// Leaves the dial to ssh, which is the default.
    pub fn without_dial_command(mut self) -> Self {
        Arc::make_mut(&mut self.0).dial_command = None;
        self
    }

    /// Waits in each connect for the first byte of the target, which must speak first. A failure
    /// of ssh is then the error of the connect.
    pub fn with_greeting(mut self) -> Self {
        Arc::make_mut(&mut self.0).has_greeting = true;
        self
    }

    /// Returns the program.
    pub fn program(&self) -> &OsStr {
        &self.0.program
    }

    /// Returns whether it has a dial command.
    pub fn has_dial_command(&self) -> bool {
        self.0.dial_command.is_some()
    }

    /// Returns whether a connect waits for the first byte.
    pub fn has_greeting(&self) -> bool {
        self.0.has_greeting
    }

    /// The command that reaches a target from a host.
    fn command(&self, host: &SshHost, to: &Target) -> Result<Command, SshError> {
        let (name, port) = invocation::forward(host, to)?;
        let Settings { program, dial_command, .. } = &*self.0;
        // A master in the background would outlive the connect.
        let command = invocation::begin(program, host).with_arg("-oControlMaster=no");
        let command = invocation::with_route(command, program, host, dial_command.as_deref());
        let command = command.with_arg("-W").with_arg(invocation::stdio_forward(&name, port));
        Ok(invocation::end(command, host))
    }
}

impl Default for SshCommand {
    fn default() -> Self {
        Self::new()
    }
}

/// Leaves out the dial command, which may have secrets.
impl fmt::Debug for SshCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshCommand")
            .field("program", &self.0.program)
            .field("has_dial_command", &self.has_dial_command())
            .field("has_greeting", &self.has_greeting())
            .finish()
    }
}

impl<S: Send + 'static> Backend<S> for SshCommand {
    fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S> {
        let command = self.command(hop.host(), to);
        let has_greeting = self.has_greeting();
        let target = to.to_string();
        Box::pin(async move { open(hop, command?, has_greeting, &target).await })
    }
}

async fn open<S: Send + 'static>(
    hop: Hop<S>,
    command: Command,
    has_greeting: bool,
    target: &str,
) -> Result<S, SshError> {
    let host = hop.host();
    let (command, spawned) = unblock(move || {
        let spawned = command.connect();
        (command, spawned)
    })
    .await;
    let (Spawned { process, stderr }, socket) =
        spawned.map_err(|error| invocation::not_started(host, &command, error))?;
    let local = |error: io::Error| {
        SshError::new(SshErrorKind::Command, host, "the runtime takes no socket").with_source(error)
    };
    let running = Running::new(&command, process, hop.runtime.local(stderr).map_err(local)?);
    let mut running = running.with_socket(&socket).map_err(local)?;
    if has_greeting {
        let copy = socket.try_clone().map_err(local)?;
        let copy = hop.runtime.local(copy).map_err(local)?;
        if !running.has_greeted(&*copy).await {
            return Err(match running.end().await {
                Err(error) => failed(host, error, target),
                Ok(()) => SshError::new(
                    SshErrorKind::Lost,
                    host,
                    format!("{target} closed the connection without a byte"),
                ),
            });
        }
    }
    hop.runtime.stream(Socket::Unix(socket), Some(Box::new(running))).map_err(local)
}

/// The error of an ssh that failed.
fn failed(host: &SshHost, error: io::Error, target: &str) -> SshError {
    let failed = error.get_ref().and_then(|error| error.downcast_ref::<CommandError>());
    let Some(failed) = failed else {
        return SshError::new(SshErrorKind::Command, host, "ssh cannot be waited for")
            .with_source(error);
    };
    let kind = verdict::kind(failed.stderr());
    let line = verdict::line(failed.stderr(), kind);
    let (host, next) = verdict::culprit(host, failed.stderr());
    let target = match next {
        Some(next) => format!("{}:{}", next.config().host_name(), next.config().port()),
        None => target.to_owned(),
    };
    let text = match kind {
        SshErrorKind::HostKey => format!("its host key is unknown or has changed: {line}"),
        SshErrorKind::Login => format!("it refused the login: {line}"),
        SshErrorKind::Refused => format!("the host did not connect to {target}: {line}"),
        SshErrorKind::Forbidden => format!("the host forbids a connection to {target}: {line}"),
        _ if line.is_empty() => format!("ssh ended with {} and no message", failed.status()),
        _ => format!("ssh ended with {}: {line}", failed.status()),
    };
    SshError::new(kind, &host, text)
}
