//! Groups: to be in one, and to send to one.

use std::io;
use std::net::IpAddr;

use socket2::SockRef;
use stagger::address::Family;

use super::addr::check;
use super::{UdpAddrError, system};
use crate::socket::{OptionError, in_step};
use crate::{Interface, Register, UdpSocket};

/// Multicast.
///
/// A socket has what is sent to the groups that it has joined itself, and to its port. To have it
/// from others on its port too, each says [`UdpOptions::with_reuse_address`](crate::UdpOptions::with_reuse_address).
/// The interface is given by index or by name; 0 leaves it to the system, which asks its routes
/// (IPv4), or takes the first that it finds (IPv6). The errors of all of these name the step.
impl<R: Register<std::net::UdpSocket>> UdpSocket<R> {
    /// Joins a group on an interface (`IP_ADD_MEMBERSHIP`, `IPV6_JOIN_GROUP`).
    ///
    /// # Errors
    ///
    /// [`UdpAddrError`] if it is no group or of a family that the socket is not for; that the
    /// name of the interface can't be one or is nobody's; the system's, as that the group is joined
    /// there already ([`io::ErrorKind::AddrInUse`]); over IPv4, elsewhere than on Linux and Android, that
    /// the interface has no IPv4 address.
    pub fn join_multicast<I>(&self, group: IpAddr, interface: I) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.member(true, group, interface)
    }

    /// Leaves a group on an interface (`IP_DROP_MEMBERSHIP`, `IPV6_LEAVE_GROUP`).
    ///
    /// # Errors
    ///
    /// As for [`join_multicast`](Self::join_multicast); if the socket is not in the group there, the
    /// kind is [`io::ErrorKind::AddrNotAvailable`]. That is also so over IPv4, elsewhere than on Linux and
    /// Android, when the interface has another first address than it had at the join.
    pub fn leave_multicast<I>(&self, group: IpAddr, interface: I) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.member(false, group, interface)
    }

    /// Joins what one host sends to a group (RFC 4607, RFC 3678), by `MCAST_JOIN_SOURCE_GROUP`, which
    /// over IPv4 is `IP_ADD_SOURCE_MEMBERSHIP` with the interface by its index.
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast`](Self::join_multicast); and if the socket has joined the whole group
    /// there.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn join_multicast_source<I>(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: I,
    ) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.member_of_source(true, group, source, interface)
    }

    /// Leaves what one host sends to a group.
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast`](Self::join_multicast); and if the socket has not joined it there.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn leave_multicast_source<I>(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: I,
    ) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.member_of_source(false, group, source, interface)
    }

    /// Sends to groups by this interface (`IP_MULTICAST_IF`, `IPV6_MULTICAST_IF`); 0 leaves it to the
    /// system again. The scope id of an address has precedence.
    ///
    /// For IPv4 an interface is known by its index on Linux and Android, elsewhere by an address of it.
    ///
    /// # Errors
    ///
    /// That there is no such interface, or, elsewhere than on Linux and Android, that it has no IPv4
    /// address.
    pub fn set_multicast_interface<I>(&self, interface: I) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        let interface = interface.try_into().map_err(OptionError::from)?;
        let index = interface.index()?;
        let step = |option| in_step(format!("set {option} to {interface}"));
        if self.is_for(Family::Ipv4) {
            system::set_multicast_interface_v4(&self.socket, index)
                .map_err(step("IP_MULTICAST_IF"))?;
        }
        if self.is_for(Family::Ipv6) {
            self.system().set_multicast_if_v6(index).map_err(step("IPV6_MULTICAST_IF"))?;
        }
        Ok(())
    }

    /// The index of the interface by which an IPv6 socket sends to groups; 0 if it is the system's
    /// choice.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] of a socket for IPv4 alone, as no system tells it.
    pub fn multicast_interface(&self) -> io::Result<u32> {
        if !self.is_for(Family::Ipv6) {
            let words = "the system tells the interface for groups of IPv6 sockets alone";
            return Err(io::Error::new(io::ErrorKind::Unsupported, words));
        }
        self.system().multicast_if_v6()
    }

    /// Whether this machine has what this socket sends to groups that it is in
    /// (`IP_MULTICAST_LOOP`, `IPV6_MULTICAST_LOOP`). It has unless this says otherwise.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_multicast_loop(&self, on: bool) -> io::Result<()> {
        if self.is_for(Family::Ipv4) {
            let set = self.system().set_multicast_loop_v4(on);
            set.map_err(in_step(format_args!("set IP_MULTICAST_LOOP to {on}")))?;
        }
        if self.is_for(Family::Ipv6) {
            let set = self.system().set_multicast_loop_v6(on);
            set.map_err(in_step(format_args!("set IPV6_MULTICAST_LOOP to {on}")))?;
        }
        Ok(())
    }

    /// Whether this machine has what this socket sends to groups that it is in.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn multicast_loop(&self) -> io::Result<bool> {
        if self.is_for(Family::Ipv6) {
            self.system().multicast_loop_v6()
        } else {
            self.system().multicast_loop_v4()
        }
    }

    /// How many hops a datagram to a group may make (`IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`): 1,
    /// which is the default, keeps it on its link, 0 on this machine.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_multicast_hops(&self, hops: u8) -> io::Result<()> {
        if self.is_for(Family::Ipv4) {
            let set = self.system().set_multicast_ttl_v4(hops.into());
            set.map_err(in_step(format_args!("set IP_MULTICAST_TTL to {hops}")))?;
        }
        if self.is_for(Family::Ipv6) {
            let set = self.system().set_multicast_hops_v6(hops.into());
            set.map_err(in_step(format_args!("set IPV6_MULTICAST_HOPS to {hops}")))?;
        }
        Ok(())
    }

    /// How many hops a datagram to a group may make.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn multicast_hops(&self) -> io::Result<u8> {
        let hops = if self.is_for(Family::Ipv6) {
            self.system().multicast_hops_v6()?
        } else {
            self.system().multicast_ttl_v4()?
        };
        u8::try_from(hops).map_err(|_| io::Error::other(format!("a hop limit of {hops}")))
    }

    fn is_for(&self, family: Family) -> bool {
        self.families.contains(family)
    }

    fn member<I>(&self, join: bool, group: IpAddr, interface: I) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        let group = self.group(group)?;
        let interface = interface.try_into().map_err(OptionError::from)?;
        let index = interface.index()?;
        let changed = change(&self.system(), join, group, index);
        changed.map_err(in_step(format_args!("{} {group} on {interface}", verb(join))))
    }

    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn member_of_source<I>(
        &self,
        join: bool,
        group: IpAddr,
        source: IpAddr,
        interface: I,
    ) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        let (group, source) = (self.group(group)?, source.to_canonical());
        if group.is_ipv4() != source.is_ipv4() {
            return Err(UdpAddrError::Source { group, source }.into());
        }
        let interface = interface.try_into().map_err(OptionError::from)?;
        let changed = system::set_source(&self.socket, join, group, source, interface.index()?);
        let verb = verb(join);
        changed.map_err(in_step(format_args!("{verb} {group} from {source} on {interface}")))
    }

    /// The group, if it is one and the socket can be in it.
    fn group(&self, group: IpAddr) -> Result<IpAddr, UdpAddrError> {
        let group = group.to_canonical();
        check(self.families, group)?;
        match group.is_multicast() {
            true => Ok(group),
            false => Err(UdpAddrError::NotMulticast(group)),
        }
    }
}

fn verb(join: bool) -> &'static str {
    if join { "join" } else { "leave" }
}

fn change(socket: &SockRef<'_>, join: bool, group: IpAddr, index: u32) -> io::Result<()> {
    match (group, join) {
        (IpAddr::V4(group), _) => system::set_member_v4(socket, join, group, index),
        (IpAddr::V6(group), true) => socket.join_multicast_v6(&group, index),
        (IpAddr::V6(group), false) => socket.leave_multicast_v6(&group, index),
    }
}
