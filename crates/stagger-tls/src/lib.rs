//! TLS inside the race, for [Stagger](stagger) on every async runtime.
//!
//! A client that connects first and performs TLS afterwards is stuck if the address that won the
//! race then stalls. With this crate the handshake is part of each attempt: an attempt succeeds
//! when its handshake has succeeded (RFC 8305 leaves this open;
//! draft-ietf-happy-happyeyeballs-v3 §6.1 asks for it). An address that accepts and then stalls
//! costs one attempt delay. After a wrong certificate the next address starts at once.
//!
//! TLS is [rustls](::rustls). The program chooses the crypto provider and the
//! [`ClientConfig`](::rustls::ClientConfig): roots, protocols (ALPN), client certificates and
//! resumption.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | a connector with TLS | [`Tls`], by the names of [`tokio`](crate::tokio) or [`futures`] |
//! | one line with the certificates that the machine trusts | `connect` in [`tokio`](crate::tokio) or [`futures`] |
//! | TLS on a listener | [`TlsAccept`] |
//! | why TLS failed | [`TlsError`], [`TlsErrorKind`], [`CertificateFault`] |
//! | errors that tell a self-signed certificate from an incomplete chain | [`ExplainingVerifier`] |
//! | the contents of a certificate | [`Certificate`], with the feature `x509` |
//! | another kind of streams | [`TlsIo`] |
//!
//! The modules [`tokio`](crate::tokio) and [`futures`] have the same names. Both can be used in one
//! program. `tokio` is for streams with tokio's traits, and `futures` is for those of `futures-io`,
//! such as the streams of smol and async-std.
//!
//! # Examples
//!
//! The first address accepts and then stalls. The connection comes from the second:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use stagger_testkit::tls::{Authority, Server};
//! use stagger_tls::tokio::Tls;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = Authority::new()?;
//! let stalled = Server::stalled([127, 0, 0, 2])?;
//! let server = Server::echo([127, 0, 0, 1], &authority, "tls.example")?;
//!
//! let connector = Tls::new(stagger_tokio::TcpConnector::default(), authority.client()?);
//! let dialer = stagger_tokio::dialer().with_connector(connector);
//! let addresses = [stalled.addr(), server.addr()];
//! let stream = dialer.connect_at("tls.example:443", addresses).await?;
//! assert_eq!(stream.get_ref().0.peer_addr()?, server.addr());
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod accept;
mod attempt;
#[cfg(feature = "x509")]
mod certificate;
mod connector;
mod error;
#[cfg(feature = "futures")]
pub mod futures;
mod io;
mod offer;
#[cfg(feature = "platform-verifier")]
mod platform;
mod provider;
mod server_name;
#[cfg(feature = "tokio")]
pub mod tokio;
mod verifier;

pub use ::rustls;

pub use self::accept::{TlsAccept, TlsAccepting};
pub use self::attempt::TlsAttempt;
#[cfg(feature = "x509")]
pub use self::certificate::Certificate;
pub use self::connector::Tls;
pub use self::error::{CertificateFault, ConnectError, TlsError, TlsErrorKind};
pub use self::io::TlsIo;
#[cfg(feature = "platform-verifier")]
pub use self::platform::platform_config;
pub use self::provider::crypto_provider;
pub use self::verifier::ExplainingVerifier;
