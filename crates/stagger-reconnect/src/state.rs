//! What a stream or a link does at the moment.

use std::time::Instant;

/// What a [`Reconnect`](crate::Reconnect) or a [`Link`](crate::Link) does at the moment, for logs
/// and health checks. The times are those of the timer.
///
/// # Examples
///
/// ```
/// use futures_lite::StreamExt as _;
/// use stagger::Timer as _;
/// use stagger_reconnect::{Reconnect, ReconnectState};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
/// let mut connections = Reconnect::new(down, clock.clone()).with_backoff([ms(200)].into_iter());
/// assert_eq!(connections.state(), ReconnectState::Idle);
///
/// let failure = clock.run(connections.next());
/// let until = clock.now() + ms(200);
/// assert_eq!(connections.state(), ReconnectState::Waiting { until });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReconnectState {
    /// Nothing is in progress: no connection was asked for, or one was just lost.
    Idle,
    /// A connect is in progress.
    Connecting,
    /// A connection was handed out at this time, and the next was not asked for yet.
    Connected {
        /// When the connection was handed out.
        since: Instant,
    },
    /// The next connect waits until this time. It begins later if it is asked for later.
    Waiting {
        /// When the next connect may begin.
        until: Instant,
    },
    /// No connect will follow.
    Ended,
}
