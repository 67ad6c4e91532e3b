//! Host names that are addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stagger::resolve::Families;

/// Whether a name can only be an address, by its characters.
pub(super) fn looks_like_address(name: &str) -> bool {
    name.contains(['%', ':']) || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// An address of the families, as `getnameinfo` prints it.
pub(super) fn canonical(name: &str, families: Families) -> Option<String> {
    if let Some(v4) = inet_aton(name) {
        return (families != Families::Ipv6).then(|| v4.to_string());
    }
    let (address, scope) = match name.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (name, None),
    };
    let v6: Ipv6Addr = address.parse().ok()?;
    if families == Families::Ipv4 {
        return v6.to_ipv4_mapped().filter(|_| scope.is_none()).map(|v4| v4.to_string());
    }
    let text = print(v6);
    Some(scope.map_or_else(|| text.clone(), |scope| format!("{text}%{scope}")))
}

/// The C library prints the low half of an IPv4-compatible address (RFC 4291 §2.5.5.1) as IPv4.
fn print(v6: Ipv6Addr) -> String {
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = v6.octets();
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        _ => IpAddr::from(v6).to_string(),
    }
}

/// One to four numbers, each decimal, octal or hexadecimal (inet_aton(3)).
fn inet_aton(name: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = name.split('.').collect();
    let (last, first) = parts.split_last().filter(|_| parts.len() <= 4)?;
    let mut value: u32 = 0;
    for part in first {
        value = value << 8 | u32::from(u8::try_from(c_number(part)?).ok()?);
    }
    let bits = 32 - 8 * u32::try_from(first.len()).ok()?;
    let last = u64::from(c_number(last)?);
    if last >> bits != 0 {
        return None;
    }
    let high = u64::from(value).checked_shl(bits).unwrap_or(0);
    u32::try_from(high | last).ok().map(Ipv4Addr::from)
}

fn c_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (name, wanted) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("127.1", Some("127.0.0.1")),
            ("0x7f.1", Some("127.0.0.1")),
            ("017.0.0.1", Some("15.0.0.1")),
            ("10", Some("0.0.0.10")),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("4294967296", None),
            ("web", None),
            ("2001:DB8:0:0::7", Some("2001:db8::7")),
            ("::192.0.2.1", Some("::192.0.2.1")),
            ("::ffff:192.0.2.1", Some("::ffff:192.0.2.1")),
            ("::7", Some("::7")),
            ("FE80::1%eth0", Some("fe80::1%eth0")),
        ] {
            assert_eq!(canonical(name, Families::Any).as_deref(), wanted, "{name}");
        }
        assert_eq!(canonical("192.0.2.7", Families::Ipv6), None);
        assert_eq!(canonical("::7", Families::Ipv4), None);
        assert_eq!(canonical("::ffff:192.0.2.1", Families::Ipv4).as_deref(), Some("192.0.2.1"));
    }
}
