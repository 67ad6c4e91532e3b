//! The reply to a question.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record as ResourceRecord, RecordType};
use stagger::resolve::Record;

use super::schedule::When;

/// The record that a question of this type asks for, if the server knows the type.
pub(super) fn record(record_type: RecordType) -> Option<Record> {
    match record_type {
        RecordType::A => Some(Record::A),
        RecordType::AAAA => Some(Record::Aaaa),
        _ => None,
    }
}

/// The reply to a question: its content, its time, and its faults.
#[derive(Clone, Debug)]
pub struct Reply {
    says: Says,
    pub(super) when: When,
    pub(super) times: usize,
    /// The number of garbage datagrams before it.
    pub(super) garbage: usize,
    pub(super) only_tcp: bool,
    pub(super) byte_by_byte: bool,
    wrong_id: bool,
    wrong_question: bool,
}

#[derive(Clone, Debug)]
enum Says {
    Nothing,
    Bytes(Vec<u8>),
    Records { aliases: Vec<Name>, addresses: Vec<IpAddr>, ttl: u32 },
    NoAddress { ttl: u32 },
    Code(ResponseCode, Option<u32>),
}

impl Reply {
    fn new(says: Says) -> Self {
        Self {
            says,
            when: When::default(),
            times: 1,
            garbage: 0,
            only_tcp: false,
            byte_by_byte: false,
            wrong_id: false,
            wrong_question: false,
        }
    }

    /// A reply with these addresses, with a TTL of one minute. Addresses of the other family are
    /// left out.
    ///
    /// # Panics
    ///
    /// Panics if a text is not an IP address.
    pub fn addresses<I>(addresses: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let read = |text: I::Item| {
            let text = text.as_ref();
            text.parse().unwrap_or_else(|_| panic!("not an IP address: {text:?}"))
        };
        let addresses = addresses.into_iter().map(read).collect();
        Self::new(Says::Records { aliases: Vec::new(), addresses, ttl: 60 })
    }

    /// A reply with this many different addresses.
    pub fn many(count: u32) -> Self {
        let addresses = (0..count).flat_map(|n| {
            let last = n.to_be_bytes();
            let ipv4 = IpAddr::from([10, last[1], last[2], last[3]]);
            let ipv6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, (n >> 16) as u16, n as u16]);
            [ipv4, ipv6]
        });
        let addresses = addresses.collect();
        Self::new(Says::Records { aliases: Vec::new(), addresses, ttl: 60 })
    }

    /// A reply with an alias, and without addresses of that name. See [`with_addresses`](Self::with_addresses).
    ///
    /// # Panics
    ///
    /// Panics if the text is not a name.
    pub fn alias(name: &str) -> Self {
        let aliases = vec![absolute(name)];
        Self::new(Says::Records { aliases, addresses: Vec::new(), ttl: 60 })
    }

    /// A reply that the name exists, but has no addresses of this type. Its TTL is one minute.
    pub fn no_address() -> Self {
        Self::new(Says::NoAddress { ttl: 60 })
    }

    /// A reply that the name does not exist. Its TTL is one minute.
    pub fn not_found() -> Self {
        Self::new(Says::Code(ResponseCode::NXDomain, Some(60)))
    }

    /// A reply with only this response code, such as 2 for a failure and 5 for a refusal (RFC 1035
    /// §4.1.1).
    pub fn code(code: u8) -> Self {
        Self::new(Says::Code(ResponseCode::from_low(code), None))
    }

    /// A reply with these bytes, which may be invalid. The first two become the question's id,
    /// unless the id is [wrong](Self::with_wrong_id).
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Says::Bytes(bytes.into()))
    }

    /// No reply.
    pub fn silence() -> Self {
        Self::new(Says::Nothing)
    }

    /// Sends the reply this late.
    pub fn after(mut self, delay: Duration) -> Self {
        self.when.after = delay;
        self
    }

    /// Sends the reply only after [`NameServer::release`](super::NameServer::release). So it is late even on a machine that
    /// stands still meanwhile.
    pub fn held(mut self) -> Self {
        self.when.held = true;
        self
    }

    /// Sets the TTL in seconds.
    pub fn with_ttl(mut self, seconds: u32) -> Self {
        match &mut self.says {
            Says::Records { ttl, .. } | Says::NoAddress { ttl } => *ttl = seconds,
            Says::Code(_, ttl) => *ttl = Some(seconds),
            Says::Nothing | Says::Bytes(_) => {}
        }
        self
    }

    /// Adds an alias of the last name so far.
    ///
    /// # Panics
    ///
    /// Panics if the text is not a name, or if the reply has neither an alias nor addresses.
    pub fn with_alias(mut self, name: &str) -> Self {
        let Says::Records { aliases, .. } = &mut self.says else {
            panic!("only a reply with records can have an alias");
        };
        aliases.push(absolute(name));
        self
    }

    /// Adds addresses of the last alias.
    ///
    /// # Panics
    ///
    /// Panics if a text is not an IP address, or if the reply has neither an alias nor addresses.
    pub fn with_addresses<I>(mut self, more: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let (Says::Records { addresses, .. }, Says::Records { addresses: more, .. }) =
            (&mut self.says, Self::addresses(more).says)
        else {
            panic!("only a reply with records can have addresses");
        };
        addresses.extend(more);
        self
    }

    /// Sends the reply this many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Sends this many garbage datagrams before the reply, each with the question's id.
    pub fn after_garbage(mut self, datagrams: usize) -> Self {
        self.garbage = datagrams;
        self
    }

    /// Sends the reply with an id that is not the question's id.
    pub fn with_wrong_id(mut self) -> Self {
        self.wrong_id = true;
        self
    }

    /// Sends the reply as if the question had another name.
    pub fn with_wrong_question(mut self) -> Self {
        self.wrong_question = true;
        self
    }

    /// Over UDP, sends only that the reply does not fit (RFC 2181 §9).
    pub fn over_tcp(mut self) -> Self {
        self.only_tcp = true;
        self
    }

    /// Over TCP, sends the reply byte by byte.
    pub fn byte_by_byte(mut self) -> Self {
        self.byte_by_byte = true;
        self
    }

    /// The message, or `None` if there is no reply.
    pub(super) fn message(&self, question: &Message, tcp: bool) -> Option<Vec<u8>> {
        let mut bytes = match &self.says {
            Says::Nothing => return None,
            Says::Bytes(bytes) => {
                let mut bytes = bytes.clone();
                for (byte, id) in bytes.iter_mut().zip(question.metadata.id.to_be_bytes()) {
                    *byte = id;
                }
                bytes
            }
            says => {
                let message = self.records(says, question, tcp);
                message.to_vec().expect("a reply with legal names has a form")
            }
        };
        if self.wrong_id {
            for byte in bytes.iter_mut().take(2) {
                *byte = !*byte;
            }
        }
        Some(bytes)
    }

    fn records(&self, says: &Says, question: &Message, tcp: bool) -> Message {
        let metadata = &question.metadata;
        let mut message = Message::new(metadata.id, MessageType::Response, metadata.op_code);
        message.metadata.recursion_desired = metadata.recursion_desired;
        message.metadata.recursion_available = true;
        let mut query = question.queries[0].clone();
        let (asked, record_type) = (query.name().clone(), query.query_type());
        if self.wrong_question {
            query.set_name(absolute("somebody.else.example"));
        }
        message.add_query(query);
        if self.only_tcp && !tcp {
            message.metadata.truncation = true;
            return message;
        }
        match says {
            Says::Records { aliases, addresses, ttl } => {
                let mut name = asked;
                for alias in aliases {
                    let data = RData::CNAME(CNAME(alias.clone()));
                    message.add_answer(ResourceRecord::from_rdata(name, *ttl, data));
                    name = alias.clone();
                }
                for addr in addresses {
                    let data = match (addr, record_type) {
                        (IpAddr::V4(addr), RecordType::A) => RData::A(A(*addr)),
                        (IpAddr::V6(addr), RecordType::AAAA) => RData::AAAA(AAAA(*addr)),
                        _ => continue,
                    };
                    message.add_answer(ResourceRecord::from_rdata(name.clone(), *ttl, data));
                }
            }
            Says::NoAddress { ttl } => {
                message.add_authority(start_of_authority(&asked, *ttl));
            }
            Says::Code(code, ttl) => {
                message.metadata.response_code = *code;
                if let Some(ttl) = ttl {
                    message.add_authority(start_of_authority(&asked, *ttl));
                }
            }
            Says::Nothing | Says::Bytes(_) => unreachable!("they have no records"),
        }
        message
    }
}

/// The record whose TTL limits how long a negative answer is cached (RFC 2308 §3).
fn start_of_authority(name: &Name, ttl: u32) -> ResourceRecord {
    let zone = name.base_name();
    let soa = SOA::new(zone.clone(), zone.clone(), 1, 3600, 600, 86_400, ttl);
    ResourceRecord::from_rdata(zone, ttl, RData::SOA(soa))
}

/// A name with a root label. Its other labels may be any label that a server can hold, such as
/// `-x`.
pub(super) fn absolute(text: &str) -> Name {
    let labels = || text.trim_end_matches('.').split('.').map(str::as_bytes);
    let name = Name::from_str(text).or_else(|_| Name::from_labels(labels()));
    let mut name = name.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    name.set_fqdn(true);
    name
}
