//! The kernel's table of sockets, of all processes.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// A state in the table, as the kernel numbers it (`include/net/tcp_states.h`).
const ESTABLISHED: u8 = 1;
/// As above.
const SYN_SENT: u8 = 2;
/// As above.
const LISTEN: u8 = 10;

/// One socket.
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: u8,
    /// Of a listener: the connections that wait to be accepted.
    receive_queue: u32,
    inode: u64,
}

/// How many sockets are connecting to `addr`, in this network namespace.
pub fn connecting_to(addr: SocketAddr) -> usize {
    let rows = rows(table("tcp", addr));
    rows.iter().filter(|row| row.state == SYN_SENT && row.remote == addr).count()
}

/// How many sockets of this process are connected to `addr` and not closed. Another test may have
/// had the port before, and connect to it again.
pub fn connected_to(addr: SocketAddr) -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let own: BTreeSet<_> = links.collect();
    let mut rows = rows(table("tcp", addr));
    rows.retain(|row| row.state == ESTABLISHED && row.remote == addr);
    let sockets = rows.iter().map(|row| PathBuf::from(format!("socket:[{}]", row.inode)));
    // The kernel may print a row twice, if another row comes while the table is read.
    sockets.filter(|socket| own.contains(socket)).collect::<BTreeSet<_>>().len()
}

/// How many UDP sockets are connected to `addr`, in this network namespace.
pub fn udp_connected_to(addr: SocketAddr) -> usize {
    let rows = rows(table("udp", addr));
    rows.iter().filter(|row| row.remote == addr).count()
}

/// How many connections wait to be accepted by the listener on `addr`.
///
/// # Panics
///
/// If there is no such listener.
pub fn accept_queue(addr: SocketAddr) -> u32 {
    let rows = rows(table("tcp", addr));
    let listener = rows.iter().find(|row| row.state == LISTEN && row.local == addr);
    listener.expect("the listener is in the table").receive_queue
}

/// Whether something listens on `addr` over TCP.
pub(crate) fn listens(addr: SocketAddr) -> bool {
    rows(table("tcp", addr)).iter().any(|row| row.state == LISTEN && row.local == addr)
}

fn table(protocol: &str, addr: SocketAddr) -> String {
    let version = if addr.is_ipv6() { "6" } else { "" };
    // A thread may be in another network than its process (namespace::at).
    format!("/proc/thread-self/net/{protocol}{version}")
}

fn rows(path: String) -> Vec<Row> {
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let row = |line: &str| row(line).unwrap_or_else(|| panic!("{path} has the line {line:?}"));
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_whitespace().skip(1);
    let mut next = || fields.next();
    let (local, remote, state, queues) = (next()?, next()?, next()?, next()?);
    let (_, receive_queue) = queues.split_once(':')?;
    // After the timer, the retransmissions, the user and the timeout.
    let inode = fields.nth(4)?;
    Some(Row {
        local: address(local)?,
        remote: address(remote)?,
        state: u8::from_str_radix(state, 16).ok()?,
        receive_queue: u32::from_str_radix(receive_queue, 16).ok()?,
        inode: inode.parse().ok()?,
    })
}

/// An address is printed as words in the machine's order, made of bytes in the network's.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let v4 = || <[u8; 4]>::try_from(&*bytes).map(Ipv4Addr::from);
    let v6 = || <[u8; 16]>::try_from(&*bytes).map(Ipv6Addr::from);
    let ip = v4().map(IpAddr::V4).or_else(|_| v6().map(IpAddr::V6));
    Some(SocketAddr::new(ip.ok()?, port))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn only_connected_sockets_of_this_process_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let streams = [(); 3].map(|()| TcpStream::connect(addr).unwrap());
        assert_eq!(connected_to(addr), 3);
        // The copy of a descriptor is the same socket.
        let copy = streams[0].try_clone().unwrap();
        assert_eq!(connected_to(addr), 3);
        drop(streams);
        assert_eq!(connected_to(addr), 1);
        drop(copy);
        assert_eq!(connected_to(addr), 0);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_address_is_read_as_the_kernel_prints_it() {
        let cases = [
            ("0100007F:1F90", "127.0.0.1:8080"),
            ("00000000000000000000000001000000:0016", "[::1]:22"),
            ("B80D0120000000000000000001000000:0050", "[2001:db8::1]:80"),
        ];
        for (printed, meant) in cases {
            assert_eq!(address(printed), Some(meant.parse().unwrap()));
        }
    }
}
