//! Names that mean something, and texts that are odd names.

use super::row::{ROW, Row, differs, same};
use super::why::{ALT, ARPA, DASH, DOT, INVALID, LOCAL, LOCALHOST, ONION};

pub(crate) const ROWS: &[Row] = &[
    Row {
        about: "special names",
        hosts: None,
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("foo.localhost.", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("thing.invalid", "nothing", "203.0.113.5", INVALID),
            differs("thing.onion", "nothing", "203.0.113.4", ONION),
            differs("thing.alt", "nothing", "192.0.2.54", ALT),
            differs("thing.alt.", "nothing", "192.0.2.54", ALT),
            differs("alt", "nothing", "192.0.2.61", ALT),
            same("ipv4only.arpa", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("ipv4only.arpa.", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("printer.local", "192.0.2.50"),
            same("printer.local.", "192.0.2.50"),
            same("a.printer.local", "192.0.2.51"),
            same("local", "192.0.2.52"),
            same("machine", "192.0.2.57"),
        ],
        ..ROW
    },
    Row {
        about: "special names with a search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.3", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("foo.localhost.", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("thing.invalid", "nothing", "203.0.113.5", INVALID),
            differs("thing.onion", "nothing", "203.0.113.4", ONION),
            differs("thing.alt", "nothing", "192.0.2.54", ALT),
            differs("thing.alt.", "nothing", "192.0.2.54", ALT),
            differs("alt", "nothing", "192.0.2.61", ALT),
            same("ipv4only.arpa", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("ipv4only.arpa.", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("printer.local", "192.0.2.50"),
            same("printer.local.", "192.0.2.50"),
            same("a.printer.local", "192.0.2.51"),
            same("local", "192.0.2.52"),
            same("machine", "192.0.2.58"),
        ],
        ..ROW
    },
    Row {
        about: "special names with a search list, tried first",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\noptions ndots:5\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.3", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("foo.localhost.", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("thing.invalid", "nothing", "203.0.113.5", INVALID),
            differs("thing.onion", "nothing", "203.0.113.4", ONION),
            differs("thing.alt", "nothing", "192.0.2.55", ALT),
            differs("thing.alt.", "nothing", "192.0.2.54", ALT),
            differs("alt", "nothing", "192.0.2.61", ALT),
            differs(
                "ipv4only.arpa",
                "64:ff9b::c000:aa 192.0.0.170 192.0.0.171",
                "192.0.2.56",
                ARPA,
            ),
            same("ipv4only.arpa.", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("printer.local", "192.0.2.50"),
            same("printer.local.", "192.0.2.50"),
            same("a.printer.local", "192.0.2.51"),
            same("local", "192.0.2.52"),
            same("machine", "192.0.2.58"),
        ],
        ..ROW
    },
    Row {
        about: "special names and mdns4_minimal",
        nsswitch_conf: Some("hosts: files mdns4_minimal [NOTFOUND=return] dns\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("foo.localhost.", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("thing.invalid", "nothing", "203.0.113.5", INVALID),
            differs("thing.onion", "nothing", "203.0.113.4", ONION),
            differs("thing.alt", "nothing", "192.0.2.54", ALT),
            differs("thing.alt.", "nothing", "192.0.2.54", ALT),
            differs("alt", "nothing", "192.0.2.61", ALT),
            same("ipv4only.arpa", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            same("ipv4only.arpa.", "64:ff9b::c000:aa 192.0.0.170 192.0.0.171"),
            differs("printer.local", "failed", "192.0.2.50", LOCAL),
            differs("printer.local.", "failed", "192.0.2.50", LOCAL),
            differs("a.printer.local", "failed", "192.0.2.51", LOCAL),
            same("local", "192.0.2.52"),
            same("machine", "192.0.2.57"),
        ],
        ..ROW
    },
    Row {
        about: "special names that the hosts file has",
        hosts: Some(
            "192.0.2.71 thing.alt thing.onion thing.invalid ipv4only.arpa printer.local foo.localhost\n",
        ),
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            same("foo.localhost", "192.0.2.71"),
            differs("foo.localhost.", "192.0.2.71", "203.0.113.2", DOT),
            same("thing.invalid", "192.0.2.71"),
            same("thing.onion", "192.0.2.71"),
            same("thing.alt", "192.0.2.71"),
            differs("thing.alt.", "192.0.2.71", "192.0.2.54", DOT),
            differs("alt", "nothing", "192.0.2.61", ALT),
            same("ipv4only.arpa", "192.0.2.71"),
            differs(
                "ipv4only.arpa.",
                "192.0.2.71",
                "64:ff9b::c000:aa 192.0.0.170 192.0.0.171",
                DOT,
            ),
            same("printer.local", "192.0.2.71"),
            differs("printer.local.", "192.0.2.71", "192.0.2.50", DOT),
            same("a.printer.local", "192.0.2.51"),
            same("local", "192.0.2.52"),
            same("machine", "192.0.2.57"),
        ],
        ..ROW
    },
    Row {
        about: "special names and only the hosts file",
        nsswitch_conf: Some("hosts: files\n"),
        hosts: Some("127.0.0.1 localhost\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "127.0.0.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "nothing", LOCALHOST),
            same("printer.local", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "special names and no hosts file in the switch",
        nsswitch_conf: Some("hosts: dns\n"),
        hosts: Some("127.0.0.1 localhost\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
        ],
        ..ROW
    },
    Row {
        about: "local is in the search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch local\n"),
        nsswitch_conf: Some("hosts: files mdns4_minimal [NOTFOUND=return] dns\n"),
        names: &[
            same("printer", "192.0.2.50"),
            same("printer.local", "192.0.2.50"),
            same("a.printer", "192.0.2.51"),
        ],
        ..ROW
    },
    Row {
        about: "names that end in a digit",
        names: &[
            same("web.1", "192.0.2.17"),
            same("123456789012", "192.0.2.18"),
            same("7.test", "192.0.2.19"),
            same("web.1.", "192.0.2.17"),
            same("1.2.3.4.5", "nothing"),
            same("0xg", "nothing"),
            same("1e5", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "addresses",
        names: &[
            same("192.0.2.1", "192.0.2.1"),
            same("2001:db8::1", "2001:db8::1"),
            same("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            same("fe80::1%aside0", "fe80::1%77"),
            same("fe80::1", "fe80::1"),
            same("127.1", "refused"),
            same("0x7f.1", "refused"),
            same("2130706433", "refused"),
            same("256.1.1.1", "refused"),
            same("1.2.3", "refused"),
            same("192.0.2.1.", "refused"),
            same("::", "::"),
            same("0.0.0.0", "0.0.0.0"),
        ],
        ..ROW
    },
    Row {
        about: "odd names",
        names: &[
            same("under_score.test", "192.0.2.12"),
            same("_srv._tcp.test", "192.0.2.13"),
            same("UPPER.test", "192.0.2.11"),
            same("Upper.TEST.", "192.0.2.11"),
            same("xn--bcher-kva.test", "192.0.2.14"),
            same("XN--BCHER-KVA.test", "192.0.2.14"),
            differs("-dash.test", "192.0.2.15", "nothing", DASH),
            same("dash-.test", "192.0.2.16"),
            same("both..test", "refused"),
            same(".both.test", "refused"),
            same("both.test..", "refused"),
            same(".", "refused"),
            same("", "refused"),
            same("both test", "refused"),
            same("both\\.test", "refused"),
            same(
                "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd.test",
                "refused",
            ),
            same("abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "answers that make little sense",
        names: &[
            same("zero.test", "0.0.0.0 ::"),
            same("zero4.test", "192.0.2.22 0.0.0.0"),
            same("group.test", "224.0.0.1 255.255.255.255 ff02::1"),
            same("link.test", "169.254.7.7 fe80::7"),
            same("mapped.test", "::ffff:192.0.2.23"),
        ],
        ..ROW
    },
];
