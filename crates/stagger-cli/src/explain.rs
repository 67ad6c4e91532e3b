//! `--explain`: why the addresses are in their order.

use std::net::SocketAddr;
use std::time::Instant;

use stagger::address::{Address as _, Family};
use stagger::sort::{Placed, Sorter, SourceAddresses};
use stagger_dns::AddressPolicy;
use stagger_net::system::SystemSourceAddresses;

/// The order in which this machine sorts the addresses, and why.
#[derive(Debug)]
pub(crate) struct Explained {
    /// The rules of the sort.
    pub(crate) by: &'static str,
    /// The addresses in that order.
    pub(crate) placed: Vec<Placed>,
    /// Why the candidates are in another order, if they are.
    pub(crate) note: Option<String>,
}

/// Sorts the addresses as this machine does: by `gai.conf` too, if its `getaddrinfo` reads that
/// file.
pub(crate) async fn explained(addresses: &[SocketAddr]) -> Explained {
    let (by, sorter) = match AddressPolicy::of_machine() {
        // Like `getaddrinfo`, ignores a file that cannot be read.
        Some(file) => {
            let policy = file.get(Instant::now()).await.unwrap_or_default();
            ("RFC 6724 and gai.conf", policy.value.sorter().clone())
        }
        None => ("RFC 6724", Sorter::new()),
    };
    by_sorter(by, &sorter, addresses, &SystemSourceAddresses::new())
}

fn by_sorter(
    by: &'static str,
    sorter: &Sorter,
    addresses: &[SocketAddr],
    sources: &impl SourceAddresses,
) -> Explained {
    let placed = sorter.sort(addresses.iter().copied(), sources);
    let sorted: Vec<_> = placed.iter().map(|placed| placed.address).collect();
    Explained { by, placed, note: note(&sorted, addresses) }
}

/// How the order of the candidates follows from the sorted one, if it is another.
fn note(sorted: &[SocketAddr], shown: &[SocketAddr]) -> Option<String> {
    if sorted == shown {
        return None;
    }
    let of = |addresses: &[SocketAddr], family| -> Vec<SocketAddr> {
        let is_one = |address: &&SocketAddr| address.canonical().family() == Some(family);
        addresses.iter().filter(is_one).copied().collect()
    };
    let is_kept = |family| of(sorted, family) == of(shown, family);
    let leader = shown.first()?.canonical().family()?;
    Some(if is_kept(Family::Ipv4) && is_kept(Family::Ipv6) {
        format!("the candidates then alternate between families, and {leader} leads")
    } else {
        "the candidates are in the order of the answer instead".to_owned()
    })
}

/// A heading, and a line for each address: its source address, and the rule that sorted it after
/// the address above. The last line says why the candidates are in another order.
pub(crate) fn text(explained: &Explained) -> String {
    let Explained { by, placed, note } = explained;
    let note = note.as_ref().map(|note| format!("{note}\n")).unwrap_or_default();
    format!("sorted by {by}:\n{}{note}", lines(placed))
}

fn lines(placed: &[Placed]) -> String {
    let names: Vec<_> = placed.iter().map(|placed| placed.address.to_string()).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let line = |(placed, name): (&Placed, &String)| {
        let source = match placed.source {
            Some(source) => format!("from {}", source.addr),
            None => "no route".to_owned(),
        };
        let deprecated = placed.source.is_some_and(|source| source.deprecated == Some(true));
        let deprecated = if deprecated { " (deprecated)" } else { "" };
        let rule = placed.rule.map(|rule| format!("; by {rule}")).unwrap_or_default();
        format!("  {name:width$}  {source}{deprecated}{rule}\n")
    };
    placed.iter().zip(&names).map(line).collect()
}

#[cfg(test)]
mod tests {
    use stagger::sort::SourceAddress;

    use super::*;

    #[test]
    fn each_address_has_its_source_and_the_rule_that_placed_it() {
        let sources = |destination: &SocketAddr| {
            let of_ipv6 = || {
                let mut source = SourceAddress::new("2001:db8::2".parse().unwrap());
                source.deprecated = Some(true);
                source
            };
            match destination {
                SocketAddr::V6(_) => Some(of_ipv6()),
                SocketAddr::V4(addr) if addr.ip().octets()[3] == 1 => {
                    let mut source = SourceAddress::new("192.0.2.9".parse().unwrap());
                    source.deprecated = Some(false);
                    Some(source)
                }
                SocketAddr::V4(_) => None,
            }
        };
        let found = ["[2001:db8::1]:80", "198.51.100.2:80", "192.0.2.1:80"];
        let found = found.map(|text| text.parse().unwrap());
        let explained = by_sorter("RFC 6724", &Sorter::new(), &found, &sources);
        assert_eq!(
            text(&explained),
            "sorted by RFC 6724:
  192.0.2.1:80      from 192.0.2.9
  [2001:db8::1]:80  from 2001:db8::2 (deprecated); by rule 3: avoid deprecated addresses
  198.51.100.2:80   no route; by rule 1: avoid unusable destinations
the candidates are in the order of the answer instead
"
        );
    }

    #[test]
    fn another_order_than_the_sorted_one_is_explained() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let (v6a, v6b, v4a, v4b) =
            ("[2001:db8::1]:80", "[2001:db8::2]:80", "192.0.2.1:80", "192.0.2.2:80");
        let given = "the candidates are in the order of the answer instead";
        let sorted = addresses(&[v6a, v6b, v4a, v4b]);
        for (shown, expected) in [
            (&[v6a, v6b, v4a, v4b][..], None),
            (
                &[v6a, v4a, v6b, v4b],
                Some("the candidates then alternate between families, and IPv6 leads"),
            ),
            (
                &[v4a, v6a, v4b, v6b],
                Some("the candidates then alternate between families, and IPv4 leads"),
            ),
            (&[v6b, v4a, v6a, v4b], Some(given)),
            (&[v6a, v4b, v6b, v4a], Some(given)),
        ] {
            assert_eq!(note(&sorted, &addresses(shown)).as_deref(), expected, "{shown:?}");
        }
    }
}
