//! Long bodies, which take many reads and writes, and the end of a stream.

use std::future::poll_fn;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use hyper::rt::ReadBuf;
use stagger_testkit::tls::{Authority, Identity};
use stagger_tests::battery;
use stagger_tests::tls::{DEFAULT, explaining};
use stagger_tls::rustls::{ServerConnection, StreamOwned};
use tower_service::Service as _;

use crate::on::{Body, NAME, Web, WebRuntime, dialer};
use crate::tls::kit;

battery! {
    {
        a_long_body_arrives_whole_in_both_directions,
        a_long_body_over_tls_arrives_whole_in_both_directions,
        a_stream_that_is_shut_down_ends_for_the_server_and_is_read_to_its_end,
        tls_that_is_shut_down_ends_for_the_server_and_is_read_to_its_end,
    }
}

/// Longer than every buffer on the way, and no multiple of one.
const LENGTH: usize = 3 * 1024 * 1024 + 17;

/// Bytes that repeat with a period that fits no buffer.
fn pattern() -> Vec<u8> {
    (0..LENGTH).map(|at| (at % 251) as u8).collect()
}

/// How long a server waits for a byte. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Accepts one connection, and returns what `talk` returns.
fn serve(
    talk: impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static,
) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        talk(stream)
    });
    (addr, server)
}

/// The server's side of TLS.
fn over_tls(identity: &Identity, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let session = ServerConnection::new(identity.server().unwrap()).unwrap();
    StreamOwned::new(session, stream)
}

/// Serves one request: reads its whole body, which it returns, and answers with the pattern.
fn answer(stream: impl Read + Write) -> Vec<u8> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
    }
    let mut body = vec![0; LENGTH];
    stream.read_exact(&mut body).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    stream.get_mut().write_all(&pattern()).unwrap();
    stream.get_mut().flush().unwrap();
    body
}

fn a_long_body_arrives_whole_in_both_directions<R: WebRuntime>() {
    let (addr, server) = serve(answer);
    let connector = R::Adapter::connector(dialer::<R>([addr]));
    let body = Body::new(Bytes::from(pattern()));
    let answer = R::new().send(connector, &format!("http://{NAME}/"), body).unwrap();
    assert!(server.join().unwrap() == pattern(), "the request differs");
    assert!(answer.body == pattern(), "the answer differs");
}

/// A connector with TLS to this address.
fn https<R: WebRuntime>(addr: SocketAddr, authority: &Authority) -> <R::Adapter as Web>::Https {
    R::Adapter::https_reporting(dialer::<R>([addr]), explaining(authority, DEFAULT).into())
}

fn a_long_body_over_tls_arrives_whole_in_both_directions<R: WebRuntime>() {
    let (authority, identity) = kit();
    let (addr, server) = serve(move |stream| answer(over_tls(&identity, stream)));
    let body = Body::new(Bytes::from(pattern()));
    let uri = format!("https://{NAME}/");
    let answer = R::new().send(https::<R>(addr, &authority), &uri, body).unwrap();
    assert!(server.join().unwrap() == pattern(), "the request differs");
    assert!(answer.body == pattern(), "the answer differs");
}

/// Reads to the end, and only then answers. TLS ends with an alert: without it a read fails.
fn echo_at_the_end(mut stream: impl Read + Write) -> Vec<u8> {
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    stream.write_all(&got).unwrap();
    stream.flush().unwrap();
    got
}

/// Writes, shuts down, and reads to the end.
async fn exchange(mut stream: impl hyper::rt::Read + hyper::rt::Write + Unpin) -> Vec<u8> {
    const SENT: &[u8] = b"a few bytes";

    let mut stream = Pin::new(&mut stream);
    let slices = [io::IoSlice::new(&SENT[..2]), io::IoSlice::new(&SENT[2..])];
    assert!(stream.is_write_vectored());
    let written = poll_fn(|cx| stream.as_mut().poll_write_vectored(cx, &slices)).await.unwrap();
    assert_eq!(written, SENT.len(), "it did not write both slices");
    poll_fn(|cx| stream.as_mut().poll_flush(cx)).await.unwrap();
    poll_fn(|cx| stream.as_mut().poll_shutdown(cx)).await.unwrap();
    let mut got = Vec::new();
    loop {
        let mut memory = [0; 4];
        let mut read = ReadBuf::new(&mut memory);
        // A server of a test closes TCP without an alert.
        match poll_fn(|cx| stream.as_mut().poll_read(cx, read.unfilled())).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return got,
            ended => ended.unwrap(),
        }
        if read.filled().is_empty() {
            return got;
        }
        got.extend_from_slice(read.filled());
    }
}

fn a_stream_that_is_shut_down_ends_for_the_server_and_is_read_to_its_end<R: WebRuntime>() {
    if !R::Adapter::SHUTS_DOWN {
        return;
    }
    let (addr, server) = serve(echo_at_the_end);
    let call =
        R::Adapter::connector(dialer::<R>([addr])).call(format!("http://{NAME}/").parse().unwrap());
    let got = R::new().run(async move { exchange(call.await.unwrap()).await });
    assert_eq!((got, server.join().unwrap()), (b"a few bytes".to_vec(), b"a few bytes".to_vec()));
}

fn tls_that_is_shut_down_ends_for_the_server_and_is_read_to_its_end<R: WebRuntime>() {
    let (authority, identity) = kit();
    let (addr, server) = serve(move |stream| echo_at_the_end(over_tls(&identity, stream)));
    let call = https::<R>(addr, &authority).call(format!("https://{NAME}/").parse().unwrap());
    let got = R::new().run(async move { exchange(call.await.unwrap()).await });
    assert_eq!((got, server.join().unwrap()), (b"a few bytes".to_vec(), b"a few bytes".to_vec()));
}
