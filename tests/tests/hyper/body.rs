//! Long bodies, which take many reads and writes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use stagger_tests::battery;

use crate::on::{Body, NAME, Web, WebRuntime, dialer};

battery! {
    {
        a_long_body_arrives_whole_in_both_directions,
    }
}

/// Longer than every buffer on the way, and no multiple of one.
const LENGTH: usize = 3 * 1024 * 1024 + 17;

/// Bytes that repeat with a period that fits no buffer.
fn pattern() -> Vec<u8> {
    (0..LENGTH).map(|at| (at % 251) as u8).collect()
}

/// Serves one request: reads its whole body, which it returns, and answers with the pattern.
fn serve() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
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
        body
    });
    (addr, server)
}

fn a_long_body_arrives_whole_in_both_directions<R: WebRuntime>() {
    let (addr, server) = serve();
    let connector = R::Adapter::connector(dialer::<R>([addr]));
    let body = Body::new(Bytes::from(pattern()));
    let answer = R::new().send(connector, &format!("http://{NAME}/"), body).unwrap();
    assert!(server.join().unwrap() == pattern(), "the request differs");
    assert!(answer.body == pattern(), "the answer differs");
}
