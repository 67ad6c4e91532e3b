//! Which server is asked, when, and over which transport. The file is long because its short cases
//! share the same servers.

mod support;

use std::io;

use hickory_proto::op::Edns;
use hickory_proto::op::ResponseCode::{BADVERS, FormErr, NoError, NotImp, Refused, ServFail};
use stagger::error::LookupErrorKind;
use stagger::resolve::Families;
use stagger_dns::ServerPolicy;
use stagger_testkit::ms;
use support::{Asked, Replies, Scene, after, config, fails, line, name_server, one, silence};

fn found(asked: &Asked) -> Replies {
    after(10, asked.found(&["192.0.2.80"]))
}

#[test]
fn beside_a_silent_server_the_next_is_asked_and_from_then_on_it_is_the_first() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "510 A 192.0.2.80:80");
    assert_eq!(scene.ipv4("b.example"), "520 A 192.0.2.80:80");
    let expected = ["0 #1 a.example. A", "500 #2 a.example. A", "510 #2 b.example. A"];
    assert_eq!(scene.servers.lines(), expected);
}

#[test]
fn a_silent_server_is_probed_beside_the_good_one_until_it_answers() {
    let scene = Scene::new(config(2), |asked| match (asked.server, asked.at.as_millis()) {
        (1, 0..15_000) => silence(),
        (1, _) => after(5, asked.found(&["192.0.2.81"])),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "510 A 192.0.2.80:80");
    // Its time is over, and it is still silent.
    scene.clock.advance(ms(10_000));
    assert_eq!(scene.ipv4("b.example"), "10520 A 192.0.2.80:80");
    assert_eq!(scene.ipv4("c.example"), "10530 A 192.0.2.80:80");
    scene.clock.advance(ms(10_000));
    assert_eq!(scene.ipv4("d.example"), "20535 A 192.0.2.81:80");
    assert_eq!(scene.ipv4("e.example"), "20540 A 192.0.2.81:80");
    assert_eq!(
        scene.servers.lines(),
        [
            "0 #1 a.example. A",
            "500 #2 a.example. A",
            "10510 #2 b.example. A",
            "10510 #1 b.example. A",
            "10520 #2 c.example. A",
            "20530 #2 d.example. A",
            "20530 #1 d.example. A",
            "20535 #1 e.example. A"
        ]
    );
}

#[test]
fn a_server_that_is_back_and_slower_than_the_other_has_its_turn_after_ten_minutes() {
    let scene = Scene::new(config(2), |asked| match (asked.server, asked.at.as_millis()) {
        (1, 0..2000) => silence(),
        (1, _) => after(20, asked.found(&["192.0.2.81"])),
        _ => found(asked),
    });
    let answers = |scene: &Scene| scene.ipv4("a.example").ends_with("192.0.2.81:80");
    assert!(!answers(&scene));
    let mut minutes = 0;
    while !answers(&scene) {
        scene.clock.advance(ms(60_000));
        minutes += 1;
        assert!(minutes <= 10, "it is not asked in its turn again");
    }
    assert_eq!(minutes, 10);
    assert!(answers(&scene), "it stays the first");
}

#[test]
fn a_cleared_cache_forgets_servers_and_failures_too() {
    let scene = Scene::new(config(2), |asked| match (asked.server, &asked.name[..]) {
        (_, "fails.example.") => after(5, asked.reply(ServFail)),
        (1, _) => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "510 A 192.0.2.80:80");
    scene.error("fails.example");
    assert!(scene.error("fails.example").remembered().is_some());
    scene.resolver.clear_cache();
    assert_eq!(scene.error("fails.example").remembered(), None);
    assert_eq!(scene.servers.log().last().unwrap().server, 2);
    assert_eq!(scene.servers.log().iter().rev().nth(1).unwrap().server, 1);
}

#[test]
fn a_server_whose_round_trips_are_known_is_late_sooner() {
    let scene = Scene::new(config(2), |asked| match (asked.server, &asked.name[..]) {
        (1, "late.example.") => silence(),
        _ => found(asked),
    });
    for name in ["a.example", "b.example", "c.example"] {
        scene.ipv4(name);
    }
    // Three round trips of 10 ms. The delay is at least a fifth of 500 ms.
    assert_eq!(scene.ipv4("late.example"), "140 A 192.0.2.80:80");
}

#[test]
fn what_is_remembered_of_servers_is_forgotten_with_another_configuration_or_by_the_policy() {
    let script = |asked: &Asked| match asked.server {
        1 => silence(),
        _ => found(asked),
    };
    let scene = Scene::new(config(2), script);
    assert_eq!(scene.ipv4("a.example"), "510 A 192.0.2.80:80");
    let other = scene.clone_of();
    let other = Scene { resolver: other.resolver.with_config(config(2)), ..other };
    assert_eq!(other.ipv4("a.example"), "1020 A 192.0.2.80:80");
    let mut scene = Scene::new(config(2), script);
    let policy = ServerPolicy::new().with_penalty(ms(0)).unwrap().with_delay(ms(100)).unwrap();
    scene.resolver = scene.resolver.with_server_policy(policy);
    for expected in ["110 A 192.0.2.80:80", "220 A 192.0.2.80:80"] {
        assert_eq!(scene.ipv4("a.example"), expected);
    }
}

#[test]
fn one_datagram_that_is_lost_costs_a_second() {
    let scene = Scene::new(config(1).with_attempts(2).unwrap(), |asked| match asked.at.is_zero() {
        true => silence(),
        false => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "1010 A 192.0.2.80:80");
    let edns: Vec<_> = scene.servers.log().iter().map(|it| it.message.edns.is_some()).collect();
    assert_eq!(edns, [true, false], "a box on the way may drop EDNS");
}

#[test]
fn a_reply_of_the_first_server_counts_while_the_second_is_asked() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => after(700, asked.found(&["192.0.2.81"])),
        _ => after(300, asked.found(&["192.0.2.82"])),
    });
    assert_eq!(scene.ipv4("a.example"), "700 A 192.0.2.81:80");
}

#[test]
fn a_server_that_is_right_now_and_wrong_then_is_used_when_it_is_right() {
    let scene = Scene::new(config(1), |asked| match asked.at.as_millis() / 10 % 2 {
        0 => found(asked),
        _ => after(10, asked.reply(ServFail)),
    });
    for (name, said) in
        [("a", "10 A 192.0.2.80:80"), ("b", "20 A Temporary"), ("c", "30 A 192.0.2.80:80")]
    {
        assert_eq!(scene.ipv4(&format!("{name}.example")), said);
    }
}

#[test]
fn a_server_that_fails_is_followed_by_the_next_at_once() {
    for code in [ServFail, Refused] {
        let scene = Scene::new(config(2), move |asked| match asked.server {
            1 => after(5, asked.reply(code)),
            _ => found(asked),
        });
        assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
    }
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => fails(5, io::ErrorKind::ConnectionRefused),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
}

#[test]
fn a_server_that_is_lame_is_followed_by_the_next() {
    for refers in [true, false] {
        let lame = move |asked: &Asked| {
            let mut reply = asked.reply(NoError);
            reply.metadata.recursion_available = false;
            if refers {
                reply.add_authority(name_server("example."));
            }
            after(5, reply)
        };
        let scene = Scene::new(config(2), move |asked| match asked.server {
            1 => lame(asked),
            _ => found(asked),
        });
        assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
        let scene = Scene::new(config(1), lame);
        assert_eq!(
            scene.error("a.example").to_string(),
            "temporary lookup failure: 192.0.2.1:53 answers only for its own zones"
        );
    }
}

#[test]
fn a_reply_that_fills_the_buffer_or_is_cut_on_the_way_is_asked_for_over_tcp() {
    for length in [100, 300, 500, 511, 512, 513, 1232, 4096] {
        let scene = one(move |asked| match asked.tcp {
            true => after(5, asked.found(&["192.0.2.80"])),
            false => {
                let addresses: Vec<_> = (0..=255).map(|last| format!("10.0.0.{last}")).collect();
                let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
                let mut bytes = asked.found(&addresses).to_vec().unwrap();
                bytes.truncate(length);
                vec![(ms(5), Ok(bytes))]
            }
        });
        assert_eq!(scene.ipv4("a.example"), "10 A 192.0.2.80:80", "{length} bytes");
    }
    // The reply is complete, but the resolver can't know that.
    let scene = one(|asked| match asked.tcp {
        true => after(5, asked.found(&["192.0.2.80"])),
        false => {
            let mut bytes = asked.found(&["192.0.2.1"]).to_vec().unwrap();
            bytes.resize(4096, 0);
            vec![(ms(5), Ok(bytes))]
        }
    });
    assert_eq!(scene.ipv4("a.example"), "10 A 192.0.2.80:80");
}

#[test]
fn an_error_says_that_the_reply_did_not_fit_and_that_tcp_failed() {
    let scene = one(|asked| match asked.tcp {
        true => fails(5, io::ErrorKind::ConnectionRefused),
        false => {
            let mut reply = asked.found(&["192.0.2.80"]);
            reply.metadata.truncation = true;
            after(5, reply)
        }
    });
    let error = scene.error("a.example");
    assert_eq!(
        stagger::text::WithCauses(&error).to_string(),
        "temporary lookup failure: 192.0.2.1:53 sent a reply that does not fit into a datagram, \
         and over TCP it could not be asked: connection refused"
    );
}

#[test]
fn an_error_says_how_many_replies_did_not_belong_and_why() {
    let scene = one(|asked| {
        let mut other = asked.found(&["192.0.2.66"]);
        other.metadata.id ^= 1;
        let mut said = after(1, other);
        let mut bare = asked.found(&["192.0.2.66"]);
        bare.queries.clear();
        said.extend(after(2, bare.clone()));
        said.extend(after(3, bare));
        said
    });
    let error = scene.error("a.example");
    assert_eq!(
        error.to_string(),
        "the lookup timed out: 192.0.2.1:53 did not answer within 1 s (3 replies did not belong \
         to the question: 1 had another id, 2 repeated no question)"
    );
    assert_eq!(error.servers()[0].stray_replies(), 3);
}

#[cfg(unix)]
#[test]
fn without_descriptors_a_lookup_waits_for_them_and_blames_no_server() {
    let short = || vec![(ms(0), Err(rustix::io::Errno::MFILE.into()))];
    let scene = Scene::new(config(2), move |asked| match asked.at.as_millis() {
        0..200 => short(),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "360 A 192.0.2.80:80");
    assert_eq!(scene.ipv4("b.example"), "370 A 192.0.2.80:80");
    let servers: Vec<_> = scene.servers.log().iter().map(|asked| asked.server).collect();
    assert_eq!(servers, [1; 5]);
    // It does not wait for ever, and is not remembered.
    let scene = Scene::new(config(1), move |_| short());
    for _ in 0..2 {
        let error = scene.error("a.example");
        let errno = error.servers()[0].io_error().unwrap().raw_os_error();
        assert_eq!(errno, Some(rustix::io::Errno::MFILE.raw_os_error()));
        assert_eq!(error.remembered(), None);
    }
}

#[test]
fn a_server_whose_reply_can_not_be_read_is_followed_by_the_next() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => {
            let mut bytes = asked.found(&["192.0.2.1"]).to_vec().unwrap();
            // An A record of three bytes.
            let length = bytes.len();
            bytes.truncate(length - 1);
            bytes[length - 5] = 3;
            vec![(ms(5), Ok(bytes))]
        }
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
}

#[test]
fn the_list_is_gone_through_as_often_as_the_settings_say_and_each_failure_is_kept() {
    let scene = Scene::new(config(2).with_attempts(2).unwrap(), |asked| match asked.server {
        1 => silence(),
        _ => after(5, asked.reply(ServFail)),
    });
    let error = scene.error("a.example");
    assert_eq!(scene.clock.elapsed(), ms(2000));
    assert_eq!(
        scene.servers.lines(),
        ["0 #1 a.example. A", "500 #2 a.example. A", "505 #2 a.example. A", "1000 #1 a.example. A"]
    );
    assert_eq!(error.kind(), LookupErrorKind::Temporary);
    assert_eq!(
        error.to_string(),
        "temporary lookup failure: 192.0.2.1:53 did not answer within 2 s (2 tries); \
         192.0.2.2:53 answered SERVFAIL (2 tries)"
    );
    let servers: Vec<_> = error.servers().iter().map(|s| (s.kind(), s.code(), s.tries())).collect();
    let (late, failed) = (LookupErrorKind::TimedOut, LookupErrorKind::Temporary);
    assert_eq!(servers, [(late, None, 2), (failed, Some(2), 2)]);
}

#[test]
fn an_answer_in_a_later_round_is_an_answer() {
    let scene =
        Scene::new(config(1).with_attempts(3).unwrap(), |asked| match asked.at.as_millis() {
            0..2000 => silence(),
            _ => found(asked),
        });
    assert_eq!(scene.ipv4("a.example"), "2010 A 192.0.2.80:80");
}

#[test]
fn many_servers_that_fail_at_once_are_all_asked_and_others_run_in_between() {
    let scene = Scene::new(config(16).with_attempts(5).unwrap(), |_| {
        fails(0, io::ErrorKind::NetworkUnreachable)
    });
    let error = scene.error("a.example");
    assert_eq!((error.kind(), error.servers().len()), (LookupErrorKind::Temporary, 16));
    assert_eq!(scene.servers.log().len(), 48, "three messages to a server at the most");
    assert!(scene.clock.polls() > 1, "all was done in {} polls", scene.clock.polls());
}

#[test]
fn each_of_the_servers_is_asked_first_now_and_then_with_rotate() {
    let scene = Scene::new(config(3).with_rotate(true), |asked| match asked.server {
        2 => fails(0, io::ErrorKind::ConnectionRefused),
        _ => found(asked),
    });
    for _ in 0..200 {
        assert!(scene.ipv4("a.example").ends_with("A 192.0.2.80:80"));
    }
    let log: Vec<_> = scene.servers.log().iter().map(|asked| asked.server).collect();
    // The choice is random. That one of three servers is never chosen in 200 tries is impossible in
    // practice.
    assert!((1..=3).all(|server| log.contains(&server)));
    // After the server that refuses comes the next in the list.
    assert!(log.windows(2).all(|pair| pair[0] != 2 || pair[1] == 3));
}

#[test]
fn a_reply_that_does_not_fit_is_asked_for_over_tcp_with_its_time_anew() {
    let scene = one(|asked| {
        let mut reply = asked.found(&["192.0.2.80"]);
        reply.metadata.truncation = !asked.tcp;
        after(900, reply)
    });
    assert_eq!(scene.ipv4("a.example"), "1800 A 192.0.2.80:80");
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. A", "900 #1 tcp a.example. A"]);
}

#[test]
fn a_server_without_tcp_is_followed_by_the_next() {
    let scene = Scene::new(config(2), |asked| match (asked.server, asked.tcp) {
        (1, true) => fails(5, io::ErrorKind::ConnectionRefused),
        (1, false) => {
            let mut reply = asked.found(&["192.0.2.80"]);
            reply.metadata.truncation = true;
            after(5, reply)
        }
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "20 A 192.0.2.80:80");
}

#[test]
fn over_tcp_a_silent_server_has_its_timeout() {
    let scene = Scene::new(config(2).with_use_vc(true), |asked| match asked.server {
        1 => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "510 A 192.0.2.80:80");
    assert_eq!(scene.servers.lines(), ["0 #1 tcp a.example. A", "500 #2 tcp a.example. A"]);
}

#[test]
fn a_reply_over_tcp_that_is_cut_or_belongs_to_another_question_is_malformed() {
    for cut in [true, false] {
        let scene = Scene::new(config(1).with_use_vc(true), move |asked| {
            let mut reply = asked.found(&["192.0.2.80"]);
            reply.metadata.truncation = cut;
            reply.metadata.id ^= u16::from(!cut);
            after(5, reply)
        });
        assert_eq!(scene.ipv4("a.example"), "5 A Malformed");
    }
}

#[test]
fn a_server_that_does_not_know_edns_is_asked_once_more_without_and_that_is_remembered() {
    for (code, repeats_question) in
        [(FormErr, true), (FormErr, false), (NotImp, true), (NotImp, false), (BADVERS, true)]
    {
        let scene = one(move |asked| match asked.message.edns {
            Some(_) => {
                let mut reply = asked.reply(code);
                if code == BADVERS {
                    reply.set_edns(Edns::new());
                }
                if !repeats_question {
                    reply.queries.clear();
                }
                after(5, reply)
            }
            None => found(asked),
        });
        assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80", "{code}");
        assert_eq!(scene.servers.log().len(), 2);
        assert_eq!(scene.ipv4("b.example"), "25 A 192.0.2.80:80", "{code}");
        assert_eq!(scene.servers.log().len(), 3);
    }
    let scene = one(|asked| after(5, asked.reply(FormErr)));
    assert_eq!(scene.ipv4("a.example"), "10 A Temporary");
    assert_eq!(scene.servers.log().len(), 2);
}

#[test]
fn edns_says_what_can_be_received_unless_it_is_turned_off() {
    for (edns0, said) in [(true, Some(1232)), (false, None)] {
        let scene = Scene::new(config(1).with_edns0(edns0), found);
        scene.ipv4("a.example");
        let edns = scene.servers.log()[0].message.edns.clone();
        assert_eq!(edns.map(|edns| edns.max_payload()), said);
    }
}

#[test]
fn each_try_has_an_id_of_its_own() {
    let scene = Scene::new(config(1).with_attempts(5).unwrap(), |_| silence());
    scene.error("a.example");
    let mut ids: Vec<_> = scene.servers.log().iter().map(|a| a.message.metadata.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() > 2, "{ids:?}");
}

#[test]
fn a_ttl_is_that_of_the_reply() {
    let scene = one(found);
    let answer_lines = scene.resolve("a.example:80", Families::Ipv4);
    assert_eq!(answer_lines[0].1.ttl(), Some(ms(300_000)));
    assert!(!answer_lines[0].1.is_sorted());
    assert_eq!(line(&answer_lines[0]), "10 A 192.0.2.80:80");
}
