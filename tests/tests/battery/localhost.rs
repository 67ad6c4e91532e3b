//! Names that are this machine, by the system's resolver (RFC 6761 §6.3).

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use ::futures_lite::StreamExt as _;
use ::futures_lite::future::poll_once;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Overrides, Query, Record};
use stagger::{Answer, Resolver, Target};
use stagger_net::SystemResolver;
use stagger_net::lookup::{Lanes, LookupError};
use stagger_tests::namespace::etc;
use stagger_tests::place::V4;
use stagger_tests::process::threads;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

battery! {
    within LOOPBACK {
        localhost_is_this_machine_at_once_whatever_the_files_say,
        the_port_of_localhost_is_that_of_its_service_whatever_the_hosts_file_says,
        a_name_below_localhost_is_what_the_hosts_file_says_or_else_loopback,
        the_network_is_never_asked_for_this_machine,
        overrides_have_the_last_word_about_localhost,
        a_lookup_of_its_own_asks_the_system_for_localhost,
    }
}

const BOTH: [&str; 2] = ["[::1]:80", "127.0.0.1:80"];

/// With a hosts file that says something else of `localhost`, and of names below it.
fn files() -> Scratch {
    etc(&[
        ("nsswitch.conf", "hosts: files dns\nservices: files\n"),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
        (
            "hosts",
            "192.0.2.7 localhost other.test\n192.0.2.8 one.localhost\n2001:db8::8 App.Localhost.\n\
             192.0.2.9 app.localhost # by hand\n",
        ),
        ("services", "staggered 4711/tcp\nstaggered 4712/udp\n"),
    ])
}

fn resolver<R: Runtime>() -> SystemResolver<<R::Adapter as Adapter>::Timer> {
    SystemResolver::new().with_lanes(Lanes::at_once())
}

fn query(target: &str) -> Query {
    Query::new(Target::parse(target).unwrap())
}

/// The only answer.
fn answer<R: Runtime>(query: &Query) -> Answer<SocketAddr, LookupError> {
    let answers = resolver::<R>().resolve(query);
    let mut answers: Vec<_> = R::new().run(async move { answers.collect().await });
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

fn addresses(answer: &Answer<SocketAddr, LookupError>) -> Vec<String> {
    answer.addresses().map(ToString::to_string).collect()
}

fn found<R: Runtime>(target: &str) -> Vec<String> {
    addresses(&answer::<R>(&query(target)))
}

fn localhost_is_this_machine_at_once_whatever_the_files_say<R: Runtime>() {
    let etc = files();
    // A pipe that nobody writes to would hold up whoever reads it.
    fs::remove_file(etc.path().join("hosts")).unwrap();
    stagger_tests::namespace::shell("mkfifo /etc/hosts");
    for target in ["localhost:80", "localhost.:80", "LocalHost:80"] {
        let (answer, more) = R::new().run(async move {
            let threads_before = threads();
            let mut answers = Box::pin(resolver::<R>().resolve(&query(target)));
            let answer = poll_once(answers.next()).await.expect("it is ready at once").unwrap();
            assert!(poll_once(answers.next()).await.unwrap().is_none());
            (answer, threads() - threads_before)
        });
        assert_eq!((answer.record(), answer.is_sorted()), (Record::Addresses, true));
        assert_eq!(addresses(&answer), BOTH, "{target}");
        assert_eq!(more, 0);
    }
    for (families, record, expected) in
        [(Families::Ipv4, Record::A, BOTH[1]), (Families::Ipv6, Record::Aaaa, BOTH[0])]
    {
        let answer = answer::<R>(&query("localhost:80").with_families(families));
        assert_eq!((answer.record(), addresses(&answer)), (record, vec![expected.into()]));
    }
    // Nor is the pipe read for a name below it.
    assert_eq!(found::<R>("app.localhost:80"), BOTH);
}

fn the_port_of_localhost_is_that_of_its_service_whatever_the_hosts_file_says<R: Runtime>() {
    let _etc = files();
    assert_eq!(found::<R>("localhost:staggered"), ["[::1]:4711", "127.0.0.1:4711"]);
    assert_eq!(found::<R>("one.localhost:staggered"), ["192.0.2.8:4711"]);
    let udp = query("localhost:staggered").with_transport(stagger::resolve::Transport::Udp);
    assert_eq!(addresses(&answer::<R>(&udp)), ["[::1]:4712", "127.0.0.1:4712"]);
    for target in ["localhost:nothing", "app.localhost:nothing"] {
        let answer = answer::<R>(&query(target));
        let error = answer.error().unwrap();
        assert_eq!(error.kind(), LookupErrorKind::UnknownService, "{error}");
        let text = "unknown service: there is no TCP service of this name";
        assert_eq!((error.to_string().as_str(), error.subject()), (text, target));
    }
}

fn a_name_below_localhost_is_what_the_hosts_file_says_or_else_loopback<R: Runtime>() {
    let etc = files();
    assert_eq!(found::<R>("app.localhost:80"), ["[2001:db8::8]:80", "192.0.2.9:80"]);
    assert_eq!(found::<R>("ONE.localhost.:80"), ["192.0.2.8:80"]);
    assert_eq!(found::<R>("other.localhost:80"), BOTH);
    assert_eq!(found::<R>("a.one.localhost:80"), BOTH);
    // What the file says is all there is, so the other family has no address.
    let answer = answer::<R>(&query("one.localhost:80").with_families(Families::Ipv6));
    assert_eq!((answer.record(), addresses(&answer).len()), (Record::Aaaa, 0));
    assert!(answer.error().is_none());
    // Without a file there is loopback.
    fs::remove_file(etc.path().join("hosts")).unwrap();
    assert_eq!(found::<R>("app.localhost:80"), BOTH);
}

fn the_network_is_never_asked_for_this_machine<R: Runtime>() {
    let _etc = files();
    let server = UdpSocket::bind((V4, 53)).unwrap();
    server.set_nonblocking(true).unwrap();
    for target in ["localhost:80", "localhost:staggered", "no.localhost:80", "no.localhost:nothing"]
    {
        answer::<R>(&query(target));
    }
    let asked = server.recv(&mut [0; 512]).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock));
}

fn overrides_have_the_last_word_about_localhost<R: Runtime>() {
    let _etc = files();
    let ip = |last| IpAddr::from([192, 0, 2, last]);
    let overrides = Overrides::new(resolver::<R>())
        .with_port("localhost", 80, [(ip(1), 80).into()])
        .unwrap()
        .with_host("app.localhost", [ip(2)])
        .unwrap();
    for (target, expected) in [
        ("localhost:80", vec!["192.0.2.1:80"]),
        ("app.localhost:80", vec!["192.0.2.2:80"]),
        ("localhost:81", vec!["[::1]:81", "127.0.0.1:81"]),
    ] {
        let answers = overrides.resolve(&query(target));
        let answers: Vec<_> = R::new().run(async move { answers.collect().await });
        let found: Vec<_> = answers.iter().flat_map(Answer::addresses).collect();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{target}");
    }
}

fn a_lookup_of_its_own_asks_the_system_for_localhost<R: Runtime>() {
    let _etc = files();
    let lookup = R::Adapter::lookup("localhost").with_service(80);
    let found = R::new().run(lookup.into_future()).unwrap();
    assert!(found.addresses().eq(["192.0.2.7:80".parse().unwrap()]));
}
