//! The sort itself.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};

use super::prefix::bits;
use super::scope::Scope;
use super::{PolicyTable, Rule, Source, Sources};

/// Sorts destinations by RFC 6724 §6.
///
/// Rule 9 is applied to IPv6 addresses alone unless [`strict`](Self::strict): an IPv4 address
/// says nothing of where it is, and networks that spread load over their addresses would find all
/// of it at one. Leaving IPv4 out is ours and not the RFC's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorter {
    table: PolicyTable,
    strict: bool,
}

/// A destination in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// Where it leads.
    pub address: SocketAddr,
    /// The source address for it, none if there is no route.
    pub source: Option<Source>,
    /// The rule that put it after the one before it; none for the first.
    pub rule: Option<Rule>,
}

/// What the rules 1 to 8 compare, in their order; the smaller comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u16; 8]);

#[derive(Clone, Copy)]
struct Entry {
    destination: SocketAddr,
    /// Its IP address, which is not v4-mapped.
    ip: IpAddr,
    source: Option<Source>,
    key: Key,
    /// Of rule 9: how many bits it has in common with its source.
    common: Option<Reverse<u32>>,
}

/// Which attributes are known of all source addresses.
struct Known {
    deprecated: bool,
    mobility: bool,
    tunneled: bool,
}

impl Sorter {
    /// With the default table.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this table.
    pub fn with_table(mut self, table: PolicyTable) -> Self {
        self.table = table;
        self
    }

    /// Whether rule 9 is applied to IPv4 addresses too, as the RFC's letter has it.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Puts the destinations in order. Each source address is asked for once.
    ///
    /// A v4-mapped destination is taken for the IPv4 address that it is. A destination without a
    /// source address is neither preferred nor avoided by the rules that look at one, but comes
    /// after all that have one.
    pub fn sort<I>(&self, destinations: I, sources: &(impl Sources + ?Sized)) -> Vec<Placed>
    where
        I: IntoIterator<Item = SocketAddr>,
    {
        let ask = |destination: SocketAddr| {
            let source = sources.source(&destination);
            let canonical = |source: Source| Source { addr: source.addr.to_canonical(), ..source };
            (destination, source.map(canonical))
        };
        let asked: Vec<_> = destinations.into_iter().map(ask).collect();
        let known = Known::of(asked.iter().filter_map(|(_, source)| source.as_ref()));
        let entry = |(destination, source)| self.entry(destination, source, &known);
        let mut entries: Vec<_> = asked.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.key);
        for equal in entries.chunk_by_mut(|one, other| one.key == other.key) {
            use_longest_prefix(equal);
        }
        let rules: Vec<_> = entries.windows(2).map(|pair| rule(&pair[0], &pair[1])).collect();
        let rules = std::iter::once(None).chain(rules.into_iter().map(Some));
        let placed = |(Entry { destination, source, .. }, rule)| Placed {
            address: destination,
            source,
            rule,
        };
        entries.into_iter().zip(rules).map(placed).collect()
    }

    fn entry(&self, destination: SocketAddr, source: Option<Source>, known: &Known) -> Entry {
        let ip = destination.ip().to_canonical();
        let (scope, row) = (Scope::of(ip), self.table.row(ip));
        let of_source = |avoid: &dyn Fn(&Source) -> u16| source.as_ref().map_or(0, avoid);
        let key = Key([
            u16::from(source.is_none()),
            of_source(&|source| u16::from(Scope::of(source.addr) != scope)),
            of_source(&|source| u16::from(known.deprecated && source.deprecated == Some(true))),
            of_source(&|source| match source.mobility {
                Some(mobility) if known.mobility => u16::from(u8::MAX - mobility as u8),
                _ => 0,
            }),
            of_source(&|source| u16::from(self.table.row(source.addr).label != row.label)),
            u16::from(u8::MAX - row.precedence),
            of_source(&|source| u16::from(known.tunneled && source.tunneled == Some(true))),
            scope.number(),
        ]);
        let counts = ip.is_ipv6() || self.strict;
        let common = source.filter(|_| counts).map(|source| Reverse(common_bits(&source, ip)));
        Entry { destination, ip, source, key, common }
    }
}

impl Known {
    fn of<'a>(sources: impl Iterator<Item = &'a Source> + Clone) -> Self {
        Self {
            deprecated: sources.clone().all(|source| source.deprecated.is_some()),
            mobility: sources.clone().all(|source| source.mobility.is_some()),
            tunneled: sources.clone().all(|source| source.tunneled.is_some()),
        }
    }
}

/// Rule 9, among destinations that the rules before it find equal. It compares those of one family
/// alone, so these are sorted among the places that they have, and the others keep theirs. (As a
/// comparison of two it would not be an order: IPv4 between two IPv6 addresses is equal to both.)
fn use_longest_prefix(equal: &mut [Entry]) {
    for ipv6 in [true, false] {
        let is_one = |entry: &Entry| entry.common.is_some() && entry.ip.is_ipv6() == ipv6;
        let places: Vec<_> = (0..equal.len()).filter(|&place| is_one(&equal[place])).collect();
        let mut sorted: Vec<_> = places.iter().map(|&place| equal[place]).collect();
        sorted.sort_by_key(|entry| entry.common);
        for (place, entry) in places.into_iter().zip(sorted) {
            equal[place] = entry;
        }
    }
}

/// The rule by which the second comes after the first.
fn rule(first: &Entry, second: &Entry) -> Rule {
    const RULES: [Rule; 8] = [
        Rule::Unusable,
        Rule::MatchingScope,
        Rule::Deprecated,
        Rule::Home,
        Rule::MatchingLabel,
        Rule::Precedence,
        Rule::NativeTransport,
        Rule::SmallerScope,
    ];
    let differ = first.key.0.iter().zip(&second.key.0).position(|(one, other)| one != other);
    match differ {
        Some(index) => RULES[index],
        None if first.common != second.common
            && first.common.is_some()
            && second.common.is_some()
            && first.ip.is_ipv6() == second.ip.is_ipv6() =>
        {
            Rule::LongestPrefix
        }
        None => Rule::Unchanged,
    }
}

/// How many leading bits a destination has in common with its source, up to the source's prefix
/// (RFC 6724 §2.2).
fn common_bits(source: &Source, destination: IpAddr) -> u32 {
    let common = (bits(source.addr) ^ bits(destination)).leading_zeros();
    let skipped = if source.addr.is_ipv6() { 0 } else { 96 };
    common.saturating_sub(skipped).min(source.prefix_bits())
}

#[cfg(test)]
mod tests;
