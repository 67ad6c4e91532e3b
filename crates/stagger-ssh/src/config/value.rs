//! Numbers and times.

/// The largest `int` of C, which bounds times and numbers in OpenSSH.
const INT_MAX: u64 = i32::MAX as u64;

/// Reads digits as `strtoll` does: blanks and a sign may come first. Returns the number and the
/// rest.
fn number(text: &[u8]) -> Option<(i128, &[u8])> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().position(|byte| !is_blank(byte))?..];
    let (is_negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, text),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    // More than any limit is as good as the number itself.
    let add = |sum: i128, digit: &u8| (sum * 10 + i128::from(digit - b'0')).min(1 << 80);
    let value = digits[..end].iter().fold(0, add);
    Some((if is_negative { -value } else { value }, &digits[end..]))
}

/// A whole number from 0 to 2147483647.
pub(super) fn integer(text: &[u8]) -> Option<u32> {
    match number(text)? {
        (value, []) if value <= i128::from(INT_MAX) => u32::try_from(value).ok(),
        _ => None,
    }
}

/// A port number. A name of a service is not read here.
pub(super) fn port(text: &[u8]) -> Option<u16> {
    integer(text).and_then(|port| u16::try_from(port).ok())
}

/// A time in seconds, such as `90`, `1m30` or `2h` (sshd_config(5), section TIME FORMATS).
pub(super) fn seconds(mut text: &[u8]) -> Option<u32> {
    let mut sum: u64 = 0;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let (value, rest) = number(text)?;
        let value = u64::try_from(value).ok()?;
        let (unit, rest) = match rest.split_first() {
            None => (1, rest),
            Some((b's' | b'S', rest)) => (1, rest),
            Some((b'm' | b'M', rest)) => (60, rest),
            Some((b'h' | b'H', rest)) => (3600, rest),
            Some((b'd' | b'D', rest)) => (86_400, rest),
            Some((b'w' | b'W', rest)) => (604_800, rest),
            Some(_) => return None,
        };
        sum = sum.checked_add(value.checked_mul(unit)?).filter(|sum| *sum <= INT_MAX)?;
        text = rest;
    }
    u32::try_from(sum).ok()
}

/// The value of a name in a table, without regard to case.
pub(super) fn named<T: Copy>(text: &[u8], table: &[(&str, T)]) -> Option<T> {
    let found = table.iter().find(|(name, _)| text.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| *value)
}

/// `yes` and `no`.
pub(super) const FLAGS: [(&str, bool); 4] =
    [("yes", true), ("no", false), ("true", true), ("false", false)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_their_units() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30", Some(90)),
            ("1h30M5s", Some(5405)),
            ("2d", Some(172_800)),
            ("1w", Some(604_800)),
            ("+5", Some(5)),
            (" 5", Some(5)),
            ("-0", Some(0)),
            ("-1", None),
            ("", None),
            ("m", None),
            ("1x", None),
            ("5 ", None),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("3551w", None),
            ("99999999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn ports_and_numbers_have_their_ranges() {
        assert_eq!((port(b"65535"), port(b"65536"), port(b"ssh")), (Some(65535), None, None));
        assert_eq!((integer(b"+7"), integer(b"7x"), integer(b"-7")), (Some(7), None, None));
    }
}
