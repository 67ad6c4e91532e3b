//! A text as an error may show it: without secrets and control characters.

use std::ops::Range;
use std::sync::Arc;

use crate::error::quoted;
use crate::hop::is_key;

/// Stands in place of a secret.
pub(crate) const HIDDEN: &str = "***";

/// Options whose values are never shown. An option of a program's own scheme with such a name is
/// hidden too. The list is ours.
const SECRET_OPTIONS: [&str; 4] = ["passphrase", "password", "secret", "token"];

/// Whether the value of this option is hidden.
pub(crate) fn is_secret(key: &str) -> bool {
    SECRET_OPTIONS.contains(&key)
}

/// A text that is safe to show, and where each byte of the original is in it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    text: Arc<str>,
    /// For each byte of the original, and its end, the byte in `text`.
    starts: Arc<[usize]>,
}

impl Shown {
    /// Hides the secrets of a text that need not be valid.
    pub(crate) fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut starts = Vec::with_capacity(original.len() + 1);
        let mut hidden = secrets(original).into_iter().peekable();
        for (at, character) in original.char_indices() {
            while hidden.next_if(|range| range.end <= at).is_some() {
                text.push_str(HIDDEN);
            }
            starts.resize(at + character.len_utf8(), text.len());
            if hidden.peek().is_some_and(|range| range.contains(&at)) {
                continue;
            }
            let is_plain =
                matches!(character, '\'' | '"' | '\\') || character.escape_debug().len() == 1;
            text.push(if is_plain { character } else { char::REPLACEMENT_CHARACTER });
        }
        if hidden.next().is_some() {
            text.push_str(HIDDEN);
        }
        starts.push(text.len());
        Self { text: text.into(), starts: starts.into() }
    }

    /// A text that is not shown at all.
    pub(crate) fn nothing() -> Self {
        Self { text: "".into(), starts: [0].into() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A part of the original in quotes, without secrets, and shortened if it is long.
    pub(crate) fn quoted(&self, original: &Range<usize>) -> String {
        quoted(&self.text[self.place(original)])
    }

    /// Where a range of the original is in the shown text. It has at least one character, unless it
    /// is at the end.
    pub(crate) fn place(&self, original: &Range<usize>) -> Range<usize> {
        let at = |byte: usize| self.starts[byte.min(self.starts.len() - 1)];
        let (start, end) = (at(original.start), at(original.end));
        if start < end {
            return start..end;
        }
        let rest = &self.text[start..];
        let length = match rest.starts_with(HIDDEN) {
            true => HIDDEN.len(),
            false => rest.chars().next().map_or(0, char::len_utf8),
        };
        start..start + length
    }
}

/// The ranges of a text that may be secret, in order. A text that is not valid hides more than
/// necessary: a reserved byte in a password may have split the password. A `|` without a blank on
/// each side may be such a byte.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut secrets: Vec<Range<usize>> = Vec::new();
    let mut first_rest = None;
    let mut start = 0;
    // Whether a secret option stands in the hop, or in one before it that may be the same.
    let mut has_secret = false;
    for hop in text.split('|') {
        let before = usize::saturating_sub(start, 1);
        let is_apart =
            text[..before].ends_with(char::is_whitespace) && hop.starts_with(char::is_whitespace);
        let may_be_one = start > 0 && !is_apart;
        let colon = hop.find(':');
        let rest = colon.map_or(0, |colon| colon + 1);
        let first_rest = *first_rest.get_or_insert(start + rest);
        if let Some(at) = hop.rfind('@') {
            let has_scheme = rest <= at && colon.is_some();
            let userinfo = hop.get(rest..at).unwrap_or_default();
            if !has_scheme || may_be_one || userinfo.contains(['@', '?', '&']) {
                // The separators may be parts of a password.
                let own = if has_scheme { start + rest } else { start };
                secrets.clear();
                secrets.push(first_rest.min(own)..start + at);
            } else if let Some(colon) = userinfo.find(':') {
                secrets.push(start + rest + colon + 1..start + at);
            }
        }
        has_secret &= may_be_one;
        if has_secret {
            extend(&mut secrets, start + hop.trim_end().len());
            start += hop.len() + 1;
            continue;
        }
        let mut option = hop.find('?').map_or(hop.len(), |query| query + 1);
        for pair in hop.get(option..).unwrap_or_default().split('&') {
            match pair.split_once('=') {
                Some((key, value)) if is_secret(key.trim()) => {
                    has_secret = true;
                    let from = start + option + key.len() + 1;
                    let value = from..from + value.trim_end().len();
                    match secrets.last_mut() {
                        Some(last) if last.end > value.start => last.end = last.end.max(value.end),
                        _ => secrets.push(value),
                    }
                }
                Some((key, _)) if is_key(key) => {}
                // What is no option may be the rest of a secret.
                _ if has_secret => {
                    extend(&mut secrets, start + option + pair.trim_end().len());
                }
                _ => {}
            }
            option += pair.len() + 1;
        }
        start += hop.len() + 1;
    }
    secrets
}

/// Extends the last range to this end.
fn extend(secrets: &mut [Range<usize>], end: usize) {
    if let Some(last) = secrets.last_mut() {
        last.end = last.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_hidden_also_in_a_text_that_is_not_valid() {
        for (text, shown) in [
            ("tcp:a:1 | socks5:b:2", "tcp:a:1 | socks5:b:2"),
            ("tcp:p:1 | socks5:me:secret@b:2 | tls", "tcp:p:1 | socks5:me:***@b:2 | tls"),
            ("socks5:me@b:2", "socks5:me@b:2"),
            ("socks5:me:@b:2", "socks5:me:***@b:2"),
            ("unix:@name", "unix:@name"),
            ("x:a?password=secret&b=c", "x:a?password=***&b=c"),
            ("x:a?b=c&token=secret | tls", "x:a?b=c&token=*** | tls"),
            ("socks5:me:sec|ret@b:2", "socks5:***@b:2"),
            ("tcp:p:1 | socks5:me:sec|ret@b:2 | tls", "tcp:***@b:2 | tls"),
            ("socks5:me:sec?ret@b:2", "socks5:***@b:2"),
            ("socks5:me:sec@ret@b:2", "socks5:***@b:2"),
            ("secret@b:2", "***@b:2"),
            ("x:a?password=sec@ret&b=c", "x:***&b=c"),
            ("tcp:p:1|socks5:me@b:2", "tcp:***@b:2"),
            ("socks5:me:sec|x:ret@b:2", "socks5:***@b:2"),
            ("socks5:me:sec|x:y:ret@b:2 | tls", "socks5:***@b:2 | tls"),
            ("tcp:p:1 |socks5:me@b:2", "tcp:***@b:2"),
            ("tcp:p:1| socks5:me@b:2", "tcp:***@b:2"),
            ("tcp:p:1 | socks5:me@b:2", "tcp:p:1 | socks5:me@b:2"),
            ("tcp:p:1|tls", "tcp:p:1|tls"),
            ("x:a?password=sec|ret | tls", "x:a?password=*** | tls"),
            ("x:a?password=sec|r|et?a=b", "x:a?password=***"),
            ("x:a?password=sec|ret:a@b | tls", "x:*** | tls"),
            ("x:a?b=c&token=sec&ret&d=e", "x:a?b=c&token=***&d=e"),
            ("x:a?token=sec&b=c | y:d", "x:a?token=***&b=c | y:d"),
            ("x:a?token=sec&b=c|y:d", "x:a?token=***"),
            ("x:a?token=sec |y:d", "x:a?token=***"),
            ("x:a?token=sec&R=et", "x:a?token=***"),
            ("x:a?token=sec&r=et&et&b=c", "x:a?token=***&b=c"),
            ("x:a?R=b&et", "x:a?R=b&et"),
            ("x:a?token=sec | y:d|z:e", "x:a?token=*** | y:d|z:e"),
            ("a\u{7}b\u{202e}", "a\u{fffd}b\u{fffd}"),
        ] {
            assert_eq!(Shown::new(text).text(), shown);
        }
    }

    #[test]
    fn a_place_moves_with_what_is_hidden_before_it() {
        let text = "a:u:secret@b:2 | cd:x";
        let shown = Shown::new(text);
        let place = |part: &str| {
            let at = text.find(part).unwrap();
            &shown.text()[shown.place(&(at..at + part.len()))]
        };
        assert_eq!(place("cd"), "cd");
        assert_eq!(place("secret"), "***");
        assert_eq!(place("cre"), "***");
        assert_eq!(place("u:secret@b"), "u:***@b");
        assert_eq!(shown.place(&(text.len()..text.len())), 18..18);
    }
}
