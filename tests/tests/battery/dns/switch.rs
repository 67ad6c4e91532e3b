//! Which sources are asked, and in which order: what `/etc/nsswitch.conf` says.

use std::future::IntoFuture as _;
use std::net::SocketAddr;

use ::futures_lite::StreamExt as _;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::DnsError;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::etc;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

use super::lines;

battery! {
    within LOOPBACK {
        servers_go_first_or_are_not_asked_at_all_as_the_switch_says_at_the_time,
        what_the_system_s_resolver_finds_by_a_switch_is_found,
    }
}

/// A server for [`files`], and who it knows.
fn server() -> NameServer {
    let server = NameServer::start_at("127.0.0.1:53".parse().unwrap()).unwrap();
    for name in ["both.test", "server.test"] {
        server.on(name, Record::A, Reply::addresses(["127.0.0.53"]));
        server.on(name, Record::Aaaa, Reply::addresses(["fd00::53"]));
    }
    for record in [Record::A, Record::Aaaa] {
        server.on("none.test", record, Reply::no_address());
        server.on("fails.test", record, Reply::code(2));
    }
    server
}

fn files(sources: &str) -> Scratch {
    etc(&[
        ("nsswitch.conf", &format!("hosts: {sources}\n")),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
        (
            "hosts",
            "127.0.0.9 both.test file.test none.test fails.test\n\
             fd00::9 both.test\n",
        ),
    ])
}

fn servers_go_first_or_are_not_asked_at_all_as_the_switch_says_at_the_time<R: Runtime>() {
    let etc = files("dns [!UNAVAIL=return] files");
    let server = server();
    let (runtime, resolver) = (R::new(), R::Adapter::dns().with_cache_capacity(0));
    let found = |name| lines(&runtime, &resolver, &format!("{name}:80"), Families::Ipv4);
    assert_eq!(found("both.test"), ["A 127.0.0.53:80"]);
    assert_eq!(found("file.test"), ["A NotFound"]);
    assert_eq!(found("fails.test"), ["A 127.0.0.9:80", "A Temporary"]);

    etc.write("nsswitch.conf", "hosts: mymachines files [NOTFOUND=return] dns\n");
    // The file is looked at once a second.
    while found("both.test") != ["A 127.0.0.9:80"] {
        std::thread::yield_now();
    }
    let asked = server.questions().len();
    assert_eq!(found("server.test"), ["A NotFound"]);
    assert_eq!(server.questions().len(), asked);
}

/// What is found of a name, in some order: here, and by glibc.
fn both_ways<R: Runtime>(name: &str, families: Families) -> [Vec<SocketAddr>; 2] {
    let query = Query::new(Target::new(name, "80").unwrap()).with_families(families);
    // Each with a resolver of its own, for a file is looked at once a second.
    let answers = R::Adapter::dns().resolve(&query);
    let answers: Vec<Answer<_, DnsError>> = R::new().run(answers.collect());
    let ours = answers.iter().flat_map(|answer| answer.addresses().copied());
    let nothing =
        [LookupErrorKind::NotFound, LookupErrorKind::NoAddress, LookupErrorKind::Temporary];
    let lookup = R::Adapter::lookup(name).with_service(80).with_families(families).into_future();
    let theirs = match R::new().run(lookup) {
        Ok(found) => found.addresses().collect(),
        Err(error) => {
            // And no fault of the machine's.
            assert!(nothing.contains(&error.kind()), "{error}");
            Vec::new()
        }
    };
    [ours.collect(), theirs].map(|mut found: Vec<SocketAddr>| {
        found.sort();
        found.dedup();
        found
    })
}

fn what_the_system_s_resolver_finds_by_a_switch_is_found<R: Runtime>() {
    let etc = files("");
    let _server = server();
    for sources in [
        "files dns",
        "dns files",
        "files",
        "dns",
        "files [NOTFOUND=return] dns",
        "dns [NOTFOUND=return] files",
        "dns [UNAVAIL=return] files",
        "dns [!UNAVAIL=return] files",
        "dns [TRYAGAIN=return] files",
        "files [SUCCESS=continue] dns",
        "dns [SUCCESS=continue] files",
        "files # dns",
        // None of these is there for glibc either.
        "absent1 [NOTFOUND=return] dns",
        "absent1 [!UNAVAIL=return] files dns",
        "files absent1 [NOTFOUND=return] absent2 dns",
    ] {
        etc.write("nsswitch.conf", &format!("hosts: {sources}\n"));
        for name in ["both", "file", "server", "none", "fails", "nowhere"] {
            for families in [Families::Any, Families::Ipv4, Families::Ipv6] {
                let [ours, theirs] = both_ways::<R>(&format!("{name}.test"), families);
                assert_eq!(ours, theirs, "{sources}: {name}, {families:?}");
            }
        }
    }
    // For IPv4 alone glibc has another rule, by which some names are found after `merge`.
    for sources in
        ["files [SUCCESS=merge] dns", "dns [SUCCESS=merge] files", "files [NOTFOUND=merge] dns"]
    {
        etc.write("nsswitch.conf", &format!("hosts: {sources}\n"));
        for name in ["both", "file", "server", "none", "nowhere"] {
            let [ours, theirs] = both_ways::<R>(&format!("{name}.test"), Families::Any);
            assert_eq!(ours, theirs, "{sources}: {name}");
        }
    }
    // Without a line there is a default, and with neither.
    for text in ["services: files\n", ""] {
        etc.write("nsswitch.conf", text);
        let [ours, theirs] = both_ways::<R>("both.test", Families::Any);
        assert_eq!((ours.len(), &ours), (2, &theirs));
        assert!(ours.contains(&([127, 0, 0, 9], 80).into()));
    }
}
