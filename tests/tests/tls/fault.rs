//! A server whose handshake fails, and what must be seen of it.

use std::any::Any;
use std::collections::BTreeSet;
use std::error::Error as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger::{Error, Policy};
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::assert_at_once;
use stagger_tests::place::V4;
use stagger_tests::tls::{TlsAdapter, TlsRuntime, explaining, tls_dialer};
use stagger_tls::rustls::ClientConfig;
use stagger_tls::{TlsError, TlsErrorKind};

/// The name of every server.
pub(crate) const NAME: &str = "tls.example";

/// What every client asks for.
pub(crate) const TARGET: &str = "tls.example:443";

/// One way to fail.
pub(crate) struct Fault {
    /// It lives as long as the test needs it.
    _server: Box<dyn Any>,
    addr: SocketAddr,
    config: Arc<ClientConfig>,
    kind: TlsErrorKind,
    text: String,
    is_final: bool,
}

impl Fault {
    /// A server at this address with which a handshake by this configuration fails so.
    pub(crate) fn new(
        server: impl Any,
        addr: SocketAddr,
        config: impl Into<Arc<ClientConfig>>,
        kind: TlsErrorKind,
        text: &str,
    ) -> Self {
        let (config, text) = (config.into(), text.to_owned());
        Self { _server: Box::new(server), addr, config, kind, text, is_final: false }
    }

    /// The same failure, which ends the race.
    pub(crate) fn ending_the_race(mut self) -> Self {
        self.is_final = true;
        self
    }
}

/// The error of TLS of the attempt at this place.
#[track_caller]
pub(crate) fn tls_error(error: &Error, place: usize) -> &TlsError {
    let cause = error.report().attempts()[place].outcome.error();
    cause.expect("the attempt failed").downcast_ref().expect("it failed in TLS")
}

/// Asserts for each fault: alone it is one line that names the address, the step and the fault, and
/// nothing twice. Before a good address it lets that start at once, or ends the race.
pub(crate) fn assert_faults<R: TlsRuntime>(authority: &Authority, faults: &[Fault]) {
    let good = Server::echo(Ipv4Addr::LOCALHOST, authority, NAME).unwrap();
    let runtime = R::new();
    for fault in faults {
        assert_alone(&runtime, fault);
        if fault.is_final {
            assert_ends_the_race(&runtime, fault, &good);
        } else {
            assert_is_passed(&runtime, fault, &good);
        }
    }
}

/// Asserts that no two faults have the same text.
pub(crate) fn assert_distinct(faults: &[Fault]) {
    let texts: BTreeSet<_> = faults.iter().map(|fault| &fault.text).collect();
    assert_eq!(texts.len(), faults.len(), "{texts:?}");
}

fn assert_alone<R: TlsRuntime>(runtime: &R, fault: &Fault) {
    let dialer = tls_dialer::<R>([fault.addr], fault.config.clone());
    let error = runtime.run(dialer.connect(TARGET)).map(drop).expect_err(&fault.text);
    let line =
        format!("could not connect to {TARGET}: {}: TLS handshake: {}", fault.addr, fault.text);
    assert_eq!(error.to_string(), line);
    assert_eq!(format!("{:#}", anyhow::Error::from(error.clone())), line);
    assert_eq!(format!("{:#}", anyhow::Error::from(io::Error::from(error.clone()))), line);
    assert!(!line.contains(char::is_control), "{line:?}");
    assert_eq!(error.kind(), ErrorKind::Connection, "{line}");
    assert_eq!(error.is_final(), fault.is_final, "{line}");

    let tls = tls_error(&error, 0);
    assert_eq!(tls.kind(), fault.kind, "{line}");
    assert_eq!(tls.to_string(), format!("TLS handshake: {}", fault.text));
    assert!(tls.source().is_none(), "{line}");
    match fault.kind {
        TlsErrorKind::Certificate(expected) => {
            assert_eq!(tls.certificate_fault(), Some(expected), "{line}");
        }
        _ => assert_eq!(tls.certificate_fault(), None, "{line}"),
    }
    let is_io = matches!(fault.kind, TlsErrorKind::Io | TlsErrorKind::Closed);
    assert_eq!(tls.io_error().is_some(), is_io, "{tls:?}");
    assert_eq!(tls.rustls_error().is_none(), is_io, "{tls:?}");
    // TCP had connected.
    assert!(error.report().attempts()[0].progressed.is_some(), "{error:#}");
}

fn assert_is_passed<R: TlsRuntime>(runtime: &R, fault: &Fault, good: &Server) {
    let dialer = tls_dialer::<R>([fault.addr, good.addr()], fault.config.clone());
    let (stream, report) = runtime.run(dialer.connect(TARGET).with_report()).expect(&fault.text);
    let [first, second] = report.attempts() else { panic!("{report:?}") };
    assert_eq!([first.address, second.address], [fault.addr, good.addr()]);
    assert_at_once(first, second, Policy::ATTEMPT_DELAY);
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
    let answer = runtime.run(R::Adapter::echo_tls(stream, b"hello"));
    assert_eq!(answer.unwrap(), b"hello", "after {}", fault.text);
}

fn assert_ends_the_race<R: TlsRuntime>(runtime: &R, fault: &Fault, good: &Server) {
    let dialer = tls_dialer::<R>([fault.addr, good.addr()], fault.config.clone());
    let error = runtime.run(dialer.connect(TARGET)).map(drop).expect_err(&fault.text);
    assert!(error.is_final(), "{error}");
    assert_eq!(tls_error(&error, 0).kind(), fault.kind);
    assert_eq!(error.report().attempts().len(), 1, "no other address is tried: {error:#}");
}

/// A client of this authority, with all that is there by default.
pub(crate) fn client(authority: &Authority) -> Arc<ClientConfig> {
    explaining(authority, stagger_tests::tls::DEFAULT).into()
}

/// Where the servers are.
pub(crate) const PLACE: IpAddr = V4;
