//! What `stagger udp listen` is asked to do.

use std::iter;
use std::net::SocketAddr;
use std::time::Duration;

use stagger::Policy;

use crate::address::{check_zone, port_alone, unspecified};
use crate::args::UdpListenArgs;
use crate::duration::duration;
use crate::udp::addr::{family, interface_name, is_of_link, socket_addr};
use crate::udp::group::Group;
use crate::usage::UsageError;

const ADDRESS: &str = "address";

/// Where and for how long datagrams are received.
#[derive(Debug)]
pub(super) struct ListenSetup {
    pub(super) addr: SocketAddr,
    /// The IPv6 socket receives IPv4 too.
    pub(super) both: bool,
    pub(super) groups: Vec<Group>,
    pub(super) timeout: Option<Duration>,
}

impl ListenSetup {
    /// Reads the options of `udp listen`.
    ///
    /// # Errors
    ///
    /// The first value that is wrong.
    pub(super) fn of(args: &UdpListenArgs) -> Result<Self, UsageError> {
        let mut groups = Group::read(&args.join, &args.source)?;
        let timeout = duration("--timeout", args.timeout.as_deref(), Policy::TIMEOUT_RANGE)?;
        let (addr, both) = addr(args, &mut groups)?;
        for (text, group) in args.join.iter().zip(&groups) {
            if !both && addr.is_ipv4() != group.addr.is_ipv4() {
                let (group, own) = (family(group.addr), family(addr.ip()));
                let reason = format!("an {group} group, but the address is an {own} address");
                return Err(UsageError::new("--join", text, reason));
            }
            // The system delivers by destination address, whatever groups are joined.
            if !addr.ip().is_unspecified() && addr.ip() != group.addr {
                let (ip, port) = (addr.ip(), addr.port());
                let reason = format!("a socket on {ip} does not receive it; listen on :{port}");
                return Err(UsageError::new("--join", text, reason));
            }
        }
        Ok(Self { addr, both, groups, timeout })
    }
}

/// The address to bind to, and whether it is for both families.
fn addr(args: &UdpListenArgs, groups: &mut [Group]) -> Result<(SocketAddr, bool), UsageError> {
    let text = args.addr.as_deref().unwrap_or("0");
    let port = port_alone(ADDRESS, text)?;
    if args.all_interfaces {
        return match port {
            Some(port) => Ok((SocketAddr::new(unspecified(true), port), true)),
            None => {
                let reason = "--all-interfaces takes only a port, as in :5000";
                Err(UsageError::new(ADDRESS, text, reason))
            }
        };
    }
    if let Some(port) = port {
        let has = |ipv4| groups.iter().any(|group| group.addr.is_ipv4() == ipv4);
        let (ipv6, both) = match (has(true), has(false)) {
            (_, false) => (false, false),
            (ipv4, true) => (true, ipv4),
        };
        return Ok((SocketAddr::new(unspecified(ipv6), port), both));
    }
    let mut addr = socket_addr(ADDRESS, text)?;
    check_zone(ADDRESS, text, addr)?;
    let joined = groups.iter_mut().filter(|group| group.addr == addr.ip());
    let mut joined: Vec<_> = joined.collect();
    if addr.ip().is_multicast() && joined.is_empty() {
        let (ip, zone) = (addr.ip(), zone_of(addr));
        let zone = zone.map(|zone| format!("%{}", interface_name(zone))).unwrap_or_default();
        let reason = format!("a multicast group; add --join {ip}{zone} to receive from it");
        return Err(UsageError::new(ADDRESS, text, reason));
    }
    one_zone(text, &mut addr, &mut joined)?;
    Ok((addr, false))
}

/// The number in the zone of an address, if it has a zone.
fn zone_of(addr: SocketAddr) -> Option<u32> {
    match addr {
        SocketAddr::V6(v6) => Some(v6.scope_id()).filter(|&index| index != 0),
        SocketAddr::V4(_) => None,
    }
}

/// Gives the address and the joined group the same interface, if the address is a group of a link.
/// The system needs an interface for both (ipv6(7)).
fn one_zone(
    text: &str,
    addr: &mut SocketAddr,
    joined: &mut [&mut Group],
) -> Result<(), UsageError> {
    let SocketAddr::V6(v6) = addr else { return Ok(()) };
    if !v6.ip().is_multicast() || !is_of_link(v6.ip()) {
        return Ok(());
    }
    let mut indexes = iter::once(v6.scope_id()).chain(joined.iter().map(|group| group.interface));
    let Some(zone) = indexes.find(|&index| index != 0) else {
        let reason = format!("a link-local group needs a zone, as in {}%eth0", v6.ip());
        return Err(UsageError::new(ADDRESS, text, reason));
    };
    v6.set_scope_id(zone);
    for group in joined {
        if group.interface == 0 {
            group.interface = zone;
        }
        if group.interface != zone {
            let (other, zone) = (interface_name(group.interface), interface_name(zone));
            let reason = format!("the address is on {zone}, but the group is joined on {other}");
            return Err(UsageError::new(ADDRESS, text, reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command, UdpCommand};

    fn read(words: &[&str]) -> Result<ListenSetup, String> {
        let args = Args::try_parse_from([&["stagger", "udp", "listen"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Listen(args)) = args.command else { panic!("{args:?}") };
        ListenSetup::of(&args).map_err(|error| error.to_string())
    }

    fn setup(words: &[&str]) -> Result<(String, bool), String> {
        let setup = read(words)?;
        Ok((setup.addr.to_string(), setup.both))
    }

    #[test]
    fn a_port_alone_is_of_ipv4_or_of_the_families_of_the_groups() {
        for (words, addr, both) in [
            (&[][..], "0.0.0.0:0", false),
            (&[":5000"], "0.0.0.0:5000", false),
            (&["5000", "--join", "224.0.0.251"], "0.0.0.0:5000", false),
            (&[":5000", "--join", "ff02::1"], "[::]:5000", false),
            (&[":5000", "--join", "ff02::1", "--join", "224.0.0.251"], "[::]:5000", true),
            (&[":5000", "--all-interfaces"], "[::]:5000", true),
            (&["--all-interfaces", "--join", "224.0.0.251"], "[::]:0", true),
            (&["[::1]:5000"], "[::1]:5000", false),
            (&["224.0.0.251:5353", "--join", "224.0.0.251"], "224.0.0.251:5353", false),
            (&["0.0.0.0:5353", "--join", "224.0.0.251"], "0.0.0.0:5353", false),
            (&["[ff05::1]:5000", "--join", "ff05::1"], "[ff05::1]:5000", false),
        ] {
            assert_eq!(setup(words), Ok((addr.to_owned(), both)), "{words:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_group_of_a_link_is_bound_to_where_it_is_joined_and_joined_where_it_is_bound_to() {
        for words in [
            ["[ff02::1234]:6002", "ff02::1234%lo"],
            ["[ff02::1234%lo]:6002", "ff02::1234%lo"],
            ["[ff02::1234%lo]:6002", "ff02::1234"],
        ] {
            let setup = read(&[words[0], "--join", words[1]]).unwrap();
            let found = (setup.addr.to_string(), setup.groups[0].interface);
            assert_eq!(found, ("[ff02::1234%1]:6002".to_owned(), 1), "{words:?}");
        }
        // No interface has that number.
        let groups = Group::read(&["ff02::1234%lo".into(), "ff02::1234".into()], &[]);
        let mut groups = groups.unwrap();
        groups[1].interface = i32::MAX.unsigned_abs();
        for (addr, fault) in [
            ("[ff02::1234]:1", "the address is on lo, but the group is joined on 2147483647"),
            (
                "[ff02::1234%2147483647]:1",
                "the address is on 2147483647, but the group is joined on lo",
            ),
        ] {
            let mut joined: Vec<_> = groups.iter_mut().collect();
            let error = one_zone(addr, &mut addr.parse().unwrap(), &mut joined).unwrap_err();
            assert_eq!(error.to_string(), format!("bad address {addr:?}: {fault}"));
        }
    }

    #[test]
    fn what_receives_nothing_is_refused_and_quoted() {
        for (words, error) in [
            (&["localhost:80"][..], "bad address \"localhost:80\": a name; write an IP address"),
            (&[":70000"], "bad address \":70000\": not a port from 0 to 65535, as in :8080"),
            (&[":+5"], "bad address \":+5\": not a port from 0 to 65535, as in :8080"),
            (&["70000"], "bad address \"70000\": not a port from 0 to 65535, as in :8080"),
            (&[":http"], "bad address \":http\": not a port from 0 to 65535, as in :8080"),
            (&["::1:80"], "bad address \"::1:80\": a port needs brackets around the IPv6 address"),
            (
                &["127.0.0.1:1", "--all-interfaces"],
                "bad address \"127.0.0.1:1\": --all-interfaces takes only a port",
            ),
            (&["[fe80::1]:1"], "bad address \"[fe80::1]:1\": a link-local address needs a zone"),
            (
                &["224.0.0.251:1"],
                "bad address \"224.0.0.251:1\": \
                 a multicast group; add --join 224.0.0.251 to receive from it",
            ),
            (
                &["[ff02::1%1]:1"],
                "bad address \"[ff02::1%1]:1\": \
                 a multicast group; add --join ff02::1%",
            ),
            (
                &["[ff02::1]:1", "--join", "ff02::1"],
                "bad address \"[ff02::1]:1\": a link-local group needs a zone, as in ff02::1%eth0",
            ),
            (
                &["127.0.0.1:6001", "--join", "239.255.7.9"],
                "bad --join \"239.255.7.9\": a socket on 127.0.0.1 does not receive it; listen on \
                 :6001",
            ),
            (
                &["239.1.2.3:1", "--join", "239.1.2.3", "--join", "239.1.2.4"],
                "bad --join \"239.1.2.4\": a socket on 239.1.2.3 does not receive it",
            ),
            (&["127.0.0.1:1", "--join", "ff02::1"], "bad --join \"ff02::1\": an IPv6 group, but"),
            (&["[::]:1", "--join", "224.0.0.1"], "bad --join \"224.0.0.1\": an IPv4 group, but"),
            (&["--timeout", "soon"], "bad --timeout \"soon\": not a duration"),
            (&["--timeout", "2days"], "bad --timeout \"2days\": must be from 1ms to 1day"),
        ] {
            let found = setup(words).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
