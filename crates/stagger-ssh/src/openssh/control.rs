//! OpenSSH's control socket as a backend.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use stagger::Target;

use crate::backend::{Backend, Hop, Opening};
use crate::runtime::Socket;
use crate::{SshError, SshErrorKind};

use super::channel::{Control, ControlError};
use super::{directory, invocation, master};

/// Opens connections over the control sockets of OpenSSH (`ControlPath` of ssh_config(5)), which is
/// the default.
///
/// A master is an ssh(1) that has logged in at a host. It opens a connection within a round trip,
/// and reports whether that succeeded. For a host, this order of precedence holds:
///
/// 1. The master at the configured `ControlPath`, if it is there.
/// 2. A new master at that path, if `ControlMaster` is `yes` or `auto`. With `ask` or `autoask` the
///    path is left to ssh(1), because a new master asks no questions.
/// 3. A master in a private folder: see [`with_folder`](Self::with_folder).
///
/// A new master runs for the configured `ControlPersist` after its last connection, by default
/// 60 s. The number is ours. For a host that is reached by TCP, the race runs here, and ssh gets
/// the connected socket. A host behind jump hosts also needs a master for each jump host.
///
/// A socket of another user is an error, unless that user is root. ssh never prompts
/// (`BatchMode`), and a new master sets up no forwardings of the configuration.
///
/// The control socket does not report why a host did not connect to a target. So the kind of the
/// error is [`Refused`](SshErrorKind::Refused), even if the host forbids the connection.
///
/// # Cancel safety
///
/// A connect that is dropped stops the masters that it started, off the runtime's threads. They
/// stay if another connect that used them has finished.
///
/// A connect waits for another connect that starts the same master. So poll a connect until it is
/// ready, or drop it.
///
/// # Examples
///
/// ```
/// use stagger_ssh::ControlSocket;
///
/// let backend = ControlSocket::new();
/// assert!(backend.starts());
/// assert_eq!(backend.program(), "ssh");
/// // Uses only masters that the user started.
/// assert!(!backend.without_start().starts());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSocket(Arc<Settings>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    program: OsString,
    starts: bool,
    folder: Option<PathBuf>,
}

impl ControlSocket {
    /// Makes the backend. It starts masters where none is there.
    pub fn new() -> Self {
        Self(Arc::new(Settings { program: "ssh".into(), starts: true, folder: None }))
    }

    /// Uses this program in place of `ssh`.
    pub fn with_program(mut self, program: impl Into<OsString>) -> Self {
        Arc::make_mut(&mut self.0).program = program.into();
        self
    }

    /// Sets the folder of masters that the configuration does not ask for. It is made if it is
    /// missing, and no other user may have access to it.
    ///
    /// The default is `$XDG_RUNTIME_DIR/stagger-ssh`, or `stagger-ssh-<uid>` in the system's folder
    /// for temporary files. The path of a socket has at most 90 bytes on Linux. A slash and the
    /// socket's name take 21 of them.
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.0).folder = Some(folder.into());
        self
    }

    /// Starts no masters, and only uses those at a configured `ControlPath`.
    pub fn without_start(mut self) -> Self {
        Arc::make_mut(&mut self.0).starts = false;
        self
    }

    /// Returns the program.
    pub fn program(&self) -> &OsStr {
        &self.0.program
    }

    /// Returns the folder of masters that the configuration does not ask for.
    pub fn folder(&self) -> PathBuf {
        self.0.folder.clone().unwrap_or_else(directory::default)
    }

    /// Returns whether it starts masters.
    pub fn starts(&self) -> bool {
        self.0.starts
    }
}

impl Default for ControlSocket {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Send + 'static> Backend<S> for ControlSocket {
    fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S> {
        let forward = invocation::forward(hop.host(), to);
        let (settings, target) = (self.clone(), to.to_string());
        Box::pin(async move {
            let (name, port) = forward?;
            match open(&settings, &hop, &name, port, &target).await {
                // The master has ended since it was found, as at the end of its time.
                Err(error) if error.kind() == SshErrorKind::Lost => {
                    open(&settings, &hop, &name, port, &target).await
                }
                outcome => outcome,
            }
        })
    }
}

/// Ends the channel when the stream is dropped.
struct Channel(#[expect(dead_code, reason = "it is held")] Control);

async fn open<S: Send + 'static>(
    settings: &ControlSocket,
    hop: &Hop<S>,
    name: &str,
    port: u16,
    target: &str,
) -> Result<S, SshError> {
    let lease = master::lease(settings.clone(), hop.clone()).await?;
    let outcome = lease.control.forward(name, port).await;
    // Finished, also where it failed: the login was right.
    lease.keep();
    let error = |error: ControlError| error.at(hop.host(), &lease.path, target);
    let socket = outcome.map_err(error)?;
    let stream = hop.runtime.stream(Socket::Unix(socket), Some(Box::new(Channel(lease.control))));
    stream.map_err(|source| {
        SshError::new(SshErrorKind::Command, hop.host(), "the runtime takes no stream")
            .with_source(source)
    })
}
