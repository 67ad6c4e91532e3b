//! Names that mean this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stagger::address::Family;
use stagger::resolve::Families;

/// A name that means this machine by its text alone (RFC 6761 §6.3). Such names are never looked up
/// on the network.
///
/// # Examples
///
/// ```
/// use stagger::resolve::Families;
/// use stagger_net::lookup::Localhost;
///
/// assert_eq!(Localhost::of("LocalHost."), Some(Localhost::Itself));
/// assert_eq!(Localhost::of("app.localhost"), Some(Localhost::Below));
/// assert_eq!(Localhost::of("localhost.example.com"), None);
///
/// let addresses: Vec<_> = Localhost::addresses(Families::Any).collect();
/// assert_eq!(addresses, ["::1".parse::<std::net::IpAddr>()?, "127.0.0.1".parse()?]);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Localhost {
    /// `localhost`. It is `::1` and `127.0.0.1`, whatever a hosts file contains.
    Itself,
    /// A name below it, such as `app.localhost`. A hosts file may contain it. Otherwise it is `::1`
    /// and `127.0.0.1` too.
    Below,
}

impl Localhost {
    /// Classifies `name`, in any letter case and with or without the last dot. Returns `None` for
    /// the name of another machine.
    pub fn of(name: &str) -> Option<Self> {
        const LABEL: &str = "localhost";

        let name = name.strip_suffix('.').unwrap_or(name);
        let (above, last) = match name.rsplit_once('.') {
            Some((above, last)) => (Some(above), last),
            None => (None, name),
        };
        match above {
            _ if !last.eq_ignore_ascii_case(LABEL) => None,
            None => Some(Self::Itself),
            Some(_) => Some(Self::Below),
        }
    }

    /// Returns the addresses of this machine in these families: `::1` before `127.0.0.1`.
    pub fn addresses(families: Families) -> impl Iterator<Item = IpAddr> {
        let all = [
            (Family::Ipv6, IpAddr::from(Ipv6Addr::LOCALHOST)),
            (Family::Ipv4, IpAddr::from(Ipv4Addr::LOCALHOST)),
        ];
        let wanted = all.into_iter().filter(move |(family, _)| families.contains(*family));
        wanted.map(|(_, address)| address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_names_below_it_are_this_machine_and_no_others() {
        for name in ["localhost", "localhost.", "LOCALHOST", "LocalHost."] {
            assert_eq!((name, Localhost::of(name)), (name, Some(Localhost::Itself)));
        }
        for name in ["a.localhost", "a.b.LocalHost."] {
            assert_eq!((name, Localhost::of(name)), (name, Some(Localhost::Below)));
        }
        for name in
            ["", ".", "localhos", "xlocalhost", "localhost.example", "localhost.localdomain"]
        {
            assert_eq!((name, Localhost::of(name)), (name, None));
        }
    }

    #[test]
    fn this_machine_has_one_address_of_each_family() {
        let of =
            |families| Localhost::addresses(families).map(|ip| ip.to_string()).collect::<Vec<_>>();
        assert_eq!(of(Families::Any), ["::1", "127.0.0.1"]);
        assert_eq!(of(Families::Ipv4), ["127.0.0.1"]);
        assert_eq!(of(Families::Ipv6), ["::1"]);
    }
}
