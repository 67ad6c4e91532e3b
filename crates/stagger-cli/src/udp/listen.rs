//! `stagger udp listen`.

use std::cell::Cell;
use std::io;
use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_lite::future;
use stagger::Timer as _;
use stagger_net::UdpSocket;

use super::addr::{check_zone, family, interface_name, is_of_link, named, socket_addr};
use super::group::Group;
use super::receive::Receive;
use super::shown::Shown;
use super::{Failure, duration, options};
use crate::args::UdpListenArgs;
use crate::connect::no_runtime;
use crate::console::{Console, Exit};
use crate::listen::port;
use crate::runtime::{Job, Runtime};
use crate::usage::UsageError;

const ADDRESS: &str = "address";

/// Receives until a signal ends it, or the number or the time that was given.
pub(super) fn run(args: &UdpListenArgs, console: &mut Console) -> Exit {
    let shown = &Shown::new(console, &args.shown);
    let ended = match Place::of(args) {
        Ok(place) => args.shown.runtime.run(Serve { place, args, shown }),
        Err(error) => Err(error.into()),
    };
    shown.end(ended)
}

/// Where datagrams are received.
#[derive(Debug)]
struct Place {
    addr: SocketAddr,
    /// Over IPv4 too, by a socket of IPv6.
    both: bool,
    groups: Vec<Group>,
    timeout: Option<Duration>,
}

impl Place {
    fn of(args: &UdpListenArgs) -> Result<Self, UsageError> {
        let mut groups = Group::read(&args.join, &args.source)?;
        let timeout = duration("--timeout", args.timeout.as_ref())?;
        let (addr, both) = addr(args, &mut groups)?;
        for (text, group) in args.join.iter().zip(&groups) {
            if !both && addr.is_ipv4() != group.addr.is_ipv4() {
                let (group, own) = (family(group.addr), family(addr.ip()));
                let reason = format!("a group of {group}, and the address is of {own}");
                return Err(UsageError::new("--join", text, reason));
            }
            // The system looks at where a datagram goes to, whatever is joined.
            if !addr.ip().is_unspecified() && addr.ip() != group.addr {
                let (ip, port) = (addr.ip(), addr.port());
                let reason = format!("not heard at {ip}, but at a port alone, as in \":{port}\"");
                return Err(UsageError::new("--join", text, reason));
            }
        }
        Ok(Self { addr, both, groups, timeout })
    }

    fn unbound(&self, error: &io::Error) -> Failure {
        // The address is said once.
        let (error, step) = (error.to_string(), format!("bind to {}: ", self.addr));
        let cause = error.strip_prefix(&step).unwrap_or(&error);
        Failure::new(format!("cannot listen at {}: {cause}", named(self.addr)))
    }
}

/// The address to be bound to, and whether it is for both families.
fn addr(args: &UdpListenArgs, groups: &mut [Group]) -> Result<(SocketAddr, bool), UsageError> {
    let text = args.addr.as_deref().unwrap_or("0");
    let bare = text.strip_prefix(':').unwrap_or(text);
    let port = port(text);
    let of = |ip: IpAddr, both| match port {
        Some(port) => Ok((SocketAddr::new(ip, port), both)),
        None => {
            let reason = "with --all-interfaces there is a port alone, as in \":5000\"";
            Err(UsageError::new(ADDRESS, text, reason))
        }
    };
    let v6 = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    if args.all_interfaces {
        return of(v6, true);
    }
    if port.is_some() {
        let has = |ipv4| groups.iter().any(|group| group.addr.is_ipv4() == ipv4);
        return match (has(true), has(false)) {
            (_, false) => of(Ipv4Addr::UNSPECIFIED.into(), false),
            (of_ipv4, true) => of(v6, of_ipv4),
        };
    }
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || bare.len() < text.len() && !bare.contains(':') {
        let reason = "not a port from 0 to 65535, as in \":5000\"";
        return Err(UsageError::new(ADDRESS, text, reason));
    }
    let mut addr = socket_addr(ADDRESS, text)?;
    check_zone(ADDRESS, text, addr)?;
    let joined = groups.iter_mut().filter(|group| group.addr == addr.ip());
    let mut joined: Vec<_> = joined.collect();
    if addr.ip().is_multicast() && joined.is_empty() {
        let (ip, zone) = (addr.ip(), zone_of(addr));
        let zone = zone.map(|zone| format!("%{}", interface_name(zone))).unwrap_or_default();
        let reason = format!("a group, which hears nothing unless joined: --join {ip}{zone}");
        return Err(UsageError::new(ADDRESS, text, reason));
    }
    one_zone(text, &mut addr, &mut joined)?;
    Ok((addr, false))
}

/// The number of an address's interface, if it has one.
fn zone_of(addr: SocketAddr) -> Option<u32> {
    match addr {
        SocketAddr::V6(v6) => Some(v6.scope_id()).filter(|&index| index != 0),
        SocketAddr::V4(_) => None,
    }
}

/// Puts a group that is of a link, and is bound to, on the interface on which it is joined, or the
/// other way round: the system takes none without an interface (ipv6(7)).
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
        let reason = format!("a group of a link, and without a zone, as in \"{}%eth0\"", v6.ip());
        return Err(UsageError::new(ADDRESS, text, reason));
    };
    v6.set_scope_id(zone);
    for group in joined {
        if group.interface == 0 {
            group.interface = zone;
        }
        if group.interface != zone {
            let (other, zone) = (interface_name(group.interface), interface_name(zone));
            let reason = format!("heard on {zone} alone, and joined on {other}");
            return Err(UsageError::new(ADDRESS, text, reason));
        }
    }
    Ok(())
}

struct Serve<'s, 'c> {
    place: Place,
    args: &'s UdpListenArgs,
    shown: &'s Shown<'c>,
}

impl Job for Serve<'_, '_> {
    type Output = Result<(), Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let served = R::block_on(self.serve::<R>());
        served.unwrap_or_else(|error| Err(Failure::new(no_runtime(&error))))
    }
}

impl Serve<'_, '_> {
    async fn serve<R: Runtime>(&self) -> Result<(), Failure> {
        let Self { place, args, shown } = self;
        let failed = |what: &str, error: &dyn std::error::Error| {
            Failure::new(format!("cannot {what} at {}: {error}", named(place.addr)))
        };
        let options = options().with_reuse_address(args.reuse);
        let socket = match place.both {
            true => UdpSocket::bind_all_interfaces_with(place.addr.port(), &options),
            false => UdpSocket::<R::Reactor>::bind_with(place.addr, &options),
        };
        let socket = socket.map_err(|error| place.unbound(&error))?;
        for group in &place.groups {
            group.join(&socket).map_err(Failure::new)?;
        }
        // Only now, so that who reads it can send.
        let local = socket.local_addr().map_err(|error| failed("listen", &error))?;
        shown.listening(local, place.both, socket.missing());
        place.groups.iter().for_each(|group| shown.joined(group));

        let receive = Receive {
            buffer: args.shown.buffer,
            most: args.count,
            echo: args.echo,
            shown,
            came: Cell::new(0),
        };
        let received = async { receive.all(&socket).await.map_err(|e| failed("receive", &e)) };
        let Some(timeout) = place.timeout else { return received.await };
        let timer = R::timer();
        let late = async {
            timer.sleep(timeout).await;
            let Some(count) = args.count else { return Ok(()) };
            let (came, within) = (receive.came.get(), humantime::format_duration(timeout));
            Err(Failure::new(format!("{came} of {count} datagrams came within {within}")))
        };
        future::or(late, received).await
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command, UdpCommand};

    fn read(words: &[&str]) -> Result<Place, String> {
        let args = Args::try_parse_from([&["stagger", "udp", "listen"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Listen(args)) = args.command else { panic!("{args:?}") };
        Place::of(&args).map_err(|error| error.to_string())
    }

    fn place(words: &[&str]) -> Result<(String, bool), String> {
        let place = read(words)?;
        Ok((place.addr.to_string(), place.both))
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
            assert_eq!(place(words), Ok((addr.to_owned(), both)), "{words:?}");
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
            let place = read(&[words[0], "--join", words[1]]).unwrap();
            let found = (place.addr.to_string(), place.groups[0].interface);
            assert_eq!(found, ("[ff02::1234%1]:6002".to_owned(), 1), "{words:?}");
        }
        // Nobody has that interface, and a number is as good as a name.
        let groups = Group::read(&["ff02::1234%lo".into(), "ff02::1234".into()], &[]);
        let mut groups = groups.unwrap();
        groups[1].interface = i32::MAX.unsigned_abs();
        for (addr, fault) in [
            ("[ff02::1234]:1", "heard on lo alone, and joined on 2147483647"),
            ("[ff02::1234%2147483647]:1", "heard on 2147483647 alone, and joined on lo"),
        ] {
            let mut joined: Vec<_> = groups.iter_mut().collect();
            let error = one_zone(addr, &mut addr.parse().unwrap(), &mut joined).unwrap_err();
            assert_eq!(error.to_string(), format!("bad address {addr:?}: {fault}"));
        }
    }

    #[test]
    fn what_hears_nothing_is_refused_and_quoted() {
        for (words, error) in [
            (&["localhost:80"][..], "bad address \"localhost:80\": the host is a name, and no"),
            (&[":70000"], "bad address \":70000\": not a port from 0 to 65535, as in \":5000\""),
            (&[":+5"], "bad address \":+5\": not a port from 0 to 65535, as in \":5000\""),
            (&["70000"], "bad address \"70000\": not a port from 0 to 65535, as in \":5000\""),
            (&[":http"], "bad address \":http\": not a port from 0 to 65535, as in \":5000\""),
            (&["::1:80"], "bad address \"::1:80\": there are several colons: an IPv6 address"),
            (&["127.0.0.1:1", "--all-interfaces"], "bad address \"127.0.0.1:1\": with --all-int"),
            (&["[fe80::1]:1"], "bad address \"[fe80::1]:1\": a link-local address needs a zone"),
            (
                &["224.0.0.251:1"],
                "bad address \"224.0.0.251:1\": \
                 a group, which hears nothing unless joined: --join 224.0.0.251",
            ),
            (
                &["[ff02::1%1]:1"],
                "bad address \"[ff02::1%1]:1\": \
                 a group, which hears nothing unless joined: --join ff02::1%",
            ),
            (
                &["[ff02::1]:1", "--join", "ff02::1"],
                "bad address \"[ff02::1]:1\": a group of a link, and without a zone, as in",
            ),
            (
                &["127.0.0.1:6001", "--join", "239.255.7.9"],
                "bad --join \"239.255.7.9\": not heard at 127.0.0.1, but at a port alone, as in \
                 \":6001\"",
            ),
            (
                &["239.1.2.3:1", "--join", "239.1.2.3", "--join", "239.1.2.4"],
                "bad --join \"239.1.2.4\": not heard at 239.1.2.3, but at a port alone, as in",
            ),
            (&["127.0.0.1:1", "--join", "ff02::1"], "bad --join \"ff02::1\": a group of IPv6, and"),
            (&["[::]:1", "--join", "224.0.0.1"], "bad --join \"224.0.0.1\": a group of IPv4, and"),
            (&["--timeout", "soon"], "bad --timeout \"soon\": not a duration"),
            (&["--timeout", "2days"], "bad --timeout \"2days\": not within 1ms to 1day"),
        ] {
            let found = place(words).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
