//! How the one line of an error is put together.

use std::error::Error;
use std::fmt;

/// How many failures the one-line form names before it only counts the rest.
const NAMED: usize = 4;

/// Prints an error and its causes on one line, down to the last cause. A cause whose text has been
/// printed already is left out, because many errors print their source too.
pub(crate) struct WithCauses<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.0.to_string();
        for cause in std::iter::successors(self.0.source(), |&cause| cause.source()) {
            let cause = cause.to_string();
            if !line.contains(&cause) {
                line = format!("{line}: {cause}");
            }
        }
        f.write_str(&line)
    }
}

/// Writes the first few of `items`, and the number of the rest.
pub(super) fn list<S: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[S]) -> fmt::Result {
    for (n, item) in items.iter().take(NAMED).enumerate() {
        let separator = if n == 0 { "" } else { ", " };
        write!(f, "{separator}{item}")?;
    }
    match items.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
