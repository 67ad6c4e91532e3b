//! What `stagger udp send` is asked to do.

use std::net::SocketAddr;
use std::time::Duration;

use stagger::Policy;
use stagger_net::UdpOptions;

use crate::address::{address, check_zone, unspecified};
use crate::args::UdpSendArgs;
use crate::duration::duration;
use crate::udp::addr::{family, interface, interface_name, is_of_link, socket_addr};
use crate::udp::socket::options;
use crate::usage::UsageError;

const ADDRESS: &str = "address";

/// How long --replies waits without --wait: 5 s, as a resolver waits for a name server
/// (resolv.conf(5)). The choice is ours.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// How datagrams are sent, and how long the command waits for answers.
#[derive(Debug)]
pub(super) struct SendSetup {
    pub(super) to: SocketAddr,
    pub(super) from: SocketAddr,
    pub(super) options: UdpOptions,
    /// The number of the interface for groups; 0 leaves the choice to the system.
    pub(super) group_interface: u32,
    /// How long to wait for answers; not at all if there is none.
    pub(super) wait: Option<Duration>,
}

impl SendSetup {
    /// Reads the options of `udp send`.
    ///
    /// # Errors
    ///
    /// The first value that is wrong.
    pub(super) fn of(args: &UdpSendArgs) -> Result<Self, UsageError> {
        let wait = duration("--wait", args.wait.as_deref(), Policy::TIMEOUT_RANGE)?;
        let wait = wait.or_else(|| args.replies.map(|_| WAIT));
        let mut to = socket_addr(ADDRESS, &args.addr)?;
        if to.port() == 0 {
            return Err(UsageError::new(
                ADDRESS,
                &args.addr,
                "port 0 cannot receive; write another port",
            ));
        }
        let is_group = to.ip().is_multicast();
        let mut options = options().with_broadcast(args.broadcast);
        let mut group_interface = 0;
        if let Some(text) = &args.interface {
            let index = interface("--interface", text, text)?;
            zone(&mut to, index, text)?;
            if is_group {
                group_interface = index;
            } else if index != 0 {
                options = only_by(options, index, text)?;
            }
        }
        check_zone(ADDRESS, &args.addr, to)?;
        if let Some(hops) = args.hops.filter(|_| !is_group) {
            if hops == 0 {
                let reason = "must be from 1 to 255; 0 is for multicast groups only";
                return Err(UsageError::new("--hops", "0", reason));
            }
            let set = options.with_hop_limit(hops);
            options = set.map_err(|e| UsageError::new("--hops", &hops.to_string(), e))?;
        }
        if args.no_loopback && !is_group {
            let reason = "the address of a host, but --no-loopback is for multicast groups";
            return Err(UsageError::new(ADDRESS, &args.addr, reason));
        }
        Ok(Self { to, from: from(args.bind.as_ref(), to)?, options, group_interface, wait })
    }

    /// The most bytes in a datagram. A length has 16 bits. That of UDP includes its header of 8
    /// bytes (RFC 768), and that of IPv4 also its own of 20 bytes (RFC 791 §3.1).
    pub(super) fn room(&self) -> usize {
        if self.to.is_ipv4() { 65_535 - 20 - 8 } else { 65_535 - 8 }
    }

    /// Whether answers come only from the address of the peer.
    pub(super) fn is_to_one(&self, args: &UdpSendArgs) -> bool {
        !self.to.ip().is_multicast() && !args.broadcast
    }
}

/// Gives an address of a link the zone of this interface.
fn zone(addr: &mut SocketAddr, index: u32, text: &str) -> Result<(), UsageError> {
    let SocketAddr::V6(v6) = addr else { return Ok(()) };
    if v6.scope_id() == 0 && is_of_link(v6.ip()) {
        v6.set_scope_id(index);
    }
    if index != 0 && ![0, index].contains(&v6.scope_id()) {
        let reason = format!("the zone of the address is {}", interface_name(v6.scope_id()));
        return Err(UsageError::new("--interface", text, reason));
    }
    Ok(())
}

/// Sends only through this interface.
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
fn only_by(options: UdpOptions, index: u32, text: &str) -> Result<UdpOptions, UsageError> {
    let interface = stagger_net::Interface::from(index);
    // An interface that is not there is reported before a socket is made.
    let name = interface.name();
    name.map_err(|error| UsageError::new("--interface", text, stagger::text::with_causes(&error)))?;
    options.with_interface(interface).map_err(|error| UsageError::new("--interface", text, error))
}

#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
fn only_by(_: UdpOptions, _: u32, text: &str) -> Result<UdpOptions, UsageError> {
    let reason = "only for multicast groups and link-local addresses on this system";
    Err(UsageError::new("--interface", text, reason))
}

/// The address to send from: that of --bind, or one that the system chooses.
fn from(bind: Option<&String>, to: SocketAddr) -> Result<SocketAddr, UsageError> {
    const BIND: &str = "--bind";
    let Some(text) = bind else {
        return Ok(SocketAddr::new(unspecified(to.is_ipv6()), 0));
    };
    let mut from = address(BIND, text, 0)?;
    if from.is_ipv4() != to.is_ipv4() {
        let (own, other) = (family(from.ip()), family(to.ip()));
        let reason = format!("an {own} address, but the target is an {other} address");
        return Err(UsageError::new(BIND, text, reason));
    }
    if let (SocketAddr::V6(from), SocketAddr::V6(to)) = (&mut from, to) {
        // Both ends are on the one link.
        if from.scope_id() == 0 && from.ip().is_unicast_link_local() {
            from.set_scope_id(to.scope_id());
        }
    }
    check_zone(BIND, text, from)?;
    Ok(from)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command, UdpCommand};

    fn setup(words: &[&str]) -> Result<SendSetup, String> {
        let args = Args::try_parse_from([&["stagger", "udp", "send"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Send(args)) = args.command else { panic!("{args:?}") };
        SendSetup::of(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn answers_are_waited_for_if_they_are_asked_for() {
        for (words, wait) in [
            (&["127.0.0.1:9"][..], None),
            (&["127.0.0.1:9", "--replies", "2"], Some(WAIT)),
            (&["127.0.0.1:9", "--wait", "1s"], Some(Duration::from_secs(1))),
            (&["127.0.0.1:9", "--replies", "2", "--wait", "1s"], Some(Duration::from_secs(1))),
        ] {
            assert_eq!(setup(words).unwrap().wait, wait, "{words:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_address_of_a_link_is_in_the_zone_of_the_interface_and_so_is_where_it_is_sent_from() {
        for (words, to, from, interface) in [
            (&["[fe80::1]:9", "--interface", "lo"][..], "[fe80::1%1]:9", "[::]:0", 0),
            (&["[fe80::1%lo]:9", "--bind", "fe80::2"], "[fe80::1%1]:9", "[fe80::2%1]:0", 0),
            (&["[ff02::1]:9", "--interface", "1"], "[ff02::1%1]:9", "[::]:0", 1),
            (&["[ff0e::1]:9", "--interface", "lo"], "[ff0e::1]:9", "[::]:0", 1),
            (&["239.1.2.3:9", "--interface", "lo"], "239.1.2.3:9", "0.0.0.0:0", 1),
            (&["192.0.2.1:9", "--interface", "lo"], "192.0.2.1:9", "0.0.0.0:0", 0),
        ] {
            let setup = setup(words).unwrap();
            let found = (setup.to.to_string(), setup.from.to_string(), setup.group_interface);
            assert_eq!(found, (to.to_owned(), from.to_owned(), interface), "{words:?}");
        }
    }

    #[test]
    fn what_can_not_be_sent_to_is_refused_and_quoted() {
        for (words, error) in [
            (&["localhost:9"][..], "bad address \"localhost:9\": a name; write an IP address"),
            (&[":5000"], "bad address \":5000\": the address is missing; write an IP"),
            (&["127.0.0.1:0"], "bad address \"127.0.0.1:0\": port 0 cannot receive"),
            (&["[fe80::1]:9"], "bad address \"[fe80::1]:9\": a link-local address needs a zone"),
            (&["127.0.0.1:9", "--no-loopback"], "bad address \"127.0.0.1:9\": the address of a h"),
            (&["127.0.0.1:9", "--hops", "0"], "bad --hops \"0\": must be from 1 to 255; 0 is for"),
            (&["127.0.0.1:9", "--bind", "::1"], "bad --bind \"::1\": an IPv6 address, but the"),
            (
                &["[::1]:9", "--bind", "fe80::1"],
                "bad --bind \"fe80::1\": a link-local address needs a zone",
            ),
            (&["127.0.0.1:9", "--wait", "0s"], "bad --wait \"0s\": must be from 1ms to 1day"),
            (&["127.0.0.1:9", "--wait", "1"], "bad --wait \"1\": the unit is missing"),
        ] {
            let found = setup(words).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
