//! What the machine says: whom to ask, which names are known, and where it is connected to.

use std::net::SocketAddr;
use std::time::Duration;

use stagger::resolve::Families;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::{etc, shell};
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, Scratch, battery};

use super::{asking, dialing, lines};

battery! {
    within LOOPBACK {
        the_machines_servers_hosts_search_list_and_services_are_used,
        a_server_that_another_network_has_is_asked_when_it_is_there,
    }
    within ASIDE {
        only_families_that_lead_anywhere_are_asked_for,
        what_has_no_route_is_tried_last_and_its_family_does_not_lead,
    }
}

const SERVER: &str = "127.0.0.1:53";

/// The server at 127.0.0.1, a search list, a host and a service.
fn files() -> Scratch {
    etc(&[
        ("resolv.conf", "nameserver 127.0.0.1\nsearch stagger.test\n"),
        ("hosts", "127.0.0.2 known known.stagger.test\n192.0.2.7 known\n"),
        ("services", "staggered 4711/tcp\n"),
        ("nsswitch.conf", "services: files\n"),
    ])
}

fn the_machines_servers_hosts_search_list_and_services_are_used<R: Runtime>() {
    let _etc = files();
    let server = NameServer::start_at(SERVER.parse().unwrap()).unwrap();
    server.on("www.stagger.test", Record::A, Reply::addresses(["127.0.0.1"]));
    server.on("www.stagger.test", Record::Aaaa, Reply::no_address());
    let resolver = R::Adapter::dns();
    let runtime = R::new();
    let all = |target| lines(&runtime, &resolver, target, Families::Any);

    // There is no route to 192.0.2.7, so it is last.
    assert_eq!(all("known:staggered"), ["all 127.0.0.2:4711 192.0.2.7:4711"]);
    assert_eq!(all("localhost:80"), ["A 127.0.0.1:80", "AAAA [::1]:80"]);
    assert_eq!(all("[fe80::1%lo]:staggered"), ["all [fe80::1%1]:4711"]);
    assert!(server.questions().is_empty());
    assert_eq!(all("www:80"), ["A 127.0.0.1:80", "AAAA none"]);
    let asked: Vec<_> = server.questions().into_iter().map(|question| question.name).collect();
    assert_eq!(asked, ["www.stagger.test"; 2]);
    let found = lines(&runtime, &resolver, "known:80", Families::Ipv6);
    assert_eq!(found, ["AAAA NotFound"]);

    let healthy = Healthy::at((V4, 4711).into());
    let stream = runtime.run(dialing::<R>(resolver).connect("www:staggered")).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
}

fn a_server_that_another_network_has_is_asked_when_it_is_there<R: Runtime>() {
    let etc = files();
    let [first, second] = ["127.0.0.1:53", "127.0.0.3:53"].map(|addr| {
        let server = NameServer::start_at(addr.parse().unwrap()).unwrap();
        server.otherwise(Reply::addresses([addr.split(':').next().unwrap()]));
        server
    });
    let resolver = R::Adapter::dns();
    let runtime = R::new();
    let found = || lines(&runtime, &resolver, "www.stagger.test:80", Families::Ipv4);
    assert_eq!(found(), ["A 127.0.0.1:80"]);
    etc.write("resolv.conf", "nameserver 127.0.0.3\n");
    // The file is looked at once a second, and what was remembered goes with the old one.
    while found() != ["A 127.0.0.3:80"] {
        std::thread::yield_now();
    }
    assert_eq!((first.questions().len(), second.questions().len()), (1, 1));
}

fn asked(server: &NameServer) -> [usize; 2] {
    [Record::Aaaa, Record::A].map(|record| server.asked("www.stagger.test", record))
}

fn only_families_that_lead_anywhere_are_asked_for<R: Runtime>() {
    // Of IPv6 there is loopback and what is local to a link.
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::addresses(["192.0.2.9", "2001:db8::1"]));
    let runtime = R::new();
    let resolver = asking::<R>(&[&server]).with_only_connected(true).with_cache_capacity(0);
    let all = || lines(&runtime, &resolver, "www.stagger.test:80", Families::Any);
    assert_eq!(all(), ["A 192.0.2.9:80"]);
    assert_eq!(asked(&server), [0, 1]);
    let found = lines(&runtime, &resolver, "www.stagger.test:80", Families::Ipv6);
    assert_eq!(found, ["AAAA [2001:db8::1]:80"]);
    assert_eq!(asked(&server), [1, 1]);
    // It is judged anew each time.
    shell("ip address add 2001:db8::9/64 dev aside0 nodad");
    assert_eq!(all().len(), 2);
    assert_eq!(asked(&server), [2, 2]);
    shell("ip address del 2001:db8::9/64 dev aside0");
    assert_eq!(all().len(), 1);
    let resolver = resolver.with_only_connected(false);
    assert_eq!(lines(&runtime, &resolver, "www.stagger.test:80", Families::Any).len(), 2);
    assert_eq!(asked(&server), [3, 4]);
}

fn what_has_no_route_is_tried_last_and_its_family_does_not_lead<R: Runtime>() {
    let server = NameServer::start().unwrap();
    let healthy = Healthy::at(SocketAddr::from(([192, 0, 2, 9], 80)));
    let nowhere = "198.51.100.1:80".parse().unwrap();
    let late = Duration::from_millis(10);
    server.otherwise(Reply::addresses(["2001:db8::1"]).after(late));
    server.on("www.stagger.test", Record::A, Reply::addresses(["198.51.100.1", "192.0.2.9"]));
    let dialer = dialing::<R>(asking::<R>(&[&server]));
    let dial = dialer.connect(("www.stagger.test", 80)).with_report();
    let (_, report) = R::new().run(dial).unwrap();
    let of =
        |record| report.queries().iter().find(|it| it.record == record).expect("it is awaited");
    let (a, aaaa) = (of(Record::A), of(Record::Aaaa));
    assert_eq!(a.addresses, [healthy.addr(), nowhere]);
    // What comes first is tried first, if it is of the preferred family.
    if aaaa.ended.is_none_or(|aaaa| a.ended.is_some_and(|a| a < aaaa)) {
        assert_eq!(report.attempts()[0].address, healthy.addr(), "{report:?}");
        assert_eq!(report.attempts().len(), 1);
    }
}
