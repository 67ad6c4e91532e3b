//! The stream of connections.

use std::io;
use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::futures_lite::StreamExt as _;
use stagger_reconnect::{Reconnect, can_pass};
use stagger_tests::descriptor::open;
use stagger_tests::place::{Healthy, Refusing, Silent, V4};
use stagger_tests::{Adapter, Runtime, battery, cut_everywhere, polled};

use crate::{TimerOf, endpoint, ms, warm_up};

battery! {
    {
        a_server_that_hangs_up_at_once_gets_no_storm,
    }
    alone {
        a_stream_dropped_at_any_await_leaves_no_descriptor,
    }
}

/// Accepts so many connections and hangs up at once. Returns the listener.
fn hang_up(times: usize) -> (SocketAddr, JoinHandle<TcpListener>) {
    let listener = TcpListener::bind((V4, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for _ in 0..times {
            drop(listener.accept().expect("a connection is accepted"));
        }
        listener
    });
    (addr, server)
}

fn a_server_that_hangs_up_at_once_gets_no_storm<R: Runtime>() {
    const DELAYS: [u64; 4] = [20, 40, 80, 160];
    let (addr, server) = hang_up(DELAYS.len() + 1);
    let connections = Reconnect::new(endpoint::<R>([addr]), TimerOf::<R>::default())
        .with_backoff(DELAYS.map(ms).into_iter())
        // Longer than any pause of this machine.
        .with_steady_after(Duration::from_secs(600))
        .with_retry(can_pass);
    R::new().run(async move {
        let mut connections = Box::pin(connections);
        let mut asked = Instant::now();
        for delay in iter::once(0).chain(DELAYS) {
            let stream = connections.next().await.expect("a connection").expect("it connects");
            let waited = asked.elapsed();
            assert!(waited >= ms(delay), "{waited:?} is less than {delay} ms");
            assert!(R::Adapter::read_line(stream).await.is_err(), "the server hangs up");
            asked = Instant::now();
        }
        assert!(connections.next().await.is_none());
    });
    let listener = server.join().unwrap();
    listener.set_nonblocking(true).unwrap();
    let error = listener.accept().expect_err("there was no connect besides");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

fn a_stream_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let runtime = warm_up::<R>();
    let (silent, refusing) = (Silent::new(V4), Refusing::new(V4));
    // The queue of connections that are not accepted is longer than all polls together need.
    let healthy = Healthy::new(V4);
    let before = open();
    let count = cut_everywhere(5, |polls| {
        let addrs = [silent.addr(), refusing.addr(), healthy.addr()];
        let connections = Reconnect::new(endpoint::<R>(addrs), TimerOf::<R>::default())
            .with_backoff([ms(1)].into_iter());
        let all = async move {
            let mut connections = Box::pin(connections);
            let mut count = 0;
            while let Some(connection) = connections.next().await {
                drop(connection.expect("it connects"));
                count += 1;
            }
            count
        };
        let ended = runtime.run(polled(polls, all));
        assert_eq!(open(), before, "after {polls} polls");
        ended
    });
    assert_eq!(count, 2);
}
