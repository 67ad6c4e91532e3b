//! Messages by hand and from the encoder. The file is long because its short cases share one way to
//! write a reply.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::MessageType;
use hickory_proto::op::ResponseCode::{self, NXDomain, NoError};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::*;
use crate::question::name_of;

fn name(text: &str) -> Name {
    name_of(text).unwrap()
}

fn question(text: &str) -> Question {
    Question::new(name(text), stagger::resolve::Record::A)
}

fn asked(text: &str) -> (Question, Request) {
    let question = question(text);
    let request = Request::new(&question, true);
    (question, request)
}

fn reply(request: &Request) -> Message {
    let mut reply = Message::from_vec(request.bytes()).unwrap();
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_available = true;
    reply.edns = None;
    reply
}

fn address(owner: &str, ttl: u32, last: u8) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A::new(192, 0, 2, last)))
}

fn alias(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

fn authority(zone: &str, ttl: u32, minimum: u32) -> Record {
    let zone = if zone.is_empty() { Name::root() } else { name(zone) };
    let soa = SOA::new(name("a"), name("b"), 1, 2, 3, 4, minimum);
    Record::from_rdata(zone, ttl, RData::SOA(soa))
}

/// The result of a reply with these records.
fn verdict(text: &str, code: ResponseCode, answers: Vec<Record>, soa: Vec<Record>) -> ChainResult {
    let (question, request) = asked(text);
    let mut message = reply(&request);
    message.metadata.response_code = code;
    message.add_answers(answers);
    message.add_authorities(soa);
    match request.read(&question, &message.to_vec().unwrap()) {
        Received::Reply(reply) => reply.follow(&mut AliasChain::new(question.name)),
        other => panic!("{other:?}"),
    }
}

fn found(last: impl IntoIterator<Item = u8>, seconds: u64) -> ChainResult {
    let addresses = last.into_iter().map(|last| IpAddr::from([192, 0, 2, last])).collect();
    ChainResult::Found { addresses, ttl: Duration::from_secs(seconds) }
}

#[test]
fn a_question_asks_for_recursion_and_says_what_it_can_receive() {
    let (_, request) = asked("a.example");
    let message = Message::from_vec(request.bytes()).unwrap();
    assert!(message.metadata.recursion_desired);
    assert_eq!(message.edns.as_ref().unwrap().max_payload(), 1232);
    assert_eq!((message.queries.len(), message.queries[0].name()), (1, &name("a.example")));
    let plain = Request::new(&question("a.example"), false);
    assert!(Message::from_vec(plain.bytes()).unwrap().edns.is_none());
}

#[test]
fn ids_are_drawn_anew_from_the_whole_range() {
    let ids: Vec<_> = (0..64).map(|_| asked("a.example").1.id).collect();
    // 64 random ids of 65 536 practically never share a half, or are nearly all equal.
    assert!(ids.iter().any(|id| *id < 0x8000) && ids.iter().any(|id| *id >= 0x8000));
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 50, "{ids:?}");
}

#[test]
fn the_longest_name_makes_a_question() {
    let (question, request) = asked(&format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61)));
    let mut message = reply(&request);
    message.add_answer(Record::from_rdata(question.name.clone(), 1, RData::A(A::new(1, 2, 3, 4))));
    let received = request.read(&question, &message.to_vec().unwrap());
    let Received::Reply(reply) = received else { panic!("{received:?}") };
    assert!(matches!(reply.follow(&mut AliasChain::new(question.name)), ChainResult::Found { .. }));
}

#[test]
fn addresses_of_the_name_are_found_once_each_with_the_shortest_ttl() {
    let answers = vec![
        address("A.Example", 300, 1),
        address("a.example", 200, 2),
        address("a.example", 400, 1),
    ];
    assert_eq!(verdict("a.example", NoError, answers, vec![]), found([1, 2], 200));
}

#[test]
fn records_of_other_names_do_not_count() {
    let answers = vec![address("b.example", 300, 9), address("a.example", 300, 1)];
    assert_eq!(verdict("a.example", NoError, answers, vec![]), found([1], 300));
    let answers = vec![alias("b.example", 9, "c.example"), address("c.example", 9, 9)];
    let soa = vec![authority("example", 60, 60)];
    let ttl = Some(Duration::from_secs(60));
    assert_eq!(verdict("a.example", NoError, answers, soa), ChainResult::NoAddress { ttl });
}

#[test]
fn aliases_are_followed_in_any_order_of_records_and_their_ttl_counts() {
    let answers = vec![
        address("c.example", 300, 1),
        alias("b.example", 20, "c.example"),
        alias("a.example", 30, "B.example"),
    ];
    assert_eq!(verdict("a.example", NoError, answers, vec![]), found([1], 20));
}

#[test]
fn an_alias_without_its_address_is_asked_for_unless_the_zone_says_there_is_none() {
    let answers = || vec![alias("a.example", 30, "b.test")];
    assert_eq!(verdict("a.example", NoError, answers(), vec![]), ChainResult::AskOn);
    let foreign = vec![authority("example", 60, 60)];
    assert_eq!(verdict("a.example", NoError, answers(), foreign), ChainResult::AskOn);
    let own = vec![authority("test", 60, 60)];
    let ttl = Some(Duration::from_secs(30));
    assert_eq!(verdict("a.example", NoError, answers(), own), ChainResult::NoAddress { ttl });
    assert_eq!(
        verdict("a.example", NXDomain, answers(), vec![]),
        ChainResult::NotFound { ttl: None }
    );
}

#[test]
fn a_circle_of_aliases_is_noticed() {
    let answers = vec![alias("a.example", 30, "b.example"), alias("b.example", 30, "a.example")];
    assert_eq!(verdict("a.example", NoError, answers, vec![]), ChainResult::Circle);
    let answers = vec![alias("a.example", 30, "a.example")];
    assert_eq!(verdict("a.example", NoError, answers, vec![]), ChainResult::Circle);
}

#[test]
fn sixteen_aliases_are_followed_and_no_more() {
    let chain = |aliases: usize| {
        let link = |i| alias(&format!("n{i}.example"), 30, &format!("n{}.example", i + 1));
        let mut answers: Vec<_> = (0..aliases).map(link).collect();
        answers.push(address(&format!("n{aliases}.example"), 30, 1));
        verdict("n0.example", NoError, answers, vec![])
    };
    assert_eq!(chain(16), found([1], 30));
    assert_eq!(chain(17), ChainResult::TooLong);
}

#[test]
fn a_negative_answer_is_kept_as_long_as_the_zone_says_and_no_longer_than_three_hours() {
    let seconds = |ttl, minimum| {
        let soa = vec![authority("example", ttl, minimum)];
        match verdict("a.example", NXDomain, vec![], soa) {
            ChainResult::NotFound { ttl } => ttl.unwrap().as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(seconds(60, 3600), 60);
    assert_eq!(seconds(3600, 60), 60);
    assert_eq!(seconds(1_000_000, 1_000_000), 10_800);
    assert_eq!(seconds(u32::MAX, 60), 0);
    assert_eq!(seconds(60, u32::MAX), 60);
}

#[test]
fn a_negative_answer_without_a_zone_is_not_kept() {
    assert_eq!(verdict("a.example", NoError, vec![], vec![]), ChainResult::NoAddress { ttl: None });
    let soa = vec![authority("other.example", 60, 60)];
    assert_eq!(verdict("a.example", NXDomain, vec![], soa), ChainResult::NotFound { ttl: None });
}

#[test]
fn a_name_that_does_not_exist_has_no_address_whatever_else_is_said() {
    let answers = vec![address("a.example", 300, 1)];
    assert_eq!(
        verdict("a.example", NXDomain, answers, vec![]),
        ChainResult::NotFound { ttl: None }
    );
}

#[test]
fn a_ttl_is_a_day_at_the_most_and_none_with_its_top_bit_set() {
    for (ttl, seconds) in [(0, 0), (86_401, 86_400), (i32::MAX as u32, 86_400), (1 << 31, 0)] {
        let answers = vec![address("a.example", ttl, 1)];
        assert_eq!(verdict("a.example", NoError, answers, vec![]), found([1], seconds));
    }
}

#[test]
fn what_does_not_belong_to_the_question_is_stray() {
    let (question, request) = asked("a.example");
    let stray = |change: &dyn Fn(&mut Message)| {
        let mut message = reply(&request);
        change(&mut message);
        request.read(&question, &message.to_vec().unwrap())
    };
    assert!(matches!(
        stray(&|message| {
            message.add_answer(address("a.example", 9, 1));
        }),
        Received::Reply(_)
    ));
    assert_eq!(stray(&|message| message.metadata.id ^= 1), Received::Stray(Stray::Id));
    assert_eq!(
        stray(&|message| message.metadata.message_type = MessageType::Query),
        Received::Stray(Stray::NoReply)
    );
    assert_eq!(
        stray(&|message| message.metadata.op_code = OpCode::Status),
        Received::Stray(Stray::NoReply)
    );
    assert_eq!(
        stray(&|message| message.queries[0].name = name("b.example")),
        Received::Stray(Stray::Question)
    );
    assert_eq!(
        stray(&|message| {
            message.queries[0].query_type = RecordType::AAAA;
        }),
        Received::Stray(Stray::Question)
    );
    assert_eq!(
        stray(&|message| message.queries[0].query_class = DNSClass::CH),
        Received::Stray(Stray::Question)
    );
    assert_eq!(
        stray(&|message| {
            message.queries.clear();
        }),
        Received::Stray(Stray::NoQuestion)
    );
    assert_eq!(
        stray(&|message| {
            let again = message.queries[0].clone();
            message.queries.push(again);
        }),
        Received::Stray(Stray::Question)
    );
}

#[test]
fn letter_case_in_the_question_does_not_count() {
    let (question, request) = asked("a.example");
    let mut message = reply(&request);
    message.queries[0].name = Name::from_ascii("A.eXample.").unwrap();
    let received = request.read(&question, &message.to_vec().unwrap());
    assert!(matches!(received, Received::Reply(_)), "{received:?}");
}

#[test]
fn a_failure_without_the_question_is_taken_and_nothing_else_is() {
    let (question, request) = asked("a.example");
    for (code, taken) in [
        (ResponseCode::FormErr, true),
        (ResponseCode::ServFail, true),
        (ResponseCode::Refused, true),
        (NoError, false),
        (NXDomain, false),
    ] {
        let mut message = reply(&request);
        message.queries.clear();
        message.metadata.response_code = code;
        let received = request.read(&question, &message.to_vec().unwrap());
        let is_taken = received == Received::Failed { code: code.into(), extended: None };
        assert_eq!((code, is_taken), (code, taken));
        assert_eq!(received == Received::Stray(Stray::NoQuestion), !taken);
    }
}

#[test]
fn a_message_cut_anywhere_is_stray_or_malformed_and_never_a_panic() {
    let (question, request) = asked("a.example");
    let mut message = reply(&request);
    message.add_answers([alias("a.example", 1, "b.example"), address("b.example", 1, 1)]);
    message.add_authority(authority("example", 1, 1));
    message.set_edns(Edns::new());
    let bytes = message.to_vec().unwrap();
    assert!(matches!(request.read(&question, &bytes), Received::Reply(_)));
    let end_of_question = 12 + "1a7example0".len() + 4;
    for length in 0..bytes.len() {
        let received = request.read(&question, &bytes[..length]);
        match length < end_of_question {
            true => assert!(matches!(received, Received::Stray(_)), "{length} bytes"),
            false => assert!(matches!(received, Received::Cut(_)), "{length} bytes: {received:?}"),
        }
    }
}

#[test]
fn a_message_with_any_byte_changed_is_no_panic() {
    let (question, request) = asked("a.example");
    let mut message = reply(&request);
    message.add_answers([alias("a.example", 1, "b.example"), address("b.example", 1, 1)]);
    message.add_authority(authority("example", 1, 1));
    message.set_edns(Edns::new());
    let bytes = message.to_vec().unwrap();
    for index in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut bytes = bytes.clone();
            bytes[index] = value;
            if let Received::Reply(reply) = request.read(&question, &bytes) {
                reply.follow(&mut AliasChain::new(question.name.clone()));
            }
        }
    }
}

#[test]
fn an_address_of_the_other_record_does_not_count() {
    let aaaa = RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let other = Record::from_rdata(name("a.example"), 9, aaaa);
    let both = vec![other.clone(), address("a.example", 9, 1)];
    assert_eq!(verdict("a.example", NoError, both, vec![]), found([1], 9));
    let nothing = ChainResult::NoAddress { ttl: None };
    assert_eq!(verdict("a.example", NoError, vec![other], vec![]), nothing);
}

#[test]
fn a_record_of_another_type_may_hold_anything() {
    let (question, request) = asked("a.example");
    let mut bytes = reply(&request).to_vec().unwrap();
    bytes[7] = 2; // answers
    bytes.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 2, 0xff, 0xff]); // half an SRV record
    bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
    let Received::Reply(reply) = request.read(&question, &bytes) else { panic!("no reply") };
    assert_eq!(reply.follow(&mut AliasChain::new(question.name)), found([1], 9));
}

#[test]
fn data_of_a_wrong_length_is_malformed() {
    let (question, request) = asked("a.example");
    for data in [&[1, 0, 3, 1, 2, 3][..], &[1, 0, 5, 1, 2, 3, 4, 5], &[5, 0, 3, 0xc0, 12, 0]] {
        let mut bytes = reply(&request).to_vec().unwrap();
        bytes[7] = 1;
        bytes.extend([0xc0, 12, 0, data[0], 0, 1, 0, 0, 0, 9]);
        bytes.extend(&data[1..]);
        let received = request.read(&question, &bytes);
        assert!(matches!(received, Received::Malformed(_)), "{data:?}: {received:?}");
    }
}

#[test]
fn a_name_that_points_to_itself_or_ahead_is_malformed() {
    let (question, request) = asked("a.example");
    let base = reply(&request).to_vec().unwrap();
    let here = u8::try_from(base.len()).unwrap();
    for target in [here, here + 2, here + 12] {
        let mut bytes = base.clone();
        bytes[7] = 1;
        bytes.extend([0xc0, target, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        let received = request.read(&question, &bytes);
        assert!(matches!(received, Received::Malformed(_)), "{received:?}");
    }
}

/// The most work in one message: records whose names are a chain of this number of pointers. Each
/// pointer leads to the one before it.
fn chain_of_pointers(request: &Request, pointers: usize) -> Vec<u8> {
    let mut bytes = reply(request).to_vec().unwrap();
    // The chain is the data of a record of an unknown type.
    bytes.extend([0, 3, 231, 0, 1, 0, 0, 0, 0]);
    bytes.extend(u16::try_from(2 * pointers).unwrap().to_be_bytes());
    let mut target = bytes.len();
    bytes.extend([0, 0]);
    for _ in 1..pointers {
        let at = bytes.len();
        bytes.extend((0xc000 | u16::try_from(target).unwrap()).to_be_bytes());
        target = at;
    }
    let mut records = 1_u16;
    while bytes.len() + 16 <= 65_535 {
        bytes.extend((0xc000 | u16::try_from(target).unwrap()).to_be_bytes());
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1]);
        records += 1;
    }
    bytes[6..8].copy_from_slice(&records.to_be_bytes());
    bytes
}

#[test]
fn a_name_through_more_pointers_than_it_can_have_labels_is_malformed() {
    let (question, request) = asked("a.example");
    let longest = request.read(&question, &chain_of_pointers(&request, 127));
    assert!(matches!(longest, Received::Reply(_)), "{longest:?}");
    for pointers in [128, 8000] {
        let received = request.read(&question, &chain_of_pointers(&request, pointers));
        assert_eq!(received, Received::Malformed("a record's name can't be read"));
    }
}

#[test]
fn of_ten_thousand_records_a_thousand_are_read() {
    let (question, request) = asked("a.example");
    let mut bytes = reply(&request).to_vec().unwrap();
    bytes[6..8].copy_from_slice(&10_000_u16.to_be_bytes());
    for index in 0..1024_u16 {
        let [high, low] = index.to_be_bytes();
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, high, low]);
    }
    // The parts after it are not read, so they may be missing.
    let Received::Reply(reply) = request.read(&question, &bytes) else { panic!("no reply") };
    let ChainResult::Found { addresses, .. } = reply.follow(&mut AliasChain::new(question.name))
    else {
        panic!("nothing found")
    };
    assert_eq!(addresses.len(), 1024);
}

#[test]
fn if_nothing_of_use_is_in_what_is_read_there_are_too_many_records() {
    let (question, request) = asked("a.example");
    let mut bytes = reply(&request).to_vec().unwrap();
    bytes[6..8].copy_from_slice(&u16::MAX.to_be_bytes());
    for _ in 0..1024 {
        bytes.extend([0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1]);
    }
    let Received::Reply(reply) = request.read(&question, &bytes) else { panic!("no reply") };
    assert_eq!(reply.follow(&mut AliasChain::new(question.name)), ChainResult::TooMuch);
}

#[test]
fn a_reply_with_fewer_records_than_its_header_promises_is_cut() {
    let (question, request) = asked("a.example");
    let mut bytes = reply(&request).to_vec().unwrap();
    bytes[6..12].fill(0xff);
    let received = request.read(&question, &bytes);
    assert!(matches!(received, Received::Cut(_)), "{received:?}");
}

#[test]
fn an_extended_error_is_read_with_its_words_and_the_upper_bits_of_the_code() {
    let (question, request) = asked("a.example");
    let mut bytes = reply(&request).to_vec().unwrap();
    bytes[11] = 1;
    // BADVERS is 16: the upper bits in the TTL, the lower ones 0 in the header.
    bytes.extend([0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 14]);
    bytes.extend([0, 3, 0, 0, 0, 15, 0, 6, 0, 22, b'd', b'o', b'w', b'n']);
    let extended = Some(ExtendedError { code: 22, words: "down".into() });
    assert_eq!(request.read(&question, &bytes), Received::Failed { code: 16, extended });
}

#[test]
fn options_that_end_too_early_are_left_aside() {
    let (question, request) = asked("a.example");
    for options in [&[0][..], &[0, 15, 0], &[0, 15, 0, 9, 0, 1], &[0, 15, 0, 1, 0]] {
        let mut bytes = reply(&request).to_vec().unwrap();
        bytes[3] = 2; // SERVFAIL
        bytes[11] = 1;
        bytes.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, u8::try_from(options.len()).unwrap()]);
        bytes.extend(options);
        let expected = Received::Failed { code: 2, extended: None };
        assert_eq!(request.read(&question, &bytes), expected);
    }
}

#[test]
fn a_reply_with_nothing_is_lame_unless_its_server_has_authority_makes_recursion_or_names_the_zone()
{
    let (question, request) = asked("a.example");
    let received = |change: &dyn Fn(&mut Message)| {
        let mut message = reply(&request);
        message.metadata.recursion_available = false;
        change(&mut message);
        request.read(&question, &message.to_vec().unwrap())
    };
    let refers = |message: &mut Message| {
        let ns = NS(name("ns.example"));
        message.add_authority(Record::from_rdata(name("example"), 9, RData::NS(ns)));
    };
    assert_eq!(received(&|_| ()), Received::Lame);
    assert_eq!(received(&refers), Received::Lame);
    assert_eq!(
        received(&|message| {
            message.set_edns(Edns::new());
        }),
        Received::Lame
    );
    let is_reply = |change: &dyn Fn(&mut Message)| matches!(received(change), Received::Reply(_));
    assert!(is_reply(&|message| message.metadata.recursion_available = true));
    assert!(is_reply(&|message| message.metadata.authoritative = true));
    assert!(is_reply(&|message| {
        message.add_authority(authority("example", 1, 1));
    }));
    assert!(is_reply(&|message| {
        message.add_answer(alias("a.example", 1, "b.example"));
    }));
    // The SOA of another zone does not count.
    assert!(is_reply(&|message| message.metadata.response_code = NXDomain));
}
