//! What a connect and a race may take of the heap, on every machine.
#![forbid(unsafe_code)]

#[path = "../benches/support/mod.rs"]
mod support;

use stagger_bench::{
    AsyncStd, Heap, MOST_ALLOCATIONS, MOST_BYTES, Place, Server, Side, Smol, Tokio, Way,
    allocations,
};
use stagger_tests::namespace::{LOOPBACK, within};
use stats_alloc::INSTRUMENTED_SYSTEM;
use support::listed;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

fn allocates_little_more_than_the_runtimes_own<S: Side>() {
    let _etc = listed();
    let server = Server::start().unwrap();
    let side = S::new().unwrap();
    for (kind, text) in server.places() {
        let counts = allocations(HEAP, &side, &server, &Place::new(text).unwrap()).unwrap();
        let own = counts[0].1;
        let ours = |way: &Way| matches!(way, Way::Dialer | Way::Connect);
        for (way, count) in counts.into_iter().filter(|(way, _)| ours(way)) {
            assert!(count > 0, "{} to a {kind} by {way}: nothing was counted", S::NAME);
            assert!(
                count <= own + MOST_ALLOCATIONS,
                "{} to a {kind} by {way}: {count} allocations, the runtime's own makes {own}",
                S::NAME
            );
        }
    }
}

fn takes_at_most_4_kib<S: Side>() {
    let race = S::weigh(HEAP, 1000);
    assert!(race.heap > 0, "nothing was counted");
    assert!(race.bytes() <= MOST_BYTES, "{}: {race:?}", S::NAME);
}

macro_rules! on_each {
    ($(fn $name:ident: $case:ident on $side:ident,)*) => {$(
        #[test]
        fn $name() {
            let test = concat!(module_path!(), "::", stringify!($name));
            within(test, LOOPBACK, $case::<$side>);
        }
    )*};
}

on_each! {
    fn a_connect_on_tokio_makes_at_most_eight_allocations_more_than_tokio_s_own:
        allocates_little_more_than_the_runtimes_own on Tokio,
    fn a_connect_on_smol_makes_at_most_eight_allocations_more_than_smol_s_own:
        allocates_little_more_than_the_runtimes_own on Smol,
    fn a_connect_on_async_std_makes_at_most_eight_allocations_more_than_async_std_s_own:
        allocates_little_more_than_the_runtimes_own on AsyncStd,
    fn a_pending_race_of_eight_on_tokio_takes_at_most_4_kib: takes_at_most_4_kib on Tokio,
    fn a_pending_race_of_eight_on_smol_takes_at_most_4_kib: takes_at_most_4_kib on Smol,
    fn a_pending_race_of_eight_on_async_std_takes_at_most_4_kib: takes_at_most_4_kib on AsyncStd,
}
