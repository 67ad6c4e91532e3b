//! Listening on Unix-domain sockets.

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use stagger::Endpoint as _;
use stagger::listen::{Listen as _, Listener as _};
use stagger_net::{UnixAddr, UnixListenOptions};
use stagger_tests::descriptor::open;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

battery! {
    {
        a_path_is_listened_on_and_bytes_go_both_ways,
        a_peer_that_is_bound_is_told_by_its_address,
    }
    alone {
        an_abstract_name_is_listened_on,
        a_stale_socket_is_replaced_where_that_is_asked_for_and_nothing_else_is,
        a_listener_over_unix_sockets_opens_nothing_unpolled_and_leaves_nothing_open,
    }
}

fn addr(scratch: &Scratch, name: &str) -> UnixAddr {
    UnixAddr::path(scratch.path().join(name)).unwrap()
}

fn a_path_is_listened_on_and_bytes_go_both_ways<R: Runtime>() {
    let scratch = Scratch::new();
    let addr = addr(&scratch, "some.sock");
    R::new().run(async move {
        let mut listener = R::Adapter::unix_listen(addr.clone()).listen().await.unwrap();
        assert_eq!(listener.local_addrs(), std::slice::from_ref(&addr));
        for _ in 0..3 {
            let client = R::Adapter::unix_endpoint(addr.clone()).connect().await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, None);
            let ask = R::Adapter::exchange_unix(client, b"");
            drop(stream);
            assert_eq!(ask.await, b"");
        }
        let mut client = UnixStream::connect(addr.as_path().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(R::Adapter::exchange_unix(stream, b"hello").await, b"");
        let mut heard = String::new();
        io::Read::read_to_string(&mut client, &mut heard).unwrap();
        assert_eq!(heard, "hello");
        // The file stays.
        listener.close();
        assert!(addr.as_path().unwrap().exists());
    });
}

fn an_abstract_name_is_listened_on<R: Runtime>() {
    let scratch = Scratch::new();
    let addr = UnixAddr::abstract_name(scratch.path().to_str().unwrap()).unwrap();
    R::new().run(async move {
        let mut listener = R::Adapter::unix_listen(addr.clone()).listen().await.unwrap();
        assert_eq!(listener.local_addrs(), std::slice::from_ref(&addr));
        let again = R::Adapter::unix_listen(addr.clone()).listen().await.map(drop).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        let text = stagger::text::WithCauses(&again).to_string();
        let start = format!("could not listen on {addr}: could not bind: ");
        assert!(text.starts_with(&start), "{text}");
        let _client = R::Adapter::unix_endpoint(addr.clone()).connect().await.unwrap();
        listener.accept().await.unwrap();
        drop(listener);
        R::Adapter::unix_listen(addr).listen().await.unwrap();
    });
}

fn a_peer_that_is_bound_is_told_by_its_address<R: Runtime>() {
    let scratch = Scratch::new();
    let [server, client] = ["server.sock", "client.sock"].map(|name| addr(&scratch, name));
    let unseen = scratch.path().join("unseen").to_str().unwrap().to_owned();
    let unseen = UnixAddr::abstract_name(unseen).unwrap();
    // It fills its address, so that there is no NUL at its end, and is none of ours.
    let long = scratch.path().join("long").to_str().unwrap().to_owned();
    let long = format!("{long:x<108}");
    R::new().run(async move {
        let mut listener = R::Adapter::unix_listen(server.clone()).listen().await.unwrap();
        let path = |path: &Path| SocketAddrUnix::new(path).unwrap();
        let bound = [
            (path(client.as_path().unwrap()), Some(client)),
            (
                SocketAddrUnix::new_abstract_name(unseen.as_abstract_name().unwrap()).unwrap(),
                Some(unseen),
            ),
            (path(Path::new(&long)), None),
        ];
        for (at, expected) in bound {
            let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None);
            let socket = socket.unwrap();
            rustix::net::bind(&socket, &at).unwrap();
            rustix::net::connect(&socket, &path(server.as_path().unwrap())).unwrap();
            assert_eq!(listener.accept().await.unwrap().1, expected);
        }
    });
}

fn a_stale_socket_is_replaced_where_that_is_asked_for_and_nothing_else_is<R: Runtime>() {
    let scratch = Scratch::new();
    let [stale, live, file, link] =
        ["stale", "live", "file", "link"].map(|name| addr(&scratch, name));
    let path = |addr: &UnixAddr| addr.as_path().unwrap().to_owned();
    drop(UnixListener::bind(path(&stale)).unwrap());
    let _live = UnixListener::bind(path(&live)).unwrap();
    fs::write(path(&file), "precious").unwrap();
    std::os::unix::fs::symlink(path(&file), path(&link)).unwrap();
    let replacing = UnixListenOptions::new().with_replace_stale(true);
    R::new().run(async move {
        let listen = |addr: &UnixAddr, options: &UnixListenOptions| {
            R::Adapter::unix_listen(addr.clone()).with_options(options.clone()).listen()
        };
        for (addr, options) in [
            (&stale, &UnixListenOptions::new()),
            (&live, &replacing),
            (&file, &replacing),
            (&link, &replacing),
        ] {
            let error = listen(addr, options).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
        }
        assert!(UnixStream::connect(live.as_path().unwrap()).is_ok());
        assert_eq!(fs::read_to_string(link.as_path().unwrap()).unwrap(), "precious");

        let mut listener = listen(&stale, &replacing).await.unwrap();
        let _client = UnixStream::connect(stale.as_path().unwrap()).unwrap();
        listener.accept().await.unwrap();
        // Now it is live.
        assert!(listen(&stale, &replacing).await.is_err());
        // What is not there need not be replaced.
        fs::remove_file(live.as_path().unwrap()).unwrap();
        listen(&live, &replacing).await.unwrap();
    });
}

fn a_listener_over_unix_sockets_opens_nothing_unpolled_and_leaves_nothing_open<R: Runtime>() {
    let scratch = Scratch::new();
    let addr = addr(&scratch, "some.sock");
    let runtime = R::new();
    let options = UnixListenOptions::new().with_replace_stale(true);
    let endpoint = R::Adapter::unix_listen(addr.clone()).with_options(options);
    drop(runtime.run(endpoint.listen()).unwrap());
    let before = open();
    drop(endpoint.listen());
    assert_eq!(open(), before);
    runtime.run(async move {
        let mut listener = endpoint.listen().await.unwrap();
        let _client = UnixStream::connect(addr.as_path().unwrap()).unwrap();
        let _accepted = listener.accept().await.unwrap();
        assert!(::futures_lite::future::poll_once(listener.accept()).await.is_none());
    });
    assert_eq!(open(), before);
}
