//! Any bytes are read as an `nsswitch.conf`, and what is printed of it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagger_dns::{MAX_NOTES, MAX_SOURCES, Note, Problem, Switch};

fuzz_target!(|rest: &[u8]| {
    let file = [b"hosts:", rest].concat();
    let parsed = Switch::parse(&file);
    assert!(parsed.notes.iter().len() <= MAX_NOTES);
    let switch = parsed.value;
    assert!(switch.sources().len() <= MAX_SOURCES);

    let printed = format!("hosts: {switch}");
    let again = Switch::parse(printed.as_bytes());
    let passed_over = |note: &Note| note.problem() == Problem::UnsupportedSource;
    assert!(again.notes.iter().all(passed_over), "{printed:?}");
    assert_eq!(again.value, switch, "{printed:?}");
});
