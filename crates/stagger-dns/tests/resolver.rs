//! The answers of a resolver, and their times.

mod support;

use std::future;
use std::io;
use std::net::SocketAddr;

use futures_lite::{StreamExt as _, stream};
use hickory_proto::op::ResponseCode::{NXDomain, NoError, ServFail};
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query, Record, Transport, resolver_fn};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::resolve::{NotNumeric, Numeric};
use stagger_dns::{DnsResolver, Environment, Hosts, Network};
use stagger_testkit::{Clock, ms};
use support::{Scene, after, config, fails, line, one, silence};

#[test]
fn both_families_are_asked_for_in_one_poll_aaaa_first() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(30, asked.found(&["2001:db8::1"])),
        false => after(20, asked.found(&["192.0.2.1", "192.0.2.2"])),
    });
    let answer_lines = scene.lines("www.example.com:443");
    assert_eq!(scene.servers.lines(), ["0 #1 www.example.com. AAAA", "0 #1 www.example.com. A"]);
    assert_eq!(answer_lines, ["20 A 192.0.2.1:443 192.0.2.2:443", "30 AAAA [2001:db8::1]:443"]);
}

#[test]
fn a_family_that_is_never_answered_holds_the_other_up_in_nothing() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => silence(),
        false => after(20, asked.found(&["192.0.2.1"])),
    });
    assert_eq!(scene.lines("a.example:1"), ["20 A 192.0.2.1:1", "1000 AAAA TimedOut"]);
}

#[test]
fn a_negative_answer_is_told_the_moment_it_is_there() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(10, asked.nothing(NoError)),
        false => after(20, asked.found(&["192.0.2.1"])),
    });
    assert_eq!(scene.lines("a.example:1"), ["10 AAAA none", "20 A 192.0.2.1:1"]);
}

#[test]
fn a_name_that_does_not_exist_is_an_error_of_each_family() {
    let scene = one(|asked| after(10, asked.nothing(NXDomain)));
    let answer_lines = scene.resolve("a.example:1", Families::Any);
    let lines: Vec<_> = answer_lines.iter().map(line).collect();
    assert_eq!(lines, ["10 AAAA NotFound", "10 A NotFound"]);
    let (_, answer) = &answer_lines[0];
    assert_eq!(answer.ttl(), Some(ms(60_000)));
    let text = "no such host";
    assert_eq!(answer.error().unwrap().to_string(), text);
}

#[test]
fn one_family_alone_can_be_asked_for() {
    for (families, lines) in
        [(Families::Ipv4, ["10 A 192.0.2.1:1"]), (Families::Ipv6, ["10 AAAA [2001:db8::1]:1"])]
    {
        let scene = one(|asked| match asked.is_aaaa() {
            true => after(10, asked.found(&["2001:db8::1"])),
            false => after(10, asked.found(&["192.0.2.1"])),
        });
        let answer_lines = scene.resolve("a.example:1", families);
        assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), lines);
        assert_eq!(scene.servers.log().len(), 1);
    }
}

#[test]
fn without_aaaa_no_question_for_it_is_sent_and_the_reply_for_a_says_whether_the_name_exists() {
    let scene = |search: &[&str]| {
        let config = config(1).with_no_aaaa(true).with_search(search).unwrap();
        Scene::new(config, |asked| match asked.name.as_str() {
            "a.example." => after(10, asked.found(&["192.0.2.1"])),
            "none.example." => after(10, asked.nothing(NoError)),
            "fails.example." => after(10, asked.reply(ServFail)),
            _ => after(10, asked.nothing(NXDomain)),
        })
    };
    let (any, v6) = (Families::Any, Families::Ipv6);
    for (name, families, told) in [
        ("a.example", any, &["10 AAAA none", "10 A 192.0.2.1:1"][..]),
        ("none.example", any, &["10 AAAA none", "10 A none"]),
        ("b.example", any, &["10 AAAA NotFound", "10 A NotFound"]),
        ("fails.example", any, &["10 AAAA Temporary", "10 A Temporary"]),
        ("a.example", Families::Ipv4, &["10 A 192.0.2.1:1"]),
        ("a.example", v6, &["10 AAAA none"]),
        ("b.example", v6, &["10 AAAA NotFound"]),
    ] {
        let scene = scene(&[]);
        let answer_lines = scene.resolve(&format!("{name}:1"), families);
        assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), told, "{name} {families:?}");
        for (_, answer) in &answer_lines {
            if let Some(error) = answer.error().filter(|error| error.kind().is_negative()) {
                assert_eq!(error.record(), Some(answer.record()));
            }
        }
        assert_eq!(scene.servers.lines(), [format!("0 #1 {name}. A")]);
    }
    // Like NODATA, a record that is not asked for does not end the search list.
    let scene = scene(&["example"]);
    let answer_lines = scene.resolve("a:1", v6);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["20 AAAA none"]);
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. A", "10 #1 a. A"]);
    // A hosts file keeps its IPv6 addresses.
    let mut scene = one(|asked| panic!("{} went out", asked.line()));
    let hosts = Hosts::parse(b"2001:db8::9 a.example\n", &Environment::new()).value;
    let config = config(1).with_no_aaaa(true);
    scene.resolver = scene.resolver.with_config(config).with_hosts(hosts);
    assert_eq!(scene.lines("a.example:1"), ["0 all [2001:db8::9]:1"]);
}

#[test]
fn localhost_is_this_machine_and_invalid_is_nothing_and_neither_goes_out() {
    let scene = one(|asked| panic!("{} went out", asked.line()));
    for name in ["localhost", "LOCALHOST.", "a.b.localhost"] {
        let lines = scene.lines(&format!("{name}:80"));
        assert_eq!(lines, ["0 AAAA [::1]:80", "0 A 127.0.0.1:80"]);
    }
    assert_eq!(scene.ipv4("a.localhost"), "0 A 127.0.0.1:80");
    let names = ["invalid", "www.invalid.", "example.onion", "a.alt", "A.B.ALT.", "alt", "alt."];
    for name in names {
        let lines = scene.lines(&format!("{name}:80"));
        assert_eq!((name, lines.join(" ")), (name, "0 AAAA NotFound 0 A NotFound".into()));
    }
    for (name, line) in [
        ("a.invalid", "no such host"),
        ("example.onion", "no such host: .onion names are never looked up in DNS (RFC 7686)"),
        ("A.B.ALT.", "no such host: .alt names are never looked up in DNS (RFC 9476)"),
        ("alt", "no such host: .alt names are never looked up in DNS (RFC 9476)"),
    ] {
        assert_eq!(scene.error(name).to_string(), line, "{name}");
    }
}

#[test]
fn a_literal_never_goes_out() {
    let scene = one(|asked| panic!("{} went out", asked.line()));
    assert_eq!(scene.lines("192.0.2.1:80"), ["0 all 192.0.2.1:80"]);
    assert_eq!(scene.lines("[fe80::1%7]:80"), ["0 all [fe80::1%7]:80"]);
    let answer_lines = scene.resolve("192.0.2.1:80", Families::Ipv6);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 AAAA none"]);
}

#[test]
fn a_service_or_zone_by_name_is_an_error_that_says_so_unless_somebody_knows_it() {
    let scene = one(|asked| panic!("{} went out", asked.line()));
    let (service, zone) = (LookupErrorKind::UnknownService, LookupErrorKind::UnknownZone);
    for (target, asked, kind) in [
        ("a.example:https", "127.0.0.1:https", service),
        ("192.0.2.1:https", "192.0.2.1:https", service),
        ("[fe80::1%eth0]:80", "[fe80::1%eth0]:80", zone),
    ] {
        let answers = scene.resolve(target, Families::Any);
        let error = answers[0].1.error().unwrap();
        assert_eq!((answers.len(), error.kind()), (1, kind));
        assert_eq!(error.to_string(), format!("{kind}: this resolver takes numbers only"));
        assert_eq!((error.name(), std::error::Error::source(error).is_none()), (target, true));
        let inner = error.resolver_error().unwrap().downcast_ref::<NotNumeric>().unwrap();
        assert_eq!((inner.target(), inner.kind()), (asked, kind));
    }
}

#[test]
fn the_port_of_a_service_is_known_before_anything_is_asked() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(10, asked.nothing(NoError)),
        false => after(10, asked.found(&["192.0.2.1"])),
    });
    let services = resolver_fn(|query: &Query| {
        assert_eq!(query.transport(), Transport::Udp);
        assert_eq!(query.target().to_string(), "127.0.0.1:tftp");
        let found = SocketAddr::from(([127, 0, 0, 1], 69));
        let found = Answer::<_, io::Error>::found(Record::Addresses, [found]);
        stream::iter([Answer::negative(Record::A), found])
    });
    let resolver = DnsResolver::new(config(1), scene.servers.clone(), scene.clock.clone())
        .with_literals(services);
    let query = Query::new(Target::parse("a.example:tftp").unwrap())
        .with_transport(Transport::Udp)
        .with_families(Families::Ipv4);
    let answers = scene.clock.run(resolver.resolve(&query).collect::<Vec<_>>());
    assert_eq!(answers[0].addresses().next().unwrap().to_string(), "192.0.2.1:69");
}

#[test]
fn a_service_that_nobody_knows_ends_the_lookup_before_it_begins() {
    let scene = one(|asked| panic!("{} went out", asked.line()));
    let services = resolver_fn(|_: &Query| stream::empty::<Answer<_, io::Error>>());
    let resolver = DnsResolver::new(config(1), scene.servers.clone(), scene.clock.clone())
        .with_literals(services);
    let query = Query::new(Target::parse("a.example:nothing").unwrap());
    let answers = scene.clock.run(resolver.resolve(&query).collect::<Vec<_>>());
    let error = answers[0].error().unwrap();
    assert_eq!((answers.len(), error.kind()), (1, LookupErrorKind::UnknownService));
}

#[test]
fn what_the_resolver_of_literals_says_keeps_its_kind() {
    let scene = one(|asked| panic!("{} went out", asked.line()));
    let kind = LookupErrorKind::Temporary;
    let services = resolver_fn(|_: &Query| {
        let error = io::Error::other("busy");
        stream::iter([Answer::failed(Record::Addresses, error).with_kind(kind)])
    });
    let resolver = DnsResolver::new(config(1), scene.servers.clone(), scene.clock.clone())
        .with_literals(services);
    for target in ["a.example:https", "192.0.2.1:https", "[fe80::1%eth0]:80"] {
        let query = Query::new(Target::parse(target).unwrap());
        let answers = scene.clock.run(resolver.resolve(&query).collect::<Vec<_>>());
        let kinds = (answers[0].kind(), answers[0].error().unwrap().kind());
        assert_eq!((answers.len(), kinds), (1, (Some(kind), kind)), "{target}");
    }
}

#[test]
fn nothing_is_asked_before_the_first_poll_and_a_drop_closes_everything() {
    for stop in [0, 5, 10, 15, 1000] {
        let scene = one(|asked| match asked.is_aaaa() {
            true => silence(),
            false => after(10, asked.found(&["192.0.2.1"])),
        });
        let query = Query::new(Target::parse("a.example:1").unwrap());
        let mut answers = Box::pin(scene.resolver.resolve(&query));
        assert!(scene.servers.log().is_empty());
        let all = async { while answers.next().await.is_some() {} };
        let _ = scene.clock.run_until(ms(stop), std::pin::pin!(all));
        assert_eq!(scene.servers.log().len(), 2);
        drop(answers);
        assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0), "after {stop} ms");
    }
}

#[test]
fn the_network_s_own_error_is_the_source() {
    let scene = one(|_| fails(3, io::ErrorKind::ConnectionRefused));
    let error = scene.error("a.example");
    assert_eq!(error.kind(), LookupErrorKind::Temporary);
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_socket_that_ends_is_an_error_of_the_network() {
    struct Ended;
    impl Network for Ended {
        type Datagrams = stream::Empty<io::Result<Vec<u8>>>;
        type Reply = future::Pending<io::Result<Vec<u8>>>;

        fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
            stream::empty()
        }

        fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
            future::pending()
        }
    }

    let clock = Clock::new();
    let resolver = DnsResolver::new(config(1), Ended, clock.clone());
    let query = Query::new(Target::parse("a.example:1").unwrap());
    let answer = clock.run(resolver.resolve(&query).next()).unwrap();
    let error = io::Error::from(answer.error().unwrap().clone());
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_server_s_failure_is_an_error_of_its_family_alone() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(10, asked.reply(ServFail)),
        false => after(20, asked.found(&["192.0.2.1"])),
    });
    assert_eq!(scene.lines("a.example:1"), ["10 AAAA Temporary", "20 A 192.0.2.1:1"]);
}

#[test]
fn the_answers_can_go_to_another_thread_if_the_parts_can() {
    fn check<T: Send>(_: &T) {}

    struct Silent;
    impl Network for Silent {
        type Datagrams = stream::Pending<io::Result<Vec<u8>>>;
        type Reply = future::Pending<io::Result<Vec<u8>>>;

        fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
            stream::pending()
        }

        fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
            future::pending()
        }
    }

    let resolver = DnsResolver::new(config(1), Silent, Clock::new()).with_literals(Numeric);
    check(&resolver);
    check(&resolver.resolve(&Query::new(Target::parse("a.example:1").unwrap())));
}

#[test]
fn equal_questions_in_flight_are_sent_once_and_both_who_asked_are_answered() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(30, asked.found(&["2001:db8::1"])),
        false => after(20, asked.found(&["192.0.2.1"])),
    });
    let clone = scene.resolver.clone();
    let answers = [(&scene.resolver, 80), (&clone, 443)].map(|(resolver, port)| {
        let target = Target::parse(&format!("a.example:{port}")).unwrap();
        resolver.resolve(&Query::new(target)).map(|answer| {
            let first = *answer.addresses().next().unwrap();
            (answer.record(), first.port())
        })
    });
    let [first, second] = answers.map(|answers| answers.collect::<Vec<_>>());
    let (first, second) = scene.clock.run(futures_lite::future::zip(first, second));
    assert_eq!(first, [(Record::A, 80), (Record::Aaaa, 80)]);
    assert_eq!(second, [(Record::A, 443), (Record::Aaaa, 443)]);
    assert_eq!((scene.servers.log().len(), scene.servers.open()), (2, 0));
}

#[test]
fn one_of_two_who_ask_the_same_may_leave() {
    for leave in [0, 1] {
        let scene = one(|asked| after(20, asked.found(&["192.0.2.1"])));
        let query = Query::new(Target::parse("a.example:1").unwrap()).with_families(Families::Ipv4);
        let mut both = [(); 2].map(|()| Some(Box::pin(scene.resolver.resolve(&query))));
        {
            let [first, second] = both.each_mut().map(|answers| answers.as_mut().unwrap().next());
            let polled = std::pin::pin!(futures_lite::future::zip(first, second));
            assert!(scene.clock.run_until(ms(10), polled).is_pending());
        }
        both[leave] = None;
        let mut left = both[1 - leave].take().unwrap();
        assert!(scene.clock.run(left.next()).unwrap().error().is_none());
        assert_eq!((scene.clock.elapsed(), scene.servers.log().len()), (ms(20), 1));
    }
}
