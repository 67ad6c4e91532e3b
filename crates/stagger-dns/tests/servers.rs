//! Which server is asked, when, and over what.

mod support;

use std::io;

use hickory_proto::op::ResponseCode::{FormErr, NoError, NotImp, Refused, ServFail};
use stagger::{Families, LookupErrorKind};
use stagger_testkit::ms;
use support::{Asked, Said, Scene, after, config, fails, line, name_server, one, silence};

fn found(asked: &Asked) -> Said {
    after(10, asked.found(&["192.0.2.80"]))
}

#[test]
fn a_silent_server_is_followed_by_the_next_after_its_timeout() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "1010 A 192.0.2.80:80");
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. A", "1000 #2 a.example. A"]);
}

#[test]
fn a_server_that_fails_is_followed_by_the_next_at_once() {
    for code in [ServFail, Refused, NotImp] {
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
fn a_server_that_only_refers_to_others_is_followed_by_the_next() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => {
            let mut reply = asked.reply(NoError);
            reply.metadata.recursion_available = false;
            reply.add_authority(name_server("example."));
            after(5, reply)
        }
        _ => found(asked),
    });
    assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
}

#[test]
fn a_server_whose_reply_can_not_be_read_is_followed_by_the_next() {
    let scene = Scene::new(config(2), |asked| match asked.server {
        1 => {
            let mut bytes = asked.found(&["192.0.2.1"]).to_vec().unwrap();
            bytes.pop();
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
    assert_eq!(scene.clock.elapsed(), ms(2 * 1005));
    assert_eq!(
        scene.servers.lines(),
        [
            "0 #1 a.example. A",
            "1000 #2 a.example. A",
            "1005 #1 a.example. A",
            "2005 #2 a.example. A"
        ]
    );
    assert_eq!(error.kind(), LookupErrorKind::Temporary);
    assert_eq!(
        error.to_string(),
        "cannot look up a.example (A): 192.0.2.1:53 did not answer within 1s, 2 tries, \
         192.0.2.2:53 answered SERVFAIL, 2 tries"
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
    assert_eq!(scene.servers.log().len(), 80);
    assert!(scene.clock.polls() > 2, "all was done in {} polls", scene.clock.polls());
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
    // By lot: that one of three is not drawn 200 times in a row happens to nobody.
    assert!((1..=3).all(|server| log.contains(&server)));
    // After the one that refuses comes the next in the list.
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
    assert_eq!(scene.ipv4("a.example"), "1010 A 192.0.2.80:80");
    assert_eq!(scene.servers.lines(), ["0 #1 tcp a.example. A", "1000 #2 tcp a.example. A"]);
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
fn a_server_that_does_not_know_edns_is_asked_once_more_without() {
    for repeats_question in [true, false] {
        let scene = one(move |asked| match asked.message.edns {
            Some(_) => {
                let mut reply = asked.reply(FormErr);
                if !repeats_question {
                    reply.queries.clear();
                }
                after(5, reply)
            }
            None => found(asked),
        });
        assert_eq!(scene.ipv4("a.example"), "15 A 192.0.2.80:80");
        assert_eq!(scene.servers.log().len(), 2);
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
    let heard = scene.resolve("a.example:80", Families::Ipv4);
    assert_eq!(heard[0].1.ttl(), Some(ms(300_000)));
    assert!(!heard[0].1.is_sorted());
    assert_eq!(line(&heard[0]), "10 A 192.0.2.80:80");
}
