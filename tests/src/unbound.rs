//! A name server that is none of ours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Scratch, skip};

/// How often a start is tried, for another process may take the port. The number is ours.
const TRIES: usize = 10;

/// The name `www.stagger.test`, A, IN, with recursion desired and the id 0 (RFC 1035 §4.1).
const QUESTION: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x07stagger\x04test\0\0\x01\0\x01";

/// Unbound on a free port of 127.0.0.1, with the zone `stagger.test` of its own and nothing else;
/// killed when this is dropped.
///
/// In the zone are `www` with an address of each family, `v4` with one, `alias`, which leads to
/// `www` by way of `middle`, and `some` and `many`, which have [`SOME`](Self::SOME) and
/// [`MANY`](Self::MANY) IPv4 addresses.
#[derive(Debug)]
pub struct Unbound {
    child: Child,
    addr: SocketAddr,
    _scratch: Scratch,
}

/// All names are local, so it asks nobody, and it neither has nor needs a privilege.
const CONFIGURATION: &str = r#"
server:
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    verbosity: 0
    do-daemonize: no
    num-threads: 1
    do-ip6: no
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: yes
    module-config: "iterator"
    local-zone: "." static
    local-zone: "stagger.test." static
    local-data: "stagger.test. 60 IN SOA ns.stagger.test. mail.stagger.test. 1 2 3 4 30"
    local-data: "www.stagger.test. 300 IN A 192.0.2.1"
    local-data: "www.stagger.test. 300 IN AAAA 2001:db8::1"
    local-data: "v4.stagger.test. 300 IN A 192.0.2.4"
    local-data: "alias.stagger.test. 200 IN CNAME middle.stagger.test."
    local-data: "middle.stagger.test. 100 IN CNAME www.stagger.test."
"#;

impl Unbound {
    /// So many addresses do not fit into 512 bytes (RFC 1035 §4.2.1), but into 1232.
    pub const SOME: usize = 50;

    /// So many do not fit into 1232 bytes either.
    pub const MANY: usize = 200;

    /// Starts it and waits until it answers. None where it is not installed: the test is then
    /// [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same with more lines in the section `server` of unbound.conf(5).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with(more: &str) -> Option<Self> {
        let mut output = String::new();
        for _ in 0..TRIES {
            let addr = free();
            let scratch = Scratch::new();
            let text = configuration(scratch.path().to_str().expect("it is text"), addr, more);
            let file = scratch.write("unbound.conf", &text);
            let spawn = |program| {
                let mut command = Command::new(program);
                command.arg("-d").arg("-c").arg(&file);
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
            };
            let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            // Who is not root may not have it on the path.
            let spawned = match spawn("unbound") {
                Err(error) if is_missing(&error) => spawn("/usr/sbin/unbound"),
                spawned => spawned,
            };
            let child = match spawned {
                Ok(child) => child,
                Err(error) if is_missing(&error) => {
                    skip::skip("unbound is not installed");
                    return None;
                }
                Err(error) => panic!("unbound: {error}"),
            };
            let mut unbound = Self { child, addr, _scratch: scratch };
            match unbound.wait() {
                Ok(()) => return Some(unbound),
                Err(said) => output = said,
            }
        }
        panic!("unbound does not start: {output}");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it answers. If it ends before, that is what it said.
    fn wait(&mut self) -> Result<(), String> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        socket.connect(self.addr).expect("loopback can be connected to");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it is not zero");
        loop {
            let mut reply = [0; 512];
            // Nobody may listen yet, which is an error of either.
            let answered = socket.send(QUESTION).and_then(|_| socket.recv(&mut reply));
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    let _ = io::Read::read_to_string(&mut stderr, &mut said);
                }
                return Err(format!("{status}: {said}"));
            }
            if answered.is_ok() {
                return Ok(());
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(directory: &str, addr: SocketAddr, more: &str) -> String {
    let mut text = CONFIGURATION.to_owned();
    for (name, count) in [("some", Unbound::SOME), ("many", Unbound::MANY)] {
        for number in 0..count {
            text += &format!("    local-data: \"{name}.stagger.test. 300 IN A 10.0.0.{number}\"\n");
        }
    }
    text += &format!("    directory: \"{directory}\"\n");
    text + &format!("    interface: {}\n    port: {}\n    {more}\n", addr.ip(), addr.port())
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
