//! The names of a runtime's module.

/// Writes the names of a runtime's module. `$adapter` is the crate of its adapter, and `$kind` the
/// kind of its streams.
macro_rules! runtime {
    (
        module: $module:literal, adapter: $adapter:ident, stream: $stream:ident, boxed: $boxed:path,
        tls: $tls:path, proxy: $proxy:path,
        example: ($begin:literal, $end:literal),
    ) => {
        use std::net::SocketAddr;
        #[cfg(feature = "tls")]
        use std::sync::Arc;

        use stagger::boxed::{BoxConnector, BoxError};
        use stagger::connect::Dial;
        use stagger::error::SharedError;
        use stagger::{Dialer, Resolver};
        #[cfg(feature = "tls")]
        use stagger_tls::rustls::ClientConfig;
        use $adapter::{Reactor, TcpConnector, Timer};

        pub use crate::stream::$stream::BoxStream;
        use crate::{EndpointError, HopReader, scheme};

        /// A client endpoint with this runtime's streams.
        pub type ClientEndpoint = crate::ClientEndpoint<BoxStream>;

        /// A server endpoint with this runtime's streams.
        pub type ServerEndpoint = crate::ServerEndpoint<BoxStream>;

        /// The listener of a [`ServerEndpoint`].
        pub type ServerListener = crate::ServerListener<BoxStream>;

        /// A table of schemes with this runtime's streams.
        pub type Schemes = crate::Schemes<BoxStream>;

        /// The table with all schemes of this crate: see the [list](crate#schemes).
        ///
        /// # Examples
        ///
        /// A program that allows only Unix sockets:
        ///
        /// ```
        #[doc = concat!("let schemes = stagger_endpoint::", $module, "::schemes();")]
        /// assert!(schemes.client("unix:/run/app.sock").is_ok());
        /// let schemes = schemes.without_client("tcp");
        /// assert!(schemes.client("tcp:localhost:80").is_err());
        /// ```
        pub fn schemes() -> Schemes {
            let schemes = Schemes::new()
                .with_client("tcp", tcp($adapter::dialer()))
                .with_server("tcp", |hop| {
                    scheme::tcp::server::<BoxStream, Reactor, Timer>(hop, tcp_stream)
                });
            #[cfg(unix)]
            let schemes = {
                use scheme::inherited::{self, Streams};

                let streams = Streams { tcp: tcp_stream, unix: accepted_stream };
                schemes
                    .with_client("unix", |hop| {
                        scheme::unix::client::<BoxStream, Reactor>(hop, unix_stream)
                    })
                    .with_server("unix", |hop| {
                        scheme::unix::server::<BoxStream, Reactor, Timer>(hop, accepted_stream)
                    })
                    .with_client("fd", move |hop| {
                        inherited::client::<BoxStream, Reactor>(hop, streams)
                    })
                    .with_server("fd", move |hop| {
                        inherited::server_fd::<BoxStream, Reactor, Timer>(hop, streams)
                    })
                    .with_server("systemd", move |hop| {
                        inherited::systemd::<BoxStream, Reactor, Timer>(hop, streams)
                    })
            };
            #[cfg(feature = "tls")]
            let schemes = schemes
                .with_client("tls", |hop| {
                    scheme::tls::client::<BoxStream, $tls>(hop, None, client_tls_stream)
                })
                .with_server("tls", |hop| {
                    scheme::tls::server::<BoxStream, $tls, Timer>(hop, server_tls_stream)
                });
            #[cfg(feature = "proxy")]
            let schemes = {
                use stagger_proxy::Protocol;

                schemes
                    .with_client("socks5", |hop| {
                        scheme::proxy::client::<BoxStream, $proxy>(hop, Protocol::Socks5)
                    })
                    .with_client("connect", |hop| {
                        scheme::proxy::client::<BoxStream, $proxy>(hop, Protocol::Http)
                    })
            };
            #[cfg(all(unix, feature = "ssh"))]
            let schemes =
                schemes.with_client("ssh", ssh(stagger_ssh::Ssh::new($adapter::dialer())));
            schemes
        }

        /// Makes the client endpoint that a text names, with the schemes of this crate.
        ///
        /// Nothing is connected. With TLS the call reads certificates from files, which blocks.
        ///
        /// # Errors
        ///
        /// Fails if the text is wrong. The error has the place.
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_endpoint::stagger::Endpoint as _;
        #[doc = concat!("use stagger_endpoint::", $module, "::client;")]
        #[doc = concat!("# ", $begin)]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let port = listener.local_addr()?.port();
        ///
        /// let endpoint = client(&format!("tcp:localhost:{port}?timeout=5s"))?;
        /// let stream = endpoint.connect().await?;
        /// assert_eq!(stream.peer(), Some(&*listener.local_addr()?.to_string()));
        #[doc = concat!("# ", $end)]
        /// ```
        pub fn client(text: &str) -> Result<ClientEndpoint, EndpointError> {
            schemes().client(text)
        }

        /// Makes the server endpoint that a text names, with the schemes of this crate.
        ///
        /// Nothing listens yet. With TLS the call reads certificates from files, which blocks.
        ///
        /// # Errors
        ///
        /// Fails if the text is wrong. The error has the place.
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_endpoint::stagger::Endpoint as _;
        /// use stagger_endpoint::stagger::listen::{Listen as _, Listener as _};
        #[doc = concat!("use stagger_endpoint::", $module, "::{client, server};")]
        #[doc = concat!("# ", $begin)]
        /// let mut listener = server("tcp:127.0.0.1:0?backlog=16")?.listen().await?;
        /// let addr = listener.local_addrs().remove(0);
        ///
        /// let client = client(&format!("tcp:{addr}"))?.connect().await?;
        /// let (_stream, _peer) = listener.accept().await?;
        /// assert_eq!(client.peer(), Some(addr.as_str()));
        #[doc = concat!("# ", $end)]
        /// ```
        pub fn server(text: &str) -> Result<ServerEndpoint, EndpointError> {
            schemes().server(text)
        }

        /// The client scheme `tcp` over a dialer of the program, with its resolver. The options of
        /// a text override the dialer's policy and its socket options.
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_endpoint::stagger::Endpoint as _;
        /// use stagger_endpoint::stagger::resolve::Overrides;
        #[doc = concat!("use stagger_endpoint::", $module, "::{schemes, tcp};")]
        #[doc = concat!("# ", $begin)]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let port = listener.local_addr()?.port();
        ///
        #[doc = concat!("let dialer = ", stringify!($adapter), "::dialer();")]
        /// let resolver = Overrides::new(dialer.resolver().clone())
        ///     .with_host("web.example", ["127.0.0.1".parse()?])?;
        /// let schemes = schemes().with_client("tcp", tcp(dialer.with_resolver(resolver)));
        /// schemes.client(&format!("tcp:web.example:{port}"))?.connect().await?;
        #[doc = concat!("# ", $end)]
        /// ```
        pub fn tcp<R>(
            dialer: Dialer<R, TcpConnector, Timer>,
        ) -> impl Fn(&mut HopReader<'_, ClientEndpoint>) -> Result<ClientEndpoint, BoxError>
        + Send
        + Sync
        + 'static
        where
            R: Resolver<Address = SocketAddr, Error: Into<BoxError>>
                + Clone
                + Send
                + Sync
                + 'static,
            Dial<R, BoxConnector<SocketAddr, BoxStream, SharedError>, Timer>: Send + 'static,
        {
            move |hop| scheme::tcp::client(hop, &dialer, tcp_stream)
        }

        /// The client scheme `tls` with a configuration of the program. Then a text has no options
        /// `ca`, `cert` and `key`.
        ///
        /// # Examples
        ///
        /// ```
        /// # use stagger_testkit::tls::{Authority, Server};
        /// use stagger_endpoint::stagger::Endpoint as _;
        #[doc = concat!("use stagger_endpoint::", $module, "::{schemes, tls};")]
        #[doc = concat!("# ", $begin)]
        /// # let authority = Authority::new()?;
        /// # let server = Server::echo([127, 0, 0, 1], &authority, "tls.example")?;
        /// # let (config, address) = (authority.client()?, server.addr());
        /// let schemes = schemes().with_client("tls", tls(config));
        /// let endpoint = schemes.client(&format!("tcp:{address} | tls?name=tls.example"))?;
        /// endpoint.connect().await?;
        #[doc = concat!("# ", $end)]
        /// ```
        #[cfg(feature = "tls")]
        pub fn tls(
            config: impl Into<Arc<ClientConfig>>,
        ) -> impl Fn(&mut HopReader<'_, ClientEndpoint>) -> Result<ClientEndpoint, BoxError>
        + Send
        + Sync
        + 'static {
            let config = config.into();
            move |hop| scheme::tls::client::<BoxStream, $tls>(hop, Some(&config), client_tls_stream)
        }

        /// The client scheme `ssh` over a handle of the program, with its dialer and its backend.
        /// The options of a text override its files and its backend.
        ///
        /// # Examples
        ///
        /// A handle that reads one file, and no file of the user:
        ///
        /// ```
        /// use stagger_endpoint::stagger::Endpoint as _;
        #[doc = concat!("use stagger_endpoint::", $module, "::{schemes, ssh};")]
        /// use stagger_ssh::Ssh;
        /// use stagger_ssh::config::ConfigFiles;
        #[doc = concat!("# ", $begin)]
        /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// let addr = listener.local_addr()?;
        ///
        #[doc = concat!("let handle = Ssh::new(", stringify!($adapter), "::dialer());")]
        /// let handle = handle.with_config(ConfigFiles::none());
        /// let schemes = schemes().with_client("ssh", ssh(handle));
        /// let endpoint = schemes.client(&format!("ssh:{}?port={}", addr.ip(), addr.port()))?;
        /// assert_eq!(endpoint.connect().await?.peer(), Some(&*addr.to_string()));
        #[doc = concat!("# ", $end)]
        /// ```
        #[cfg(all(unix, feature = "ssh"))]
        pub fn ssh(
            ssh: stagger_ssh::Ssh<SshStream, Timer>,
        ) -> impl Fn(&mut HopReader<'_, ClientEndpoint>) -> Result<ClientEndpoint, BoxError>
        + Send
        + Sync
        + 'static {
            move |hop| scheme::ssh::client(hop, &ssh, ssh_stream)
        }

        #[cfg(all(unix, feature = "ssh"))]
        type SshStream = stagger_ssh::SshStream<
            <Reactor as stagger_net::Register>::Stream,
            <Reactor as stagger_net::Register<std::os::unix::net::UnixStream>>::Stream,
        >;

        #[cfg(all(unix, feature = "ssh"))]
        fn ssh_stream(stream: SshStream) -> BoxStream {
            let peer = stream.tcp().and_then(|stream| stream.peer_addr().ok());
            let stream = $boxed(stream);
            match peer {
                Some(peer) => stream.with_peer(peer.to_string()),
                // A program carries the connection.
                None => stream,
            }
        }

        fn tcp_stream(stream: <Reactor as stagger_net::Register>::Stream) -> BoxStream {
            let peer = stream.peer_addr();
            let stream = $boxed(stream);
            match peer {
                Ok(peer) => stream.with_peer(peer.to_string()),
                // The peer has gone already.
                Err(_) => stream,
            }
        }

        #[cfg(unix)]
        fn unix_stream(
            stream: <Reactor as stagger_net::Register<std::os::unix::net::UnixStream>>::Stream,
            peer: &str,
        ) -> BoxStream {
            $boxed(stream).with_peer(peer)
        }

        #[cfg(unix)]
        fn accepted_stream(
            stream: <Reactor as stagger_net::Register<std::os::unix::net::UnixStream>>::Stream,
            peer: Option<&str>,
        ) -> BoxStream {
            match peer {
                Some(peer) => unix_stream(stream, peer),
                None => $boxed(stream),
            }
        }

        #[cfg(feature = "tls")]
        fn client_tls_stream(
            stream: <$tls as stagger_tls::TlsIo<BoxStream>>::ClientStream,
        ) -> BoxStream {
            let peer = stream.get_ref().0.shared_peer();
            BoxStream::new(stream).with_peer_of(peer)
        }

        #[cfg(feature = "tls")]
        fn server_tls_stream(
            stream: <$tls as stagger_tls::TlsIo<BoxStream>>::ServerStream,
        ) -> BoxStream {
            let peer = stream.get_ref().0.shared_peer();
            BoxStream::new(stream).with_peer_of(peer)
        }
    };
}
