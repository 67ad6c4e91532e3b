//! Which families this machine can reach anything with.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use stagger::{Families, Family};

use crate::{interface, source};

/// Which families this machine has connectivity in: an address that is neither loopback nor
/// link-local, and a route (draft-ietf-happy-happyeyeballs-v3 §4.1).
///
/// A resolver that asks for each family apart has no need to ask for one that leads nowhere.
///
/// # Examples
///
/// ```
/// use stagger_net::Connectivity;
///
/// let now = Connectivity::now();
/// println!("worth asking for: {:?}", now.worth_asking());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connectivity {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
}

impl Connectivity {
    /// As it is at this moment. It costs a few system calls, and waits for nothing.
    ///
    /// A family with a default route is told by the source address for an address of the public
    /// Internet, to which nothing is sent. One without is told by the addresses of the interfaces:
    /// an address that is up brings the route to its own network. A machine that does not list its
    /// addresses counts as connected.
    pub fn now() -> Self {
        let default = Self { ipv4: has_default(Family::Ipv4), ipv6: has_default(Family::Ipv6) };
        if default.ipv4 && default.ipv6 {
            return default;
        }
        let Ok(found) = interface::addresses() else {
            return Self { ipv4: true, ipv6: true };
        };
        let has = |ipv6| found.iter().any(|it| it.is_routable() && it.addr.is_ipv6() == ipv6);
        Self { ipv4: default.ipv4 || has(false), ipv6: default.ipv6 || has(true) }
    }

    /// Which families are worth asking for. Where none is connected it is both: names of this
    /// machine itself lead somewhere all the same.
    pub fn worth_asking(self) -> Families {
        match (self.ipv4, self.ipv6) {
            (true, false) => Families::Ipv4,
            (false, true) => Families::Ipv6,
            _ => Families::Any,
        }
    }
}

/// Whether there is a source address that leads out, for an address of the public Internet. Which
/// one does not matter, as nothing is sent: these belong to a root name server (RFC 7720).
fn has_default(family: Family) -> bool {
    let anywhere: SocketAddr = match family {
        Family::Ipv4 => (Ipv4Addr::new(199, 7, 83, 42), 53).into(),
        _ => (Ipv6Addr::new(0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42), 53).into(),
    };
    source::address(&anywhere).is_some_and(interface::is_routable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_leads_nowhere_is_not_worth_asking_unless_both_do() {
        let both = |ipv4, ipv6| Connectivity { ipv4, ipv6 }.worth_asking();
        assert_eq!(both(true, true), Families::Any);
        assert_eq!(both(true, false), Families::Ipv4);
        assert_eq!(both(false, true), Families::Ipv6);
        assert_eq!(both(false, false), Families::Any);
    }
}
