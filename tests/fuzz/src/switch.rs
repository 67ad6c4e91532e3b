//! `nsswitch.conf`.

use stagger_dns::{MAX_SOURCES, Note, Problem, Switch};

use crate::assert_notes;

/// Any bytes are read as an `nsswitch.conf`, from its `hosts:` on, and what is printed of it is read
/// as the same.
pub fn switch(rest: &[u8]) {
    let file = [b"hosts:", rest].concat();
    let parsed = Switch::parse(&file);
    assert_notes(&parsed.notes);
    let switch = parsed.value;
    assert!(switch.sources().len() <= MAX_SOURCES);

    let printed = format!("hosts: {switch}");
    let again = Switch::parse(printed.as_bytes());
    let passed_over = |note: &Note| {
        matches!(note.problem(), Problem::UnsupportedSource | Problem::UnsupportedAction)
    };
    assert!(again.notes.iter().all(passed_over), "{printed:?}");
    assert_eq!(again.value, switch, "{printed:?}");
}
