//! Words of a line. OpenSSH has two ways to split a line. `strdelim` splits off the keyword and,
//! before OpenSSH 9.9, the criteria of `Match`. `argv_split` splits all other arguments.

/// Blanks between words.
const BLANK: &[u8] = b" \t\r\n";

/// `line` without blanks and form feeds at its end. The first byte stays.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| BLANK.contains(byte) || *byte == b'\x0c';
    match line.iter().rposition(|byte| !is_space(byte)) {
        Some(last) => &line[..=last],
        None => &line[..line.len().min(1)],
    }
}

/// `text` without blanks, and the other bytes, at its start.
pub(super) fn trim_start<'a>(text: &'a [u8], others: &[u8]) -> &'a [u8] {
    let is_blank = |byte: &u8| BLANK.contains(byte) || others.contains(byte);
    let first = text.iter().position(|byte| !is_blank(byte));
    &text[first.unwrap_or(text.len())..]
}

/// Takes the next word up to a blank, a single `=` or the end of a quoted part. If a quote is not
/// closed, it takes all that is left and returns `None`.
pub(super) fn delimited(rest: &mut Option<&[u8]>) -> Option<Vec<u8>> {
    let text = (*rest)?;
    let is_end = |byte: &u8| BLANK.contains(byte) || matches!(byte, b'"' | b'=');
    let Some(end) = text.iter().position(is_end) else {
        *rest = None;
        return Some(text.to_vec());
    };
    let (word, after) = (&text[..end], &text[end + 1..]);
    if text[end] == b'"' {
        let Some(quote) = after.iter().position(|byte| *byte == b'"') else {
            *rest = None;
            return None;
        };
        *rest = Some(trim_start(&after[quote + 1..], b""));
        return Some([word, &after[..quote]].concat());
    }
    let mut after = trim_start(after, b"");
    if text[end] != b'=' {
        if let Some(value) = after.strip_prefix(b"=") {
            after = trim_start(value, b"");
        }
    }
    *rest = Some(after);
    Some(word.to_vec())
}

/// Splits arguments at blanks, up to a comment. Quotes keep blanks; a backslash escapes quotes,
/// backslashes and blanks. Returns `None` if a quote is not closed.
pub(super) fn arguments(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'#' if word.is_none() => break,
            b' ' | b'\t' if quote.is_none() => words.extend(word.take()),
            b'\\' => {
                let escapes = |next: &u8| {
                    matches!(next, b'\'' | b'"' | b'\\') || (quote.is_none() && *next == b' ')
                };
                word.get_or_insert_default().push(bytes.next_if(escapes).unwrap_or(byte));
            }
            b'"' | b'\'' if quote.is_none() => {
                word.get_or_insert_default();
                quote = Some(byte);
            }
            _ if quote == Some(byte) => quote = None,
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        let words = arguments(text.as_bytes())?.into_iter();
        Some(words.map(|word| String::from_utf8(word).unwrap()).collect())
    }

    fn delimited_words(text: &str) -> Vec<String> {
        let mut rest = Some(text.as_bytes());
        let next = || delimited(&mut rest).map(|word| String::from_utf8(word).unwrap());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn arguments_are_split_as_in_a_shell() {
        let cases: [(&str, &[&str]); 8] = [
            ("a  b\tc", &["a", "b", "c"]),
            ("\"a b\" c", &["a b", "c"]),
            ("a\"b c\"d", &["ab cd"]),
            ("'a \"b'", &["a \"b"]),
            (r#"a\ b \"c \\d \e "\ f""#, &["a b", "\"c", "\\d", "\\e", "\\ f"]),
            ("a # b", &["a"]),
            ("a#b", &["a#b"]),
            ("\"\"", &[""]),
        ];
        for (text, wanted) in cases {
            assert_eq!(words(text).unwrap(), wanted, "{text}");
        }
        assert_eq!((words("\"a"), words("'")), (None, None));
    }

    #[test]
    fn a_word_ends_at_a_blank_a_single_equals_sign_or_a_quote() {
        let cases: [(&str, &[&str]); 6] = [
            ("Port 22", &["Port", "22"]),
            ("Port = 22", &["Port", "22"]),
            ("Port==22", &["Port", "", "22"]),
            ("  Port", &["", "Port"]),
            ("Po\"r\"t", &["Por", "t"]),
            ("a \"b", &["a"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(delimited_words(text), wanted, "{text}");
        }
    }

    #[test]
    fn blanks_at_the_end_are_cut_and_the_first_byte_stays() {
        assert_eq!(trim_end(b"a \t\r\x0c"), b"a");
        assert_eq!(trim_end(b"  "), b" ");
        assert_eq!(trim_end(b""), b"");
    }
}
