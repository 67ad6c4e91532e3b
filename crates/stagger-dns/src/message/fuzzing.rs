//! What must hold of whatever comes back for a question.

use std::collections::HashSet;
use std::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, Record};

use super::reply::MAX_ALIASES;
use super::section::MAX_RECORDS;
use super::{AliasChain, ChainResult, Received, Reply, Request};
use crate::cache::{MAX_NEGATIVE_TTL, MAX_TTL};
use crate::question::{Question, name_of};

/// What is asked for.
const NAMES: [&str; 4] = ["www.example.com", "a.example", "_x._tcp.xn--bcher-kva.example", "a"];

const HEADER: usize = 12;

/// Reads the bytes as the reply to a question, and follows the aliases in it.
///
/// The first byte says what is asked and how: bit 0 IPv6, bit 1 EDNS, bits 2 and 3 the name. With
/// bit 4 the reply keeps its own id, which else becomes the question's; with bit 5 the question is
/// put in behind the header, so that all that follows is records.
pub fn message(input: &[u8]) {
    let Some((about, message)) = input.split_first() else { return };
    let kind =
        if about & 1 == 0 { stagger::resolve::Record::A } else { stagger::resolve::Record::Aaaa };
    let name = NAMES[usize::from(about >> 2 & 3)];
    let question = Question::new(name_of(name).expect("a name"), kind);
    let request = Request::new(&question, about & 2 != 0);
    let (keeps_id, adds_question) = (about & 16 != 0, about & 32 != 0);

    let mut message = message.to_vec();
    if !keeps_id && message.len() >= 2 {
        message[..2].copy_from_slice(&request.bytes()[..2]);
    }
    if adds_question && message.len() >= HEADER {
        let end = HEADER + question.name.len() + 4;
        message.splice(HEADER..HEADER, request.bytes()[HEADER..end].iter().copied());
        message[4..6].copy_from_slice(&[0, 1]);
    }

    let received = request.read(&question, &message);
    let belongs = message.len() >= HEADER
        && message[..2] == request.bytes()[..2]
        && message[2] & 0xf8 == 0x80; // a reply to a query
    assert!(
        belongs || matches!(received, Received::Stray(_)),
        "it belongs to nobody: {received:?}"
    );
    let whole = Message::from_vec(&message).ok();
    match received {
        Received::Stray(_) => {}
        Received::Truncated => assert!(message[2] & 2 != 0, "it is not said to be cut short"),
        Received::Cut(why) | Received::Malformed(why) => {
            let is_bounded = message.iter().filter(|byte| **byte >= 0xc0).count() < 128;
            assert!(whole.is_none() || !is_bounded, "it can be read, but {why}: {whole:?}");
        }
        Received::Failed { code, .. } => {
            assert_eq!(code & 15, u16::from(message[3] & 15));
            assert!(![0, 3].contains(&code));
        }
        Received::Lame => assert_eq!(message[3] & 15, 0),
        Received::Reply(reply) => {
            check(reply, &question, &message, whole.as_ref());
        }
    }
}

/// What a reply comes to is in its bytes, within every limit; and it is what the reply as a whole
/// says, where hickory can read that.
fn check(reply: Reply, question: &Question, bytes: &[u8], whole: Option<&Message>) {
    let mut chain = AliasChain::new(question.name.clone());
    let verdict = reply.follow(&mut chain);
    assert!(chain.aliases() <= MAX_ALIASES);
    let names: HashSet<_> = chain.names.iter().collect();
    assert_eq!(names.len(), chain.names.len(), "a name twice: {chain:?}");

    match &verdict {
        ChainResult::Found { addresses, ttl } => {
            assert!((1..=MAX_RECORDS).contains(&addresses.len()) && *ttl <= MAX_TTL);
            let distinct: HashSet<_> = addresses.iter().collect();
            assert_eq!(distinct.len(), addresses.len());
            for address in addresses {
                assert_eq!(address.is_ipv6(), (question.record == stagger::resolve::Record::Aaaa));
                assert!(holds(bytes, *address), "{address} is not in the reply");
            }
        }
        ChainResult::NotFound { ttl } | ChainResult::NoAddress { ttl } => {
            assert!(ttl.is_none_or(|ttl| ttl <= MAX_NEGATIVE_TTL));
        }
        _ => {}
    }

    // A failure is not read any further.
    let Some(whole) = whole.filter(|whole| whole.queries.len() == 1) else { return };
    let sections = [&whole.answers, &whole.authorities, &whole.additionals];
    if sections.into_iter().map(Vec::len).sum::<usize>() >= MAX_RECORDS {
        return;
    }
    match verdict {
        ChainResult::Found { addresses, .. } => {
            assert_eq!(whole.metadata.response_code, ResponseCode::NoError);
            assert_eq!(Some(addresses), found(whole, question), "{whole:?}");
        }
        ChainResult::NotFound { .. } => {
            assert_eq!(whole.metadata.response_code, ResponseCode::NXDomain);
        }
        ChainResult::TooMuch => panic!("it was read to its end"),
        ChainResult::Circle | ChainResult::TooLong => {
            let code = whole.metadata.response_code;
            assert!(code != ResponseCode::NoError || found(whole, question).is_none());
        }
        ChainResult::NoAddress { .. } | ChainResult::AskOn => {
            assert_eq!(Some(Vec::new()), found(whole, question), "{whole:?}");
        }
    }
}

fn holds(bytes: &[u8], address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => bytes.windows(4).any(|bytes| bytes == address.octets()),
        IpAddr::V6(address) => bytes.windows(16).any(|bytes| bytes == address.octets()),
    }
}

/// The addresses at the end of the aliases, each once; nothing if the aliases have no end.
fn found(whole: &Message, question: &Question) -> Option<Vec<IpAddr>> {
    let mut name = &question.name;
    let owned = |record: &&Record| record.dns_class == DNSClass::IN;
    for _ in 0..=MAX_ALIASES {
        let of_name = || whole.answers.iter().filter(owned).filter(|record| &record.name == name);
        let alias = of_name().find_map(|record| match &record.data {
            RData::CNAME(alias) => Some(&alias.0),
            _ => None,
        });
        let Some(alias) = alias else {
            let mut addresses = Vec::new();
            for record in of_name() {
                match (&record.data, question.record) {
                    (RData::A(a), stagger::resolve::Record::A) => addresses.push(IpAddr::V4(a.0)),
                    (RData::AAAA(aaaa), stagger::resolve::Record::Aaaa) => {
                        addresses.push(IpAddr::V6(aaaa.0))
                    }
                    _ => {}
                }
            }
            let mut seen = HashSet::new();
            addresses.retain(|address| seen.insert(*address));
            return Some(addresses);
        };
        name = alias;
    }
    None
}
