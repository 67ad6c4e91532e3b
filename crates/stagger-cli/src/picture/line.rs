//! A line of text whose parts have colours.

use super::ink::Ink;

/// A line of parts. Every character is one column wide: text from outside is ASCII or escaped,
/// except for letters that an error quotes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    parts: Vec<(Ink, String)>,
    width: usize,
}

impl Line {
    /// Adds a text at the end.
    pub(crate) fn push(&mut self, ink: Ink, text: &str) {
        self.width += text.chars().count();
        match self.parts.last_mut() {
            Some((last, part)) if *last == ink => part.push_str(text),
            _ => self.parts.push((ink, text.to_owned())),
        }
    }

    /// Adds a text that ends at this column, or later if there is no room before it.
    pub(crate) fn push_right(&mut self, ink: Ink, text: &str, column: usize) {
        self.fill(column.saturating_sub(text.chars().count()));
        self.push(ink, text);
    }

    /// Adds spaces up to this column.
    pub(crate) fn fill(&mut self, column: usize) {
        let spaces = column.saturating_sub(self.width);
        self.push(Ink::Plain, &" ".repeat(spaces));
    }

    /// The printed line without its end. It has no trailing spaces. With `color`, escape sequences
    /// surround the coloured parts.
    pub(crate) fn printed(&self, color: bool) -> String {
        let mut text = String::new();
        for (index, (ink, part)) in self.parts.iter().enumerate() {
            let last = self.parts[index + 1..].iter().all(|(_, part)| part.trim().is_empty());
            let part = if last { part.trim_end_matches(' ') } else { part };
            let style = ink.style();
            if color && !style.is_plain() && !part.trim().is_empty() {
                text.push_str(&format!("{style}{part}{style:#}"));
            } else {
                text.push_str(part);
            }
            if last {
                break;
            }
        }
        text
    }

    /// The line, cut to this width.
    pub(crate) fn clipped(mut self, width: usize) -> Self {
        let mut room = width;
        for (_, part) in &mut self.parts {
            if let Some((end, _)) = part.char_indices().nth(room) {
                part.truncate(end);
            }
            room -= part.chars().count();
        }
        self.width = self.width.min(width);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let mut line = Line::default();
        line.push(Ink::Plain, "ab");
        line.push(Ink::Failed, "x");
        line.push_right(Ink::Won, "9", 6);
        line.fill(10);
        line
    }

    #[test]
    fn without_colour_a_line_is_its_text_without_spaces_at_the_end() {
        assert_eq!(line().printed(false), "abx  9");
    }

    #[test]
    fn with_colour_it_is_the_same_text_between_escapes() {
        assert_eq!(line().printed(true), "ab\x1b[1m\x1b[31mx\x1b[0m  \x1b[1m\x1b[32m9\x1b[0m");
    }

    #[test]
    fn a_clipped_line_keeps_its_beginning_and_closes_its_colours() {
        assert_eq!(line().clipped(3).printed(true), "ab\x1b[1m\x1b[31mx\x1b[0m");
        assert_eq!(line().clipped(0).printed(true), "");
        assert_eq!(line().clipped(100).printed(false), "abx  9");
    }
}
