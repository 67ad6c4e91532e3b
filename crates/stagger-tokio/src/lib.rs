//! Connect to a name as fast as the network allows, on tokio.
//!
//! This is [Stagger](stagger) with tokio's own types. [`connect`] resolves a host with the system's
//! resolver and races staggered attempts at its addresses (Happy Eyeballs, RFC 8305). It yields the
//! [`tokio::net::TcpStream`] that connected first. All other sockets are closed by then.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! let stream = stagger_tokio::connect(("localhost", addr.port())).await?;
//! assert_eq!(stream.peer_addr()?, addr);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Dialer`] has a policy, a resolver and a connector. [`net::TcpOptions`] sets socket options.
//! `DnsResolver`, with the feature `dns`, does not wait for a late A or AAAA record. [`listen`]
//! yields a [`TcpListener`]. [`UnixEndpoint`], [`UnixListen`] and [`UdpSocket`] use other sockets.
//!
//! The clock is tokio's, so a test can pause it. Such a test needs literals or a resolver of its
//! own: tokio does not see a running lookup, so a paused clock would jump to the deadline. Lookups
//! do not run on tokio's threads, so a stuck lookup does not delay the shutdown of a runtime.
#![forbid(unsafe_code)]

mod datagram;
mod mark;
mod reactor;
mod timer;

pub use reactor::Reactor;
pub use timer::Timer;

stagger_net::adapter! {
    name: stagger_tokio, reactor: Reactor, timer: Timer,
    panics: "Opening a socket panics outside a tokio runtime and in one without `enable_io`. Setting a \
             timer panics outside a runtime and in one without `enable_time`.",
    runtime: "Tokio, with its I/O and its timers enabled (`enable_all`).",
    example: (
        "#[tokio::main(flavor = \"current_thread\")]\n# async fn main() -> Result<(), Box<dyn std::error::Error>> {",
        "Ok(())\n# }"
    ),
    parts: tcp(tokio::net::TcpStream), listen, udp(tokio::net::UdpSocket),
        #[cfg(unix)] unix(tokio::net::UnixStream), #[cfg(unix)] unix_listen,
        #[cfg(feature = "dns")] dns,
}
