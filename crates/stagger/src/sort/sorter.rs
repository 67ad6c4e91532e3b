//! The sorter.

use std::cmp::{Ordering, Reverse};
use std::net::{IpAddr, SocketAddr};

use super::prefix::bits;
use super::scope::Scope;
use super::{Ipv4Scopes, Mobility, PolicyTable, Rule, SourceAddress, SourceAddresses};

/// Sorts destinations by RFC 6724 §6.
///
/// Rule 9 applies only to IPv6 addresses, unless the sorter is [strict](Self::with_strict). The bits of an IPv4
/// address do not show where it is. The rule would also send all load to one of several IPv4
/// addresses of a service. Leaving IPv4 out is our rule and not the RFC's.
///
/// [`Sorter::glibc`] sorts as `getaddrinfo` does on Linux.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorter {
    table: PolicyTable,
    ipv4_scopes: Ipv4Scopes,
    strict: bool,
    manner: Manner,
}

/// Which reading of the rules is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Manner {
    #[default]
    Rfc6724,
    Glibc,
}

/// A destination in sorted order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// The address of the destination.
    pub address: SocketAddr,
    /// Its source address, or `None` if there is no route.
    pub source: Option<SourceAddress>,
    /// The rule that put it after the previous destination, or `None` for the first.
    pub rule: Option<Rule>,
}

/// The values that rules 1 to 8 compare, in their order. The smaller value comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u32; 8]);

#[derive(Clone, Copy)]
struct Entry {
    destination: SocketAddr,
    /// Its IP address, which is not v4-mapped.
    ip: IpAddr,
    source: Option<SourceAddress>,
    key: Key,
    /// The value of rule 9: the number of bits shared with its source. Absent if rule 9 does not
    /// apply.
    common: Option<Reverse<u32>>,
}

/// Which attributes are known for all source addresses.
struct Known {
    deprecated: bool,
    mobility: bool,
    tunneled: bool,
}

impl Sorter {
    /// Creates a sorter with the default table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a sorter that sorts like `getaddrinfo` in glibc, as of glibc 2.36. It differs from
    /// RFC 6724 in these points:
    ///
    /// - The default tables are [`PolicyTable::glibc`] and [`Ipv4Scopes::glibc`].
    /// - Rule 9 compares all 128 bits of IPv6 addresses, as in RFC 3484.
    /// - Rule 9 compares an IPv4 address if it is in the subnet of its source address. Other IPv4
    ///   addresses come after it.
    /// - An unknown attribute of a source address counts as absent. The rule is not skipped.
    /// - Rule 9 may leave addresses of both families without a consistent order. The result is then
    ///   the result of glibc's merge sort.
    ///
    /// # Examples
    ///
    /// A unique local address does not come after IPv4 here, unlike in RFC 6724:
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::sort::{Sorter, SourceAddress};
    ///
    /// let found = ["192.0.2.1:80", "[fd00::1]:80"].map(|text| text.parse().unwrap());
    /// let sources = |destination: &SocketAddr| Some(SourceAddress::new(destination.ip()));
    /// assert!(Sorter::new().sort(found, &sources)[0].address.is_ipv4());
    /// assert!(Sorter::glibc().sort(found, &sources)[0].address.is_ipv6());
    /// ```
    pub fn glibc() -> Self {
        Self {
            table: PolicyTable::glibc(),
            ipv4_scopes: Ipv4Scopes::glibc(),
            strict: false,
            manner: Manner::Glibc,
        }
    }

    /// Sets the table.
    pub fn with_table(mut self, table: PolicyTable) -> Self {
        self.table = table;
        self
    }

    /// The table.
    pub fn table(&self) -> &PolicyTable {
        &self.table
    }

    /// Sets the scopes of IPv4 addresses.
    pub fn with_ipv4_scopes(mut self, scopes: Ipv4Scopes) -> Self {
        self.ipv4_scopes = scopes;
        self
    }

    /// The scopes of IPv4 addresses.
    pub fn ipv4_scopes(&self) -> &Ipv4Scopes {
        &self.ipv4_scopes
    }

    /// Sets whether rule 9 also applies to IPv4 addresses, as the RFC's text requires. A sorter
    /// from [`glibc`](Self::glibc) has another rule 9 and ignores this setting.
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Whether rule 9 also applies to IPv4 addresses.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Sorts the destinations. Each source address is asked for once.
    ///
    /// A v4-mapped destination counts as the IPv4 address in it. Rules that compare source
    /// addresses ignore a destination without a source address. It comes after all destinations
    /// that have one.
    pub fn sort<I>(&self, destinations: I, sources: &(impl SourceAddresses + ?Sized)) -> Vec<Placed>
    where
        I: IntoIterator<Item = SocketAddr>,
    {
        let ask = |destination: SocketAddr| {
            let source = sources.source(&destination);
            let canonical = |source: SourceAddress| SourceAddress {
                addr: source.addr.to_canonical(),
                ..source
            };
            (destination, source.map(canonical))
        };
        let asked: Vec<_> = destinations.into_iter().map(ask).collect();
        let known = match self.manner {
            Manner::Rfc6724 => Known::of(asked.iter().filter_map(|(_, source)| source.as_ref())),
            Manner::Glibc => Known::ALL,
        };
        let entry = |(destination, source)| self.entry(destination, source, &known);
        let mut entries: Vec<_> = asked.into_iter().map(entry).collect();
        match self.manner {
            Manner::Rfc6724 => {
                entries.sort_by_key(|entry| entry.key);
                for equal in entries.chunk_by_mut(|one, other| one.key == other.key) {
                    use_longest_prefix(equal);
                }
            }
            Manner::Glibc => merge_sort(&mut entries),
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

    fn entry(
        &self,
        destination: SocketAddr,
        source: Option<SourceAddress>,
        known: &Known,
    ) -> Entry {
        let ip = destination.ip().to_canonical();
        let scope_of = |addr| Scope::of(addr, &self.ipv4_scopes);
        let (scope, row) = (scope_of(ip), self.table.row(ip));
        let of_source = |avoid: &dyn Fn(&SourceAddress) -> u32| source.as_ref().map_or(0, avoid);
        let key = Key([
            u32::from(source.is_none()),
            of_source(&|source| u32::from(scope_of(source.addr) != scope)),
            of_source(&|source| u32::from(known.deprecated && source.deprecated == Some(true))),
            of_source(&|source| if known.mobility { self.away(source.mobility) } else { 0 }),
            of_source(&|source| u32::from(self.table.row(source.addr).label != row.label)),
            u32::MAX - row.precedence,
            of_source(&|source| u32::from(known.tunneled && source.tunneled == Some(true))),
            scope.number(),
        ]);
        let common = source.and_then(|source| self.common_bits(&source, ip)).map(Reverse);
        Entry { destination, ip, source, key, common }
    }

    /// The value that rule 4 compares: how far an address is from a home address.
    fn away(&self, mobility: Option<Mobility>) -> u32 {
        let is_home = matches!(mobility, Some(Mobility::Home | Mobility::HomeAndCareOf));
        match (self.manner, mobility) {
            (Manner::Rfc6724, Some(mobility)) => Mobility::HomeAndCareOf as u32 - mobility as u32,
            (Manner::Rfc6724, None) => 0,
            // glibc has one flag, which an address has or does not have.
            (Manner::Glibc, _) => u32::from(!is_home),
        }
    }

    /// The value that rule 9 compares, if it applies to this destination.
    fn common_bits(&self, source: &SourceAddress, destination: IpAddr) -> Option<u32> {
        let ipv6 = destination.is_ipv6();
        match self.manner {
            Manner::Rfc6724 => (ipv6 || self.strict).then(|| common_prefix(source, destination)),
            Manner::Glibc if ipv6 => Some(common_bits(source.addr, destination)),
            Manner::Glibc => {
                let common = common_bits(source.addr, destination);
                Some(if common >= subnet_bits(source) { common } else { 0 })
            }
        }
    }
}

impl Known {
    const ALL: Self = Self { deprecated: true, mobility: true, tunneled: true };

    fn of<'a>(sources: impl Iterator<Item = &'a SourceAddress> + Clone) -> Self {
        Self {
            deprecated: sources.clone().all(|source| source.deprecated.is_some()),
            mobility: sources.clone().all(|source| source.mobility.is_some()),
            tunneled: sources.clone().all(|source| source.tunneled.is_some()),
        }
    }
}

/// Applies rule 9 to destinations that the earlier rules find equal. It compares only destinations
/// of one family. These are sorted among their own places, and the others keep their places. As a
/// comparison of two it would not be an order: IPv4 between two IPv6 addresses is equal to both.
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

/// Sorts like glibc's `qsort_r` with glibc's comparison. That comparison is not an order if both
/// families are equal before rule 9. So the result depends on which pairs are compared.
fn merge_sort(entries: &mut [Entry]) {
    if entries.len() < 2 {
        return;
    }
    let (left, right) = entries.split_at_mut(entries.len() / 2);
    merge_sort(left);
    merge_sort(right);
    let (left, right) = (left.to_vec(), right.to_vec());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    for place in entries {
        let from_left = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => compare(left, right).is_le(),
            (left, _) => left.is_some(),
        };
        let next = if from_left { left.next() } else { right.next() };
        *place = next.expect("both halves have as many entries as there are places");
    }
}

/// glibc's comparison. Entries are equal if their order must not change.
fn compare(one: &Entry, other: &Entry) -> Ordering {
    let same_family = one.ip.is_ipv6() == other.ip.is_ipv6();
    let by_prefix = || if same_family { one.common.cmp(&other.common) } else { Ordering::Equal };
    one.key.cmp(&other.key).then_with(by_prefix)
}

/// The rule that puts the second after the first.
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

/// The number of leading bits that a destination shares with its source, up to the source's prefix
/// (RFC 6724 §2.2).
fn common_prefix(source: &SourceAddress, destination: IpAddr) -> u32 {
    common_bits(source.addr, destination).min(source.prefix_bits())
}

/// The number of leading bits that the addresses share.
fn common_bits(source: IpAddr, destination: IpAddr) -> u32 {
    let common = (bits(source) ^ bits(destination)).leading_zeros();
    let skipped = if source.is_ipv6() { 0 } else { 96 };
    common.saturating_sub(skipped)
}

/// The number of bits of an IPv4 source address that belong to its subnet, for glibc. If that is
/// not known, all bits count. Loopback is the exception: all of it is one subnet.
fn subnet_bits(source: &SourceAddress) -> u32 {
    let unknown = if source.addr.is_loopback() { 8 } else { 32 };
    source.prefix_length.map_or(unknown, u32::from)
}

#[cfg(test)]
mod tests;
