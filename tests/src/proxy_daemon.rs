//! microsocks and tinyproxy, proxies that we have not written.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::{Scratch, skip, table};

/// How often a start is tried, because another process may take the port. The number is ours.
const TRIES: usize = 10;

/// A proxy on a free port of 127.0.0.1; killed when this is dropped.
///
/// It knows the name `only.proxy.test`, which is 127.0.0.1, and no test does.
#[derive(Debug)]
pub struct ProxyDaemon {
    child: Child,
    addr: SocketAddr,
    scratch: Scratch,
}

/// The name that only the proxies know.
const HOSTS: &str = "127.0.0.1 only.proxy.test\n";

/// Squid writes no file and keeps no cache.
const SQUID: &str = "
    http_access allow all
    cache deny all
    cache_log /dev/null
    access_log none
    cache_store_log none
    netdb_filename none
    pid_filename none
    pinger_enable off
    shutdown_lifetime 0 seconds
    visible_hostname proxy.test
    cache_mem 0
    workers 1
";

/// What squid asks whether a login is right. It answers each line.
const CHECKER: &str = "while read user password rest; do \
    if [ \"$user $password\" = 'alice right' ]; then echo OK; else echo ERR; fi; done\n";

impl ProxyDaemon {
    /// Starts microsocks, a SOCKS5 proxy, with the login `alice`, `right` if one is wanted. None
    /// where it is not installed: the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn microsocks(has_login: bool) -> Option<Self> {
        Self::start("microsocks", |addr, _| {
            let port = addr.port().to_string();
            let mut arguments = vec!["-i", "127.0.0.1", "-p", &port];
            if has_login {
                arguments.extend(["-u", "alice", "-P", "right"]);
            }
            arguments.into_iter().map(OsString::from).collect()
        })
    }

    /// Starts tinyproxy, an HTTP proxy, as [`microsocks`](Self::microsocks) does.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn tinyproxy(has_login: bool) -> Option<Self> {
        Self::start("tinyproxy", |addr, scratch| {
            let mut text =
                format!("Port {}\nListen 127.0.0.1\nTimeout 60\nLogLevel Critical\n", addr.port());
            if has_login {
                text += "BasicAuth alice right\n";
            }
            let file = scratch.write("tinyproxy.conf", &text);
            vec!["-d".into(), "-c".into(), file.into()]
        })
    }

    /// Starts squid, an HTTP proxy, as [`microsocks`](Self::microsocks) does. It forbids the port
    /// 25.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn squid(has_login: bool) -> Option<Self> {
        Self::start("squid", |addr, scratch| {
            let mut text = format!("http_port {addr}\nacl mail port 25\nhttp_access deny mail\n");
            if has_login {
                let checker = scratch.write("checker.sh", CHECKER);
                text += &format!(
                    "auth_param basic program /bin/sh {}\nauth_param basic children 1\n\
                     acl known proxy_auth REQUIRED\nhttp_access deny !known\n",
                    checker.display()
                );
            }
            text += SQUID;
            let file = scratch.write("squid.conf", &text);
            vec!["-N".into(), "-f".into(), file.into()]
        })
    }

    fn start(
        program: &str,
        arguments: impl Fn(SocketAddr, &Scratch) -> Vec<OsString>,
    ) -> Option<Self> {
        if Command::new("sh")
            .args(["-c", "command -v \"$0\"", program])
            .output()
            .is_ok_and(|found| !found.status.success())
            && !std::path::Path::new("/usr/sbin").join(program).exists()
        {
            skip::skip(&format!("{program} is not installed"));
            return None;
        }
        let mut output = String::new();
        for _ in 0..TRIES {
            let scratch = Scratch::new();
            let hosts = scratch.write("hosts", HOSTS);
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
            let addr = free.local_addr().expect("it is bound");
            drop(free);
            // It has mounts of its own, and so a table of names of its own. In another namespace of
            // users it is not root, so squid does not change its user, which it could not.
            let script =
                "mount --bind \"$0\" /etc/hosts && PATH=$PATH:/usr/sbin exec unshare -U \"$@\"";
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", script]).arg(hosts).arg(program);
            command.args(arguments(addr, &scratch));
            // Nothing reads a pipe while the proxy runs.
            let said = File::create(scratch.path().join("said")).expect("a file can be written");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
            let child = command.spawn().expect("a process starts");
            let mut daemon = Self { child, addr, scratch };
            match daemon.wait() {
                Ok(()) => return Some(daemon),
                Err(said) => output = said,
            }
        }
        panic!("{program} does not start: {output}");
    }

    /// Waits until it listens. If it ends before, that is what it printed.
    fn wait(&mut self) -> Result<(), String> {
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                let said = self.scratch.path().join("said");
                let said = fs::read_to_string(said).unwrap_or_default();
                return Err(format!("{status}: {said}"));
            }
            if table::listens(self.addr) {
                return Ok(());
            }
            thread::yield_now();
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for ProxyDaemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
