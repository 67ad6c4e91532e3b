//! What a [`DnsResolver`](crate::DnsResolver) returns, and its resolver for literals.
//!
//! - [`DnsAnswers`] is the stream of its answers.
//! - [`FinishLookups`] is the future that polls its lingering lookups.
//! - [`Numeric`] answers targets that consist of numbers.

mod answer;
mod answer_sorting;
mod dns_answers;
mod finish_lookups;
mod name;
mod numeric;
mod query_records;
pub(crate) mod resolver;
mod settings;
mod setup;
mod unsorted_answers;

pub use self::dns_answers::DnsAnswers;
pub use self::finish_lookups::FinishLookups;
pub use self::numeric::{NotNumeric, Numeric, NumericAnswers};
