//! The command as a user runs it: the real binary, its output and its exit codes.
#![forbid(unsafe_code)]

mod cause;
#[cfg(unix)]
mod completions;
mod connect;
mod demo;
mod dns;
#[cfg(target_os = "linux")]
mod endpoint;
#[cfg(target_os = "linux")]
mod exit;
#[cfg(target_os = "linux")]
mod guide;
#[cfg(target_os = "linux")]
mod history;
#[cfg(unix)]
mod hostile;
#[cfg(target_os = "linux")]
mod lane;
#[cfg(unix)]
mod listen;
#[cfg(target_os = "linux")]
mod listen_linux;
#[cfg(unix)]
mod listening;
#[cfg(unix)]
mod man;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod nat64;
#[cfg(target_os = "linux")]
mod order;
mod picture;
#[cfg(unix)]
mod pipe;
#[cfg(target_os = "linux")]
mod proxy;
mod resolve;
mod run;
#[cfg(unix)]
mod signal;
#[cfg(unix)]
mod skip;
#[cfg(all(feature = "ssh", target_os = "linux"))]
mod ssh;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(all(feature = "tls", target_os = "linux"))]
mod tls;
#[cfg(target_os = "linux")]
mod udp;
#[cfg(target_os = "linux")]
mod udp_link;
mod usage;
