//! Versions of clients.

/// The versions that Cargo has chosen for all programs.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The version of a crate.
///
/// # Panics
///
/// If no program uses such a crate.
pub(crate) fn version(name: &str) -> &'static str {
    let line = format!("name = \"{name}\"");
    let mut lines = LOCK.lines().skip_while(|found| *found != line).skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = \""));
    version.unwrap_or_else(|| panic!("no crate is named {name}")).trim_end_matches('"')
}
