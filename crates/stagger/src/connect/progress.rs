//! How an attempt tells the race that it has got further.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::observe::ChildStep;

/// How many races inside one attempt hand their steps up. An honest attempt has one for each hop.
/// The number is ours.
const MAX_CHILDREN: usize = 64;

/// How many steps of races inside one attempt wait for the outer race to look. It looks after each
/// poll, so an honest attempt has a few. The number is ours.
const MAX_STEPS: usize = 4096;

/// How an attempt tells the race that it has got further: the transport is up, and a handshake
/// over it has begun.
///
/// A connector with a second step calls [`made`](Self::made) between the two, in the attempt's own
/// poll. The report and the observer then have the step, and
/// [`Policy::with_handshake_delay`](crate::Policy::with_handshake_delay) may postpone the next start. A clone
/// speaks for the same attempt.
///
/// # Examples
///
/// An attempt whose transport is up after 20 ms, and whose handshake takes 30 ms more:
///
/// ```
/// use stagger::{Candidate, Connector, Timer as _};
/// use stagger_testkit::{Clock, ms};
///
/// struct Handshake(Clock);
///
/// impl Connector<u16> for Handshake {
///     type Connection = u16;
///     type Error = std::io::Error;
///     type Attempt = std::pin::Pin<Box<dyn Future<Output = std::io::Result<u16>>>>;
///
///     fn connect(&self, to: Candidate<u16>) -> Self::Attempt {
///         let clock = self.0.clone();
///         Box::pin(async move {
///             clock.sleep_until(clock.now() + ms(20)).await;
///             to.progress().made();
///             clock.sleep_until(clock.now() + ms(30)).await;
///             Ok(to.into_address())
///         })
///     }
/// }
///
/// let clock = Clock::new();
/// let port = clock.run(Handshake(clock.clone()).connect(Candidate::new(443)))?;
/// assert_eq!((port, clock.elapsed()), (443, ms(50)));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Shared>>);

/// What an attempt and its race share.
pub(crate) struct Shared {
    made: AtomicU8,
    /// None if nobody wants to hear of races inside.
    children: Option<Mutex<Children>>,
}

/// The races inside an attempt.
#[derive(Default)]
struct Children {
    /// How many have begun.
    begun: usize,
    steps: Vec<ChildStep>,
    /// Steps have been lost for want of room: from here on only ends of races are taken.
    is_full: bool,
    /// The attempt has ended: whatever comes now is ignored.
    is_over: bool,
}

/// Nothing has been reported.
const NONE: u8 = 0;
/// Progress was reported, and the race has not looked yet.
const MADE: u8 = 1;
/// The race knows.
const TAKEN: u8 = 2;

impl Progress {
    /// Tells the race that the attempt has got further. Only the first call of an attempt counts.
    ///
    /// The race looks when the attempt's poll returns, so call this within that poll. A call from
    /// another thread is seen at the attempt's next poll at the earliest. A call after the end of
    /// the attempt is ignored.
    pub fn made(&self) {
        if let Some(shared) = &self.0 {
            // A failure means that it was made before, or is closed.
            let _ = shared.made.compare_exchange(NONE, MADE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Progress that a race looks at. It hears of races inside, if it wants to.
    pub(crate) fn watched(wants_children: bool) -> Self {
        let children = wants_children.then(Mutex::default);
        Self(Some(Arc::new(Shared { made: AtomicU8::new(NONE), children })))
    }

    /// Whether a race looks at it.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn shared(&self) -> Option<&Arc<Shared>> {
        self.0.as_ref()
    }

    /// The steps of races inside that the outer race has not heard yet.
    pub(crate) fn take_steps(&self) -> Vec<ChildStep> {
        let children = self.0.as_ref().and_then(|shared| shared.children());
        children.map_or_else(Vec::new, |mut children| std::mem::take(&mut children.steps))
    }

    /// The attempt has ended: says what the race has not heard, and ignores what comes from now on.
    pub(crate) fn close(&self) -> Vec<ChildStep> {
        let Some(shared) = &self.0 else { return Vec::new() };
        let Some(mut children) = shared.children() else { return Vec::new() };
        children.is_over = true;
        std::mem::take(&mut children.steps)
    }

    /// Whether progress has been made since this was asked; true once at the most.
    pub(crate) fn take_made(&self) -> bool {
        let taken = |shared: &Arc<Shared>| {
            shared.made.compare_exchange(MADE, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        self.0.as_ref().is_some_and(taken)
    }
}

impl Shared {
    /// The number of a new race inside the attempt; none if its steps are not wanted.
    pub(crate) fn enroll(&self) -> Option<usize> {
        let mut children = self.children()?;
        if children.is_over || children.begun == MAX_CHILDREN {
            return None;
        }
        children.begun += 1;
        Some(children.begun - 1)
    }

    /// Whether a step of a race inside would be heard now.
    pub(crate) fn is_listening(&self, is_end: bool) -> bool {
        let Some(mut children) = self.children() else { return false };
        children.is_full |= children.steps.len() >= MAX_STEPS;
        !children.is_over && (is_end || !children.is_full)
    }

    /// Hands a step of a race inside up.
    pub(crate) fn hand_up(&self, step: ChildStep) {
        if let Some(mut children) = self.children() {
            if !children.is_over {
                children.steps.push(step);
            }
        }
    }

    /// No code of a caller's runs under the lock.
    fn children(&self) -> Option<MutexGuard<'_, Children>> {
        let children = self.children.as_ref()?;
        Some(children.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("watched", &self.0.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observe::Parent;
    use crate::observe::Step;

    #[test]
    fn an_attempt_that_has_ended_keeps_nothing_of_what_comes_later() {
        let progress = Progress::watched(true);
        let parent = Parent::new(&progress).expect("the race wants to hear of it");
        let step: Step<'_, String> = Step::Resolved;
        parent.tell(Duration::ZERO, step);
        assert_eq!(progress.close().len(), 1);
        parent.tell(Duration::ZERO, step);
        assert!(progress.take_steps().is_empty());
        assert!(Parent::new(&progress).is_none());
    }

    #[test]
    fn what_waits_for_the_race_to_look_is_bounded() {
        let progress = Progress::watched(true);
        let parents: Vec<_> = (0..MAX_CHILDREN).map(|_| Parent::new(&progress)).collect();
        assert!(Parent::new(&progress).is_none());
        let parent = parents[0].as_ref().expect("there is room");
        let step: Step<'_, String> = Step::Resolved;
        for _ in 0..=MAX_STEPS {
            parent.tell(Duration::ZERO, step);
        }
        assert_eq!(progress.take_steps().len(), MAX_STEPS);
        // There is room again, but what was lost would make nonsense of what follows.
        parent.tell(Duration::ZERO, step);
        let end: Step<'_, String> = Step::Cancelled;
        parent.tell(Duration::ZERO, end);
        assert_eq!(progress.take_steps().len(), 1);
    }

    #[test]
    fn progress_counts_once() {
        let progress = Progress::watched(false);
        assert!(!progress.take_made());
        progress.made();
        progress.clone().made();
        assert!(progress.take_made());
        progress.made();
        assert!(!progress.take_made());
        Progress::default().made();
    }
}
