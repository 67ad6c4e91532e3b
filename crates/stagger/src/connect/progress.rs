//! How an attempt reports its progress to the race.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::drivers::lock;
use crate::observe::ChildStep;

/// At most this many races inside one attempt pass their steps to the outer race: 64. An honest
/// attempt has one race for each hop. The number is ours.
const MAX_CHILDREN: usize = 64;

/// At most this many steps of inner races wait for the outer race: 4096. The outer race takes them
/// after each poll, so an honest attempt has a few. The number is ours.
const MAX_STEPS: usize = 4096;

/// Reports the progress of an attempt: the transport is connected, and a handshake over it has
/// begun.
///
/// A connector with a second step calls [`made`](Self::made) between its two steps, in the attempt's own
/// poll. The report and the observer then have that step. [`Policy::with_handshake_delay`](crate::Policy::with_handshake_delay) may
/// then postpone the next start. A clone reports for the same attempt.
///
/// # Examples
///
/// The transport of this attempt connects after 20 ms, and its handshake takes 30 ms more:
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

/// The state that an attempt and its race share.
pub(crate) struct Shared {
    made: AtomicU8,
    /// Absent if nothing wants the steps of inner races.
    children: Option<Mutex<Children>>,
}

/// The races inside an attempt.
#[derive(Default)]
struct Children {
    /// The number of races that have begun.
    begun: usize,
    steps: Vec<ChildStep>,
    /// Steps were lost because there was no room. From then on only the ends of races are taken.
    is_full: bool,
    /// The attempt has ended. Later steps are ignored.
    is_over: bool,
}

/// Nothing has been reported.
const NONE: u8 = 0;
/// Progress was reported, and the race has not read it yet.
const MADE: u8 = 1;
/// The race has read it.
const TAKEN: u8 = 2;

impl Progress {
    /// Reports to the race that the attempt has made progress. Only the first call of an attempt
    /// counts.
    ///
    /// Call this within the attempt's poll, because the race reads it when that poll returns. The
    /// race sees a call from another thread at the attempt's next poll at the earliest. A call
    /// after the end of the attempt is ignored.
    pub fn made(&self) {
        if let Some(shared) = &self.0 {
            // A failure means that progress was reported before, or that the attempt has ended.
            let _ = shared.made.compare_exchange(NONE, MADE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Progress that a race reads. `wants_children` asks for the steps of inner races as well.
    pub(crate) fn watched(wants_children: bool) -> Self {
        let children = wants_children.then(Mutex::default);
        Self(Some(Arc::new(Shared { made: AtomicU8::new(NONE), children })))
    }

    /// Whether a race reads it.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn shared(&self) -> Option<&Arc<Shared>> {
        self.0.as_ref()
    }

    /// Takes the steps of inner races that the outer race has not taken yet.
    pub(crate) fn take_steps(&self) -> Vec<ChildStep> {
        let children = self.0.as_ref().and_then(|shared| shared.children());
        children.map_or_else(Vec::new, |mut children| std::mem::take(&mut children.steps))
    }

    /// Ends the attempt. Returns the remaining steps, and ignores all later ones.
    pub(crate) fn close(&self) -> Vec<ChildStep> {
        let Some(shared) = &self.0 else { return Vec::new() };
        let Some(mut children) = shared.children() else { return Vec::new() };
        children.is_over = true;
        std::mem::take(&mut children.steps)
    }

    /// Whether progress was reported since the last call. It returns true at most once.
    pub(crate) fn take_made(&self) -> bool {
        let taken = |shared: &Arc<Shared>| {
            shared.made.compare_exchange(MADE, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        self.0.as_ref().is_some_and(taken)
    }
}

impl Shared {
    /// The number of a new race inside the attempt, or `None` if its steps are not wanted.
    pub(crate) fn enroll(&self) -> Option<usize> {
        let mut children = self.children()?;
        if children.is_over || children.begun == MAX_CHILDREN {
            return None;
        }
        children.begun += 1;
        Some(children.begun - 1)
    }

    /// Whether a step of an inner race would be taken now.
    pub(crate) fn is_listening(&self, is_end: bool) -> bool {
        let Some(mut children) = self.children() else { return false };
        children.is_full |= children.steps.len() >= MAX_STEPS;
        !children.is_over && (is_end || !children.is_full)
    }

    /// Passes a step of an inner race to the outer race.
    pub(crate) fn hand_up(&self, step: ChildStep) {
        if let Some(mut children) = self.children() {
            if !children.is_over {
                children.steps.push(step);
            }
        }
    }

    /// No caller's code runs under the lock.
    fn children(&self) -> Option<MutexGuard<'_, Children>> {
        let children = self.children.as_ref()?;
        Some(lock(children))
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
        // There is room again, but later steps would make no sense without the lost ones.
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
