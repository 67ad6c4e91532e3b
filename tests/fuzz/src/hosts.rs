//! The hosts file.

use std::net::IpAddr;

use stagger::resolve::Families;
use stagger_dns::{Environment, Hosts};

use crate::assert_warnings;

/// Any bytes are read as a hosts file, and what a plain reading of a line finds is found.
pub fn hosts(file: &[u8]) {
    let environment =
        Environment::new().with_interface_index(|name| u32::try_from(name.len()).ok());
    let parsed = Hosts::parse(file, &environment);
    assert_warnings(&parsed.warnings);
    let hosts = parsed.value;
    assert!(hosts.len() <= file.len());

    let text = String::from_utf8_lossy(file);
    for line in text.split('\n') {
        let line = line.split('#').next().unwrap_or_default();
        let words = line.split(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let mut words = words.filter(|word| !word.is_empty());
        let Some(Ok(ip)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            let is_label = |label: &str| (1..=63).contains(&label.len());
            let dotless = name.strip_suffix('.').unwrap_or(name);
            let is_name = dotless.bytes().all(|b| b.is_ascii_graphic())
                && dotless.len() <= 253
                && dotless.split('.').all(is_label);
            assert!(is_name || !hosts.contains(name), "{name:?}");
            if is_name {
                let found = hosts
                    .addresses(name, Families::Any, 1)
                    .any(|addr| addr.ip() == ip.to_canonical() && addr.port() == 1);
                assert!(found, "{name:?}");
                assert!(hosts.canonical_name(name).is_some(), "{name:?}");
            }
        }
    }
}
