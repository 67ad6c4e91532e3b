//! The policy table, which ranks addresses.

use std::net::{IpAddr, Ipv6Addr};

use super::Prefix;

/// One row of a [`PolicyTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The addresses of this row.
    pub prefix: Prefix,
    /// Their precedence as destinations. A higher value is preferred.
    pub precedence: u32,
    /// Their label. A destination is preferred if its source address has the same label.
    pub label: u32,
}

impl Row {
    /// Creates a row for these addresses.
    pub fn new(prefix: Prefix, precedence: u32, label: u32) -> Self {
        Self { prefix, precedence, label }
    }
}

/// The policy table: which addresses are preferred, and which belong together (RFC 6724 §2.1). The
/// row with the longest matching prefix counts.
///
/// The default is [`PolicyTable::rfc6724`].
///
/// # Examples
///
/// A table that puts IPv4 before IPv6 (RFC 6724 §10.3):
///
/// ```
/// use stagger::sort::{PolicyTable, Prefix, Row, Sorter};
///
/// let ipv4 = Prefix::new("::ffff:0:0".parse().unwrap(), 96)?;
/// let table = PolicyTable::rfc6724().with_row(Row::new(ipv4, 100, 4));
/// assert_eq!(table.row("192.0.2.1".parse().unwrap()).precedence, 100);
/// let sorter = Sorter::new().with_table(table);
/// # Ok::<_, stagger::sort::PrefixError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTable(Vec<Row>);

impl PolicyTable {
    /// The default table of RFC 6724 §2.1.
    pub fn rfc6724() -> Self {
        Self(vec![
            row([0, 0, 0, 0, 0, 0, 0, 1], 128, 50, 0),
            row([0; 8], 0, 40, 1),
            row([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, 35, 4),
            row([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, 30, 2),
            row([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, 5, 5),
            row([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, 3, 13),
            row([0; 8], 96, 1, 3),
            row([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, 1, 11),
            row([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, 1, 12),
        ])
    }

    /// The default table of the RFC's update (draft-ietf-6man-rfc6724-update §5.1). It has unique
    /// local addresses before IPv4, and 6to4 after IPv4. A program that knows the local addresses
    /// of its site adds them, with precedence 45 and label 14.
    pub fn updated() -> Self {
        let mut table = Self::rfc6724();
        for row in &mut table.0 {
            row.precedence = match row.label {
                4 => 20,
                2 => 5,
                13 => 30,
                _ => row.precedence,
            };
        }
        table
    }

    /// The default table of `getaddrinfo` in glibc, as of glibc 2.36. It is the table of RFC 3484
    /// §2.1 with three more labels: site-local, unique local and Teredo addresses. Unlike in
    /// [`rfc6724`](Self::rfc6724), they have the precedence of any other IPv6 address.
    pub fn glibc() -> Self {
        Self(vec![
            row([0, 0, 0, 0, 0, 0, 0, 1], 128, 50, 0),
            row([0; 8], 0, 40, 1),
            row([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, 30, 2),
            row([0; 8], 96, 20, 3),
            row([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, 10, 4),
            row([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, 40, 5),
            row([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, 40, 6),
            row([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, 40, 7),
        ])
    }

    /// Creates a table of one row: every address has this precedence and this label.
    pub fn uniform(precedence: u32, label: u32) -> Self {
        Self(vec![row([0; 8], 0, precedence, label)])
    }

    /// Adds a row. It replaces the row with the same prefix, if there is one.
    pub fn with_row(mut self, row: Row) -> Self {
        self.0.retain(|other| other.prefix != row.prefix);
        self.0.push(row);
        self
    }

    /// All rows. There is always a row for the prefix `::/0`.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// The row for an address.
    pub fn row(&self, addr: IpAddr) -> Row {
        let rows = self.0.iter().filter(|row| row.prefix.contains(addr));
        *rows.max_by_key(|row| row.prefix.length()).expect("the row of ::/0 contains every address")
    }
}

impl Default for PolicyTable {
    fn default() -> Self {
        Self::rfc6724()
    }
}

fn row(segments: [u16; 8], length: u8, precedence: u32, label: u32) -> Row {
    let [a, b, c, d, e, f, g, h] = segments;
    let addr = Ipv6Addr::new(a, b, c, d, e, f, g, h);
    Row { prefix: Prefix::known(addr, length), precedence, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precedence_and_label(table: &PolicyTable, text: &str) -> (u32, u32) {
        let row = table.row(text.parse().unwrap());
        (row.precedence, row.label)
    }

    #[test]
    fn both_tables_are_those_of_their_documents() {
        let (old, new) = (PolicyTable::rfc6724(), PolicyTable::updated());
        for (text, before, after) in [
            ("::1", (50, 0), (50, 0)),
            ("2001:db8::1", (40, 1), (40, 1)),
            ("192.0.2.1", (35, 4), (20, 4)),
            ("::ffff:192.0.2.1", (35, 4), (20, 4)),
            ("2002::1", (30, 2), (5, 2)),
            ("2001:0:1::1", (5, 5), (5, 5)),
            ("fc00::1", (3, 13), (30, 13)),
            ("fd12:3456::1", (3, 13), (30, 13)),
            ("::192.0.2.1", (1, 3), (1, 3)),
            ("fec0::1", (1, 11), (1, 11)),
            ("3ffe::1", (1, 12), (1, 12)),
        ] {
            assert_eq!(precedence_and_label(&old, text), before, "{text}");
            assert_eq!(precedence_and_label(&new, text), after, "{text}");
        }
        for row in old.rows() {
            assert_eq!(Prefix::new(row.prefix.addr(), row.prefix.length()), Ok(row.prefix));
        }
    }

    #[test]
    fn the_table_of_glibc_is_the_one_that_gai_conf_describes() {
        let table = PolicyTable::glibc();
        for (text, expected) in [
            ("::1", (50, 0)),
            ("2001:db8::1", (40, 1)),
            ("2002::1", (30, 2)),
            ("::192.0.2.1", (20, 3)),
            ("192.0.2.1", (10, 4)),
            ("::ffff:192.0.2.1", (10, 4)),
            ("fec0::1", (40, 5)),
            ("fc00::1", (40, 6)),
            ("fd12:3456::1", (40, 6)),
            ("2001:0:1::1", (40, 7)),
            ("3ffe::1", (40, 1)),
        ] {
            assert_eq!(precedence_and_label(&table, text), expected, "{text}");
        }
        for row in table.rows() {
            assert_eq!(Prefix::new(row.prefix.addr(), row.prefix.length()), Ok(row.prefix));
        }
    }

    #[test]
    fn a_row_takes_the_place_of_one_with_its_prefix() {
        let all = Prefix::new(Ipv6Addr::UNSPECIFIED, 0).unwrap();
        let table = PolicyTable::rfc6724().with_row(Row::new(all, 7, 8));
        assert_eq!(table.rows().len(), 9);
        assert_eq!(precedence_and_label(&table, "2001:db8::1"), (7, 8));
        assert_eq!(precedence_and_label(&table, "192.0.2.1"), (35, 4));
    }
}
