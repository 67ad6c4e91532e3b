//! Endpoints of text, on every runtime, over real sockets.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

#[macro_use]
mod on;

mod client;
mod fault;
mod inherit;
mod race;
mod relay;
mod secret;
mod server;
mod ssh;
