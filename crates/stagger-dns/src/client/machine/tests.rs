//! Which server is asked when: exact times, without sockets.

use std::io;
use std::sync::Arc;

use super::*;

/// What a server does with a message, so many milliseconds after it was sent.
enum Does {
    Answers(u64),
    Fails(u64),
    Says(u64, Heard),
    Nothing,
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn entrants(count: usize) -> Vec<Entrant> {
    let entrant = |server| Entrant { server, patience: ms(500), edns: true, probe: false };
    (0..count).map(entrant).collect()
}

fn limits(attempts: u32) -> Limits {
    Limits { timeout: ms(5000), attempts, tcp: false }
}

fn code(code: u16) -> Heard {
    Heard::Failed(Trouble::Code { code, extended: None })
}

fn unreachable() -> Trouble {
    Trouble::Network(Arc::new(io::ErrorKind::NetworkUnreachable.into()))
}

/// How a question went: every message as a line, and the end.
struct Course {
    sent: Vec<String>,
    /// When it ended, and by whose answer.
    end: (u64, Option<usize>),
    behind: Vec<usize>,
    errors: Vec<String>,
}

/// Runs a question to its end with servers that do as `script` says of each message.
fn run(entrants: Vec<Entrant>, limits: Limits, script: impl Fn(&Message, u64) -> Does) -> Course {
    let start = Instant::now();
    let mut machine = Machine::new(entrants, limits, start);
    let mut now = start;
    let mut due: Vec<(Instant, Id, Option<Heard>)> = Vec::new();
    let mut sent = Vec::new();
    let at = |now: Instant| u64::try_from((now - start).as_millis()).unwrap();
    loop {
        while let Some(index) = due.iter().position(|(time, ..)| *time <= now) {
            let (_, id, heard) = due.remove(index);
            if !machine.is_out(id) {
                continue;
            }
            match heard {
                Some(heard) => machine.hear(id, heard, now),
                None => {
                    let behind = machine.left_behind(id, now).collect();
                    let end = (at(now), Some(machine.answer(id, now).server));
                    return Course { sent, end, behind, errors: Vec::new() };
                }
            }
        }
        while let Some(message) = machine.next(now) {
            let over = if message.tcp { " tcp" } else { "" };
            let edns = if message.edns { "" } else { " plain" };
            sent.push(format!("{} #{}{over}{edns}", at(now), message.server));
            match script(&message, at(now)) {
                Does::Answers(after) => due.push((now + ms(after), message.id, None)),
                Does::Fails(after) => due.push((now + ms(after), message.id, Some(code(2)))),
                Does::Says(after, heard) => due.push((now + ms(after), message.id, Some(heard))),
                Does::Nothing => {}
            }
        }
        let waiting = due.iter().filter(|(_, id, _)| machine.is_out(*id)).map(|(time, ..)| *time);
        let Some(next) = waiting.chain(machine.timeout()).min() else {
            assert!(machine.is_over());
            let addresses: Vec<_> =
                (0..16).map(|last| SocketAddr::from(([192, 0, 2, last], 53))).collect();
            let errors = machine.into_errors(&addresses);
            let errors = errors.iter().map(ToString::to_string).collect();
            return Course { sent, end: (at(now), None), behind: Vec::new(), errors };
        };
        assert!(next > now || due.iter().any(|(time, ..)| *time <= now), "time stands still");
        now = now.max(next);
    }
}

#[test]
fn a_server_that_answers_is_the_only_one_asked() {
    let course = run(entrants(3), limits(2), |_, _| Does::Answers(499));
    assert_eq!((course.sent, course.end), (vec!["0 #0".into()], (499, Some(0))));
    assert_eq!(course.behind, []);
}

#[test]
fn beside_a_server_that_is_late_the_next_is_asked_and_the_first_answer_counts() {
    let course = run(entrants(2), limits(2), |message, _| match message.server {
        0 => Does::Nothing,
        _ => Does::Answers(20),
    });
    assert_eq!((course.sent, course.end), (vec!["0 #0".into(), "500 #1".into()], (520, Some(1))));
    assert_eq!(course.behind, [0]);
    let course = run(entrants(2), limits(2), |message, _| match message.server {
        0 => Does::Answers(510),
        _ => Does::Answers(20),
    });
    assert_eq!(course.end, (510, Some(0)));
    assert_eq!(course.behind, [], "the second one was not late");
}

#[test]
fn after_a_server_that_fails_the_next_is_asked_at_once_and_all_again_in_the_last_pass() {
    let course = run(entrants(2), limits(2), |_, _| Does::Fails(5));
    assert_eq!(course.sent, ["0 #0", "5 #1", "10 #0 plain", "15 #1 plain"]);
    assert_eq!(course.end, (20, None));
    assert_eq!(
        course.errors,
        ["192.0.2.0:53 answered SERVFAIL, 2 tries", "192.0.2.1:53 answered SERVFAIL, 2 tries"]
    );
}

#[test]
fn a_silent_server_is_asked_again_after_a_second_and_after_its_timeout() {
    let course = run(entrants(1), limits(2), |_, _| Does::Nothing);
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (10_000, None));
    assert_eq!(course.errors, ["192.0.2.0:53 did not answer within 10s, 3 tries"]);
    let course = run(entrants(1), limits(1), |_, _| Does::Nothing);
    assert_eq!((course.sent.len(), course.end), (2, (5000, None)));
    // An outage of some seconds is got over.
    let mut known = entrants(1);
    known[0].patience = ms(100);
    let course = run(known, limits(2), |_, at| match at {
        0..2500 => Does::Nothing,
        _ => Does::Answers(10),
    });
    assert_eq!(course.sent, ["0 #0", "200 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (5010, Some(0)));
    // A reply to the first message counts also when the second is out.
    let course = run(entrants(1), limits(2), |_, at| match at {
        0 => Does::Answers(8000),
        _ => Does::Nothing,
    });
    assert_eq!(course.end, (8000, Some(0)));
}

#[test]
fn one_server_is_sent_three_messages_at_the_most_whatever_the_attempts() {
    let course = run(entrants(1), limits(5), |_, _| Does::Nothing);
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (25_000, None));
    let course = run(entrants(1), limits(5), |_, _| Does::Fails(1));
    assert_eq!(course.sent, ["0 #0", "1 #0 plain", "2 #0 plain"]);
}

#[test]
fn a_server_that_is_known_is_asked_again_after_twice_its_patience() {
    let mut entrants = entrants(2);
    entrants[0].patience = ms(100);
    let course = run(entrants, limits(3), |message, at| match (message.server, at) {
        (0, 200) => Does::Answers(10),
        _ => Does::Nothing,
    });
    assert_eq!(course.sent, ["0 #0", "100 #1", "200 #0 plain"]);
    assert_eq!(course.end, (210, Some(0)));
}

#[test]
fn a_server_that_is_slow_by_nature_is_asked_again_after_a_second_all_the_same() {
    let mut entrants = entrants(1);
    entrants[0].patience = ms(900);
    let course = run(entrants, limits(2), |_, _| Does::Nothing);
    assert_eq!(course.sent[..2], ["0 #0", "1000 #0 plain"]);
}

#[test]
fn with_all_silent_each_server_has_its_own_time() {
    let course = run(entrants(3), limits(1), |_, _| Does::Nothing);
    let plain = ["1000 #0 plain", "1000 #2", "1500 #1 plain", "2000 #2 plain"];
    assert_eq!(course.sent[..2], ["0 #0", "500 #1"]);
    assert_eq!(course.sent[2..], plain);
    assert_eq!(course.end, (6000, None));
    assert_eq!(course.errors.len(), 3);
}

#[test]
fn a_server_that_rejects_edns_is_asked_without_at_once_and_that_is_no_try() {
    for rejected in [1, 4, 16] {
        let course = run(entrants(2), limits(1), move |message, _| match message.edns {
            true => Does::Says(5, code(rejected)),
            false => Does::Answers(5),
        });
        assert_eq!(course.sent, ["0 #0", "5 #0 plain"]);
        assert_eq!(course.end, (10, Some(0)));
        // One that fails without it too has failed.
        let course = run(entrants(1), limits(1), move |_, _| Does::Says(5, code(rejected)));
        assert_eq!((course.sent.len(), course.end), (2, (10, None)));
    }
}

#[test]
fn a_server_that_rejects_edns_late_has_its_time_anew() {
    let course = run(entrants(1), limits(1), |message, _| match message.edns {
        true => Does::Says(4000, code(1)),
        false => Does::Answers(4999),
    });
    assert_eq!(course.end, (8999, Some(0)));
}

#[test]
fn a_reply_that_does_not_fit_goes_over_tcp_with_its_time_anew() {
    let course = run(entrants(1), limits(1), |message, _| match message.tcp {
        true => Does::Answers(4999),
        false => Does::Says(900, Heard::Truncated),
    });
    assert_eq!(
        (course.sent, course.end),
        (vec!["0 #0".into(), "900 #0 tcp".into()], (5899, Some(0)))
    );
    let course = run(entrants(1), limits(1), |message, _| match message.tcp {
        true => Does::Nothing,
        false => Does::Says(900, Heard::Truncated),
    });
    assert_eq!(course.end, (5900, None));
    assert_eq!(
        course.errors,
        ["192.0.2.0:53 sent a reply that does not fit into a datagram, \
          and over TCP it did not answer within 5s"]
    );
}

#[test]
fn a_server_that_rejects_edns_over_tcp_is_asked_without_over_tcp() {
    let course = run(entrants(1), limits(1), |message, _| match (message.tcp, message.edns) {
        (false, _) => Does::Says(5, Heard::Truncated),
        (true, true) => Does::Says(5, code(1)),
        (true, false) => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "5 #0 tcp", "10 #0 tcp plain"]);
    assert_eq!(course.end, (15, Some(0)));
}

#[test]
fn beside_tcp_that_is_late_the_next_server_is_asked() {
    let course = run(entrants(2), limits(1), |message, _| match (message.server, message.tcp) {
        (0, false) => Does::Says(400, Heard::Truncated),
        (0, true) => Does::Nothing,
        _ => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "400 #0 tcp", "900 #1"]);
    assert_eq!((course.end, course.behind), ((905, Some(1)), vec![0]));
}

#[test]
fn sixteen_strays_lead_to_tcp_and_fewer_to_nothing() {
    let now = Instant::now();
    let mut machine = Machine::new(entrants(1), limits(1), now);
    let first = machine.next(now).unwrap();
    for _ in 0..15 {
        machine.hear(first.id, Heard::Stray(Stray::Id), now);
    }
    assert_eq!(machine.next(now), None);
    machine.hear(first.id, Heard::Stray(Stray::Id), now);
    assert!(!machine.is_out(first.id));
    let second = machine.next(now).unwrap();
    assert!(second.tcp && machine.is_out(second.id));
    machine.hear(second.id, Heard::Stray(Stray::Id), now);
    assert!(machine.is_over());
    let errors = machine.into_errors(&[([192, 0, 2, 0], 53).into()]);
    assert_eq!(
        errors[0].to_string(),
        "192.0.2.0:53 sent too many foreign replies, and over TCP it sent a reply that can't be \
         read: it belongs to another question, 16 replies did not belong to the question: 16 had \
         another id"
    );
}

#[test]
fn over_tcp_alone_a_silent_server_has_its_timeout_for_each_try() {
    let limits = Limits { tcp: true, ..limits(2) };
    let course = run(entrants(2), limits, |message, _| match message.server {
        0 => Does::Nothing,
        _ => Does::Fails(10),
    });
    assert_eq!(course.sent, ["0 #0 tcp", "500 #1 tcp", "510 #1 tcp plain", "5000 #0 tcp plain"]);
    assert_eq!(course.end, (10_000, None));
}

#[test]
fn a_shortage_of_this_machine_is_no_try_and_no_fault_of_the_server() {
    let short = |after| Does::Says(after, Heard::Shortage(unreachable()));
    let course = run(entrants(2), limits(1), |message, at| match (message.server, at) {
        (0, 0..700) => short(0),
        (0, _) => Does::Answers(5),
        _ => short(0),
    });
    assert_eq!(
        course.sent,
        ["0 #0", "50 #0", "150 #0", "350 #0", "500 #1", "550 #1", "650 #1", "750 #0"]
    );
    assert_eq!((course.end, course.behind), ((755, Some(0)), vec![]));
    // It is over some time.
    let course = run(entrants(1), limits(1), |_, _| short(0));
    assert_eq!(course.end, (3150, None));
    assert_eq!(course.errors, ["192.0.2.0:53 can't be asked: network unreachable"]);
}

#[test]
fn a_probe_is_asked_beside_the_first_and_its_failure_brings_nothing_forward() {
    let mut entrants = entrants(3);
    entrants[2].probe = true;
    let course = run(entrants.clone(), limits(1), |message, _| match message.server {
        0 => Does::Answers(30),
        _ => Does::Fails(10),
    });
    assert_eq!((course.sent, course.end), (vec!["0 #0".into(), "0 #2".into()], (30, Some(0))));
    assert_eq!(course.behind, [2]);
    // If it is there again, its answer counts.
    let course = run(entrants, limits(1), |message, _| match message.server {
        2 => Does::Answers(10),
        _ => Does::Answers(30),
    });
    assert_eq!(course.end, (10, Some(2)));
}

#[test]
fn replies_of_a_server_that_has_failed_in_between_do_not_count_twice() {
    // Both messages to the first server are out when it fails; the other is left.
    let course = run(entrants(2), limits(2), |message, at| match (message.server, at) {
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
    let course = run(entrants(1), limits(2), |message, at| match (message.edns, at) {
        (true, _) => Does::Says(5, code(1)),
        (false, 5) => Does::Nothing,
        (false, _) => Does::Answers(5),
    });
    assert_eq!(course.sent, ["0 #0", "5 #0 plain", "5000 #0 plain"]);
    assert_eq!(course.end, (5005, Some(0)));
}

#[test]
fn a_server_that_fails_or_replies_waits_for_no_shortage_any_more() {
    let short = || Does::Says(0, Heard::Shortage(unreachable()));
    // The second message can't be sent; then the first one's reply calls for TCP.
    let course = run(entrants(1), limits(2), |message, at| match (message.tcp, at) {
        (true, _) => Does::Answers(500),
        (false, 0) => Does::Says(1010, Heard::Truncated),
        (false, _) => short(),
    });
    assert_eq!(course.sent, ["0 #0", "1000 #0 plain", "1010 #0 tcp"]);
    // So it is if the server fails: it has one turn more and not two.
    let course = run(entrants(2), limits(2), |message, at| match (message.server, at) {
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
    let course = run(entrants(2), limits(1), |message, _| match message.server {
        0 => Does::Says(0, Heard::Shortage(unreachable())),
        _ => Does::Answers(5),
    });
    assert_eq!((course.end, course.behind), ((505, Some(1)), vec![]));
}

#[test]
fn an_answer_says_what_the_server_has_shown_of_edns() {
    let shown = |entrants: Vec<Entrant>, rejects: bool| {
        let now = Instant::now();
        let mut machine = Machine::new(entrants, limits(2), now);
        let mut message = machine.next(now).unwrap();
        if rejects && message.edns {
            machine.hear(message.id, code(1), now);
            message = machine.next(now).unwrap();
        }
        let first = machine.answer(message.id, now).edns;
        let later = now + ms(1000);
        let again = machine.next(later).map(|message| machine.answer(message.id, later).edns);
        (first, again)
    };
    assert_eq!(shown(entrants(1), false), (Some(Edns::Known), Some(Some(Edns::Silent))));
    assert_eq!(shown(entrants(1), true).0, Some(Edns::Rejected));
    let mut plain = entrants(1);
    plain[0].edns = false;
    assert_eq!(shown(plain, false), (None, Some(None)));
}
