//! A listener that performs handshakes. The handshake here reads a line.

use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use stagger::Timer;
use stagger::boxed::BoxListen;
use stagger::listen::{
    Handshake, HandshakeError, HandshakeListen, HandshakeListener, Listen as _, Listener,
};
use stagger_net::TcpListen;
use stagger_net::tcp::{AcceptError, AcceptErrorKind};
use stagger_tests::descriptor::{exhaust, open};
use stagger_tests::place::V4;
use stagger_tests::{Adapter, Runtime, battery};

battery! {
    {
        a_mute_client_holds_up_no_other_and_its_error_comes_at_its_timeout,
        at_the_limit_the_queue_of_the_system_holds_the_next_client,
        a_handshake_in_a_box_is_performed_too,
    }
    alone {
        closing_the_listener_closes_every_connection_in_a_handshake,
        handshakes_that_succeed_fail_and_time_out_leave_no_descriptor,
        without_descriptors_a_handshake_in_flight_still_comes_to_its_end,
    }
}

/// Long enough for a slow machine to serve another client, and for a test to wait for.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long a blocking client waits for bytes or the end. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

type ReactorOf<R> = <<R as Runtime>::Adapter as Adapter>::Reactor;
type TimerOf<R> = <<R as Runtime>::Adapter as Adapter>::Timer;
type StreamOf<R> = <<R as Runtime>::Adapter as Adapter>::Stream;
type ListenOf<R> = TcpListen<ReactorOf<R>, TimerOf<R>>;
type Failure = HandshakeError<AcceptError, io::Error, SocketAddr>;

/// A handshake that reads a line.
trait ReadsLine<R: Runtime>:
    Handshake<
        StreamOf<R>,
        SocketAddr,
        Connection = (StreamOf<R>, String),
        Error = io::Error,
        Performing: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<R: Runtime, H> ReadsLine<R> for H where
    H: Handshake<
            StreamOf<R>,
            SocketAddr,
            Connection = (StreamOf<R>, String),
            Error = io::Error,
            Performing: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// Listens on loopback with such a handshake.
fn reading<R: Runtime>() -> HandshakeListen<ListenOf<R>, TimerOf<R>, impl ReadsLine<R>> {
    let listen = R::Adapter::tcp_listen(SocketAddr::from((V4, 0)).into());
    let handshake = |stream, _: &SocketAddr| R::Adapter::read_line(stream);
    listen.with_handshake(TimerOf::<R>::default(), handshake).with_timeout(TIMEOUT).unwrap()
}

fn connect(addr: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

fn connect_and_write(addr: SocketAddr, text: &str) -> TcpStream {
    let mut client = connect(addr);
    client.write_all(text.as_bytes()).unwrap();
    client
}

/// Whether the other end has closed the connection, or reset it.
fn is_closed(client: &mut TcpStream) -> bool {
    match client.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

/// Accepts until so many handshakes are in flight. None may be over before.
async fn fill<L, T, H>(listener: &mut HandshakeListener<L, T, H>, count: usize)
where
    L: Listener,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    poll_fn(|cx| {
        assert!(listener.poll_accept(cx).is_pending());
        if listener.in_flight() < count { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

fn a_mute_client_holds_up_no_other_and_its_error_comes_at_its_timeout<R: Runtime>() {
    R::new().run(async {
        let mut listener = reading::<R>().listen().await.unwrap();
        let addr = listener.local_addrs()[0];
        let mut mute = connect(addr);
        let half = connect_and_write(addr, "hal");
        let quick = connect_and_write(addr, "hello\n");
        let start = Instant::now();
        let ((stream, line), peer) = listener.accept().await.unwrap();
        assert_eq!((&*line, peer), ("hello", quick.local_addr().unwrap()));
        assert_eq!(R::Adapter::peer_addr(&stream), peer);
        for client in [&mute, &half] {
            let error = listener.accept().await.map(drop).unwrap_err();
            let peer = client.local_addr().unwrap();
            assert!(matches!(error, Failure::TimedOut { .. }), "{error}");
            assert_eq!(error.peer(), Some(&peer));
            assert_eq!(
                error.to_string(),
                format!("the handshake with {peer} took longer than 2 s")
            );
            assert!(start.elapsed() >= TIMEOUT);
        }
        assert!(is_closed(&mut mute));
        assert_eq!(listener.in_flight(), 0);
        // It goes on.
        let _next = connect_and_write(addr, "again\n");
        assert_eq!(listener.accept().await.unwrap().0.1, "again");
    });
}

fn at_the_limit_the_queue_of_the_system_holds_the_next_client<R: Runtime>() {
    R::new().run(async {
        let listen = reading::<R>().with_limit(1).unwrap();
        let mut listener = listen.listen().await.unwrap();
        let addr = listener.local_addrs()[0];
        let mut first = connect(addr);
        let next = connect_and_write(addr, "hello\n");
        fill(&mut listener, 1).await;
        // The first is not over yet, so nothing else is accepted. Then it fails.
        let mut accept = Box::pin(listener.accept());
        assert!(::futures_lite::future::poll_once(accept.as_mut()).await.is_none());
        first.write_all(b"hi").unwrap();
        drop(first);
        let error = accept.await.map(drop).unwrap_err();
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::UnexpectedEof);
        let ((_, line), peer) = listener.accept().await.unwrap();
        assert_eq!((&*line, peer), ("hello", next.local_addr().unwrap()));
    });
}

fn a_handshake_in_a_box_is_performed_too<R: Runtime>() {
    let listen: BoxListen<_, _, _, Failure, _> = BoxListen::new(reading::<R>());
    R::new().run(async move {
        let mut listener = listen.listen().await.unwrap();
        let _client = connect_and_write(listener.local_addrs()[0], "boxed\n");
        assert_eq!(listener.accept().await.unwrap().0.1, "boxed");
    });
}

/// Has the runtime open what it opens once.
fn warm_up<R: Runtime>() -> R {
    let runtime = R::new();
    runtime.run(async {
        let mut listener = reading::<R>().listen().await.unwrap();
        let _client = connect_and_write(listener.local_addrs()[0], "first\n");
        listener.accept().await.unwrap();
    });
    runtime
}

fn closing_the_listener_closes_every_connection_in_a_handshake<R: Runtime>() {
    const COUNT: usize = 20;

    let runtime = warm_up::<R>();
    let before = open();
    runtime.run(async {
        let mut listener = reading::<R>().listen().await.unwrap();
        let addr = listener.local_addrs()[0];
        let mut clients: Vec<_> = (0..COUNT).map(|_| connect(addr)).collect();
        fill(&mut listener, COUNT).await;
        let held = open().len();
        listener.close();
        // All were closed before it returned.
        assert_eq!(open().len(), held - COUNT - 1);
        assert!(clients.iter_mut().all(is_closed));
    });
    assert_eq!(open(), before);
}

fn handshakes_that_succeed_fail_and_time_out_leave_no_descriptor<R: Runtime>() {
    const EACH: usize = 20;

    let runtime = warm_up::<R>();
    let before = open();
    let results = runtime.run(async {
        let mut listener = reading::<R>().listen().await.unwrap();
        let addr = listener.local_addrs()[0];
        let mut clients = Vec::new();
        for _ in 0..EACH {
            clients.push(connect_and_write(addr, "hello\n"));
            clients.push(connect(addr));
            drop(connect_and_write(addr, "hel"));
        }
        let mut results = [0; 3];
        let (mut streams, listening) = (Vec::new(), open().len() - clients.len());
        for _ in 0..3 * EACH {
            let result = listener.accept().await;
            results[match &result {
                Ok(_) => 0,
                Err(Failure::Failed { .. }) => 1,
                Err(Failure::TimedOut { .. }) => 2,
                Err(error) => panic!("{error}"),
            }] += 1;
            streams.extend(result.ok());
        }
        assert_eq!(open().len(), listening + clients.len() + streams.len());
        // Some are in flight at the end.
        clients.extend((0..EACH).map(|_| connect(addr)));
        fill(&mut listener, EACH).await;
        results
    });
    assert_eq!(results, [EACH; 3]);
    assert_eq!(open(), before);
}

fn without_descriptors_a_handshake_in_flight_still_comes_to_its_end<R: Runtime>() {
    R::new().run(async {
        let mut listener = reading::<R>().listen().await.unwrap();
        let addr = listener.local_addrs()[0];
        let mut first = connect(addr);
        fill(&mut listener, 1).await;
        let second = connect_and_write(addr, "second\n");
        let exhausted = exhaust();
        let error = listener.accept().await.map(drop).unwrap_err();
        let Failure::Accept(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), AcceptErrorKind::Exhausted);
        first.write_all(b"first\n").unwrap();
        // The listener pauses between the errors, and each pause is longer than the one before.
        let mut errors = 0;
        let line = loop {
            match listener.accept().await {
                Ok(((_, line), _)) => break line,
                Err(Failure::Accept(error)) => {
                    assert_eq!(error.kind(), AcceptErrorKind::Exhausted);
                    errors += 1;
                    assert!(errors < 20, "the pauses come before the handshake");
                }
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(line, "first");
        drop(exhausted);
        let mut accept = pin!(listener.accept());
        let ((_, line), peer) = accept.as_mut().await.unwrap();
        assert_eq!((&*line, peer), ("second", second.local_addr().unwrap()));
    });
}
