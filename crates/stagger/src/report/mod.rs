//! The parts of a [`Report`](crate::Report): what was asked, answered and tried, and when.

pub(crate) mod connect;

pub use self::connect::{AttemptOutcome, AttemptReport, End, QueryReport, Wait};
