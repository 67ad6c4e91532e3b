//! The end of a command's standard error.

use stagger::text::Escaped;

/// How much of it is kept: 4 KiB. The number is ours.
const KEPT: usize = 4096;

/// The longest text in an error: 480 characters. The number is ours.
const SHOWN: usize = 480;

#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let excess = self.0.len().saturating_sub(KEPT);
        self.0.drain(..excess);
    }

    /// The kept bytes, as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// The lines of a command on one line, escaped and shortened at the front.
pub(crate) fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = Escaped(&lines.collect::<Vec<_>>().join("; ")).to_string();
    let count = line.chars().count();
    if count <= SHOWN {
        return line;
    }
    let end: String = line.chars().skip(count - SHOWN).collect();
    format!("...{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_4_kib() {
        let mut tail = Tail::default();
        for _ in 0..3 {
            tail.push(&[b'a'; KEPT / 2]);
        }
        tail.push(b"end");
        assert_eq!(tail.0.len(), KEPT);
        assert!(tail.text().ends_with("aend"));
    }

    #[test]
    fn a_text_is_one_short_line() {
        assert_eq!(one_line("one\r\n\r\n two\x1b[0m\n"), "one; two\\u{1b}[0m");
        let long = one_line(&"x".repeat(5000));
        assert_eq!(long.len(), 3 + SHOWN);
        assert!(long.starts_with("...x"));
    }
}
