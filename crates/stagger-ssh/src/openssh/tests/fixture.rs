//! An SSH server on loopback, and a runtime. The file is long: both need each other.

use std::fs::{self, File, OpenOptions};
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as StdCommand, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use futures_lite::future::block_on;
use rustix::net::{AddressFamily, SocketType, bind, socket};
use stagger::error::SharedError;
use stagger::resolve::Families;
use stagger::{Candidate, Target, Timer as _};
use stagger_net::nat64::Nat64;
use stagger_smol::{Reactor, Timer};

use crate::backend::{Backend, Hop};
use crate::config::{ConfigFiles, HostConfig};
use crate::host::Inner;
use crate::runtime::{BoxFuture, Held, Local, Runtime, Socket, Watched};
use crate::{Destination, Route, Ssh, SshError, SshErrorKind, SshHost};

/// How long a condition may take. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn wait_for(what: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// Runs the test in a process of its own, where nothing else opens descriptors.
pub(super) fn is_alone(name: &str) -> bool {
    is_alone_with(name, "500")
}

/// The same, with this many threads for work that blocks.
pub(super) fn is_alone_with(name: &str, threads: &str) -> bool {
    if env::var_os("STAGGER_ALONE").is_some() {
        return true;
    }
    let name = format!("openssh::tests::{name}");
    let output = StdCommand::new(env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env("STAGGER_ALONE", "1")
        .env("BLOCKING_MAX_THREADS", threads)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// The children of this process, zombies included.
pub(super) fn children() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok())
        .collect()
}

pub(super) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The ids of the running processes whose command line has this text.
pub(super) fn processes(text: &str) -> Vec<u32> {
    let ids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        *id != process::id() && String::from_utf8_lossy(&line).contains(text)
    })
    .collect()
}

/// A folder that is removed when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("sgr-ssh-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An SSH server, its keys, and a configuration that leads to it.
pub(super) struct Sshd {
    pub(super) folder: Folder,
    process: Child,
}

impl Sshd {
    pub(super) fn new() -> Self {
        Self::with_options("")
    }

    pub(super) fn with_options(options: &str) -> Self {
        loop {
            // Another test may take the port in between.
            if let Some(sshd) = Self::try_with_options(options) {
                return sshd;
            }
        }
    }

    /// Starts a server at a free port, if nothing else listens there by then.
    fn try_with_options(options: &str) -> Option<Self> {
        let folder = Folder::new();
        // The server drops its rights to a user that needs this folder.
        let _ = fs::create_dir("/run/sshd");
        for key in ["host", "user", "other"] {
            let mut command = StdCommand::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path(key));
            assert!(command.status().expect("ssh-keygen is installed").success());
        }
        let at = |name: &str| folder.path(name).to_str().unwrap().to_owned();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\n\
             AuthorizedKeysFile {}\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n\
             PermitRootLogin yes\nMaxStartups 200\n{options}",
            at("host"),
            at("user.pub"),
        );
        fs::write(folder.path("sshd_config"), server).unwrap();
        let public = |name: &str| fs::read_to_string(folder.path(name)).unwrap();
        fs::write(folder.path("known"), format!("[127.0.0.1]:{port} {}", public("host.pub")))
            .unwrap();
        fs::write(folder.path("wrong"), format!("[127.0.0.1]:{port} {}", public("other.pub")))
            .unwrap();
        let user = user();
        let client = format!(
            "Host *\n HostName 127.0.0.1\n Port {port}\n User {user}\n IdentityAgent none\n\
             \x20IdentitiesOnly yes\n StrictHostKeyChecking yes\n GlobalKnownHostsFile none\n\
             Host refused*\n IdentityFile {}\nHost * !refused*\n IdentityFile {}\n\
             Host wrong*\n UserKnownHostsFile {}\nHost *\n UserKnownHostsFile {}\n",
            at("other"),
            at("user"),
            at("wrong"),
            at("known"),
        );
        fs::write(folder.path("config"), client).unwrap();
        let log = File::create(folder.path("log")).unwrap();
        let process = StdCommand::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(folder.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd is installed");
        let mut sshd = Self { folder, process };
        let start = Instant::now();
        loop {
            let ended = sshd.process.try_wait().unwrap();
            let text = fs::read_to_string(sshd.folder.path("log")).unwrap();
            match ended {
                _ if text.contains("Server listening") => return Some(sshd),
                Some(_) if text.contains("Address already in use") => return None,
                Some(status) => panic!("{status}: {text}"),
                None => assert!(start.elapsed() < PATIENCE, "the server listens"),
            }
            thread::yield_now();
        }
    }

    /// A host with this alias.
    pub(super) fn host(&self, alias: &str, route: Route) -> SshHost {
        self.host_with(alias, route, |_| {})
    }

    /// What the configuration has for this alias.
    pub(super) fn resolve(&self, alias: &str) -> SshHost {
        let files = ConfigFiles::file(self.folder.path("config"));
        let ssh = Ssh::new(stagger_smol::dialer()).with_config(files);
        block_on(ssh.resolve(alias)).expect("the configuration is right")
    }

    pub(super) fn host_with(
        &self,
        alias: &str,
        route: Route,
        change: impl FnOnce(&mut HostConfig),
    ) -> SshHost {
        let mut config = self.resolve("base").config().clone();
        config.alias = alias.into();
        change(&mut config);
        SshHost(Arc::new(Inner {
            destination: Destination { user: None, host: alias.into(), port: None },
            config,
            route,
            config_file: Some(self.folder.path("config")),
        }))
    }

    /// Adds lines to the configuration.
    pub(super) fn configure(&self, lines: &str) {
        let mut file = OpenOptions::new().append(true).open(self.folder.path("config")).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// How many logins the server has accepted.
    pub(super) fn logins(&self) -> usize {
        let log = fs::read_to_string(self.folder.path("log")).unwrap();
        log.lines().filter(|line| line.contains("Accepted publickey")).count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Its masters end with its sessions.
        for id in processes(self.folder.0.to_str().unwrap()) {
            let _ = StdCommand::new("kill").arg(id.to_string()).stderr(Stdio::null()).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn user() -> String {
    let user = uzers::get_current_username().expect("this user has a name");
    user.into_string().expect("it is UTF-8")
}

/// A program in place of ssh.
pub(super) fn program(folder: &Folder, text: &str) -> PathBuf {
    let path = folder.path("program");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o755).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path
}

/// smol's reactor. It dials without a race, and counts the dials.
#[derive(Default)]
pub(super) struct TestRuntime(pub(super) AtomicUsize);

/// Its stream.
pub(super) struct TestStream {
    pub(super) socket: stagger_smol::reactor::Async<UnixStream>,
    pub(super) held: Option<Held>,
}

impl TestStream {
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read_with(|mut socket| io::Read::read(&mut socket, buffer)).await
    }

    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.socket.write_with(|mut socket| io::Write::write(&mut socket, bytes));
            bytes = &bytes[count.await?..];
        }
        Ok(())
    }

    /// Sends a line and reads as much as that.
    pub(super) async fn echo(&self, text: &str) {
        self.write_all(text.as_bytes()).await.unwrap();
        let mut answer = vec![0; text.len()];
        let mut got = 0;
        while got < answer.len() {
            match self.read(&mut answer[got..]).await.unwrap() {
                0 => panic!("the stream ended"),
                count => got += count,
            }
        }
        assert_eq!(answer, text.as_bytes());
    }
}

impl Runtime<TestStream> for TestRuntime {
    fn now(&self) -> Instant {
        Timer.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(Timer.sleep_until(deadline))
    }

    fn look_up(&self, _: &str, _: Families) -> BoxFuture<Result<Vec<IpAddr>, SharedError>> {
        Box::pin(async { panic!("a backend looks up no name") })
    }

    fn dial(
        &self,
        host: &SshHost,
        _: &Candidate<()>,
        _: Option<&Nat64>,
    ) -> BoxFuture<Result<Socket, SshError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let host = host.clone();
        Box::pin(async move {
            let port = host.config().port();
            let addr = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            let socket = stagger_smol::reactor::Async::<TcpStream>::connect(addr).await;
            let socket = socket.and_then(|socket| socket.into_inner());
            socket
                .map(Socket::Tcp)
                .map_err(|error| SshError::new(SshErrorKind::Unreached, &host, error.to_string()))
        })
    }

    fn local(&self, socket: UnixStream) -> io::Result<Box<dyn Local>> {
        Ok(Box::new(Watched::new(Reactor, socket)?))
    }

    fn stream(&self, socket: Socket, held: Option<Held>) -> io::Result<TestStream> {
        let Socket::Unix(socket) = socket else { panic!("a backend makes Unix sockets") };
        Ok(TestStream { socket: stagger_smol::reactor::Async::new(socket)?, held })
    }
}

/// Opens a connection from the host to the target.
pub(super) async fn open(
    backend: &(impl Backend<TestStream> + Clone),
    runtime: &Arc<TestRuntime>,
    host: &SshHost,
    to: &str,
) -> Result<TestStream, SshError> {
    let hop = Hop {
        host: host.clone(),
        attempt: Candidate::new(()),
        runtime: runtime.clone(),
        backend: Arc::new(backend.clone()),
        nat64: None,
    };
    backend.open(hop, &Target::parse(to).unwrap()).await
}

/// A server that returns what it gets, after this greeting.
pub(super) fn echo_server(greeting: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                stream.write_all(greeting)?;
                io::copy(&mut stream.try_clone()?, &mut stream)
            });
        }
    });
    addr.to_string()
}

/// A port at which nobody listens, as a target.
pub(super) fn closed_target() -> String {
    static KEPT: OnceLock<TcpListener> = OnceLock::new();
    // It is bound and does not listen. No client gets such a port as its own, so no client can
    // connect to itself there.
    let bound = KEPT.get_or_init(|| {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.into()
    });
    bound.local_addr().unwrap().to_string()
}

/// Polls a future so often, and then drops it. `None` means that it did not end.
pub(super) async fn polled<T>(future: impl Future<Output = T>, mut polls: usize) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// A listener that completes no handshake, because its queue is full. It ends with the sockets.
pub(super) fn silent_target() -> (String, Vec<std::os::fd::OwnedFd>) {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let open = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap()
    };
    let listener = open();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    bind(&listener, &any).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let listener = TcpListener::from(listener);
    let addr = listener.local_addr().unwrap();
    let mut sockets = vec![listener.into()];
    // One connection fills the queue; a second one makes sure of it.
    for _ in 0..2 {
        let socket = open();
        let _ = rustix::net::connect(&socket, &addr);
        sockets.push(socket);
    }
    (addr.to_string(), sockets)
}

pub(super) fn chown(path: &Path, user: u32) {
    std::os::unix::fs::chown(path, Some(user), None).unwrap();
}
