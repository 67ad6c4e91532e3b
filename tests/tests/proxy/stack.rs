//! Connectors over connectors: every two of TLS, SOCKS5, CONNECT, a Unix-domain socket and a raced
//! dial that make sense, and three of them.
//!
//! Nothing goes over a plain connector but what is written here: a Unix-domain socket and a raced
//! dial are always at the bottom.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use stagger_net::UnixAddr;
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::place::{Silent, V4};
use stagger_tests::raw::Raw;
use stagger_tests::{Listed, Scratch};
use tokio::io::copy_bidirectional;

/// The name of the server behind all proxies, and of the proxies with TLS.
const SERVER: &str = "server.example";
const PROXY: &str = "proxy.example";

/// All that the tests connect to. Only the proxies know the server by its name.
struct World {
    authority: Authority,
    tls_server: SocketAddr,
    socks: [ProxyServer; 2],
    http: [ProxyServer; 2],
    /// The first proxy of each protocol, behind TLS.
    socks_over_tls: SocketAddr,
    http_over_tls: SocketAddr,
    silent: Silent,
    scratch: Scratch,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let tls = Server::echo([127, 0, 0, 1], &authority, SERVER).unwrap();
        let plain = Raw::new(V4, |mut stream| {
            let mut message = [0; 5];
            stream.read_exact(&mut message).ok()?;
            stream.write_all(&message).ok()?;
            Some(stream)
        });
        let (tls_server, plain_server) = (tls.addr(), plain.addr());
        let names = |proxy: io::Result<ProxyServer>| {
            let proxy = proxy.unwrap().with_name(SERVER, tls_server);
            proxy.with_name("plain.example", plain_server)
        };
        let socks = [(); 2].map(|()| names(ProxyServer::socks5()));
        let http = [(); 2].map(|()| names(ProxyServer::http()));
        let scratch = Scratch::new();
        for (name, addr) in
            [("tls", tls_server), ("socks", socks[0].addr()), ("http", http[0].addr())]
        {
            unix_in_front(&scratch.path().join(name), addr);
        }
        Self {
            socks_over_tls: tls_in_front(&authority, socks[0].addr()),
            http_over_tls: tls_in_front(&authority, http[0].addr()),
            authority,
            tls_server,
            socks,
            http,
            silent: Silent::new(V4),
            scratch,
        }
    }

    fn unix(&self, name: &str) -> UnixAddr {
        UnixAddr::path(self.scratch.path().join(name)).unwrap()
    }

    /// A race of a silent address and this one.
    fn raced(&self, addr: SocketAddr) -> Listed {
        Listed::new([self.silent.addr(), addr])
    }
}

/// A server with TLS that passes everything on to an address.
fn tls_in_front(authority: &Authority, to: SocketAddr) -> SocketAddr {
    use stagger::listen::Listener as _;
    use stagger_tls::tokio::{TlsAccept, TlsListener};

    let accept = TlsAccept::new(authority.issue(PROXY).unwrap().server().unwrap());
    let (tell, addr) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async move {
            let listener = stagger_tokio::listen("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addrs()[0]).unwrap();
            let mut listener = TlsListener::new(listener, stagger_tokio::Timer, accept);
            loop {
                let Ok((mut near, _)) = listener.accept().await else { continue };
                tokio::spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    });
    addr.recv().unwrap()
}

/// A Unix-domain socket that passes everything on to an address.
fn unix_in_front(path: &Path, to: SocketAddr) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(to).unwrap();
            let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || relay(near, far));
            thread::spawn(move || back(far_too, near_too));
        }
    });
}

fn relay(mut from: UnixStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn back(mut from: TcpStream, mut to: UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

macro_rules! stacks {
    ($runtime:ident, $adapter:ident, $kind:ident, $io:path, $run:expr) => {
        mod $runtime {
            use stagger::connect::connector_fn;
            use stagger::resolve::ByName;
            use stagger::{Candidate, Connector, Dialer, Endpoint as _, Target};
            use stagger_proxy::$kind::{HttpConnect, Proxy, ProxyAttempt, Socks5, through};
            use stagger_tls::$kind::Tls;
            use $io as runtime_io;

            use super::*;

            /// Connects to the target, and has the server send back a message.
            fn assert_echo<C>(connector: C, target: &str)
            where
                C: Connector<
                        Target,
                        Connection: runtime_io::AsyncRead + runtime_io::AsyncWrite + Unpin,
                    >,
            {
                use runtime_io::{AsyncReadExt as _, AsyncWriteExt as _};

                let target = Target::parse(target).unwrap();
                let to = Candidate::new(target.clone()).with_target(target);
                assert!(connector.accepts(&to).is_ok());
                $run(async {
                    let Ok(mut stream) = connector.connect(to).await else {
                        panic!("it does not connect");
                    };
                    stream.write_all(b"hello").await.unwrap();
                    stream.flush().await.unwrap();
                    let mut answer = [0; 5];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(&answer, b"hello");
                });
            }

            type Raced = Dialer<Listed, $adapter::TcpConnector, $adapter::Timer>;

            fn dial(resolver: Listed) -> Raced {
                $adapter::dialer().with_resolver(resolver)
            }

            /// A connector through a Unix-domain socket, whatever the target is.
            macro_rules! unix {
                ($addr:expr) => {{
                    let addr = $addr;
                    connector_fn(move |_: Target| {
                        $adapter::UnixEndpoint::new(addr.clone()).connect()
                    })
                }};
            }

            fn proxy() -> Target {
                Target::parse("proxy.example:1080").unwrap()
            }

            fn second(server: &ProxyServer) -> Target {
                server.addr().into()
            }

            const PLAIN: &str = "plain.example:7";
            const TLS: &str = "server.example:443";

            #[test]
            fn a_raced_dial_is_below_each() {
                let world = World::new();
                let config = || world.authority.client().unwrap();
                assert_echo(Tls::new(dial(world.raced(world.tls_server)), config()), TLS);
                let (socks, http) = (world.socks[0].addr(), world.http[0].addr());
                assert_echo(Socks5::new(dial(world.raced(socks)), proxy()), PLAIN);
                assert_echo(HttpConnect::new(dial(world.raced(http)), proxy()), PLAIN);
            }

            #[test]
            fn a_unix_domain_socket_is_below_each() {
                let world = World::new();
                let config = || world.authority.client().unwrap();
                assert_echo(Tls::new(unix!(world.unix("tls")), config()), TLS);
                assert_echo(Socks5::new(unix!(world.unix("socks")), proxy()), PLAIN);
                assert_echo(HttpConnect::new(unix!(world.unix("http")), proxy()), PLAIN);
            }

            #[test]
            fn tls_goes_over_each_proxy_and_checks_the_target_s_name() {
                let world = World::new();
                let config = || world.authority.client().unwrap();
                let socks = Socks5::new(dial(Listed::new([world.socks[0].addr()])), proxy());
                assert_echo(Tls::new(socks, config()), TLS);
                let http = HttpConnect::new(dial(Listed::new([world.http[0].addr()])), proxy());
                assert_echo(Tls::new(http, config()), TLS);
            }

            #[test]
            fn each_proxy_goes_over_tls_and_tls_checks_the_proxy_s_name() {
                let world = World::new();
                let config = || world.authority.client().unwrap();
                let tls = |addr| Tls::new(dial(Listed::new([addr])), config());
                assert_echo(Socks5::new(tls(world.socks_over_tls), proxy()), PLAIN);
                assert_echo(HttpConnect::new(tls(world.http_over_tls), proxy()), PLAIN);
                // The same by a URL.
                let url = "https://proxy.example".parse().unwrap();
                let connector = Proxy::from_url(tls(world.http_over_tls), &url);
                assert_echo(connector.with_inner_tls(), PLAIN);
            }

            #[test]
            fn each_proxy_goes_over_each_proxy() {
                let world = World::new();
                let [socks, other_socks] = &world.socks;
                let [http, other_http] = &world.http;
                let first_socks = || Socks5::new(dial(Listed::new([socks.addr()])), proxy());
                let first_http = || HttpConnect::new(dial(Listed::new([http.addr()])), proxy());
                assert_echo(Socks5::new(first_socks(), second(other_socks)), PLAIN);
                assert_echo(HttpConnect::new(first_socks(), second(other_http)), PLAIN);
                assert_echo(Socks5::new(first_http(), second(other_socks)), PLAIN);
                assert_echo(HttpConnect::new(first_http(), second(other_http)), PLAIN);
                assert_eq!(other_socks.targets(), [PLAIN; 2]);
                assert_eq!(other_http.targets(), [PLAIN; 2]);
            }

            #[test]
            fn a_race_goes_over_each_proxy() {
                let world = World::new();
                // The proxy refuses the first.
                let targets = || ["unknown.example:7", PLAIN].map(|it| Target::parse(it).unwrap());
                let socks = Socks5::new(dial(Listed::new([world.socks[0].addr()])), proxy());
                assert_echo(Dialer::new(Listed::new(targets()), socks, $adapter::Timer), TLS);
                let http = HttpConnect::new(dial(Listed::new([world.http[0].addr()])), proxy());
                assert_echo(Dialer::new(Listed::new(targets()), http, $adapter::Timer), TLS);
            }

            #[test]
            fn tls_over_socks5_over_connect_over_a_raced_dial() {
                let world = World::new();
                let http = HttpConnect::new(dial(world.raced(world.http[0].addr())), proxy());
                let socks = Socks5::new(http, second(&world.socks[0]));
                let tls = Tls::new(socks, world.authority.client().unwrap());
                assert_echo(tls, TLS);
                assert_eq!(world.http[0].targets(), [world.socks[0].addr().to_string()]);
                assert_eq!(world.socks[0].targets(), [TLS]);
            }

            #[test]
            fn tls_over_connect_over_tls_over_a_raced_dial() {
                let world = World::new();
                let config = || world.authority.client().unwrap();
                let outer = Tls::new(dial(world.raced(world.http_over_tls)), config());
                let http = HttpConnect::new(outer, proxy());
                assert_echo(Tls::new(http, config()), TLS);
            }

            #[test]
            fn a_dialer_through_a_proxy_has_tls_over_it() {
                let world = World::new();
                let url = "socks5h://proxy.example".parse().unwrap();
                let dialer = through(&dial(world.raced(world.socks[0].addr())), &url);
                let dialer =
                    dialer.map_connector(|it| Tls::new(it, world.authority.client().unwrap()));
                let _: &Dialer<ByName, _, _> = &dialer;
                assert_echo(dialer, TLS);
            }

            /// An attempt is `Send` if its parts are, and nothing is boxed.
            #[test]
            fn an_attempt_may_go_to_another_thread() {
                fn assert_send<T: Send + 'static>() {}
                type Inner = <Raced as Connector<Target>>::Attempt;
                type Stream = <Raced as Connector<Target>>::Connection;
                assert_send::<ProxyAttempt<Inner, Stream>>();
                assert_send::<<Socks5<HttpConnect<Raced>> as Connector<Target>>::Attempt>();
                assert_send::<<stagger_proxy::$kind::Router<Raced> as Connector<Target>>::Attempt>(
                );
            }
        }
    };
}

stacks!(tokio_runtime, stagger_tokio, tokio, tokio::io, |future| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
});
stacks!(smol, stagger_smol, futures, futures_lite::io, futures_lite::future::block_on);
