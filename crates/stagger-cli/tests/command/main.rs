//! The command as a user runs it: the real binary, its output and its exit codes.
#![forbid(unsafe_code)]

mod connect;
mod demo;
#[cfg(target_os = "linux")]
mod lane;
#[cfg(target_os = "linux")]
mod namespace;
mod picture;
mod resolve;
mod run;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod terminal;
mod usage;
