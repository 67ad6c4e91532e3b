//! When an attempt started, by the report alone.

use std::fmt::Debug;
use std::time::Duration;

use stagger::report::{AttemptOutcome, AttemptReport};

/// Checks that `first` failed and `second` started at that instant of the race's clock, however
/// long the machine took over it.
///
/// A machine so loaded that it saw the failure only after the attempt delay shows nothing, and
/// does not fail the test either: `second` must then have kept the delay.
///
/// # Panics
///
/// If it is otherwise.
pub fn assert_at_once<A: Debug>(
    first: &AttemptReport<A>,
    second: &AttemptReport<A>,
    attempt_delay: Duration,
) {
    if first.ended - first.started < attempt_delay {
        assert!(matches!(first.outcome, AttemptOutcome::Failed(_)), "{first:?}");
        assert_eq!(second.started, first.ended, "{first:?} and {second:?}");
    } else {
        assert!(second.started - first.started >= attempt_delay, "{first:?} and {second:?}");
    }
}
