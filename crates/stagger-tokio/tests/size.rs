//! How large a connect is, which every task that awaits one holds.

/// The most bytes of a connect with the default parts: four attempts in flight are part of it.
const MOST_BYTES: usize = 1824;

#[test]
fn a_connect_is_no_larger_than_its_bound() {
    let dial = stagger_tokio::dialer().connect("localhost:1");
    let size = size_of_val(&dial);
    assert!(size <= MOST_BYTES, "{size} bytes");
}
