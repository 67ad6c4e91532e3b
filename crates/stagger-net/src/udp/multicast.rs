//! Joins multicast groups and sends to them.

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
/// A socket receives datagrams to groups that it has joined itself, and to its port. Several
/// sockets can receive them on one port if each sets
/// [`UdpOptions::with_reuse_address`](crate::UdpOptions::with_reuse_address).
///
/// An interface is an index or a name. With 0 the system chooses: by its routes over IPv4, and the
/// first interface that it finds over IPv6. The errors of all these methods have the name of the
/// step.
impl<R: Register<std::net::UdpSocket>> UdpSocket<R> {
    /// Joins a group on an interface (`IP_ADD_MEMBERSHIP`, `IPV6_JOIN_GROUP`).
    ///
    /// # Errors
    ///
    /// - [`UdpAddrError`]: the address is not a group, or the socket does not support its family.
    /// - The text cannot be the name of an interface, or no interface has this name.
    /// - The system's error. It is [`io::ErrorKind::AddrInUse`] if the socket has already joined
    ///   the group there.
    /// - Over IPv4, except on Linux and Android: the interface has no IPv4 address.
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
    /// The same as for [`join_multicast`](Self::join_multicast). The kind is
    /// [`io::ErrorKind::AddrNotAvailable`] if the socket is not in the group there. Over IPv4,
    /// except on Linux and Android, it is the same if the interface's first address has changed
    /// since the join.
    pub fn leave_multicast<I>(&self, group: IpAddr, interface: I) -> io::Result<()>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.member(false, group, interface)
    }

    /// Joins the datagrams that one host sends to a group (RFC 4607, RFC 3678). The option is
    /// `MCAST_JOIN_SOURCE_GROUP`. For IPv4 it is like `IP_ADD_SOURCE_MEMBERSHIP`, but takes the
    /// interface by its index.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// The same as for [`join_multicast`](Self::join_multicast). It also fails if the socket has joined the
    /// whole group there.
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

    /// Leaves the datagrams that one host sends to a group.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// The same as for [`join_multicast`](Self::join_multicast). It also fails if the socket has not joined
    /// these datagrams there.
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

    /// Sets the interface for datagrams to groups (`IP_MULTICAST_IF`, `IPV6_MULTICAST_IF`). With 0
    /// the system chooses again. The scope id of an address has precedence.
    ///
    /// Over IPv4, Linux and Android take the index of the interface. Other systems take an address
    /// of it.
    ///
    /// # Errors
    ///
    /// Fails if there is no such interface. Except on Linux and Android, it also fails if the
    /// interface has no IPv4 address.
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

    /// Returns the index of the interface for datagrams to groups over IPv6, or 0 if the system
    /// chooses.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] if the socket is for IPv4 only, because no system returns the
    /// index.
    pub fn multicast_interface(&self) -> io::Result<u32> {
        if !self.is_for(Family::Ipv6) {
            let words = "the system tells the interface for groups of IPv6 sockets alone";
            return Err(io::Error::new(io::ErrorKind::Unsupported, words));
        }
        self.system().multicast_if_v6()
    }

    /// Sets whether this machine receives what the socket sends to groups that the machine is in
    /// (`IP_MULTICAST_LOOP`, `IPV6_MULTICAST_LOOP`). On by default.
    ///
    /// # Errors
    ///
    /// The system's error.
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

    /// Returns whether this machine receives what the socket sends to groups that the machine is
    /// in.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn multicast_loop(&self) -> io::Result<bool> {
        if self.is_for(Family::Ipv6) {
            self.system().multicast_loop_v6()
        } else {
            self.system().multicast_loop_v4()
        }
    }

    /// Sets how many hops a datagram to a group may make (`IP_MULTICAST_TTL`,
    /// `IPV6_MULTICAST_HOPS`). With 1, the default, it stays on its link. With 0 it stays on this
    /// machine.
    ///
    /// # Errors
    ///
    /// The system's error.
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

    /// Returns how many hops a datagram to a group may make.
    ///
    /// # Errors
    ///
    /// The system's error.
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

    /// Checks that the address is a group, and that the socket can join it.
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
