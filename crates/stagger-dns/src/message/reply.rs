//! What a reply says of its question.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Header, ResponseCode};
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinDecoder;

use super::Received;
use super::section::{Data, MAX_RECORDS, Record, Unreadable, read_record};
use crate::cache::{MAX_NEGATIVE_TTL, MAX_TTL, negative_ttl, seconds};
use crate::code;
use crate::question::Question;

/// How many aliases are followed from one name: 16. Zones have one or two; other resolvers stop
/// between 8 and 20. The bound is ours.
pub(super) const MAX_ALIASES: usize = 16;

/// The most bytes kept of a server's words on an error. The bound is ours.
const MAX_WORDS: usize = 200;

/// A reply to the very question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Whether there is such a name.
    exists: bool,
    aliases: Vec<(Name, Name, u32)>,
    addresses: Vec<(Name, IpAddr, u32)>,
    /// The zones that say there is nothing, and for how long that may be kept.
    authorities: Vec<(Name, Duration)>,
    /// Whether there were more records than are read.
    cut: bool,
}

/// What a server adds to an error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extended {
    pub(crate) code: u16,
    pub(crate) words: String,
}

/// The names from the question on, each an alias of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(super) names: Vec<Name>,
    /// How long the aliases may be kept; none if there are none.
    ttl: Option<Duration>,
}

/// What a reply comes to, at the end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There are addresses.
    Found { addresses: Vec<IpAddr>, ttl: Duration },
    /// The name does not exist (NXDOMAIN).
    NotFound { ttl: Option<Duration> },
    /// The name has no address of this family (NODATA).
    NoAddress { ttl: Option<Duration> },
    /// The chain's last name is to be asked for.
    AskOn,
    /// The chain goes round in a circle.
    Circle,
    /// The chain is too long.
    TooLong,
    /// There is more in it than is read, and nothing of use in what is.
    TooMuch,
}

impl Chain {
    pub(crate) fn new(name: Name) -> Self {
        Self { names: vec![name], ttl: None }
    }

    /// The name at its end.
    pub(crate) fn last(&self) -> &Name {
        self.names.last().expect("a chain has the name that it began with")
    }

    /// How many aliases are in it.
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
            let Record { owner, ttl, data } = read_record(bytes, &mut decoder)?;
            let is_answer = index < answers;
            let is_authority = !is_answer && index < answers + authorities;
            match data {
                Data::Address(address) if is_answer && is_of(address, question.record) => {
                    reply.addresses.push((owner, address, ttl));
                }
                Data::Alias(target) if is_answer => reply.aliases.push((owner, target, ttl)),
                Data::Authority { minimum } if is_authority => {
                    reply.authorities.push((owner, negative_ttl(ttl, minimum)));
                }
                Data::Options(options) if !is_answer && !is_authority => {
                    // The upper 8 bits of the code are the first of the TTL (RFC 6891 §6.1.3).
                    code |= ((ttl >> 24) as u16) << 4;
                    extended = Extended::read(&options);
                }
                _ => {}
            }
        }
        let knows = about.authoritative || about.recursion_available;
        // With authority or recursion a server may leave the zone's word out (RFC 2308 §2.2).
        let is_lame = answers == 0 && reply.authorities.is_empty() && !knows && !reply.cut;
        Ok(match code {
            code::NO_ERROR if is_lame => Received::Lame,
            code::NO_ERROR | code::NO_SUCH_NAME => Received::Reply(reply),
            code => Received::Failed { code, extended },
        })
    }

    /// Follows the aliases on from the end of `chain`, and says what is there.
    ///
    /// Only records that belong to a name on the way count; whatever else a reply holds is not what
    /// was asked for, and believing it is how caches are poisoned.
    pub(crate) fn follow(self, chain: &mut Chain) -> Verdict {
        let exists = self.exists;
        let known = chain.aliases();
        while let Some((_, target, ttl)) =
            self.aliases.iter().find(|(owner, ..)| owner == chain.last())
        {
            if chain.names.contains(target) {
                return Verdict::Circle;
            }
            if chain.aliases() == MAX_ALIASES {
                return Verdict::TooLong;
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
            return Verdict::Found { addresses, ttl: chain.shorten(shortest) };
        }
        // RFC 2308 §5; without the zone's word nothing is kept.
        let authority = self.authorities.iter().find(|(zone, _)| zone.zone_of(name));
        let ttl = authority.map(|(_, ttl)| MAX_NEGATIVE_TTL.min(*ttl));
        let ttl = ttl.map(|ttl| chain.shorten(ttl));
        if !exists {
            Verdict::NotFound { ttl }
        } else if authority.is_none() && chain.aliases() > known {
            Verdict::AskOn
        } else if self.cut {
            Verdict::TooMuch
        } else {
            Verdict::NoAddress { ttl }
        }
    }
}

impl Extended {
    /// Finds the first extended error among the options, which are a code, a length and so many
    /// bytes each (RFC 6891 §6.1.2). Options that end too early are left aside with all after them.
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

/// Whether this record holds such an address.
fn is_of(address: IpAddr, record: stagger::resolve::Record) -> bool {
    let holds = if address.is_ipv6() {
        stagger::resolve::Record::Aaaa
    } else {
        stagger::resolve::Record::A
    };
    record == holds
}
