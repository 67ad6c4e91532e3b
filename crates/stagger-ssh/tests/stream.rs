//! Streams of each runtime: input and output, and futures that may move between threads.

#![cfg(all(unix, feature = "futures", feature = "tokio"))]

mod support;

use std::io::{Read as _, Write as _};
use std::thread;

use stagger::{Candidate, Connector as _, Endpoint as _};
use stagger_ssh::{Ssh, SshHost};
use support::{Config, listener};

/// Checks that every future of the handle is `Send` and `'static`.
macro_rules! is_send {
    ($dialer:expr, $host:expr) => {{
        fn check<T: Send + 'static>(_: T) {}
        let ssh = Ssh::new($dialer);
        check(ssh.connect("web"));
        check(ssh.connect("web").with_report());
        check(ssh.through("web").connect("db:5432"));
        check(ssh.through("web").boxed());
        check(ssh.endpoint("web").connect());
        check(ssh.resolve("web"));
        check(ssh.connector().connect(Candidate::<SshHost>::new($host)));
        check(ssh);
    }};
}

#[test]
fn every_future_is_send_and_static_on_each_adapter() {
    let host = Config::new("").host("web");
    is_send!(stagger_tokio::dialer(), host.clone());
    is_send!(stagger_smol::dialer(), host.clone());
    is_send!(stagger_async_std::dialer(), host);
}

/// A server over TCP that answers one line in capitals, and a command that does.
fn configuration() -> (Config, thread::JoinHandle<()>) {
    let (listener, addr) = listener();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    let config = Config::new(&format!(
        "Host tcp\n HostName 127.0.0.1\n Port {}\n\
         Host command\n ProxyCommand sh -c 'printf SSH; exec tr a-z A-Z'\n",
        addr.port()
    ));
    (config, server)
}

#[test]
fn bytes_and_the_end_go_both_ways_with_the_traits_of_tokio() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (config, server) = configuration();
    let ssh = Ssh::new(stagger_tokio::dialer()).with_config(config.files());
    runtime.block_on(async {
        for alias in ["tcp", "command"] {
            let mut stream = ssh.connect(alias).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "SSHHELLO", "{alias}");
        }
    });
    server.join().unwrap();
}

#[test]
fn bytes_and_the_end_go_both_ways_with_the_traits_of_futures_io() {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};

    let (config, server) = configuration();
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files());
    futures_lite::future::block_on(async {
        for alias in ["tcp", "command"] {
            let mut stream = ssh.connect(alias).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.close().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "SSHHELLO", "{alias}");
        }
    });
    server.join().unwrap();
}

#[test]
fn a_command_that_writes_many_errors_does_not_stop_the_connection() {
    use futures_lite::AsyncReadExt as _;

    // 4 MiB are more than the buffer of a socket.
    let config = Config::new(
        "Host web\n ProxyCommand sh -c 'printf SSH; head -c 4194304 /dev/zero >&2; printf end'\n",
    );
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files());
    futures_lite::future::block_on(async {
        let mut stream = ssh.connect("web").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "SSHend");
    });
}
