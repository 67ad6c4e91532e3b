//! When each server is asked: exact times, without sockets. The file is long because its short
//! cases share one script.

use std::io;
use std::sync::Arc;

use super::*;

/// The reaction of a server to a message, this number of milliseconds after it was sent.
enum Does {
    Answers(u64),
    Fails(u64),
    Says(u64, MessageEvent),
    Nothing,
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn ranked(count: usize) -> Vec<RankedServer> {
    let server = |server| RankedServer { server, patience: ms(500), edns: true, probe: false };
    (0..count).map(server).collect()
}

fn limits(attempts: u32) -> QueryLimits {
    QueryLimits { timeout: ms(5000), attempts, tcp: false }
}

fn code(code: u16) -> MessageEvent {
    MessageEvent::Failed(Trouble::Code { code, extended: None })
}

fn unreachable() -> Trouble {
    Trouble::Network(Arc::new(io::ErrorKind::NetworkUnreachable.into()))
}

/// The course of a question: every message as a line, and the end.
struct RaceLog {
    sent: Vec<String>,
    /// When it ended, and which server answered.
    end: (u64, Option<usize>),
    behind: Vec<usize>,
    errors: Vec<String>,
}

/// Runs a question to its end with servers that react to each message as `script` says.
fn run(
    ranked: Vec<RankedServer>,
    limits: QueryLimits,
    script: impl Fn(&OutgoingMessage, u64) -> Does,
) -> RaceLog {
    let start = Instant::now();
    let mut race = ServerRace::new(ranked, limits, start);
    let mut now = start;
    let mut due: Vec<(Instant, MessageId, Option<MessageEvent>)> = Vec::new();
    let mut sent = Vec::new();
    let at = |now: Instant| u64::try_from((now - start).as_millis()).unwrap();
    loop {
        while let Some(index) = due.iter().position(|(time, ..)| *time <= now) {
            let (_, id, event) = due.remove(index);
            if !race.is_sent(id) {
                continue;
            }
            match event {
                Some(event) => race.handle(id, event, now),
                None => {
                    let behind = race.left_behind(id, now).collect();
                    let end = (at(now), Some(race.answer(id, now).server));
                    return RaceLog { sent, end, behind, errors: Vec::new() };
                }
            }
        }
        while let Some(message) = race.next(now) {
            let over = if message.tcp { " tcp" } else { "" };
            let edns = if message.edns { "" } else { " plain" };
            sent.push(format!("{} #{}{over}{edns}", at(now), message.server));
            match script(&message, at(now)) {
                Does::Answers(after) => due.push((now + ms(after), message.id, None)),
                Does::Fails(after) => due.push((now + ms(after), message.id, Some(code(2)))),
                Does::Says(after, event) => due.push((now + ms(after), message.id, Some(event))),
                Does::Nothing => {}
            }
        }
        let waiting = due.iter().filter(|(_, id, _)| race.is_sent(*id)).map(|(time, ..)| *time);
        let Some(next) = waiting.chain(race.timeout()).min() else {
            assert!(race.is_over());
            let addresses: Vec<_> =
                (0..16).map(|last| SocketAddr::from(([192, 0, 2, last], 53))).collect();
            let errors = race.into_errors(&addresses);
            let errors = errors.iter().map(ToString::to_string).collect();
            return RaceLog { sent, end: (at(now), None), behind: Vec::new(), errors };
        };
        assert!(next > now || due.iter().any(|(time, ..)| *time <= now), "time stands still");
        now = now.max(next);
    }
}

#[test]
fn a_server_that_answers_is_the_only_one_asked() {
    let course = run(ranked(3), limits(2), |_, _| Does::Answers(499));
    assert_eq!((course.sent, course.end), (vec!["0 #0".into()], (499, Some(0))));
    assert!(course.behind.is_empty());
}

#[test]
fn beside_a_server_that_is_late_the_next_is_asked_and_the_first_answer_counts() {
    let course = run(ranked(2), limits(2), |message, _| match message.server {
        0 => Does::Nothing,
        _ => Does::Answers(20),
    });
    assert_eq!((course.sent, course.end), (vec!["0 #0".into(), "500 #1".into()], (520, Some(1))));
    assert_eq!(course.behind, [0]);
    let course = run(ranked(2), limits(2), |message, _| match message.server {
        0 => Does::Answers(510),
        _ => Does::Answers(20),
    });
    assert_eq!(course.end, (510, Some(0)));
    assert!(course.behind.is_empty(), "the second one was not late");
}

#[test]
fn after_a_server_that_fails_the_next_is_asked_at_once_and_all_again_in_the_last_pass() {
    let course = run(ranked(2), limits(2), |_, _| Does::Fails(5));
    assert_eq!(course.sent, ["0 #0", "5 #1", "10 #0 plain", "15 #1 plain"]);
    assert_eq!(course.end, (20, None));
    assert_eq!(
        course.errors,
        ["192.0.2.0:53 answered SERVFAIL (2 tries)", "192.0.2.1:53 answered SERVFAIL (2 tries)"]
    );
}

#[test]
fn a_server_whose_time_is_over_before_its_next_turn_is_not_asked_again() {
    let limits = QueryLimits { timeout: ms(1000), attempts: 2, tcp: false };
    let mut servers = ranked(2);
    servers[1].patience = ms(3000);
    let course = run(servers, limits, |message, at| match (message.server, message.tcp) {
        (0, _) => Does::Fails(100),
        (_, true) => Does::Fails(700),
        (_, false) if at == 100 => Does::Says(1800, MessageEvent::Truncated),
        (_, false) => Does::Nothing,
    });
    // The first server's time is over at 2000.
    let expected = ["0 #0", "100 #1", "1100 #1 plain", "1900 #1 tcp", "2600 #1 plain"];
    assert_eq!((&course.sent[..], course.end), (&expected.map(String::from)[..], (2900, None)));
    assert_eq!(course.errors[0], "192.0.2.0:53 answered SERVFAIL");
}

#[test]
fn a_silent_server_is_asked_again_after_a_second_and_after_its_timeout() {
    let course = run(ranked(1), limits(2), |_, _| Does::Nothing);
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (10_000, None));
    assert_eq!(course.errors, ["192.0.2.0:53 did not answer within 10 s (3 tries)"]);
    let course = run(ranked(1), limits(1), |_, _| Does::Nothing);
    assert_eq!((course.sent.len(), course.end), (2, (5000, None)));
    // A question survives an outage of some seconds.
    let mut known = ranked(1);
    known[0].patience = ms(100);
    let course = run(known, limits(2), |_, at| match at {
        0..2500 => Does::Nothing,
        _ => Does::Answers(10),
    });
    assert_eq!(course.sent, ["0 #0", "200 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (5010, Some(0)));
    // A reply to the first message also counts after the second was sent.
    let course = run(ranked(1), limits(2), |_, at| match at {
        0 => Does::Answers(8000),
        _ => Does::Nothing,
    });
    assert_eq!(course.end, (8000, Some(0)));
}

#[test]
fn one_server_is_sent_three_messages_at_the_most_whatever_the_attempts() {
    let course = run(ranked(1), limits(5), |_, _| Does::Nothing);
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (25_000, None));
    let course = run(ranked(1), limits(5), |_, _| Does::Fails(1));
    assert_eq!(course.sent, ["0 #0", "1 #0 plain", "2 #0 plain"]);
}

#[test]
fn a_server_that_is_known_is_asked_again_after_twice_its_patience() {
    let mut ranked = ranked(2);
    ranked[0].patience = ms(100);
    let course = run(ranked, limits(3), |message, at| match (message.server, at) {
        (0, 200) => Does::Answers(10),
        _ => Does::Nothing,
    });
    assert_eq!(course.sent, ["0 #0", "100 #1", "200 #0 plain"]);
    assert_eq!(course.end, (210, Some(0)));
}

#[test]
fn a_server_that_is_slow_by_nature_is_asked_again_after_a_second_all_the_same() {
    let mut ranked = ranked(1);
    ranked[0].patience = ms(900);
    let course = run(ranked, limits(2), |_, _| Does::Nothing);
    assert_eq!(course.sent[..2], ["0 #0", "1000 #0 plain"]);
}

#[test]
fn with_all_silent_each_server_has_its_own_time() {
    let course = run(ranked(3), limits(1), |_, _| Does::Nothing);
    let plain = ["1000 #0 plain", "1000 #2", "1500 #1 plain", "2000 #2 plain"];
    assert_eq!(course.sent[..2], ["0 #0", "500 #1"]);
    assert_eq!(course.sent[2..], plain);
    assert_eq!(course.end, (6000, None));
    assert_eq!(course.errors.len(), 3);
}

#[test]
fn a_server_that_rejects_edns_is_asked_without_at_once_and_that_is_no_try() {
    for rejected in [1, 4, 16] {
        let course = run(ranked(2), limits(1), move |message, _| match message.edns {
            true => Does::Says(5, code(rejected)),
            false => Does::Answers(5),
        });
        assert_eq!(course.sent, ["0 #0", "5 #0 plain"]);
        assert_eq!(course.end, (10, Some(0)));
        // A server that also fails without EDNS has failed.
        let course = run(ranked(1), limits(1), move |_, _| Does::Says(5, code(rejected)));
        assert_eq!((course.sent.len(), course.end), (2, (10, None)));
    }
}

#[test]
fn a_server_that_rejects_edns_late_has_its_time_anew() {
    let course = run(ranked(1), limits(1), |message, _| match message.edns {
        true => Does::Says(4000, code(1)),
        false => Does::Answers(4999),
    });
    assert_eq!(course.end, (8999, Some(0)));
}

#[test]
fn a_reply_that_does_not_fit_goes_over_tcp_with_its_time_anew() {
    let course = run(ranked(1), limits(1), |message, _| match message.tcp {
        true => Does::Answers(4999),
        false => Does::Says(900, MessageEvent::Truncated),
    });
    assert_eq!(
        (course.sent, course.end),
        (vec!["0 #0".into(), "900 #0 tcp".into()], (5899, Some(0)))
    );
    let course = run(ranked(1), limits(1), |message, _| match message.tcp {
        true => Does::Nothing,
        false => Does::Says(900, MessageEvent::Truncated),
    });
    assert_eq!(course.end, (5900, None));
    assert_eq!(
        course.errors,
        ["192.0.2.0:53 sent a reply that does not fit into a datagram, \
          and over TCP it did not answer within 5 s"]
    );
}

#[test]
fn a_server_that_rejects_edns_over_tcp_is_asked_without_over_tcp() {
    let course = run(ranked(1), limits(1), |message, _| match (message.tcp, message.edns) {
        (false, _) => Does::Says(5, MessageEvent::Truncated),
        (true, true) => Does::Says(5, code(1)),
        (true, false) => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "5 #0 tcp", "10 #0 tcp plain"]);
    assert_eq!(course.end, (15, Some(0)));
}

#[test]
fn beside_tcp_that_is_late_the_next_server_is_asked() {
    let course = run(ranked(2), limits(1), |message, _| match (message.server, message.tcp) {
        (0, false) => Does::Says(400, MessageEvent::Truncated),
        (0, true) => Does::Nothing,
        _ => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "400 #0 tcp", "900 #1"]);
    assert_eq!((course.end, course.behind), ((905, Some(1)), vec![0]));
}

#[test]
fn sixteen_strays_lead_to_tcp_and_fewer_to_nothing() {
    let now = Instant::now();
    let mut race = ServerRace::new(ranked(1), limits(1), now);
    let first = race.next(now).unwrap();
    for _ in 0..15 {
        race.handle(first.id, MessageEvent::Stray(Stray::Id), now);
    }
    assert_eq!(race.next(now), None);
    race.handle(first.id, MessageEvent::Stray(Stray::Id), now);
    assert!(!race.is_sent(first.id));
    let second = race.next(now).unwrap();
    assert!(second.tcp && race.is_sent(second.id));
    race.handle(second.id, MessageEvent::Stray(Stray::Id), now);
    assert!(race.is_over());
    let errors = race.into_errors(&[([192, 0, 2, 0], 53).into()]);
    assert_eq!(
        errors[0].to_string(),
        "192.0.2.0:53 sent too many replies to other questions, and over TCP it sent a reply that \
         can't be read: it belongs to another question (16 replies did not belong to the question: \
         16 had another id)"
    );
}

#[test]
fn over_tcp_alone_a_silent_server_has_its_timeout_for_each_try() {
    let limits = QueryLimits { tcp: true, ..limits(2) };
    let course = run(ranked(2), limits, |message, _| match message.server {
        0 => Does::Nothing,
        _ => Does::Fails(10),
    });
    assert_eq!(course.sent, ["0 #0 tcp", "500 #1 tcp", "510 #1 tcp plain", "5000 #0 tcp plain"]);
    assert_eq!(course.end, (10_000, None));
    let silent = "192.0.2.0:53 over TCP did not answer within 5 s (2 tries)";
    assert_eq!(course.errors[0], silent);
    assert!(course.errors[1].starts_with("192.0.2.1:53 over TCP "), "{}", course.errors[1]);
}

#[test]
fn a_shortage_of_this_machine_is_no_try_and_no_fault_of_the_server() {
    let short = |after| Does::Says(after, MessageEvent::Shortage(unreachable()));
    let course = run(ranked(2), limits(1), |message, at| match (message.server, at) {
        (0, 0..700) => short(0),
        (0, _) => Does::Answers(5),
        _ => short(0),
    });
    assert_eq!(
        course.sent,
        ["0 #0", "50 #0", "150 #0", "350 #0", "500 #1", "550 #1", "650 #1", "750 #0"]
    );
    assert_eq!((course.end, course.behind), ((755, Some(0)), vec![]));
    // The wait has an end.
    let course = run(ranked(1), limits(1), |_, _| short(0));
    assert_eq!(course.end, (3150, None));
    assert_eq!(course.errors, ["192.0.2.0:53 could not be asked: network unreachable"]);
}

#[test]
fn a_probe_is_asked_beside_the_first_and_its_failure_brings_nothing_forward() {
    let mut ranked = ranked(3);
    ranked[2].probe = true;
    let course = run(ranked.clone(), limits(1), |message, _| match message.server {
        0 => Does::Answers(30),
        _ => Does::Fails(10),
    });
    assert_eq!((course.sent, course.end), (vec!["0 #0".into(), "0 #2".into()], (30, Some(0))));
    assert_eq!(course.behind, [2]);
    // If the server works again, its answer counts.
    let course = run(ranked, limits(1), |message, _| match message.server {
        2 => Does::Answers(10),
        _ => Does::Answers(30),
    });
    assert_eq!(course.end, (10, Some(2)));
}

#[test]
fn replies_of_a_server_that_has_failed_in_between_do_not_count_twice() {
    // Both messages to the first server are sent when it fails. The other message is dropped.
    let course = run(ranked(2), limits(2), |message, at| match (message.server, at) {
        (0, 0) => Does::Fails(1500),
        (0, 1000) => Does::Answers(600),
        _ => Does::Nothing,
    });
    let sent =
        ["0 #0", "500 #1", "1000 #0 plain", "1500 #1 plain", "1500 #0 plain", "5500 #1 plain"];
    assert_eq!(course.sent, sent);
    assert_eq!(course.end, (10_500, None));
}

#[test]
fn a_question_without_edns_that_is_lost_is_sent_again() {
    let course = run(ranked(1), limits(2), |message, at| match (message.edns, at) {
        (true, _) => Does::Says(5, code(1)),
        (false, 5) => Does::Nothing,
        (false, _) => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "5 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (5005, Some(0)));
}

#[test]
fn a_server_that_fails_or_replies_waits_for_no_shortage_any_more() {
    let short = || Does::Says(0, MessageEvent::Shortage(unreachable()));
    // The second message can't be sent. Then the reply to the first requires TCP.
    let course = run(ranked(1), limits(2), |message, at| match (message.tcp, at) {
        (true, _) => Does::Answers(500),
        (false, 0) => Does::Says(1010, MessageEvent::Truncated),
        (false, _) => short(),
    });
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "1010 #0 tcp"]);
    // The same if the server fails: it has one more turn, and not two.
    let course = run(ranked(2), limits(2), |message, at| match (message.server, at) {
        (0, 0) => Does::Fails(1010),
        (0, 1000) => short(),
        (0, _) => Does::Fails(5),
        _ => Does::Nothing,
    });
    let asked = course.sent.iter().filter(|line| line.contains("#0")).count();
    assert_eq!(asked, 3, "{:?}", course.sent);
}

#[test]
fn a_server_to_which_nothing_could_be_sent_is_not_late() {
    let course = run(ranked(2), limits(1), |message, _| match message.server {
        0 => Does::Says(0, MessageEvent::Shortage(unreachable())),
        _ => Does::Answers(5),
    });
    assert_eq!((course.end, course.behind), ((505, Some(1)), vec![]));
}

#[test]
fn an_answer_says_what_the_server_has_shown_of_edns() {
    let shown = |ranked: Vec<RankedServer>, rejects: bool| {
        let now = Instant::now();
        let mut race = ServerRace::new(ranked, limits(2), now);
        let mut message = race.next(now).unwrap();
        if rejects && message.edns {
            race.handle(message.id, code(1), now);
            message = race.next(now).unwrap();
        }
        let first = race.answer(message.id, now).edns;
        let later = now + ms(1000);
        let again = race.next(later).map(|message| race.answer(message.id, later).edns);
        (first, again)
    };
    assert_eq!(
        shown(ranked(1), false),
        (Some(EdnsSupport::Known), Some(Some(EdnsSupport::Silent)))
    );
    assert_eq!(shown(ranked(1), true).0, Some(EdnsSupport::Rejected));
    let mut plain = ranked(1);
    plain[0].edns = false;
    assert_eq!(shown(plain, false), (None, Some(None)));
}
