//! What the battery over the adapters stands on: runtimes, places to connect to, and ways to set
//! a test apart from the machine.
//!
//! The tests are in `tests/battery`. Every case is written once, over any [`Runtime`], and
//! [`battery!`] makes it a test on each. Traffic goes to loopback, or stays in a namespace that the
//! test has made.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod adapter;
mod battery;
mod daemon;
pub mod descriptor;
mod dnsmasq;
mod hello;
mod host;
mod http;
mod listed;
mod memory;
pub mod namespace;
pub mod number;
mod openssl;
mod pace;
pub mod place;
mod poll;
pub mod process;
pub mod proxy;
mod proxy_daemon;
pub mod raw;
mod runtime;
mod scratch;
mod server;
pub mod skip;
pub mod ssh;
pub mod sshd;
pub mod table;
pub mod tls;
mod udp;
mod unbound;

pub use adapter::{Adapter, AsyncStd, Smol, Tokio};
pub use dnsmasq::Dnsmasq;
pub use hello::{Asked, Hello};
pub use host::{Other, hosts};
pub use http::{GET, assert_ok};
pub use listed::Listed;
pub use memory::{Change, Memory};
pub use openssl::{Openssl, openssl};
pub use pace::assert_at_once;
pub use poll::{apart, counted, cut_everywhere, polled, watched};
pub use proxy_daemon::ProxyDaemon;
pub use runtime::{
    AsyncExecutor, AsyncStdTask, DialerOf, FuturesLite, ListenerOf, Runtime, SmolBlockOn,
    TokioCurrentThread, TokioMultiThread, dialer,
};
pub use scratch::Scratch;
pub use server::Nginx;
pub use udp::{UdpSocketOf, literal_fault, received, udp_fault};
pub use unbound::Unbound;
