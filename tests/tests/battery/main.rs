//! The same battery over every adapter, on real sockets.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

mod bind;
mod clock;
mod descriptor;
mod failure;
mod hook;
mod lookup;
mod option;
mod race;
mod send;
mod server;
mod stuck;
mod target;
mod task;
mod unix;
mod unreachable;
