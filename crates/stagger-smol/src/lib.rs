//! Connect to a name as fast as the network allows, on smol or any other executor.
//!
//! This is [Stagger](stagger) over `async-io`, with smol's own types: [`connect`] resolves a host
//! with the system's resolver, races staggered attempts at its addresses (Happy Eyeballs,
//! RFC 8305), and yields the `smol::net::TcpStream` that connected first. All others are closed by
//! then.
//!
//! ```
//! # smol::block_on(async {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let port = listener.local_addr()?.port();
//!
//! let stream = stagger_smol::connect(("localhost", port)).await?;
//! assert_eq!(stream.peer_addr()?.port(), port);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Dialer`] has a policy (delays, limits, a deadline) and options for the sockets, and serves
//! any number of targets. The reactor is `async-io`'s, which runs on a thread of its own, so any
//! executor can poll these futures.
//!
//! With the feature `dns` there is a `DnsResolver`, which asks the name servers itself, so that an A or
//! AAAA record that is late holds nothing up.
//!
//! [`TcpOptions`] says how a socket is set up before it connects. [`UnixEndpoint`] connects over a
//! Unix-domain socket, and [`UnixConnector`] is for a resolver that yields addresses of such.
//! [`UdpSocket`] sends and receives datagrams, to and from groups too.
//!
//! On the other side [`listen`] and [`listen_all`] yield a [`TcpListener`], and [`UnixListen`] its
//! like for Unix-domain sockets; [`stagger::listen::Listener`] says how connections are accepted.
#![forbid(unsafe_code)]

mod connector;
mod dialer;
mod listen;
#[cfg(feature = "dns")]
mod over_dns;
mod reactor;
mod resolver;
mod timer;
mod udp;
#[cfg(unix)]
mod unix;

pub use connector::{TcpConnect, TcpConnector};
pub use dialer::{Connect, Dialer, HostEndpoint, connect, dialer};
pub use listen::{TcpEndpoint, TcpListen, TcpListener, TcpListening, listen, listen_all};
#[cfg(unix)]
pub use listen::{UnixListen, UnixListener, UnixListening};
#[cfg(feature = "dns")]
pub use over_dns::{DnsAnswers, DnsResolver, Sockets};
pub use reactor::Reactor;
pub use resolver::{SystemAnswers, SystemResolver};
/// The core, with all that a dialer is set up with and returns: policy, error, report, target.
pub use stagger;
/// What a [`DnsResolver`] is set up with, and what it says.
#[cfg(feature = "dns")]
pub use stagger_dns as dns;
pub use stagger_net::{
    Interface, UdpOptions,
    tcp::LiteralError,
    udp::{Arrival, Datagram},
};
pub use stagger_net::{
    ListenAddr, SocketLiteral, TcpListenOptions,
    tcp::{ACCEPT_PAUSE_RANGE, AcceptError, AcceptErrorKind},
};
pub use stagger_net::{
    TcpOptions,
    lookup::{
        AddressEntry, AddressLookup, Addresses, Lanes, LanesError, LookupError, NameInfo,
        NameLookup, PendingLookup, Protocol, SocketType, lookup, reverse_lookup,
    },
    tcp::{BindError, OptionError},
};
#[cfg(unix)]
pub use stagger_net::{UnixAddr, UnixListenOptions, unix::UnixAddrError};
pub use timer::{Sleep, Timer};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixConnect, UnixConnector, UnixEndpoint};
