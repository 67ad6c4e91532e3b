//! The race's machine against an independent oracle of its rules: every order of events of small
//! races, and many random large races.
#![allow(clippy::disallowed_methods, reason = "virtual time needs an instant to count from")]
#![allow(clippy::print_stdout, reason = "how much was explored, and the seed, are for the reader")]

mod checker;
mod fingerprint;
mod oracle;
mod race;
mod random;
mod rules;
mod scenario;
#[path = "../support/random.rs"]
mod seeded;
