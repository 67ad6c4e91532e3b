//! The outcome of an attempt, apart from its error.

use crate::report::AttemptOutcome;

/// An [`AttemptOutcome`] without its error. Apart from the error it needs no room of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Running,
    Connected,
    Failed,
    TimedOut,
    Dropped,
    Skipped,
}

/// Splits an outcome.
pub(super) fn split<E>(outcome: AttemptOutcome<E>) -> (Kind, Option<E>) {
    match outcome {
        AttemptOutcome::Running => (Kind::Running, None),
        AttemptOutcome::Connected => (Kind::Connected, None),
        AttemptOutcome::Failed(error) => (Kind::Failed, Some(error)),
        AttemptOutcome::TimedOut => (Kind::TimedOut, None),
        AttemptOutcome::Dropped => (Kind::Dropped, None),
        AttemptOutcome::Skipped(error) => (Kind::Skipped, Some(error)),
    }
}

/// Puts an outcome together again.
pub(super) fn join<E>(kind: Kind, error: Option<E>) -> AttemptOutcome<E> {
    match (kind, error) {
        (Kind::Failed, Some(error)) => AttemptOutcome::Failed(error),
        (Kind::Skipped, Some(error)) => AttemptOutcome::Skipped(error),
        (Kind::Connected, _) => AttemptOutcome::Connected,
        (Kind::TimedOut, _) => AttemptOutcome::TimedOut,
        (Kind::Dropped, _) => AttemptOutcome::Dropped,
        (Kind::Running, _) => AttemptOutcome::Running,
        (Kind::Failed | Kind::Skipped, None) => unreachable!("a failure and a skip have an error"),
    }
}
