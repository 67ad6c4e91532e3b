//! `stagger udp listen`.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_lite::future;
use stagger::Timer as _;
use stagger_net::{UdpOptions, UdpSocket};

use super::addr::{check_zone, family, named, socket_addr};
use super::group::Group;
use super::receive::Receive;
use super::shown::Shown;
use super::{Failure, duration, options};
use crate::args::UdpListenArgs;
use crate::connect::no_runtime;
use crate::console::{Console, Exit};
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
        let groups = Group::read(&args.join, &args.source)?;
        let timeout = duration("--timeout", args.timeout.as_ref())?;
        let (addr, both) = addr(args, &groups)?;
        for (text, group) in args.join.iter().zip(&groups) {
            if !both && addr.is_ipv4() != group.addr.is_ipv4() {
                let (group, own) = (family(group.addr), family(addr.ip()));
                let reason = format!("a group of {group}, and the address is of {own}");
                return Err(UsageError::new("--join", text, reason));
            }
        }
        Ok(Self { addr, both, groups, timeout })
    }

    fn options(&self, args: &UdpListenArgs) -> UdpOptions {
        let options = options().reuse_address(args.reuse);
        if self.both { options.v6_only(false) } else { options }
    }
}

/// The address to be bound to, and whether it is for both families.
fn addr(args: &UdpListenArgs, groups: &[Group]) -> Result<(SocketAddr, bool), UsageError> {
    let text = args.addr.as_deref().unwrap_or("0");
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let of = |ip: IpAddr, both| match port {
        Ok(port) => Ok((SocketAddr::new(ip, port), both)),
        Err(_) => {
            let reason = "with --all-interfaces there is a port alone, as in \":5000\"";
            Err(UsageError::new(ADDRESS, text, reason))
        }
    };
    let v6 = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    if args.all_interfaces {
        return of(v6, true);
    }
    if port.is_ok() {
        let has = |ipv4| groups.iter().any(|group| group.addr.is_ipv4() == ipv4);
        return match (has(true), has(false)) {
            (_, false) => of(Ipv4Addr::UNSPECIFIED.into(), false),
            (of_ipv4, true) => of(v6, of_ipv4),
        };
    }
    let addr = socket_addr(ADDRESS, text)?;
    check_zone(ADDRESS, text, addr)?;
    if addr.ip().is_multicast() && !groups.iter().any(|group| group.addr == addr.ip()) {
        let reason = format!("a group, which hears nothing unless joined: --join {}", addr.ip());
        return Err(UsageError::new(ADDRESS, text, reason));
    }
    Ok((addr, false))
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
        let socket = UdpSocket::<R::Reactor>::bind_with(place.addr, &place.options(args))
            .map_err(|error| failed("listen", &error))?;
        for group in &place.groups {
            let joined = group.join(&socket);
            joined.map_err(|error| Failure::new(format!("cannot join {group}: {error}")))?;
        }
        // Only now, so that who reads it can send.
        let local = socket.local_addr().map_err(|error| failed("listen", &error))?;
        shown.listening(local, place.both);
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
            timer.sleep_until(timer.now() + timeout).await;
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

    fn place(words: &[&str]) -> Result<(String, bool), String> {
        let args = Args::try_parse_from([&["stagger", "udp", "listen"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Listen(args)) = args.command else { panic!("{args:?}") };
        let place = Place::of(&args).map_err(|error| error.to_string())?;
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
        ] {
            assert_eq!(place(words), Ok((addr.to_owned(), both)), "{words:?}");
        }
    }

    #[test]
    fn what_hears_nothing_is_refused_and_quoted() {
        for (words, error) in [
            (&["localhost:80"][..], "bad address \"localhost:80\": not an address: the host"),
            (&["127.0.0.1:1", "--all-interfaces"], "bad address \"127.0.0.1:1\": with --all-int"),
            (&["[fe80::1]:1"], "bad address \"[fe80::1]:1\": link-local, and without a zone"),
            (&["224.0.0.251:1"], "bad address \"224.0.0.251:1\": a group, which hears nothing"),
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
