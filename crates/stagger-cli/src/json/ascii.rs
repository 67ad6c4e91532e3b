//! JSON that is safe on a terminal.

use std::fmt::Write as _;

use serde_json::Value;

/// A value as JSON on one line of printable ASCII. Any other character is escaped as `\uXXXX`, and
/// one beyond the basic plane as two of these (RFC 8259 §7).
pub(crate) fn printed(value: &Value) -> String {
    // JSON has such characters only inside strings, and `serde_json` escapes those below the
    // space.
    let json = value.to_string();
    let mut printed = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            ' '..='~' => printed.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(printed, "\\u{unit:04x}");
                }
            }
        }
    }
    printed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_printable_ascii_and_is_read_back_as_it_was() {
        let all: String = (0..=0x2fff_u32)
            .chain(0xd7f0..=0xe010)
            .chain(0xfe00..=0x1_0010)
            .chain([0x1_f600, 0x2_0000, 0xe_0001, 0x10_ffff])
            .filter_map(char::from_u32)
            .collect();
        let value = json!({"text": all, &*all: ["a", 1, null, {"\u{202e}": "\u{9b}31m\x7f"}]});
        let printed = printed(&value);
        assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
    }

    #[test]
    fn a_character_is_escaped_as_one_unit_or_as_two() {
        for (text, expected) in [
            ("plain ~", r#""plain ~""#),
            ("\u{9b}31m", r#""\u009b31m""#),
            ("\x7f", r#""\u007f""#),
            ("a\u{202e}b", r#""a\u202eb""#),
            ("\u{feff}", r#""\ufeff""#),
            ("\u{1f600}", r#""\ud83d\ude00""#),
            ("\u{e0001}", r#""\udb40\udc01""#),
            ("\x1b\"\\\n\t\0", r#""\u001b\"\\\n\t\u0000""#),
        ] {
            assert_eq!(printed(&json!(text)), expected);
        }
    }
}
