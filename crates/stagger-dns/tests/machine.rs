//! What a resolver knows without a question: the hosts file, cached answers, and the configuration.

mod support;

use std::fs;

use futures_lite::StreamExt as _;
use hickory_proto::op::ResponseCode::{NXDomain, NoError, ServFail};
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query, Record};
use stagger::sort::Sorter;
use stagger::{Resolver as _, Target};
use stagger_dns::{AddressPolicy, DnsResolver, Environment, Hosts, WatchedFile};
use stagger_testkit::{Clock, ms};
use support::{Asked, File, Replies, Scene, Servers, after, answer_lines, config, line, one};

/// Both families of every name.
fn both(asked: &Asked) -> Replies {
    match asked.is_aaaa() {
        true => after(10, asked.found(&["2001:db8::1"])),
        false => after(10, asked.found(&["192.0.2.1"])),
    }
}

/// Replaces the hosts file.
fn with_hosts(mut scene: Scene, file: &str) -> Scene {
    let hosts = Hosts::parse(file.as_bytes(), &Environment::new()).value;
    scene.resolver = scene.resolver.with_hosts(hosts);
    scene
}

/// Turns the cache on.
fn remembering(mut scene: Scene) -> Scene {
    scene.resolver = scene.resolver.with_cache_capacity(8);
    scene
}

fn of_family(scene: &Scene, target: &str, families: Families) -> Vec<String> {
    scene.resolve(target, families).iter().map(line).collect()
}

#[test]
fn a_name_of_the_hosts_file_is_answered_with_all_its_addresses_and_nothing_is_asked() {
    let scene = with_hosts(one(both), "192.0.2.9 a.example\nfe80::9%3 a.example\n");
    assert_eq!(scene.lines("A.Example.:80"), ["0 all 192.0.2.9:80 [fe80::9%3]:80"]);
    assert_eq!(of_family(&scene, "a.example:80", Families::Ipv4), ["0 A 192.0.2.9:80"]);
    assert!(scene.servers.log().is_empty());
}

#[test]
fn a_family_that_the_hosts_file_has_not_is_asked_for_and_so_is_another_name() {
    let scene = with_hosts(one(both), "192.0.2.9 a.example\n");
    let found = of_family(&scene, "a.example:80", Families::Ipv6);
    assert_eq!(found, ["10 AAAA [2001:db8::1]:80"]);
    assert_eq!(scene.lines("b.example:80").len(), 2);
}

#[test]
fn the_hosts_file_may_say_otherwise_of_names_that_never_go_out() {
    let scene = with_hosts(one(both), "192.0.2.9 a.invalid\n127.0.0.2 a.localhost localhost\n");
    assert_eq!(scene.lines("a.invalid:80"), ["0 all 192.0.2.9:80"]);
    assert_eq!(scene.lines("a.localhost:80"), ["0 all 127.0.0.2:80"]);
    assert_eq!(scene.lines("localhost:80"), ["0 AAAA [::1]:80", "0 A 127.0.0.1:80 127.0.0.2:80"]);
    assert_eq!(scene.lines("b.invalid:80"), ["0 AAAA NotFound", "0 A NotFound"]);
    assert!(scene.servers.log().is_empty());
}

#[test]
fn an_answer_is_remembered_with_what_is_left_of_its_ttl_whatever_the_port_and_the_spelling() {
    let scene = remembering(one(both));
    assert_eq!(scene.lines("a.example:80").len(), 2);
    scene.clock.advance(ms(100_000));
    let answer_lines = scene.clone_of().resolve("A.EXAMPLE:443", Families::Any);
    let lines: Vec<_> = answer_lines.iter().map(line).collect();
    assert_eq!(lines, ["100010 AAAA [2001:db8::1]:443", "100010 A 192.0.2.1:443"]);
    assert!(answer_lines.iter().all(|(_, answer)| answer.ttl() == Some(ms(200_000))));
    assert_eq!(scene.servers.log().len(), 2);
    scene.clock.advance(ms(200_000));
    assert_eq!(scene.lines("a.example:80").len(), 2);
    assert_eq!(scene.servers.log().len(), 4);
}

#[test]
fn that_there_is_nothing_is_remembered_as_long_as_the_zone_says() {
    let scene = remembering(one(|asked| match asked.name.as_str() {
        "a.example." => after(10, asked.nothing(NXDomain)),
        "b.example." => after(10, asked.nothing(NoError)),
        _ => after(10, asked.reply(ServFail)),
    }));
    assert_eq!(scene.ipv4("a.example"), "10 A NotFound");
    scene.clock.advance(ms(20_000));
    let answer_lines = scene.resolve("A.example:80", Families::Ipv4);
    assert_eq!(line(&answer_lines[0]), "20010 A NotFound");
    assert_eq!(answer_lines[0].1.ttl(), Some(ms(40_000)));
    // The error has the spelling of the new query.
    let error = answer_lines[0].1.error().unwrap();
    assert!(error.name().eq_ignore_ascii_case("a.example"));
    for _ in 0..2 {
        assert!(scene.ipv4("b.example").ends_with("A none"));
    }
    assert_eq!(scene.servers.log().len(), 2);
    scene.clock.advance(ms(60_000));
    scene.ipv4("a.example");
    assert_eq!(scene.servers.log().len(), 3);
}

#[test]
fn without_a_capacity_nothing_is_remembered_and_what_is_can_be_forgotten() {
    let scene = one(both);
    scene.lines("a.example:80");
    scene.lines("a.example:80");
    assert_eq!(scene.servers.log().len(), 4);
    let scene = remembering(scene);
    scene.lines("a.example:80");
    scene.resolver.clone().clear_cache();
    scene.lines("a.example:80");
    assert_eq!(scene.servers.log().len(), 8);
}

#[test]
fn an_answer_of_hundreds_of_addresses_is_not_remembered() {
    let scene = remembering(one(|asked| {
        let count = if asked.name.starts_with('a') { 256 } else { 257 };
        let addresses: Vec<_> =
            (0..count).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let mut reply = asked.found(&addresses);
        reply.metadata.truncation = !asked.tcp;
        after(10, reply)
    }));
    for _ in 0..2 {
        scene.ipv4("a.example");
        scene.ipv4("b.example");
    }
    let asked =
        |name: &str| scene.servers.log().iter().filter(|it| it.name == name && it.tcp).count();
    assert_eq!((asked("a.example."), asked("b.example.")), (1, 2));
}

fn answers_server(asked: &Asked) -> Replies {
    let server = format!("192.0.2.{}", 100 + asked.server);
    after(10, asked.found(&[&server]))
}

#[test]
fn another_configuration_is_obeyed_when_it_is_there_and_nothing_of_the_old_one_is_remembered() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, answers_server);
    let file = File::new("nameserver 192.0.2.1\n");
    let watched = WatchedFile::config(&file.0, Environment::new());
    let resolver =
        DnsResolver::new(config(3), servers.clone(), clock.clone()).with_config_file(watched);
    for _ in 0..2 {
        assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 192.0.2.101:80"]);
    }
    assert_eq!(servers.log().len(), 1);
    fs::write(&file.0, "nameserver 192.0.2.22\n").unwrap();
    // The file is looked at once a second.
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 192.0.2.101:80"]);
    clock.advance(ms(1000));
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 192.0.2.122:80"]);
    assert_eq!(servers.log().len(), 2);
}

#[test]
fn a_hosts_file_is_read_again_when_it_has_changed() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, answers_server);
    let file = File::new("");
    let watched = WatchedFile::hosts(&file.0, Environment::new());
    let resolver = DnsResolver::new(config(1), servers, clock.clone()).with_hosts_file(watched);
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 192.0.2.101:80"]);
    fs::write(&file.0, "192.0.2.9 a.example\n").unwrap();
    clock.advance(ms(1000));
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 192.0.2.9:80"]);
}

#[test]
fn a_file_that_can_not_be_read_is_an_answer_and_for_hosts_not_the_last_word() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, answers_server);
    // A directory is not a file.
    let nothing = || std::env::temp_dir();
    let resolver = DnsResolver::new(config(1), servers.clone(), clock.clone());
    let hosts = WatchedFile::hosts(nothing(), Environment::new());
    let found = answer_lines(&resolver.clone().with_hosts_file(hosts), &clock, "a.example:80");
    assert_eq!(found, ["0 A Other", "0 A 192.0.2.101:80"]);

    let config = WatchedFile::config(nothing(), Environment::new());
    let resolver = resolver.with_config_file(config);
    let query = Query::new(Target::parse("a.example:80").unwrap());
    let mut answers = std::pin::pin!(resolver.resolve(&query));
    let answer = futures_lite::future::block_on(answers.next()).unwrap();
    assert!(futures_lite::future::block_on(answers.next()).is_none());
    assert_eq!((answer.record(), answer.is_provisional()), (Record::Addresses, false));
    let error = answer.error().unwrap();
    assert_eq!(error.kind(), LookupErrorKind::Other);
    assert_eq!((error.to_string().as_str(), error.name()), ("the lookup failed", "a.example:80"));
    let source = std::error::Error::source(error).unwrap().to_string();
    assert!(source.ends_with("is no file"), "{source}");
    assert_eq!(std::io::Error::from(error.clone()).kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn with_a_sorter_answers_are_sorted_and_without_one_they_are_as_they_came() {
    // Loopback has a source address in every network. The other address has none, or a worse one.
    let mut scene = one(|asked| after(10, asked.found(&["0.0.0.1", "127.0.0.1"])));
    assert_eq!(scene.ipv4("a.example"), "10 A 0.0.0.1:80 127.0.0.1:80");
    scene.resolver = scene.resolver.with_sorter(Sorter::new());
    let answer_lines = scene.resolve("a.example:80", Families::Ipv4);
    assert!(answer_lines[0].1.is_sorted());
    assert_eq!(line(&answer_lines[0]), "20 A 127.0.0.1:80 0.0.0.1:80");
}

/// Two loopback addresses, which have the same source address in every network. By rule 9 of glibc
/// the first is nearer to it.
fn loopback(asked: &Asked) -> Replies {
    after(10, asked.found(&["127.0.0.9", "127.0.0.2"]))
}

#[test]
fn addresses_are_sorted_by_gai_conf_which_is_read_again_when_it_has_changed() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, loopback);
    let file = File::new("");
    let watched = WatchedFile::address_policy(&file.0);
    let resolver =
        DnsResolver::new(config(1), servers, clock.clone()).with_address_policy_file(watched);
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 127.0.0.2:80 127.0.0.9:80"]);
    // No line says `reload yes`, which getaddrinfo requires.
    fs::write(&file.0, "precedence ::ffff:127.0.0.9/128 50\n").unwrap();
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 127.0.0.2:80 127.0.0.9:80"]);
    clock.advance(ms(1000));
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 127.0.0.9:80 127.0.0.2:80"]);
    fs::write(&file.0, "scopev4 127.0.0.2/32 1\nscopev4 127.0.0.0/8 2\n").unwrap();
    clock.advance(ms(1000));
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 127.0.0.9:80 127.0.0.2:80"]);
}

#[test]
fn without_a_gai_conf_that_can_be_read_the_order_is_that_of_glibc() {
    let clock = Clock::new();
    let resolver = DnsResolver::new(config(1), Servers::new(&clock, loopback), clock.clone());
    assert_eq!(answer_lines(&resolver, &clock, "a.example:80"), ["0 A 127.0.0.9:80 127.0.0.2:80"]);
    let missing = std::env::temp_dir().join("no-such-directory/gai.conf");
    // A directory is not a file.
    for path in [missing, std::env::temp_dir()] {
        let watched = WatchedFile::address_policy(path);
        let resolver = resolver.clone().with_address_policy_file(watched);
        assert_eq!(
            answer_lines(&resolver, &clock, "a.example:80"),
            ["0 A 127.0.0.2:80 127.0.0.9:80"]
        );
    }
}

#[test]
fn the_machines_policy_is_that_of_glibc_alone() {
    let file = AddressPolicy::of_machine();
    assert_eq!(file.is_some(), cfg!(target_env = "gnu"));
    assert!(file.is_none_or(|file| file.path() == std::path::Path::new("/etc/gai.conf")));
}
