//! Histories as JSON.

use std::time::{Duration, Instant, SystemTime};

use stagger::history::{Memory, json};

use crate::assert_one_line;

/// Any bytes are read as the entries of a history. What was read is written, and is read as the
/// same again.
pub fn history(rest: &[u8]) {
    let now = Instant::now();
    let system = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let text = [br#"{"version":1,"entries":["#, rest].concat();
    let entries = match json::from_slice(&text, now, system) {
        Ok(entries) => entries,
        Err(error) => return assert_one_line(&error.to_string(), 100),
    };
    assert!(entries.len() <= Memory::MAX_RESTORED);
    let written = json::to_string(&entries, now, system);
    assert_eq!(json::from_slice(written.as_bytes(), now, system), Ok(entries.clone()), "{written}");

    let memory = Memory::new();
    memory.restore(entries);
    let kept = memory.entries();
    let again = Memory::new();
    again.restore(kept.clone());
    assert_eq!(again.entries(), kept, "{written}");
}
