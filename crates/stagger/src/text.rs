//! Texts that a person reads: durations, ranges, causes, and text from outside.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Prints a duration as a person writes it: `0 s`, `250 ms`, `2.001 s`, `1 day`.
///
/// Nothing is rounded unless there is a precision.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The unit in seconds, its name, and the number of seconds from which it is used.
        const LONG: [(u64, &str, u64); 3] =
            [(86400, "day", 86400), (3600, "h", 3600), (60, "min", 600)];

        let (secs, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let is_whole =
            |&&(unit, _, from): &&(u64, &str, u64)| nanos == 0 && secs >= from && secs % unit == 0;
        if let Some((unit, name, _)) = LONG.iter().find(is_whole) {
            let count = secs / unit;
            let plural = if *name == "day" && count > 1 { "s" } else { "" };
            return write!(f, "{count} {name}{plural}");
        }
        if self.0.is_zero() {
            return f.write_str("0 s");
        }
        let text = match f.precision() {
            Some(precision) => format!("{:.precision$?}", self.0),
            None => format!("{:?}", self.0),
        };
        let number = text.trim_end_matches(|c: char| c.is_alphabetic());
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        f.write_str(whole)?;
        match fraction.trim_end_matches('0') {
            "" => {}
            digits => write!(f, ".{digits}")?,
        }
        write!(f, " {}", &text[number.len()..])
    }
}

/// A value of a setting that has a range.
pub trait Ranged: PartialOrd {
    /// The value as a person writes it.
    fn shown(&self) -> String;
}

impl Ranged for Duration {
    fn shown(&self) -> String {
        Span(*self).to_string()
    }
}

macro_rules! ranged {
    ($($number:ty),+) => {$(
        impl Ranged for $number {
            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

ranged!(u8, u16, u32, u64, usize);

/// What is wrong with a value outside its range, as in `5 ms is not within 10 ms to 2 s`.
///
/// # Errors
///
/// That text.
pub fn within<V: Ranged>(value: &V, range: &RangeInclusive<V>) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    let [value, start, end] = [value, range.start(), range.end()].map(V::shown);
    Err(format!("{value} is not within {start} to {end}"))
}

/// Prints text from outside on one line, with control and invisible characters escaped. It does not
/// escape quotes and backslashes, because such text often has quotes already.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' | '\'' | '\\' => f.write_char(character)?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        Ok(())
    }
}

/// Prints an error and its sources on one line, outermost first, each escaped.
///
/// A source is left out if the line already contains its text, because some errors print their
/// sources.
#[derive(Clone, Copy, Debug)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&with_causes(self.0)).fmt(f)
    }
}

/// The text of [`WithCauses`] before it is escaped, for an output that escapes in its own way.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !has_words(&line, &cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// Whether the line contains this text as whole words.
pub fn has_words(line: &str, text: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let begins_in_word = is_word(text.chars().next());
    let ends_in_word = is_word(text.chars().next_back());
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        !(begins_in_word && is_word(before) || ends_in_word && is_word(after))
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_duration_prints_as_a_person_writes_it() {
        for (duration, text) in [
            (Duration::ZERO, "0 s"),
            (Duration::from_nanos(5), "5 ns"),
            (Duration::from_micros(999), "999 µs"),
            (Duration::from_micros(1500), "1.5 ms"),
            (Duration::from_millis(250), "250 ms"),
            (Duration::from_millis(2001), "2.001 s"),
            (Duration::from_secs(30), "30 s"),
            (Duration::from_secs(60), "60 s"),
            (Duration::from_secs(601), "601 s"),
            (Duration::from_secs(900), "15 min"),
            (Duration::from_secs(3600), "1 h"),
            (Duration::from_secs(86400), "1 day"),
            (Duration::from_secs(172_800), "2 days"),
            (Duration::MAX, "18446744073709551615.999999999 s"),
        ] {
            assert_eq!(Span(duration).to_string(), text);
        }
        assert_eq!(format!("{:.1}", Span(Duration::from_micros(800_040))), "800 ms");
        assert_eq!(format!("{:.1}", Span(Duration::from_micros(1_250))), "1.2 ms");
    }

    #[test]
    fn a_value_is_within_its_range_or_the_text_says_both() {
        let range = Duration::ZERO..=Duration::from_secs(2);
        let late = Duration::from_millis(2001);
        assert_eq!(within(&late, &range), Err("2.001 s is not within 0 s to 2 s".to_owned()));
        assert!(within(range.start(), &range).is_ok() && within(range.end(), &range).is_ok());
        assert_eq!(within(&0, &(1..=4096_usize)), Err("0 is not within 1 to 4096".to_owned()));
    }

    #[test]
    fn text_from_outside_stays_on_one_line_and_keeps_its_quotes() {
        let text = "a\x1b[31m\u{202e}\n\"it's\" é\\";
        assert_eq!(Escaped(text).to_string(), "a\\u{1b}[31m\\u{202e}\\n\"it's\" é\\");
        let error = io::Error::other("two\nlines");
        assert_eq!(WithCauses(&error).to_string(), "two\\nlines");
    }

    #[test]
    fn a_text_counts_as_printed_only_where_it_stands_as_words_of_its_own() {
        for (line, text, has) in [
            ("no port: no file", "no file", true),
            ("outer (inner, 2 tries)", "inner", true),
            ("10 tries", "0", false),
            ("unrefused", "refused", false),
            ("refused: unrefused", "refused", true),
            ("x: (a)", "(a)", true),
        ] {
            assert_eq!(has_words(line, text), has, "{line:?}, {text:?}");
        }
    }
}
