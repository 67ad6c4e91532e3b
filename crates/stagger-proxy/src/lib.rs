//! SOCKS5 and HTTP CONNECT, for [Stagger](stagger) on every async runtime.
//!
//! A proxy is a connector over another connector, and both take targets. So proxies nest, and TLS
//! goes over them and under them. The name of the target goes to the proxy. The addresses of the
//! proxy itself are raced, and the exchange with the proxy is inside this race. So an address that
//! is silent, or that accepts and then stalls, costs one attempt delay.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | one line through a proxy | `connect` and `through` in [`tokio`](crate::tokio) or [`futures`] |
//! | a proxy over any connector | [`Socks5`], [`HttpConnect`], and [`Proxy`] for either |
//! | a proxy that a dialer's race reaches | [`Through`], [`Tunnel`] |
//! | a proxy as text | [`ProxyUrl`] |
//! | proxies by `ALL_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or by a rule | [`Router`], [`Environment`] |
//! | a timeout and a report for a connector of targets | [`ByName`](stagger::resolve::ByName) |
//! | why a proxy failed | [`ProxyError`], [`ProxyErrorKind`] |
//! | another kind of streams | [`ProxyIo`] |
//!
//! The modules [`tokio`](crate::tokio) and [`futures`] have the same names. Both can be used in one
//! program. `tokio` is for streams with tokio's traits, and `futures` is for those of `futures-io`,
//! such as the streams of smol and async-std.
//!
//! # Examples
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use stagger_testkit::proxy::ProxyServer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let target = server.local_addr()?;
//! let proxy = ProxyServer::socks5()?.with_login("alice", "secret");
//! let url = format!("socks5h://alice:secret@{}", proxy.addr()).parse()?;
//!
//! let dialer = stagger_proxy::tokio::through(&stagger_tokio::dialer(), &url);
//! let (stream, report) = dialer.connect(target).with_report().await?;
//! assert_eq!(stream.peer_addr()?, proxy.addr());
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! Through the proxies that the environment names, and directly to all other targets:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use stagger::Dialer;
//! use stagger_proxy::tokio::Router;
//! use stagger::resolve::ByName;
//! use stagger_proxy::Environment;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let target = server.local_addr()?;
//! // A program calls `Environment::from_env()?`.
//! let environment = Environment::from_vars([("NO_PROXY", "*")])?;
//! let router = Router::new(stagger_tokio::dialer(), environment);
//! let dialer = Dialer::new(ByName, router, stagger_tokio::Timer);
//! let stream = dialer.connect(target).await?;
//! assert_eq!(stream.peer_addr()?, target);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod attempt;
mod connector;
mod environment;
mod error;
#[cfg(feature = "futures")]
pub mod futures;
mod io;
mod login;
mod machine;
mod no_proxy;
mod request;
mod router;
mod settings;
#[cfg(feature = "tokio")]
pub mod tokio;
mod tunnel;
mod url;

pub use self::attempt::ProxyAttempt;
pub use self::connector::{HttpConnect, Proxy, Socks5};
pub use self::environment::{Environment, EnvironmentError, EnvironmentErrorKind};
pub use self::error::{ConnectError, ProxyError, ProxyErrorKind};
pub use self::io::ProxyIo;
pub use self::login::{Login, LoginError};
pub use self::router::{NoTls, Route, Router, RouterAttempt, RouterError};
pub use self::settings::Protocol;
pub use self::tunnel::{Through, ThroughAttempt, Tunnel};
pub use self::url::{ProxyUrl, ProxyUrlError, ProxyUrlErrorKind};
