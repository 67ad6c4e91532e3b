//! Percent-encoding.

use std::fmt::Write as _;

/// Decodes a value. Up to the first `]` of a value that begins with `[`, a `%` stands for itself,
/// because it begins the zone of an address there.
///
/// # Errors
///
/// The first byte of a `%` without two hexadecimal digits after it.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let verbatim = brackets(text);
    let mut bytes = text.as_bytes()[..verbatim].to_vec();
    let mut rest = &text.as_bytes()[verbatim..];
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let [high, low, after @ ..] = rest else { return Err(text.len() - rest.len() - 1) };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(text.len() - rest.len() - 1);
        };
        bytes.push((high << 4 | low) as u8);
        rest = after;
    }
    Ok(bytes)
}

/// The length of the brackets with which a text begins.
pub(crate) fn brackets(text: &str) -> usize {
    match text.starts_with('[') {
        true => text.find(']').map_or(0, |close| close + 1),
        false => 0,
    }
}

/// Encodes bytes, except letters, digits, and the listed punctuation.
pub(crate) fn encode(bytes: &[u8], punctuation: &str) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || punctuation.as_bytes().contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes everything");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_except_in_the_brackets_of_an_address() {
        for (text, decoded) in [
            ("", Ok(&b""[..])),
            ("a%20b%fF", Ok(b"a b\xff")),
            ("[fe80::1%eth0]:22", Ok(b"[fe80::1%eth0]:22")),
            ("[a]%20", Ok(b"[a] ")),
            ("[%20", Ok(b"[ ")),
            ("%", Err(0)),
            ("ab%4", Err(2)),
            ("ab%4x", Err(2)),
            ("%41%x1", Err(3)),
        ] {
            assert_eq!(decode(text), decoded.map(<[u8]>::to_vec), "{text}");
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes, "-._~/:,=@");
        assert!(text.is_ascii() && !text.contains([' ', '|', '?', '&', '[', '"']));
        assert_eq!(decode(&text), Ok(bytes));
    }
}
