//! One name in the hosts file, read without libc. libc would use the network for a name that is not
//! there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;

use stagger::target::Host;

use super::request::complete_ip;

/// The hosts file of this machine. Other systems have no known path.
#[cfg(unix)]
pub(super) const PATH: &str = "/etc/hosts";
#[cfg(not(unix))]
pub(super) const PATH: &str = "";

/// How many bytes of the file are read at most: 64 MiB, as in `stagger-dns`. The limit is ours.
const MAX_BYTES: u64 = 64 << 20;

/// How many bytes of a line are read at most: 64 KiB. The rest of a longer line is ignored. The
/// limit is ours.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Returns the addresses that the file has for a name, without a port, in the file's order
/// (hosts(5)).
///
/// The list is empty if there is no such file, or if it can't be read. Blocks while the file is
/// read.
pub(super) fn addresses(path: &Path, name: &str) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    // The lines that were read before an error count.
    let _ = read(path, name, &mut found);
    found
}

fn read(path: &Path, name: &str, found: &mut Vec<SocketAddr>) -> io::Result<()> {
    // Checked before the file is opened, because opening a pipe waits for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(());
    }
    find(BufReader::new(File::open(path)?.take(MAX_BYTES)), name, found)
}

fn find(mut file: impl BufRead, name: &str, found: &mut Vec<SocketAddr>) -> io::Result<()> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            file.skip_until(b'\n')?;
        }
        let text = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut fields = text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let Some(address) = fields.next() else { continue };
        let is_it = |field: &[u8]| {
            field.strip_suffix(b".").unwrap_or(field).eq_ignore_ascii_case(name.as_bytes())
        };
        if fields.any(is_it) {
            found.extend(std::str::from_utf8(address).ok().and_then(literal));
        }
    }
}

/// Returns the address in a text, if it is valid and its zone is a zone of this machine.
fn literal(text: &str) -> Option<SocketAddr> {
    match Host::try_from(text).ok()? {
        Host::Ipv4(ip) => Some((ip, 0).into()),
        Host::Ipv6 { addr, zone, flow_info } => {
            complete_ip(addr.into(), flow_info, zone.as_ref(), 0).ok()
        }
        Host::Name(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &[u8], name: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(file, name, &mut found).unwrap();
        found.iter().map(|addr| addr.ip().to_string()).collect()
    }

    #[test]
    fn a_name_has_the_addresses_of_every_line_that_lists_it() {
        let file = b"# 192.0.2.9 a.localhost\n\n192.0.2.1\tb.localhost  A.LocalHost. # a comment\n\
            2001:db8::1 a.localhost\r\n192.0.2.2 xa.localhost a.localhostx\n192.0.2.3 a.localhost";
        for name in ["a.localhost", "A.localhost."] {
            assert_eq!(found(file, name), ["192.0.2.1", "2001:db8::1", "192.0.2.3"], "{name}");
        }
        assert_eq!(found(file, "c.localhost"), [""; 0]);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_passed_over() {
        let file = b"\xff a.localhost\na.localhost a.localhost\n127.1 a.localhost\n\
            fe80::1%no-such-zone a.localhost\n192.0.2.1 \xff a.localhost\n";
        assert_eq!(found(file, "a.localhost"), ["192.0.2.1"]);
    }

    #[test]
    fn the_rest_of_a_line_beyond_64_kib_is_passed_over() {
        let mut file = b"192.0.2.1 ".to_vec();
        file.resize(MAX_LINE_BYTES as usize, b'x');
        // Alone, the rest would be a line that lists the name.
        file.extend(b"192.0.2.9 a.localhost\n192.0.2.2 a.localhost\n");
        assert_eq!(found(&file, "a.localhost"), ["192.0.2.2"]);
    }

    #[test]
    fn a_file_that_is_not_there_and_one_that_is_no_file_have_no_addresses() {
        for path in ["/no/such/file", "/dev/zero", "/"] {
            assert!(addresses(Path::new(path), "a.localhost").is_empty(), "{path}");
        }
    }
}
