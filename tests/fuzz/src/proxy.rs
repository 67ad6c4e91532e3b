//! Proxies: their URLs, the variables that name them, and their answers.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_lite::future::block_on;
use futures_lite::io::{AsyncRead, AsyncWrite};
use stagger::target::Name;
use stagger::{Candidate, Connector, Target};
use stagger_proxy::futures::Proxy;
use stagger_proxy::{Environment, Login, Protocol, ProxyUrl};

use crate::assert_one_line;

/// The most bytes of a message: three parts of 100 characters, each escaped, and some words.
const LONGEST_MESSAGE: usize = 3500;

/// The first byte says how the others are read: `u` as a URL, `e` as the variable `no_proxy`, and
/// else as what a proxy sends, `h` for HTTP, `H` for HTTP with a login, `s` and `S` for SOCKS5.
pub fn proxy(input: &[u8]) {
    let [kind, input @ ..] = input else { return };
    match kind {
        b'u' => url(&String::from_utf8_lossy(input)),
        b'e' => no_proxy(&String::from_utf8_lossy(input)),
        b'h' => answers(Protocol::Http, false, input),
        b'H' => answers(Protocol::Http, true, input),
        b's' => answers(Protocol::Socks5, false, input),
        b'S' => answers(Protocol::Socks5, true, input),
        _ => {}
    }
}

/// What is printed does not depend on the password, and is read as the same without a login.
fn url(text: &str) {
    let url = match ProxyUrl::parse(text) {
        Ok(url) => url,
        Err(error) => {
            assert_one_line(&error.to_string(), LONGEST_MESSAGE);
            assert!(text.get(error.span()).is_some(), "{error} is at {:?}", error.span());
            return;
        }
    };
    if let Some(login) = url.login() {
        let other = Login::new(login.user(), "another");
        let other = url.clone().with_login(other).expect("a short password can be sent");
        assert_eq!(other.to_string(), url.to_string());
        assert_eq!(format!("{other:?}"), format!("{url:?}"));
    }
    let printed = url.clone().without_login().to_string();
    assert_one_line(&printed, 3 * 4096);
    assert_eq!(ProxyUrl::parse(&printed), Ok(url.without_login()), "{printed:?}");
}

/// A name in the list is reached without a proxy, whatever else is there.
fn no_proxy(text: &str) {
    let vars = [("all_proxy", "socks5h://proxy.test"), ("no_proxy", text)];
    let environment = match Environment::from_vars(vars) {
        Ok(environment) => environment,
        Err(error) => return assert_one_line(&error.to_string(), LONGEST_MESSAGE),
    };
    let named = |host: &str| environment.proxy(None, &Target::new(host, "443").expect("it is one"));
    for part in text.split([',', ' ', '\t']) {
        if let Ok(name) = part.parse::<Name>() {
            assert!(named(name.ascii()).is_none(), "{part:?}");
        }
    }
    for host in ["example.com", "www.example.com.", "192.0.2.1", "2001:db8::1", "localhost"] {
        assert_eq!(named(host), named(host));
    }
}

/// An exchange ends in the same way however the answer is cut. If the proxy has connected, it takes
/// the same bytes: what follows is the target's.
fn answers(protocol: Protocol, has_login: bool, answer: &[u8]) {
    let whole = exchange(protocol, has_login, answer, usize::MAX);
    if let Err(error) = &whole {
        assert_one_line(error, LONGEST_MESSAGE);
        assert!(!has_login || !error.contains("s3cret"), "{error}");
    }
    for piece in [1, 3] {
        assert_eq!(exchange(protocol, has_login, answer, piece), whole, "pieces of {piece}");
    }
}

fn exchange(
    protocol: Protocol,
    has_login: bool,
    answer: &[u8],
    piece: usize,
) -> Result<usize, String> {
    let taken = Arc::new(AtomicUsize::new(0));
    let stream =
        Scripted { answer: answer.to_owned(), taken: taken.clone(), piece, is_ready: false };
    let proxy = Target::new("proxy.test", "1080").expect("it is one");
    let mut connector = Proxy::new(protocol, Given(stream), proxy);
    if has_login {
        connector = connector.with_login(Login::new("joe", "s3cret")).expect("it can be sent");
    }
    let target = Target::new("www.test", "443").expect("it is one");
    let result = block_on(connector.connect(Candidate::new(target)));
    result.map(|_| taken.load(Ordering::Relaxed)).map_err(|error| error.to_string())
}

/// Connects to one stream.
struct Given(Scripted);

impl Connector<Target> for Given {
    type Connection = Scripted;
    type Error = io::Error;
    type Attempt = Ready<io::Result<Scripted>>;

    fn connect(&self, _: Candidate<Target>) -> Self::Attempt {
        ready(Ok(self.0.clone()))
    }
}

/// A stream that takes all that is written, and gives an answer in pieces, each after a pause.
#[derive(Clone)]
struct Scripted {
    answer: Vec<u8>,
    taken: Arc<AtomicUsize>,
    piece: usize,
    is_ready: bool,
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let left = &self.answer[self.taken.load(Ordering::Relaxed)..];
        let length = left.len().min(buffer.len()).min(self.piece);
        buffer[..length].copy_from_slice(&left[..length]);
        self.taken.fetch_add(length, Ordering::Relaxed);
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len().min(self.piece)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
