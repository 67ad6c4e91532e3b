//! What a dialer through a proxy takes from the dialer that reaches the proxy, on the virtual
//! clock.

#![cfg(feature = "futures")]

use std::cell::Cell;
use std::future::{Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_lite::{AsyncRead, AsyncWrite};
use stagger::connect::connector_fn;
use stagger::resolve::{Families, Query, lookup_fn};
use stagger::{Dialer, Policy, Timer};
use stagger_proxy::futures::through;
use stagger_testkit::{Clock, ms};

/// A stream whose peer answers as a SOCKS5 proxy that connects.
struct Connected(&'static [u8]);

impl AsyncRead for Connected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connected {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The addresses of the proxy in their order. The first two are silent.
const PROXIES: [&str; 3] = ["192.0.2.1:1080", "192.0.2.2:1080", "192.0.2.3:1080"];

fn proxies(_: Query) -> Ready<io::Result<[SocketAddr; 3]>> {
    ready(Ok(PROXIES.map(|addr| addr.parse().expect("it is an address"))))
}

/// Connects to a target through the proxy. Returns the result, and the time in milliseconds.
fn connects(policy: Policy, target: &str) -> (Result<(), stagger::Error>, u128) {
    let tcp = connector_fn(|addr: SocketAddr| async move {
        match addr.to_string() == PROXIES[2] {
            true => Ok::<_, io::Error>(Connected(b"\x05\0\x05\0\0\x01\0\0\0\0\0\0")),
            false => pending().await,
        }
    });
    let clock = Clock::new();
    let dialer = Dialer::new(lookup_fn(proxies), tcp, clock.clone()).with_policy(policy);
    let proxy = "socks5h://proxy.example".parse().expect("it is a URL");
    let connected = clock.run(through(&dialer, &proxy).connect(target));
    (connected.map(drop), clock.elapsed().as_millis())
}

#[test]
fn the_attempt_timeout_is_for_each_address_of_the_proxy_and_not_for_all_of_them() {
    let policy = Policy::new().without_overlap().with_attempt_timeout(ms(1_000)).unwrap();
    let (connected, elapsed) = connects(policy, "example.com:443");
    connected.unwrap();
    assert_eq!(elapsed, 2_000);
}

#[test]
fn the_families_are_those_of_the_proxy_s_addresses_and_not_of_the_target() {
    let policy = Policy::new().with_families(Families::Ipv4);
    let (connected, elapsed) = connects(policy, "[2001:db8::1]:443");
    connected.unwrap();
    assert_eq!(elapsed, 500);
}

#[test]
fn the_overall_timeout_is_for_the_whole_connect() {
    let policy = Policy::new().without_overlap().with_timeout(ms(700)).unwrap();
    let (connected, elapsed) = connects(policy, "example.com:443");
    assert!(connected.is_err());
    assert_eq!(elapsed, 700);
}

/// A stream whose peer answers as a SOCKS5 proxy that refuses the login, after a time.
struct Refusing {
    answers: &'static [u8],
    delay: Option<Pin<Box<<Clock as Timer>::Sleep>>>,
    logins: Rc<Cell<usize>>,
}

impl AsyncRead for Refusing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let is_greeted = self.answers.len() == 2;
        if let Some(delay) = self.delay.as_mut().filter(|_| is_greeted) {
            ready!(delay.as_mut().poll(cx));
            self.delay = None;
        }
        Pin::new(&mut self.answers).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Refusing {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes == b"\x01\x02me\x05wrong" {
            self.logins.set(self.logins.get() + 1);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How often a wrong login is sent to a proxy that answers it after this time.
fn logins(policy: Policy, delay: Duration) -> usize {
    let (clock, logins) = (Clock::new(), Rc::new(Cell::new(0)));
    let (timer, count) = (clock.clone(), logins.clone());
    let tcp = connector_fn(move |_: SocketAddr| {
        ready(Ok::<_, io::Error>(Refusing {
            answers: b"\x05\x02\x01\x01",
            delay: Some(Box::pin(timer.sleep(delay))),
            logins: count.clone(),
        }))
    });
    let dialer = Dialer::new(lookup_fn(proxies), tcp, clock.clone()).with_policy(policy);
    let proxy = "socks5h://me:wrong@proxy.example".parse().expect("it is a URL");
    let connected = clock.run(through(&dialer, &proxy).connect("example.com:443"));
    assert!(connected.map(drop).unwrap_err().is_final());
    logins.get()
}

#[test]
fn a_wrong_login_is_sent_again_only_by_an_attempt_that_starts_before_the_answer() {
    assert_eq!(logins(Policy::new(), ms(249)), 1);
    assert_eq!(logins(Policy::new(), ms(251)), 2);
    assert_eq!(logins(Policy::new().without_overlap(), ms(251)), 1);
}
