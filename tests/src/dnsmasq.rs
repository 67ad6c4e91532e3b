//! dnsmasq, the name server of many home routers.

use std::ffi::OsString;
use std::net::SocketAddr;

use stagger_testkit::dns::{NameServer, Reply};

use crate::Unbound;
use crate::daemon::Daemon;

/// dnsmasq on a free port of 127.0.0.1; killed when this is dropped.
#[derive(Debug)]
pub struct Dnsmasq {
    daemon: Daemon,
    _upstream: Option<NameServer>,
}

impl Dnsmasq {
    /// Starts it with the same names as [`Unbound`] has, and more arguments. None where it is not
    /// installed: the test is then [skipped](crate::skip::skip).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with(more: &[&str]) -> Option<Self> {
        let upstream = NameServer::start().expect("loopback has a port");
        upstream.otherwise(Reply::code(2));
        let failing = upstream.addr();
        let daemon = Daemon::start("dnsmasq", |addr, scratch| {
            let hosts = scratch.write("hosts", &hosts());
            let mut arguments = arguments(addr, more);
            arguments.extend(
                [
                    format!("--addn-hosts={}", hosts.display()),
                    "--local=/stagger.test/".into(),
                    "--local-ttl=300".into(),
                    "--cname=alias.stagger.test,middle.stagger.test".into(),
                    "--cname=middle.stagger.test,www.stagger.test".into(),
                    format!("--server=/fails.stagger.test/127.0.0.1#{}", failing.port()),
                ]
                .map(OsString::from),
            );
            arguments
        });
        Some(Self { daemon: daemon?, _upstream: Some(upstream) })
    }

    /// Starts it in front of another server of loopback, which it asks for every name.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn before(server: SocketAddr, more: &[&str]) -> Option<Self> {
        let daemon = Daemon::start("dnsmasq", |addr, _| {
            let mut arguments = arguments(addr, more);
            arguments.push(format!("--server=127.0.0.1#{}", server.port()).into());
            arguments
        });
        Some(Self { daemon: daemon?, _upstream: None })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.daemon.addr()
    }
}

/// It reads no file of the machine, and neither has nor needs a privilege.
fn arguments(addr: SocketAddr, more: &[&str]) -> Vec<OsString> {
    let always =
        ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"];
    let address = [format!("--listen-address={}", addr.ip()), format!("--port={}", addr.port())];
    let texts = always.iter().chain(more).map(|text| (*text).to_owned()).chain(address);
    texts.map(OsString::from).collect()
}

fn hosts() -> String {
    let mut text = String::from(
        "192.0.2.1 www.stagger.test\n\
         2001:db8::1 www.stagger.test\n\
         192.0.2.4 v4.stagger.test\n",
    );
    for (name, count) in [("some", Unbound::SOME), ("many", Unbound::MANY)] {
        for number in 0..count {
            text += &format!("10.0.0.{number} {name}.stagger.test\n");
        }
    }
    text
}
