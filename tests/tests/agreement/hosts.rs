//! The hosts file, and `host.conf`.

use super::row::{ROW, Row, differs, same};
use super::why::{DOT, LOCALHOST, MAPPED, MULTI, ZONE};

pub(crate) const ROWS: &[Row] = &[
    Row {
        about: "localhost of IPv4 alone",
        hosts: Some("127.0.0.1 localhost\n"),
        names: &[
            differs("localhost", "::1 127.0.0.1", "127.0.0.1", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("LocalHost", "::1 127.0.0.1", "127.0.0.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
        ],
        ..ROW
    },
    Row {
        about: "localhost of both families",
        hosts: Some("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"),
        names: &[
            same("localhost", "::1 127.0.0.1"),
            same("ip6-localhost", "::1"),
            same("ip6-loopback", "::1"),
        ],
        ..ROW
    },
    Row {
        about: "localhost with a domain",
        hosts: Some(
            "127.0.0.1 localhost.localdomain localhost\n::1 localhost6.localdomain6 localhost6\n",
        ),
        names: &[
            differs("localhost", "::1 127.0.0.1", "127.0.0.1", LOCALHOST),
            same("localhost.localdomain", "127.0.0.1"),
            same("localhost6", "::1"),
        ],
        ..ROW
    },
    Row {
        about: "localhost is another address",
        hosts: Some("127.0.0.2 localhost\n"),
        names: &[differs("localhost", "::1 127.0.0.1", "127.0.0.2", LOCALHOST)],
        ..ROW
    },
    Row {
        about: "a name below localhost",
        hosts: Some("127.0.0.1 localhost\n127.0.0.3 app.localhost\n"),
        names: &[
            same("app.localhost", "127.0.0.3"),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
        ],
        ..ROW
    },
    Row {
        about: "no file",
        hosts: None,
        names: &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
        ],
        ..ROW
    },
    Row {
        about: "an empty file",
        names: &[
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("localhost.", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            differs("foo.localhost", "::1 127.0.0.1", "203.0.113.2", LOCALHOST),
            differs("a.foo.localhost", "::1 127.0.0.1", "nothing", LOCALHOST),
        ],
        ..ROW
    },
    Row {
        about: "an address of the machine itself",
        hosts: Some("127.0.0.1 localhost\n127.0.1.1 machine.one.test machine\n"),
        host_name: "machine",
        names: &[same("machine", "127.0.1.1"), same("machine.one.test", "127.0.1.1")],
        ..ROW
    },
    Row {
        about: "several addresses of one name, without host.conf",
        hosts: Some(
            "192.0.2.71 many\n192.0.2.72 many\n2001:db8::71 many\n192.0.2.73 other many\n2001:db8::72 many\n",
        ),
        host_conf: None,
        names: &[
            differs(
                "many",
                "2001:db8::71 2001:db8::72 192.0.2.71 192.0.2.72 192.0.2.73",
                "192.0.2.71",
                MULTI,
            ),
            same("other", "192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "several addresses of one name, with multi on",
        hosts: Some(
            "192.0.2.71 many\n192.0.2.72 many\n2001:db8::71 many\n192.0.2.73 other many\n2001:db8::72 many\n",
        ),
        host_conf: Some("multi on\n"),
        names: &[
            same("many", "2001:db8::71 2001:db8::72 192.0.2.71 192.0.2.72 192.0.2.73"),
            same("other", "192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "several addresses of one name, with multi off",
        hosts: Some(
            "192.0.2.71 many\n192.0.2.72 many\n2001:db8::71 many\n192.0.2.73 other many\n2001:db8::72 many\n",
        ),
        host_conf: Some("multi off\n"),
        names: &[
            differs(
                "many",
                "2001:db8::71 2001:db8::72 192.0.2.71 192.0.2.72 192.0.2.73",
                "192.0.2.71",
                MULTI,
            ),
            same("other", "192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "aliases, of which some have addresses elsewhere",
        hosts: Some("192.0.2.71 first second\n192.0.2.72 second third\n192.0.2.73 third\n"),
        names: &[
            same("first", "192.0.2.71"),
            same("second", "192.0.2.71 192.0.2.72"),
            same("third", "192.0.2.72 192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "the same line twice",
        hosts: Some("192.0.2.71 twice\n192.0.2.71 twice\n2001:db8::71 twice twice\n"),
        names: &[same("twice", "2001:db8::71 192.0.2.71 192.0.2.71")],
        ..ROW
    },
    Row {
        about: "names of the servers too",
        hosts: Some("192.0.2.71 both.test v6.test\n2001:db8::71 v4.test\n192.0.2.72 fails.test\n"),
        names: &[
            same("both.test", "192.0.2.71"),
            same("v6.test", "192.0.2.71"),
            same("v4.test", "2001:db8::71"),
            same("fails.test", "192.0.2.72"),
        ],
        ..ROW
    },
    Row {
        about: "comments",
        hosts: Some(
            "#192.0.2.71 one\n192.0.2.72 one # two\n192.0.2.73 three#four\n  # 192.0.2.74 five\n192.0.2.75#six\n",
        ),
        names: &[
            same("one", "192.0.2.72"),
            same("two", "nothing"),
            same("three", "192.0.2.73"),
            same("three#four", "refused"),
            same("four", "nothing"),
            same("five", "nothing"),
            same("six", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "semicolons are no comments",
        hosts: Some("192.0.2.72 one;two ; three\n;192.0.2.73 four\n"),
        names: &[same("one", "nothing"), same("three", "192.0.2.72"), same("four", "nothing")],
        ..ROW
    },
    Row {
        about: "spaces, tabs and carriage returns",
        hosts: Some("  \t192.0.2.71\t\tone  two\r\n\n   \n192.0.2.72 three\r\n192.0.2.73 four"),
        names: &[
            same("one", "192.0.2.71"),
            same("two", "192.0.2.71"),
            same("three", "192.0.2.72"),
            same("four", "192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "upper case, and dots at the end",
        hosts: Some("192.0.2.71 ONE.Test\n192.0.2.72 two.test.\n192.0.2.73 three.test\n"),
        names: &[
            same("one.test", "192.0.2.71"),
            same("ONE.TEST", "192.0.2.71"),
            differs("two.test", "192.0.2.72", "nothing", DOT),
            same("two.test.", "192.0.2.72"),
            same("three.test", "192.0.2.73"),
            differs("three.test.", "192.0.2.73", "nothing", DOT),
            same("THREE.test", "192.0.2.73"),
        ],
        ..ROW
    },
    Row {
        about: "addresses in odd forms",
        hosts: Some(
            "127.1 short\n0x7f.0.0.1 hex\n010.0.0.1 octal\n1.2.3.4.5 five\n::ffff:192.0.2.71 mapped\n::192.0.2.72 compatible\n2001:DB8::71 upper\n",
        ),
        names: &[
            same("short", "nothing"),
            same("hex", "nothing"),
            same("octal", "nothing"),
            same("five", "nothing"),
            differs("mapped", "192.0.2.71", "::ffff:192.0.2.71", MAPPED),
            same("compatible", "::c000:248"),
            same("upper", "2001:db8::71"),
        ],
        ..ROW
    },
    Row {
        about: "link-local addresses",
        hosts: Some(
            "fe80::71%aside0 zone\nfe80::72 none\n169.254.7.7 v4\nfe80::73%77 number\nfe80::74%nosuch0 absent\n",
        ),
        names: &[
            differs("zone", "fe80::71%77", "nothing", ZONE),
            same("none", "fe80::72"),
            same("v4", "169.254.7.7"),
            differs("number", "fe80::73%77", "nothing", ZONE),
            same("absent", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "unspecified addresses and groups",
        hosts: Some(
            "0.0.0.0 ads.test\n:: ads.test\n0.0.0.0 ads4.test\n224.0.0.1 group\n255.255.255.255 broadcast\n",
        ),
        names: &[
            same("ads.test", "0.0.0.0 ::"),
            same("ads4.test", "0.0.0.0"),
            same("group", "224.0.0.1"),
            same("broadcast", "255.255.255.255"),
        ],
        ..ROW
    },
    Row {
        about: "lines that are garbage",
        hosts: Some("<html>\n192.0.2.71\nnobody 192.0.2.72\n192.0.2.73/24 net\n192.0.2.74 good\n"),
        names: &[same("nobody", "nothing"), same("net", "nothing"), same("good", "192.0.2.74")],
        ..ROW
    },
    Row {
        about: "a search list is not for the hosts file",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\n"),
        hosts: Some("192.0.2.71 second.one.test\n192.0.2.72 first\n"),
        names: &[
            same("second", "2001:db8::34 192.0.2.34"),
            same("second.one.test", "192.0.2.71"),
            same("first", "192.0.2.72"),
        ],
        ..ROW
    },
    Row {
        about: "odd names",
        hosts: Some(
            "192.0.2.71 under_score\n192.0.2.72 -dash\n192.0.2.73 web.2\n192.0.2.74 1234567890123\n192.0.2.75 xn--bcher-kva\n192.0.2.76 10.0.0.1 256.1.1.1\n192.0.2.77 a..b .c\n",
        ),
        names: &[
            same("under_score", "192.0.2.71"),
            same("-dash", "192.0.2.72"),
            same("web.2", "192.0.2.73"),
            same("1234567890123", "192.0.2.74"),
            same("xn--bcher-kva", "192.0.2.75"),
            same("10.0.0.1", "10.0.0.1"),
            same("256.1.1.1", "refused"),
        ],
        ..ROW
    },
    Row {
        about: "loopback of IPv6 alone",
        hosts: Some("::1 six\n"),
        names: &[same("six", "::1")],
        ..ROW
    },
    Row {
        about: "the order of the sort",
        hosts: Some(
            "10.1.2.3 sorted\nfd00:7::71 sorted\n192.0.2.71 sorted\n2002::1 sorted\n2001:db8::71 sorted\n127.0.0.9 sorted\n",
        ),
        names: &[same("sorted", "fd00:7::71 2001:db8::71 127.0.0.9 192.0.2.71 10.1.2.3 2002::1")],
        ..ROW
    },
];
