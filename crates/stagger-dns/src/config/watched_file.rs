//! A file that is read at its first use, and again when it has changed.

mod check;
mod error;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use event_listener::{Event, EventListener};
use stagger::drivers::lock;

use self::check::{Checked, FileStamp, check};
pub use self::error::FileError;
use super::address_policy::AddressPolicy;
use super::environment::Environment;
use super::hosts::Hosts;
use super::resolv_conf::Config;
use super::switch::Switch;
use super::warning::Parsed;

/// How long the content of a file is used before the file is looked at again: 1 s. The number is
/// ours.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A configuration file that is read at its first use, and again when it has changed.
///
/// It looks at the file's time of change, size and inode once every
/// [`CHECK_INTERVAL`]. In between it returns the last result again,
/// even if that is an error. A missing file counts as an empty one. A file that can't be read, a
/// directory and a file that is too large are errors that name the file. The next look tries again.
///
/// Files are read on a thread of the pool for lookups (`stagger-net`), never on the runtime's
/// threads. One thread at a time works for a file, whatever the number of callers, even if the file
/// system is stuck. If no thread can be started, the last result is returned once more. Without a
/// last result that is an error, and the next call tries again.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use stagger::resolve::Families;
/// use stagger_dns::{Environment, WatchedFile};
///
/// # futures_lite::future::block_on(async {
/// let file = WatchedFile::hosts("/etc/hosts", Environment::of_process());
/// let hosts = file.get(Instant::now()).await?;
/// for addr in hosts.value.addresses("localhost", Families::Any, 80) {
///     assert!(addr.ip().is_loopback());
/// }
/// # Ok::<_, stagger_dns::config::FileError>(())
/// # }).unwrap();
/// ```
pub struct WatchedFile<T> {
    shared: Arc<SharedFile<T>>,
}

struct SharedFile<T> {
    path: PathBuf,
    max_bytes: u64,
    parse: Box<Parse<T>>,
    /// Runs a check of the file on a thread, or reports why there is no thread.
    on_thread: OnThread,
    state: Mutex<FileState<T>>,
    /// Notified at the end of a check.
    checked: Event,
}

struct FileState<T> {
    /// The last result, and the time of its check.
    last: Option<(Instant, ReadResult<T>)>,
    /// The stamp of the file at the last result, if the stamp can show a change.
    stamp: Option<FileStamp>,
    is_checking: bool,
    /// The number of checks that have begun.
    checks: u64,
    /// The last check without a thread, and its error. It only counts for the callers that waited
    /// for that check.
    unstarted: Option<(u64, FileError)>,
}

impl<T> Default for FileState<T> {
    fn default() -> Self {
        Self { last: None, stamp: None, is_checking: false, checks: 0, unstarted: None }
    }
}

/// Parses the bytes of the file, or `None` for a missing file.
type Parse<T> = dyn Fn(Option<&[u8]>) -> T + Send + Sync;

type ReadResult<T> = Result<Arc<T>, FileError>;

type OnThread = fn(Box<dyn FnOnce(io::Result<()>) + Send>);

impl WatchedFile<Parsed<Config>> {
    /// A `resolv.conf`, usually `/etc/resolv.conf`; see [`Config::parse`]. It may have
    /// [`Config::MAX_BYTES`]. Names of zones become numbers when the file is read.
    pub fn config(path: impl Into<PathBuf>, environment: Environment) -> Self {
        let parse = move |bytes: Option<&_>| Config::parse(bytes.unwrap_or_default(), &environment);
        Self::new(path.into(), Config::MAX_BYTES, parse)
    }
}

impl WatchedFile<Parsed<Hosts>> {
    /// A hosts file, usually `/etc/hosts`; see [`Hosts::parse`]. It may have
    /// [`Hosts::MAX_BYTES`].
    pub fn hosts(path: impl Into<PathBuf>, environment: Environment) -> Self {
        let parse = move |bytes: Option<&_>| match bytes {
            Some(bytes) => Hosts::parse(bytes, &environment),
            None => Parsed { value: Hosts::missing(), warnings: Default::default() },
        };
        Self::new(path.into(), Hosts::MAX_BYTES, parse)
    }
}

impl WatchedFile<Parsed<Switch>> {
    /// An `nsswitch.conf`, usually `/etc/nsswitch.conf`; see [`Switch::parse`]. It may have
    /// [`Switch::MAX_BYTES`].
    pub fn switch(path: impl Into<PathBuf>) -> Self {
        let parse = |bytes: Option<&_>| Switch::parse(bytes.unwrap_or_default());
        Self::new(path.into(), Switch::MAX_BYTES, parse)
    }
}

impl WatchedFile<Parsed<AddressPolicy>> {
    /// A `gai.conf`, usually `/etc/gai.conf`; see [`AddressPolicy::parse`]. It may have
    /// [`AddressPolicy::MAX_BYTES`].
    pub fn address_policy(path: impl Into<PathBuf>) -> Self {
        let parse = |bytes: Option<&_>| AddressPolicy::parse(bytes.unwrap_or_default());
        Self::new(path.into(), AddressPolicy::MAX_BYTES, parse)
    }
}

impl AddressPolicy {
    /// Returns this machine's `/etc/gai.conf`.
    ///
    /// It is `None` if `getaddrinfo` is not that of glibc, because no other one reads the file.
    pub fn of_machine() -> Option<WatchedFile<Parsed<Self>>> {
        cfg!(target_env = "gnu").then(|| WatchedFile::address_policy("/etc/gai.conf"))
    }
}

impl<T> WatchedFile<T> {
    pub(crate) fn new(
        path: PathBuf,
        max_bytes: u64,
        parse: impl Fn(Option<&[u8]>) -> T + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(FileState::default());
        let parse = Box::new(parse);
        let on_thread = |look: Box<dyn FnOnce(_) + Send>| stagger_net::system::on_thread(look);
        let checked = Event::new();
        Self { shared: Arc::new(SharedFile { path, max_bytes, parse, on_thread, state, checked }) }
    }

    /// Returns the last content without a look at the file. It is `None` if the file was not read
    /// yet or could not be read.
    pub(crate) fn peek(&self) -> Option<Arc<T>> {
        self.shared.lock().last.as_ref()?.1.as_ref().ok().cloned()
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl<T: PartialEq + Send + Sync + 'static> WatchedFile<T> {
    /// Returns the content of the file, as it was at most [`CHECK_INTERVAL`] before `now`.
    ///
    /// Each call returns the same `Arc` as long as the content is the same.
    ///
    /// # Errors
    ///
    /// The file exists and can't be read, or it is too large.
    ///
    /// # Cancel safety
    ///
    /// A check of the file that has begun goes on when the future is dropped. The next caller uses
    /// its result.
    ///
    /// # Runtime
    ///
    /// Any runtime.
    pub fn get(&self, now: Instant) -> ReadFile<T> {
        ReadFile { shared: Arc::clone(&self.shared), now, awaited: 0, ended: None }
    }
}

impl<T: PartialEq + Send + Sync + 'static> SharedFile<T> {
    /// Returns the last result if it is new enough. Otherwise it begins a check, or joins the one
    /// that runs, and returns a listener for its end. `awaited` is the check for which the caller
    /// waited.
    fn begin(
        self: &Arc<Self>,
        now: Instant,
        awaited: &mut u64,
    ) -> Result<ReadResult<T>, EventListener> {
        let mut state = self.lock();
        if let Some((checked, outcome)) = &state.last
            && now.saturating_duration_since(*checked) < CHECK_INTERVAL
        {
            return Ok(outcome.clone());
        }
        if let Some((check, error)) = &state.unstarted
            && check == awaited
        {
            // Old content is better than no content.
            return Ok(match &state.last {
                Some((_, Ok(content))) => Ok(Arc::clone(content)),
                _ => Err(error.clone()),
            });
        }
        let ended = self.checked.listen();
        let is_checking = std::mem::replace(&mut state.is_checking, true);
        state.checks += u64::from(!is_checking);
        *awaited = state.checks;
        drop(state);
        if !is_checking {
            let check = RunningCheck { shared: Arc::clone(self), now };
            (self.on_thread)(Box::new(move |thread| match thread {
                Ok(()) => check.run(),
                Err(error) => check.unstarted(error),
            }));
        }
        Err(ended)
    }
}

impl<T> SharedFile<T> {
    fn lock(&self) -> MutexGuard<'_, FileState<T>> {
        // No code of a caller runs under this lock.
        lock(&self.state)
    }
}

/// Reads a [`WatchedFile`]. [`WatchedFile::get`] returns it.
///
/// # Cancel safety
///
/// A check of the file that has begun goes on when this is dropped.
#[must_use = "futures do nothing unless polled"]
pub struct ReadFile<T> {
    shared: Arc<SharedFile<T>>,
    now: Instant,
    /// The number of the check that it waits for. 0 means no check.
    awaited: u64,
    /// The end of a check.
    ended: Option<EventListener>,
}

impl<T: PartialEq + Send + Sync + 'static> Future for ReadFile<T> {
    type Output = Result<Arc<T>, FileError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if let Some(ended) = &mut this.ended {
                ready!(Pin::new(ended).poll(cx));
            }
            match this.shared.begin(this.now, &mut this.awaited) {
                Ok(outcome) => return Poll::Ready(outcome),
                Err(ended) => this.ended = Some(ended),
            }
        }
    }
}

/// One check of the file, which ends when this is dropped. A panic ends it too, so no caller waits
/// for ever.
struct RunningCheck<T> {
    shared: Arc<SharedFile<T>>,
    now: Instant,
}

impl<T> RunningCheck<T> {
    /// Ends the check because no thread could be started.
    fn unstarted(self, error: io::Error) {
        let error = FileError::unstarted(&self.shared.path, error);
        let mut state = self.shared.lock();
        state.unstarted = Some((state.checks, error));
    }
}

impl<T: PartialEq> RunningCheck<T> {
    fn run(self) {
        let SharedFile { path, max_bytes, parse, .. } = &*self.shared;
        let (stamp, former) = {
            let state = self.shared.lock();
            let former = state.last.as_ref().and_then(|(_, outcome)| outcome.as_ref().ok());
            (state.stamp, former.cloned())
        };
        let known = stamp.filter(|_| former.is_some());
        let read = check(path, *max_bytes, known, SystemTime::now(), parse);
        let (outcome, stamp) = match (read, former) {
            (Ok(Checked::Unchanged), Some(former)) => (Ok(former), stamp),
            (Ok(Checked::Unchanged), None) => {
                unreachable!("an unchanged file has been read before")
            }
            (Ok(Checked::Changed { value, stamp }), former) => {
                // Equal content keeps its `Arc`, because callers compare pointers.
                let same = former.filter(|former| **former == value);
                (Ok(same.unwrap_or_else(|| Arc::new(value))), stamp)
            }
            (Err(err), _) => (Err(err), None),
        };
        let mut state = self.shared.lock();
        state.stamp = stamp;
        let replaced = state.last.replace((self.now, outcome));
        // Large content is dropped without the lock.
        drop(state);
        drop(replaced);
    }
}

impl<T> Drop for RunningCheck<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_checking = false;
        if std::thread::panicking() {
            state.stamp = None;
            state.last = Some((self.now, Err(FileError::panicked(&self.shared.path))));
        }
        drop(state);
        self.shared.checked.notify(usize::MAX);
    }
}

/// Clones share the content.
impl<T> Clone for WatchedFile<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for ReadFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadFile").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WatchedFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedFile").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
