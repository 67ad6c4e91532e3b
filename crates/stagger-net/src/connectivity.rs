//! The families in which this machine is connected, and the family that it prefers.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use stagger::address::Family;
use stagger::resolve::Families;

use crate::{interface_addr, source};

/// The families in which this machine has connectivity: an address that is neither loopback nor
/// link-local, and a route (draft-ietf-happy-happyeyeballs-v3 §4.1).
///
/// A resolver that queries each family separately can skip a family without connectivity.
///
/// # Examples
///
/// ```
/// use stagger_net::system::Connectivity;
///
/// let now = Connectivity::now();
/// println!("worth asking for: {:?}", now.worth_asking());
/// println!("preferred: {:?}", now.preferred());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connectivity {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
    default_ipv4: bool,
    default_ipv6: bool,
}

impl Connectivity {
    /// Returns the current connectivity. It costs a few system calls, and waits for nothing.
    ///
    /// A family has a default route if there is a source address for an address of the public
    /// Internet. Nothing is sent there. A family without a default route is checked in the list of
    /// interface addresses. An address of an interface that is up has a route to its own network.
    /// If the machine does not list its addresses, the family counts as connected.
    pub fn now() -> Self {
        let (default_ipv4, default_ipv6) = (has_default(Family::Ipv4), has_default(Family::Ipv6));
        let now = |ipv4, ipv6| Self { ipv4, ipv6, default_ipv4, default_ipv6 };
        if default_ipv4 && default_ipv6 {
            return now(true, true);
        }
        let Ok(found) = interface_addr::addresses() else { return now(true, true) };
        let has = |ipv6| found.iter().any(|it| it.is_routable() && it.addr.is_ipv6() == ipv6);
        now(default_ipv4 || has(false), default_ipv6 || has(true))
    }

    /// Returns the family that the default routes prefer, like [`now`](Self::now) and
    /// [`preferred`](Self::preferred). It is cheaper, because it does not list the interfaces.
    pub fn preferred_now() -> Option<Family> {
        preferred(|family| has_default(*family))
    }

    /// Returns whether this family has a default route now. The check is that of [`now`](Self::now).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::address::Family;
    /// use stagger_net::system::Connectivity;
    ///
    /// if Connectivity::preferred_now().is_none() {
    ///     assert!(!Connectivity::has_default_now(Family::Ipv4));
    /// }
    /// ```
    pub fn has_default_now(family: Family) -> bool {
        has_default(family)
    }

    /// Returns the families that are worth a query. If no family is connected, it returns both,
    /// because names of this machine still work.
    pub fn worth_asking(self) -> Families {
        match (self.ipv4, self.ipv6) {
            (true, false) => Families::Ipv4,
            (false, true) => Families::Ipv6,
            _ => Families::Any,
        }
    }

    /// Returns the family that the default routes prefer: IPv6 if it has one, otherwise IPv4 if it
    /// has one (draft-ietf-happy-happyeyeballs-v3 §4.2). Without a default route no family is
    /// preferred.
    ///
    /// A family can be connected without a default route. An example is a host with a unique local
    /// IPv6 address (RFC 4193), which reaches only its own site.
    ///
    /// A resolver passes it on with [`Answer::with_preferred_family`](stagger::Answer::with_preferred_family).
    pub fn preferred(self) -> Option<Family> {
        preferred(|family| match family {
            Family::Ipv4 => self.default_ipv4,
            Family::Ipv6 => self.default_ipv6,
        })
    }
}

fn preferred(has_default: impl FnMut(&Family) -> bool) -> Option<Family> {
    [Family::Ipv6, Family::Ipv4].into_iter().find(has_default)
}

/// Whether there is a source address for an address of the public Internet.
fn has_default(family: Family) -> bool {
    source::source_address(&anywhere(family)).is_some_and(interface_addr::is_routable)
}

/// An address of the public Internet. Any such address works, because nothing is sent. These belong
/// to a root name server (RFC 7720).
pub(crate) fn anywhere(family: Family) -> SocketAddr {
    match family {
        Family::Ipv4 => (Ipv4Addr::new(199, 7, 83, 42), 53).into(),
        Family::Ipv6 => (Ipv6Addr::new(0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42), 53).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_leads_nowhere_is_not_worth_asking_unless_both_do() {
        let both = |ipv4, ipv6| {
            let (default_ipv4, default_ipv6) = (false, false);
            Connectivity { ipv4, ipv6, default_ipv4, default_ipv6 }.worth_asking()
        };
        assert_eq!(both(true, true), Families::Any);
        assert_eq!(both(true, false), Families::Ipv4);
        assert_eq!(both(false, true), Families::Ipv6);
        assert_eq!(both(false, false), Families::Any);
    }
    #[test]
    fn the_preferred_family_is_ipv6_where_both_have_a_default_route_and_else_the_one_that_has() {
        // Both families are connected throughout, as on a host with a unique local IPv6 address.
        let preferred = |default_ipv4, default_ipv6| {
            Connectivity { ipv4: true, ipv6: true, default_ipv4, default_ipv6 }.preferred()
        };
        assert_eq!(preferred(true, true), Some(Family::Ipv6));
        assert_eq!(preferred(false, true), Some(Family::Ipv6));
        assert_eq!(preferred(true, false), Some(Family::Ipv4));
        assert_eq!(preferred(false, false), None);
    }
}
