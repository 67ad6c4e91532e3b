//! Why addresses stand in the order of RFC 6724.

use std::net::SocketAddr;

use stagger::destination::{Placed, Sorter};
use stagger_net::SystemSources;

/// A line for each address, in the order of RFC 6724: its source address, and the rule that put it
/// after the one before.
pub(crate) fn explained(addresses: &[SocketAddr]) -> String {
    lines(&Sorter::new().sort(addresses.iter().copied(), &SystemSources::new()))
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
        let rule = placed.rule.map(|rule| format!(", after it by {rule}")).unwrap_or_default();
        format!("  {name:width$}  {source}{deprecated}{rule}\n")
    };
    placed.iter().zip(&names).map(line).collect()
}

#[cfg(test)]
mod tests {
    use stagger::destination::Source;

    use super::*;

    #[test]
    fn each_address_has_its_source_and_the_rule_that_placed_it() {
        let sources = |destination: &SocketAddr| {
            let of_ipv6 = || {
                let mut source = Source::new("2001:db8::2".parse().unwrap());
                source.deprecated = Some(true);
                source
            };
            match destination {
                SocketAddr::V6(_) => Some(of_ipv6()),
                SocketAddr::V4(addr) if addr.ip().octets()[3] == 1 => {
                    let mut source = Source::new("192.0.2.9".parse().unwrap());
                    source.deprecated = Some(false);
                    Some(source)
                }
                SocketAddr::V4(_) => None,
            }
        };
        let found = ["[2001:db8::1]:80", "198.51.100.2:80", "192.0.2.1:80"];
        let found = found.map(|text| text.parse().unwrap());
        assert_eq!(
            lines(&Sorter::new().sort(found, &sources)),
            "  192.0.2.1:80      from 192.0.2.9
  [2001:db8::1]:80  from 2001:db8::2 (deprecated), after it by rule 3: avoid deprecated addresses
  198.51.100.2:80   no route, after it by rule 1: avoid unusable destinations
"
        );
        assert_eq!(lines(&[]), "");
    }
}
