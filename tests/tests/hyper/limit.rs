//! The limit of dials: whose turn it is, and that no turn is lost.
//!
//! Each future here is polled by hand, so the order is exact.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use stagger::{Candidate, Connector, Error, Target};
use stagger_hyper::tokio::{HttpConnector, Stream};
use tokio::io::DuplexStream;
use tokio::sync::oneshot;
use tower_service::Service as _;

type Connected = Result<Stream<DuplexStream>, Error>;

/// A connector whose attempts connect when the test says so.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<Started>>>);

/// An attempt that was polled.
struct Started {
    host: String,
    connect: Option<oneshot::Sender<()>>,
}

impl Held {
    /// The hosts of all attempts that were polled, in the order of their first polls.
    fn started(&self) -> String {
        self.0.lock().unwrap().iter().map(|started| &*started.host).collect()
    }

    /// Lets an attempt connect, by its place in that order.
    fn connect(&self, place: usize) {
        self.0.lock().unwrap()[place].connect.take().unwrap().send(()).unwrap();
    }
}

impl Connector<Target> for Held {
    type Connection = DuplexStream;
    type Error = Error;
    type Attempt = Pin<Box<dyn Future<Output = Result<DuplexStream, Error>> + Send>>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        let held = self.clone();
        Box::pin(async move {
            let (connect, receiver) = oneshot::channel();
            let host = to.address().host().to_string();
            held.0.lock().unwrap().push(Started { host, connect: Some(connect) });
            receiver.await.expect("the test keeps the sender");
            Ok(tokio::io::duplex(1).0)
        })
    }
}

/// A call of the connector, polled by hand.
struct Call {
    future: Pin<Box<dyn Future<Output = Connected> + Send>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Call {
    fn new(connector: &HttpConnector<DuplexStream>, host: &str) -> Self {
        // A client of hyper-util calls a clone for each connection.
        let future = connector.clone().call(format!("http://{host}/").parse().unwrap());
        Self { future, wakes: Arc::default() }
    }

    /// A call that was polled once, which is pending.
    fn pending(connector: &HttpConnector<DuplexStream>, host: &str) -> Self {
        let mut call = Self::new(connector, host);
        assert!(call.poll().is_pending(), "{host}");
        call
    }

    fn poll(&mut self) -> Poll<Connected> {
        self.future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.wakes.clone())))
    }

    fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }
}

fn limited(max: usize) -> (Held, HttpConnector<DuplexStream>) {
    let held = Held::default();
    (held.clone(), stagger_hyper::tokio::connector(held).with_max_dials(max))
}

#[test]
fn further_dials_start_in_the_order_of_their_first_polls() {
    let (held, connector) = limited(2);
    let [a, b] = ["a", "b"].map(|host| Call::pending(&connector, host));
    // The order of the calls does not count.
    let mut d = Call::new(&connector, "d");
    let mut c = Call::pending(&connector, "c");
    assert!(d.poll().is_pending());
    assert_eq!(held.started(), "ab");

    drop(b);
    assert!(c.is_woken() && !d.is_woken());
    // A dial that is polled out of turn does not get in.
    assert!(d.poll().is_pending());
    assert!(Call::new(&connector, "e").poll().is_pending());
    assert_eq!(held.started(), "ab");
    assert!(c.poll().is_pending());
    assert_eq!(held.started(), "abc");
    drop(a);
    assert!(d.is_woken() && d.poll().is_pending());
    assert_eq!(held.started(), "abcd");
}

#[test]
fn a_dial_that_is_dropped_passes_its_turn_on() {
    let (held, connector) = limited(1);
    let a = Call::pending(&connector, "a");
    let [b, c, mut d] = ["b", "c", "d"].map(|host| Call::pending(&connector, host));
    // Before its first poll, while it waits, and when it is its turn.
    drop(Call::new(&connector, "never"));
    drop(b);
    drop(a);
    assert!(c.is_woken() && !d.is_woken());
    drop(c);
    assert!(d.is_woken() && d.poll().is_pending());
    assert_eq!(held.started(), "ad");
    // And in the middle of its dial.
    drop(d);
    let _e = Call::pending(&connector, "e");
    assert_eq!(held.started(), "ade");
}

#[test]
fn a_connection_takes_no_turn_and_neither_does_a_bad_uri() {
    let (held, connector) = limited(1);
    let mut a = Call::pending(&connector, "a");
    let mut b = Call::pending(&connector, "b");
    assert!(matches!(Call::new(&connector, "c:0").poll(), Poll::Ready(Err(_))));
    held.connect(0);
    let Poll::Ready(Ok(_stream)) = a.poll() else { panic!("it does not connect") };
    // Neither the stream nor the future, which are both there, keeps the turn.
    assert!(b.is_woken() && b.poll().is_pending());
    assert_eq!(held.started(), "ab");
}

#[test]
fn a_connector_with_another_limit_has_turns_of_its_own() {
    let (held, connector) = limited(1);
    let _a = Call::pending(&connector, "a");
    let _b = Call::pending(&connector.clone().with_max_dials(1), "b");
    let _c = Call::pending(&connector.clone().without_max_dials(), "c");
    let _d = Call::pending(&connector, "d");
    assert_eq!(held.started(), "abc");
    assert_eq!(connector.max_dials(), Some(1));
    assert_eq!(connector.without_max_dials().max_dials(), None);
}

#[test]
#[should_panic = "a connector may run at least one dial"]
fn a_limit_of_no_dials_panics() {
    limited(0);
}
