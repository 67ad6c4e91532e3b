//! SSH hosts, on tokio, smol and async-std, against real servers.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

#[macro_use]
mod on;
mod connect;
mod failure;
mod leak;
mod master;
mod measure;
mod openssh;
mod owner;
mod stack;
