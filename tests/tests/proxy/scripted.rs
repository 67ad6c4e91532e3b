//! Proxies that answer as a test says.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use stagger_proxy::{Login, ProxyError, ProxyUrl};
use stagger_tests::place::V4;
use stagger_tests::raw::Raw;

/// What the tests here connect to, by a name that nothing resolves.
pub(crate) const TARGET: &str = "web.example:443";

/// The greeting of SOCKS5 without a login, the one with a login, and the request for [`TARGET`]:
/// their lengths.
pub(crate) const GREETING: usize = 3;
pub(crate) const LOGIN_GREETING: usize = 4;
pub(crate) const REQUEST: usize = 4 + 1 + 11 + 2;
/// The login `alice`, `secret`.
pub(crate) const LOGIN: usize = 1 + 1 + 5 + 1 + 6;

/// A whole head of HTTP.
pub(crate) const HEAD: usize = usize::MAX;

/// The reply of SOCKS5 that says that the proxy has connected.
pub(crate) const CONNECTED: &[u8] = b"\x05\0\0\x01\x7f\0\0\x01\x04\x38";

/// What a proxy does after its last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It closes.
    Close,
    /// It keeps the connection open and says nothing more.
    Stay,
}

/// Answers: how many bytes are read before each, and what is written.
pub(crate) type Script = Vec<(usize, Vec<u8>)>;

/// A proxy that follows this script with every client. `at_once` is how many bytes it writes at
/// once.
pub(crate) fn scripted(script: Script, end: End, at_once: usize) -> SocketAddr {
    let serve = move |mut stream: TcpStream| {
        stream.set_nodelay(true).ok()?;
        for (length, answer) in &script {
            read(&mut stream, *length)?;
            for piece in answer.chunks(at_once) {
                stream.write_all(piece).ok()?;
            }
        }
        match end {
            End::Stay => Some(stream),
            End::Close => {
                // With bytes unread the system would reset the connection.
                let _ = stream.shutdown(Shutdown::Write);
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
                None
            }
        }
    };
    Raw::new(V4, serve).addr()
}

/// Reads so many bytes, or a head. It is `None` if the client has gone.
fn read(stream: &mut TcpStream, length: usize) -> Option<()> {
    if length != HEAD {
        return stream.read_exact(&mut vec![0; length]).ok();
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    Some(())
}

/// The URL of a proxy with this scheme, whose address the tests set themselves.
pub(crate) fn url(scheme: &str, has_login: bool) -> ProxyUrl {
    let url = ProxyUrl::parse(&format!("{scheme}://proxy.example:1080")).unwrap();
    match has_login {
        true => url.with_login(Login::new("alice", "secret")).unwrap(),
        false => url,
    }
}

/// The proxy's error within the error of a connect.
pub(crate) fn proxy_error(error: &stagger::Error) -> &ProxyError {
    let mut cause = error.cause().expect("something failed");
    loop {
        match cause.downcast_ref() {
            Some(found) => return found,
            None => {
                let inner = cause.downcast_ref::<stagger::Error>();
                let inner = inner.unwrap_or_else(|| panic!("{cause:?}"));
                cause = inner.cause().expect("something failed");
            }
        }
    }
}
