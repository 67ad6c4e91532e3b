//! A file that is read when it is asked for, and again when it has changed.

mod check;
mod error;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use event_listener::{Event, EventListener};

use self::check::{Read, Stamp, check};
pub use self::error::FileError;
use crate::{AddressPolicy, Config, Environment, Hosts, Parsed, Switch};

/// How long a file is taken as it was before it is looked at again: 1 s. The number is ours.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The most bytes of a `resolv.conf`, `nsswitch.conf` or `gai.conf`: 1 MiB. The bound is ours; honest ones have
/// some hundred bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The most bytes of a hosts file: 64 MiB, which is over a million lines. The bound is ours.
pub const MAX_HOSTS_BYTES: u64 = 64 << 20;

/// A configuration file that is read when it is first asked for, and again when it has changed.
///
/// Once a [`CHECK_INTERVAL`] the file is looked at: its time of change, size and inode. In between
/// the last result is handed out again, an error too. A missing file
/// counts as an empty one. A file that can't be read, a directory, or a file that is too large is an
/// error that names it. It is tried again at the next look.
///
/// Files are read on a thread of the pool for lookups (`stagger-net`), never on the runtime's.
/// However many ask, one thread at a time works for a file, also when the file system is stuck. If no
/// thread can be started, the last result is handed out once more. If there is none, that is an
/// error, and the next call tries again.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use stagger::resolve::Families;
/// use stagger_dns::{Environment, Watched};
///
/// # futures_lite::future::block_on(async {
/// let file = Watched::hosts("/etc/hosts", Environment::of_process());
/// let hosts = file.get(Instant::now()).await?;
/// for addr in hosts.value.addresses("localhost", Families::Any, 80) {
///     assert!(addr.ip().is_loopback());
/// }
/// # Ok::<_, stagger_dns::FileError>(())
/// # }).unwrap();
/// ```
pub struct Watched<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    path: PathBuf,
    max_bytes: u64,
    parse: Box<Parse<T>>,
    /// Runs a look at the file on a thread, or says why there is none.
    on_thread: OnThread,
    state: Mutex<State<T>>,
    /// Told when a check has ended.
    checked: Event,
}

struct State<T> {
    /// The last result, and the time that the check was given.
    last: Option<(Instant, Outcome<T>)>,
    /// What the file of the last result looked like, if that can tell a change.
    stamp: Option<Stamp>,
    is_checking: bool,
    /// How many checks have begun.
    checks: u64,
    /// The last check for which there was no thread, and why. It counts for those alone who waited
    /// for it.
    unstarted: Option<(u64, FileError)>,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { last: None, stamp: None, is_checking: false, checks: 0, unstarted: None }
    }
}

/// Without bytes there is no such file.
type Parse<T> = dyn Fn(Option<&[u8]>) -> T + Send + Sync;

type Outcome<T> = Result<Arc<T>, FileError>;

type OnThread = fn(Box<dyn FnOnce(io::Result<()>) + Send>);

impl Watched<Parsed<Config>> {
    /// A `resolv.conf`, usually `/etc/resolv.conf`; see [`Config::parse`]. It may have
    /// [`MAX_CONFIG_BYTES`]. Zones by name become numbers when it is read, and not again before it
    /// changes.
    pub fn config(path: impl Into<PathBuf>, environment: Environment) -> Self {
        let parse = move |bytes: Option<&_>| Config::parse(bytes.unwrap_or_default(), &environment);
        Self::new(path.into(), MAX_CONFIG_BYTES, parse)
    }
}

impl Watched<Parsed<Hosts>> {
    /// A hosts file, usually `/etc/hosts`; see [`Hosts::parse`]. It may have
    /// [`MAX_HOSTS_BYTES`].
    pub fn hosts(path: impl Into<PathBuf>, environment: Environment) -> Self {
        let parse = move |bytes: Option<&_>| match bytes {
            Some(bytes) => Hosts::parse(bytes, &environment),
            None => Parsed { value: Hosts::missing(), notes: Default::default() },
        };
        Self::new(path.into(), MAX_HOSTS_BYTES, parse)
    }
}

impl Watched<Parsed<Switch>> {
    /// An `nsswitch.conf`, usually `/etc/nsswitch.conf`; see [`Switch::parse`]. It may have
    /// [`MAX_CONFIG_BYTES`].
    pub fn switch(path: impl Into<PathBuf>) -> Self {
        let parse = |bytes: Option<&_>| Switch::parse(bytes.unwrap_or_default());
        Self::new(path.into(), MAX_CONFIG_BYTES, parse)
    }
}

impl Watched<Parsed<AddressPolicy>> {
    /// A `gai.conf`, usually `/etc/gai.conf`; see [`AddressPolicy::parse`]. It may have
    /// [`MAX_CONFIG_BYTES`].
    pub fn address_policy(path: impl Into<PathBuf>) -> Self {
        let parse = |bytes: Option<&_>| AddressPolicy::parse(bytes.unwrap_or_default());
        Self::new(path.into(), MAX_CONFIG_BYTES, parse)
    }
}

impl<T> Watched<T> {
    pub(crate) fn new(
        path: PathBuf,
        max_bytes: u64,
        parse: impl Fn(Option<&[u8]>) -> T + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State::default());
        let parse = Box::new(parse);
        let on_thread = |look: Box<dyn FnOnce(_) + Send>| stagger_net::system::on_thread(look);
        let checked = Event::new();
        Self { shared: Arc::new(Shared { path, max_bytes, parse, on_thread, state, checked }) }
    }

    /// What was last read, without a look at the file. `None` if it was not read yet or could not
    /// be.
    pub(crate) fn peek(&self) -> Option<Arc<T>> {
        self.shared.lock().last.as_ref()?.1.as_ref().ok().cloned()
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl<T: PartialEq + Send + Sync + 'static> Watched<T> {
    /// What is in the file, as of at most [`CHECK_INTERVAL`] before `now`.
    ///
    /// As long as that is the same, each call has the same `Arc`.
    ///
    /// # Errors
    ///
    /// There is a file and it can't be read, or it is larger than is taken.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves. A look at the file that has begun goes on, and serves who asks next.
    ///
    /// # Runtime
    ///
    /// Any.
    pub fn get(&self, now: Instant) -> Reading<T> {
        Reading { shared: Arc::clone(&self.shared), now, awaited: 0, ended: None }
    }
}

impl<T: PartialEq + Send + Sync + 'static> Shared<T> {
    /// The last result if it is new enough, else what tells of the end of a check. `awaited` is the
    /// check that the caller has waited for.
    fn begin(
        self: &Arc<Self>,
        now: Instant,
        awaited: &mut u64,
    ) -> Result<Outcome<T>, EventListener> {
        let mut state = self.lock();
        if let Some((checked, outcome)) = &state.last
            && now.saturating_duration_since(*checked) < CHECK_INTERVAL
        {
            return Ok(outcome.clone());
        }
        if let Some((check, error)) = &state.unstarted
            && check == awaited
        {
            // An old content is better than none.
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
            let check = Check { shared: Arc::clone(self), now };
            (self.on_thread)(Box::new(move |thread| match thread {
                Ok(()) => check.run(),
                Err(error) => check.unstarted(error),
            }));
        }
        Err(ended)
    }
}

impl<T> Shared<T> {
    /// Nothing of a caller's runs under the lock, so a poisoned one is still sound.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in a [`Watched`] file, when that is known.
///
/// # Cancel safety
///
/// Dropped, it leaves, as [`Watched::get`] says.
#[must_use = "futures do nothing unless polled"]
pub struct Reading<T> {
    shared: Arc<Shared<T>>,
    now: Instant,
    /// The number of the check that it waits for; 0 for none.
    awaited: u64,
    /// Tells of the end of a check.
    ended: Option<EventListener>,
}

impl<T: PartialEq + Send + Sync + 'static> Future for Reading<T> {
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

/// One look at the file, which is over when this is dropped: also after a panic, lest those who
/// wait for it wait for ever.
struct Check<T> {
    shared: Arc<Shared<T>>,
    now: Instant,
}

impl<T> Check<T> {
    /// There is no thread to look at the file.
    fn unstarted(self, error: io::Error) {
        let error = FileError::unstarted(&self.shared.path, error);
        let mut state = self.shared.lock();
        state.unstarted = Some((state.checks, error));
    }
}

impl<T: PartialEq> Check<T> {
    fn run(self) {
        let Shared { path, max_bytes, parse, .. } = &*self.shared;
        let (stamp, former) = {
            let state = self.shared.lock();
            let former = state.last.as_ref().and_then(|(_, outcome)| outcome.as_ref().ok());
            (state.stamp, former.cloned())
        };
        let known = stamp.filter(|_| former.is_some());
        let read = check(path, *max_bytes, known, SystemTime::now(), parse);
        let (outcome, stamp) = match (read, former) {
            (Ok(Read::Unchanged), Some(former)) => (Ok(former), stamp),
            (Ok(Read::Unchanged), None) => unreachable!("what is unchanged has been read"),
            (Ok(Read::Anew { value, stamp }), former) => {
                // What is read again and is equal stays the same to who compares pointers.
                let same = former.filter(|former| **former == value);
                (Ok(same.unwrap_or_else(|| Arc::new(value))), stamp)
            }
            (Err(err), _) => (Err(err), None),
        };
        let mut state = self.shared.lock();
        state.stamp = stamp;
        let replaced = state.last.replace((self.now, outcome));
        // A large content is dropped while nobody waits for the lock.
        drop(state);
        drop(replaced);
    }
}

impl<T> Drop for Check<T> {
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

/// Clones share what was read.
impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Reading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
