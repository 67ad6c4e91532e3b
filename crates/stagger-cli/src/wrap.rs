//! Breaks text into lines.

use crate::escape::printable;

/// The greatest width of a paragraph, in columns: longer lines are hard to read.
const MAX_WIDTH: usize = 80;

/// A paragraph for a terminal of this width, escaped.
pub(crate) fn paragraph(text: &str, width: usize) -> String {
    let mut lines = wrap(&printable(text), width.min(MAX_WIDTH));
    lines.push(String::new());
    lines.join("\n")
}

/// Breaks a text into lines of at most `width` characters: at spaces, and within words that are
/// longer than a line. A width of 0 is 1.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used == width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("no route to the host", 11), ["no route to", "the host"]);
        assert_eq!(wrap("", 11), [""]);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let lines = wrap(&format!("short {}", "x".repeat(50)), 20);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.chars().count() <= 20));
        assert_eq!(wrap("xyz", 0), ["x", "y", "z"]);
    }

    #[test]
    fn a_paragraph_is_no_wider_than_the_terminal_or_than_is_good_to_read() {
        let text = "word ".repeat(60);
        for (width, most) in [(40, 40), (80, 80), (200, 80)] {
            let text = paragraph(&text, width);
            assert!(text.lines().all(|line| line.len() <= most), "{text}");
        }
    }
}
