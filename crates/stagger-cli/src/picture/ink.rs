//! The few colours, named by their meaning.

use anstyle::{AnsiColor, Style};

/// The meaning of a part of the picture. Its shape or its words also show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Words and numbers.
    Plain,
    /// The axis, and everything that did not affect the outcome.
    Faint,
    /// A query, or an attempt that is still running.
    Open,
    /// Addresses that wait, or a missing answer.
    Wait,
    Won,
    Failed,
}

impl Ink {
    /// One of the sixteen colours whose shades the terminal adapts to its background.
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
