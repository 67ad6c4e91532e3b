//! What a history costs a connect of the heap: nothing.
#![forbid(unsafe_code)]

use std::future::{pending, ready};
use std::io;
use std::net::SocketAddr;

use futures_lite::stream;
use stagger::connect::connector_fn;
use stagger::history::Mode;
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Dialer, History};
use stagger_bench::Heap;
use stagger_testkit::Clock;
use stats_alloc::INSTRUMENTED_SYSTEM;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

/// How often a connect allocates, the first time and the third time.
fn allocations(history: Option<History>, target: &'static str) -> [usize; 2] {
    let clock = Clock::new();
    let resolver = resolver_fn(|_: &_| {
        let found = ["[2001:db8::1]:80", "192.0.2.1:80"].map(|text| text.parse().unwrap());
        stream::once(Answer::<SocketAddr, io::Error>::found(Record::Addresses, found))
    });
    let connector = connector_fn(|to: SocketAddr| async move {
        match to.is_ipv6() {
            true => pending().await,
            false => ready(Ok::<_, io::Error>(())).await,
        }
    });
    let mut dialer = Dialer::new(resolver, connector, clock.clone());
    if let Some(history) = history {
        dialer = dialer.with_history(history);
    }
    let counts: [usize; 3] = std::array::from_fn(|_| {
        let before = HEAP.stats();
        clock.run(dialer.connect(target)).unwrap();
        let made = HEAP.stats() - before;
        made.allocations + made.reallocations
    });
    [counts[0], counts[2]]
}

/// The only test here, because the heap is counted for the whole process.
#[test]
fn a_history_that_knows_the_addresses_costs_no_allocation() {
    for target in ["192.0.2.1:80", "example.com:80"] {
        let [_, without] = allocations(None, target);
        assert!(without > 0, "{target}: nothing was counted");
        let modes = [Mode::Delay, Mode::Order];
        for mode in modes {
            let [first, later] = allocations(Some(History::new().with_mode(mode)), target);
            assert!(first > later, "{target}, {mode:?}: the first connect makes entries");
            assert!(later <= without, "{target}, {mode:?}: {later}, and {without} without");
        }
    }
}
