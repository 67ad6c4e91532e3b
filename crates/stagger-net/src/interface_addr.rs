//! The addresses of this machine's network interfaces.

use std::io;
#[cfg(any(test, not(any(target_os = "android", target_os = "linux"))))]
use std::net::Ipv4Addr;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use getifaddrs::InterfaceFlags;

/// One address of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceAddr {
    pub(crate) addr: IpAddr,
    /// The index of the interface, if known.
    pub(crate) index: Option<u32>,
    /// How many leading bits of the address are the network's, if known.
    pub(crate) prefix_length: Option<u8>,
    /// Whether the interface is up.
    pub(crate) up: bool,
    /// Whether only old connections should use the address (RFC 4862 §5.5.4), if known. IPv4 has no
    /// deprecated addresses.
    pub(crate) deprecated: Option<bool>,
}

impl InterfaceAddr {
    /// Whether the address is reachable from beyond this machine and its links.
    pub(crate) fn is_routable(&self) -> bool {
        self.up && is_routable(self.addr)
    }

    /// Returns the address with a port, and with its zone if it has one.
    pub(crate) fn socket_addr(&self, port: u16) -> SocketAddr {
        match (self.addr, self.index) {
            (IpAddr::V6(addr), Some(index)) if addr.is_unicast_link_local() => {
                SocketAddrV6::new(addr, port, 0, index).into()
            }
            (addr, _) => SocketAddr::new(addr, port),
        }
    }
}

/// Returns every address of every interface.
///
/// # Errors
///
/// The system's error.
pub(crate) fn addresses() -> io::Result<Vec<InterfaceAddr>> {
    let deprecated = deprecated::Addresses::read();
    let found = getifaddrs::getifaddrs()?.filter_map(|interface| {
        let addr = interface.address.ip_addr()?;
        Some(InterfaceAddr {
            addr,
            index: interface.index,
            prefix_length: interface.address.netmask().and_then(prefix_length),
            up: interface.flags.contains(InterfaceFlags::UP),
            deprecated: deprecated.contains(addr),
        })
    });
    Ok(found.collect())
}

/// Returns an IPv4 address of an interface, for systems that identify an interface only by an
/// address. For index 0 it is `0.0.0.0`, which lets the system choose.
///
/// # Errors
///
/// The system's error, or [`io::ErrorKind::AddrNotAvailable`] if the interface has no IPv4 address.
#[cfg(any(test, not(any(target_os = "android", target_os = "linux"))))]
pub(crate) fn ipv4_address(index: u32) -> io::Result<Ipv4Addr> {
    if index == 0 {
        return Ok(Ipv4Addr::UNSPECIFIED);
    }
    let found = addresses()?.into_iter().find_map(|found| match found.addr {
        IpAddr::V4(addr) if found.index == Some(index) => Some(addr),
        _ => None,
    });
    found.ok_or_else(|| {
        let text = format!("interface {index} has no IPv4 address");
        io::Error::new(io::ErrorKind::AddrNotAvailable, text)
    })
}

/// Whether the address is reachable from beyond a machine and its links.
pub(crate) fn is_routable(addr: IpAddr) -> bool {
    let link_local = match addr {
        IpAddr::V4(addr) => addr.is_link_local(),
        IpAddr::V6(addr) => addr.is_unicast_link_local(),
    };
    !(addr.is_unspecified() || addr.is_loopback() || link_local)
}

/// Returns how many bits are set, if all of them are leading bits.
fn prefix_length(netmask: IpAddr) -> Option<u8> {
    let (bits, width) = match netmask {
        IpAddr::V4(mask) => (u128::from(mask.to_bits()) << 96, 32),
        IpAddr::V6(mask) => (mask.to_bits(), 128),
    };
    let length = bits.leading_ones();
    let rest = bits.checked_shl(length).unwrap_or(0);
    (rest == 0).then(|| length.min(width) as u8)
}

/// Linux lists the deprecated addresses in `/proc/net/if_inet6`.
#[cfg(target_os = "linux")]
mod deprecated {
    use std::fs;
    use std::net::{IpAddr, Ipv6Addr};

    /// `IFA_F_DEPRECATED` of `linux/if_addr.h`.
    const DEPRECATED: u8 = 0x20;

    /// Each IPv6 address of the machine, with whether it is deprecated; `None` if that is unknown.
    pub(super) struct Addresses(Option<Vec<(Ipv6Addr, bool)>>);

    impl Addresses {
        pub(super) fn read() -> Self {
            let text = fs::read_to_string("/proc/net/if_inet6").ok();
            Self(text.map(|text| text.lines().filter_map(line).collect()))
        }

        pub(super) fn contains(&self, addr: IpAddr) -> Option<bool> {
            let IpAddr::V6(addr) = addr else { return Some(false) };
            let (_, deprecated) = self.0.as_ref()?.iter().find(|(known, _)| *known == addr)?;
            Some(*deprecated)
        }
    }

    /// Address, index, prefix length, scope, flags (all in hexadecimal) and name.
    pub(super) fn line(line: &str) -> Option<(Ipv6Addr, bool)> {
        let mut fields = line.split_ascii_whitespace();
        let addr = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u8::from_str_radix(fields.nth(3)?, 16).ok()?;
        Some((addr.into(), flags & DEPRECATED != 0))
    }
}

#[cfg(not(target_os = "linux"))]
mod deprecated {
    use std::net::IpAddr;

    pub(super) struct Addresses;

    impl Addresses {
        pub(super) fn read() -> Self {
            Self
        }

        pub(super) fn contains(&self, addr: IpAddr) -> Option<bool> {
            addr.is_ipv4().then_some(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netmask_is_a_prefix_if_its_bits_lead() {
        for (mask, length) in [
            ("255.255.255.0", Some(24)),
            ("0.0.0.0", Some(0)),
            ("255.255.255.255", Some(32)),
            ("255.0.255.0", None),
            ("ffff:ffff:ffff:ffff::", Some(64)),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(128)),
            ("::", Some(0)),
        ] {
            assert_eq!(prefix_length(mask.parse().unwrap()), length, "{mask}");
        }
    }

    #[test]
    fn loopback_is_among_the_addresses_and_leads_nowhere() {
        let found = addresses().unwrap();
        let loopback = found.iter().find(|found| found.addr.is_loopback()).unwrap();
        assert!(loopback.up && !loopback.is_routable());
        assert!(loopback.prefix_length.is_some());
    }

    #[test]
    fn an_interface_is_known_by_an_ipv4_address_that_it_has() {
        let lo = addresses().unwrap().into_iter().find(|found| found.addr == Ipv4Addr::LOCALHOST);
        let index = lo.and_then(|lo| lo.index).expect("the loopback interface has its address");
        assert_eq!(ipv4_address(index).unwrap(), Ipv4Addr::LOCALHOST);
        assert_eq!(ipv4_address(0).unwrap(), Ipv4Addr::UNSPECIFIED);
        let error = ipv4_address(u32::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains(&u32::MAX.to_string()), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_line_of_the_system_says_whether_an_address_is_deprecated() {
        let line = deprecated::line;
        let kept = "fd000000000000000000000000000002 04 40 00 82     eth0";
        assert_eq!(line(kept), Some(("fd00::2".parse().unwrap(), false)));
        let old = "20010db8000000000000000000000001 04 40 00 a0     eth0";
        assert_eq!(line(old), Some(("2001:db8::1".parse().unwrap(), true)));
        for garbage in ["", "zz 04 40 00 80 lo", "00 04 40", "00 04 40 00 fff lo"] {
            assert_eq!(line(garbage), None, "{garbage}");
        }
    }
}
