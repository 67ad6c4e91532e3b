//! The examples of RFC 6724 §10.2 for the default table, and the cases that they leave out. The
//! examples of §10.1 are about the choice of a source address, which the system makes.

mod configured;
mod glibc;

use super::*;
use crate::sort::{Mobility, Prefix, Row};

/// A destination, its source address, and a change of the source address.
type Pair<'a> = (&'a str, &'a str, fn(SourceAddress) -> SourceAddress);

const AS_IS: fn(SourceAddress) -> SourceAddress = |source| source;

/// All attributes are known, and all have their usual values.
fn plain(text: &str) -> SourceAddress {
    SourceAddress {
        deprecated: Some(false),
        mobility: Some(Mobility::HomeAndCareOf),
        tunneled: Some(false),
        ..SourceAddress::new(text.parse().unwrap())
    }
}

fn addr(text: &str) -> SocketAddr {
    SocketAddr::new(text.parse().unwrap(), 443)
}

fn sorted(sorter: &Sorter, pairs: &[Pair<'_>]) -> Vec<Placed> {
    let source = |destination: &SocketAddr| {
        let pair = pairs.iter().find(|pair| addr(pair.0) == *destination);
        let &(_, source, change) = pair.expect("a source is asked for of a destination alone");
        (!source.is_empty()).then(|| change(plain(source)))
    };
    sorter.sort(pairs.iter().map(|pair| addr(pair.0)), &source)
}

/// Checks that any order of the pairs is sorted into this order, by this rule.
#[track_caller]
fn assert_order_of(sorter: &Sorter, pairs: [Pair<'_>; 2], rule: Rule) {
    let [first, second] = pairs;
    for given in [[first, second], [second, first]] {
        let placed = sorted(sorter, &given);
        assert_eq!(placed[0].address, addr(first.0), "given {} first", given[0].0);
        assert_eq!(placed[0].rule, None);
        assert_eq!(placed[1].rule, Some(rule));
        assert_eq!(placed[0].source.map(|source| source.addr), first.1.parse().ok());
    }
}

#[track_caller]
fn assert_order(pairs: [Pair<'_>; 2], rule: Rule) {
    assert_order_of(&Sorter::new(), pairs, rule);
}

/// The default table, with these rows added or replaced: prefix, its length, precedence, label.
fn with_rows<const N: usize>(rows: [(&str, u8, u32, u32); N]) -> Sorter {
    let table =
        rows.iter().fold(PolicyTable::rfc6724(), |table, &(prefix, length, high, label)| {
            let prefix = Prefix::new(prefix.parse().unwrap(), length).unwrap();
            table.with_row(Row::new(prefix, high, label))
        });
    Sorter::new().with_table(table)
}

#[test]
fn matching_scope_is_preferred() {
    let right =
        [("2001:db8:1::1", "2001:db8:1::2", AS_IS), ("198.51.100.121", "169.254.13.78", AS_IS)];
    assert_order(right, Rule::MatchingScope);
    let right = [("198.51.100.121", "198.51.100.117", AS_IS), ("2001:db8:1::1", "fe80::1", AS_IS)];
    assert_order(right, Rule::MatchingScope);
}

#[test]
fn higher_precedence_is_preferred() {
    let right = [("2001:db8:1::1", "2001:db8:1::2", AS_IS), ("10.1.2.3", "10.1.2.4", AS_IS)];
    assert_order(right, Rule::Precedence);
    let right = [
        ("2001:db8:1::1", "2001:db8:1::2", AS_IS),
        ("2002:c633:6401::1", "2002:c633:6401::2", AS_IS),
    ];
    assert_order(right, Rule::Precedence);
}

#[test]
fn smaller_scope_is_preferred() {
    let right = [("fe80::1", "fe80::2", AS_IS), ("2001:db8:1::1", "2001:db8:1::2", AS_IS)];
    assert_order(right, Rule::SmallerScope);
}

#[test]
fn a_home_address_is_preferred() {
    let care_of = |source| SourceAddress { mobility: Some(Mobility::CareOf), ..source };
    let home = |source| SourceAddress { mobility: Some(Mobility::Home), ..source };
    let right =
        [("2001:db8:1::1", "2001:db8:3::1", home as fn(_) -> _), ("fe80::1", "fe80::2", care_of)];
    assert_order(right, Rule::Home);
    let right = [("2001:db8:1::1", "2001:db8:3::1", AS_IS), ("fe80::1", "fe80::2", home)];
    assert_order(right, Rule::Home);
}

#[test]
fn a_deprecated_address_is_avoided() {
    let deprecated = |source| SourceAddress { deprecated: Some(true), ..source };
    let right = [("2001:db8:1::1", "2001:db8:1::2", AS_IS), ("fe80::1", "fe80::2", deprecated)];
    assert_order(right, Rule::Deprecated);
}

#[test]
fn the_longest_matching_prefix_is_used() {
    let right = [
        ("2001:db8:1::1", "2001:db8:1::2", AS_IS),
        ("2001:db8:3ffe::1", "2001:db8:3f44::2", AS_IS),
    ];
    assert_order(right, Rule::LongestPrefix);
}

#[test]
fn a_matching_label_is_preferred() {
    let right = [
        ("2002:c633:6401::1", "2002:c633:6401::2", AS_IS),
        ("2001:db8:1::1", "2002:c633:6401::2", AS_IS),
    ];
    assert_order(right, Rule::MatchingLabel);
}

#[test]
fn unique_local_addresses_come_before_ipv4_by_the_updated_table() {
    let local = ("fd00:1::1", "fd00:1::2", AS_IS);
    let ipv4 = ("10.1.2.3", "10.1.2.4", AS_IS);
    assert_order([ipv4, local], Rule::Precedence);
    let updated = Sorter::new().with_table(PolicyTable::updated());
    assert_order_of(&updated, [local, ipv4], Rule::Precedence);
}

#[test]
fn a_destination_without_a_source_comes_last() {
    let right = [("192.0.2.1", "192.0.2.2", AS_IS), ("2001:db8:1::1", "", AS_IS)];
    assert_order(right, Rule::Unusable);
    let right = [("2001:db8:1::1", "", AS_IS), ("192.0.2.1", "", AS_IS)];
    assert_order(right, Rule::Precedence);
}

#[test]
fn native_transport_is_preferred() {
    let tunneled = |source| SourceAddress { tunneled: Some(true), ..source };
    let right =
        [("2001:db8:9::1", "2001:db8:1::2", AS_IS), ("2001:db8:1::1", "2001:db8:1::2", tunneled)];
    assert_order(right, Rule::NativeTransport);
}

#[test]
fn what_is_not_known_of_every_source_counts_for_none() {
    let deprecated = |source| SourceAddress { deprecated: Some(true), ..source };
    let unknown = |source| SourceAddress { deprecated: None, ..source };
    let pairs: [Pair<'_>; 2] =
        [("fe80::1", "fe80::2", deprecated), ("2001:db8:1::1", "2001:db8:1::2", unknown)];
    assert_order(pairs, Rule::SmallerScope);
}

#[test]
fn the_interface_s_part_of_a_source_is_no_prefix() {
    let near = ("2001:db8:1::1:2", "2001:db8:1::1:1", AS_IS);
    let far = ("2001:db8:1::2", "2001:db8:1::1:1", AS_IS);
    for given in [[near, far], [far, near]] {
        let placed = sorted(&Sorter::new(), &given);
        assert_eq!(placed[0].address, addr(given[0].0));
        assert_eq!(placed[1].rule, Some(Rule::Unchanged));
    }
    let whole = |source| SourceAddress { prefix_length: Some(128), ..source };
    assert_order(
        [(near.0, near.1, whole as fn(_) -> _), (far.0, far.1, whole)],
        Rule::LongestPrefix,
    );
}

#[test]
fn ipv4_prefixes_count_only_where_they_are_asked_for() {
    let (near, far) = (("192.0.2.1", "192.0.2.9", AS_IS), ("198.51.100.1", "192.0.2.9", AS_IS));
    for given in [[near, far], [far, near]] {
        let placed = sorted(&Sorter::new(), &given);
        assert_eq!(placed[0].address, addr(given[0].0));
        assert_eq!(placed[1].rule, Some(Rule::Unchanged));
    }
    assert_order_of(&Sorter::new().with_strict(true), [near, far], Rule::LongestPrefix);
}

#[test]
fn ipv4_keeps_its_place_among_ipv6_that_is_sorted_by_its_prefix() {
    let sorter = with_rows([("::ffff:0:0", 96, 40, 1)]);
    let pairs = [
        ("2001:db8:9::1", "2001:db8:1::2", AS_IS),
        ("192.0.2.1", "192.0.2.2", AS_IS),
        ("2001:db8:1::1", "2001:db8:1::2", AS_IS),
    ];
    let placed = sorted(&sorter, &pairs);
    let order: Vec<_> = placed.iter().map(|placed| placed.address).collect();
    assert_eq!(order, [addr("2001:db8:1::1"), addr("192.0.2.1"), addr("2001:db8:9::1")]);
}

#[test]
fn a_mapped_destination_is_the_ipv4_address_in_it() {
    let mapped = ("::ffff:10.1.2.3", "::ffff:10.1.2.4", AS_IS);
    assert_order([("2001:db8:1::1", "2001:db8:1::2", AS_IS), mapped], Rule::Precedence);
}

#[test]
fn every_rule_has_its_number_and_name() {
    assert_eq!(Rule::Unusable.to_string(), "rule 1: avoid unusable destinations");
    assert_eq!(Rule::LongestPrefix.to_string(), "rule 9: use longest matching prefix");
    assert_eq!(Rule::Unchanged.number(), 10);
}

#[test]
fn a_hostile_list_is_sorted_all_the_same() {
    let source = |destination: &SocketAddr| {
        let last = destination.port() % 7;
        (last > 0).then(|| {
            SourceAddress::new(if destination.is_ipv6() {
                format!("2001:db8:{last}::1").parse().unwrap()
            } else {
                format!("192.0.2.{last}").parse().unwrap()
            })
        })
    };
    let found = (0..20_000_u32).map(|n| {
        let ip: IpAddr = if n % 3 == 0 {
            std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()
        } else {
            std::net::Ipv6Addr::from(u128::from(n).wrapping_mul(u128::MAX / 12_345)).into()
        };
        SocketAddr::new(ip, (n % 1000) as u16)
    });
    let given: Vec<_> = found.collect();
    let mut placed: Vec<_> = Sorter::new()
        .with_strict(true)
        .sort(given.clone(), &source)
        .into_iter()
        .map(|placed| placed.address)
        .collect();
    let mut given = given;
    given.sort();
    placed.sort();
    assert_eq!(placed, given);
}
