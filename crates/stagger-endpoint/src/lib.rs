//! Strings that name client and server endpoints, for [Stagger](stagger) on every async runtime.
//!
//! Commands and configuration files name endpoints as text:
//!
//! ```text
//! tcp:example.com:443?timeout=10s
//! tls:example.com:443?alpn=h2
//! unix:/run/app.sock
//! tcp:proxy:8080 | connect:user:secret@inside:1080 | socks5:example.com:443 | tls
//! ssh:bastion | tcp:db.internal:5432
//! ```
//!
//! A text is a list of hops with `|` between them. The first hop is dialed, and each next one runs
//! over those before it. All handshakes run inside the race of the first hop. So an address that
//! accepts and then stalls, in TLS or as a proxy, costs one attempt delay.
//!
//! Parsing has no runtime and no I/O. A [table](Schemes) from schemes to functions makes endpoints
//! of a text, and a program extends it. The modules [`tokio`](crate::tokio), [`smol`] and
//! [`async_std`] have the same names, and tables with all schemes of this crate.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | an endpoint of a text | `client` and `server` in [`tokio`](crate::tokio), [`smol`] or [`async_std`] |
//! | the form of a text, and how it is escaped | [`EndpointText`], [`Hop`] |
//! | what is wrong with a text, and where | [`EndpointError`] |
//! | schemes of a program | [`Schemes`], [`HopReader`] |
//! | what a scheme makes | [`ClientEndpoint`], [`ServerEndpoint`] |
//! | a policy, an observer or a report for a connect | [`ClientEndpoint::dialer`] |
//! | a program's own resolver, TLS configuration or SSH handle | `tcp`, `tls` and `ssh` in the modules |
//! | targets behind a layer of a program | [`ClientEndpoint::with_relay`] |
//!
//! # Schemes
//!
//! Of clients:
//!
//! | text | leads to | options |
//! | --- | --- | --- |
//! | `tcp:HOST:PORT` | a target that is dialed | `timeout`, `attempt-timeout`, `attempt-delay`, `resolution-delay`, `handshake-delay`, `family`, `order`, `bind`, `interface`, `nodelay`, `keepalive` |
//! | `unix:PATH`, `unix:@NAME` | a Unix-domain socket, by its path or its abstract name | |
//! | `… \| socks5:HOST:PORT` | a target behind a SOCKS5 proxy | |
//! | `… \| connect:HOST:PORT` | a target behind an HTTP proxy (CONNECT) | |
//! | `… \| tls`, `tls:HOST:PORT` | TLS over the hops before it, or over `tcp` | `name`, `alpn`, `ca`, `cert`, `key`; of `tcp` too if it is the first hop |
//! | `ssh:HOST`, `ssh:USER@HOST` | the SSH port of a host of an OpenSSH configuration, through its jump hosts | `port`, `config`, `backend` |
//! | `ssh:HOST \| tcp:HOST:PORT` | a target that the SSH host reaches and resolves | those of `ssh`; `tcp` has none here |
//!
//! After `ssh` only `tcp` may follow, and then any other hop: `ssh:a | tcp:db.internal:5432 | tls`.
//! Jump hosts are in the configuration and not in the text.
//!
//! The login of a proxy stands before its target, as in `socks5:user:password@HOST:PORT`. The
//! target's name goes to the proxy and is not resolved here.
//!
//! Of servers:
//!
//! | text | listens at | options |
//! | --- | --- | --- |
//! | `tcp:PORT` | all of IPv4 | `backlog`, `nodelay`, `keepalive`, `interface`, `reuse-port`, `v6-only` |
//! | `tcp:*:PORT` | all interfaces, over IPv6 and IPv4 | the same |
//! | `tcp:ADDR:PORT` | an address, such as `[::1]:80` | the same |
//! | `unix:PATH`, `unix:@NAME` | a Unix-domain socket | `backlog`, `replace-stale` |
//! | `fd:NUMBER` | an inherited descriptor from 3 on (sd_listen_fds(3)) | |
//! | `systemd:INDEX`, `systemd:NAME` | inherited descriptors, by index from 0 on or by name | |
//! | `… \| tls`, `tls:PORT` | TLS over the hops before it, or over `tcp` | `cert`, `key`, `alpn`, `client-ca`, `limit`, `timeout`; of `tcp` too if it is the first hop |
//!
//! The values:
//!
//! | options | values |
//! | --- | --- |
//! | `timeout`, `attempt-timeout`, `resolution-delay`, `handshake-delay`, `keepalive` | a duration, such as `250ms`, `30s` or `5m` |
//! | `attempt-delay` | a duration, or `off` for one attempt after another |
//! | `family` | `any`, `v4`, `v6` |
//! | `order` | `alternate`, `resolver`, `ipv6-first` |
//! | `bind` | IP addresses with or without a port, with commas: one of each family |
//! | `interface` | the name or the number of an interface |
//! | `nodelay`, `reuse-port`, `v6-only`, `replace-stale` | `yes`, `no` |
//! | `backlog`, `limit` | a number |
//! | `name` | the name that the certificate must have, in place of the target's |
//! | `alpn` | protocols with commas, the preferred one first |
//! | `ca`, `client-ca` | a file with root certificates in PEM. The default for servers' certificates is what the machine trusts |
//! | `config` | a file with a configuration in place of the user's and the system's, or `none` |
//! | `backend` | `control` for OpenSSH's control socket (the default), `command` for `ssh -W` |
//! | `cert`, `key` | files with a certificate chain and its private key in PEM |
//!
//! The names and values of `tcp` are those of the command `stagger connect`. Files are read when
//! the endpoint is made, which blocks. No option turns the checks of certificates off: a program
//! that wants this passes its own configuration to `tls` in the modules.
//!
//! There is no scheme for UDP, because an endpoint yields a stream of bytes.
//!
//! # Secrets
//!
//! `Display` and `Debug` of all types here, and all errors, print `***` in place of a password.
//! Only [`EndpointText::expose_secrets`] writes it.
//!
//! An error hides more than a password, because a reserved character in it may have split it. So
//! write blanks around each `|`: without them, everything from the first rest to an `@` is hidden.
//! Two mistakes cannot be seen. A password with ` | ` and a `:` in it looks like two hops. A secret
//! option with ` | ` or `&name=` in its value looks like two hops or two options. A text that has
//! such a mistake and can be parsed prints as its hops.
//!
//! # Untrusted texts
//!
//! A text is of bounded size, and so is the work for it. But it may name any host, socket and file.
//! A program that takes texts from others removes the schemes that they must not use, by
//! [`Schemes::without_client`] and [`Schemes::without_server`]. The configuration that `ssh` reads
//! may run commands, by `ProxyCommand`, and a text may name its file.
//!
//! # Examples
//!
//! TLS through a proxy:
//!
#![cfg_attr(
    all(feature = "tokio", feature = "tls", feature = "proxy", feature = "ring"),
    doc = "```"
)]
#![cfg_attr(
    not(all(feature = "tokio", feature = "tls", feature = "proxy", feature = "ring")),
    doc = "```ignore"
)]
//! use stagger_endpoint::stagger::Endpoint as _;
//! use stagger_endpoint::tokio::{schemes, tls};
//! use stagger_testkit::proxy::ProxyServer;
//! use stagger_testkit::tls::{Authority, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = Authority::new()?;
//! let server = Server::echo([127, 0, 0, 1], &authority, "tls.example")?;
//! let proxy = ProxyServer::socks5()?.with_login("me", "secret");
//! let proxy = proxy.with_name("tls.example", server.addr());
//!
//! // The test's own roots. `tokio::client` uses those of the machine.
//! let schemes = schemes().with_client("tls", tls(authority.client()?));
//! let text = format!("tcp:{} | socks5:me:secret@tls.example:443 | tls", proxy.addr());
//! let endpoint = schemes.client(&text)?;
//! let stream = endpoint.connect().await?;
//! assert_eq!(stream.peer(), Some(&*proxy.addr().to_string()));
//! assert_eq!(endpoint.to_string(), text.replace("secret", "***"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "net")]
#[macro_use]
mod runtime;

#[cfg(feature = "async-std")]
pub mod async_std;
mod client;
mod endpoint_text;
mod error;
mod hop;
mod login;
mod near;
mod percent;
mod reader;
#[cfg(feature = "net")]
mod scheme;
mod schemes;
mod server;
mod shown;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "net")]
mod stream;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use stagger;

pub use self::client::{ClientConnector, ClientDialer, ClientEndpoint, MapConnector};
pub use self::endpoint_text::EndpointText;
pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::hop::Hop;
pub use self::login::Login;
pub use self::reader::HopReader;
pub use self::schemes::Schemes;
pub use self::server::{AddrText, ServerEndpoint, ServerListener};
