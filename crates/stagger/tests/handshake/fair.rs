//! Accepts, handshakes and timeouts take turns.

use std::task::Poll;

use stagger::listen::HandshakeError;
use stagger_testkit::ms;

use crate::wake::Hall;

/// How many connections one call works on at most.
const ROUNDS: usize = 16;

#[test]
fn handshakes_that_wake_themselves_forever_hold_up_neither_accepts_nor_others() {
    let mut hall = Hall::of(40);
    hall.hands.restless_from.set(Some(0));
    // The first calls accept all of them. From then on they are always ready to be polled.
    for _ in 0..3 {
        assert!(hall.poll().is_pending());
    }
    assert_eq!(hall.queue.accepted(), 40);
    hall.hands.restless_from.set(Some(1));
    hall.hands.end(0);
    // A client that comes now is accepted by the next call. Its turn comes after all others.
    hall.queue.join(40);
    let mut results = Vec::new();
    let before = hall.hands.all_polls();
    let mut calls = 0;
    while results.is_empty() {
        calls += 1;
        let (polls, woken) = (hall.hands.all_polls(), hall.task.woken());
        match hall.poll() {
            Poll::Ready(result) => results.push(result),
            Poll::Pending => {
                assert_eq!(hall.hands.all_polls() - polls, ROUNDS);
                assert!(hall.task.woken() > woken, "the rest needs another call");
            }
        }
        assert_eq!(hall.queue.accepted(), 41);
        assert!(calls <= 3, "the others were polled before it more than once");
    }
    assert_eq!(results, [Ok((0, 0))]);
    assert!(hall.hands.all_polls() - before <= 41);
    // The same holds for a timeout.
    hall.clock.advance_to(ms(10_000));
    let late: Vec<_> = (0..3).map(|_| hall.poll()).collect();
    assert!(
        late.iter()
            .all(|result| matches!(result, Poll::Ready(Err(HandshakeError::TimedOut { .. }))))
    );
}

#[test]
fn a_flood_of_clients_is_accepted_in_parts() {
    let mut hall = Hall::of(1000);
    for calls in 1..=3 {
        let woken = hall.task.woken();
        assert!(hall.poll().is_pending());
        assert_eq!(hall.queue.accepted(), calls * ROUNDS);
        assert!(hall.task.woken() > woken);
    }
}

#[test]
fn accepts_that_always_fail_hold_up_no_handshake() {
    let mut hall = Hall::of(3);
    hall.settle();
    hall.queue.fails.set(true);
    for client in [2, 0, 1] {
        hall.hands.end(client);
        hall.hands.wake(client);
    }
    let results: Vec<_> = (0..7).map(|_| hall.poll()).collect();
    let oks: Vec<_> = results.iter().map(|result| matches!(result, Poll::Ready(Ok(_)))).collect();
    assert_eq!(
        oks[1..],
        [!oks[0], oks[0], !oks[0], oks[0], !oks[0], false],
        "by turns: {results:?}"
    );
    let served: Vec<_> = results
        .into_iter()
        .filter_map(|result| match result {
            Poll::Ready(Ok((client, _))) => Some(client),
            _ => None,
        })
        .collect();
    // In the order in which they were woken.
    assert_eq!(served, [2, 0, 1]);
}

#[test]
fn a_crowd_of_handshakes_that_are_over_holds_up_no_accept() {
    let mut hall = Hall::of(100);
    hall.settle();
    for client in 0..100 {
        hall.hands.end(client);
        hall.hands.wake(client);
    }
    hall.queue.join(100);
    for _ in 0..2 {
        assert!(matches!(hall.poll(), Poll::Ready(Ok(_))));
    }
    assert_eq!(hall.queue.accepted(), 101);
}

#[test]
fn a_crowd_of_timeouts_holds_up_neither_a_handshake_nor_an_accept() {
    let mut hall = Hall::of(100);
    hall.settle();
    hall.clock.advance_to(ms(1));
    hall.queue.join(100);
    hall.settle();
    hall.clock.advance_to(ms(10_000));
    hall.hands.end(100);
    hall.hands.wake(100);
    hall.queue.join(101);
    let results: Vec<_> = (0..3).map(|_| hall.poll()).collect();
    assert!(results.contains(&Poll::Ready(Ok((100, 100)))), "{results:?}");
    assert_eq!(hall.queue.accepted(), 102);
    let late = HandshakeError::TimedOut { peer: 0, timeout: ms(10_000) };
    assert!(results.contains(&Poll::Ready(Err(late))), "{results:?}");
}
