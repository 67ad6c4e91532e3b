//! Proxies, on every runtime, against real and scripted ones.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

mod answer;
mod environment;
mod leak;
mod race;
mod real;
mod route;
mod scripted;
mod secret;
mod stack;
