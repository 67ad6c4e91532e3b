//! `nsswitch.conf`.

use stagger_dns::Switch;
use stagger_dns::config::{Warning, WarningKind};

use crate::assert_warnings;

/// Any bytes are read as an `nsswitch.conf`, from its `hosts:` on, and what is printed of it is
/// read as the same.
pub fn switch(rest: &[u8]) {
    let file = [b"hosts:", rest].concat();
    let parsed = Switch::parse(&file);
    assert_warnings(&parsed.warnings);
    let switch = parsed.value;
    assert!(switch.sources().len() <= Switch::MAX_SOURCES);

    let printed = format!("hosts: {switch}");
    let again = Switch::parse(printed.as_bytes());
    let is_unsupported = |warning: &Warning| {
        matches!(warning.kind(), WarningKind::UnsupportedSource | WarningKind::UnsupportedAction)
    };
    assert!(again.warnings.iter().all(is_unsupported), "{printed:?}");
    assert_eq!(again.value, switch, "{printed:?}");
}
