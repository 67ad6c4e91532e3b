//! The shared handle.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};

use ::futures_lite::future;
use stagger_reconnect::{BACKOFF, Link, LinkError, Reconnect, ReconnectState};
use stagger_tests::descriptor::open;
use stagger_tests::place::{Healthy, Silent, V4};
use stagger_tests::{Adapter, Runtime, battery, cut_everywhere, polled};

use crate::{TimerOf, endpoint, ms, warm_up};

battery! {
    {
        waits_in_many_tasks_get_the_connection_that_comes_back,
    }
    alone {
        a_link_dropped_at_any_await_leaves_no_descriptor,
        a_stopped_link_leaves_no_descriptor,
    }
}

type StreamOf<R> = <<R as Runtime>::Adapter as Adapter>::Stream;

type Keep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A link that shares the near address of each connection, and reads it until it is lost.
fn link<R: Runtime>(addrs: impl IntoIterator<Item = SocketAddr>) -> (Link<SocketAddr>, Keep) {
    let (link, keep) = Reconnect::new(endpoint::<R>(addrs), TimerOf::<R>::default())
        .with_backoff(BACKOFF.with_min_delay(ms(1)).with_max_delay(ms(10)))
        .into_link(|stream: StreamOf<R>| {
            let near = R::Adapter::local_addr(&stream);
            let lost = async move {
                let _ = R::Adapter::read_line(stream).await;
            };
            (near, lost)
        });
    (link, Box::pin(keep))
}

fn waits_in_many_tasks_get_the_connection_that_comes_back<R: Runtime>() {
    let listener = TcpListener::bind((V4, 0)).unwrap();
    let (link, keep) = link::<R>([listener.local_addr().unwrap()]);
    let control = link.clone();
    // The first connection is lost at once, and the second is kept.
    let (serve, served) = mpsc::channel();
    std::thread::spawn(move || {
        drop(listener.accept().unwrap());
        let (stream, peer) = listener.accept().unwrap();
        serve.send((stream, peer, listener)).unwrap();
    });
    let watch = link.clone();
    // The connections that each task has seen.
    let seen: Arc<[Arc<Mutex<Vec<SocketAddr>>>]> = (0..20).map(|_| Arc::default()).collect();
    let shared = seen.clone();
    let mut tasks: Vec<Keep> = vec![
        keep,
        Box::pin(async move {
            let (mut stream, peer, _listener) = loop {
                match served.try_recv() {
                    Ok(served) => break served,
                    Err(_) => future::yield_now().await,
                }
            };
            // The last connection is kept until all tasks have it.
            let at_last =
                |seen: &Mutex<Vec<SocketAddr>>| seen.lock().unwrap().last() == Some(&peer);
            while !shared.iter().all(|seen| at_last(seen)) {
                future::yield_now().await;
            }
            assert_eq!(watch.failures(), 0);
            watch.drain();
            assert!(matches!(watch.state(), ReconnectState::Connected { .. }));
            assert_eq!(watch.connected().await.ok(), Some(peer));
            stream.write_all(b"goodbye\n").unwrap();
            drop(stream);
        }),
    ];
    for seen in &*seen {
        let (link, seen) = (link.clone(), seen.clone());
        tasks.push(Box::pin(async move {
            loop {
                let near = match link.connected().await {
                    Ok(near) => near,
                    Err(LinkError::Stopped) => return,
                    Err(error) => panic!("{error}"),
                };
                let is_new = {
                    let mut seen = seen.lock().unwrap();
                    let is_new = seen.last() != Some(&near);
                    if is_new {
                        seen.push(near);
                    }
                    is_new
                };
                if !is_new {
                    future::yield_now().await;
                }
            }
        }));
    }
    drop(link);
    R::new().run_all(tasks);
    for seen in &*seen {
        let seen = seen.lock().unwrap();
        assert!(seen.len() <= 2, "{seen:?}: there were two connections");
    }
    assert_eq!(control.state(), ReconnectState::Ended);
}

fn a_link_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let runtime = warm_up::<R>();
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let before = open();
    let connected = cut_everywhere(5, |polls| {
        let addrs = [silent.addr(), healthy.addr()];
        let (link, keep) = Reconnect::new(endpoint::<R>(addrs), TimerOf::<R>::default())
            .with_backoff([ms(1)].into_iter())
            .into_link(|stream: StreamOf<R>| {
                let lost = async move {
                    future::yield_now().await;
                    drop(stream);
                };
                ((), lost)
            });
        let all = async move {
            let wait = link.connected().with_max_failures(9);
            future::zip(keep, wait).await.1.is_ok()
        };
        let ended = runtime.run(polled(polls, all));
        assert_eq!(open(), before, "after {polls} polls");
        ended
    });
    assert!(connected);
}

fn a_stopped_link_leaves_no_descriptor<R: Runtime>() {
    let runtime = warm_up::<R>();
    let healthy = Healthy::new(V4);
    let before = open();
    let (link, mut keep) = link::<R>([healthy.addr()]);
    let control = link.clone();
    let keep = runtime.run(async move {
        let stop = async {
            link.connected().await.expect("it connects");
            link.stop();
        };
        future::zip(keep.as_mut(), stop).await;
        // In an array, because a future as a result looks like a forgotten `await`.
        [keep]
    });
    // The ended future and a link are still there.
    assert_eq!(open(), before);
    assert_eq!(control.state(), ReconnectState::Ended);
    drop(keep);
}
