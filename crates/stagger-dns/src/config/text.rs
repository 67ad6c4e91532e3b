//! Lines and words of a configuration file, which may hold any bytes.

/// How many bytes of a text a warning shows, so that a hostile text does not fill a log. The bound
/// is ours.
const MAX_SHOWN: usize = 100;

/// The most bytes in a name without its trailing dot: RFC 1035 §2.3.4 allows 255 on the wire,
/// where the first length byte and the root's take two.
pub(crate) const MAX_NAME: usize = 253;

/// The most bytes in a label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Returns the lines with their numbers, counted from 1.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.split(|b| *b == b'\n').enumerate().map(|(index, line)| (index + 1, line))
}

/// Returns the words between white space, which includes carriage returns.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| is_space(*b)).filter(|word| !word.is_empty())
}

pub(crate) fn is_space(byte: u8) -> bool {
    // isspace(3) has the vertical tab, and `u8::is_ascii_whitespace` does not.
    byte.is_ascii_whitespace() || byte == b'\x0b'
}

/// Returns the line up to a `#`.
pub(crate) fn without_comment(line: &[u8]) -> &[u8] {
    line.split(|b| *b == b'#').next().unwrap_or_default()
}

/// Reads a name. Returns it in lower case and without its trailing dot.
///
/// It must be ASCII, and its labels and the whole must not be too long for DNS. Underscores and
/// hyphens may be anywhere.
pub(crate) fn name(word: &[u8]) -> Option<String> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let is_label = |label: &[u8]| {
        (1..=MAX_LABEL).contains(&label.len()) && label.iter().all(u8::is_ascii_graphic)
    };
    if word.len() > MAX_NAME || !word.split(|b| *b == b'.').all(is_label) {
        return None;
    }
    str::from_utf8(word).ok().map(str::to_ascii_lowercase)
}

/// Returns the text for a message: cut short, and with bytes that are not UTF-8 replaced.
pub(crate) fn shown(text: &[u8]) -> Box<str> {
    match text.get(..MAX_SHOWN) {
        Some(begin) if text.len() > MAX_SHOWN => {
            format!("{}…", String::from_utf8_lossy(begin)).into()
        }
        _ => String::from_utf8_lossy(text).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_1_and_the_last_needs_no_end() {
        let found: Vec<_> = lines(b"a\r\n\nb").collect();
        assert_eq!(found, [(1, &b"a\r"[..]), (2, b""), (3, b"b")]);
    }

    #[test]
    fn words_are_between_any_white_space() {
        let found: Vec<_> = words(b" a\tb\x0b\x0cc \xff \r").collect();
        assert_eq!(found, [&b"a"[..], b"b", b"c", b"\xff"]);
    }

    #[test]
    fn a_name_is_lower_case_ascii_of_legal_lengths() {
        assert_eq!(name(b"Example.COM.").as_deref(), Some("example.com"));
        assert_eq!(name(b"_tcp.-a-").as_deref(), Some("_tcp.-a-"));
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(name(long.as_bytes()).map(|name| name.len()), Some(MAX_NAME));
        for bad in [
            "",
            ".",
            "a..b",
            ".a",
            "a..",
            "b\u{fc}cher",
            "a\x07",
            &"a".repeat(64),
            &format!("{long}b"),
        ] {
            assert_eq!((bad, name(bad.as_bytes())), (bad, None));
        }
    }
}
