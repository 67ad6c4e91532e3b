//! Masters: OpenSSH's processes that hold a session for many connections.
//!
//! The file has more than 400 lines because the start, the end and the failure of a master share
//! its state.

use std::ffi::OsStr;
use std::fs;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use blocking::unblock;
use futures_lite::FutureExt as _;

use crate::backend::Hop;
use crate::command::{Process, Spawned, Stderr};
use crate::config::ControlPersist;
use crate::runtime::{BoxFuture, Socket};
use crate::{Command, Route, SshError, SshErrorKind, SshHost};

use super::channel::{self, Control, ControlError};
use super::launch::{Launch, Turn};
use super::{ControlSocket, directory, invocation, verdict};

/// How long a master lives without connections if the configuration does not say: 60 s. The number
/// is ours. OpenSSH's master would live until its first connection ends.
const PERSIST: Duration = Duration::from_secs(60);

/// How long the hop before is asked why it did not connect to a host: 5 s. The number is ours. A
/// hop that has refused does so again at once. Any other hop may wait for minutes.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);

/// What ssh prints if the path is taken. It then goes on without a control socket.
const TAKEN: &str = "already exists, disabling multiplexing";

/// A master that a connect of this process started. Unless a connect has finished, dropping the
/// last clone stops it.
#[derive(Debug)]
pub(super) struct Started {
    path: PathBuf,
    is_private: bool,
    id: u32,
    process: Mutex<Option<Process>>,
    turn: Mutex<Option<Turn>>,
    is_kept: AtomicBool,
}

/// A connection to a host's master, and the masters that were started for it.
pub(super) struct Lease {
    pub(super) control: Control,
    pub(super) path: PathBuf,
    // The masters end in this order.
    started: Option<Arc<Started>>,
    parent: Option<Box<Self>>,
    _launch: Arc<Launch>,
}

impl Lease {
    /// Keeps the masters: a connect has finished.
    pub(super) fn keep(&self) {
        if let Some(started) = &self.started {
            started.is_kept.store(true, Ordering::Relaxed);
        }
        if let Some(parent) = &self.parent {
            parent.keep();
        }
    }
}

/// Where the master of a host is.
struct Place {
    path: PathBuf,
    may_start: bool,
    is_private: bool,
}

/// Connects to the master of a host, and starts it if that is allowed.
pub(super) fn lease<S: Send + 'static>(
    settings: ControlSocket,
    hop: Hop<S>,
) -> BoxFuture<Result<Lease, SshError>> {
    Box::pin(async move {
        let host = hop.host().clone();
        let config = host.config();
        let starts = settings.starts();
        let place = match config.control_path() {
            Some(path) => {
                // A master of ours does not ask, so the user's other programs must not find it.
                let may_start = starts && config.control_master() && !config.control_master_asks();
                let place = Place { path: path.to_owned(), may_start, is_private: false };
                match at(&settings, &hop, place).await? {
                    Some(lease) => return Ok(lease),
                    None if starts => private(&settings, &host).await?,
                    None => {
                        return Err(ControlError::Absent.at(&host, path, ""));
                    }
                }
            }
            None if starts => private(&settings, &host).await?,
            None => {
                let text = "the configuration has no ControlPath, and masters are not started";
                return Err(SshError::new(SshErrorKind::Control, &host, text));
            }
        };
        let path = place.path.clone();
        let lease = at(&settings, &hop, place).await?;
        lease.ok_or_else(|| ControlError::Absent.at(&host, &path, ""))
    })
}

/// The place of a master that the configuration does not ask for.
async fn private(settings: &ControlSocket, host: &SshHost) -> Result<Place, SshError> {
    let folder = settings.folder();
    let path = folder.join(directory::name(host));
    let prepared = unblock(move || directory::prepare(&folder)).await;
    prepared.map_err(|text| SshError::new(SshErrorKind::Control, host, text))?;
    Ok(Place { path, may_start: true, is_private: true })
}

/// Connects to the master at a place, and starts it if that is allowed. Without a master, and
/// without a start, there is no lease.
async fn at<S: Send + 'static>(
    settings: &ControlSocket,
    hop: &Hop<S>,
    place: Place,
) -> Result<Option<Lease>, SshError> {
    let launch = Launch::of(&place.path);
    if let Some(lease) = existing(hop, &place.path, &launch).await? {
        return Ok(Some(lease));
    }
    if !place.may_start {
        return Ok(None);
    }
    directory::check(hop.host(), &place.path)?;
    let turn = launch.turn().await;
    // Another connect may have started it meanwhile.
    if let Some(lease) = existing(hop, &place.path, &launch).await? {
        return Ok(Some(lease));
    }
    start(settings, hop, place, launch, turn).await.map(Some)
}

/// Connects to a master that is there. A socket at which nobody listens is no master.
async fn existing<S: Send + 'static>(
    hop: &Hop<S>,
    path: &Path,
    launch: &Arc<Launch>,
) -> Result<Option<Lease>, SshError> {
    // First, so that the master does not end between the two.
    let started = launch.started();
    match Control::connect(&*hop.runtime, path).await {
        Ok(control) => Ok(Some(Lease {
            control,
            path: path.to_owned(),
            started,
            parent: None,
            _launch: launch.clone(),
        })),
        Err(ControlError::Absent | ControlError::Stale) => Ok(None),
        Err(error) => Err(error.at(hop.host(), path, "")),
    }
}

async fn start<S: Send + 'static>(
    settings: &ControlSocket,
    hop: &Hop<S>,
    place: Place,
    launch: Arc<Launch>,
    turn: Turn,
) -> Result<Lease, SshError> {
    let Place { path, is_private, .. } = place;
    let host = hop.host();
    let (parent, command, stdin, stdout) = prepare(settings, hop, &path).await?;
    let started = spawn(host, command, stdin, stdout, &path, is_private, turn).await;
    let (started, stderr) = started.inspect_err(|_| keep(parent.as_deref()))?;
    launch.set_started(&started);
    let mut stderr = Stderr::new(
        hop.runtime
            .local(stderr)
            .map_err(|error| ControlError::System(error).at(host, &path, ""))?,
    );

    let outcome = started.wait(&mut stderr).await;
    // From here on the master needs no process of ours. The next connect may look for it.
    let lease = match outcome {
        Ok(Some(status)) if !status.success() => {
            started.finish();
            keep(parent.as_deref());
            let error = failed(host, status, &stderr.text());
            let is_vague = matches!(error.kind(), SshErrorKind::Lost | SshErrorKind::Command);
            let refusal = match &parent {
                Some(parent) if is_vague => {
                    let late = async {
                        hop.runtime.sleep_until(hop.runtime.now() + REFUSAL_TIMEOUT).await;
                        None
                    };
                    refusal(parent, host).or(late).await
                }
                _ => None,
            };
            return Err(refusal.unwrap_or(error));
        }
        Ok(Some(_)) => Control::connect(&*hop.runtime, &path).await,
        Ok(None) => {
            // Another process was faster. Its master will do.
            started.finish();
            Control::connect(&*hop.runtime, &path).await
        }
        Err(error) => Err(ControlError::System(error)),
    };
    let control = lease.map_err(|error| error.at(host, &path, ""))?;
    started.release_turn();
    Ok(Lease { control, path, started: Some(started), parent, _launch: launch })
}

fn keep(parent: Option<&Lease>) {
    if let Some(parent) = parent {
        parent.keep();
    }
}

/// The command of a master, its input and output, and the lease of the hop before it.
async fn prepare<S: Send + 'static>(
    settings: &ControlSocket,
    hop: &Hop<S>,
    path: &Path,
) -> Result<(Option<Box<Lease>>, Command, Stdio, Stdio), SshError> {
    let (host, program) = (hop.host(), settings.program());
    let command = begin(program, host, path);
    let (parent, command, stdin, stdout) = match host.route() {
        Route::Direct => {
            let fd = match hop.dial().await? {
                Socket::Tcp(socket) => OwnedFd::from(socket),
                Socket::Unix(socket) => OwnedFd::from(socket),
            };
            let copy = fd.try_clone().map_err(|error| {
                SshError::new(SshErrorKind::Program, host, "ssh gets no socket").with_source(error)
            })?;
            // `-`: the connection is its standard input and output (ssh_config(5) has no word on
            // it; sshconnect.c has).
            (None, invocation::with_dial(command, host, "-"), fd.into(), copy.into())
        }
        Route::Through(_) => {
            let parent = hop.parent().expect("a host with this route has a parent");
            let lease = lease(settings.clone(), parent).await?;
            let command = invocation::with_parent(command, program, &lease.path);
            (Some(Box::new(lease)), command, Stdio::null(), Stdio::null())
        }
        Route::Command(_) => (None, command, Stdio::null(), Stdio::null()),
    };
    Ok((parent, invocation::end(command, host), stdin, stdout))
}

/// The arguments of a master. It goes to the background once it has logged in and listens.
fn begin(program: &OsStr, host: &SshHost, path: &Path) -> Command {
    let persist = match host.config().control_persist() {
        ControlPersist::Unset => PERSIST.as_secs().to_string(),
        // It ends with its last connection. Without a time it would not go to the background.
        ControlPersist::No => "1".to_owned(),
        ControlPersist::Forever => "yes".to_owned(),
        ControlPersist::For(time) => time.as_secs().max(1).to_string(),
    };
    // `auto` would open a shell with the connection as its input if the path were taken.
    invocation::begin(program, host)
        .with_args(["-N", "-T", "-oControlMaster=yes", "-oClearAllForwardings=yes"])
        .with_arg(format!("-oControlPersist={persist}"))
        .with_arg("-S")
        .with_arg(invocation::escaped(path.as_os_str()))
}

async fn spawn(
    host: &SshHost,
    command: Command,
    stdin: Stdio,
    stdout: Stdio,
    path: &Path,
    is_private: bool,
    turn: Turn,
) -> Result<(Arc<Started>, std::os::unix::net::UnixStream), SshError> {
    let path = path.to_owned();
    let spawned = unblock(move || {
        // Its last user has ended without removing it. ssh would not replace it.
        let is_stale = std::os::unix::net::UnixStream::connect(&path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if is_stale {
            let _ = fs::remove_file(&path);
        }
        let spawned = command.spawn(stdin, stdout).map_err(|error| (command, error))?;
        let Spawned { process, stderr } = spawned;
        let id = process.id().unwrap_or_default();
        let started = Started {
            path,
            is_private,
            id,
            process: Mutex::new(Some(process)),
            turn: Mutex::new(Some(turn)),
            is_kept: AtomicBool::new(false),
        };
        Ok((Arc::new(started), stderr))
    });
    spawned.await.map_err(|(command, error)| invocation::not_started(host, &command, error))
}

impl Started {
    /// Waits until ssh has ended or gone to the background. `None` means that the path is taken.
    async fn wait(&self, stderr: &mut Stderr) -> io::Result<Option<ExitStatus>> {
        poll_fn(|cx| {
            stderr.poll(cx);
            let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(running) = process.as_mut() else { return Poll::Ready(Ok(None)) };
            let polled = running.poll_wait(cx);
            if polled.is_ready() {
                stderr.finish(cx);
            }
            if stderr.text().contains(TAKEN) {
                return Poll::Ready(Ok(None));
            }
            polled.map_ok(Some)
        })
        .await
    }

    /// Ends the process, and does not touch the socket.
    fn finish(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
        drop(self.process.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.release_turn();
    }

    fn release_turn(&self) {
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if *self.is_kept.get_mut() {
            if let Some(process) = process {
                process.release();
            }
            return;
        }
        if let Some(process) = &process {
            // Not on the other thread: all of these may be waiting for processes.
            process.kill();
        }
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let (path, is_private, id) = (std::mem::take(&mut self.path), self.is_private, self.id);
        let stop = move || {
            if let Some(mut process) = process {
                process.end();
            }
            channel::terminate(&path, id);
            if is_private {
                remove_unfinished(&path);
            }
            // Not before, so that the next master does not meet this one.
            drop(turn);
        };
        unblock(stop).detach();
    }
}

/// Removes sockets that a killed ssh had made and not yet renamed to the path.
fn remove_unfinished(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let prefix = format!("{}.", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let suffix = found.to_str().and_then(|found| found.strip_prefix(&prefix));
        if suffix.is_some_and(|suffix| suffix.len() + 1 == directory::SUFFIX) {
            // Another process may remove it too.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The error of an ssh that did not become a master.
fn failed(host: &SshHost, status: ExitStatus, stderr: &str) -> SshError {
    let kind = verdict::kind(stderr);
    let line = verdict::line(stderr, kind);
    let text = match kind {
        SshErrorKind::HostKey => format!("its host key is unknown or has changed: {line}"),
        SshErrorKind::Login => format!("it refused the login: {line}"),
        _ if line.is_empty() => format!("ssh ended with {status} and no message"),
        _ => format!("ssh ended with {status}: {line}"),
    };
    SshError::new(kind, host, text)
}

/// Whether the hop before refuses to connect to the host. ssh does not report this, because a
/// master runs its `ProxyCommand` without a standard error.
async fn refusal(parent: &Lease, host: &SshHost) -> Option<SshError> {
    let Route::Through(hop) = host.route() else { return None };
    let (name, port) = (host.config().host_name(), host.config().port());
    let error = parent.control.forward(name, port).await.err()?;
    let is_refusal = matches!(error, ControlError::Fault(_));
    is_refusal.then(|| error.at(hop, &parent.path, &invocation::stdio_forward(name, port)))
}
