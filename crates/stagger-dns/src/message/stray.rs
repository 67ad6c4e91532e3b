//! Messages that do not belong to the question.

use std::fmt;

/// The reason why a message does not belong to the question (RFC 5452 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stray {
    /// It is not a reply, or its header is not complete.
    NoReply,
    /// It has another id.
    Id,
    /// It answers another question.
    Question,
    /// It does not repeat the question.
    NoQuestion,
}

/// The number of messages that did not belong to the question, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strays([u32; 4]);

impl Strays {
    pub(crate) fn add(&mut self, stray: Stray) {
        let count = &mut self.0[stray as usize];
        *count = count.saturating_add(1);
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Prints one line, such as "3 replies did not belong to the question: 2 had another id, 1 repeated
/// no question".
impl fmt::Display for Strays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replies = if self.count() == 1 { "reply" } else { "replies" };
        write!(f, "{} {replies} did not belong to the question: ", self.count())?;
        let reasons = [
            "could not be read",
            "had another id",
            "answered another question",
            "repeated no question",
        ];
        let counted = self.0.into_iter().zip(reasons).filter(|(count, _)| *count > 0);
        for (index, (count, reason)) in counted.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_are_counted_by_their_reason() {
        let mut strays = Strays::default();
        strays.add(Stray::NoQuestion);
        assert_eq!(
            strays.to_string(),
            "1 reply did not belong to the question: 1 repeated no question"
        );
        for stray in [Stray::Id, Stray::Id, Stray::Question, Stray::NoReply] {
            strays.add(stray);
        }
        assert_eq!(
            strays.to_string(),
            "5 replies did not belong to the question: 1 could not be read, 2 had another id, \
             1 answered another question, 1 repeated no question"
        );
    }
}
