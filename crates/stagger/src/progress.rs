//! How an attempt tells the race that it has got further.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How an attempt tells the race that it has got further: the transport is up, and a handshake
/// over it has begun.
///
/// A connector with a second step calls [`made`](Self::made) between the two, in the attempt's own
/// poll. The report and the observer then have the step, and
/// [`Policy::handshake_delay`](crate::Policy::handshake_delay) may postpone the next start. A clone
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

struct Shared {
    made: AtomicU8,
}

/// Nothing has been reported.
const NONE: u8 = 0;
/// Progress was reported, and the race has not looked yet.
const MADE: u8 = 1;
/// The race knows, or the attempt has ended.
const CLOSED: u8 = 2;

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

    /// Progress that a race looks at.
    pub(crate) fn watched() -> Self {
        Self(Some(Arc::new(Shared { made: AtomicU8::new(NONE) })))
    }

    /// Whether progress has been made since this was asked; true once at the most.
    pub(crate) fn take_made(&self) -> bool {
        let taken = |shared: &Arc<Shared>| {
            shared.made.compare_exchange(MADE, CLOSED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        self.0.as_ref().is_some_and(taken)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("watched", &self.0.is_some()).finish_non_exhaustive()
    }
}
