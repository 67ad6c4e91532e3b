//! Servers that others wrote, set up in all the ways that real networks have.

use std::net::SocketAddr;
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use stagger::resolve::{Query, Record};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::{Config, DnsError};
use stagger_tests::{Dnsmasq, Runtime, Unbound, battery};

use super::{Dns, PATIENCE, configured, line};

battery! {
    within LOOPBACK {
        unbound_is_understood_however_it_is_set_up,
        dnsmasq_is_understood_however_it_is_set_up,
    }
}

/// A server, and what differs from [`USUAL`] there.
struct Row {
    about: &'static str,
    server: Server,
    client: Client,
    differs: &'static [(&'static str, &'static str)],
}

enum Server {
    /// With these lines in its section `server`.
    Unbound(&'static str),
    /// With these arguments.
    Dnsmasq(&'static [&'static str]),
    /// In front of Unbound, with these arguments and lines.
    DnsmasqBeforeUnbound(&'static [&'static str], &'static str),
}

/// How the servers are asked.
enum Client {
    Usual,
    WithoutEdns,
    OverTcp,
    /// It waits one second for a server.
    Impatient,
}

use Client::{Impatient, OverTcp, Usual, WithoutEdns};
use Server::{Dnsmasq as D, DnsmasqBeforeUnbound as DU, Unbound as U};

/// The names of `stagger.test`, and what is found of them. Many addresses are a number.
const USUAL: &[(&str, &str)] = &[
    ("www", "A 192.0.2.1, AAAA 2001:db8::1"),
    ("WWW", "A 192.0.2.1, AAAA 2001:db8::1"),
    ("alias", "A 192.0.2.1, AAAA 2001:db8::1"),
    ("v4", "A 192.0.2.4, AAAA none"),
    ("some", "A 50 addresses, AAAA none"),
    ("many", "A 200 addresses, AAAA none"),
    ("nowhere", "A NotFound, AAAA NotFound"),
    ("fails", "A failed, AAAA failed"),
];

/// Nothing is found.
const ALL_FAIL: &[(&str, &str)] = &[
    ("www", "A failed, AAAA failed"),
    ("WWW", "A failed, AAAA failed"),
    ("alias", "A failed, AAAA failed"),
    ("v4", "A failed, AAAA failed"),
    ("some", "A failed, AAAA failed"),
    ("many", "A failed, AAAA failed"),
    ("nowhere", "A failed, AAAA failed"),
];

const fn row(about: &'static str, server: Server) -> Row {
    Row { about, server, client: Usual, differs: &[] }
}

/// Whatever is found: it depends on the time.
const ANY: &str = "anything";

/// The local data of Unbound has one alias in a reply. Where dnsmasq remembers replies, it takes
/// such an alias for a name without an address, unless it knows that name by then.
const CUT: (&str, &str) = ("alias", ANY);

const fn forwarding(about: &'static str, server: Server) -> Row {
    Row { about, server, client: Usual, differs: &[CUT] }
}

const UNBOUND: &[Row] = &[
    row("as it is", U("")),
    Row { client: WithoutEdns, ..row("a client without EDNS", U("")) },
    Row { client: OverTcp, ..row("a client over TCP", U("")) },
    row("small datagrams", U("max-udp-size: 512")),
    row("a small EDNS buffer", U("edns-buffer-size: 512")),
    row(
        "datagrams of the least size, and no answer but what was asked for",
        U("max-udp-size: 512\nminimal-responses: yes"),
    ),
    row("more than was asked for", U("minimal-responses: no")),
    row("addresses in a random order", U("rrset-roundrobin: yes")),
    row("addresses always in one order", U("rrset-roundrobin: no")),
    row(
        "no cache",
        U("msg-cache-size: 0\nrrset-cache-size: 0\ncache-max-ttl: 0\ncache-max-negative-ttl: 0"),
    ),
    row("a cache of one entry", U("msg-cache-size: 1\nrrset-cache-size: 1\nkey-cache-size: 1")),
    row("it serves what is too old", U("serve-expired: yes\nserve-expired-ttl: 0")),
    row("it reports extended errors", U("ede: yes")),
    row("it pads, and answers no question for all types", U("pad-responses: yes\ndeny-any: yes")),
    row("one connection over TCP at a time", U("incoming-num-tcp: 1\ntcp-idle-timeout: 200")),
    Row { differs: &[("many", "A failed, AAAA none")], ..row("no TCP", U("do-tcp: no")) },
    Row {
        client: WithoutEdns,
        differs: &[("some", "A failed, AAAA none"), ("many", "A failed, AAAA none")],
        ..row("no TCP, and a client without EDNS", U("do-tcp: no"))
    },
    Row {
        differs: &[("some", "A failed, AAAA none"), ("many", "A failed, AAAA none")],
        ..row("no TCP, and small datagrams", U("do-tcp: no\nmax-udp-size: 512"))
    },
    Row {
        client: OverTcp,
        differs: ALL_FAIL,
        ..row("no TCP, and a client over TCP", U("do-tcp: no"))
    },
    Row { client: OverTcp, ..row("no UDP, and a client over TCP", U("do-udp: no")) },
    Row { client: Impatient, differs: ALL_FAIL, ..row("no UDP", U("do-udp: no")) },
    Row { differs: ALL_FAIL, ..row("it refuses", U("access-control: 127.0.0.0/8 refuse")) },
    Row {
        client: Impatient,
        differs: ALL_FAIL,
        ..row("it is silent", U("access-control: 127.0.0.0/8 deny"))
    },
    Row {
        differs: &[
            ("www", "A failed, AAAA failed"),
            ("WWW", "A failed, AAAA failed"),
            ("alias", "A failed, AAAA failed"),
        ],
        ..row("it refuses one name", U("local-zone: www.stagger.test. always_refuse"))
    },
    Row {
        differs: &[("v4", "A none, AAAA none")],
        ..row(
            "it blocks a name: there is no address",
            U("local-zone: v4.stagger.test. always_nodata"),
        )
    },
    Row {
        differs: &[("v4", "A NotFound, AAAA NotFound")],
        ..row(
            "it blocks a name: there is no such name",
            U("local-zone: v4.stagger.test. always_nxdomain"),
        )
    },
    Row {
        differs: &[("nowhere", "A 0.0.0.0, AAAA ::")],
        ..row(
            "it blocks a name: the address is unspecified",
            U("local-zone: nowhere.stagger.test. always_null"),
        )
    },
];

const DNSMASQ: &[Row] = &[
    row("as it is", D(&[])),
    Row { client: WithoutEdns, ..row("a client without EDNS", D(&[])) },
    Row { client: OverTcp, ..row("a client over TCP", D(&[])) },
    row("small datagrams", D(&["--edns-packet-max=512"])),
    row("no cache", D(&["--cache-size=0", "--no-negcache"])),
    row(
        "a cache of one entry, and a long memory of what is not",
        D(&["--cache-size=1", "--neg-ttl=3600"]),
    ),
    row("a TTL of one second at most", D(&["--max-ttl=1", "--max-cache-ttl=1"])),
    forwarding("in front of Unbound", DU(&[], "")),
    Row {
        client: WithoutEdns,
        ..forwarding("in front of Unbound, and a client without EDNS", DU(&[], ""))
    },
    Row {
        client: OverTcp,
        ..forwarding("in front of Unbound, and a client over TCP", DU(&[], ""))
    },
    forwarding("in front of Unbound, with small datagrams", DU(&["--edns-packet-max=512"], "")),
    forwarding(
        "in front of Unbound, with datagrams of the least size on both sides",
        DU(&["--edns-packet-max=512"], "max-udp-size: 512"),
    ),
    row("in front of Unbound, without a cache", DU(&["--cache-size=0"], "")),
    forwarding(
        "in front of Unbound, and DNSSEC and an EDNS option are passed on",
        DU(&["--proxy-dnssec", "--add-cpe-id=x"], ""),
    ),
    Row {
        differs: &[("many", "A failed, AAAA none"), CUT],
        ..row("in front of Unbound without TCP", DU(&[], "do-tcp: no"))
    },
    Row {
        // It replies to some of the questions only.
        client: Impatient,
        differs: ALL_FAIL,
        ..row("in front of Unbound that refuses", DU(&[], "access-control: 127.0.0.0/8 refuse"))
    },
    Row {
        differs: &[("www", "A 192.0.2.1, AAAA none"), ("WWW", "A 192.0.2.1, AAAA none"), CUT],
        ..row("in front of Unbound, without AAAA", DU(&["--filter-AAAA"], ""))
    },
    Row {
        // It counts these networks among the private ones.
        differs: &[
            ("www", "A none, AAAA none"),
            ("WWW", "A none, AAAA none"),
            ("v4", "A none, AAAA none"),
            ("some", "A none, AAAA none"),
            ("many", "A none, AAAA none"),
            CUT,
        ],
        ..row("in front of Unbound, without private addresses", DU(&["--stop-dns-rebind"], ""))
    },
    Row {
        differs: &[("v4", "A NotFound, AAAA none"), CUT],
        ..row(
            "in front of Unbound, and an address that means that there is no name",
            DU(&["--bogus-nxdomain=192.0.2.4"], ""),
        )
    },
];

/// The processes of a row.
struct Running {
    addr: SocketAddr,
    _dnsmasq: Option<Dnsmasq>,
    _unbound: Option<Unbound>,
}

impl Server {
    fn start(&self) -> Option<Running> {
        let (dnsmasq, unbound) = match self {
            U(more) => (None, Some(Unbound::start_with(more)?)),
            D(more) => (Some(Dnsmasq::start_with(more)?), None),
            DU(dnsmasq, unbound) => {
                let unbound = Unbound::start_with(unbound)?;
                (Some(Dnsmasq::before(unbound.addr(), dnsmasq)?), Some(unbound))
            }
        };
        let of_unbound = unbound.as_ref().map(Unbound::addr);
        let addr = dnsmasq.as_ref().map(Dnsmasq::addr).or(of_unbound)?;
        Some(Running { addr, _dnsmasq: dnsmasq, _unbound: unbound })
    }
}

impl Client {
    fn resolver<R: Runtime>(&self, server: SocketAddr) -> Dns<R> {
        let config = Config::new().with_servers([server]).unwrap().with_attempts(1).unwrap();
        let config = config.with_timeout(PATIENCE).unwrap();
        configured::<R>(match self {
            Usual => config,
            WithoutEdns => config.with_edns0(false),
            OverTcp => config.with_use_vc(true),
            Impatient => config.with_timeout(Duration::from_secs(1)).unwrap(),
        })
    }
}

fn understands<R: Runtime>(rows: &[Row]) {
    let mut faults = Vec::new();
    for row in rows {
        let Some(server) = row.server.start() else { return };
        let resolver = row.client.resolver::<R>(server.addr);
        // One after another: a forwarder takes equal questions at one time for one.
        let answers = R::new().run(async move {
            let mut all = Vec::new();
            for (name, _) in USUAL {
                let target = Target::new(&format!("{name}.stagger.test"), "80").unwrap();
                all.push(resolver.resolve(&Query::new(target)).collect::<Vec<_>>().await);
            }
            all
        });
        for ((name, usual), answers) in USUAL.iter().zip(answers) {
            let differs = row.differs.iter().find(|(other, _)| other == name);
            let expected = differs.map_or(usual, |(_, expected)| expected);
            let found = found(answers);
            if found != *expected && *expected != ANY {
                let about = row.about;
                faults.push(format!("{about}: {name}: {found}, and not {expected}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What was found, as in [`USUAL`].
fn found(mut answers: Vec<Answer<SocketAddr, DnsError>>) -> String {
    answers.sort_by_key(Answer::record);
    let text = |answer: &Answer<SocketAddr, DnsError>| {
        let record = if answer.record() == Record::Aaaa { "AAAA" } else { "A" };
        match (answer.addresses().count(), answer.kind()) {
            (0, Some(kind)) if !kind.is_negative() => format!("{record} failed"),
            (0, _) => line(answer),
            (1, _) => format!("{record} {}", answer.addresses().next().unwrap().ip()),
            (count, _) => format!("{record} {count} addresses"),
        }
    };
    answers.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn unbound_is_understood_however_it_is_set_up<R: Runtime>() {
    understands::<R>(UNBOUND);
}

fn dnsmasq_is_understood_however_it_is_set_up<R: Runtime>() {
    understands::<R>(DNSMASQ);
}
