//! A reply, and what it says about its question.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Header, ResponseCode};
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinDecoder;

use super::code;
use super::section::{MAX_RECORDS, RawRecord, RecordData, Unreadable, read_record};
use super::stray::Stray;
use crate::cache::{MAX_NEGATIVE_TTL, MAX_TTL, negative_ttl, seconds};
use crate::question::Question;

/// How many aliases of one name are followed: 16. The bound is ours. Zones have one or two, and
/// other resolvers stop between 8 and 20.
pub(super) const MAX_ALIASES: usize = 16;

/// The most bytes that are kept of a server's text about an error. The bound is ours.
const MAX_WORDS: usize = 200;

/// A message that may be the reply, after it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It does not belong to the request, for this reason.
    Stray(Stray),
    /// The reply is marked as truncated.
    Truncated,
    /// The reply ends before its last record does, at this part. It may have been cut on the way.
    Cut(&'static str),
    /// The reply can't be read, for this reason.
    Malformed(&'static str),
    /// The server failed, with this response code and perhaps an extended error.
    Failed { code: u16, extended: Option<ExtendedError> },
    /// The server does not resolve names for others. Its reply neither has addresses nor says that
    /// there are none, and may refer to other servers.
    Lame,
    /// The reply says whether the name exists.
    Reply(Reply),
}

/// A reply to the question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Whether the name exists.
    exists: bool,
    aliases: Vec<(Name, Name, u32)>,
    addresses: Vec<(Name, IpAddr, u32)>,
    /// The zones of negative answers, and for how long such an answer may be cached.
    authorities: Vec<(Name, Duration)>,
    /// Whether there were more records than the limit.
    cut: bool,
}

/// The extended error of a server (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExtendedError {
    pub(crate) code: u16,
    pub(crate) words: String,
}

/// The name of a question and the names that its aliases lead to, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasChain {
    pub(super) names: Vec<Name>,
    /// How long the aliases may be cached. It is `None` without aliases.
    ttl: Option<Duration>,
}

/// The result of a reply at the end of a chain of aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChainResult {
    /// The last name has addresses.
    Found { addresses: Vec<IpAddr>, ttl: Duration },
    /// The name does not exist (NXDOMAIN).
    NotFound { ttl: Option<Duration> },
    /// The name has no address of this family (NODATA).
    NoAddress { ttl: Option<Duration> },
    /// The last name of the chain must be asked for.
    AskOn,
    /// The aliases form a circle.
    Circle,
    /// There are too many aliases.
    TooLong,
    /// There are more records than the limit, and no address among those that were read.
    TooMuch,
}

impl AliasChain {
    pub(crate) fn new(name: Name) -> Self {
        Self { names: vec![name], ttl: None }
    }

    /// The last name.
    pub(crate) fn last(&self) -> &Name {
        self.names.last().expect("a chain has the name that it began with")
    }

    /// The number of aliases.
    pub(crate) fn aliases(&self) -> usize {
        self.names.len() - 1
    }

    fn shorten(&mut self, ttl: Duration) -> Duration {
        let ttl = self.ttl.map_or(ttl, |shortest| shortest.min(ttl));
        self.ttl = Some(ttl);
        ttl
    }
}

impl Reply {
    /// Reads the sections after the question.
    pub(super) fn read(
        question: &Question,
        header: &Header,
        bytes: &[u8],
        mut decoder: BinDecoder<'_>,
    ) -> Result<Received, Unreadable> {
        let (about, counts) = (&header.metadata, &header.counts);
        let mut code = u16::from(about.response_code);
        let mut extended = None;
        let mut reply = Self {
            exists: about.response_code == ResponseCode::NoError,
            aliases: Vec::new(),
            addresses: Vec::new(),
            authorities: Vec::new(),
            cut: false,
        };
        let [answers, authorities, additionals] =
            [counts.answers, counts.authorities, counts.additionals].map(usize::from);
        let total = answers + authorities + additionals;
        reply.cut = total > MAX_RECORDS;
        for index in 0..total.min(MAX_RECORDS) {
            let RawRecord { owner, ttl, data } = read_record(bytes, &mut decoder)?;
            let is_answer = index < answers;
            let is_authority = !is_answer && index < answers + authorities;
            match data {
                RecordData::Address(address) if is_answer && is_of(address, question.record) => {
                    reply.addresses.push((owner, address, ttl));
                }
                RecordData::Alias(target) if is_answer => reply.aliases.push((owner, target, ttl)),
                RecordData::Authority { minimum } if is_authority => {
                    reply.authorities.push((owner, negative_ttl(ttl, minimum)));
                }
                RecordData::Options(options) if !is_answer && !is_authority => {
                    // The upper 8 bits of the code are the first of the TTL (RFC 6891 §6.1.3).
                    code |= ((ttl >> 24) as u16) << 4;
                    extended = ExtendedError::read(&options);
                }
                _ => {}
            }
        }
        let knows = about.authoritative || about.recursion_available;
        // With authority or recursion, a server may leave the SOA record out (RFC 2308 §2.2).
        let is_lame = answers == 0 && reply.authorities.is_empty() && !knows && !reply.cut;
        Ok(match code {
            code::NO_ERROR if is_lame => Received::Lame,
            code::NO_ERROR | code::NO_SUCH_NAME => Received::Reply(reply),
            code => Received::Failed { code, extended },
        })
    }

    /// Follows the aliases from the end of `chain`, and returns the result at their end.
    ///
    /// Only records of a name in the chain count. A resolver that believes other records can be
    /// poisoned.
    pub(crate) fn follow(self, chain: &mut AliasChain) -> ChainResult {
        let exists = self.exists;
        let known = chain.aliases();
        while let Some((_, target, ttl)) =
            self.aliases.iter().find(|(owner, ..)| owner == chain.last())
        {
            if chain.names.contains(target) {
                return ChainResult::Circle;
            }
            if chain.aliases() == MAX_ALIASES {
                return ChainResult::TooLong;
            }
            chain.names.push(target.clone());
            chain.shorten(MAX_TTL.min(seconds(*ttl)));
        }
        let name = chain.last();
        // An NXDOMAIN is about the last name of the chain (RFC 6604 §3).
        let mut addresses = Vec::new();
        let mut shortest = MAX_TTL;
        for (_, address, ttl) in self.addresses.iter().filter(|(owner, ..)| exists && owner == name)
        {
            shortest = shortest.min(seconds(*ttl));
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        if !addresses.is_empty() {
            return ChainResult::Found { addresses, ttl: chain.shorten(shortest) };
        }
        // Without an SOA record a negative answer is not cached (RFC 2308 §5).
        let authority = self.authorities.iter().find(|(zone, _)| zone.zone_of(name));
        let ttl = authority.map(|(_, ttl)| MAX_NEGATIVE_TTL.min(*ttl));
        let ttl = ttl.map(|ttl| chain.shorten(ttl));
        if !exists {
            ChainResult::NotFound { ttl }
        } else if authority.is_none() && chain.aliases() > known {
            ChainResult::AskOn
        } else if self.cut {
            ChainResult::TooMuch
        } else {
            ChainResult::NoAddress { ttl }
        }
    }
}

impl ExtendedError {
    /// Returns the first extended error among the options.
    ///
    /// An option is a code, a length and that number of bytes (RFC 6891 §6.1.2). An option that
    /// ends too early ends the search.
    fn read(mut options: &[u8]) -> Option<Self> {
        const EXTENDED_ERROR: u16 = 15; // RFC 8914 §2

        loop {
            let (head, rest) = options.split_first_chunk::<4>()?;
            let [code, length] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_be_bytes);
            let (data, rest) = rest.split_at_checked(length.into())?;
            match data.split_first_chunk::<2>() {
                Some((info, words)) if code == EXTENDED_ERROR => {
                    let words = &words[..words.len().min(MAX_WORDS)];
                    let words = String::from_utf8_lossy(words).into_owned();
                    return Some(Self { code: u16::from_be_bytes(*info), words });
                }
                _ => options = rest,
            }
        }
    }
}

/// Whether this address belongs to this type of record.
fn is_of(address: IpAddr, record: stagger::resolve::Record) -> bool {
    let holds = if address.is_ipv6() {
        stagger::resolve::Record::Aaaa
    } else {
        stagger::resolve::Record::A
    };
    record == holds
}
