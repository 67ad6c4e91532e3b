//! The parts of a [`Report`](crate::Report): queries, answers and attempts, with their times.

pub(crate) mod connect;

pub use self::connect::{AttemptOutcome, AttemptReport, End, Outranked, QueryReport, Wait};
