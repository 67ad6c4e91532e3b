//! Attempts that fail for want of something on this machine, and are made once more.

use std::any::Any;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::SockRef;
use stagger::error::ErrorKind;
use stagger::observe::Step;
use stagger::report::AttemptOutcome;
use stagger::{Connector as _, Observer, Report};
use stagger_net::UnixAddr;
use stagger_tests::descriptor::exhaust;
use stagger_tests::place::{Healthy, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, battery, dialer};

/// The pause before a second attempt, by the default policy.
const DELAY: Duration = Duration::from_millis(250);

/// What a race of two attempts may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

battery! {
    alone {
        a_connect_goes_on_when_there_are_descriptors_again,
        a_lasting_want_of_descriptors_is_an_error_after_two_attempts,
        a_unix_connector_knows_a_want_of_descriptors,
    }
    within ONE_PORT {
        a_connect_goes_on_when_there_is_a_source_port_again,
    }
    within NO_IPV6 {
        a_machine_without_ipv6_is_not_short_of_anything,
    }
}

/// Lets something go at the first failure, so that the second attempt finds it.
#[derive(Clone)]
struct Relief(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Relief {
    fn new(held: impl Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(held)))))
    }
}

impl Observer<SocketAddr> for Relief {
    fn step(&mut self, _: Duration, step: Step<'_, SocketAddr>) {
        if let Step::Failed { .. } = step {
            let held = self.0.lock().expect("no drop has panicked").take();
            assert!(held.is_some(), "a second attempt failed");
        }
    }
}

/// The first attempt failed with this error, and the second connected, not before the delay.
#[track_caller]
fn connected_at_the_second_attempt(report: &Report<SocketAddr>, kind: io::ErrorKind) {
    let [first, second] = report.attempts() else { panic!("{report}") };
    assert_eq!(first.address, second.address);
    assert_eq!(first.outcome.error().map(io_kind), Some(kind), "{report}");
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{report}");
    assert!(second.started >= first.ended + DELAY, "{report}");
    assert!(second.started < first.ended + PATIENCE, "{report}");
}

fn io_kind(error: &stagger::error::SharedError) -> io::ErrorKind {
    error.downcast_ref::<io::Error>().expect("it is a socket's").kind()
}

/// Connects once, so that the runtime has all that it opens for itself.
fn warm<R: Runtime>(runtime: &R, server: &Healthy) {
    let warmed = runtime.run(dialer::<R>([server.addr()]).connect("stagger.test:80"));
    assert!(warmed.is_ok());
}

fn a_connect_goes_on_when_there_are_descriptors_again<R: Runtime>() {
    let (runtime, server) = (R::new(), Healthy::new(V4));
    warm(&runtime, &server);
    let relief = Relief::new(exhaust());
    let dialer = dialer::<R>([server.addr()]).with_observer(relief);
    let connected = runtime.run(dialer.connect("stagger.test:80").with_report());
    let (_stream, report) = connected.unwrap();
    let kind = io::Error::from(Errno::MFILE).kind();
    connected_at_the_second_attempt(&report, kind);
}

fn a_lasting_want_of_descriptors_is_an_error_after_two_attempts<R: Runtime>() {
    let (runtime, server) = (R::new(), Healthy::new(V4));
    warm(&runtime, &server);
    let exhausted = exhaust();
    let start = Instant::now();
    let error = runtime.run(dialer::<R>([server.addr()]).connect("stagger.test:80")).map(drop);
    let took = start.elapsed();
    drop(exhausted);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:#}");
    assert_eq!(error.report().attempts().len(), 2, "{error:#}");
    let text = io::Error::from(Errno::MFILE).to_string();
    assert!(error.to_string().ends_with(&text), "{error}");
    for once in [&text, &server.addr().to_string()] {
        assert_eq!(error.to_string().matches(once.as_str()).count(), 1, "{error}");
    }
    assert!(took >= DELAY && took < PATIENCE, "{took:?}");
}

fn a_unix_connector_knows_a_want_of_descriptors<R: Runtime>() {
    let connector = <R::Adapter as Adapter>::UnixConnector::default();
    let runtime = R::new();
    let connect = || connector.connect(UnixAddr::path("/nowhere/at all").unwrap().into());
    let missing = runtime.run(connect()).map(drop).unwrap_err();
    assert!(!connector.is_local_shortage(&missing), "{missing}");
    let exhausted = exhaust();
    let short = runtime.run(connect()).map(drop);
    drop(exhausted);
    let short = short.unwrap_err();
    assert!(connector.is_local_shortage(&short), "{short}");
}

/// A connection that has the only source port. Its end frees the port at once.
fn hold_port(server: &Healthy) -> TcpStream {
    let held = TcpStream::connect(server.addr()).unwrap();
    SockRef::from(&held).set_linger(Some(Duration::ZERO)).unwrap();
    held
}

fn a_connect_goes_on_when_there_is_a_source_port_again<R: Runtime>() {
    let families: &[IpAddr] = if has_ipv6() { &[V4, V6] } else { &[V4] };
    for ip in families {
        let (runtime, server) = (R::new(), Healthy::at((*ip, 4711).into()));
        let relief = Relief::new(hold_port(&server));
        let dialer = dialer::<R>([server.addr()]).with_observer(relief);
        let connected = runtime.run(dialer.connect("stagger.test:80").with_report());
        let (stream, report) = connected.unwrap();
        connected_at_the_second_attempt(&report, io::ErrorKind::AddrNotAvailable);
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

fn a_machine_without_ipv6_is_not_short_of_anything<R: Runtime>() {
    let dialer = dialer::<R>([SocketAddr::from((V6, 80))]);
    let error = R::new().run(dialer.connect("stagger.test:80")).map(drop).unwrap_err();
    let [attempt] = error.report().attempts() else { panic!("{error:#}") };
    let kind = attempt.outcome.error().map(io_kind);
    assert_eq!(kind, Some(io::ErrorKind::AddrNotAvailable), "{error:#}");
}
