//! How a lookup recognises its runtime: the reactor's mark.

use std::net::TcpStream;
use std::task::Poll;

use stagger_tokio::Reactor;
use stagger_tokio::net::{Register, reactor::ReactorMark};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop;

fn mark() -> ReactorMark {
    Register::<TcpStream>::reactor(&Reactor)
}

fn runtimes() -> [Runtime; 2] {
    let multi_thread = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    [Builder::new_current_thread().enable_all().build().unwrap(), multi_thread.unwrap()]
}

#[test]
fn a_mark_is_current_in_its_own_runtime_alone() {
    let [a, b] = runtimes();
    let (of_a, of_b) = (a.block_on(async { mark() }), b.block_on(async { mark() }));
    let seen = || [of_a.is_current(), of_b.is_current()];
    assert_eq!(a.block_on(async { seen() }), [true, false]);
    assert_eq!(b.block_on(async { seen() }), [false, true]);
    assert_eq!(seen(), [false, false]);
    assert!(mark().is_current());
}

#[test]
fn a_mark_of_a_runtime_that_has_ended_is_not_current_even_under_its_id() {
    for runtime in runtimes() {
        let mark = runtime.block_on(async { mark() });
        let handle = runtime.handle().clone();
        let _context = handle.enter();
        assert!(mark.is_current());
        drop(runtime);
        // The handle still has the id, as a new runtime may.
        assert!(!mark.is_current());
    }
}

#[test]
fn a_mark_that_was_made_with_a_spent_budget_learns_of_the_end_too() {
    let [runtime, _] = runtimes();
    let handle = runtime.handle().clone();
    let mark = runtime.block_on(async {
        std::future::poll_fn(|cx| {
            while coop::poll_proceed(cx).map(|budget| budget.made_progress()).is_ready() {}
            Poll::Ready(())
        })
        .await;
        mark()
    });
    let _context = handle.enter();
    assert!(mark.is_current());
    drop(runtime);
    assert!(!mark.is_current());
}
