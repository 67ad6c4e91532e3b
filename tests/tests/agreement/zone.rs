//! The name servers of the table, and what they know.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use stagger_testkit::dns::{NameServer, Record, Reply};

/// What the server at 127.0.0.1 knows. A line has a name, and its addresses of both families, or
/// `CNAME` with the aliases before them, or `RCODE` with a response code, which `RCODE-A` and
/// `RCODE-AAAA` have for one record. A name without addresses of a family exists without them, and
/// every other name does not exist.
const ZONE: &str = "
    which.test          192.0.2.101
    both.test           192.0.2.10 2001:db8::10
    v4.test             192.0.2.4
    v6.test             2001:db8::6
    nodata.test
    upper.test          192.0.2.11
    under_score.test    192.0.2.12
    _srv._tcp.test      192.0.2.13
    xn--bcher-kva.test  192.0.2.14
    -dash.test          192.0.2.15
    dash-.test          192.0.2.16
    web.1               192.0.2.17
    123456789012        192.0.2.18
    7.test              192.0.2.19
    single              192.0.2.20
    two.labels          192.0.2.21

    zero.test           0.0.0.0 ::
    zero4.test          0.0.0.0 192.0.2.22
    group.test          224.0.0.1 255.255.255.255 ff02::1
    link.test           fe80::7 169.254.7.7
    mapped.test         ::ffff:192.0.2.23

    alias.test          CNAME both.test 192.0.2.10 2001:db8::10
    chain.test          CNAME c1.test c2.test both.test 192.0.2.10 2001:db8::10
    alias4.test         CNAME v4.test 192.0.2.4
    dangling.test       CNAME nowhere.test
    odd.test            CNAME under_score.odd.test 192.0.2.24
    hyphen.test         CNAME -hyphen.test 192.0.2.25

    fails.test          RCODE 2
    refused.test        RCODE 5
    notimp.test         RCODE 4
    formerr.test        RCODE 1

    aaaa-formerr.test   RCODE-AAAA 1 192.0.2.80
    aaaa-fails.test     RCODE-AAAA 2 192.0.2.81
    aaaa-nxdomain.test  RCODE-AAAA 3 192.0.2.82
    aaaa-notimp.test    RCODE-AAAA 4 192.0.2.83
    aaaa-refused.test   RCODE-AAAA 5 192.0.2.84
    a-fails.test        RCODE-A 2 2001:db8::81
    a-nxdomain.test     RCODE-A 3 2001:db8::82
    a-refused.test      RCODE-A 5 2001:db8::84

    six.one.test        2001:db8::85
    six.two.test        192.0.2.86
    split.one.test      RCODE-AAAA 2
    split.two.test      192.0.2.87
    torn.one.test       RCODE-AAAA 3
    torn.two.test       192.0.2.88
    cut.one.test        CNAME nowhere.test
    cut.two.test        192.0.2.89
    host.one.test
    host.two.test       192.0.2.30
    first.one.test      192.0.2.31
    first.two.test      192.0.2.32
    first               192.0.2.33
    second.two.test     192.0.2.34 2001:db8::34
    half.one.test       192.0.2.35
    half.two.test       192.0.2.36 2001:db8::36
    broken.one.test     RCODE 2
    broken.two.test     192.0.2.37
    broken              192.0.2.38
    nobody.one.test     RCODE 5
    nobody.two.test     192.0.2.39
    a.b.one.test        192.0.2.40
    a.b                 192.0.2.41
    deep.six.test       192.0.2.42
    deep.seven.test     192.0.2.43

    printer.local       192.0.2.50
    a.printer.local     192.0.2.51
    local               192.0.2.52
    printer             192.0.2.53
    thing.alt           192.0.2.54
    thing.alt.one.test  192.0.2.55
    alt                 192.0.2.61
    ipv4only.arpa       192.0.0.170 192.0.0.171 64:ff9b::c000:aa
    ipv4only.arpa.one.test  192.0.2.56
    localhost           203.0.113.1
    foo.localhost       203.0.113.2
    localhost.one.test  203.0.113.3
    thing.onion         203.0.113.4
    thing.invalid       203.0.113.5
    machine             192.0.2.57
    machine.one.test    192.0.2.58
    _gateway            192.0.2.59

    kubernetes.default.svc.cluster.local  10.96.0.1
    web.default.svc.cluster.local         10.96.0.2 fd00:7::2
    db.other.svc.cluster.local            10.96.0.3
    node.cluster.local                    10.96.0.4
    headless.default.svc.cluster.local    10.96.0.6 10.96.0.5

    on-net.test         198.51.100.1 192.0.2.60 192.0.2.8
    many4.test          198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1 127.0.0.9
    many6.test          2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2002:c000:201::1 2001::1 64:ff9b::1 ::1
    prefix.test         2001:db8:ffff::1 2001:db8:0:1::1 2001:db8::ffff 2001:db8::8
    mixed.test          192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1
    ula.test            192.0.2.10 fd00:7::10
    far-ula.test        192.0.2.10 fd00:9::10
    six-to-four.test    192.0.2.10 2002:c000:201::1
    teredo.test         192.0.2.10 2001::1
    private.test        10.1.2.3 2001:db8::10
    scopes.test         10.1.2.3 192.0.2.10 169.254.7.7
    compatible.test     192.0.2.10 ::192.0.2.1
    site.test           192.0.2.10 fec0::1
    nowhere6.test       192.0.2.10 3ffe::1
";

/// A question: a name, a record, and whether it came over TCP.
pub(crate) type Question = (String, &'static str, bool);

/// The name servers of the machine.
///
/// The server at 127.0.0.1 has the zone, and so has the one at ::1. The others are these, and at
/// 127.0.0.9 there is none:
///
/// | at | reply |
/// | --- | --- |
/// | 127.0.0.2 | `which.test` has the address 192.0.2.102, and no other name exists |
/// | 127.0.0.3 | `which.test` has the address 192.0.2.103, and no other name exists |
/// | 127.0.0.4 | `REFUSED` |
/// | 127.0.0.5 | `SERVFAIL` |
/// | 127.0.0.6 | none |
pub(crate) struct Servers {
    servers: Vec<NameServer>,
    /// How many questions of each server have been looked at.
    seen: RefCell<Vec<usize>>,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let start = |addr: &str| {
            let addr: SocketAddr = addr.parse().expect("it is an address");
            NameServer::start_at(addr).unwrap_or_else(|error| panic!("{addr}: {error}"))
        };
        let mut servers = vec![start("127.0.0.1:53"), start("[::1]:53")];
        for line in ZONE.lines() {
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            let words: Vec<_> = words.collect();
            for (server, record) in
                servers.iter().flat_map(|server| [(server, Record::A), (server, Record::Aaaa)])
            {
                server.on(name, record, reply(&words, record));
            }
        }
        servers.extend([2, 3].map(|number| {
            let server = start(&format!("127.0.0.{number}:53"));
            let addr = format!("192.0.2.10{number}");
            server.on("which.test", Record::A, Reply::addresses([addr]));
            server.on("which.test", Record::Aaaa, Reply::no_address());
            server
        }));
        let failures = [(4, Reply::code(5)), (5, Reply::code(2)), (6, Reply::silence())];
        servers.extend(failures.map(|(number, reply)| {
            let server = start(&format!("127.0.0.{number}:53"));
            server.otherwise(reply);
            server
        }));
        let seen = RefCell::new(vec![0; servers.len()]);
        Self { servers, seen }
    }

    /// The different questions since the last time.
    pub(crate) fn asked(&self) -> BTreeSet<Question> {
        let mut asked = BTreeSet::new();
        for (server, seen) in self.servers.iter().zip(self.seen.borrow_mut().iter_mut()) {
            let questions = server.questions();
            for question in &questions[*seen..] {
                let record = if question.record == Record::Aaaa { "AAAA" } else { "A" };
                asked.insert((question.name.clone(), record, question.over_tcp));
            }
            *seen = questions.len();
        }
        asked
    }
}

fn reply(words: &[&str], record: Record) -> Reply {
    let words = match (words, record) {
        (["RCODE", code], _)
        | (["RCODE-A", code, ..], Record::A)
        | (["RCODE-AAAA", code, ..], Record::Aaaa) => match code.parse() {
            Ok(3) => return Reply::not_found(),
            code => return Reply::code(code.expect("it is a code")),
        },
        (["RCODE-A" | "RCODE-AAAA", _, rest @ ..], _) => rest,
        _ => words,
    };
    let (aliases, addresses): (Vec<&str>, Vec<&str>) = words
        .iter()
        .copied()
        .filter(|word| *word != "CNAME")
        .partition(|word| word.parse::<IpAddr>().is_err());
    let addresses: Vec<_> = addresses
        .into_iter()
        .filter(|addr: &&str| addr.contains(':') == (record == Record::Aaaa))
        .collect();
    match aliases.split_first() {
        None if addresses.is_empty() => Reply::no_address(),
        None => Reply::addresses(addresses),
        Some((first, rest)) => {
            let reply = rest.iter().fold(Reply::alias(first), |reply, name| reply.with_alias(name));
            reply.with_addresses(addresses)
        }
    }
}
