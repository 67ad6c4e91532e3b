//! TLS inside the race, on every runtime, against real servers.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

mod certificate;
mod client;
mod fault;
mod garbage;
mod leak;
mod name;
mod protocol;
mod random;
mod real;
mod stack;
mod stall;
mod version;
