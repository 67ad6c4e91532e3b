//! Sockets that a service manager passes.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use stagger::Endpoint as _;
use stagger::listen::{Listen as _, Listener as _};
use stagger_tests::Scratch;
use stagger_tests::process::inheriting;

use crate::on::{On, client, server};

each_runtime! {
    alone an_inherited_socket_is_named_by_descriptor_by_index_or_by_name,
    alone a_connected_socket_is_inherited_as_a_client_and_taken_over_once,
}

fn an_inherited_socket_is_named_by_descriptor_by_index_or_by_name<O: On>() {
    let scratch = Scratch::new();
    let path = scratch.path().join("passed.sock");
    let passed = || {
        let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        vec![(tcp().into(), "a"), (tcp().into(), "b"), (unix.into(), "local one")]
    };
    inheriting(passed, || {
        O::run(async {
            for text in ["fd:3", "systemd:1", "systemd:local%20one"] {
                let endpoint = server::<O>(text);
                let mut listener = endpoint.listen().await.unwrap();
                let addr = listener.local_addrs().remove(0);
                if text.contains("local") {
                    let _client = UnixStream::connect(addr.as_str()).unwrap();
                    assert_eq!(listener.accept().await.unwrap().1.as_str(), "unnamed");
                } else {
                    let client = TcpStream::connect(addr.as_str()).unwrap();
                    let peer = listener.accept().await.unwrap().1;
                    assert_eq!(peer.as_str(), client.local_addr().unwrap().to_string());
                }
                // It is taken over once.
                let error = endpoint.listen().await.err().unwrap();
                assert!(format!("{error:#}").contains("taken over already"), "{error:#}");
            }
            let error = server::<O>("fd:9").listen().await.err().unwrap();
            assert!(format!("{error:#}").contains("is not passed"), "{error:#}");
        });
    });
}

fn a_connected_socket_is_inherited_as_a_client_and_taken_over_once<O: On>() {
    // The process that passes the sockets plays the peers.
    let passed = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = listener.accept().unwrap().0;
        let (unix, other) = UnixStream::pair().unwrap();
        thread::spawn(move || std::io::copy(&mut peer.try_clone().unwrap(), &mut &peer));
        thread::spawn(move || std::io::copy(&mut other.try_clone().unwrap(), &mut &other));
        vec![(tcp.into(), "tcp"), (unix.into(), "unix"), (listener.into(), "listener")]
    };
    inheriting(passed, || {
        O::run(async {
            for (text, has_peer) in [("fd:3", true), ("fd:4", false)] {
                let endpoint = client::<O>(&O::schemes(), text);
                let mut stream = endpoint.connect().await.unwrap();
                assert_eq!(O::peer(&stream).is_some(), has_peer);
                assert_eq!(O::echo(&mut stream, b"hello").await.unwrap(), b"hello");
                let error = endpoint.connect().await.err().unwrap();
                assert!(format!("{error:#}").contains("taken over already"), "{error:#}");
            }
            for (text, words) in [("fd:5", "is not connected"), ("fd:6", "is not passed")] {
                let error = client::<O>(&O::schemes(), text).connect().await.err().unwrap();
                assert!(format!("{error:#}").contains(words), "{error:#}");
            }
        });
    });
}
