//! The few colours, by what they mean.

use anstyle::{AnsiColor, Style};

/// What a part of the picture means. Its shape or its words say so as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Words and numbers.
    Plain,
    /// The axis, and whatever had no part in the outcome.
    Faint,
    /// A question, or an attempt that is not over.
    Open,
    /// Addresses that wait, or an answer that did not come.
    Wait,
    Won,
    Failed,
}

impl Ink {
    /// Of the sixteen colours whose shades the terminal chooses for its own background.
    pub(crate) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Faint => Style::new().dimmed(),
            Self::Open => AnsiColor::Cyan.on_default(),
            Self::Wait => AnsiColor::Yellow.on_default(),
            Self::Won => AnsiColor::Green.on_default().bold(),
            Self::Failed => AnsiColor::Red.on_default().bold(),
        }
    }

    /// The name of its class in a style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Faint => "faint",
            Self::Open => "open",
            Self::Wait => "wait",
            Self::Won => "won",
            Self::Failed => "failed",
        }
    }
}
