//! What the driver of a link writes, and its handles read.
//!
//! No code of the program runs under the lock: values are cloned and dropped, and wakers woken and
//! dropped, after it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::{fmt, mem};

use stagger::drivers;
use stagger::error::SharedError;

use crate::{LinkError, ReconnectState};

/// The state of a link.
pub(crate) struct Board<C>(Mutex<Content<C>>);

struct Content<C> {
    state: ReconnectState,
    current: Option<Arc<C>>,
    failures: u32,
    total_failures: u64,
    last_error: Option<SharedError>,
    /// Why there will be no further connection. There is no current connection then.
    ended: Option<LinkError>,
    draining: bool,
    handles: usize,
    waiters: BTreeMap<u64, Waiter>,
    next_waiter: u64,
    driver: Option<Waker>,
}

struct Waiter {
    waker: Waker,
    /// The number of total failures that ends the wait with an error.
    fails_at: Option<u64>,
}

/// The result of one poll of a wait.
pub(crate) enum Wait<C> {
    Connected(Arc<C>),
    Ended(LinkError),
    Pending,
}

impl<C> Board<C> {
    /// Creates a board with one handle.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Content {
            state: ReconnectState::Idle,
            current: None,
            failures: 0,
            total_failures: 0,
            last_error: None,
            ended: None,
            draining: false,
            handles: 1,
            waiters: BTreeMap::new(),
            next_waiter: 0,
            driver: None,
        }))
    }

    fn content(&self) -> MutexGuard<'_, Content<C>> {
        drivers::lock(&self.0)
    }

    // For the handles.

    pub(crate) fn state(&self) -> ReconnectState {
        self.content().state
    }

    pub(crate) fn failures(&self) -> u32 {
        self.content().failures
    }

    pub(crate) fn last_error(&self) -> Option<SharedError> {
        self.content().last_error.clone()
    }

    pub(crate) fn current(&self) -> Option<Arc<C>> {
        self.content().current.clone()
    }

    pub(crate) fn add_handle(&self) {
        self.content().handles += 1;
    }

    pub(crate) fn remove_handle(&self) {
        let driver = {
            let mut content = self.content();
            content.handles -= 1;
            if content.handles == 0 { content.driver.take() } else { None }
        };
        wake(driver);
    }

    /// Ends the link, unless it has ended.
    pub(crate) fn end(&self, error: LinkError) {
        let (waiters, driver, current) = {
            let mut content = self.content();
            if content.ended.is_some() {
                return;
            }
            content.ended = Some(error);
            content.state = ReconnectState::Ended;
            let waiters = mem::take(&mut content.waiters);
            (waiters, content.driver.take(), content.current.take())
        };
        wake(waiters.into_values().map(|waiter| waiter.waker));
        wake(driver);
        drop(current);
    }

    /// Ends the link when its current connection is lost, or now if there is none.
    pub(crate) fn drain(&self) {
        let is_connected = {
            let mut content = self.content();
            content.draining = true;
            content.current.is_some()
        };
        if !is_connected {
            self.end(LinkError::Stopped);
        }
    }

    /// One poll of a wait. `key` is the wait's place among the waiters, if it has one.
    pub(crate) fn wait(
        &self,
        key: &mut Option<u64>,
        fails_at: &mut Option<u64>,
        max_failures: Option<u32>,
        waker: &Waker,
    ) -> Wait<C> {
        let waker = waker.clone();
        let (outcome, replaced) = {
            let mut content = self.content();
            if fails_at.is_none() {
                let total = content.total_failures;
                *fails_at = max_failures.map(|most| total.saturating_add(most.into()));
            }
            let outcome = content.outcome(*fails_at, max_failures);
            let replaced = if let Wait::Pending = outcome {
                let number = *key.get_or_insert_with(|| {
                    content.next_waiter += 1;
                    content.next_waiter
                });
                content.waiters.insert(number, Waiter { waker, fails_at: *fails_at })
            } else {
                key.take().and_then(|number| content.waiters.remove(&number))
            };
            (outcome, replaced)
        };
        drop(replaced);
        outcome
    }

    pub(crate) fn forget(&self, key: u64) {
        let waiter = self.content().waiters.remove(&key);
        drop(waiter);
    }

    // For the driver.

    /// Registers the driver if it goes on, and returns whether it does.
    pub(crate) fn enter(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (goes_on, unused) = {
            let mut content = self.content();
            let goes_on = content.ended.is_none() && content.handles > 0;
            // The waker of a driver that ends would keep its task in memory as long as the links.
            let unused = if goes_on { content.driver.replace(waker) } else { Some(waker) };
            (goes_on, unused)
        };
        drop(unused);
        goes_on
    }

    /// Writes what the stream does, and shares a new connection. Wakes the waits that end by it. A
    /// connection is dropped if the link has ended.
    pub(crate) fn publish(&self, progress: Progress, value: Option<C>) {
        let Progress { state, failures, total_failures, outcome } = progress;
        let mut value = value.map(Arc::new);
        let (waiters, replaced) = {
            let mut content = self.content();
            if content.ended.is_some() {
                // The lock is released before `value` is dropped, because it was taken later.
                return;
            }
            content.state = state;
            content.failures = failures;
            let has_failed =
                mem::replace(&mut content.total_failures, total_failures) < total_failures;
            let replaced = outcome.map(|error| mem::replace(&mut content.last_error, error));
            let waiters = match value.take() {
                Some(value) => {
                    content.current = Some(value);
                    mem::take(&mut content.waiters)
                }
                None if has_failed => content.failed_waits(),
                // A poll of a connect in progress costs the same with many waits.
                None => BTreeMap::new(),
            };
            (waiters, replaced)
        };
        drop(replaced);
        wake(waiters.into_values().map(|waiter| waiter.waker));
    }

    /// Takes the lost connection back. Returns whether the next may follow.
    pub(crate) fn lost(&self) -> bool {
        let (goes_on, current) = {
            let mut content = self.content();
            let goes_on = content.ended.is_none() && !content.draining;
            if content.ended.is_none() {
                content.state = ReconnectState::Idle;
            }
            (goes_on, content.current.take())
        };
        drop(current);
        goes_on
    }
}

/// What the stream does, for the board.
pub(crate) struct Progress {
    pub(crate) state: ReconnectState,
    pub(crate) failures: u32,
    pub(crate) total_failures: u64,
    /// The error of the connect that has just ended, or its success.
    pub(crate) outcome: Option<Option<SharedError>>,
}

impl<C> Content<C> {
    fn outcome(&self, fails_at: Option<u64>, max_failures: Option<u32>) -> Wait<C> {
        if let Some(error) = &self.ended {
            Wait::Ended(error.clone())
        } else if let Some(current) = &self.current {
            Wait::Connected(current.clone())
        } else if fails_at.is_some_and(|most| self.total_failures >= most) {
            let failures = max_failures.unwrap_or_default();
            Wait::Ended(LinkError::Failed { failures, last: self.last_error.clone() })
        } else {
            Wait::Pending
        }
    }

    /// Takes the waits that have failed.
    fn failed_waits(&mut self) -> BTreeMap<u64, Waiter> {
        let total = self.total_failures;
        let has_failed = |waiter: &Waiter| waiter.fails_at.is_some_and(|most| total >= most);
        let waiters = mem::take(&mut self.waiters);
        let (failed, others) = waiters.into_iter().partition(|(_, waiter)| has_failed(waiter));
        self.waiters = others;
        failed
    }
}

fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl<C> fmt::Debug for Board<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.content();
        f.debug_struct("Board")
            .field("state", &content.state)
            .field("failures", &content.failures)
            .finish_non_exhaustive()
    }
}
