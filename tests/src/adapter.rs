//! The names that all adapters export.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use stagger::connect::Dial;
use stagger::target::TargetError;
use stagger::{Connector, Dialer, Endpoint, Target, Timer};
use stagger_dns::{DnsResolver, Sockets};
use stagger_net::lookup::{AddressLookup, Lanes, ReverseLookup};
use stagger_net::tcp::LiteralError;
use stagger_net::{
    Accept, ListenAddr, Register, SocketLiteral, SystemResolver, TcpOptions, UdpOptions, UnixAddr,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An adapter crate.
///
/// The bounds say what an adapter promises: everything it makes can go to another thread.
pub trait Adapter: 'static {
    /// The runtime's own stream over TCP.
    type Stream: AsFd + Send + 'static;
    /// The adapter's `TcpConnector`.
    type Connector: Connector<SocketAddr, Connection = Self::Stream, Error = io::Error, Attempt: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static;
    /// The runtime's own stream over Unix-domain sockets.
    type UnixStream: AsFd + Send + 'static;
    /// The adapter's `UnixConnector`.
    type UnixConnector: Connector<
            UnixAddr,
            Connection = Self::UnixStream,
            Error = io::Error,
            Attempt: Send + 'static,
        > + Clone
        + Default
        + Send
        + Sync
        + 'static;
    /// The adapter's `UnixEndpoint`.
    type UnixEndpoint: Endpoint<Connection = Self::UnixStream, Error = io::Error, Connecting: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static;
    /// The adapter's `Reactor`, with all kinds of sockets.
    type Reactor: Register<TcpStream, Socket: Send + Sync + 'static, Stream = Self::Stream>
        + Accept<TcpListener, Listener: Send, Stream = Self::Stream>
        + Register<
            std::net::UdpSocket,
            Socket: Send + Sync + 'static,
            Stream = Self::RuntimeUdpSocket,
        > + Register<UnixStream, Socket: Send, Stream = Self::UnixStream>
        + Accept<UnixListener, Listener: Send, Stream = Self::UnixStream>
        + Clone
        + Default
        + Send
        + Sync
        + Unpin
        + 'static;
    /// The adapter's `Timer`.
    type Timer: Timer<Sleep: Send + 'static> + Clone + Default + Send + Sync + 'static;

    /// The runtime's own socket for datagrams.
    type RuntimeUdpSocket: AsFd + Send + 'static;

    /// The adapter's `UdpSocket::bind_with`.
    fn bind_udp<T>(
        addr: T,
        options: &UdpOptions,
    ) -> io::Result<stagger_net::UdpSocket<Self::Reactor>>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>;

    /// The adapter's `UdpSocket::from_std`.
    fn udp_from_std(
        socket: std::net::UdpSocket,
    ) -> io::Result<stagger_net::UdpSocket<Self::Reactor>>;

    /// The adapter's `connect`.
    fn connect<T>(target: T) -> Dial<SystemResolver<Self::Timer>, Self::Connector, Self::Timer>
    where
        T: TryInto<Target>,
        TargetError: From<T::Error>;

    /// The adapter's `dialer`.
    fn dialer() -> Dialer<SystemResolver<Self::Timer>, Self::Connector, Self::Timer>;

    /// The adapter's `dialer` with the full lookup alone, which a slow machine does not turn into
    /// several.
    fn dialer_without_lanes() -> Dialer<SystemResolver<Self::Timer>, Self::Connector, Self::Timer> {
        Self::dialer().with_resolver(SystemResolver::new().with_lanes(Lanes::never()))
    }

    /// The adapter's `DnsResolver::system`.
    fn dns() -> DnsResolver<Sockets<Self::Reactor>, Self::Timer, SystemResolver<Self::Timer>>;

    /// The adapter's `TcpConnector::new`.
    fn connector(options: TcpOptions) -> Self::Connector;

    /// The adapter's `UnixEndpoint::new`.
    fn unix_endpoint(addr: UnixAddr) -> Self::UnixEndpoint;

    /// The adapter's `listen`.
    fn listen<T>(addr: T) -> stagger_net::tcp::TcpListening<Self::Reactor, Self::Timer>
    where
        T: TryInto<ListenAddr>,
        LiteralError: From<T::Error>;

    /// The adapter's `listen_all`.
    fn listen_all(port: u16) -> stagger_net::tcp::TcpListening<Self::Reactor, Self::Timer>;

    /// The adapter's `TcpListen::new`.
    fn tcp_listen(addr: ListenAddr) -> stagger_net::TcpListen<Self::Reactor, Self::Timer>;

    /// The adapter's `TcpEndpoint::new`.
    fn tcp_endpoint(literal: SocketLiteral) -> stagger_net::TcpEndpoint<Self::Reactor>;

    /// The adapter's `UnixListen::new`.
    fn unix_listen(addr: UnixAddr) -> stagger_net::UnixListen<Self::Reactor, Self::Timer>;

    /// The adapter's `net::lookup`.
    fn lookup(host: &str) -> AddressLookup;

    /// The adapter's `net::lookup::reverse_lookup`.
    fn reverse_lookup(addr: SocketAddr) -> ReverseLookup;

    /// The far end, as the stream tells it.
    fn peer_addr(stream: &Self::Stream) -> SocketAddr;

    /// The near end, as the stream tells it.
    fn local_addr(stream: &Self::Stream) -> SocketAddr;

    /// Writes the request and reads all that comes until the far end closes.
    fn exchange(
        stream: Self::Stream,
        request: &'static [u8],
    ) -> impl Future<Output = Vec<u8>> + Send;

    /// Reads a line, byte by byte, and returns it without its end.
    fn read_line(
        stream: Self::Stream,
    ) -> impl Future<Output = io::Result<(Self::Stream, String)>> + Send;

    /// As [`exchange`](Self::exchange), over a Unix-domain socket.
    fn exchange_unix(
        stream: Self::UnixStream,
        request: &'static [u8],
    ) -> impl Future<Output = Vec<u8>> + Send;
}

/// `stagger-tokio`.
#[derive(Debug)]
pub struct Tokio;

/// `stagger-smol`.
#[derive(Debug)]
pub struct Smol;

/// `stagger-async-std`.
#[derive(Debug)]
pub struct AsyncStd;

// Tokio's streams and the others have the same methods, of different traits.
macro_rules! exchange {
    ($stream:ident, $request:ident) => {{
        $stream.write_all($request).await.expect("the request is sent");
        let mut answer = Vec::new();
        let read = $stream.read_to_end(&mut answer).await;
        read.expect("the answer comes");
        answer
    }};
}

macro_rules! adapter {
    ($adapter:ident, $name:ident, $stream:ty, $unix_stream:ty, $udp_socket:ty) => {
        // The aliases take another resolver.
        const _: fn(&$name::Dialer<$name::DnsResolver>) -> $name::Dial<$name::DnsResolver> =
            |dialer| dialer.connect("localhost:1");
        const _: fn(&$name::HostEndpoint<$name::DnsResolver>) -> $name::Dial<$name::DnsResolver> =
            |endpoint| endpoint.connect();

        impl Adapter for $adapter {
            type Stream = $stream;
            type Connector = $name::TcpConnector;
            type UnixStream = $unix_stream;
            type UnixConnector = $name::UnixConnector;
            type UnixEndpoint = $name::UnixEndpoint;
            type Reactor = $name::Reactor;
            type Timer = $name::Timer;
            type RuntimeUdpSocket = $udp_socket;

            fn bind_udp<T>(addr: T, options: &UdpOptions) -> io::Result<stagger_net::UdpSocket<Self::Reactor>>
            where
                T: TryInto<SocketLiteral>,
                LiteralError: From<T::Error>,
            {
                $name::UdpSocket::bind_with(addr, options)
            }

            fn udp_from_std(socket: std::net::UdpSocket) -> io::Result<stagger_net::UdpSocket<Self::Reactor>> {
                $name::UdpSocket::from_std(socket)
            }

            fn connect<T>(
                target: T,
            ) -> Dial<SystemResolver<Self::Timer>, Self::Connector, Self::Timer>
            where
                T: TryInto<Target>,
                TargetError: From<T::Error>,
            {
                $name::connect(target)
            }

            fn dialer() -> Dialer<SystemResolver<Self::Timer>, Self::Connector, Self::Timer> {
                $name::dialer()
            }

            fn dns() -> DnsResolver<Sockets<Self::Reactor>, Self::Timer, SystemResolver<Self::Timer>>
            {
                $name::DnsResolver::system()
            }

            fn connector(options: TcpOptions) -> Self::Connector {
                $name::TcpConnector::new(options)
            }

            fn unix_endpoint(addr: UnixAddr) -> Self::UnixEndpoint {
                $name::UnixEndpoint::new(addr)
            }

            fn listen<T>(addr: T) -> $name::TcpListening
            where
                T: TryInto<ListenAddr>,
                LiteralError: From<T::Error>,
            {
                $name::listen(addr)
            }

            fn listen_all(port: u16) -> $name::TcpListening {
                $name::listen_all(port)
            }

            fn tcp_listen(addr: ListenAddr) -> $name::TcpListen {
                $name::TcpListen::new(addr)
            }

            fn tcp_endpoint(literal: SocketLiteral) -> $name::TcpEndpoint {
                $name::TcpEndpoint::new(literal)
            }

            fn unix_listen(addr: UnixAddr) -> $name::UnixListen {
                $name::UnixListen::new(addr)
            }

            fn lookup(host: &str) -> AddressLookup {
                $name::net::lookup::lookup(host)
            }

            fn reverse_lookup(addr: SocketAddr) -> ReverseLookup {
                $name::net::lookup::reverse_lookup(addr)
            }

            fn peer_addr(stream: &Self::Stream) -> SocketAddr {
                stream.peer_addr().expect("a connected stream has a peer")
            }

            fn local_addr(stream: &Self::Stream) -> SocketAddr {
                stream.local_addr().expect("a stream has a local address")
            }

            async fn exchange(mut stream: Self::Stream, request: &'static [u8]) -> Vec<u8> {
                exchange!(stream, request)
            }

            async fn read_line(mut stream: Self::Stream) -> io::Result<(Self::Stream, String)> {
                let mut line = String::new();
                loop {
                    let mut byte = [0];
                    match stream.read(&mut byte).await? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        _ if byte == *b"\n" => return Ok((stream, line)),
                        _ => line.push(char::from(byte[0])),
                    }
                }
            }

            async fn exchange_unix(
                mut stream: Self::UnixStream,
                request: &'static [u8],
            ) -> Vec<u8> {
                exchange!(stream, request)
            }
        }
    };
}

adapter!(
    Tokio,
    stagger_tokio,
    tokio::net::TcpStream,
    tokio::net::UnixStream,
    tokio::net::UdpSocket
);
adapter!(
    Smol,
    stagger_smol,
    smol::net::TcpStream,
    smol::net::unix::UnixStream,
    smol::net::UdpSocket
);
adapter!(
    AsyncStd,
    stagger_async_std,
    async_std::net::TcpStream,
    async_std::os::unix::net::UnixStream,
    async_std::net::UdpSocket
);
