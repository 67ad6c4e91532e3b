//! TLS inside the race, on tokio and on smol: an address that accepts and then stalls costs one
//! attempt delay, and one with a wrong certificate costs nothing.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use stagger::report::AttemptOutcome;
use stagger::{Error, Policy, Report};
use stagger_examples::listed;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::place::has_ipv6;
use stagger_tls::rustls::ClientConfig;
use stagger_tls::{TlsError, TlsErrorKind};

const NAME: &str = "tls.example";
const OTHER: &str = "other.example";

/// IPv6 loopback where there is one, and else a second address of IPv4 loopback.
fn first() -> IpAddr {
    if has_ipv6() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::new(127, 0, 0, 2).into() }
}

/// How a connect over TLS went, and whether the loser's socket was still open when it was over.
struct Seen {
    report: Report<SocketAddr>,
    loser_was_open: bool,
}

/// Whether this process has a connection to `peer` that it has not closed. Its own end is
/// ESTABLISHED until then (proc_net_tcp's state 01).
#[cfg(target_os = "linux")]
fn is_connected_to(peer: SocketAddr) -> bool {
    let table = if peer.is_ipv6() { "/proc/self/net/tcp6" } else { "/proc/self/net/tcp" };
    let remote = format!(":{:04X}", peer.port());
    std::fs::read_to_string(table).unwrap().lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let (to, state) = (fields.next().unwrap(), fields.next().unwrap());
        to.ends_with(&remote) && state == "01"
    })
}

#[cfg(not(target_os = "linux"))]
fn is_connected_to(_: SocketAddr) -> bool {
    false
}

/// Connects over TLS, asks the server to echo, and sees how it went.
macro_rules! connecting {
    ($name:ident, $adapter:ident, $tls:ident, $($io:ident)::+) => {
        async fn $name<const N: usize>(
            addresses: [SocketAddr; N],
            config: Arc<ClientConfig>,
        ) -> Result<Seen, Error> {
            use ::$($io)::+::{AsyncReadExt as _, AsyncWriteExt as _};
            use stagger_tls::$tls::Tls;

            let connector = Tls::new($adapter::TcpConnector::default(), config);
            let dialer = $adapter::dialer();
            let dialer = dialer.with_resolver(listed(addresses)).with_connector(connector);
            let (mut stream, report) = dialer.connect((NAME, 443)).with_report().await?;
            let loser_was_open = is_connected_to(addresses[0]);
            stream.write_all(b"hello").await.unwrap();
            let mut answer = [0; 5];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"hello");
            Ok(Seen { report, loser_was_open })
        }
    };
}

connecting!(on_tokio, stagger_tokio, tokio, tokio::io);
connecting!(on_smol, stagger_smol, futures, futures_lite::io);

fn tokio_runs<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn past_a_stalled_address(
    connect: impl FnOnce([SocketAddr; 2], Arc<ClientConfig>) -> Result<Seen, Error>,
) {
    let authority = Authority::new().unwrap();
    let stalled = Server::stalled(first()).unwrap();
    let server = Server::echo(Ipv4Addr::LOCALHOST, &authority, NAME).unwrap();
    let addresses = [stalled.addr(), server.addr()];
    let seen = connect(addresses, authority.client().unwrap()).unwrap();
    drop(stalled.accepted());

    let [loser, winner] = seen.report.attempts() else { panic!("{:?}", seen.report) };
    assert_eq!([loser.address, winner.address], addresses);
    assert!(matches!(loser.outcome, AttemptOutcome::Dropped), "{loser:?}");
    assert!(matches!(winner.outcome, AttemptOutcome::Connected), "{winner:?}");
    let up = loser.progressed.expect("TCP was up");
    assert!(up < winner.started, "{:?}", seen.report);
    assert!(winner.started >= loser.started + Policy::ATTEMPT_DELAY, "{:?}", seen.report);
    assert!(!seen.loser_was_open, "the loser's socket outlived the race");
}

fn past_a_wrong_certificate(
    connect: impl FnOnce([SocketAddr; 2], Arc<ClientConfig>) -> Result<Seen, Error>,
) {
    let authority = Authority::new().unwrap();
    let wrong = Server::echo(first(), &authority, OTHER).unwrap();
    let server = Server::echo(Ipv4Addr::LOCALHOST, &authority, NAME).unwrap();
    let connected = connect([wrong.addr(), server.addr()], authority.client().unwrap());
    let report = connected.unwrap().report;
    let [failed, winner] = report.attempts() else { panic!("{report:?}") };
    assert!(matches!(winner.outcome, AttemptOutcome::Connected), "{winner:?}");
    assert!(is_certificate_fault(failed.outcome.error().expect("it failed")), "{failed:?}");
    assert_eq!(winner.started, failed.ended, "the next starts at once: {report:?}");
}

fn with_two_wrong_certificates(
    connect: impl FnOnce([SocketAddr; 2], Arc<ClientConfig>) -> Result<Seen, Error>,
) {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let wrong_name = Server::echo(first(), &authority, OTHER).unwrap();
    let wrong_issuer = Server::echo(Ipv4Addr::LOCALHOST, &stranger, NAME).unwrap();
    let connected = connect([wrong_name.addr(), wrong_issuer.addr()], authority.client().unwrap());
    let error = connected.map(drop).unwrap_err();
    let causes: Vec<_> = error.report().failures().map(|it| it.outcome.error().unwrap()).collect();
    assert_eq!(causes.len(), 2, "{error}");
    assert!(causes.iter().all(|cause| is_certificate_fault(cause)), "{error:#}");
    assert_ne!(causes[0].to_string(), causes[1].to_string());
    for cause in causes {
        assert!(error.to_string().contains(&cause.to_string()), "{error}");
    }
    assert!(!error.is_final());
}

fn is_certificate_fault(error: &stagger::error::SharedError) -> bool {
    let error: &TlsError = error.downcast_ref().expect("an error of TLS");
    matches!(error.kind(), TlsErrorKind::Certificate(_))
}

macro_rules! on_both {
    ($(fn $tokio:ident, fn $smol:ident: $case:ident,)*) => {$(
        #[test]
        fn $tokio() {
            $case(|addresses, config| tokio_runs(on_tokio(addresses, config)));
        }

        #[test]
        fn $smol() {
            $case(|addresses, config| futures_lite::future::block_on(on_smol(addresses, config)));
        }
    )*};
}

on_both! {
    fn an_address_that_stalls_in_tls_costs_one_delay_on_tokio,
    fn an_address_that_stalls_in_tls_costs_one_delay_on_smol: past_a_stalled_address,
    fn a_wrong_certificate_lets_the_next_start_at_once_on_tokio,
    fn a_wrong_certificate_lets_the_next_start_at_once_on_smol: past_a_wrong_certificate,
    fn every_certificate_s_fault_is_in_the_error_on_tokio,
    fn every_certificate_s_fault_is_in_the_error_on_smol: with_two_wrong_certificates,
}

#[test]
fn a_target_without_a_name_for_tls_is_refused_before_any_attempt() {
    use stagger_tls::tokio::Tls;

    let authority = Authority::new().unwrap();
    let server = Server::stalled(Ipv4Addr::LOCALHOST).unwrap();
    let connector = Tls::new(stagger_tokio::TcpConnector::default(), authority.client().unwrap());
    let dialer = stagger_tokio::dialer().with_connector(connector);
    let error = tokio_runs(dialer.connect_addresses([server.addr()])).map(drop).unwrap_err();
    assert_eq!(error.kind(), stagger::error::ErrorKind::NoneUsable, "{error}");
    assert!(error.to_string().contains("TLS has no name to check"), "{error}");
}
