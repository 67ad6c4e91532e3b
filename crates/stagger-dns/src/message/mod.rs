//! DNS messages: the request that is sent, and the reply to it (RFC 1035 §4).
//!
//! `hickory-proto` reads the parts of a message. This module decides which parts are read, and how
//! many, because the bytes come from the network. The worst message of 65 535 bytes has thousands
//! of records under names that are chains of thousands of pointers. The reader of `hickory-proto`
//! takes 0.2 s for it. With the limits here it takes about 1 ms (release builds on one core).

pub(crate) mod code;
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

pub(crate) use self::reply::{AliasChain, ChainResult, ExtendedError, Received, Reply};
use self::section::{Unreadable, read_name};
pub(crate) use self::stray::{Stray, Strays};
use crate::question::Question;

/// The largest datagram with which a server may answer, which EDNS tells it (RFC 6891 §6.2.3): 1232
/// bytes.
///
/// It is IPv6's least MTU of 1280 without the headers of IPv6 and UDP, so nearly every path passes
/// it in one piece. Without EDNS the limit is 512 bytes (RFC 1035 §4.2.1).
const MAX_PAYLOAD: u16 = 1232;

/// The message that asks a question.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    id: u16,
    bytes: Vec<u8>,
}

impl Request {
    /// Asks with recursion, under an id that can't be guessed. The id comes from the cryptographic
    /// generator of `rand`, which the system seeds.
    ///
    /// With `edns` it says that this machine can receive datagrams of [`MAX_PAYLOAD`] bytes.
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

    /// Reads a message that may be the reply.
    ///
    /// A reply has the id and the question of this request (RFC 5452 §9.1). A server that failed
    /// may leave the question out, because it may have failed to read it.
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

/// Whether this question is the next part of the message.
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
