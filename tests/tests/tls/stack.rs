//! TLS over other connectors, and other connectors over TLS.

use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::thread;

use stagger::boxed::{BoxConnector, LocalBoxConnector};
use stagger::report::AttemptOutcome;
use stagger::{Candidate, Connector, Dialer, Endpoint as _, Policy, Target};
use stagger_net::UnixAddr;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::place::{Refusing, V4};
use stagger_tests::tls::{TlsAdapter, TlsRuntime, explaining, tls, tls_dialer};
use stagger_tests::{Adapter, Listed, Scratch, assert_at_once, battery};
use stagger_tls::rustls::pki_types::ServerName;
use stagger_tls::rustls::version::TLS12;
use stagger_tls::rustls::{ServerConnection, StreamOwned};
use stagger_tls::{CertificateFault, ConnectError, Tls, TlsErrorKind};

use crate::fault::{NAME, PLACE, TARGET, client, tls_error};

battery! {
    {
        tls_over_a_dialer_connects_to_targets,
        hosts_race_with_tls_over_a_dialer,
        tls_runs_over_a_unix_socket_under_a_given_name,
        a_boxed_connector_and_a_boxed_dialer_keep_what_tls_judges,
        tls_runs_over_a_boxed_connector,
        every_future_with_tls_may_go_to_another_thread,
    }
}

fn server(name: &str) -> (Authority, Server) {
    let authority = Authority::new().unwrap();
    let server = Server::echo(PLACE, &authority, name).unwrap();
    (authority, server)
}

fn tls_over_a_dialer_connects_to_targets<R: TlsRuntime>() {
    let (authority, server) = server(NAME);
    let refusing = Refusing::new(V4);
    let tcp = R::Adapter::dialer().with_resolver(Listed::new([refusing.addr(), server.addr()]));
    let tls = Tls::<_, <R::Adapter as TlsAdapter>::Kind>::new(tcp, client(&authority));
    let runtime = R::new();
    let connect = |target: &str| {
        let target: Target = target.parse().unwrap();
        runtime.run(tls.clone().at(target).connect())
    };
    let stream = connect(TARGET).unwrap();
    assert_eq!(R::Adapter::peer_addr(R::Adapter::tcp(&stream)), server.addr());
    assert_eq!(runtime.run(R::Adapter::echo_tls(stream, b"hello")).unwrap(), b"hello");

    let error = connect("other.example:443").map(drop).unwrap_err();
    let text = "TLS handshake: the certificate is for tls.example, not other.example";
    assert_eq!(error.to_string(), text);
    let ConnectError::Tls(error) = error else { panic!("{error}") };
    assert_eq!(error.certificate_fault(), Some(CertificateFault::WrongName));

    let error = connect(&refusing.addr().to_string()).map(drop).unwrap_err();
    let ConnectError::Transport(error) = error else { panic!("{error}") };
    assert_eq!(error.report().attempts().len(), 1, "{error}");
    let error = io::Error::from(ConnectError::Transport(error));
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
}

fn hosts_race_with_tls_over_a_dialer<R: TlsRuntime>() {
    let (authority, good) = server(NAME);
    let wrong = Server::echo(PLACE, &authority, "other.example").unwrap();
    let hosts = [wrong.addr(), good.addr()].map(|addr| addr.to_string().parse().unwrap());
    let tcp = R::Adapter::dialer();
    let timer = <R::Adapter as Adapter>::Timer::default();
    let tls = Tls::<_, <R::Adapter as TlsAdapter>::Kind>::new(tcp, client(&authority));
    let dialer = Dialer::new(Listed::<Target>::new(hosts.clone()), tls, timer);
    let runtime = R::new();
    // The name that is checked is that of the outer target, whatever leads to it.
    let (stream, report) = runtime.run(dialer.connect(TARGET).with_report()).unwrap();
    let [first, second] = report.attempts() else { panic!("{report:?}") };
    assert_eq!([&first.address, &second.address], hosts.each_ref());
    assert_at_once(first, second, Policy::ATTEMPT_DELAY);
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
    assert_eq!(runtime.run(R::Adapter::echo_tls(stream, b"hello")).unwrap(), b"hello");
}

fn tls_runs_over_a_unix_socket_under_a_given_name<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let config = authority.issue(NAME).unwrap().server().unwrap();
    let scratch = Scratch::new();
    let path = scratch.path().join("tls");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        let mut message = [0; 5];
        io::Read::read_exact(&mut stream, &mut message).unwrap();
        io::Write::write_all(&mut stream, &message).unwrap();
    });
    let connector = <R::Adapter as Adapter>::UnixConnector::default();
    let tls = Tls::<_, <R::Adapter as TlsAdapter>::Kind>::new(connector, client(&authority));
    let addr = UnixAddr::path(&path).unwrap();
    let runtime = R::new();

    let error = runtime.run(tls.clone().at(addr.clone()).connect()).map(drop).unwrap_err();
    let text = "TLS has no name to check: the target is unknown, and no server name is set";
    assert_eq!(error.to_string(), text);
    let ConnectError::Tls(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), TlsErrorKind::ServerName);

    let tls = tls.with_server_name(ServerName::try_from(NAME).unwrap());
    let stream = runtime.run(tls.at(addr).connect()).map_err(|error| error.to_string()).unwrap();
    assert_eq!(runtime.run(R::Adapter::echo_tls_unix(stream, b"hello")).unwrap(), b"hello");
}

fn a_boxed_connector_and_a_boxed_dialer_keep_what_tls_judges<R: TlsRuntime>() {
    let (authority, good) = server(NAME);
    let identity = authority.issue(NAME).unwrap();
    // It demands a certificate, which ends a race.
    let demanding = Server::echo_with(PLACE, identity.server_for(&authority).unwrap()).unwrap();
    let config: std::sync::Arc<_> = explaining(&authority, &[&TLS12]).into();
    let runtime = R::new();
    for addrs in [vec![good.addr()], vec![demanding.addr(), good.addr()]] {
        let is_final = addrs.len() > 1;
        let dialer = tls_dialer::<R>(addrs, config.clone());
        let boxed = BoxConnector::new(dialer.connector().clone());
        let erased = BoxConnector::erased(dialer.connector().clone());
        let boxes = [
            dialer.clone().boxed(),
            dialer.clone().with_connector(boxed).boxed(),
            dialer.with_connector(erased).boxed(),
        ];
        for dialer in boxes {
            match runtime.run(dialer.connect(TARGET)) {
                Ok(stream) => {
                    assert!(!is_final);
                    let answer = runtime.run(R::Adapter::echo_tls(stream, b"hello"));
                    assert_eq!(answer.unwrap(), b"hello");
                }
                Err(error) => {
                    assert!(is_final && error.is_final(), "{error}");
                    assert_eq!(tls_error(&error, 0).kind(), TlsErrorKind::OwnCertificate);
                    assert_eq!(error.report().attempts().len(), 1, "{error:#}");
                }
            }
        }
    }
}

fn tls_runs_over_a_boxed_connector<R: TlsRuntime>() {
    let (authority, server) = server(NAME);
    let tcp = R::Adapter::dialer().with_resolver(Listed::new([server.addr()]));
    let boxed = BoxConnector::new(tcp.connector().clone());
    let tls = Tls::<_, <R::Adapter as TlsAdapter>::Kind>::new(boxed, client(&authority));
    let runtime = R::new();
    let stream = runtime.run(tcp.with_connector(tls).connect(TARGET)).unwrap();
    assert_eq!(runtime.run(R::Adapter::echo_tls(stream, b"hello")).unwrap(), b"hello");
}

fn every_future_with_tls_may_go_to_another_thread<R: TlsRuntime>() {
    fn goes<T: Send + 'static>(value: T) -> T {
        value
    }
    fn is_shared<T: Sync>(_: &T) {}

    let (authority, server) = server(NAME);
    let connector = goes(tls::<R>(client(&authority)));
    is_shared(&connector);
    drop(goes(connector.connect(server.addr().into())));
    let dialer = goes(tls_dialer::<R>([server.addr()], client(&authority)));
    is_shared(&dialer);
    drop(goes(dialer.connect(TARGET).with_report()));
    let dial = dialer.connect(TARGET);
    let there = thread::spawn(move || goes(R::new().run(dial).unwrap()));
    drop(there.join().unwrap());
}

/// A connector that can stay on one thread only. It counts its connects.
#[derive(Clone)]
struct Local<C>(C, Rc<Cell<u32>>);

impl<C: Connector<SocketAddr>> Connector<SocketAddr> for Local<C> {
    type Connection = C::Connection;
    type Error = C::Error;
    type Attempt = C::Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> C::Attempt {
        self.1.set(self.1.get() + 1);
        self.0.connect(to)
    }
}

macro_rules! on_one_thread {
    ($name:ident, $adapter:ident, $module:ident, |$future:ident| $run:expr) => {
        #[test]
        fn $name() {
            let (authority, server) = server(NAME);
            let count = Rc::new(Cell::new(0));
            let tcp = Local($adapter::TcpConnector::default(), Rc::clone(&count));
            let connector = stagger_tls::$module::Tls::new(tcp, client(&authority));
            let dialer = $adapter::dialer().with_resolver(Listed::new([server.addr()]));
            let boxed = LocalBoxConnector::erased(connector.clone());
            let dialers = [
                dialer.clone().with_connector(connector).boxed_local(),
                dialer.with_connector(boxed).boxed_local(),
            ];
            for (before, dialer) in (0..).zip(dialers) {
                assert_eq!(count.get(), before);
                let $future = dialer.connect(TARGET);
                let stream = $run.unwrap();
                let peer = stream.get_ref().0.peer_addr().unwrap();
                assert_eq!(peer, SocketAddr::from((Ipv4Addr::LOCALHOST, server.addr().port())));
            }
            assert_eq!(count.get(), 2);
        }
    };
}

on_one_thread!(
    a_connector_that_stays_on_its_thread_has_tls_on_tokio,
    stagger_tokio,
    tokio,
    |future| {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    }
);
on_one_thread!(
    a_connector_that_stays_on_its_thread_has_tls_on_smol,
    stagger_smol,
    futures,
    |future| ::smol::block_on(future)
);
