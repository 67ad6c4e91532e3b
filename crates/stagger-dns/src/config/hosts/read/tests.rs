use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::prelude::*;
use stagger::resolve::Families;

use super::*;

fn parse(text: impl AsRef<[u8]>) -> Parsed<Hosts> {
    let environment = Environment::new().with_interface_index(|name| (name == "eth0").then_some(3));
    Hosts::parse(text.as_ref(), &environment)
}

fn addresses(hosts: &Hosts, name: &str) -> Vec<String> {
    hosts.addresses(name, Families::Any, 80).map(|addr| addr.to_string()).collect()
}

#[test]
fn a_name_has_its_addresses_in_the_files_order_and_by_family() {
    let hosts = parse(
        "192.0.2.1 a b\n2001:db8::1 b\n192.0.2.2\ta\n# 192.0.2.3 a\n192.0.2.4 b # a\n\
         ::ffff:192.0.2.5 a\n",
    )
    .value;
    assert_eq!(addresses(&hosts, "a"), ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.5:80"]);
    assert_eq!(addresses(&hosts, "b"), ["192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.4:80"]);
    let of_family = |families| hosts.addresses("b", families, 0).count();
    assert_eq!((of_family(Families::Ipv4), of_family(Families::Ipv6)), (2, 1));
    assert!(hosts.contains("a") && !hosts.contains("c"));
    assert_eq!(hosts.len(), 6);
}

#[test]
fn case_trailing_dots_and_carriage_returns_do_not_count() {
    let hosts = parse("192.0.2.1 WWW.Example.COM. other\r\n").value;
    for name in ["www.example.com", "www.EXAMPLE.com.", "other"] {
        assert_eq!(addresses(&hosts, name), ["192.0.2.1:80"], "{name}");
    }
    assert!(addresses(&hosts, "other\r").is_empty());
    assert_eq!(hosts.canonical_name("OTHER"), Some("www.example.com"));
}

#[test]
fn a_name_that_is_on_a_line_twice_has_its_address_once_and_that_of_each_line() {
    let hosts = parse("192.0.2.1 a b A a.\n192.0.2.1 a\n").value;
    assert_eq!(addresses(&hosts, "a"), ["192.0.2.1:80", "192.0.2.1:80"]);
    assert_eq!((addresses(&hosts, "b").len(), hosts.len()), (1, 3));
}

#[test]
fn a_name_has_the_canonical_name_of_its_first_line() {
    let hosts = parse("192.0.2.1 first a\n192.0.2.2 second a\n").value;
    assert_eq!(hosts.canonical_name("a"), Some("first"));
    assert_eq!(hosts.canonical_name("second"), Some("second"));
    assert_eq!(hosts.canonical_name("b"), None);
}

#[test]
fn an_address_keeps_its_zone() {
    let parsed = parse("fe80::1%eth0 a\nfe80::2%7 a\nfe80::3%none a\n");
    assert_eq!(addresses(&parsed.value, "a"), ["[fe80::1%3]:80", "[fe80::2%7]:80"]);
    assert_eq!(parsed.warnings.iter().next().unwrap().kind(), WarningKind::UnknownZone);
}

#[test]
fn lines_and_names_that_are_wrong_are_passed_over_and_noted() {
    let parsed = parse(b"127.1 a\n192.0.2.1\nlocalhost 127.0.0.1\n192.0.2.2 a..b \xff ok\n\0\n");
    let warnings: Vec<_> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            r#"line 1: "127.1" is no IP address"#,
            r#"line 2: "192.0.2.1" has no name"#,
            r#"line 3: "localhost" is no IP address"#,
            r#"line 4: "a..b" is no name"#,
            "line 4: \"\u{fffd}\" is no name",
            r#"line 5: "\0" is no IP address"#,
        ]
    );
    assert_eq!(parsed.value.len(), 1);
    assert_eq!(parsed.value.canonical_name("ok"), Some("ok"));
}

#[test]
fn what_can_be_no_name_is_not_found() {
    let hosts = parse("192.0.2.1 a\n").value;
    for name in ["", ".", "a..", "\u{fc}", &"a".repeat(300)] {
        assert!(!hosts.contains(name), "{name:?}");
    }
}

#[test]
fn a_million_lines_are_read_and_every_name_is_found() {
    const LINES: u32 = 1_000_000;
    let mut text = String::new();
    for number in 0..LINES {
        let addr = Ipv4Addr::from_bits(number);
        text.push_str(&format!("{addr} blocked-{number}.example.com\n"));
    }
    let parsed = parse(&text);
    assert!(parsed.warnings.is_empty());
    assert_eq!(parsed.value.len(), LINES as usize);
    for number in (0..LINES).step_by(997) {
        let name = format!("blocked-{number}.example.com");
        let expected = format!("{}:80", Ipv4Addr::from_bits(number));
        assert_eq!(addresses(&parsed.value, &name), [expected]);
    }
}

#[test]
fn names_beyond_the_limit_are_noted_and_not_kept() {
    let parsed = read_up_to(3, b"192.0.2.1 a b\n192.0.2.2 c d\n192.0.2.3 e\n", &Environment::new());
    let warnings: Vec<_> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [r#"line 2: "d" is one more than are taken"#, r#"line 3: "e" is one more than are taken"#]
    );
    let hosts = parsed.value;
    assert_eq!(["c", "d", "e"].map(|name| hosts.contains(name)), [true, false, false]);
}

proptest! {
    #[test]
    fn a_lookup_finds_what_a_map_of_lists_would(
        lines in vec((0..4_u8, vec("[a-cA-C]{1,2}", 1..4)), 0..20)
    ) {
        let mut text = String::new();
        let mut model: HashMap<String, Vec<String>> = HashMap::new();
        for (host, names) in &lines {
            text.push_str(&format!("192.0.2.{host} {}\n", names.join(" ")));
            let names: HashSet<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
            for name in names {
                let found = model.entry(name).or_default();
                found.push(format!("192.0.2.{host}:80"));
            }
        }
        let hosts = parse(&text).value;
        for (name, expected) in &model {
            prop_assert_eq!(&addresses(&hosts, name), expected);
        }
        prop_assert_eq!(hosts.len(), model.values().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..500)) {
        let parsed = parse(&bytes);
        prop_assert!(parsed.value.len() <= bytes.len());
    }
}
