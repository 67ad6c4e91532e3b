//! A reactor without events, a file for a configuration, and a backend by script.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::future::{Ready, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, socket};
use stagger::{Dialer, Target, Timer};
use stagger_net::reactor::{Handshake, Interest};
use stagger_net::{Register, TcpConnector, TcpOptions};
use stagger_ssh::config::ConfigFiles;
use stagger_ssh::{Backend, Hop, Opening, Ssh, SshError, SshErrorKind, SshHost, SshStream};
use stagger_testkit::{Clock, Ledger, ScriptedResolver};

/// The stream of the tests.
pub(crate) type Stream = SshStream<Socket<TcpStream>, Socket<UnixStream>>;
/// The stream on smol.
pub(crate) type SmolStream = SshStream<
    <stagger_smol::Reactor as Register<TcpStream>>::Stream,
    <stagger_smol::Reactor as Register<UnixStream>>::Stream,
>;
/// The handle of the tests.
pub(crate) type TestSsh = Ssh<Stream, Clock>;

/// A reactor that polls again and again. It counts its sockets.
#[derive(Clone)]
pub(crate) struct Reactor {
    pub(crate) is_silent: bool,
    pub(crate) clock: Clock,
    pub(crate) open: Arc<AtomicUsize>,
    pub(crate) starts: Arc<Mutex<Vec<Duration>>>,
}

impl Reactor {
    pub(crate) fn new(clock: &Clock) -> Self {
        let (open, starts) = (Arc::default(), Arc::default());
        Self { is_silent: false, clock: clock.clone(), open, starts }
    }

    /// No connect ever ends.
    pub(crate) fn silent(clock: &Clock) -> Self {
        Self { is_silent: true, ..Self::new(clock) }
    }

    pub(crate) fn starts(&self) -> Vec<Duration> {
        self.starts.lock().unwrap().clone()
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

pub(crate) struct Socket<S> {
    pub(crate) inner: S,
    open: Arc<AtomicUsize>,
}

impl<S> Drop for Socket<S> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S: AsFd> AsFd for Socket<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl<S: AsFd> Register<S> for Reactor {
    type Socket = Socket<S>;
    type Stream = Socket<S>;

    fn register(&self, inner: S) -> io::Result<Socket<S>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.starts.lock().unwrap().push(self.clock.elapsed());
        Ok(Socket { inner, open: self.open.clone() })
    }

    fn poll_io<T>(
        &self,
        _: &Socket<S>,
        _: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => Poll::Ready(outcome),
        }
    }

    fn poll_connect(
        &self,
        socket: &Socket<S>,
        cx: &mut Context<'_>,
        mut outcome: impl FnMut(Handshake) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        if self.is_silent {
            return Poll::Pending;
        }
        self.poll_io(socket, Interest::Writable, cx, || outcome(Handshake::Unknown))
    }

    fn finish(&self, socket: Socket<S>) -> io::Result<Socket<S>> {
        Ok(socket)
    }
}

/// A configuration in a file, which is removed on drop.
pub(crate) struct Config(PathBuf);

impl Config {
    pub(crate) fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stagger-ssh-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub(crate) fn files(&self) -> ConfigFiles {
        ConfigFiles::file(&self.0)
    }

    /// Looks up a destination.
    pub(crate) fn host(&self, alias: &str) -> SshHost {
        self.look_up(alias).unwrap()
    }

    pub(crate) fn look_up(&self, alias: &str) -> Result<SshHost, SshError> {
        let ssh = Ssh::new(stagger_smol::dialer()).with_config(self.files());
        futures_lite::future::block_on(ssh.resolve(alias))
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A timer whose sleeps end at once.
#[derive(Clone)]
pub(crate) struct Impatient;

impl Timer for Impatient {
    type Sleep = Ready<()>;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> Ready<()> {
        ready(())
    }
}

/// A handle on the reactor of smol with a timer that is always late.
pub(crate) fn impatient() -> Ssh<SmolStream, Impatient> {
    let smol = stagger_smol::dialer();
    Ssh::new(Dialer::new(smol.resolver().clone(), smol.connector().clone(), Impatient))
}

/// The handle over a resolver by script and this reactor.
pub(crate) fn ssh(
    ledger: &Ledger,
    reactor: &Reactor,
    resolver: ScriptedResolver<SocketAddr>,
) -> TestSsh {
    let connector = TcpConnector::new_on(TcpOptions::new(), reactor.clone());
    Ssh::new(Dialer::new(resolver, connector, ledger.clock().clone()))
}

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// A port on which nothing listens. It stays bound, so that nobody else takes it.
pub(crate) fn closed_port() -> SocketAddr {
    static KEPT: OnceLock<TcpListener> = OnceLock::new();
    let bound = KEPT.get_or_init(|| {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.into()
    });
    bound.local_addr().unwrap()
}

/// A backend that connects to the first hop, or fails. It keeps what it was asked for.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) fails: Option<SshErrorKind>,
}

impl Backend<Stream> for Scripted {
    fn open(&self, hop: Hop<Stream>, to: &Target) -> Opening<Stream> {
        self.asked.lock().unwrap().push(format!("{} to {to}", hop.host()));
        let fails = self.fails;
        Box::pin(async move {
            let stream = hop.connect().await?;
            match fails {
                Some(kind) => Err(SshError::new(kind, hop.host(), "it is in the script")),
                None => Ok(stream),
            }
        })
    }
}
