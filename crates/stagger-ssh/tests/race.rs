//! The race to the first hop, on the virtual clock: options of the host, errors, reports, drops.

#![cfg(unix)]

mod support;

use std::error::Error as _;
use std::future::{Future as _, poll_fn};
use std::io::Read as _;
use std::iter::successors;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use stagger::address::Family;
use stagger::resolve::{Families, Record};
use stagger::text::with_causes;
use stagger::{Candidate, Connector as _, Dialer, Endpoint as _, Error, Policy, Target};
use stagger_net::{TcpConnector, TcpOptions};
use stagger_ssh::{ByAlias, Ssh, SshError, SshErrorKind, SshHost};
use stagger_testkit::{Clock, Ledger, ScriptedResolver, ms};
use support::{Config, Reactor, Scripted, TestSsh, closed_port, listener, ssh};

/// What a test has.
struct Lab {
    ledger: Ledger,
    reactor: Reactor,
    ssh: TestSsh,
}

impl Lab {
    fn new(reactor: impl FnOnce(&Clock) -> Reactor) -> Self {
        let ledger = Ledger::new(&Clock::new());
        let reactor = reactor(ledger.clock());
        let ssh = ssh(&ledger, &reactor, ScriptedResolver::new(&ledger));
        Self { ledger, reactor, ssh }
    }

    fn clock(&self) -> &Clock {
        self.ledger.clock()
    }

    fn connect(&self, host: SshHost) -> Result<support::Stream, SshError> {
        self.clock().run(self.ssh.connector().connect(Candidate::new(host)))
    }
}

fn ssh_error(error: &Error) -> SshError {
    error.causes().find_map(|cause| cause.downcast_ref::<SshError>()).expect("by SSH").clone()
}

#[test]
fn connect_timeout_ends_the_race_at_that_time() {
    let lab = Lab::new(Reactor::silent);
    let config = Config::new("Host web\n HostName 192.0.2.1\n ConnectTimeout 7\n");
    let error = lab.connect(config.host("web")).unwrap_err();
    assert_eq!((error.kind(), lab.clock().elapsed()), (SshErrorKind::Timeout, ms(7000)));
    assert!(error.to_string().starts_with("SSH host web: "), "{error}");
    assert_eq!(lab.reactor.open(), 0);
}

#[test]
fn the_sooner_of_the_two_timeouts_counts() {
    let ledger = Ledger::new(&Clock::new());
    let reactor = Reactor::silent(ledger.clock());
    let policy = Policy::new().with_timeout(ms(3000)).unwrap();
    let tcp = TcpConnector::new_on(TcpOptions::new(), reactor.clone());
    let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    let dialer = Dialer::new(resolver, tcp, ledger.clock().clone()).with_policy(policy);
    let config = Config::new("Host web\n HostName 192.0.2.1\n ConnectTimeout 7\n");
    let attempt = Ssh::new(dialer).connector().connect(Candidate::new(config.host("web")));
    let error = ledger.clock().run(attempt).unwrap_err();
    assert_eq!((error.kind(), ledger.clock().elapsed()), (SshErrorKind::Timeout, ms(3000)));
}

#[test]
fn connection_attempts_are_that_many_races_a_second_apart() {
    let lab = Lab::new(Reactor::new);
    let port = closed_port().port();
    let text = format!("Host web\n HostName 127.0.0.1\n Port {port}\n ConnectionAttempts 3\n");
    let error = lab.connect(Config::new(&text).host("web")).unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Unreached);
    assert_eq!(lab.clock().elapsed(), ms(2000));
    // A refused connect may not reach the reactor, so the starts are not compared.
    assert_eq!(lab.reactor.open(), 0);
}

#[test]
fn connection_attempts_and_connect_timeout_count_together() {
    let lab = Lab::new(Reactor::silent);
    let text = "Host web\n HostName 192.0.2.1\n ConnectionAttempts 2\n ConnectTimeout 5\n";
    let error = lab.connect(Config::new(text).host("web")).unwrap_err();
    assert_eq!((error.kind(), lab.clock().elapsed()), (SshErrorKind::Timeout, ms(11_000)));
    assert_eq!(lab.reactor.starts(), [ms(0), ms(6000)]);
}

#[test]
fn the_family_of_the_host_wins_over_the_policy() {
    for (line, expected) in [
        ("", Families::Ipv6),
        ("AddressFamily any", Families::Ipv6),
        ("AddressFamily inet", Families::Ipv4),
        ("AddressFamily inet6", Families::Ipv6),
    ] {
        let ledger = Ledger::new(&Clock::new());
        let tcp = TcpConnector::new_on(TcpOptions::new(), Reactor::silent(ledger.clock()));
        let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
        let policy = Policy::new().with_families(Families::Ipv6);
        let dialer = Dialer::new(resolver, tcp, ledger.clock().clone()).with_policy(policy);
        let config = Config::new(&format!("Host web\n HostName web.example\n {line}\n"));
        let attempt = Ssh::new(dialer).connector().connect(Candidate::new(config.host("web")));
        let _ = ledger.clock().run(attempt);
        let [query] = &ledger.queries()[..] else { panic!("one lookup") };
        assert_eq!(query.families(), expected, "{line}");
        assert_eq!(query.families().contains(Family::Ipv4), expected == Families::Ipv4);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_bind_address_is_a_literal_or_a_name_that_is_looked_up() {
    for bind in ["127.0.0.7", "here.example"] {
        let ledger = Ledger::new(&Clock::new());
        let reactor = Reactor::new(ledger.clock());
        let found = ["127.0.0.7:22".parse::<SocketAddr>().unwrap()];
        let resolver = ScriptedResolver::new(&ledger).finds(ms(5), Record::Addresses, found);
        let ssh = ssh(&ledger, &reactor, resolver);
        let (listener, addr) = listener();
        let text =
            format!("Host web\n HostName 127.0.0.1\n Port {}\n BindAddress {bind}\n", addr.port());
        let attempt = ssh.connector().connect(Candidate::new(Config::new(&text).host("web")));
        let stream = ledger.clock().run(attempt).unwrap();
        assert_eq!(listener.accept().unwrap().1.ip().to_string(), "127.0.0.7", "{bind}");
        drop(stream);
        assert_eq!(reactor.open(), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_unknown_bind_interface_is_an_error() {
    let lab = Lab::new(Reactor::new);
    let (_listener, addr) = listener();
    let text =
        format!("Host web\n HostName 127.0.0.1\n Port {}\n BindInterface absent0\n", addr.port());
    let error = lab.connect(Config::new(&text).host("web")).unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Unreached);
    let cause = error.source().unwrap();
    assert!(cause.is::<Error>() && cause.to_string().contains("absent0"), "{cause}");
}

fn chain(port: u16) -> Config {
    Config::new(&format!(
        "Host web\n HostName web.internal\n ProxyJump first,second\n\
         Host first\n HostName 127.0.0.1\n Port {port}\n"
    ))
}

#[test]
fn the_hops_are_opened_from_the_last_to_the_first() {
    let lab = Lab::new(Reactor::new);
    let (listener, addr) = listener();
    let backend = Scripted::default();
    let ssh = lab.ssh.clone().with_backend(backend.clone());
    let host = chain(addr.port()).host("web");
    let stream = lab.clock().run(ssh.connector().connect(Candidate::new(host))).unwrap();
    assert_eq!(*backend.asked.lock().unwrap(), ["second to web.internal:22", "first to second:22"]);
    assert_eq!(stream.tcp().unwrap().inner.peer_addr().unwrap(), addr);
    drop(stream);
    assert_eq!(listener.accept().unwrap().0.read(&mut [0]).unwrap(), 0);
    assert_eq!(lab.reactor.open(), 0);
}

#[test]
fn connect_timeout_counts_for_the_jump_hosts_of_a_host() {
    let lab = Lab::new(Reactor::silent);
    let config = Config::new(
        "Host web\n ProxyJump first\n ConnectTimeout 5\nHost first\n HostName 192.0.2.1\n",
    );
    let ssh = lab.ssh.clone().with_backend(Scripted::default());
    let attempt = ssh.connector().connect(Candidate::new(config.host("web")));
    let error = lab.clock().run(attempt).unwrap_err();
    assert_eq!(error.to_string(), "SSH host web: its jump hosts did not connect within 5s");
    assert_eq!((error.kind(), lab.clock().elapsed()), (SshErrorKind::Timeout, ms(5000)));
    assert_eq!(lab.reactor.open(), 0);
}

/// Races hosts whose first hop is there.
fn race(fails: SshErrorKind) -> (Scripted, Error) {
    let lab = Lab::new(Reactor::new);
    let (_listener, addr) = listener();
    let backend = Scripted { fails: Some(fails), ..Scripted::default() };
    let ssh = lab.ssh.clone().with_backend(backend.clone());
    let text = format!(
        "Host *.web\n ProxyJump first\nHost first\n HostName 127.0.0.1\n Port {}\n",
        addr.port()
    );
    let config = Config::new(&text);
    let resolver = ScriptedResolver::<SshHost>::new(&lab.ledger);
    let dialer = Dialer::new(resolver, ssh.connector(), lab.clock().clone());
    let hosts = [config.host("a.web"), config.host("b.web")];
    let error = lab.clock().run(dialer.connect_addresses(hosts)).map(drop).unwrap_err();
    assert_eq!(ssh_error(&error).kind(), fails);
    assert_eq!(lab.reactor.open(), 0);
    (backend, error)
}

#[test]
fn a_refused_login_a_wrong_host_key_and_a_bad_configuration_end_the_race() {
    for kind in [SshErrorKind::Login, SshErrorKind::HostKey, SshErrorKind::Config] {
        let (backend, error) = race(kind);
        assert!(error.is_final(), "{kind:?}");
        assert_eq!(*backend.asked.lock().unwrap(), ["first to a.web:22"], "{kind:?}");
    }
}

#[test]
fn other_failures_of_a_hop_do_not_end_the_race() {
    for kind in [SshErrorKind::Refused, SshErrorKind::Forbidden, SshErrorKind::Lost] {
        let (backend, error) = race(kind);
        assert!(!error.is_final(), "{kind:?}");
        assert_eq!(backend.asked.lock().unwrap().len(), 2, "{kind:?}");
    }
}

#[test]
fn the_race_to_the_first_hop_is_a_child_in_the_report_and_shows_progress() {
    let lab = Lab::new(Reactor::new);
    let (_listener, addr) = listener();
    let ssh = lab.ssh.clone().with_backend(Scripted::default());
    let resolver = ScriptedResolver::<SshHost>::new(&lab.ledger);
    let dialer = Dialer::new(resolver, ssh.connector(), lab.clock().clone());
    let connect = dialer.connect_addresses([chain(addr.port()).host("web")]).with_report();
    let (_stream, report) = lab.clock().run(connect).unwrap();
    let attempt = &report.attempts()[0];
    assert_eq!(attempt.address.to_string(), "web");
    let [child] = &attempt.children[..] else { panic!("{report}") };
    assert_eq!(child.target().unwrap().to_string(), addr.to_string());
    assert!(attempt.progressed.is_some(), "{report}");
}

#[test]
fn an_endpoint_and_a_dialer_of_aliases_connect_alike() {
    let (listener, addr) = listener();
    let config = Config::new(&format!("Host web\n HostName 127.0.0.1\n Port {}\n", addr.port()));
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files());
    let by_alias = Dialer::new(ByAlias, ssh.connector(), stagger_smol::Timer);
    let endpoint = ssh.endpoint("joe@web");
    assert_eq!(endpoint.to_string(), "joe@web");
    futures_lite::future::block_on(async {
        let direct = stagger::connect::Direct.connect(Candidate::new(endpoint));
        for stream in [
            direct.await.unwrap(),
            ssh.connect("web").await.unwrap(),
            by_alias.connect("web:ssh").await.unwrap(),
        ] {
            assert_eq!(stream.tcp().unwrap().peer_addr().unwrap(), addr);
            listener.accept().unwrap();
        }
    });
}

#[test]
fn through_a_host_the_backend_gets_the_name_of_the_target() {
    let (_listener, addr) = listener();
    let text = format!("Host gate\n HostName 127.0.0.1\n Port {}\n", addr.port());
    let config = Config::new(&text);
    let lab = Lab::new(Reactor::new);
    let backend = Scripted::default();
    let ssh = lab.ssh.clone().with_backend(backend.clone()).with_config(config.files());
    let hop = ssh.through("gate").connector().clone();
    let to = Candidate::new(Target::parse("db.internal:5432").unwrap());
    // The lookup is on another thread, so no virtual clock may run it.
    futures_lite::future::block_on(hop.connect(to)).unwrap();
    assert_eq!(*backend.asked.lock().unwrap(), ["gate to db.internal:5432"]);
    assert_eq!(lab.reactor.open(), 0);
}

/// Drops a connect after no poll, after one, and so on, until it ends.
///
/// The reactor polls without a break. So a connect that waits for another process is polled
/// thousands of times, more often on a busy machine, and all these polls are alike. The steps
/// become longer, because a step of one poll would never catch up.
fn drop_at_every_poll(config: &Config, alias: &str) {
    for polls in successors(Some(0), |polls| Some(polls + 1 + polls / 16)) {
        let lab = Lab::new(Reactor::new);
        let handles = Arc::strong_count(&lab.reactor.open);
        let ssh = lab.ssh.clone().with_backend(Scripted::default()).with_config(config.files());
        let mut connect = ssh.endpoint(alias).connect();
        let mut rest = polls;
        let outcome = futures_lite::future::block_on(poll_fn(|cx| {
            if rest == 0 {
                return Poll::Ready(None);
            }
            rest -= 1;
            let polled = Pin::new(&mut connect).poll(cx).map(Some);
            // The last poll is not followed by a wait.
            if rest == 0 && polled.is_pending() { Poll::Ready(None) } else { polled }
        }));
        drop(connect);
        let is_done = outcome.map(Result::unwrap).is_some();
        drop(ssh);
        assert_eq!(lab.reactor.open(), 0, "after {polls} polls");
        assert_eq!(Arc::strong_count(&lab.reactor.open), handles, "after {polls} polls");
        if is_done {
            return;
        }
    }
}

#[test]
fn dropping_at_every_poll_leaves_no_socket() {
    let (_listener, addr) = listener();
    drop_at_every_poll(&chain(addr.port()), "web");
    let config = Config::new("Host web\n ProxyCommand sh -c 'echo SSH-2.0-test; exec cat'\n");
    drop_at_every_poll(&config, "web");
}

#[test]
fn a_proxy_command_is_the_connection_and_its_failure_is_clear() {
    let lab = Lab::new(Reactor::new);
    let config = Config::new(
        "Host web\n ProxyCommand sh -c 'echo SSH-2.0-test; exec cat'\n\
         Host mute\n ProxyCommand true --secret\n\
         Host broken\n ProxyCommand sh -c 'echo it is down >&2; exit 3' --secret\n\
         Host passed\n ProxyCommand true\n ProxyUseFdpass yes\n",
    );
    let connect = |alias| {
        let attempt = lab.ssh.connector().connect(Candidate::new(config.host(alias)));
        futures_lite::future::block_on(attempt)
    };
    let stream = connect("web").unwrap();
    assert!(stream.unix().is_some());
    for (alias, text) in [("mute", "ended before"), ("broken", "it is down")] {
        let error = connect(alias).unwrap_err();
        assert_eq!(error.kind(), SshErrorKind::Command, "{error}");
        let error = with_causes(&error);
        assert!(error.starts_with(&format!("SSH host {alias}: ")), "{error}");
        assert!(error.contains(text), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let error = connect("passed").unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config, "{error}");
}

#[test]
fn the_pause_between_races_counts_no_time_before_the_first() {
    let lab = Lab::new(Reactor::new);
    let (_listener, addr) = listener();
    let text =
        format!("Host web\n HostName 127.0.0.1\n Port {}\n ConnectionAttempts 3\n", addr.port());
    lab.connect(Config::new(&text).host("web")).unwrap();
    assert_eq!(lab.clock().elapsed(), Duration::ZERO);
}

#[test]
fn connect_timeout_counts_for_the_greeting_of_a_proxy_command() {
    let config = Config::new("Host web\n ProxyCommand sleep 1000\n ConnectTimeout 5\n");
    let endpoint = support::impatient().with_config(config.files()).connector();
    let attempt = endpoint.connect(Candidate::new(config.host("web")));
    let error = futures_lite::future::block_on(attempt).unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Timeout);
    assert_eq!(error.to_string(), "SSH host web: ProxyCommand sent nothing within 5s");
}
