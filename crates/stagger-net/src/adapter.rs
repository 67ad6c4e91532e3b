//! The names of an adapter, and their documentation.

/// Writes the names of an adapter: aliases, functions and re-exports, with their documentation.
///
/// An adapter for a runtime has a reactor and a timer, and calls this macro at its root. All
/// adapters then have the same names. `docs/adding-a-runtime.md` in the repository has the details.
///
/// The arguments come in this order:
///
/// 1. `name`: the name of the crate, for the examples in the documentation.
/// 2. `reactor` and `timer`: types that implement `Default` and `Clone`. The timer implements
///    [`stagger::Timer`].
/// 3. `panics`, which is optional, and `runtime`: the text of the sections with these names.
/// 4. `example`: the hidden lines before and after the code of an example. The code uses `.await`,
///    and `?` on any error.
/// 5. `parts`: what the reactor can do. Each part may have attributes, such as `#[cfg(unix)]`.
///
/// | part | names | what the reactor implements |
/// | --- | --- | --- |
/// | always | `stagger`, `net` | nothing |
/// | `tcp(STREAM)` | `dialer`, `connect`, `Dialer`, `HostEndpoint`, `Dial`, `SystemResolver`, `TcpConnector`, `TcpEndpoint` | [`Register`](crate::Register) with `std::net::TcpStream` |
/// | `listen` | `listen`, `listen_all`, `TcpListen`, `TcpListener`, `TcpListening` | [`Accept`](crate::Accept) with `std::net::TcpListener` |
/// | `udp(SOCKET)` | `UdpSocket` | `Register` with `std::net::UdpSocket` |
/// | `unix(STREAM)` | `UnixConnector`, `UnixEndpoint` | `Register` with `UnixStream` of `std` |
/// | `unix_listen` | `UnixListen`, `UnixListener`, `UnixListening` | `Accept` with `UnixListener` of `std` |
/// | `dns` | `DnsResolver`, `Sockets`, `dns` | what `tcp` and `udp` need |
///
/// `STREAM` and `SOCKET` are the runtime's own types, which the reactor yields. The crate depends
/// on `stagger` and `stagger-net`. The part `dns` needs the part `tcp` and the crate `stagger-dns`.
///
/// # Examples
///
/// A reactor that never waits, and tries again at each poll:
///
/// ```
/// use std::{io, net::TcpStream, pin::Pin, task::{Context, Poll}, time::Instant};
///
/// #[derive(Clone, Default)]
/// pub struct Busy;
///
/// stagger_net::adapter! {
///     name: busy,
///     reactor: Busy,
///     timer: Busy,
///     runtime: "Any executor.",
///     example: ("futures_lite::future::block_on(async {", "});"),
///     parts: tcp(TcpStream),
/// }
///
/// impl net::Register for Busy {
///     type Socket = TcpStream;
///     type Stream = TcpStream;
///     fn register(&self, socket: TcpStream) -> io::Result<TcpStream> { Ok(socket) }
///     fn poll_io<T>(
///         &self, _: &TcpStream, _: net::reactor::Interest, cx: &mut Context<'_>,
///         mut operation: impl FnMut() -> io::Result<T>,
///     ) -> Poll<io::Result<T>> {
///         cx.waker().wake_by_ref();
///         match operation() {
///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
///             outcome => Poll::Ready(outcome),
///         }
///     }
///     fn finish(&self, socket: TcpStream) -> io::Result<TcpStream> { Ok(socket) }
/// }
///
/// impl stagger::Timer for Busy {
///     type Sleep = Pin<Box<dyn Future<Output = ()>>>;
///     fn now(&self) -> Instant { Instant::now() }
///     fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
///         let is_over = move || Instant::now() >= deadline;
///         Box::pin(async move { while !is_over() { futures_lite::future::yield_now().await } })
///     }
/// }
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let stream = futures_lite::future::block_on(connect(listener.local_addr()?))?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
// The path `stagger` is a dependency of the crate that invokes the macro.
#[macro_export]
macro_rules! adapter {
    // The sections of an item: the runtime's section, an optional one, and the start of an example.
    (@docs ($name:ident [$($panics:literal)?] $runtime:literal $begin:literal $end:literal)
        $({ $more:literal })? $($path:literal),*) => {
        concat!(
            $("# Panics\n", $panics, "\n",)? $($more,)? "# Runtime\n", $runtime, "\n# Examples\n",
            "```\n", $("use ", stringify!($name), "::", $path, ";\n",)* "\n# ", $begin,
        )
    };
    (@docs_end ($name:ident $panics:tt $runtime:literal $begin:literal $end:literal)) => {
        concat!("# ", $end, "\n```")
    };

    (@tcp $docs:tt $reactor:ident $timer:ident ($stream:path)) => {
        const _: fn(<$reactor as $crate::Register>::Stream) -> $stream = ::core::convert::identity;

        /// The system's resolver on this runtime's clock: a [`net::SystemResolver`].
        #[doc = $crate::adapter!(@docs $docs "{SystemResolver, dialer, net::lookup::Lanes}")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let port = listener.local_addr()?.port();
        ///
        /// // Each family has its own lookup from the beginning.
        /// let resolver = SystemResolver::new().with_lanes(Lanes::at_once());
        /// let stream = dialer().with_resolver(resolver).connect(("localhost", port)).await?;
        /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type SystemResolver = $crate::SystemResolver<$timer>;

        #[doc = concat!("Connects over TCP and yields [`", stringify!($stream), "`].")]
        #[doc = $crate::adapter!(@docs $docs
            "stagger::Connector as _", "{TcpConnector, net::TcpOptions}")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let options = TcpOptions::new().with_bind_ip("127.0.0.1".parse()?)?;
        /// let stream = TcpConnector::new(options).connect(listener.local_addr()?.into()).await?;
        /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type TcpConnector = $crate::TcpConnector<$reactor>;

        /// Connects to one address over TCP, without names and without a race.
        #[doc = $crate::adapter!(@docs $docs "{TcpEndpoint, stagger::Endpoint as _}")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let endpoint = TcpEndpoint::new(listener.local_addr()?);
        /// assert_eq!(endpoint.connect().await?.peer_addr()?, listener.local_addr()?);
        /// assert!("localhost:80".parse::<TcpEndpoint>().is_err());
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type TcpEndpoint = $crate::TcpEndpoint<$reactor>;

        /// A [`stagger::Dialer`] on this runtime's clock.
        ///
        /// [`dialer`] makes it with the system's resolver and a [`TcpConnector`]. `R` is another
        /// resolver, `C` another connector, and `O` an observer.
        #[doc = $crate::adapter!(@docs $docs "{Dialer, dialer, stagger::{Endpoint as _, Policy}}")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let target = listener.local_addr()?;
        ///
        /// let delay = std::time::Duration::from_millis(100);
        /// let policy = Policy::new().with_attempt_delay(delay)?;
        /// let dialer: Dialer = dialer().with_policy(policy);
        /// let first = dialer.connect(target).await?;
        ///
        /// // An endpoint already has its target.
        /// let second = dialer.endpoint(target)?.connect().await?;
        /// assert_eq!(first.peer_addr()?, second.peer_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type Dialer<R = SystemResolver, C = TcpConnector, O = ()> =
            ::stagger::Dialer<R, C, $timer, O>;

        /// A [`Dialer`] and its target, which [`endpoint`](stagger::Dialer::endpoint) makes.
        pub type HostEndpoint<R = SystemResolver, C = TcpConnector, O = ()> =
            ::stagger::connect::HostEndpoint<R, C, $timer, O>;

        /// The future of [`connect`] and of a dialer's `connect`: a [`stagger::connect::Dial`].
        pub type Dial<R = SystemResolver, C = TcpConnector, O = ()> =
            ::stagger::connect::Dial<R, C, $timer, O>;

        /// Makes a [`Dialer`] with the default policy and the default options.
        pub fn dialer() -> Dialer {
            Dialer::default()
        }

        /// Connects to a host and a service as fast as the network allows.
        ///
        /// The target is text such as `"example.com:https"` or `"[fe80::1%eth0]:22"`, a pair of a
        /// host and a service, a socket address, or a [`stagger::Target`]. Nothing happens before
        /// the future is polled.
        /// # Errors
        /// The future fails if the target is invalid, if the lookup fails or finds no address, and
        /// if every attempt fails. [`stagger::Error`] has the reason.
        #[doc = $crate::adapter!(@docs $docs {
            "# Cancel safety\nDropping the future closes every socket that it has opened before \
             `drop` returns. It abandons the lookup. A running `getaddrinfo` can't be stopped: its \
             thread is free again when libc returns.\n"
        } "connect")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let port = listener.local_addr()?.port();
        ///
        /// let stream = connect(("localhost", port)).await?;
        /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub fn connect<T>(target: T) -> Dial
        where
            T: TryInto<::stagger::Target>,
            ::stagger::target::TargetError: From<T::Error>,
        {
            dialer().connect(target)
        }
    };

    (@listen $docs:tt $reactor:ident $timer:ident) => {
        const _: Option<<$reactor as $crate::Accept>::Stream> = None;

        /// An address to listen at over TCP. Its future yields a [`TcpListener`], which accepts the
        /// runtime's own streams.
        #[doc = $crate::adapter!(@docs $docs
            "stagger::listen::{Listen as _, Listener as _}", "{TcpListen, net::TcpListenOptions}")]
        /// let options = TcpListenOptions::new().with_backlog(16)?;
        /// let endpoint = "127.0.0.1:0".parse::<TcpListen>()?.with_options(options);
        /// let mut listener = endpoint.listen().await?;
        ///
        /// let client = std::net::TcpStream::connect(listener.local_addrs()[0])?;
        /// let (_stream, peer) = listener.accept().await?;
        /// assert_eq!(peer, client.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type TcpListen = $crate::TcpListen<$reactor, $timer>;

        /// Accepts connections over TCP: see [`TcpListen`]. Import the trait of its methods,
        /// [`Listener`](stagger::listen::Listener).
        pub type TcpListener = $crate::TcpListener<$reactor, $timer>;

        /// The future of a [`TcpListen`], of [`listen`] and of [`listen_all`].
        pub type TcpListening = $crate::tcp::TcpListening<$reactor, $timer>;

        /// Listens over TCP at an address, with the default options.
        ///
        /// The address is text such as `"192.0.2.1:80"` or `"[fe80::1%eth0]:22"`, a socket address,
        /// a [`net::ListenAddr`], or a port, which means all of IPv4. No name is resolved. Nothing
        /// happens before the future is polled.
        /// # Errors
        /// The future fails if the address is invalid, and if the system refuses to listen there.
        #[doc = $crate::adapter!(@docs $docs "{listen, stagger::listen::Listener as _}")]
        /// let mut listener = listen("127.0.0.1:0").await?;
        /// let client = std::net::TcpStream::connect(listener.local_addrs()[0])?;
        /// let (stream, peer) = listener.accept().await?;
        /// assert_eq!((stream.local_addr()?, peer), (client.peer_addr()?, client.local_addr()?));
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub fn listen<T>(addr: T) -> TcpListening
        where
            T: TryInto<$crate::ListenAddr>,
            $crate::tcp::LiteralError: From<T::Error>,
        {
            TcpListening::new(addr)
        }

        /// Listens over TCP on all interfaces, over IPv6 and IPv4, with the default options.
        ///
        /// With port 0 the system chooses a port that is free in both families: see
        /// [`net::ListenAddr::all_interfaces`].
        /// # Errors
        /// The future fails if the system refuses to listen there. Nothing is bound then.
        #[doc = $crate::adapter!(@docs $docs "{listen_all, stagger::listen::Listener as _}")]
        /// let mut listener = listen_all(0).await?;
        /// for addr in listener.interface_addrs()? {
        ///     println!("listening on {addr}");
        /// }
        ///
        /// let port = listener.local_addrs()[0].port();
        /// let client = std::net::TcpStream::connect(("localhost", port))?;
        /// let (_stream, peer) = listener.accept().await?;
        /// assert_eq!(peer, client.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub fn listen_all(port: u16) -> TcpListening {
            listen($crate::ListenAddr::all_interfaces(port))
        }
    };

    (@udp $docs:tt $reactor:ident $timer:ident ($socket:path)) => {
        const _: fn(<$reactor as $crate::Register<::std::net::UdpSocket>>::Stream) -> $socket =
            ::core::convert::identity;

        #[doc = concat!("A UDP socket, with multicast, around a [`", stringify!($socket), "`].")]
        #[doc = $crate::adapter!(@docs $docs "UdpSocket")]
        /// let server = UdpSocket::bind("127.0.0.1:0")?;
        /// let client = UdpSocket::bind("127.0.0.1:0")?;
        /// client.connect(server.local_addr()?)?;
        /// client.send(b"who is there?").await?;
        ///
        /// let mut buffer = [0; 1500];
        /// let asked = server.recv_from(&mut buffer).await?;
        /// assert_eq!(asked.peer, client.local_addr()?);
        /// server.send_to(&buffer[..asked.length], asked.peer).await?;
        ///
        /// let answered = client.recv_from(&mut buffer[..3]).await?;
        /// assert!(answered.truncated);
        /// assert_eq!(&buffer[..answered.length], b"who");
        ///
        /// // A name is refused. Resolve it first, with `net::lookup::lookup` or a `Dialer`.
        /// assert!(server.send_to(b"x", "localhost:9").await.is_err());
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type UdpSocket = $crate::UdpSocket<$reactor>;
    };

    (@unix $docs:tt $reactor:ident $timer:ident ($stream:path)) => {
        const _: fn(<$reactor as $crate::Register<::std::os::unix::net::UnixStream>>::Stream)
            -> $stream = ::core::convert::identity;

        /// Connects over Unix-domain sockets: see [`UnixEndpoint`].
        pub type UnixConnector = $crate::UnixConnector<$reactor>;

        #[doc = concat!("Connects to a Unix-domain socket, yields [`", stringify!($stream), "`].")]
        #[doc = $crate::adapter!(@docs $docs "{Timer, UnixEndpoint, stagger::race}")]
        /// let path = std::env::temp_dir().join(format!("stagger-{}.sock", std::process::id()));
        /// let listener = std::os::unix::net::UnixListener::bind(&path)?;
        ///
        /// // Two endpoints race. Nothing listens at the first.
        /// let absent = UnixEndpoint::path(path.with_extension("absent"))?;
        /// let present = UnixEndpoint::path(&path)?;
        ///
        /// let won = race([absent, present], Timer::default()).await.unwrap();
        /// assert_eq!(won.index, 1);
        /// assert!(won.connection.peer_addr()?.as_pathname() == Some(&path));
        /// # std::fs::remove_file(path)?;
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type UnixEndpoint = $crate::UnixEndpoint<$reactor>;
    };

    (@unix_listen $docs:tt $reactor:ident $timer:ident) => {
        const _: Option<<$reactor as $crate::Accept<::std::os::unix::net::UnixListener>>::Stream> =
            None;

        /// An address to listen at over Unix-domain sockets. Its future yields a [`UnixListener`].
        #[doc = $crate::adapter!(@docs $docs "stagger::listen::{Listen as _, Listener as _}", "UnixListen")]
        /// let path = std::env::temp_dir().join(format!("stagger-{}-listen", std::process::id()));
        /// let mut listener = UnixListen::path(&path)?.listen().await?;
        /// let client = std::os::unix::net::UnixStream::connect(&path)?;
        /// let (_stream, peer) = listener.accept().await?;
        /// assert_eq!(peer, None);
        /// # std::fs::remove_file(path)?;
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type UnixListen = $crate::UnixListen<$reactor, $timer>;

        /// Accepts Unix-domain connections: see [`UnixListen`]. Import the trait of its methods,
        /// [`Listener`](stagger::listen::Listener).
        pub type UnixListener = $crate::UnixListener<$reactor, $timer>;

        /// The future of a [`UnixListen`].
        pub type UnixListening = $crate::unix::UnixListening<$reactor, $timer>;
    };

    // Each item has the attributes of the part. So the compiler names the feature that a program lacks.
    (@dns [$($attribute:tt)*] $docs:tt $reactor:ident $timer:ident) => {
        $($attribute)*
        /// The resolver over DNS: its configuration, its policies and its errors.
        pub use stagger_dns as dns;

        $($attribute)*
        /// Asks this machine's name servers, and yields each answer as soon as it arrives.
        ///
        /// It is a [`dns::DnsResolver`] with this runtime's sockets and clock.
        /// [`system`](dns::DnsResolver::system) and `default` make it.
        #[doc = $crate::adapter!(@docs $docs "{Dialer, DnsResolver, dialer}")]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let port = listener.local_addr()?.port();
        ///
        /// let dialer: Dialer<DnsResolver> = dialer().with_resolver(DnsResolver::system());
        /// let stream = dialer.connect(("localhost", port)).await?;
        /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        #[doc = $crate::adapter!(@docs_end $docs)]
        pub type DnsResolver<L = SystemResolver> = ::stagger_dns::DnsResolver<Sockets, $timer, L>;

        $($attribute)*
        /// The sockets of a [`DnsResolver`].
        pub type Sockets = ::stagger_dns::Sockets<$reactor>;
    };

    (@part [$($attribute:tt)*] $docs:tt $reactor:ident $timer:ident dns) => {
        $crate::adapter!(@dns [$($attribute)*] $docs $reactor $timer);
    };
    (@part [$($attribute:tt)*] $docs:tt $reactor:ident $timer:ident $part:ident $(($stream:path))?) => {
        $($attribute)* $crate::adapter!(@$part $docs $reactor $timer $(($stream))?);
    };

    (@parts $docs:tt $reactor:ident $timer:ident
        $($(#[$attribute:meta])* $part:ident $(($stream:path))?),* $(,)?) => {
        $($crate::adapter!(
            @part [$(#[$attribute])*] $docs $reactor $timer $part $(($stream))?
        );)*
    };

    (@$part:ident $($rest:tt)*) => {
        ::core::compile_error!(concat!(
            "`", stringify!($part), "` is not a part of an adapter, or has the wrong argument. ",
            "The parts are tcp(STREAM), listen, udp(SOCKET), unix(STREAM), unix_listen and dns",
        ));
    };

    (
        name: $name:ident,
        reactor: $reactor:ident,
        timer: $timer:ident,
        $(panics: $panics:literal,)?
        runtime: $runtime:literal,
        example: ($begin:literal, $end:literal),
        parts: $($parts:tt)*
    ) => {
        const _: Option<<$timer as ::stagger::Timer>::Sleep> = None;

        /// The core: targets, policies, errors and reports, and the traits.
        pub use stagger;
        /// Options for sockets, the system's lookups, and the types behind the aliases.
        pub use stagger_net as net;

        $crate::adapter!(
            @parts ($name [$($panics)?] $runtime $begin $end) $reactor $timer $($parts)*
        );
    };
}
