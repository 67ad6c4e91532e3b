//! Counts the sockets of this process, so this file has one test.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd as _;

use async_std::task::block_on;
use futures_lite::future::poll_once;
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use stagger_async_std::connect;

/// How many sockets this process holds.
fn sockets() -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// In how many places the epoll instances of this process watch a descriptor (proc(5)).
fn watches(descriptor: i32) -> usize {
    let entries = fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let watches = |text: String| {
        let watched = text.lines().filter_map(|line| line.strip_prefix("tfd:"));
        let first = watched.filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
        first.filter(|watched: &i32| *watched == descriptor).count()
    };
    texts.map(watches).sum()
}

#[test]
fn the_stream_is_registered_once_wakes_its_reader_and_closes_on_drop() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let before = sockets();
    block_on(async {
        let mut stream = connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!((sockets(), watches(stream.as_raw_fd())), (before + 1, 1));

        let (mut far, _) = listener.accept().unwrap();
        let mut word = [0; 5];
        let mut reading = Box::pin(stream.read_exact(&mut word));
        assert!(poll_once(&mut reading).await.is_none());
        far.write_all(b"hello").unwrap();
        reading.await.unwrap();
        assert_eq!(&word, b"hello");

        stream.write_all(b"world").await.unwrap();
        drop(stream);
        let mut rest = String::new();
        far.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "world");
    });
    assert_eq!(sockets(), before);
}
