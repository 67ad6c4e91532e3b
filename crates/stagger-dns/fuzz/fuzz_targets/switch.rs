//! Any bytes are read as an `nsswitch.conf`, and what is printed of it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagger_dns::{MAX_NOTES, MAX_SOURCES, Switch};

fuzz_target!(|rest: &[u8]| {
    let file = [b"hosts:", rest].concat();
    let parsed = Switch::parse(&file);
    assert!(parsed.notes.iter().len() <= MAX_NOTES);
    let switch = parsed.value;
    assert!(switch.sources().len() <= MAX_SOURCES);

    let printed = format!("hosts: {switch}");
    let again = Switch::parse(printed.as_bytes());
    assert!(again.notes.is_empty(), "{printed:?}");
    assert_eq!(again.value, switch, "{printed:?}");
});
