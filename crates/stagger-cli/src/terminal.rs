//! What the terminal can show: its size, colours, and characters beyond ASCII.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use crate::args::ColorWhen;
use crate::picture::Look;

/// The width if the output is not a terminal or does not report it: 80 columns.
const WIDTH: usize = 80;

/// The height of a terminal that does not report it: 24 lines.
const HEIGHT: usize = 24;

/// The greatest width that is used, in columns: a wider picture is not better.
const MAX_WIDTH: usize = 400;

/// The properties of standard output that a picture needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    pub(crate) look: Look,
    /// In lines.
    pub(crate) height: usize,
    /// The cursor can be moved.
    pub(crate) moves: bool,
}

impl Terminal {
    /// Standard output of the process, now.
    pub(crate) fn of_process(color: ColorWhen) -> Self {
        let out = io::stdout();
        let size = terminal_size::terminal_size_of(&out);
        let size = size.map(|(width, height)| (width.0.into(), height.0.into()));
        Self::of(color, out.is_terminal(), size, |name| std::env::var_os(name))
    }

    /// The properties of an output, with these environment variables. An empty variable counts as
    /// not set.
    fn of(
        color: ColorWhen,
        is_terminal: bool,
        size: Option<(usize, usize)>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let dumb = match variable("TERM") {
            Some(term) => term == "dumb",
            // Windows has no such variable. Its old console does not take escape sequences by
            // default. Windows Terminal does, and sets this variable.
            None => !cfg!(windows) || variable("WT_SESSION").is_none(),
        };
        let moves = is_terminal && !dumb;
        let color = match color {
            // <https://no-color.org>
            ColorWhen::Auto => moves && variable("NO_COLOR").is_none(),
            ColorWhen::Always => true,
            ColorWhen::Never => false,
        };
        // A terminal on a serial line reports no columns, and a variable can be 0. Both mean
        // unknown.
        let columns = || variable("COLUMNS")?.to_str()?.parse().ok().filter(|width| *width > 0);
        let size = size.filter(|(width, height)| is_terminal && *width > 0 && *height > 0);
        let width = size.map(|(width, _)| width).or_else(columns).unwrap_or(WIDTH);
        let height = size.map_or(HEIGHT, |(_, height)| height);
        // The first variable that is set decides (POSIX, environment variables §8.2).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let unicode = locale.map_or(cfg!(windows), |locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let look = Look { width: width.clamp(1, MAX_WIDTH), color, unicode };
        Self { look, height, moves }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(color: ColorWhen, is_terminal: bool, variables: &[(&str, &str)]) -> Terminal {
        Terminal::of(color, is_terminal, Some((120, 50)), |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn colours_are_for_terminals_unless_told_otherwise() {
        let term = ("TERM", "xterm");
        for (when, is_terminal, variables, color) in [
            (ColorWhen::Auto, true, &[term][..], true),
            (ColorWhen::Auto, false, &[term], false),
            (ColorWhen::Auto, true, &[term, ("NO_COLOR", "1")], false),
            (ColorWhen::Auto, true, &[term, ("NO_COLOR", "")], true),
            (ColorWhen::Auto, true, &[("TERM", "dumb")], false),
            (ColorWhen::Always, false, &[term, ("NO_COLOR", "1")], true),
            (ColorWhen::Never, true, &[term], false),
        ] {
            let found = of(when, is_terminal, variables).look.color;
            assert_eq!(found, color, "{when:?} {is_terminal} {variables:?}");
        }
    }

    #[test]
    fn the_cursor_moves_on_terminals_that_are_not_dumb() {
        assert!(of(ColorWhen::Never, true, &[("TERM", "xterm"), ("NO_COLOR", "1")]).moves);
        assert!(!of(ColorWhen::Always, false, &[("TERM", "xterm")]).moves);
        assert!(!of(ColorWhen::Always, true, &[("TERM", "dumb")]).moves);
    }

    #[test]
    fn the_size_is_the_terminals_or_the_variables_or_80() {
        let auto = ColorWhen::Auto;
        let columns = ("COLUMNS", "132");
        assert_eq!(of(auto, true, &[columns]).look.width, 120);
        assert_eq!(of(auto, true, &[]).height, 50);
        assert_eq!(of(auto, false, &[columns]).look.width, 132);
        assert_eq!(of(auto, false, &[]).look.width, 80);
        assert_eq!(of(auto, false, &[("COLUMNS", "wide")]).look.width, 80);
        assert_eq!(of(auto, false, &[("COLUMNS", "99999999")]).look.width, 400);
        assert_eq!(of(auto, false, &[("COLUMNS", "1")]).look.width, 1);
        assert_eq!(of(auto, false, &[("COLUMNS", "0")]).look.width, 80);
        let silent = Terminal::of(auto, true, Some((0, 0)), |_| None);
        assert_eq!((silent.look.width, silent.height), (80, 24));
    }

    #[test]
    #[cfg(not(windows))]
    fn characters_beyond_ascii_are_for_locales_that_have_them() {
        for (variables, unicode) in [
            (&[][..], false),
            (&[("LANG", "C.UTF-8")], true),
            (&[("LANG", "de_DE.utf8")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], true),
        ] {
            assert_eq!(of(ColorWhen::Auto, true, variables).look.unicode, unicode, "{variables:?}");
        }
    }
}
