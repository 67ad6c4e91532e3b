//! Socket options that only the system's own interface has.

use std::io;

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) use linux::*;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(super) use portable::*;
use socket2::Socket;
use stagger::resolve::Families;

#[cfg(not(any(target_os = "android", target_os = "linux")))]
mod portable {
    use std::net::Ipv4Addr;

    use socket2::SockRef;

    use super::*;
    use crate::interface_addr::ipv4_address;

    pub(in super::super) fn set_up(_: &Socket, _: Families, _: bool, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// Sends IPv4 datagrams to groups through this interface, which an address identifies here.
    pub(in super::super) fn set_multicast_interface_v4<'a, S>(
        socket: &'a S,
        index: u32,
    ) -> io::Result<()>
    where
        SockRef<'a>: From<&'a S>,
    {
        SockRef::from(socket).set_multicast_if_v4(&ipv4_address(index)?)
    }

    /// Joins or leaves an IPv4 group on this interface, which an address identifies here.
    pub(in super::super) fn set_member_v4(
        socket: &SockRef<'_>,
        join: bool,
        group: Ipv4Addr,
        index: u32,
    ) -> io::Result<()> {
        let by = ipv4_address(index)?;
        match join {
            true => socket.join_multicast_v4(&group, &by),
            false => socket.leave_multicast_v4(&group, &by),
        }
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
mod linux {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::os::fd::{AsFd, AsRawFd as _};

    use libc::{
        IP_MULTICAST_IF, IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_FLOWINFO, IPV6_FLOWINFO_SEND,
        IPV6_RECVPKTINFO, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, c_int,
    };
    use socket2::{InterfaceIndexOrAddress, SockAddr, SockRef};

    use super::{Families, Socket, io};
    use crate::socket::in_step;

    /// `group_source_req` of `linux/in.h`, which libc lacks. The padding of the C type is a field
    /// here, because the kernel reads all bytes.
    #[repr(C)]
    struct GroupSource {
        interface: u32,
        #[cfg(target_pointer_width = "64")]
        padding: u32,
        group: libc::sockaddr_storage,
        source: libc::sockaddr_storage,
    }

    /// Makes the system return the requested control messages and use flow info. Also excludes
    /// datagrams to groups that only other sockets have joined.
    ///
    /// # Errors
    ///
    /// The system's error, with its kind and the name of the option.
    pub(in super::super) fn set_up(
        socket: &Socket,
        families: Families,
        packet_info: bool,
        flow_info: bool,
    ) -> io::Result<()> {
        const ON: c_int = 1;
        if families != Families::Ipv6 {
            // By default a socket receives datagrams to every group that any socket of the machine
            // has joined (ip(7), since Linux 2.6.31).
            #[cfg(target_os = "linux")]
            socket.set_multicast_all_v4(false).map_err(in_step("set IP_MULTICAST_ALL"))?;
        }
        if families == Families::Ipv4 {
            if packet_info {
                let set = set_option(socket, IPPROTO_IP, IP_PKTINFO, &ON);
                set.map_err(in_step("set IP_PKTINFO"))?;
            }
            return Ok(());
        }
        // Kernels before 4.20 lack the option, and the socket works without it.
        #[cfg(target_os = "linux")]
        let _ = socket.set_multicast_all_v6(false);
        let set = set_option(socket, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, &ON);
        set.map_err(in_step("set IPV6_FLOWINFO_SEND"))?;
        if packet_info {
            let set = set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &ON);
            set.map_err(in_step("set IPV6_RECVPKTINFO"))?;
        }
        if flow_info {
            let set = set_option(socket, IPPROTO_IPV6, IPV6_FLOWINFO, &ON);
            set.map_err(in_step("set IPV6_FLOWINFO"))?;
        }
        Ok(())
    }

    /// Sends IPv4 datagrams to groups through this interface.
    pub(in super::super) fn set_multicast_interface_v4(
        socket: &impl AsFd,
        interface: u32,
    ) -> io::Result<()> {
        let any = libc::in_addr { s_addr: 0 };
        let interface =
            c_int::try_from(interface).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
        let wish = libc::ip_mreqn { imr_multiaddr: any, imr_address: any, imr_ifindex: interface };
        set_option(socket, IPPROTO_IP, IP_MULTICAST_IF, &wish)
    }

    /// Joins or leaves an IPv4 group on this interface.
    pub(in super::super) fn set_member_v4(
        socket: &SockRef<'_>,
        join: bool,
        group: Ipv4Addr,
        index: u32,
    ) -> io::Result<()> {
        let by = InterfaceIndexOrAddress::Index(index);
        match join {
            true => socket.join_multicast_v4_n(&group, &by),
            false => socket.leave_multicast_v4_n(&group, &by),
        }
    }

    /// Joins or leaves the datagrams that one host sends to a group (RFC 3678 §5.1).
    pub(in super::super) fn set_source(
        socket: &impl AsFd,
        join: bool,
        group: IpAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        let storage = |ip: IpAddr| SockAddr::from(SocketAddr::new(ip, 0)).as_storage();
        let level = if group.is_ipv4() { IPPROTO_IP } else { IPPROTO_IPV6 };
        let option = if join { MCAST_JOIN_SOURCE_GROUP } else { MCAST_LEAVE_SOURCE_GROUP };
        let wish = GroupSource {
            interface,
            #[cfg(target_pointer_width = "64")]
            padding: 0,
            group: raw(storage(group)),
            source: raw(storage(source)),
        };
        set_option(socket, level, option, &wish)
    }

    /// `SockAddr` zeroes its storage before it writes an address there, so all bytes are
    /// initialised.
    fn raw(mut storage: socket2::SockAddrStorage) -> libc::sockaddr_storage {
        // SAFETY: `sockaddr_storage` is one of the platform's types of that name.
        unsafe { *storage.view_as() }
    }

    /// A type that is passed to the kernel as its bytes in memory.
    ///
    /// # Safety
    ///
    /// Every byte of a value is initialised: the type and its fields have no padding.
    pub(in super::super) unsafe trait Plain {}

    // SAFETY: an integer has no padding.
    unsafe impl Plain for c_int {}

    const _: () = assert!(size_of::<libc::ip_mreqn>() == 2 * 4 + size_of::<c_int>());
    // SAFETY: it is two addresses of four bytes and an integer, and has the size of their sum. So
    // it has no padding.
    unsafe impl Plain for libc::ip_mreqn {}

    const _: () = assert!(
        size_of::<GroupSource>() == size_of::<usize>() + 2 * size_of::<libc::sockaddr_storage>()
    );
    // SAFETY: it has the size of the sum of its fields, so it has no padding. `raw` makes the two
    // addresses from storage that is zeroed as a whole.
    unsafe impl Plain for GroupSource {}

    /// Reads an option that is a number.
    pub(in super::super) fn option(
        socket: &impl AsFd,
        level: c_int,
        option: c_int,
    ) -> io::Result<c_int> {
        let descriptor = socket.as_fd().as_raw_fd();
        let (mut value, mut length): (c_int, _) = (0, size_of::<c_int>() as libc::socklen_t);
        // SAFETY: the descriptor is open because `socket` is borrowed. The kernel writes at most
        // `length` bytes to `value`, and the length that it has written. Both live through the
        // call.
        let code = unsafe {
            let value = (&raw mut value).cast();
            libc::getsockopt(descriptor, level, option, value, &raw mut length)
        };
        if code == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
    }

    pub(in super::super) fn set_option<T: Plain>(
        socket: &impl AsFd,
        level: c_int,
        option: c_int,
        value: &T,
    ) -> io::Result<()> {
        let (descriptor, length) = (socket.as_fd().as_raw_fd(), size_of::<T>() as libc::socklen_t);
        // SAFETY: the descriptor is open because `socket` is borrowed. `value` lives through the
        // call, and is of `length` bytes, all of them initialised, as `Plain` requires.
        let code = unsafe {
            libc::setsockopt(descriptor, level, option, (&raw const *value).cast(), length)
        };
        if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
