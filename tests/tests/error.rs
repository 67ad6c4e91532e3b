//! Errors as a person reads them: one line that names the target once, says nothing twice and ends
//! in the last cause, also where the crate `anyhow` prints it with its sources.
//!
//! Every kind of a lookup's error is in the table of DNS here. `getaddrinfo` has fewer, and the
//! unit tests of `stagger-net` have those that a machine in order never has. The file is long
//! because both tables share their checks.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::future::{Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_lite::{Stream, StreamExt as _, future, stream};
use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, LookupErrorKind, Phase};
use stagger::resolve::{Families, Record, resolver_fn};
use stagger::text::{Escaped, has_words};
use stagger::{Answer, Dialer, Error, Policy, Target};
use stagger_dns::{Config, DnsError, DnsResolver, Network, Switch};
use stagger_net::lookup::LookupError;
use stagger_net::{SocketLiteral, TcpOptions, UdpOptions, UnixAddr};
use stagger_testkit::Clock;
use stagger_tests::namespace;

/// The deepest cause of each failure, as it is printed, and how the line tells of silence.
fn endings(error: &Error) -> Vec<String> {
    fn deepest(error: &(dyn StdError + 'static)) -> String {
        Escaped(&anyhow::Chain::new(error).last().unwrap().to_string()).to_string()
    }
    let report = error.report();
    let queries = report.queries().iter().filter_map(|query| query.error.as_ref());
    let attempts = report.attempts().iter().filter_map(|attempt| attempt.outcome.cause());
    let mut endings: Vec<_> = queries.map(|error| deepest(error.get_ref())).collect();
    endings.extend(attempts.map(deepest));
    endings.extend(error.invalid_target().map(|error| error.reason().to_string()));
    match error.kind() {
        ErrorKind::NoAddresses => endings.push(LookupErrorKind::NoAddress.to_string()),
        ErrorKind::TimedOut(_) => {
            endings.extend(["no answer", "known yet", "tried yet"].map(str::to_owned));
        }
        _ => {}
    }
    endings
}

/// Asserts that an error of a connect is this line however it is printed, and that the line names
/// the target once and ends in the last cause.
#[track_caller]
fn assert_line(error: &Error, line: &str) {
    assert_eq!(error.to_string(), line);
    assert_eq!(format!("{error:?}"), line, "main prints it so");
    assert!(format!("{error:#}").starts_with(line) && format!("{error:#?}").starts_with(line));
    assert!(!line.contains(char::is_control), "{line:?}");
    if let Some(target) = error.target() {
        assert_eq!(line.matches(&target.to_string()).count(), 1, "{line}");
    }
    let endings = endings(error);
    assert!(endings.iter().any(|ending| line.ends_with(ending)), "{line}: {endings:?}");
    // As anyhow prints it, alone, as an error of I/O, and below what a program was about.
    assert_eq!(format!("{:#}", anyhow::Error::from(error.clone())), line);
    assert_eq!(format!("{:#}", anyhow::Error::from(io::Error::from(error.clone()))), line);
    let about = anyhow::Error::from(error.clone()).context("fetch the page");
    assert_eq!(format!("{about:#}"), format!("fetch the page: {line}"));
    // Where the environment asks for one, a backtrace follows.
    let shown = format!("{about:?}");
    let shown = shown.split_once("\n\nStack backtrace:").map_or(&*shown, |(shown, _)| shown);
    assert_eq!(shown, format!("fetch the page\n\nCaused by:\n    {line}"));
    assert_told_once(error);
    // What failed is told once below the connect too.
    for query in error.report().queries() {
        query.error.iter().for_each(|error| assert_told_once(error));
    }
    for attempt in error.report().attempts() {
        attempt.outcome.error().into_iter().for_each(|error| assert_told_once(error));
    }
}

/// Asserts that no level of an error prints what is below it.
#[track_caller]
fn assert_told_once(error: &(dyn StdError + 'static)) {
    let levels: Vec<_> = anyhow::Chain::new(error).map(ToString::to_string).collect();
    for (n, level) in levels.iter().enumerate() {
        for below in &levels[n + 1..] {
            assert!(!has_words(level, below), "{levels:?}");
        }
    }
}

/// The error of a connect to `example.com:443`. The answers end if `ends`. An attempt at 192.0.2.1
/// fails with the first reason, and so on; without a reason it is silent.
fn lost(
    answers: impl Fn() -> Vec<Answer<SocketAddr, io::Error>>,
    ends: bool,
    reasons: &'static [&'static str],
    policy: Policy,
) -> Error {
    let resolver = resolver_fn(move |_: &_| {
        let rest = if ends { stream::empty().boxed() } else { stream::pending().boxed() };
        stream::iter(answers()).chain(rest)
    });
    let connector = connector_fn(move |addr: SocketAddr| async move {
        let SocketAddr::V4(v4) = addr else { unreachable!("they are all IPv4") };
        match reasons.get(usize::from(v4.ip().octets()[3]) - 1) {
            Some(reason) => Err::<(), _>(io::Error::other(*reason)),
            None => pending().await,
        }
    });
    let clock = Clock::new();
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_policy(policy);
    clock.run(dialer.connect("example.com:443")).unwrap_err()
}

fn found<const N: usize>(record: Record, last: [u8; N]) -> Answer<SocketAddr, io::Error> {
    Answer::found(record, last.map(|last| SocketAddr::from(([192, 0, 2, last], 443))))
}

fn failed(record: Record, text: &str) -> Answer<SocketAddr, io::Error> {
    Answer::failed(record, io::Error::other(text.to_owned()))
}

#[test]
fn every_kind_of_error_is_one_line_with_one_cause_and_with_several() {
    let all = Record::Addresses;
    let within = || Policy::new().with_timeout(Duration::from_millis(600)).unwrap();
    let short = || Policy::new().with_timeout(Duration::from_millis(30)).unwrap();
    let brief = || Policy::new().with_attempt_timeout(Duration::from_millis(50)).unwrap();
    let ipv6 = || Policy::new().with_families(Families::Ipv6);
    let one = |answer: fn() -> Answer<SocketAddr, io::Error>| move || vec![answer()];
    let table = [
        (ErrorKind::Lookup, ": gone", lost(|| vec![failed(all, "gone")], true, &[], Policy::new())),
        (
            ErrorKind::Lookup,
            ": gone",
            lost(
                || vec![failed(Record::Aaaa, "gone"), failed(Record::A, "gone")],
                true,
                &[],
                Policy::new(),
            ),
        ),
        (
            ErrorKind::Lookup,
            ": AAAA: gone; A: off",
            lost(
                || vec![failed(Record::Aaaa, "gone"), failed(Record::A, "off")],
                true,
                &[],
                Policy::new(),
            ),
        ),
        (
            ErrorKind::NoAddresses,
            ": the host has no address",
            lost(one(|| found(Record::Addresses, [])), true, &[], Policy::new()),
        ),
        (
            ErrorKind::NoneUsable,
            ": 192.0.2.1:443: only IPv6 is wanted",
            lost(one(|| found(Record::Addresses, [1])), true, &[], ipv6()),
        ),
        (
            ErrorKind::NoneUsable,
            ": 192.0.2.1:443, 192.0.2.2:443: only IPv6 is wanted",
            lost(one(|| found(Record::Addresses, [1, 2])), true, &[], ipv6()),
        ),
        (
            ErrorKind::Connection,
            ": 192.0.2.1:443: refused",
            lost(one(|| found(Record::Addresses, [1])), true, &["refused"], Policy::new()),
        ),
        (
            ErrorKind::Connection,
            ": 192.0.2.1:443, 192.0.2.3:443: refused; 192.0.2.2:443: no\\nroute",
            lost(
                one(|| found(Record::Addresses, [1, 2, 3])),
                true,
                &["refused", "no\nroute", "refused"],
                Policy::new(),
            ),
        ),
        (
            ErrorKind::Connection,
            ": 192.0.2.1:443: refused; 192.0.2.2:443: no connection within the attempt timeout",
            lost(one(|| found(Record::Addresses, [1, 2])), true, &["refused"], brief()),
        ),
        (
            ErrorKind::TimedOut(Phase::Resolving),
            " within 600 ms: no address was known yet",
            lost(Vec::new, false, &[], within()),
        ),
        (
            ErrorKind::TimedOut(Phase::Resolving),
            " within 600 ms: no address was known yet; AAAA: gone",
            lost(|| vec![failed(Record::Aaaa, "gone")], false, &[], within()),
        ),
        (
            ErrorKind::TimedOut(Phase::Waiting),
            " within 30 ms: addresses were known, but none had been tried yet",
            lost(one(|| found(Record::A, [1])), false, &[], short()),
        ),
        (
            ErrorKind::TimedOut(Phase::Connecting),
            " within 600 ms: 192.0.2.1:443: no answer",
            lost(one(|| found(Record::Addresses, [1])), true, &[], within()),
        ),
        (
            ErrorKind::TimedOut(Phase::Connecting),
            " within 600 ms: 192.0.2.1:443: refused; 192.0.2.2:443, 192.0.2.3:443: no answer",
            lost(one(|| found(Record::Addresses, [1, 2, 3])), true, &["refused"], within()),
        ),
        (
            ErrorKind::TimedOut(Phase::Connecting),
            " within 600 ms: 192.0.2.1:443: no answer; AAAA: gone",
            lost(|| vec![failed(Record::Aaaa, "gone"), found(Record::A, [1])], true, &[], within()),
        ),
    ];
    for (kind, line, error) in &table {
        assert_eq!(error.kind(), *kind, "{error}");
        assert_line(error, &format!("could not connect to example.com:443{line}"));
    }
    let invalid = Error::from(Target::parse("bob:secret@example.com:443x").unwrap_err());
    assert_line(
        &invalid,
        "bad target \"…@example.com:443x\": there are several colons: an IPv6 address before a \
         service must stand in brackets, as in \"[::1]:80\"",
    );
    let kinds: HashSet<_> = table.iter().map(|(kind, ..)| *kind).chain([invalid.kind()]).collect();
    assert_eq!(kinds.len(), 8, "every kind");
}

/// A name server that does this with every question.
#[derive(Clone, Copy, Debug)]
enum Server {
    /// Answers with this code, without a record.
    Says(u8),
    /// Sends an answer whose name can't be read.
    Babbles,
    IsSilent,
    IsOff,
}

impl Server {
    fn answer(self, mut message: Vec<u8>) -> Option<io::Result<Vec<u8>>> {
        match self {
            Self::Says(code) => {
                // A reply that offers recursion (RFC 1035 §4.1.1), without an OPT record.
                let end = message.len() - OPT;
                message.truncate(end);
                (message[2], message[3]) = (message[2] | 0x80, 0x80 | code);
                message[11] = 0;
                Some(Ok(message))
            }
            Self::Babbles => {
                message[2] |= 0x80;
                let end = message.len() - OPT;
                message.truncate(end);
                (message[7], message[11]) = (1, 0);
                // The name of the answer is a pointer that leads forward.
                message.extend([0xc0, 0xff, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
                Some(Ok(message))
            }
            Self::IsSilent => None,
            Self::IsOff => Some(Err(io::ErrorKind::ConnectionRefused.into())),
        }
    }
}

/// The length of an OPT record without options (RFC 6891 §6.1.2).
const OPT: usize = 11;

impl Network for Server {
    type Datagrams = Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>> + Send>>;
    type Reply = Ready<io::Result<Vec<u8>>>;

    fn datagrams(&self, _: SocketAddr, message: Vec<u8>) -> Self::Datagrams {
        stream::iter((*self).answer(message)).chain(stream::pending()).boxed()
    }

    fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
        ready(Err(io::ErrorKind::ConnectionRefused.into()))
    }
}

/// The error of a connect over DNS with so many servers.
fn over_dns(target: &str, server: Server, servers: u8, switch: Option<Switch>) -> Error {
    let servers = (0..servers).map(|last| SocketAddr::from(([192, 0, 2, 53 + last], 53)));
    let config = Config::new().with_servers(servers).unwrap();
    let config = config.with_timeout(Duration::from_secs(1)).unwrap().with_attempts(1).unwrap();
    let clock = Clock::new();
    let mut resolver = DnsResolver::new(config, server, clock.clone());
    if let Some(switch) = switch {
        resolver = resolver.with_switch(switch);
    }
    let connector = connector_fn(|_: SocketAddr| pending::<io::Result<()>>());
    clock.run(Dialer::new(resolver, connector, clock.clone()).connect(target)).unwrap_err()
}

#[test]
fn every_kind_of_a_lookup_over_dns_is_one_line_with_one_server_and_with_several() {
    let switch = |text: &str| text.parse::<Switch>().ok();
    let (a, b) = ("a.example:80", "192.0.2.53:53, 192.0.2.54:53");
    for (target, server, servers, switch, kind, line) in [
        (a, Server::Says(3), 1, None, LookupErrorKind::NotFound, "no such host".to_owned()),
        (a, Server::Says(3), 2, None, LookupErrorKind::NotFound, "no such host".to_owned()),
        (
            "a.onion:80",
            Server::IsSilent,
            1,
            None,
            LookupErrorKind::NotFound,
            "no such host: .onion names are never looked up in DNS (RFC 7686)".to_owned(),
        ),
        (a, Server::Says(0), 1, None, LookupErrorKind::NoAddress, "the host has no address".into()),
        (
            "a.example:http",
            Server::IsSilent,
            1,
            None,
            LookupErrorKind::UnknownService,
            "unknown service: this resolver takes numbers only".into(),
        ),
        (
            "[fe80::1%eth0]:80",
            Server::IsSilent,
            1,
            None,
            LookupErrorKind::UnknownZone,
            "unknown zone: this resolver takes numbers only".into(),
        ),
        (
            a,
            Server::Says(2),
            1,
            None,
            LookupErrorKind::Temporary,
            "temporary lookup failure: 192.0.2.53:53 answered SERVFAIL".into(),
        ),
        (
            a,
            Server::Says(2),
            2,
            None,
            LookupErrorKind::Temporary,
            format!("temporary lookup failure: {b} answered SERVFAIL"),
        ),
        (
            a,
            Server::IsOff,
            1,
            None,
            LookupErrorKind::Temporary,
            "temporary lookup failure: 192.0.2.53:53 could not be asked: connection refused".into(),
        ),
        (
            a,
            Server::IsOff,
            2,
            None,
            LookupErrorKind::Temporary,
            format!("temporary lookup failure: {b} could not be asked: connection refused"),
        ),
        (
            a,
            Server::Says(5),
            1,
            None,
            LookupErrorKind::Refused,
            "the lookup was refused: 192.0.2.53:53 answered REFUSED".into(),
        ),
        (
            a,
            Server::IsSilent,
            2,
            None,
            LookupErrorKind::TimedOut,
            format!("the lookup timed out: {b} did not answer within 1 s"),
        ),
        (
            a,
            Server::Babbles,
            1,
            None,
            LookupErrorKind::Malformed,
            "malformed reply: 192.0.2.53:53 sent a reply that can't be read: a record's name can't be read"
                .into(),
        ),
        (
            a,
            Server::IsSilent,
            1,
            switch("files"),
            LookupErrorKind::Other,
            "the lookup failed: nsswitch.conf names no source that this resolver supports".into(),
        ),
    ] {
        let error = over_dns(target, server, servers, switch);
        assert_eq!(error.lookup_kind(), Some(kind), "{error}");
        assert_line(&error, &format!("could not connect to {target}: {line}"));
        if error.kind() == ErrorKind::Lookup {
            assert!(line.starts_with(&kind.to_string()), "{line}");
            assert!(error.causes().any(|cause| cause.is::<DnsError>()), "{error}");
        }
    }
}

#[test]
fn the_system_s_errors_are_one_line_too_and_use_the_words_of_dns() {
    let test =
        concat!(module_path!(), "::the_system_s_errors_are_one_line_too_and_use_the_words_of_dns");
    namespace::within(test, namespace::LOOPBACK, || {
        let lost = |target: &str| {
            future::block_on(stagger_smol::connect(target.to_owned())).map(drop).unwrap_err()
        };
        let _first = namespace::etc(&[
            ("nsswitch.conf", "hosts: files\nservices: files\n"),
            ("hosts", "127.0.0.1 one.test two.test\n::1 two.test\n"),
            ("services", ""),
        ]);
        let refused = io::Error::from_raw_os_error(111);
        for (target, kind, line) in [
            ("no.test:80", Some(LookupErrorKind::NotFound), "no such host".to_owned()),
            (
                "one.test:http",
                Some(LookupErrorKind::UnknownService),
                "unknown service: there is no TCP service of this name".to_owned(),
            ),
            (
                "[fe80::1%no0]:80",
                Some(LookupErrorKind::UnknownZone),
                "unknown zone: no network interface has this name".to_owned(),
            ),
            ("127.0.0.1:9", None, refused.to_string()),
            ("one.test:9", None, format!("127.0.0.1:9: {refused}")),
            ("two.test:9", None, format!("[::1]:9, 127.0.0.1:9: {refused}")),
            (
                "[fe80::1]:9",
                None,
                "a link-local address needs a zone, as in fe80::1%eth0".to_owned(),
            ),
        ] {
            let error = lost(target);
            assert_eq!(error.lookup_kind(), kind, "{error}");
            assert_line(&error, &format!("could not connect to {target}: {line}"));
            let is_lookup = error.causes().any(|cause| cause.is::<LookupError>());
            assert_eq!(is_lookup, kind.is_some(), "{error}");
            assert!(kind.is_none_or(|kind| line.starts_with(&kind.to_string())), "{line}");
        }
        let _second = namespace::etc(&[
            ("nsswitch.conf", "hosts: dns\n"),
            // Nobody listens there.
            ("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n"),
        ]);
        let error = lost("no.test:80");
        assert_eq!(error.lookup_kind(), Some(LookupErrorKind::Temporary));
        let line = "could not connect to no.test:80: temporary lookup failure (EAI_AGAIN)";
        assert_line(&error, line);
    });
}

#[test]
fn the_errors_below_a_connect_say_their_own_level_and_quote_an_input_once() {
    let bad = |text: &str| text.parse::<SocketLiteral>().unwrap_err();
    let lookup = |host: &str| {
        future::block_on(stagger_net::lookup::lookup(host.to_owned()).into_future()).unwrap_err()
    };
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let bound = stagger_smol::UdpSocket::bind_with(taken, &UdpOptions::new()).map(drop);
    let nobody: SocketAddr = "192.0.2.1:80".parse().unwrap();
    let listening = smol::block_on(stagger_smol::listen(nobody)).map(drop);
    let options = TcpOptions::new().with_bind_addr("127.0.0.1:0".parse().unwrap()).unwrap();
    let second = options.clone().with_bind_addr("127.0.0.2:0".parse().unwrap()).unwrap_err();
    let in_use = io::Error::from_raw_os_error(98);
    let not_here = io::Error::from_raw_os_error(99);
    let errors: [(Box<dyn StdError>, String, &str); 10] = [
        (
            Box::new(bad("example.com:80")),
            "bad address \"example.com:80\": the host is a name, and no name is resolved here: \
             give an IP address"
                .into(),
            "example.com",
        ),
        (
            Box::new(bad("127.0.0.1:70000")),
            "bad address \"127.0.0.1:70000\": the port is not a number up to 65535".into(),
            "70000",
        ),
        (
            Box::new(Target::parse("exa mple.com:80").unwrap_err()),
            "bad target \"exa mple.com:80\": the character \" \" at byte 3 is a control character \
             or white space"
                .into(),
            "mple.com",
        ),
        (
            Box::new(lookup("256.1.1.1")),
            "bad target \"256.1.1.1\": the host is made of numbers but is not an IPv4 address as \
             in \"192.0.2.1\""
                .into(),
            "256.1.1.1",
        ),
        (
            Box::new(lookup("fe80::1%no0")),
            "cannot look up fe80::1%no0: unknown zone: no network interface has this name".into(),
            "no0",
        ),
        (
            Box::new(Policy::new().with_timeout(Duration::ZERO).unwrap_err()),
            "timeout out of range: 0 s is not within 1 ms to 1 day".into(),
            "0 s",
        ),
        (Box::new(bound.unwrap_err()), format!("could not bind to {taken}: {in_use}"), "127.0.0.1"),
        (
            Box::new(listening.unwrap_err()),
            format!("could not listen on {nobody}: could not bind: {not_here}"),
            "192.0.2.1",
        ),
        (
            Box::new(second),
            "a second bind address of one family: 127.0.0.2:0 after 127.0.0.1:0".into(),
            "127.0.0.2",
        ),
        (
            Box::new(UnixAddr::path("").unwrap_err()),
            "path of a Unix socket: \"\" is empty".into(),
            "\"\"",
        ),
    ];
    for (error, line, input) in &errors {
        let chain: Vec<_> = anyhow::Chain::new(&**error).map(ToString::to_string).collect();
        assert_eq!(chain.join(": "), *line);
        assert_eq!(line.matches(input).count(), 1, "{line}");
        assert_told_once(&**error);
    }
}
