//! [Stagger](stagger) as the connector of hyper's client, tonic and kube, on every async runtime.
//!
//! hyper-util's client takes any connector: a tower `Service` from a URI to a stream. This crate
//! turns a dialer into such a connector. So every connection of the client is the winner of a race,
//! and a dead address costs one attempt delay. With the feature `tls` the handshake is inside the
//! race, and an address that accepts and then stalls costs no more.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | a connector without TLS | `connector` in [`tokio`](crate::tokio) or [`futures`] |
//! | TLS inside the race, and HTTP/2 by ALPN | `https` in [`tokio`](crate::tokio) or [`futures`] |
//! | the report of the race in each response | `reporting` and `https_reporting`; [`RaceReport`] |
//! | a limit of dials, and use below another TLS connector | [`HttpConnector`] |
//! | the error of a failed dial | [`find_error`] |
//! | the target of a URI | [`target`] |
//! | reqwest, and other clients that only take a resolver | [`NameResolver`] |
//! | another kind of streams | [`HyperIo`] |
//!
//! The modules [`tokio`](crate::tokio) and [`futures`] have the same names. Both can be used in one
//! program. `tokio` is for streams with tokio's traits, and `futures` is for those of `futures-io`,
//! such as the streams of smol and async-std.
//!
//! # In each client
//!
//! | client | one expression |
//! | --- | --- |
//! | hyper-util | `Client::builder(executor).build(connector(dialer))` |
//! | hyper-util with TLS | `Client::builder(executor).build(https(dialer, config))` |
//! | hyper-rustls, TLS after the race | `builder.wrap_connector(connector(dialer).with_tls_schemes())` |
//! | hyper-util's proxies | `SocksV5::new(proxy, connector(dialer))`, `Tunnel::new(proxy, connector(dialer))` |
//! | tonic | `endpoint.connect_with_connector(connector(dialer))` |
//! | kube | a `Client` of hyper-util, with kube's layers over it |
//! | reqwest | `builder.dns_resolver(NameResolver::new(dialer))` |
//!
//! tonic speaks HTTP/2 alone. For the scheme `https` it needs the feature `http2`, which makes
//! [`https`](crate::tokio::https) offer HTTP/2. For `grpcs` only HTTP/2 is offered. tonic refuses
//! `https` without its own TLS if one of its TLS features is on. Then use `grpcs`, and set the real
//! scheme with `Endpoint::origin`.
//!
//! hyper-util's proxies perform no TLS with the target, and a connector below them sees only the
//! URI of the proxy. So they send a request for `https` in the clear. Put hyper-rustls over them:
//! `builder.wrap_connector(Tunnel::new(proxy, connector(dialer)))`. `Tunnel` speaks HTTP/1.1, so a
//! proxy that is reached by [`https`](crate::tokio::https) needs a configuration that offers
//! `http/1.1` alone.
//!
//! reqwest takes no connector. A SOCKS proxy inside the process could dial for it, but this crate
//! has none, because it costs too much:
//!
//! - Every user of the machine can reach its port, so it needs a login.
//! - Every byte is copied twice and crosses loopback.
//! - reqwest sees neither the peer's address nor the error of a failed dial.
//! - TLS stays after the race.
//!
//! reqwest's `unix_socket` cannot lead to such a proxy, because it does not send the target.
//!
//! # Examples
//!
//! The first address accepts and then stalls. The answer comes from the second:
//!
#![cfg_attr(all(feature = "tokio", feature = "tls"), doc = "```")]
#![cfg_attr(not(all(feature = "tokio", feature = "tls")), doc = "```ignore")]
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use stagger::resolve::{Record, resolver_fn};
//! use stagger::Answer;
//! use stagger_hyper::tokio::https;
//! use stagger_testkit::http::HttpServer;
//! use stagger_testkit::tls::{Authority, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = Authority::new()?;
//! let stalled = Server::stalled([127, 0, 0, 2])?;
//! let identity = authority.issue("web.example")?;
//! let server = HttpServer::start_tls([127, 0, 0, 1], identity.server()?)?;
//!
//! let addresses = [stalled.addr(), server.addr()];
//! let resolver = resolver_fn(move |_: &_| {
//!     let answer = Answer::<_, std::io::Error>::found(Record::Addresses, addresses);
//!     futures_lite::stream::once(answer)
//! });
//! let dialer = stagger_tokio::dialer().with_resolver(resolver);
//! let client = Client::builder(TokioExecutor::new())
//!     .build::<_, String>(https(dialer, authority.client()?));
//! let response = client.get("https://web.example/".parse()?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "futures", feature = "tokio", feature = "tls")),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "a link may lead to an item of another feature"
    )
)]

#[cfg(all(feature = "tls", any(feature = "futures", feature = "tokio")))]
mod alpn;
mod connector;
mod error;
#[cfg(feature = "futures")]
pub mod futures;
mod io;
mod report;
mod resolver;
mod stream;
mod target;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use self::connector::HttpConnector;
pub use self::error::find_error;
pub use self::io::HyperIo;
pub use self::report::RaceReport;
pub use self::resolver::NameResolver;
pub use self::stream::Stream;
pub use self::target::target;
