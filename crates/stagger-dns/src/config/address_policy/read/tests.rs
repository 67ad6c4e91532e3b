use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::*;

fn parse(text: &str) -> Parsed<AddressPolicy> {
    AddressPolicy::parse(text.as_bytes())
}

/// The precedence and the label of an address.
fn row(policy: &AddressPolicy, addr: &str) -> (u32, u32) {
    let row = policy.sorter().table().row(addr.parse().unwrap());
    (row.precedence, row.label)
}

fn scope(policy: &AddressPolicy, addr: &str) -> u32 {
    policy.sorter().ipv4_scopes().scope(addr.parse().unwrap())
}

/// A line without effect: the defaults hold, and there is one warning.
#[track_caller]
fn assert_noted(line: &str, text: &str, kind: WarningKind) {
    let parsed = parse(line);
    assert_eq!(parsed.value, AddressPolicy::default(), "{line}");
    let warnings: Vec<_> =
        parsed.warnings.iter().map(|warning| (warning.text(), warning.kind())).collect();
    assert_eq!(warnings, [(text, kind)], "{line}");
}

#[test]
fn without_lines_the_defaults_of_glibc_hold() {
    for text in ["", "\n", "# precedence ::/0 1\n", " \t\x0b\x0c\r\n", "reload no\n"] {
        let parsed = parse(text);
        assert_eq!(parsed.value, AddressPolicy::default(), "{text:?}");
        assert_eq!(*parsed.value.sorter(), Sorter::glibc());
        assert!(parsed.warnings.is_empty(), "{text:?}");
    }
}

#[test]
fn a_line_of_a_kind_replaces_the_default_rows_of_that_kind_alone() {
    let policy = parse("precedence ::ffff:0:0/96 100\n").value;
    for (addr, expected) in [
        ("192.0.2.1", (100, 4)),
        ("2001:db8::1", (40, 1)),
        ("::1", (40, 0)),
        ("2002::1", (40, 2)),
        ("fd00::1", (40, 6)),
    ] {
        assert_eq!(row(&policy, addr), expected, "{addr}");
    }
    assert_eq!(scope(&policy, "127.0.0.1"), 2);

    let policy = parse("label 2001:db8::/32 9\n").value;
    for (addr, expected) in [
        ("2001:db8::1", (40, 9)),
        ("2001:db9::1", (40, 1)),
        ("192.0.2.1", (10, 1)),
        ("::1", (50, 1)),
        ("2002::1", (30, 1)),
    ] {
        assert_eq!(row(&policy, addr), expected, "{addr}");
    }

    let policy = parse("scopev4 10.0.0.0/8 5\n").value;
    for (addr, expected) in [("10.1.2.3", 5), ("127.0.0.1", 14), ("169.254.1.1", 14)] {
        assert_eq!(scope(&policy, addr), expected, "{addr}");
    }
    assert_eq!(policy.sorter().table(), &PolicyTable::glibc());
}

#[test]
fn every_prefix_has_the_numbers_of_the_longest_that_covers_it() {
    let policy = parse(
        "label 2001:db8::/32 7\nlabel 2001:db8:1::/48 8\nprecedence 2001:db8:1:2::/64 90\n\
         precedence 2001:db8::/33 80\nprecedence ::/0 3\nlabel ::/0 4\n",
    );
    assert!(policy.warnings.is_empty());
    for (addr, expected) in [
        ("2001:db8:1:2::1", (90, 8)),
        ("2001:db8:1:3::1", (80, 8)),
        ("2001:db8:7fff::1", (80, 7)),
        ("2001:db8:8000::1", (3, 7)),
        ("2001:db9::1", (3, 4)),
        ("192.0.2.1", (3, 4)),
    ] {
        assert_eq!(row(&policy.value, addr), expected, "{addr}");
    }
}

#[test]
fn of_two_lines_with_one_prefix_the_first_counts() {
    let parsed = parse("precedence ::ffff:0:0/96 100\nprecedence ::ffff:192.0.2.1/96 5\n");
    assert_eq!(row(&parsed.value, "192.0.2.1").0, 100);
    let warning = parsed.warnings.iter().next().unwrap();
    assert_eq!(warning.to_string(), "line 2: \"::ffff:192.0.2.1/96\" was set before");
    let parsed = parse("scopev4 10.0.0.0/8 5\nscopev4 ::ffff:10.9.9.9/104 6\n");
    assert_eq!((scope(&parsed.value, "10.1.1.1"), parsed.warnings.count()), (5, 1));
}

#[test]
fn prefixes_and_numbers_are_read_as_glibc_reads_them() {
    for (line, addr, precedence) in [
        ("precedence ::ffff:0:0/96 100", "192.0.2.1", 100),
        ("  precedence\t::ffff:0:0/96\x0b 100 \r", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/96 100#x", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/96 100\0x", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/96 +100", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/96 -0", "192.0.2.1", 0),
        ("precedence ::ffff:0:0/96 -18446744073709551516", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/+96 100", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/096 0100", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/-18446744073709551520 100", "192.0.2.1", 100),
        ("precedence ::ffff:0:0/96 2147483647", "192.0.2.1", 2_147_483_647),
        ("precedence ::ffff:192.0.2.0/120 100", "192.0.2.1", 100),
        ("precedence ::ffff:192.0.2.0/120 100", "192.0.3.1", 40),
        // Bits beyond the prefix do not matter.
        ("precedence 2001:db8::1/32 100", "2001:db8:ffff::", 100),
        // An empty length is 0.
        ("precedence 2001:db8::/ 100", "192.0.2.1", 100),
        // An address without a length is a prefix of one address.
        ("precedence 2001:db8::1 100", "2001:db8::1", 100),
        ("precedence 2001:db8::1 100", "2001:db8::2", 40),
    ] {
        let parsed = parse(line);
        assert_eq!(row(&parsed.value, addr).0, precedence, "{line}");
        assert!(parsed.warnings.is_empty(), "{line}");
    }
    for (line, addr, expected) in [
        ("scopev4 10.0.0.0/8 5", "10.255.0.1", 5),
        ("scopev4 10.9.9.9/8 5", "10.255.0.1", 5),
        ("scopev4 ::ffff:10.0.0.0/104 5", "10.255.0.1", 5),
        ("scopev4 10.0.0.1 5", "10.0.0.1", 5),
        ("scopev4 10.0.0.1 5", "10.0.0.2", 14),
        ("scopev4 ::ffff:10.0.0.1 5", "10.0.0.1", 5),
        ("scopev4 0.0.0.0/0 5", "192.0.2.1", 5),
        ("scopev4 ::ffff:0.0.0.0/96 5", "192.0.2.1", 5),
        ("scopev4 10.0.0.0/ 5", "192.0.2.1", 5),
    ] {
        let parsed = parse(line);
        assert_eq!(scope(&parsed.value, addr), expected, "{line}");
        assert!(parsed.warnings.is_empty(), "{line}");
    }
}

#[test]
fn a_number_that_is_missing_is_0_and_noted() {
    let parsed = parse("precedence ::ffff:0:0/96\n");
    assert_eq!(row(&parsed.value, "192.0.2.1").0, 0);
    let warning = parsed.warnings.iter().next().unwrap();
    assert_eq!(warning.to_string(), "line 1: \"::ffff:0:0/96\" has no value");
}

#[test]
fn what_is_wrong_does_nothing_and_is_noted() {
    for (line, text, kind) in [
        ("PRECEDENCE ::/0 1", "PRECEDENCE", WarningKind::UnknownKeyword),
        ("prec ::/0 1", "prec", WarningKind::UnknownKeyword),
        ("precedence", "precedence", WarningKind::MissingValue),
        ("label", "label", WarningKind::MissingValue),
        ("scopev4", "scopev4", WarningKind::MissingValue),
        ("reload", "reload", WarningKind::MissingValue),
        ("reload YES", "YES", WarningKind::UnknownOption),
        ("precedence 192.0.2.0/24 1", "192.0.2.0/24", WarningKind::InvalidPrefix),
        ("precedence ::/129 1", "::/129", WarningKind::InvalidPrefix),
        ("precedence ::/-1 1", "::/-1", WarningKind::InvalidPrefix),
        ("precedence ::/x 1", "::/x", WarningKind::InvalidPrefix),
        ("precedence ::/1/2 1", "::/1/2", WarningKind::InvalidPrefix),
        (
            "precedence ::/99999999999999999999 1",
            "::/99999999999999999999",
            WarningKind::InvalidPrefix,
        ),
        ("precedence fe80::1%lo/64 1", "fe80::1%lo/64", WarningKind::InvalidPrefix),
        ("label x 1", "x", WarningKind::InvalidPrefix),
        ("precedence ::/0 2147483648", "2147483648", WarningKind::InvalidNumber),
        ("precedence ::/0 -1", "-1", WarningKind::InvalidNumber),
        ("precedence ::/0 +", "+", WarningKind::InvalidNumber),
        ("precedence ::/0 1x", "1x", WarningKind::InvalidNumber),
        ("label ::/0 0x1", "0x1", WarningKind::InvalidNumber),
        ("scopev4 10.0.0.0/33 5", "10.0.0.0/33", WarningKind::InvalidPrefix),
        ("scopev4 10.0.0.0/-1 5", "10.0.0.0/-1", WarningKind::InvalidPrefix),
        ("scopev4 ::ffff:10.0.0.0/95 5", "::ffff:10.0.0.0/95", WarningKind::InvalidPrefix),
        ("scopev4 2001:db8::/104 5", "2001:db8::/104", WarningKind::InvalidPrefix),
        ("scopev4 10.0.0/8 5", "10.0.0/8", WarningKind::InvalidPrefix),
        ("scopev4 10.0.0.0/8 x", "x", WarningKind::InvalidNumber),
    ] {
        assert_noted(line, text, kind);
    }
    let parsed = parse("precedence ::/0 7 8 9\n");
    assert_eq!((row(&parsed.value, "::1").0, parsed.warnings.count()), (7, 1));
    assert_eq!(parsed.warnings.iter().next().unwrap().kind(), WarningKind::TextAfterValue);
}

#[test]
fn reload_is_yes_or_something_else_and_the_last_line_counts() {
    for (text, expected) in [
        ("reload yes", true),
        ("reload no", false),
        ("reload yes\nreload no", false),
        ("reload yes\nreload maybe", false),
        ("reload yes\nreload", false),
    ] {
        assert_eq!(parse(text).value.reload(), expected, "{text:?}");
    }
}

#[test]
fn any_bytes_are_read_in_a_bounded_time_and_no_more_rows_kept_than_the_limit() {
    let start = Instant::now();
    let garbage: Vec<u8> =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    AddressPolicy::parse(&garbage);
    let mut text = String::new();
    for number in 0..1_000_000_u32 {
        let addr = IpAddr::from(Ipv6Addr::from(u128::from(number) << 64));
        let keyword = ["precedence", "label"][number as usize % 2];
        writeln!(text, "{keyword} {addr}/64 {number}").unwrap();
        writeln!(text, "scopev4 {}/32 3", Ipv4Addr::from(number)).unwrap();
    }
    let parsed = parse(&text);
    assert_eq!(parsed.value.sorter().table().rows().len(), 2 * AddressPolicy::MAX_ROWS + 1);
    assert_eq!(parsed.warnings.count(), 2_000_000 - 3 * AddressPolicy::MAX_ROWS);
    assert_eq!(parsed.warnings.iter().last().unwrap().kind(), WarningKind::TooMany);
    assert_eq!(row(&parsed.value, "0:0:0:7fe::1").0, 0x7fe);
    assert_eq!((scope(&parsed.value, "0.0.3.255"), scope(&parsed.value, "0.0.4.0")), (3, 14));
    assert!(start.elapsed() < Duration::from_secs(60));
}
