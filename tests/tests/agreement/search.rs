//! Search lists, `ndots` and `LOCALDOMAIN`.

use super::row::{ROW, Row, differs, same};
use super::why::{CUT, DOMAIN, LOCALHOST};

const KUBERNETES: &str = "nameserver 127.0.0.1\n\
    search default.svc.cluster.local svc.cluster.local cluster.local\n\
    options ndots:5\n";

pub(crate) const ROWS: &[Row] = &[
    Row {
        about: "a search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\n"),
        names: &[
            same("host", "192.0.2.30"),
            same("first", "192.0.2.31"),
            same("first.", "192.0.2.33"),
            same("second", "2001:db8::34 192.0.2.34"),
            same("half", "192.0.2.35"),
            same("broken", "192.0.2.37"),
            same("nobody", "nothing"),
            same("nowhere", "nothing"),
            same("a.b", "192.0.2.41"),
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("both.test.", "2001:db8::10 192.0.2.10"),
            same("single", "192.0.2.20"),
            same("single.", "192.0.2.20"),
            same("FIRST", "192.0.2.31"),
            same("first..", "refused"),
            same("six", "2001:db8::85"),
            same("split", "192.0.2.87"),
            same("torn", "192.0.2.88"),
            differs("cut", "192.0.2.89", "nothing", CUT),
        ],
        ..ROW
    },
    Row {
        about: "a search list in another order",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch two.test one.test\n"),
        names: &[
            same("host", "192.0.2.30"),
            same("first", "192.0.2.32"),
            same("half", "2001:db8::36 192.0.2.36"),
            same("broken", "192.0.2.37"),
        ],
        ..ROW
    },
    Row {
        about: "ndots:2",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\noptions ndots:2\n"),
        names: &[
            same("a.b", "192.0.2.40"),
            same("first", "192.0.2.31"),
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("a.b.", "192.0.2.41"),
            same("nowhere.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "ndots:0",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\noptions ndots:0\n"),
        names: &[
            same("first", "192.0.2.33"),
            same("second", "2001:db8::34 192.0.2.34"),
            same("a.b", "192.0.2.41"),
            same("nowhere", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "ndots out of range, and no number",
        resolv_conf: Some(
            "nameserver 127.0.0.1\nsearch one.test two.test\noptions ndots:99 ndots:\n",
        ),
        names: &[same("first", "192.0.2.33"), same("a.b", "192.0.2.41")],
        ..ROW
    },
    Row {
        about: "ndots:99",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\noptions ndots:99\n"),
        names: &[
            same("first", "192.0.2.31"),
            same("a.b", "192.0.2.40"),
            same("both.test", "2001:db8::10 192.0.2.10"),
        ],
        ..ROW
    },
    Row {
        about: "RES_OPTIONS has ndots",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\noptions ndots:2\n"),
        variables: &[("RES_OPTIONS", "ndots:1")],
        names: &[same("a.b", "192.0.2.41"), same("first", "192.0.2.31")],
        ..ROW
    },
    Row {
        about: "the last of several search lists counts",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\nsearch two.test\n"),
        names: &[same("first", "192.0.2.32")],
        ..ROW
    },
    Row {
        about: "domain after search",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\ndomain two.test\n"),
        names: &[same("first", "192.0.2.32")],
        ..ROW
    },
    Row {
        about: "search after domain",
        resolv_conf: Some("nameserver 127.0.0.1\ndomain two.test\nsearch one.test\n"),
        names: &[same("first", "192.0.2.31")],
        ..ROW
    },
    Row {
        about: "a domain with two words",
        resolv_conf: Some("nameserver 127.0.0.1\ndomain two.test one.test\n"),
        names: &[same("first", "192.0.2.32"), same("host", "192.0.2.30")],
        ..ROW
    },
    Row {
        about: "a search list without names",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch\n"),
        host_name: "machine.one.test",
        names: &[same("first", "192.0.2.31"), same("second", "nothing")],
        ..ROW
    },
    Row {
        about: "a search list that is the root",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch .\n"),
        host_name: "machine.one.test",
        names: &[
            same("first", "192.0.2.33"),
            same("second", "nothing"),
            same("both.test", "2001:db8::10 192.0.2.10"),
        ],
        ..ROW
    },
    Row {
        about: "domains that end in dots",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test. two.test.\n"),
        names: &[same("first", "192.0.2.31"), same("second", "2001:db8::34 192.0.2.34")],
        ..ROW
    },
    Row {
        about: "a comment after a search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test # two.test\n"),
        names: &[same("second", "2001:db8::34 192.0.2.34"), same("first", "192.0.2.31")],
        ..ROW
    },
    Row {
        about: "a semicolon after a search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test ; two.test\n"),
        names: &[same("second", "2001:db8::34 192.0.2.34"), same("first", "192.0.2.31")],
        ..ROW
    },
    Row {
        about: "more domains than six",
        resolv_conf: Some(
            "nameserver 127.0.0.1\nsearch a.test b.test c.test d.test e.test six.test seven.test one.test\n",
        ),
        names: &[same("deep", "192.0.2.42"), same("host", "nothing"), same("first", "192.0.2.31")],
        ..ROW
    },
    Row {
        about: "a domain that is no name",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch .. a..b two.test\n"),
        names: &[differs("first", "192.0.2.32", "192.0.2.33", DOMAIN)],
        ..ROW
    },
    Row {
        about: "the host name is the search list",
        host_name: "machine.one.test",
        names: &[
            same("first", "192.0.2.31"),
            same("second", "nothing"),
            same("machine", "192.0.2.58"),
        ],
        ..ROW
    },
    Row {
        about: "the host name has no dot",
        names: &[
            same("first", "192.0.2.33"),
            same("second", "nothing"),
            same("machine", "192.0.2.57"),
        ],
        ..ROW
    },
    Row {
        about: "LOCALDOMAIN is the search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\n"),
        variables: &[("LOCALDOMAIN", "two.test")],
        names: &[same("first", "192.0.2.32"), same("host", "192.0.2.30")],
        ..ROW
    },
    Row {
        about: "LOCALDOMAIN has two domains",
        variables: &[("LOCALDOMAIN", "two.test one.test")],
        host_name: "machine.seven.test",
        names: &[same("first", "192.0.2.32"), same("deep", "nothing")],
        ..ROW
    },
    Row {
        about: "LOCALDOMAIN is empty",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\n"),
        variables: &[("LOCALDOMAIN", "")],
        host_name: "machine.two.test",
        names: &[same("first", "192.0.2.33"), same("second", "nothing")],
        ..ROW
    },
    Row {
        about: "LOCALDOMAIN has a line end",
        variables: &[("LOCALDOMAIN", "two.test\none.test")],
        names: &[same("first", "192.0.2.32"), same("second", "2001:db8::34 192.0.2.34")],
        ..ROW
    },
    Row {
        about: "the option no-tld-query",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test\noptions no-tld-query\n"),
        names: &[
            same("single", "nothing"),
            same("first", "192.0.2.31"),
            same("single.", "192.0.2.20"),
            same("two.labels", "192.0.2.21"),
        ],
        ..ROW
    },
    Row {
        about: "no-aaaa and a search list",
        resolv_conf: Some("nameserver 127.0.0.1\nsearch one.test two.test\noptions no-aaaa\n"),
        names: &[
            same("second", "192.0.2.34"),
            same("half", "192.0.2.35"),
            same("host", "192.0.2.30"),
        ],
        ..ROW
    },
    Row {
        about: "a pod of Kubernetes with no-aaaa",
        resolv_conf: Some(KUBERNETES),
        variables: &[("RES_OPTIONS", "no-aaaa single-request")],
        names: &[
            same("web", "10.96.0.2"),
            same("db.other", "10.96.0.3"),
            same("kubernetes.default", "10.96.0.1"),
            same("both.test", "192.0.2.10"),
            same("nowhere.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "a pod of Kubernetes with mdns4_minimal",
        resolv_conf: Some(KUBERNETES),
        nsswitch_conf: Some("hosts: files mdns4_minimal [NOTFOUND=return] dns\n"),
        names: &[
            same("web", "fd00:7::2 10.96.0.2"),
            same("db.other", "10.96.0.3"),
            same("db.other.svc.cluster.local", "10.96.0.3"),
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("nowhere.test", "nothing"),
        ],
        ..ROW
    },
    Row {
        about: "a pod of Kubernetes with ndots:2",
        resolv_conf: Some(KUBERNETES),
        variables: &[("RES_OPTIONS", "ndots:2")],
        names: &[
            same("db.other", "10.96.0.3"),
            same("db.other.svc", "10.96.0.3"),
            same("kubernetes.default.svc.cluster.local", "10.96.0.1"),
            same("both.test", "2001:db8::10 192.0.2.10"),
        ],
        ..ROW
    },
    Row {
        about: "a pod of Kubernetes",
        resolv_conf: Some(KUBERNETES),
        names: &[
            same("kubernetes", "10.96.0.1"),
            same("kubernetes.default", "10.96.0.1"),
            same("kubernetes.default.svc", "10.96.0.1"),
            same("kubernetes.default.svc.cluster.local", "10.96.0.1"),
            same("kubernetes.default.svc.cluster.local.", "10.96.0.1"),
            same("web", "fd00:7::2 10.96.0.2"),
            same("db.other", "10.96.0.3"),
            same("db.other.svc", "10.96.0.3"),
            same("db", "nothing"),
            same("node", "10.96.0.4"),
            same("headless", "10.96.0.6 10.96.0.5"),
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("both.test.", "2001:db8::10 192.0.2.10"),
            same("nowhere.test", "nothing"),
            same("fails.test", "failed"),
            differs("localhost", "::1 127.0.0.1", "203.0.113.1", LOCALHOST),
            same("printer.local", "192.0.2.50"),
            same("printer", "192.0.2.53"),
        ],
        ..ROW
    },
];
