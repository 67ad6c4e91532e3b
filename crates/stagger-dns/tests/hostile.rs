//! Hostile and broken replies.

mod support;

use hickory_proto::op::ResponseCode::NoError;
use hickory_proto::rr::RecordType;
use stagger_testkit::ms;
use support::{Asked, Replies, after, name, one};

/// Stray datagrams, one each millisecond, and the reply after them.
fn strays(asked: &Asked, count: u64) -> Replies {
    let mut said = Vec::new();
    for at in 1..=count {
        let mut stray = asked.found(&["192.0.2.66"]);
        stray.metadata.id = stray.metadata.id.wrapping_add(at as u16);
        said.push((ms(at), Ok(stray.to_vec().unwrap())));
    }
    said.extend(after(count + 1, asked.found(&["192.0.2.1"])));
    said
}

#[test]
fn a_wrong_id_is_ignored_and_the_reply_still_awaited() {
    let scene = one(|asked| strays(asked, 15));
    assert_eq!(scene.ipv4("a.example"), "16 A 192.0.2.1:80");
    assert_eq!(scene.servers.log().len(), 1);
}

#[test]
fn after_sixteen_datagrams_that_do_not_belong_the_question_goes_over_tcp() {
    let scene = one(|asked| match asked.tcp {
        true => after(5, asked.found(&["192.0.2.1"])),
        false => strays(asked, 100),
    });
    assert_eq!(scene.ipv4("a.example"), "21 A 192.0.2.1:80");
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. A", "16 #1 tcp a.example. A"]);
}

#[test]
fn a_flood_in_one_instant_is_left_after_sixteen_datagrams() {
    let scene = one(|asked| match asked.tcp {
        true => after(5, asked.found(&["192.0.2.1"])),
        false => (0..100_000).map(|_| (ms(1), Ok(b"garbage".to_vec()))).collect(),
    });
    assert_eq!(scene.ipv4("a.example"), "6 A 192.0.2.1:80");
    assert!(scene.clock.polls() < 10);
}

#[test]
fn the_reply_to_another_question_is_ignored() {
    let others: [fn(&mut hickory_proto::op::Message); 4] = [
        |reply| reply.queries[0].name = name("b.example."),
        |reply| reply.queries[0].query_type = RecordType::AAAA,
        |reply| reply.queries.clear(),
        |reply| reply.metadata.message_type = hickory_proto::op::MessageType::Query,
    ];
    for change in others {
        let scene = one(move |asked| {
            let mut other = asked.found(&["192.0.2.66"]);
            change(&mut other);
            let mut said = after(1, other);
            said.extend(after(10, asked.found(&["192.0.2.1"])));
            said
        });
        assert_eq!(scene.ipv4("a.example"), "10 A 192.0.2.1:80");
    }
}

#[test]
fn an_empty_datagram_and_half_a_header_are_ignored() {
    let scene = one(|asked| {
        let reply = asked.found(&["192.0.2.1"]).to_vec().unwrap();
        let cut = |length: usize| Ok(reply[..length].to_vec());
        vec![(ms(1), cut(0)), (ms(1), cut(1)), (ms(2), cut(11)), (ms(3), Ok(reply.clone()))]
    });
    assert_eq!(scene.ipv4("a.example"), "3 A 192.0.2.1:80");
}

#[test]
fn of_two_replies_the_first_counts_and_the_second_is_never_read() {
    let scene = one(|asked| {
        let mut said = after(10, asked.found(&["192.0.2.1"]));
        said.extend(after(10, asked.found(&["192.0.2.66"])));
        said
    });
    assert_eq!(scene.ipv4("a.example"), "10 A 192.0.2.1:80");
}

#[test]
fn a_reply_after_the_timeout_is_late() {
    let scene = one(|asked| after(1001, asked.found(&["192.0.2.1"])));
    assert_eq!(scene.ipv4("a.example"), "1000 A TimedOut");
    let scene = one(|asked| after(1000, asked.found(&["192.0.2.1"])));
    assert_eq!(scene.ipv4("a.example"), "1000 A 192.0.2.1:80");
}

#[test]
fn strays_do_not_prolong_the_wait() {
    let scene =
        one(|asked| (1..=15).map(|n| (ms(n * 100), strays(asked, 1).remove(0).1)).collect());
    assert_eq!(scene.ipv4("a.example"), "1000 A TimedOut");
}

#[test]
fn ten_thousand_addresses_over_tcp_are_cut_to_a_thousand() {
    let scene = one(|asked| {
        let mut reply = asked.reply(NoError);
        reply.metadata.truncation = !asked.tcp;
        let mut bytes = reply.to_vec().unwrap();
        if asked.tcp {
            bytes[6..8].copy_from_slice(&10_000_u16.to_be_bytes());
            for index in 0..4000_u16 {
                let [high, low] = index.to_be_bytes();
                bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, high, low]);
            }
        }
        vec![(ms(10), Ok(bytes))]
    });
    let answer_lines = scene.resolve("a.example:80", stagger::resolve::Families::Ipv4);
    assert_eq!(answer_lines[0].1.addresses().count(), 1024);
}

#[test]
fn a_record_that_claims_more_bytes_than_there_are_is_malformed() {
    let scene = one(|asked| {
        let mut bytes = asked.reply(NoError).to_vec().unwrap();
        bytes[7] = 1;
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 192, 0, 2, 1]);
        vec![(ms(10), Ok(bytes))]
    });
    // It may have been cut on the way, so the question goes over TCP too.
    assert_eq!(scene.ipv4("a.example"), "20 A Malformed");
}

#[test]
fn names_that_point_in_a_circle_are_malformed() {
    let scene = one(|asked| {
        let mut bytes = asked.reply(NoError).to_vec().unwrap();
        bytes[7] = 1;
        let here = u8::try_from(bytes.len()).unwrap();
        bytes.extend([0xc0, here + 2, 0xc0, here, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0]);
        vec![(ms(10), Ok(bytes))]
    });
    assert_eq!(scene.ipv4("a.example"), "10 A Malformed");
}
