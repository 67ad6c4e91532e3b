//! One DNS message there, and one back (RFC 1035 §4).
//!
//! The parts of a message are read by `hickory-proto`; which of them are read at all, and how many,
//! is decided here, for the bytes are somebody else's. Its own reader takes 0.2 s for the worst that
//! 65 535 bytes can hold, thousands of records under names that are chains of thousands of
//! pointers; within the bounds here the worst takes about 1 ms (release builds on one core).

#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod reply;
mod section;
mod stray;
#[cfg(test)]
mod tests;

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

pub(crate) use self::reply::{Chain, Extended, Reply, Verdict};
use self::section::{Unreadable, read_name};
pub(crate) use self::stray::{Stray, Strays};
use crate::question::Question;

/// How large a datagram a server may answer with, which EDNS tells it (RFC 6891 §6.2.3): 1232 bytes,
/// which pass nearly every path in one piece: what is left of IPv6's least MTU of 1280 without
/// the headers of IPv6 and UDP. Without EDNS 512 are the most (RFC 1035 §4.2.1).
const MAX_PAYLOAD: u16 = 1232;

/// A question as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    id: u16,
    bytes: Vec<u8>,
}

/// What a message that came back is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It does not belong to the request, whoever sent it, and why not.
    Stray(Stray),
    /// The reply, which did not fit.
    Truncated,
    /// The reply, but it ends before its last record does; where. It may have been cut on the way.
    Cut(&'static str),
    /// The reply, but it can't be read; how so.
    Malformed(&'static str),
    /// The server failed to answer, with this response code and what it adds.
    Failed { code: u16, extended: Option<Extended> },
    /// The server does not answer for others, and says neither what there is nor that there is
    /// nothing. It may name servers that know.
    Lame,
    /// There is such a name, or there is none.
    Reply(Reply),
}

impl Request {
    /// Asks with recursion, under an id that can't be guessed: it is drawn from the generator of
    /// `rand` that is seeded by the system and meant for cryptography.
    ///
    /// With `edns` it says that a datagram of [`MAX_PAYLOAD`] bytes can be received.
    pub(crate) fn new(question: &Question, edns: bool) -> Self {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(question.name.clone(), question.record_type()));
        if edns {
            let mut edns = Edns::new();
            edns.set_max_payload(MAX_PAYLOAD);
            message.set_edns(edns);
        }
        let bytes = message.to_vec().expect("a question with a name of legal length has a form");
        Self { id: message.metadata.id, bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads what came back.
    ///
    /// A reply has this request's id and question (RFC 5452 §9.1). The question may be left out by
    /// a server that says it failed, for one that can't read the question can't repeat it.
    pub(crate) fn read(&self, question: &Question, bytes: &[u8]) -> Received {
        let mut decoder = BinDecoder::new(bytes);
        let Ok(header) = Header::read(&mut decoder) else { return Received::Stray(Stray::NoReply) };
        let about = &header.metadata;
        if about.id != self.id {
            return Received::Stray(Stray::Id);
        }
        if about.message_type != MessageType::Response || about.op_code != OpCode::Query {
            return Received::Stray(Stray::NoReply);
        }
        let repeated = match header.counts.queries {
            0 => false,
            1 if repeats(bytes, &mut decoder, question) => true,
            _ => return Received::Stray(Stray::Question),
        };
        let says_something =
            matches!(about.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
        match (repeated, about.truncation) {
            (false, _) if says_something => Received::Stray(Stray::NoQuestion),
            (false, _) => Received::Failed { code: about.response_code.into(), extended: None },
            (true, true) => Received::Truncated,
            (true, false) => match Reply::read(question, &header, bytes, decoder) {
                Ok(received) => received,
                Err(Unreadable { what, is_cut: true }) => Received::Cut(what),
                Err(Unreadable { what, .. }) => Received::Malformed(what),
            },
        }
    }
}

/// Whether the next thing in the message is this question.
fn repeats(bytes: &[u8], decoder: &mut BinDecoder<'_>, question: &Question) -> bool {
    let mut read = || {
        let name = read_name(bytes, decoder)?;
        let record_type = decoder.read_u16().ok()?.unverified();
        let class = decoder.read_u16().ok()?.unverified();
        Some((name, record_type, class))
    };
    read().is_some_and(|(name, record_type, class)| {
        name == question.name
            && record_type == u16::from(question.record_type())
            && class == u16::from(DNSClass::IN)
    })
}
