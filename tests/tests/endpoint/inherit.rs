//! Sockets that a service manager passes.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use stagger::listen::{Listen as _, Listener as _};
use stagger_tests::Scratch;
use stagger_tests::process::inheriting;

use crate::on::{On, server};

both! {
    alone an_inherited_socket_is_named_by_descriptor_by_index_or_by_name,
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
