//! A task that never has to wait lets others run.
//!
//! Each case runs a busy future beside another one in one task. The other one is polled whenever
//! the busy one is pending, so the longest run of operations without a turn of the other is exact.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ::futures_lite::future;
use stagger::listen::{Listen as _, Listener as _};
use stagger::{Connector as _, Endpoint as _};
use stagger_net::{TcpOptions, UdpOptions, UnixAddr};
use stagger_tests::place::{Healthy, Refusing, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, Scratch, battery, dialer, received};

battery! {
    {
        a_task_that_connects_over_tcp_lets_others_run,
        a_task_that_is_refused_lets_others_run,
        a_task_that_connects_over_unix_sockets_lets_others_run,
        a_task_that_finds_no_unix_socket_lets_others_run,
        a_task_that_accepts_over_tcp_lets_others_run,
        a_task_that_accepts_on_all_interfaces_lets_others_run,
        a_task_that_accepts_over_unix_sockets_lets_others_run,
        a_task_that_receives_datagrams_lets_others_run,
        a_task_that_sends_datagrams_lets_others_run,
    }
}

/// How many operations a task may do at once: what tokio lets a task do, and the budget of a thread
/// on the other runtimes.
const MOST: usize = 128;

/// How many operations each case does.
const OPERATIONS: usize = 200;

/// Counts operations since the last turn of the other future.
#[derive(Clone, Default)]
struct Turns(Arc<Shared>);

#[derive(Default)]
struct Shared {
    since: AtomicUsize,
    longest: AtomicUsize,
    over: AtomicBool,
}

impl Turns {
    /// The busy future has done one operation.
    fn did(&self) {
        let since = self.0.since.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.longest.fetch_max(since, Ordering::Relaxed);
    }

    /// The other future: takes a turn whenever it is polled.
    async fn other(self) {
        while !self.0.over.load(Ordering::Relaxed) {
            self.0.since.store(0, Ordering::Relaxed);
            future::yield_now().await;
        }
    }
}

/// Runs a busy future beside the other one. Fails if it does more than `most` operations at once.
fn beside<R, F>(most: usize, busy: impl FnOnce(Turns) -> F)
where
    R: Runtime,
    F: Future<Output = ()> + Send + 'static,
{
    let turns = Turns::default();
    let busy = busy(turns.clone());
    let (over, other) = (turns.clone(), turns.clone());
    R::new().run(async move {
        let busy = async {
            busy.await;
            over.0.over.store(true, Ordering::Relaxed);
        };
        future::zip(other.other(), busy).await;
    });
    let longest = turns.0.longest.load(Ordering::Relaxed);
    assert!(longest > 0, "it did nothing");
    assert!(longest <= most, "{longest} operations without a turn of the other");
}

/// How many connects a task may do at once: each spends 8 of the budget.
const MOST_CONNECTS: usize = MOST / 8;

/// On two threads the event of a connect may be there before the task asks for it. Tokio's budget
/// then counts, as for its own connect.
fn most_connects<R: Runtime>() -> usize {
    let is_multi_thread = std::any::type_name::<R>().ends_with("TokioMultiThread");
    if is_multi_thread { MOST } else { MOST_CONNECTS }
}

fn a_task_that_connects_over_tcp_lets_others_run<R: Runtime>() {
    beside::<R, _>(most_connects::<R>(), |turns| async move {
        let healthy = Healthy::new(V4);
        let addr = healthy.addr();
        let endpoint = R::Adapter::tcp_endpoint(addr.into());
        let connector = R::Adapter::connector(TcpOptions::new());
        let named = dialer::<R>([addr]);
        for operation in 0..OPERATIONS {
            let stream = match operation % 4 {
                0 => R::Adapter::connect(addr).await.unwrap(),
                1 => named.connect("stagger.test:80").await.unwrap(),
                2 => endpoint.connect().await.unwrap(),
                _ => connector.connect(addr.into()).await.unwrap(),
            };
            turns.did();
            drop((stream, healthy.accept()));
        }
    });
}

fn a_task_that_is_refused_lets_others_run<R: Runtime>() {
    beside::<R, _>(most_connects::<R>(), |turns| async move {
        let refusing = Refusing::new(V4);
        let endpoint = R::Adapter::tcp_endpoint(refusing.addr().into());
        for operation in 0..OPERATIONS {
            match operation % 2 {
                0 => assert!(R::Adapter::connect(refusing.addr()).await.is_err()),
                _ => assert!(endpoint.connect().await.is_err()),
            }
            turns.did();
        }
    });
}

fn unix_addr(scratch: &Scratch) -> UnixAddr {
    UnixAddr::path(scratch.path().join("fair.sock")).unwrap()
}

fn a_task_that_connects_over_unix_sockets_lets_others_run<R: Runtime>() {
    let scratch = Scratch::new();
    let addr = unix_addr(&scratch);
    let listener = UnixListener::bind(addr.as_path().unwrap()).unwrap();
    beside::<R, _>(most_connects::<R>(), |turns| async move {
        let endpoint = R::Adapter::unix_endpoint(addr);
        for _ in 0..OPERATIONS {
            let stream = endpoint.connect().await.unwrap();
            turns.did();
            drop((stream, listener.accept().unwrap()));
        }
    });
}

fn a_task_that_finds_no_unix_socket_lets_others_run<R: Runtime>() {
    let scratch = Scratch::new();
    let endpoint = R::Adapter::unix_endpoint(unix_addr(&scratch));
    // Tokio's budget counts these, for they never come to its reactor.
    beside::<R, _>(MOST, |turns| async move {
        for _ in 0..OPERATIONS {
            assert!(endpoint.connect().await.is_err());
            turns.did();
        }
    });
}

fn a_task_that_accepts_over_tcp_lets_others_run<R: Runtime>() {
    beside::<R, _>(MOST, |turns| async move {
        let mut listener = R::Adapter::listen("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addrs()[0];
        let clients = (0..OPERATIONS).map(|_| TcpStream::connect(addr).unwrap());
        let clients: Vec<TcpStream> = clients.collect();
        for _ in 0..OPERATIONS {
            drop(listener.accept().await.unwrap());
            turns.did();
        }
        drop(clients);
    });
}

fn a_task_that_accepts_on_all_interfaces_lets_others_run<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    beside::<R, _>(MOST, |turns| async move {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        let port = listener.local_addrs()[0].port();
        let connect = |number| TcpStream::connect(([V4, V6][number % 2], port)).unwrap();
        let clients: Vec<TcpStream> = (0..OPERATIONS).map(connect).collect();
        for _ in 0..OPERATIONS {
            drop(listener.accept().await.unwrap());
            turns.did();
        }
        drop(clients);
    });
}

fn a_task_that_accepts_over_unix_sockets_lets_others_run<R: Runtime>() {
    let scratch = Scratch::new();
    let addr = unix_addr(&scratch);
    beside::<R, _>(MOST, |turns| async move {
        let mut listener = R::Adapter::unix_listen(addr.clone()).listen().await.unwrap();
        let path = addr.as_path().unwrap();
        let clients = (0..OPERATIONS).map(|_| UnixStream::connect(path).unwrap());
        let clients: Vec<UnixStream> = clients.collect();
        for _ in 0..OPERATIONS {
            drop(listener.accept().await.unwrap());
            turns.did();
        }
        drop(clients);
    });
}

fn any_port() -> SocketAddr {
    SocketAddr::new(V4, 0)
}

fn a_task_that_receives_datagrams_lets_others_run<R: Runtime>() {
    beside::<R, _>(MOST, |turns| async move {
        let socket = R::Adapter::bind_udp(any_port(), &UdpOptions::new()).unwrap();
        let sender = UdpSocket::bind(any_port()).unwrap();
        sender.connect(socket.local_addr().unwrap()).unwrap();
        for _ in 0..OPERATIONS {
            sender.send(b"x").unwrap();
        }
        for _ in 0..OPERATIONS {
            assert_eq!(received::<R>(&socket).await.1, b"x");
            turns.did();
        }
    });
}

fn a_task_that_sends_datagrams_lets_others_run<R: Runtime>() {
    beside::<R, _>(MOST, |turns| async move {
        let socket = R::Adapter::bind_udp(any_port(), &UdpOptions::new()).unwrap();
        let receiver = UdpSocket::bind(any_port()).unwrap();
        let addr = receiver.local_addr().unwrap();
        for _ in 0..OPERATIONS {
            socket.send_to(b"x", addr).await.unwrap();
            turns.did();
        }
    });
}
