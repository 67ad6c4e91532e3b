//! What must hold for any control messages of a datagram.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_FLOWINFO, IPV6_PKTINFO};

use super::control::{self, Control};
use super::{Arrival, Told};

/// The kinds that are read, and two kinds that are not.
const KINDS: [(i32, i32); 5] = [
    (IPPROTO_IP, IP_PKTINFO),
    (IPPROTO_IPV6, IPV6_PKTINFO),
    (IPPROTO_IPV6, IPV6_FLOWINFO),
    (IPPROTO_IP, IPV6_PKTINFO),
    (libc::SOL_SOCKET, libc::SCM_RIGHTS),
];

/// Reads the bytes as the control messages of a datagram.
///
/// If the first byte is even, the rest is read unchanged. Otherwise the rest describes messages.
/// Each has one byte, with its kind in the lower half and its length in the upper half, and then
/// its data.
///
/// The result must have the content of these messages. The messages are then cut at half of the
/// value of the first byte, and the result must have the content of the complete ones.
pub fn control(input: &[u8]) {
    let Some((first, input)) = input.split_first() else { return };
    if first % 2 == 0 {
        let told = control::read(input);
        assert_eq!(control::read(input), told);
        if let Some(arrival) = told.arrival {
            let octets = match arrival.destination {
                IpAddr::V4(addr) => addr.octets().to_vec(),
                IpAddr::V6(addr) => addr.octets().to_vec(),
            };
            assert!(input.windows(octets.len()).any(|bytes| bytes == octets), "{arrival:?}");
        }
        return;
    }

    let (mut rest, mut bytes, mut told) = (input, Vec::new(), Told::default());
    // The end of each message, and the content known up to there.
    let mut known = vec![(0, told)];
    while let Some((about, data)) = rest.split_first() {
        let (level, kind) = KINDS[usize::from(about & 15) % KINDS.len()];
        let length = 4 * usize::from(about >> 4 & 7).min(5) + usize::from(about >> 7);
        let (data, after) = data.split_at(length.min(20).min(data.len()));
        rest = after;
        tell(&mut told, level, kind, data);
        known.push((bytes.len() + control::HEADER + data.len(), told));
        bytes.extend_from_slice(Control::new(level, kind, data).as_bytes());
    }
    assert_eq!(control::read(&bytes), told);
    let length = usize::from(first >> 1).min(bytes.len());
    let (_, told) = known.iter().rfind(|(end, _)| *end <= length).expect("the first is at 0");
    assert_eq!(control::read(&bytes[..length]), *told, "cut at {length}");
}

fn tell(told: &mut Told, level: i32, kind: i32, data: &[u8]) {
    let word = |at: usize| data.get(at..at + 4).map(|bytes| <[u8; 4]>::try_from(bytes).unwrap());
    let index = |at| word(at).map(u32::from_ne_bytes);
    match (level, kind) {
        (IPPROTO_IP, IP_PKTINFO) => {
            let (Some(interface), Some(source), Some(to)) = (index(0), word(4), word(8)) else {
                return;
            };
            let source = Some(IpAddr::from(source)).filter(|ip| *ip != Ipv4Addr::UNSPECIFIED);
            told.arrival = Some(Arrival { destination: to.into(), source, interface });
        }
        (IPPROTO_IPV6, IPV6_PKTINFO) => {
            let (Some(to), Some(interface)) = (data.get(..16), index(16)) else { return };
            let to = Ipv6Addr::from(<[u8; 16]>::try_from(to).unwrap());
            let destination = to.to_ipv4_mapped().map_or(IpAddr::V6(to), IpAddr::V4);
            let source = (!destination.is_multicast()).then_some(destination);
            told.arrival = Some(Arrival { destination, source, interface });
        }
        (IPPROTO_IPV6, IPV6_FLOWINFO) => told.flow_info = index(0).or(told.flow_info),
        _ => {}
    }
}
