//! The differences between glibc's `getaddrinfo` and RFC 6724.

use super::*;
use crate::sort::Ipv4Scopes;

fn order(sorter: &Sorter, pairs: &[Pair<'_>]) -> Vec<SocketAddr> {
    sorted(sorter, pairs).into_iter().map(|placed| placed.address).collect()
}

#[test]
fn a_unique_local_address_comes_before_ipv4() {
    let local = ("fd00:1::1", "fd00:1::2", AS_IS);
    let ipv4 = ("10.1.2.3", "10.1.2.4", AS_IS);
    assert_order_of(&Sorter::glibc(), [local, ipv4], Rule::Precedence);
    // It does not match the label of a global source address.
    let from_global = ("fd00:1::1", "2001:db8::2", AS_IS);
    assert_order_of(&Sorter::glibc(), [ipv4, from_global], Rule::MatchingLabel);
}

#[test]
fn ipv4_in_the_subnet_of_its_source_comes_before_ipv4_beyond_it() {
    let subnet = |source| SourceAddress { prefix_length: Some(24), ..source };
    let near = ("192.0.2.200", "192.0.2.9", subnet as fn(_) -> _);
    let nearer = ("192.0.2.10", "192.0.2.9", subnet as fn(_) -> _);
    let beyond = ("192.0.3.9", "192.0.2.9", subnet as fn(_) -> _);
    let far = ("198.51.100.1", "192.0.2.9", subnet as fn(_) -> _);
    assert_order_of(&Sorter::glibc(), [near, beyond], Rule::LongestPrefix);
    assert_order_of(&Sorter::glibc(), [nearer, near], Rule::LongestPrefix);
    for given in [[beyond, far], [far, beyond]] {
        let placed = sorted(&Sorter::glibc(), &given);
        assert_eq!(placed[0].address, addr(given[0].0));
        assert_eq!(placed[1].rule, Some(Rule::Unchanged));
    }
}

#[test]
fn without_a_known_subnet_only_the_source_itself_is_near_but_loopback_is_one_subnet() {
    let (one, itself) = (("192.0.2.8", "192.0.2.9", AS_IS), ("192.0.2.9", "192.0.2.9", AS_IS));
    assert_order_of(&Sorter::glibc(), [itself, one], Rule::LongestPrefix);
    let (near, far) = (("127.0.0.2", "127.0.0.1", AS_IS), ("127.9.0.1", "127.0.0.1", AS_IS));
    assert_order_of(&Sorter::glibc(), [near, far], Rule::LongestPrefix);
}

#[test]
fn all_bits_of_ipv6_addresses_count() {
    let near = ("2001:db8:1::1:2", "2001:db8:1::1:1", AS_IS);
    let far = ("2001:db8:1::2", "2001:db8:1::1:1", AS_IS);
    assert_order_of(&Sorter::glibc(), [near, far], Rule::LongestPrefix);
}

#[test]
fn what_is_not_known_counts_as_absent_and_no_rule_is_skipped() {
    let deprecated = |source| SourceAddress { deprecated: Some(true), ..source };
    let unknown = |source| SourceAddress { deprecated: None, ..source };
    assert_order_of(
        &Sorter::glibc(),
        [
            ("2001:db8:1::1", "2001:db8:1::2", unknown as fn(_) -> _),
            ("fe80::1", "fe80::2", deprecated),
        ],
        Rule::Deprecated,
    );
    let tunneled = |source| SourceAddress { tunneled: Some(true), ..source };
    let unknown = |source| SourceAddress { tunneled: None, ..source };
    assert_order_of(
        &Sorter::glibc(),
        [
            ("2001:db8:9::1", "2001:db8:1::2", unknown as fn(_) -> _),
            ("2001:db8:1::1", "2001:db8:1::2", tunneled),
        ],
        Rule::NativeTransport,
    );
    let home = |source| SourceAddress { mobility: Some(Mobility::Home), ..source };
    let unknown = |source| SourceAddress { mobility: None, ..source };
    assert_order_of(
        &Sorter::glibc(),
        [("2001:db8:1::1", "2001:db8:1::2", home as fn(_) -> _), ("fe80::1", "fe80::2", unknown)],
        Rule::Home,
    );
}

#[test]
fn what_has_no_source_comes_last_and_is_sorted_without_one() {
    let sorter = Sorter::glibc();
    let pairs = [
        ("198.51.100.1", "", AS_IS),
        ("2001:db8:9::1", "", AS_IS),
        ("fe80::1", "", AS_IS),
        ("192.0.2.1", "192.0.2.2", AS_IS),
    ];
    let right = ["192.0.2.1", "fe80::1", "2001:db8:9::1", "198.51.100.1"].map(addr);
    assert_eq!(order(&sorter, &pairs), right);
}

#[test]
fn the_scopes_of_ipv4_may_be_set() {
    let private = Prefix::new("::ffff:10.0.0.0".parse().unwrap(), 104).unwrap();
    let scopes = Ipv4Scopes::glibc().with_scope(private, 5);
    let (private, public) =
        (("10.1.2.3", "10.1.2.4", AS_IS), ("198.51.100.1", "198.51.100.2", AS_IS));
    let (from_private, from_public) =
        (("198.51.100.9", "10.1.2.4", AS_IS), ("198.51.100.1", "198.51.100.2", AS_IS));
    for sorter in [Sorter::glibc(), Sorter::new()] {
        let sorter = sorter.with_ipv4_scopes(scopes.clone());
        assert_eq!(*sorter.ipv4_scopes(), scopes);
        assert_order_of(&sorter, [private, public], Rule::SmallerScope);
        assert_order_of(&sorter, [from_public, from_private], Rule::MatchingScope);
    }
}

/// If entries of both families are equal, rule 9 compares only within a family. Here glibc's merge
/// sort first compares the second with the third. Then it compares the first with the smaller of
/// both.
#[test]
fn equals_of_both_families_are_in_the_order_of_a_merge_sort() {
    let mapped = Prefix::new("::ffff:0:0".parse().unwrap(), 96).unwrap();
    let sorter = Sorter::glibc().with_table(PolicyTable::uniform(1, 1));
    assert_eq!(sorter.table().row("192.0.2.1".parse().unwrap()), {
        Row::new(Prefix::new("::".parse().unwrap(), 0).unwrap(), 1, 1)
    });
    let (far, ipv4, near) = (
        ("2001:db8:9::1", "2001:db8:1::2", AS_IS),
        ("192.0.2.1", "192.0.2.2", AS_IS),
        ("2001:db8:1::1", "2001:db8:1::2", AS_IS),
    );
    for (given, right) in [
        ([far, ipv4, near], [far, ipv4, near]),
        ([far, near, ipv4], [near, far, ipv4]),
        ([ipv4, far, near], [ipv4, near, far]),
        ([near, ipv4, far], [near, ipv4, far]),
    ] {
        assert_eq!(order(&sorter, &given), right.map(|pair| addr(pair.0)), "{given:?}");
    }
    let sorter = sorter.with_table(PolicyTable::uniform(1, 1).with_row(Row::new(mapped, 2, 1)));
    assert_order_of(&sorter, [ipv4, near], Rule::Precedence);
}
