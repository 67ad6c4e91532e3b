//! HTTP clients over dialers, on every runtime, against real servers.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

mod body;
mod client;
mod fault;
mod grpc;
mod leak;
mod limit;
mod on;
mod other;
mod resolver;
mod tls;
