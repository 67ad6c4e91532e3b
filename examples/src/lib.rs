//! What the examples share: something on loopback to connect to.
#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

/// Starts a server on loopback that reads one line from each connection and greets whoever it
/// names. It lives as long as the process.
///
/// # Errors
///
/// The system's, where loopback can't be listened on.
pub fn greeter() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut stream = BufReader::new(stream);
            // A client that leaves early is no concern of the next.
            let _ = stream.read_line(&mut line);
            let _ = writeln!(stream.get_mut(), "hello, {}", line.trim_end());
        }
    });
    Ok(addr)
}

/// What to connect to: the program's first argument, or a [`greeter`] of its own.
///
/// # Errors
///
/// As for [`greeter`].
pub fn target() -> io::Result<String> {
    std::env::args().nth(1).map_or_else(|| Ok(greeter()?.to_string()), Ok)
}

/// Runs the example of the core's front page.
#[cfg(doctest)]
#[doc = include_str!("../../crates/stagger/README.md")]
pub struct FrontPage;
