//! What a history costs a connect of the heap: nothing.
#![forbid(unsafe_code)]

use std::future::{pending, ready};
use std::io;
use std::net::SocketAddr;

use futures_lite::stream;
use stagger::address::Family;
use stagger::connect::connector_fn;
use stagger::history::{Key, Knowledge, Memory, Mode, NetworkKey, Subnet};
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Dialer, History};
use stagger_bench::Heap;
use stagger_testkit::{Clock, ms};
use stats_alloc::INSTRUMENTED_SYSTEM;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

/// How often a connect allocates, the first time and the third time.
fn allocations(
    history: Option<History>,
    target: &'static str,
    found: [&'static str; 2],
) -> [usize; 2] {
    let clock = Clock::new();
    let resolver = resolver_fn(move |_: &_| {
        let found = found.map(|text| text.parse().unwrap());
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

/// A history that moves the first address behind the second.
fn outranking(found: [&str; 2]) -> History {
    let memory = Memory::new();
    memory.restore(found.into_iter().zip([310, 30]).map(|(text, took)| {
        let address: SocketAddr = text.parse().unwrap();
        let key = Key::new(NetworkKey::default(), Subnet::of(address.ip()));
        (key, Knowledge::new().with_round_trip(ms(took), ms(0)))
    }));
    // The family's entry is there too, so that no connect makes one.
    memory.restore([(Key::new(NetworkKey::default(), Family::Ipv4), Knowledge::new())]);
    History::new().with_store(memory)
}

/// The only test here, because the heap is counted for the whole process.
#[test]
fn a_history_that_knows_the_addresses_costs_no_allocation() {
    for target in ["192.0.2.1:80", "example.com:80"] {
        let found = ["[2001:db8::1]:80", "192.0.2.1:80"];
        let [_, without] = allocations(None, target, found);
        assert!(without > 0, "{target}: nothing was counted");
        let modes = [Mode::Delay, Mode::Order];
        for mode in modes {
            let [first, later] = allocations(Some(History::new().with_mode(mode)), target, found);
            assert!(first > later, "{target}, {mode:?}: the first connect makes entries");
            assert!(later <= without, "{target}, {mode:?}: {later}, and {without} without");
        }
    }
    let found = ["192.0.2.1:80", "198.51.100.1:80"];
    let [_, without] = allocations(None, "example.com:80", found);
    let moved = allocations(Some(outranking(found)), "example.com:80", found);
    assert_eq!(moved, [without; 2], "nobody listens for an address that is moved back");
}
