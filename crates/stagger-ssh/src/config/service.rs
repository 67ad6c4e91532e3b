//! Names of services.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::{Files, value};

/// The services of `/etc/services`, once a name was looked up.
pub(super) type Services = RefCell<Option<BTreeMap<Vec<u8>, u16>>>;

/// The port of a service by `/etc/services`, for TCP.
pub(super) fn service(name: &[u8], files: &dyn Files, known: &Services) -> Option<u16> {
    let mut known = known.borrow_mut();
    let known = known.get_or_insert_with(|| {
        let contents = files.read(Path::new("/etc/services"), false).unwrap_or_default();
        let mut ports = BTreeMap::new();
        for line in contents.split(|byte| *byte == b'\n') {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let words: Vec<&[u8]> = words.collect();
            let [name, port, aliases @ ..] = &words[..] else { continue };
            let Some(port) = port.strip_suffix(b"/tcp").and_then(value::port) else { continue };
            for name in [name].into_iter().chain(aliases) {
                ports.entry(name.to_vec()).or_insert(port);
            }
        }
        ports
    });
    known.get(name).copied()
}
