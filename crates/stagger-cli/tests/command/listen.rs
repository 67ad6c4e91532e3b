//! Accepting connections.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::listening::Listening;
use crate::run::{RUNTIMES, stagger};

/// Sends text and the end, and reads the reply to its end.
pub(crate) fn exchange(addr: SocketAddr, words: &str) -> (SocketAddr, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let own = stream.local_addr().unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).unwrap();
    (own, back)
}

#[test]
fn what_is_sent_comes_back_and_each_peer_is_shown() {
    for runtime in RUNTIMES {
        let mut listening = Listening::start(&["listen", "127.0.0.1:0", "--runtime", runtime]);
        let addr = listening.addr();
        // A silent peer does not delay the others.
        let silent = TcpStream::connect(addr).unwrap();
        let silent_addr = silent.local_addr().unwrap();
        assert_eq!(listening.line(), format!("{silent_addr} connected"));
        for words in ["hello", &"x".repeat(200_000)] {
            let (own, back) = exchange(addr, words);
            assert!(back == words, "{} bytes for {}", back.len(), words.len());
            assert_eq!(listening.line(), format!("{own} connected"));
            let gone = format!("{own} closed: {} bytes echoed", words.len());
            assert_eq!(listening.line(), gone);
        }
        drop(silent);
        assert_eq!(listening.line(), format!("{silent_addr} closed: 0 bytes echoed"));
        listening.interrupt();
    }
}

#[test]
fn several_addresses_are_listened_on_or_none() {
    let mut listening = Listening::start(&["listen", "127.0.0.1:0", "127.0.0.2:0"]);
    let addrs = [listening.addr(), listening.addr()];
    for addr in addrs {
        assert_eq!(exchange(addr, "ahoj").1, "ahoj");
    }
    let taken = addrs[0].to_string();
    let run = stagger(&["listen", "127.0.0.1:0", &taken]);
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    assert!(run.err.starts_with(&format!("error: cannot listen on {taken}: ")), "{run:?}");
    listening.interrupt();
}

#[test]
fn as_a_pipe_it_carries_the_first_connection_and_ends() {
    for runtime in RUNTIMES {
        // Standard output has only data, so the port must be known before. Another program may
        // take a free port; then the test tries another.
        let carried = (0..20).any(|_| {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = free.local_addr().unwrap();
            drop(free);
            let text = addr.to_string();
            let mut listening =
                Listening::start(&["listen", &text, "--pipe", "--runtime", runtime]);
            let mut stream = loop {
                match TcpStream::connect(addr) {
                    Ok(stream) if stream.local_addr().unwrap() != addr => break stream,
                    // It does not listen yet, or the socket is connected to itself.
                    _ if listening.child.try_wait().unwrap().is_some() => return false,
                    _ => std::thread::yield_now(),
                }
            };
            stream.write_all(b"from afar\n").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(listening.line(), "from afar");
            listening.child.stdin.take().unwrap().write_all(b"from here").unwrap();
            let mut received = String::new();
            stream.read_to_string(&mut received).unwrap();
            assert_eq!(received, "from here");
            assert_eq!(listening.child.wait().unwrap().code(), Some(0));
            true
        });
        assert!(carried, "no port stayed free");
    }
}

#[test]
fn a_name_is_no_address_to_listen_at() {
    let run = stagger(&["listen", "localhost:80"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(run.err.starts_with("error: bad address \"localhost:80\": "), "{run:?}");
}
