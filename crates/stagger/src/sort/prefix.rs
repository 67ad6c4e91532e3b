//! Prefixes: leading bits that addresses share.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The leading bits of IPv6 addresses, as in `2001:db8::/32`. A prefix of IPv4 addresses uses their
/// v4-mapped form, as in `::ffff:192.0.2.0/120` (RFC 6724 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    addr: Ipv6Addr,
    length: u8,
}

impl Prefix {
    /// Creates the prefix of the first `length` bits of `addr`.
    ///
    /// # Errors
    ///
    /// Returns an error if `length` is more than 128, or if a bit beyond the prefix is set.
    pub fn new(addr: Ipv6Addr, length: u8) -> Result<Self, PrefixError> {
        if length > 128 || addr.to_bits() & !mask(length) != 0 {
            return Err(PrefixError { addr, length });
        }
        Ok(Self { addr, length })
    }

    /// Creates a prefix that is known to be valid.
    pub(super) const fn known(addr: Ipv6Addr, length: u8) -> Self {
        Self { addr, length }
    }

    /// The address of the prefix, with all other bits zero.
    pub fn addr(&self) -> Ipv6Addr {
        self.addr
    }

    /// The number of bits, up to 128.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether the address begins with these bits.
    pub fn contains(&self, addr: IpAddr) -> bool {
        (bits(addr) ^ self.addr.to_bits()) & mask(self.length) == 0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.length)
    }
}

/// The error of two numbers that are not a [`Prefix`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixError {
    addr: Ipv6Addr,
    length: u8,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, length } = self;
        if *length > 128 {
            write!(f, "not a prefix: {addr}/{length} has more than 128 bits")
        } else {
            write!(f, "not a prefix: {addr}/{length} has bits set beyond the first {length}")
        }
    }
}

impl Error for PrefixError {}

/// An address as a number of 128 bits. An IPv4 address is in its v4-mapped form.
pub(super) fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped().to_bits(),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_contains_what_begins_with_its_bits() {
        let prefix = Prefix::new("2001:db8::".parse().unwrap(), 33).unwrap();
        assert!(prefix.contains("2001:db8:7fff::1".parse().unwrap()));
        assert!(!prefix.contains("2001:db8:8000::1".parse().unwrap()));
        let all = Prefix::new(Ipv6Addr::UNSPECIFIED, 0).unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()));
        let one = Prefix::new("::ffff:192.0.2.1".parse().unwrap(), 128).unwrap();
        assert!(one.contains("192.0.2.1".parse().unwrap()));
        assert!(!one.contains("192.0.2.2".parse().unwrap()));
        assert_eq!(prefix.to_string(), "2001:db8::/33");
    }

    #[test]
    fn what_is_no_prefix_is_an_error_that_says_why() {
        let error = Prefix::new("2001:db8::1".parse().unwrap(), 64).unwrap_err();
        let text = "not a prefix: 2001:db8::1/64 has bits set beyond the first 64";
        assert_eq!(error.to_string(), text);
        let error = Prefix::new(Ipv6Addr::UNSPECIFIED, 129).unwrap_err();
        assert_eq!(error.to_string(), "not a prefix: ::/129 has more than 128 bits");
    }
}
