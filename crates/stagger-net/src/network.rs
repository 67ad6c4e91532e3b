//! Which network this machine is in.

use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{IpAddr, Ipv6Addr};

use stagger::address::Family;
use stagger::history::NetworkKey;

use crate::{Interface, connectivity, interface_addr, source};

/// How much of resolv.conf is read: 64 KiB. The number is ours. An honest file has a few lines.
const MAX_READ: u64 = 64 * 1024;

/// Returns the key of the network that this machine is in now, for [`History::set_network`].
///
/// It is made of the default route of each family, and of the name servers in `/etc/resolv.conf`.
/// A route counts with the name of its interface and with its source address. Of an IPv6 source
/// only the first 64 bits count, because hosts change the rest every day (RFC 8981). That is ours.
/// Without a route and without name servers the number is that of a machine without a network.
///
/// The number changes when the machine moves to another network, and often when it returns with
/// another address. Two networks with the same addresses, interface and name servers have the same
/// number. It costs a few system calls and reads one small file. Nothing is sent.
///
/// [`History::set_network`]: stagger::History::set_network
///
/// # Examples
///
/// ```
/// use stagger::History;
///
/// let history = History::new();
/// history.set_network(stagger_net::system::network_key());
/// assert_eq!(history.network(), stagger_net::system::network_key());
/// ```
pub fn network_key() -> NetworkKey {
    NetworkKey::from_bytes(describe().as_bytes())
}

/// The network as text.
fn describe() -> String {
    let mut text = String::new();
    let found = interface_addr::addresses().unwrap_or_default();
    for family in [Family::Ipv4, Family::Ipv6] {
        let source = source::source_address(&connectivity::anywhere(family));
        let Some(source) = source.filter(|source| interface_addr::is_routable(*source)) else {
            continue;
        };
        let index = found.iter().find(|own| own.addr == source).and_then(|own| own.index);
        let name = index.and_then(|index| Interface::from(index).name().ok().flatten());
        let (name, source) = (name.unwrap_or_default(), stable(source));
        writeln!(text, "route {name} {source}").expect("a string takes any text");
    }
    for server in name_servers() {
        writeln!(text, "server {server}").expect("a string takes any text");
    }
    text
}

/// The part of a source address that lasts as long as the network.
fn stable(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// The name servers of resolv.conf as they are written there. There are none if it cannot be read.
fn name_servers() -> Vec<String> {
    let mut text = Vec::new();
    if let Ok(file) = std::fs::File::open("/etc/resolv.conf") {
        // What was read before an error counts.
        let _ = file.take(MAX_READ).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let server = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let is_server = words.next() == Some("nameserver");
        words.next().filter(|_| is_server).map(ToOwned::to_owned)
    };
    text.lines().filter_map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_ipv6_source_only_the_network_counts() {
        let part = |text: &str| stable(text.parse().unwrap()).to_string();
        assert_eq!(part("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(part("192.0.2.7"), "192.0.2.7");
    }
}
