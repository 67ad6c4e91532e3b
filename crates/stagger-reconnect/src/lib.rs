//! Connections that come back, for [Stagger](stagger) on every async runtime.
//!
//! A long-lived connection is lost at some time, and the program wants the next one. This crate
//! has two layers for that, over any [`Endpoint`](stagger::Endpoint) and any
//! [`Timer`](stagger::Timer):
//!
//! - [`Reconnect`] is a stream of connections. The next connect begins when it is asked for.
//! - [`Link`] is a handle that many tasks share. It returns the current connection, or waits for
//!   the next. The future [`KeepLink`] connects again whenever the connection is lost.
//!
//! Both never storm. Failures wait for a back-off with jitter, and a connection that is lost at
//! once counts as a failure. Only a connection that held resets the back-off.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | connections one after another | [`Reconnect`] |
//! | the delays, and their defaults | [`Reconnect::with_backoff`], [`BACKOFF`] |
//! | when the back-off is reset | [`Reconnect::with_steady_after`], [`STEADY_AFTER`] |
//! | errors after which no connect follows | [`Reconnect::with_retry`], [`can_pass`] |
//! | one connection for many tasks | [`Reconnect::into_link`], [`Link`], [`KeepLink`] |
//! | waiting for it, with a limit | [`Link::connected`], [`Connected`], [`LinkError`] |
//! | logs and health checks | [`ReconnectState`], [`Link::failures`], [`Link::last_error`] |
//!
//! # Examples
//!
//! The server hangs up after each greeting. The client reads two greetings:
//!
//! ```
//! use std::io::Write as _;
//! use std::net::TcpListener;
//! use std::time::Duration;
//!
//! use futures_lite::StreamExt as _;
//! use smol::io::AsyncReadExt as _;
//! use stagger_reconnect::{BACKOFF, Reconnect};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let endpoint = stagger_smol::dialer().endpoint(server.local_addr()?)?;
//! std::thread::spawn(move || {
//!     for stream in server.incoming() {
//!         stream.and_then(|mut stream| stream.write_all(b"hello")).expect("the client reads");
//!     }
//! });
//!
//! let backoff = BACKOFF.with_min_delay(Duration::from_millis(10));
//! let mut connections = Reconnect::new(endpoint, stagger_smol::Timer).with_backoff(backoff);
//! smol::block_on(async {
//!     for _ in 0..2 {
//!         let mut stream = connections.next().await.expect("the back-off never ends")?;
//!         let mut greeting = String::new();
//!         stream.read_to_string(&mut greeting).await?;
//!         assert_eq!(greeting, "hello");
//!     }
//!     Ok(())
//! })
//! # }
//! ```

#![forbid(unsafe_code)]

mod backoff;
mod board;
mod connected;
mod error;
mod keep;
mod link;
mod reconnect;
mod state;

pub use ::backon;

pub use self::backoff::{BACKOFF, STEADY_AFTER, can_pass};
pub use self::connected::Connected;
pub use self::error::LinkError;
pub use self::keep::KeepLink;
pub use self::link::Link;
pub use self::reconnect::Reconnect;
pub use self::state::ReconnectState;
