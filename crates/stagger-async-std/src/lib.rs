//! Connect to a name as fast as the network allows, on async-std.
//!
//! **async-std is discontinued upstream** (RUSTSEC-2025-0052) in favour of smol. This crate is for
//! programs that use async-std already. A new program should use [`stagger_smol`], which has the
//! same names.
//!
//! This is [Stagger](stagger) with async-std's stream. [`connect`] resolves a host with the system's
//! resolver and races staggered attempts at its addresses (Happy Eyeballs, RFC 8305). It yields the
//! [`async_std::net::TcpStream`] that connected first. All other sockets are closed by then.
//!
//! ```
//! # async_std::task::block_on(async {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! let stream = stagger_async_std::connect(("localhost", addr.port())).await?;
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
//! It is a thin layer over [`stagger_smol`]. async-std 1.13 uses the same version 2 of `async-io`,
//! so attempts, timers and streams share one reactor. The reactor has a thread of its own, so any
//! executor can poll these futures.
#![forbid(unsafe_code)]

mod reactor;

pub use reactor::Reactor;
pub use stagger_smol::Timer;

stagger_net::adapter! {
    name: stagger_async_std, reactor: Reactor, timer: Timer,
    panics: "In a program with `panic = \"abort\"`, a connected socket that can't be registered again \
             ends the program: see [`Reactor`].",
    runtime: "Any executor: `async-io` runs its own thread.",
    example: (
        "async_std::task::block_on(async {",
        "Ok::<_, Box<dyn std::error::Error>>(()) })?; Ok::<_, Box<dyn std::error::Error>>(())"
    ),
    parts: tcp(async_std::net::TcpStream), listen, udp(async_std::net::UdpSocket),
        #[cfg(unix)] unix(async_std::os::unix::net::UnixStream), #[cfg(unix)] unix_listen,
        #[cfg(feature = "dns")] dns,
}
