//! `resolv.conf` and its variables: servers and options.

use super::row::{ROW, Row, differs, same};
use super::why::{ATTEMPTS, FORMERR, FOURTH, RETURN};

pub(crate) const ROWS: &[Row] = &[
    Row {
        about: "one server, and no options",
        names: &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("v4.test", "192.0.2.4"),
            same("v6.test", "2001:db8::6"),
            same("nodata.test", "nothing"),
            same("nowhere.test", "nothing"),
            same("fails.test", "failed"),
            same("refused.test", "failed"),
            same("notimp.test", "failed"),
            differs("formerr.test", "failed", "nothing", FORMERR),
        ],
        ..ROW
    },
    Row {
        about: "one of the two records fails",
        names: &[
            same("aaaa-formerr.test", "192.0.2.80"),
            same("aaaa-fails.test", "192.0.2.81"),
            same("aaaa-nxdomain.test", "192.0.2.82"),
            same("aaaa-notimp.test", "192.0.2.83"),
            same("aaaa-refused.test", "192.0.2.84"),
            same("a-fails.test", "2001:db8::81"),
            same("a-nxdomain.test", "2001:db8::82"),
            same("a-refused.test", "2001:db8::84"),
        ],
        ..ROW
    },
    Row {
        about: "one of the two records fails, with no-aaaa",
        resolv_conf: Some("nameserver 127.0.0.1\noptions no-aaaa\n"),
        names: &[
            same("aaaa-fails.test", "192.0.2.81"),
            same("aaaa-nxdomain.test", "192.0.2.82"),
            same("a-fails.test", "failed"),
            same("a-nxdomain.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "aliases",
        asks_alike: Err("an alias without addresses is followed, and glibc does not follow it"),
        names: &[
            same("alias.test", "2001:db8::10 192.0.2.10"),
            same("chain.test", "2001:db8::10 192.0.2.10"),
            same("alias4.test", "192.0.2.4"),
            same("dangling.test", "nothing"),
            same("odd.test", "192.0.2.24"),
            same("hyphen.test", "192.0.2.25"),
        ],
        ..ROW
    },
    Row {
        about: "the option no-aaaa",
        resolv_conf: Some("nameserver 127.0.0.1\noptions no-aaaa\n"),
        names: &[
            same("both.test", "192.0.2.10"),
            same("v6.test", "nothing"),
            same("alias.test", "192.0.2.10"),
            same("::1", "::1"),
            same("nowhere.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "RES_OPTIONS has no-aaaa",
        variables: &[("RES_OPTIONS", "no-aaaa")],
        names: &[same("both.test", "192.0.2.10"), same("v6.test", "nothing")],
        ..ROW
    },
    Row {
        about: "no-aaaa, and IPv6 in the hosts file",
        resolv_conf: Some("nameserver 127.0.0.1\noptions no-aaaa\n"),
        hosts: Some("2001:db8::77 both.test six.test\n192.0.2.77 both.test\n"),
        names: &[same("both.test", "2001:db8::77 192.0.2.77"), same("six.test", "2001:db8::77")],
        ..ROW
    },
    Row {
        about: "no-aaaa among other options",
        resolv_conf: Some("nameserver 127.0.0.1\noptions ndots:2 no-aaaa edns0\n"),
        names: &[same("both.test", "192.0.2.10")],
        ..ROW
    },
    Row {
        about: "no-aaaa with a value, and in upper case",
        resolv_conf: Some("nameserver 127.0.0.1\noptions NO-AAAA no-aaaa:0 no-aaa\n"),
        names: &[same("both.test", "192.0.2.10")],
        ..ROW
    },
    Row {
        about: "no-aaaa with a tail",
        resolv_conf: Some("nameserver 127.0.0.1\noptions no-aaaaa\n"),
        names: &[same("both.test", "192.0.2.10")],
        ..ROW
    },
    Row {
        about: "the options use-vc, edns0, trust-ad and single-request",
        resolv_conf: Some("nameserver 127.0.0.1\noptions use-vc edns0 trust-ad single-request\n"),
        names: &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("chain.test", "2001:db8::10 192.0.2.10"),
            same("nowhere.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "the option single-request-reopen, and an unknown one",
        resolv_conf: Some(
            "nameserver 127.0.0.1\noptions single-request-reopen debug inet6 frob:3\n",
        ),
        names: &[same("both.test", "2001:db8::10 192.0.2.10"), same("v4.test", "192.0.2.4")],
        ..ROW
    },
    Row {
        about: "RES_OPTIONS has several options",
        variables: &[("RES_OPTIONS", "use-vc rotate  attempts:1\ttimeout:1")],
        names: &[same("both.test", "2001:db8::10 192.0.2.10")],
        ..ROW
    },
    Row {
        about: "the option rotate, and servers that say the same",
        resolv_conf: Some("nameserver 127.0.0.1\nnameserver ::1\noptions rotate\n"),
        names: &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("nowhere.test", "nothing"),
            same("v4.test", "192.0.2.4"),
        ],
        ..ROW
    },
    Row {
        about: "several servers: the first is asked",
        resolv_conf: Some("nameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.1\n"),
        names: &[same("which.test", "192.0.2.102"), same("both.test", "nothing")],
        ..ROW
    },
    Row {
        about: "the first server fails",
        resolv_conf: Some("nameserver 127.0.0.5\nnameserver 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.103"), same("nowhere.test", "nothing")],
        ..ROW
    },
    Row {
        about: "the first server refuses",
        resolv_conf: Some("nameserver 127.0.0.4\nnameserver 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.103"), same("nowhere.test", "nothing")],
        ..ROW
    },
    Row {
        about: "nothing listens at the first server",
        resolv_conf: Some("nameserver 127.0.0.9\nnameserver 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.103"), same("nowhere.test", "nothing")],
        ..ROW
    },
    Row {
        about: "the first server is silent",
        resolv_conf: Some("nameserver 127.0.0.6\nnameserver 127.0.0.3\noptions timeout:1\n"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "all servers fail",
        resolv_conf: Some("nameserver 127.0.0.5\nnameserver 127.0.0.4\nnameserver 127.0.0.9\n"),
        names: &[same("which.test", "failed")],
        ..ROW
    },
    Row {
        about: "a fourth server is not asked",
        resolv_conf: Some(
            "nameserver 127.0.0.4\nnameserver 127.0.0.5\nnameserver 127.0.0.9\nnameserver 127.0.0.1\n",
        ),
        names: &[differs("which.test", "192.0.2.101", "failed", FOURTH)],
        ..ROW
    },
    Row {
        about: "a server of IPv6",
        resolv_conf: Some("nameserver ::1\n"),
        names: &[same("both.test", "2001:db8::10 192.0.2.10")],
        ..ROW
    },
    Row {
        about: "a server of IPv6 with a zone that it does not need",
        resolv_conf: Some("nameserver ::1%lo\nnameserver 127.0.0.2\n"),
        names: &[same("which.test", "192.0.2.101")],
        ..ROW
    },
    Row {
        about: "servers in odd forms, which inet_aton reads",
        resolv_conf: Some("nameserver 127.2\nnameserver 127.0.0.1\n"),
        names: &[same("which.test", "192.0.2.102")],
        ..ROW
    },
    Row {
        about: "a server in hexadecimal",
        resolv_conf: Some("nameserver 0x7f.3\nnameserver 127.0.0.1\n"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "servers that are no addresses",
        resolv_conf: Some("nameserver which.test\nnameserver 127.0.0.256\nnameserver 127.0.0.2\n"),
        names: &[same("which.test", "192.0.2.102")],
        ..ROW
    },
    Row {
        about: "no server: the one at 127.0.0.1 is asked",
        resolv_conf: Some("options ndots:1\n"),
        names: &[same("which.test", "192.0.2.101")],
        ..ROW
    },
    Row {
        about: "an empty file",
        resolv_conf: Some(""),
        names: &[same("which.test", "192.0.2.101")],
        ..ROW
    },
    Row {
        about: "no file",
        resolv_conf: None,
        names: &[same("which.test", "192.0.2.101"), same("nowhere.test", "nothing")],
        ..ROW
    },
    Row {
        about: "only garbage",
        resolv_conf: Some(
            "<html>\nnameserver\nserver 127.0.0.2\nnameserver=127.0.0.3\n[Resolve]\nDNS=127.0.0.2\n",
        ),
        names: &[same("which.test", "192.0.2.101")],
        ..ROW
    },
    Row {
        about: "comments at the beginning of lines",
        resolv_conf: Some(
            "# nameserver 127.0.0.2\n; nameserver 127.0.0.2\n#\nnameserver 127.0.0.3\n",
        ),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "comments after a server",
        resolv_conf: Some("nameserver 127.0.0.3 # first\nnameserver 127.0.0.2;second\n"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "a comment right after a server",
        resolv_conf: Some("nameserver 127.0.0.3#first\nnameserver 127.0.0.2\n"),
        names: &[same("which.test", "192.0.2.102")],
        ..ROW
    },
    Row {
        about: "a semicolon right after a server",
        resolv_conf: Some("nameserver 127.0.0.3;first\nnameserver 127.0.0.2\n"),
        names: &[same("which.test", "192.0.2.102")],
        ..ROW
    },
    Row {
        about: "a comment after an option",
        resolv_conf: Some("nameserver 127.0.0.1\noptions ndots:1 # no-aaaa\n"),
        names: &[same("both.test", "192.0.2.10")],
        ..ROW
    },
    Row {
        about: "a semicolon after an option",
        resolv_conf: Some("nameserver 127.0.0.1\noptions ndots:1 ; no-aaaa\n"),
        names: &[same("both.test", "192.0.2.10")],
        ..ROW
    },
    Row {
        about: "spaces before a keyword, and before a comment",
        resolv_conf: Some(" nameserver 127.0.0.2\n # nothing\nnameserver 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "tabs and spaces",
        resolv_conf: Some("nameserver\t \t127.0.0.3\t\noptions\tndots:1\tno-aaaa\n"),
        names: &[same("which.test", "192.0.2.103"), same("both.test", "nothing")],
        ..ROW
    },
    Row {
        about: "lines that end in a carriage return",
        resolv_conf: Some("nameserver 127.0.0.3\r\noptions no-aaaa\r\n"),
        names: &[
            differs("which.test", "192.0.2.103", "192.0.2.101", RETURN),
            differs("both.test", "nothing", "192.0.2.10", RETURN),
        ],
        ..ROW
    },
    Row {
        about: "no newline at the end",
        resolv_conf: Some("options no-aaaa\nnameserver 127.0.0.3"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "keywords in upper case",
        resolv_conf: Some("NAMESERVER 127.0.0.2\nNameserver 127.0.0.2\nnameserver 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.103")],
        ..ROW
    },
    Row {
        about: "two addresses in one line",
        resolv_conf: Some("nameserver 127.0.0.2 127.0.0.3\n"),
        names: &[same("which.test", "192.0.2.102")],
        ..ROW
    },
    Row {
        about: "the option sortlist",
        resolv_conf: Some("nameserver 127.0.0.1\nsortlist 10.0.0.0/255.0.0.0 203.0.113.0\n"),
        names: &[same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1")],
        ..ROW
    },
    Row {
        about: "the values of attempts and timeout are out of range",
        resolv_conf: Some(
            "nameserver 127.0.0.3\noptions attempts:0 timeout:0 attempts:99 timeout:-1 attempts:x\n",
        ),
        names: &[
            differs("which.test", "192.0.2.103", "failed", ATTEMPTS),
            differs("nowhere.test", "nothing", "failed", ATTEMPTS),
        ],
        ..ROW
    },
];
