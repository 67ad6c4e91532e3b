//! Connect to a name as fast as the network allows, on smol or any other executor.
//!
//! This is [Stagger](stagger) over `async-io`, with smol's own types. [`connect`] resolves a host
//! with the system's resolver and races staggered attempts at its addresses (Happy Eyeballs, RFC
//! 8305). It yields the `smol::net::TcpStream` that connected first. All other sockets are closed
//! by then.
//!
//! ```
//! # smol::block_on(async {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! let stream = stagger_smol::connect(("localhost", addr.port())).await?;
//! assert_eq!(stream.peer_addr()?, addr);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Dialer`] has a policy, a resolver and a connector. [`net::TcpOptions`] sets socket options.
//! `DnsResolver`, with the feature `dns`, does not wait for a late A or AAAA record. [`listen`]
//! yields a [`TcpListener`]. [`UnixEndpoint`], [`UnixListen`] and [`UdpSocket`] use other sockets.
//!
//! The types of `async-net` in this documentation are those of `smol::net`. The reactor of
//! `async-io` has a thread of its own, so any executor can poll these futures.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod reactor;
mod timer;

pub use reactor::Reactor;
pub use timer::Timer;

stagger_net::adapter! {
    name: stagger_smol, reactor: Reactor, timer: Timer,
    runtime: "Any executor: `async-io` runs its own thread.",
    example: (
        "smol::block_on(async {",
        "Ok::<_, Box<dyn std::error::Error>>(()) })?; Ok::<_, Box<dyn std::error::Error>>(())"
    ),
    parts: tcp(async_net::TcpStream), listen, udp(async_net::UdpSocket),
        #[cfg(unix)] unix(async_net::unix::UnixStream), #[cfg(unix)] unix_listen,
        #[cfg(feature = "dns")] dns,
}
