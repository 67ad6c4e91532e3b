//! One datagram, with its control messages.

#[cfg(all(fuzzing, target_os = "linux"))]
pub(super) mod fuzzing;

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use socket2::{MaybeUninitSlice, SockAddr, SockRef};
use stagger::address::Address as _;

/// The description of a received datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Datagram {
    /// How many bytes are in the buffer. A datagram may have no bytes.
    pub length: usize,
    /// Whether the datagram was longer than the buffer. The other bytes are lost.
    pub truncated: bool,
    /// The sender. The scope id of a link-local address is the interface by which the datagram
    /// came, so a reply leaves there.
    pub peer: SocketAddr,
    /// Where the datagram arrived, if the socket was [set up](crate::UdpOptions) to report it.
    pub arrival: Option<Arrival>,
}

/// Where a datagram arrived. A reply can be [sent from there](crate::UdpSocket::send_to_from).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    destination: IpAddr,
    source: Option<IpAddr>,
    interface: u32,
}

impl Arrival {
    /// Makes a value for sending, with a source address of this machine and the index of an
    /// interface. With `None` or with 0 the system chooses.
    pub fn new(source: Option<IpAddr>, interface: u32) -> Self {
        let source = source.map(|ip| ip.to_canonical());
        let destination = source.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        Self { destination, source, interface }
    }

    /// Returns the address to which the datagram was sent: of this machine, of a group, or
    /// broadcast.
    pub fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Returns the address of this machine from which to reply. It is `None` for an IPv6 group. The
    /// system then chooses.
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// Returns the index of the interface.
    pub fn interface(&self) -> u32 {
        self.interface
    }
}

/// Receives one datagram, if a datagram is waiting.
///
/// # Errors
///
/// The system's error: [`io::ErrorKind::WouldBlock`] if no datagram is waiting.
pub(super) fn receive(socket: &SockRef<'_>, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut control = [0; control::ROOM];
    // SAFETY: only a system call writes to these, and it writes initialised bytes.
    let (buffer, uninit) = unsafe { (as_uninit(buffer), as_uninit(&mut control)) };
    let Message { length, truncated, peer, told } = receive_message(socket, buffer, uninit)?;
    let peer = peer.as_socket().map(SocketAddr::canonical);
    let Some(mut peer) = peer else {
        return Err(io::Error::other("the system does not say who sent a datagram"));
    };
    let told = control::read(control.get(..told).unwrap_or(&control));
    if let (SocketAddr::V6(peer), Some(flow_info)) = (&mut peer, told.flow_info) {
        peer.set_flowinfo(flow_info);
    }
    Ok(Datagram { length, truncated, peer, arrival: told.arrival })
}

/// The result of one system call, without the bytes.
struct Message {
    length: usize,
    truncated: bool,
    peer: SockAddr,
    /// The length of the control messages.
    told: usize,
}

#[cfg(unix)]
fn receive_message(
    socket: &SockRef<'_>,
    buffer: &mut [MaybeUninit<u8>],
    control: &mut [MaybeUninit<u8>],
) -> io::Result<Message> {
    // An IPv6 address has room for an address of either family.
    let mut peer = SockAddr::from(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)));
    let mut buffers = [MaybeUninitSlice::new(buffer)];
    let mut message = socket2::MsgHdrMut::new()
        .with_addr(&mut peer)
        .with_buffers(&mut buffers)
        .with_control(control);
    let length = socket.recvmsg(&mut message, 0)?;
    let (truncated, told) = (message.flags().is_truncated(), message.control_len());
    Ok(Message { length, truncated, peer, told })
}

/// Reads no control messages: Windows has `WSARecvMsg` for them, which `socket2` lacks.
#[cfg(not(unix))]
fn receive_message(
    socket: &SockRef<'_>,
    buffer: &mut [MaybeUninit<u8>],
    _control: &mut [MaybeUninit<u8>],
) -> io::Result<Message> {
    let room = buffer.len();
    let mut buffers = [MaybeUninitSlice::new(buffer)];
    let (length, flags, peer) = socket.recv_from_vectored(&mut buffers)?;
    // Windows reports a truncated datagram as the error `WSAEMSGSIZE`, and documents no length for
    // an error. The buffer is full then.
    let truncated = flags.is_truncated();
    let length = if truncated { room } else { length };
    Ok(Message { length, truncated, peer, told: 0 })
}

/// Returns the same bytes as a place to write to.
///
/// # Safety
///
/// Only initialised bytes may be written there.
pub(super) unsafe fn as_uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    let (start, length) = (bytes.as_mut_ptr().cast(), bytes.len());
    // SAFETY: the place and the layout are the same, and the borrow is passed on. The caller keeps
    // the bytes initialised.
    unsafe { std::slice::from_raw_parts_mut(start, length) }
}

/// The content of the control messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    arrival: Option<Arrival>,
    flow_info: Option<u32>,
}

/// Control messages (cmsg(3)). This module reads and writes them as bytes, without `unsafe`. The
/// kernel defines the form: a length, the level, the type, and the data. The length has the size of
/// a pointer, and includes the header. Each message begins at a multiple of a pointer's size.
#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) mod control {
    use std::iter;
    use std::net::Ipv4Addr;

    use libc::{IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_FLOWINFO, IPV6_PKTINFO};

    use super::{Arrival, IpAddr, Ipv6Addr, Told};

    /// Room for all messages that our sockets ask for, and for some that the owner may ask for.
    pub(in super::super) const ROOM: usize = 256;

    const WORD: usize = size_of::<usize>();

    /// Length, level and type.
    pub(super) const HEADER: usize = WORD + 8;

    /// One message to the kernel, with room for the longer of `in_pktinfo` and `in6_pktinfo`.
    #[derive(Debug)]
    pub(in super::super) struct Control {
        bytes: [u8; (HEADER + 20).next_multiple_of(WORD)],
        length: usize,
    }

    impl Control {
        pub(in super::super) fn as_bytes(&self) -> &[u8] {
            &self.bytes[..self.length]
        }

        pub(super) fn new(level: i32, kind: i32, data: &[u8]) -> Self {
            let length = HEADER + data.len();
            let mut bytes = [0; (HEADER + 20).next_multiple_of(WORD)];
            bytes[..WORD].copy_from_slice(&length.to_ne_bytes());
            bytes[WORD..WORD + 4].copy_from_slice(&level.to_ne_bytes());
            bytes[WORD + 4..HEADER].copy_from_slice(&kind.to_ne_bytes());
            bytes[HEADER..length].copy_from_slice(data);
            Self { bytes, length: length.next_multiple_of(WORD) }
        }
    }

    /// Writes the source and interface to send from. Over an IPv6 socket an IPv4 address is written
    /// as a v4-mapped address.
    pub(in super::super) fn write(arrival: &Arrival, ipv6: bool, to_ipv4: bool) -> Control {
        let interface = arrival.interface.to_ne_bytes();
        let unspecified = match to_ipv4 {
            true => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            false => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        match arrival.source.unwrap_or(unspecified) {
            IpAddr::V4(source) if !ipv6 => {
                // `in_pktinfo`: the index, the source, and the destination, which the kernel
                // ignores.
                let mut data = [0; 12];
                data[..4].copy_from_slice(&interface);
                data[4..8].copy_from_slice(&source.octets());
                Control::new(IPPROTO_IP, IP_PKTINFO, &data)
            }
            source => {
                let source = match source {
                    IpAddr::V4(source) => source.to_ipv6_mapped(),
                    IpAddr::V6(source) => source,
                };
                // `in6_pktinfo`: the source, the index.
                let mut data = [0; 20];
                data[..16].copy_from_slice(&source.octets());
                data[16..].copy_from_slice(&interface);
                Control::new(IPPROTO_IPV6, IPV6_PKTINFO, &data)
            }
        }
    }

    /// Reads the known messages. Unknown and incomplete messages are ignored.
    pub(super) fn read(control: &[u8]) -> Told {
        let mut told = Told::default();
        for (level, kind, data) in messages(control) {
            match (level, kind) {
                (IPPROTO_IP, IP_PKTINFO) if data.len() >= 12 => {
                    let source = Ipv4Addr::from(array::<4>(&data[4..]));
                    told.arrival = Some(Arrival {
                        interface: u32::from_ne_bytes(array(data)),
                        source: (!source.is_unspecified()).then_some(source.into()),
                        destination: Ipv4Addr::from(array::<4>(&data[8..])).into(),
                    });
                }
                (IPPROTO_IPV6, IPV6_PKTINFO) if data.len() >= 20 => {
                    let destination = Ipv6Addr::from(array::<16>(data));
                    let destination = IpAddr::V6(destination).to_canonical();
                    told.arrival = Some(Arrival {
                        interface: u32::from_ne_bytes(array(&data[16..])),
                        source: (!destination.is_multicast()).then_some(destination),
                        destination,
                    });
                }
                (IPPROTO_IPV6, IPV6_FLOWINFO) if data.len() >= 4 => {
                    told.flow_info = Some(u32::from_ne_bytes(array(data)));
                }
                _ => {}
            }
        }
        told
    }

    /// Returns the level, type and data of each message, up to the first incomplete message.
    pub(in super::super) fn messages(
        mut control: &[u8],
    ) -> impl Iterator<Item = (i32, i32, &[u8])> {
        iter::from_fn(move || {
            let (header, _) = control.split_at_checked(HEADER)?;
            let length = usize::from_ne_bytes(array(header));
            let level = i32::from_ne_bytes(array(&header[WORD..]));
            let kind = i32::from_ne_bytes(array(&header[WORD + 4..]));
            let data = control.get(HEADER..length)?;
            let next = length.checked_next_multiple_of(WORD).unwrap_or(usize::MAX);
            control = control.get(next..).unwrap_or_default();
            Some((level, kind, data))
        })
    }

    /// Returns the first bytes. The caller passes enough bytes.
    fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes[..N].try_into().expect("a slice of the length of the array")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_written_is_read_as_libc_lays_it_out() {
            assert_eq!(size_of::<libc::in_pktinfo>(), 12);
            assert_eq!(size_of::<libc::in6_pktinfo>(), 20);
            assert_eq!(std::mem::offset_of!(libc::in_pktinfo, ipi_spec_dst), 4);
            assert_eq!(std::mem::offset_of!(libc::in_pktinfo, ipi_addr), 8);
            assert_eq!(std::mem::offset_of!(libc::in6_pktinfo, ipi6_ifindex), 16);
            assert_eq!(std::mem::offset_of!(libc::cmsghdr, cmsg_level), WORD);
            assert_eq!(size_of::<libc::cmsghdr>(), HEADER);
        }

        #[test]
        fn each_family_is_written_in_its_own_form() {
            let v6 = "2001:db8::7".parse().unwrap();
            let arrival = Arrival::new(Some(v6), 5);
            let written = write(&arrival, true, false);
            assert_eq!(read(written.as_bytes()).arrival, Some(arrival));
            let v4 = Arrival::new(Some("192.0.2.7".parse().unwrap()), 6);
            let read_back = read(write(&v4, false, true).as_bytes()).arrival.unwrap();
            assert_eq!((read_back.source, read_back.interface), (v4.source, 6));
            // A socket for both families.
            assert_eq!(read(write(&v4, true, true).as_bytes()).arrival, Some(v4));
            // Without a source the system chooses it, in the form that the destination needs.
            let any = read(write(&Arrival::new(None, 6), true, true).as_bytes()).arrival.unwrap();
            assert_eq!(any.destination, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let any = read(write(&Arrival::new(None, 6), false, true).as_bytes()).arrival.unwrap();
            assert_eq!((any.source, any.interface), (None, 6));
        }

        #[test]
        fn what_is_cut_short_or_lies_about_its_length_or_is_unknown_is_passed_over() {
            let arrival = Arrival::new(Some("2001:db8::7".parse().unwrap()), 5);
            let written = write(&arrival, true, false);
            let good = written.as_bytes();
            for length in 0..HEADER + 20 {
                assert_eq!(read(&good[..length]), Told::default(), "{length}");
            }
            for lie in [0, 1, HEADER, HEADER + 19, 4096, usize::MAX] {
                let mut bytes = good.to_vec();
                bytes[..WORD].copy_from_slice(&lie.to_ne_bytes());
                assert_eq!(read(&bytes), Told::default(), "{lie}");
            }
            let unknown = Control::new(1, 29, &[7; 16]);
            let flow = Control::new(IPPROTO_IPV6, IPV6_FLOWINFO, &9_u32.to_ne_bytes());
            let all = [unknown.as_bytes(), good, flow.as_bytes()].concat();
            assert_eq!(read(&all), Told { arrival: Some(arrival), flow_info: Some(9) });
        }
    }
}

/// This system gives no control messages, and none are requested.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(super) mod control {
    pub(super) const ROOM: usize = 0;

    pub(super) fn read(_: &[u8]) -> super::Told {
        super::Told::default()
    }
}
