//! Why a lookup failed, in one vocabulary: the system's resolver and the resolver over DNS, asked
//! the same.

use std::net::SocketAddr;

use ::futures_lite::StreamExt as _;
use stagger::error::LookupErrorKind;
use stagger::error::LookupErrorKind::{
    Malformed, NoAddress, NotFound, Refused, Temporary, TimedOut, UnknownService, UnknownZone,
};
use stagger::resolve::{Families, Query};
use stagger::{Policy, Resolver, Target};
use stagger_net::SystemResolver;
use stagger_net::lookup::Lanes;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::etc;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

battery! {
    within LOOPBACK {
        both_resolvers_say_the_same_of_what_both_can_tell,
        what_glibc_does_not_tell_apart_has_a_kind_of_its_own_over_dns_alone,
        a_name_that_no_hosts_file_has_is_not_found_where_no_server_may_be_asked,
    }
}

fn files(sources: &str) -> Scratch {
    etc(&[
        ("nsswitch.conf", &format!("hosts: {sources}\nservices: files\n")),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
        ("hosts", "127.0.0.1 localhost\n192.0.2.7 listed.test\n"),
        ("services", "staggered 4711/tcp\n"),
    ])
}

fn server() -> NameServer {
    let server = NameServer::start_at("127.0.0.1:53".parse().unwrap()).unwrap();
    server.on("half.test", Record::A, Reply::addresses(["192.0.2.7"]));
    server.on("half.test", Record::Aaaa, Reply::no_address());
    for record in [Record::A, Record::Aaaa] {
        server.on("empty.test", record, Reply::no_address());
        server.on("fails.test", record, Reply::code(2));
        server.on("refused.test", record, Reply::code(5));
        server.on("silent.test", record, Reply::silence());
        server.on("circle.test", record, Reply::alias("circle.test"));
    }
    server
}

/// The kind of every answer, each once, and whether the name exists by the error of the lookup.
/// "No address" is a failure for `getaddrinfo` and a negative answer over DNS.
fn told<R: Runtime, N>(
    resolver: N,
    target: &str,
    families: Families,
) -> (Vec<LookupErrorKind>, Option<bool>)
where
    N: Resolver<Address = SocketAddr, Error: std::error::Error + Send + Sync + 'static>
        + Send
        + 'static,
    N::Answers: Send + 'static,
{
    let query = Query::new(Target::parse(target).unwrap()).with_families(families);
    let answers = resolver.resolve(&query);
    let mut kinds: Vec<_> = R::new().run(async move {
        let kind = |answer: stagger::Answer<_, _>| {
            answer.kind().or_else(|| answer.is_empty().then_some(NoAddress))
        };
        answers.filter_map(kind).collect().await
    });
    kinds.dedup();
    let policy = Policy::new().with_families(families);
    let dialer = R::Adapter::dialer().with_resolver(resolver).with_policy(policy);
    let error = R::new().run(dialer.resolve_all(target)).map(|(found, _)| found).unwrap_err();
    let known = kinds[0] != NoAddress;
    assert!(!known || error.lookup_kind() == Some(kinds[0]), "{error:#}");
    (kinds, error.name_exists())
}

fn by_system<R: Runtime>(target: &str, of: Families) -> (Vec<LookupErrorKind>, Option<bool>) {
    told::<R, _>(
        SystemResolver::<<R::Adapter as Adapter>::Timer>::new().with_lanes(Lanes::never()),
        target,
        of,
    )
}

fn by_lanes<R: Runtime>(target: &str, of: Families) -> (Vec<LookupErrorKind>, Option<bool>) {
    told::<R, _>(
        SystemResolver::<<R::Adapter as Adapter>::Timer>::new().with_lanes(Lanes::at_once()),
        target,
        of,
    )
}

fn over_dns<R: Runtime>(target: &str, of: Families) -> (Vec<LookupErrorKind>, Option<bool>) {
    told::<R, _>(R::Adapter::dns().with_cache_capacity(0), target, of)
}

fn both_resolvers_say_the_same_of_what_both_can_tell<R: Runtime>() {
    let _etc = files("files dns");
    let server = server();
    let any = Families::Any;
    for (target, families, kind, exists) in [
        ("nobody.test:80", any, NotFound, Some(false)),
        ("nobody.test:80", Families::Ipv4, NotFound, Some(false)),
        ("empty.test:80", any, NoAddress, Some(true)),
        ("half.test:80", Families::Ipv6, NoAddress, Some(true)),
        ("fails.test:80", any, Temporary, None),
        ("localhost:nothing", any, UnknownService, None),
        ("half.test:nothing", any, UnknownService, None),
        ("192.0.2.7:nothing", any, UnknownService, None),
        ("[fe80::1%nowhere0]:80", any, UnknownZone, None),
    ] {
        let expected = (vec![kind], exists);
        assert_eq!(by_system::<R>(target, families), expected, "{target} by the system");
        assert_eq!(by_lanes::<R>(target, families), expected, "{target} in lanes");
        assert_eq!(over_dns::<R>(target, families), expected, "{target} over DNS");
    }
    // Nobody is there to be asked.
    drop(server);
    let expected = (vec![Temporary], None);
    assert_eq!(by_system::<R>("half.test:80", any), expected);
    assert_eq!(over_dns::<R>("half.test:80", any), expected);
}

fn what_glibc_does_not_tell_apart_has_a_kind_of_its_own_over_dns_alone<R: Runtime>() {
    let _etc = files("dns");
    let _server = server();
    for (target, over_dns_kind, system_kind, exists_for_system) in [
        ("refused.test:80", Refused, Temporary, None),
        ("silent.test:80", TimedOut, Temporary, None),
        ("circle.test:80", Malformed, NoAddress, Some(true)),
    ] {
        let families = Families::Ipv4;
        let expected = (vec![over_dns_kind], None);
        assert_eq!(over_dns::<R>(target, families), expected, "{target} over DNS");
        let expected = (vec![system_kind], exists_for_system);
        assert_eq!(by_system::<R>(target, families), expected, "{target} by the system");
    }
}

fn a_name_that_no_hosts_file_has_is_not_found_where_no_server_may_be_asked<R: Runtime>() {
    let _etc = files("files");
    let expected = (vec![NotFound], Some(false));
    assert_eq!(by_system::<R>("nobody.test:80", Families::Any), expected);
    assert_eq!(over_dns::<R>("nobody.test:80", Families::Any), expected);
}
