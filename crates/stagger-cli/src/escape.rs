//! Text from outside, made safe for a terminal.

use stagger::text::Escaped;

/// How many characters of an argument a message repeats.
const MAX_QUOTED: usize = 100;

/// The text with control and invisible characters escaped. Quotes and backslashes stay: the text
/// is often quoted already.
pub(crate) fn printable(text: &str) -> String {
    Escaped(text).to_string()
}

/// The text in quotes, escaped, and cut short if it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

/// Bytes in quotes, escaped. UTF-8 is text, any other byte is a number (`\xff`). The bytes can be
/// read back from it.
pub(crate) fn quoted_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' => quoted.push(character),
                other => quoted.extend(other.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped_and_others_stay() {
        assert_eq!(printable("a\x1b[31m\u{202e}\n\"é\\"), "a\\u{1b}[31m\\u{202e}\\n\"é\\");
    }

    #[test]
    fn bytes_are_text_where_they_can_be_and_numbers_elsewhere() {
        for (bytes, quoted) in [
            (&b""[..], r#""""#),
            ("it's é\n".as_bytes(), r#""it's é\n""#),
            (b"a\\\"\x1b[m", r#""a\\\"\u{1b}[m""#),
            (b"a\xff\xfeb\xc3", r#""a\xff\xfeb\xc3""#),
        ] {
            assert_eq!(quoted_bytes(bytes), quoted);
        }
    }

    #[test]
    fn a_long_text_is_cut_short_in_quotes() {
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
        assert_eq!(quoted(&"é".repeat(1000)).chars().count(), 103);
    }
}
