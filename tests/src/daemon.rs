//! A name server in a process of its own.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Scratch, skip, table};

/// How often a start is tried, for another process may take the port. The number is ours.
const TRIES: usize = 10;

/// How many questions over UDP a server that listens over TCP may leave unanswered before it counts
/// as one that answers none. The number is ours.
const UNANSWERED: usize = 20;

/// The name `up.stagger.test`, A, IN, with recursion desired and the id 0 (RFC 1035 §4.1). No test
/// asks for it: a forwarder takes an equal question for one that it has sent already.
const QUESTION: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x02up\x07stagger\x04test\0\0\x01\0\x01";

/// A process that serves names on a free port of 127.0.0.1; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    addr: SocketAddr,
    _scratch: Scratch,
}

impl Daemon {
    /// Starts a program and waits until it serves. `arguments` writes its files. None where it is
    /// not installed: the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub(crate) fn start(
        program: &str,
        arguments: impl Fn(SocketAddr, &Scratch) -> Vec<OsString>,
    ) -> Option<Self> {
        let mut output = String::new();
        for _ in 0..TRIES {
            let addr = free();
            let scratch = Scratch::new();
            let arguments = arguments(addr, &scratch);
            let spawn = |program: &str| {
                let mut command = Command::new(program);
                command.args(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
            };
            let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            // A user who is not root may not have it on the path.
            let spawned = match spawn(program) {
                Err(error) if is_missing(&error) => spawn(&format!("/usr/sbin/{program}")),
                spawned => spawned,
            };
            let child = match spawned {
                Ok(child) => child,
                Err(error) if is_missing(&error) => {
                    skip::skip(&format!("{program} is not installed"));
                    return None;
                }
                Err(error) => panic!("{program}: {error}"),
            };
            let mut daemon = Self { child, addr, _scratch: scratch };
            match daemon.wait() {
                Ok(()) => return Some(daemon),
                Err(said) => output = said,
            }
        }
        panic!("{program} does not start: {output}");
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it answers over UDP, or listens over TCP. If it ends before, that is what it
    /// printed.
    fn wait(&mut self) -> Result<(), String> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        socket.connect(self.addr).expect("loopback can be connected to");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it is not zero");
        let mut unanswered = 0;
        loop {
            let mut reply = [0; 512];
            // Nothing may listen yet, which is an error of either.
            let answered = socket.send(QUESTION).and_then(|_| socket.recv(&mut reply)).is_ok();
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    let _ = stderr.read_to_string(&mut said);
                }
                return Err(format!("{status}: {said}"));
            }
            // A server that answers nothing over UDP listens over TCP, which it opens last. A
            // connect could take the port for itself before the server has it.
            unanswered += usize::from(table::listens(self.addr));
            if answered || unanswered > UNANSWERED {
                return Ok(());
            }
            thread::yield_now();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free over UDP and TCP.
fn free() -> SocketAddr {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let addr = udp.local_addr().expect("it is bound");
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}
