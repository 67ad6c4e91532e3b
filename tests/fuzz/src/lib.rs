//! What must hold of whatever others wrote: files, replies of name servers and proxies, and text
//! from anywhere.
//!
//! Each [target](TARGETS) takes bytes and panics if something does not hold. `cargo fuzz` looks for
//! such bytes, with the programs in `fuzz`; the tests here run the targets over the seeds alone, on
//! any toolchain. Three targets reach what no API does, which only a build with `cfg(fuzzing)` has.
#![forbid(unsafe_code)]

mod config;
mod endpoint;
mod history;
mod hosts;
mod literal;
mod lookup;
mod proxy;
mod ssh;
mod switch;
mod target;

use stagger_dns::config::Warnings;

pub use config::config;
pub use endpoint::endpoint;
pub use history::history;
pub use hosts::hosts;
pub use literal::literal;
pub use lookup::lookup;
pub use proxy::proxy;
pub use ssh::ssh;
#[cfg(fuzzing)]
pub use stagger_dns::fuzzing::{message, tcp};
#[cfg(fuzzing)]
pub use stagger_net::fuzzing::control;
pub use switch::switch;
pub use target::target;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// The targets, by the names that `cargo fuzz` and the folders of seeds have.
pub const TARGETS: &[(&str, Target)] = &[
    ("config", config),
    #[cfg(fuzzing)]
    ("control", control),
    ("endpoint", endpoint),
    ("history", history),
    ("hosts", hosts),
    ("literal", literal),
    ("lookup", lookup),
    #[cfg(fuzzing)]
    ("message", message),
    ("proxy", proxy),
    ("ssh", ssh),
    ("switch", switch),
    ("target", target),
    #[cfg(fuzzing)]
    ("tcp", tcp),
];

/// The number of kept warnings is bounded, and each warning is one line.
fn assert_warnings(warnings: &Warnings) {
    assert!(warnings.iter().len() <= Warnings::MAX);
    warnings.iter().for_each(|warning| assert_one_line(&warning.to_string(), 2000));
}

/// What is told to people is one line that a terminal shows as it is, and no longer than this.
fn assert_one_line(text: &str, longest: usize) {
    assert!(!text.contains(|c: char| c.is_control() || reorders(c)), "{text:?}");
    assert!(text.len() <= longest, "{} bytes: {text}", text.len());
}

/// Whether it parts lines or changes the direction of writing.
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
