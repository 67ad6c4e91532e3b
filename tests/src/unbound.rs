//! unbound, a name server that we have not written.

use std::net::SocketAddr;

use crate::daemon::Daemon;

/// Unbound on a free port of 127.0.0.1, with the zone `stagger.test` of its own and nothing else;
/// killed when this is dropped.
///
/// In the zone are `www` with an address of each family, `v4` with one, `alias`, which leads to
/// `www` by way of `middle`, and `some` and `many`, which have [`SOME`](Self::SOME) and
/// [`MANY`](Self::MANY) IPv4 addresses. A question about `fails` gets a failure (`SERVFAIL`).
#[derive(Debug)]
pub struct Unbound(Daemon);

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
    local-zone: "fails.stagger.test." transparent
    local-data: "stagger.test. 60 IN SOA ns.stagger.test. mail.stagger.test. 1 2 3 4 30"
    local-data: "www.stagger.test. 300 IN A 192.0.2.1"
    local-data: "www.stagger.test. 300 IN AAAA 2001:db8::1"
    local-data: "v4.stagger.test. 300 IN A 192.0.2.4"
    local-data: "alias.stagger.test. 200 IN CNAME middle.stagger.test."
    local-data: "middle.stagger.test. 100 IN CNAME www.stagger.test."
"#;

/// It may not ask the server that it has to ask, for it does not query loopback.
const FAILURE: &str = "forward-zone:\n    name: fails.stagger.test.\n    forward-addr: 127.0.0.1\n";

impl Unbound {
    /// So many addresses do not fit into 512 bytes (RFC 1035 §4.2.1), but into 1232.
    pub const SOME: usize = 50;

    /// So many do not fit into 1232 bytes either.
    pub const MANY: usize = 200;

    /// Starts it and waits until it serves. None where it is not installed: the test is then
    /// [skipped](crate::skip::skip).
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
        let daemon = Daemon::start("unbound", |addr, scratch| {
            let directory = scratch.path().to_str().expect("it is text");
            let file = scratch.write("unbound.conf", &configuration(directory, addr, more));
            vec!["-d".into(), "-c".into(), file.into()]
        });
        daemon.map(Self)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr()
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
    text += &format!("    interface: {}\n    port: {}\n    {more}\n", addr.ip(), addr.port());
    text + FAILURE
}
