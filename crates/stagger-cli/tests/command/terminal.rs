//! The command on a pseudo-terminal, and a screen that shows its output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::Parser;

use crate::run::{RUNTIMES, command, listener, silent};

/// The command on its own terminal.
struct Run {
    child: Child,
    terminal: File,
    /// The output so far.
    written: Vec<u8>,
}

/// Enough for the output of a test.
const ROWS: u16 = 200;

impl Run {
    fn start(args: &[&str], columns: u16, variables: &[(&str, &str)]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let name = name.to_str().unwrap();
        let inside = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let child = command()
            .args(args)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::from(inside))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, terminal: File::from(terminal), written: Vec::new() }
    }

    /// Reads until this text has come, or until the terminal is closed. Returns whether the text
    /// came.
    fn read_until(&mut self, part: &str) -> bool {
        let mut buffer = [0; 4096];
        while !self.text().contains(part) {
            match self.terminal.read(&mut buffer) {
                Ok(0) => return false,
                Ok(read) => self.written.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // On Linux a closed pseudo-terminal is the error EIO.
                Err(_) => return false,
            }
        }
        true
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Reads to the end. Returns the output, the last screen, and the exit code.
    fn end(mut self, columns: u16) -> (String, Parser, Option<i32>) {
        assert!(!self.read_until("\0"), "no such thing is written");
        let mut parser = Parser::new(ROWS, columns, 0);
        parser.process(&self.written);
        (self.text(), parser, self.child.wait().unwrap().code())
    }
}

/// A text as a wide screen shows it.
fn plain(text: &str) -> String {
    let mut parser = Parser::new(ROWS, 400, 0);
    parser.process(text.as_bytes());
    parser.screen().contents()
}

#[test]
fn a_race_is_drawn_while_it_runs_and_the_final_picture_is_all_that_stays() {
    for (runtime, columns) in RUNTIMES.into_iter().zip([80, 120, 40]) {
        let (sockets, addr) = silent();
        let target = addr.to_string();
        let args = ["connect", &target, "--timeout", "100s", "--runtime", runtime];
        let mut run = Run::start(&args, columns, &[]);
        assert!(run.read_until(" running"), "{}", run.text());
        assert!(run.read_until("connecting for"), "{}", run.text());
        // The next packet of the handshake is refused.
        drop(sockets);
        let (text, parser, code) = run.end(columns);
        assert_eq!(code, Some(1), "{text}");
        let (_, last) = text.rsplit_once("\x1b[J").unwrap();
        assert!(last.contains(" failed"), "{text}");
        assert_eq!(parser.screen().contents(), plain(last), "{text:?}");
        // Below the picture, at the next prompt.
        let lines = u16::try_from(last.lines().count()).unwrap();
        assert_eq!(parser.screen().cursor_position(), (lines, 0));
        assert!(!parser.screen().hide_cursor());
    }
}

#[test]
#[cfg(feature = "tls")]
fn a_handshake_that_stalls_is_drawn_while_it_runs() {
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let target = addr.to_string();
        let words = ["connect", &target, "--tls", "--insecure", "--timeout", "100s"];
        let options = ["--color", "never", "--runtime", runtime];
        let mut run = Run::start(&[&words[..], &options].concat(), 80, &[]);
        assert!(run.read_until("▸ TLS"), "{}", run.text());
        assert!(run.text().contains("  ━ TCP  ═ TLS"), "{}", run.text());
        // The connection ends with the listener that never accepted it.
        drop(listener);
        let (text, parser, code) = run.end(80);
        assert_eq!(code, Some(1), "{text}");
        assert!(parser.screen().contents().contains("✗ failed"), "{text}");
    }
}

#[test]
fn a_terminal_has_colours_unless_they_are_not_wanted() {
    for (variables, options, color) in [
        (&[][..], &[][..], true),
        (&[("NO_COLOR", "1")], &[], false),
        (&[("NO_COLOR", "")], &[], true),
        (&[("TERM", "dumb")], &[], false),
        (&[], &["--color", "never"], false),
    ] {
        let (_listener, addr) = listener();
        let target = addr.to_string();
        let run = Run::start(&[&["connect", &target], options].concat(), 80, variables);
        let (text, parser, code) = run.end(80);
        assert_eq!(code, Some(0), "{text}");
        assert!(parser.screen().contents().contains("✓ won"), "{text}");
        assert_eq!(text.contains("\x1b[32m"), color, "{variables:?} {options:?} {text:?}");
    }
}

#[test]
fn nothing_moves_on_a_dumb_terminal_or_where_the_output_is_for_a_program() {
    for (variables, options) in
        [(&[("TERM", "dumb")][..], &[][..]), (&[], &["--json"]), (&[], &["--svg", "-"])]
    {
        let (_sockets, addr) = silent();
        let target = addr.to_string();
        let args = [&["connect", &target, "--timeout", "300ms"], options].concat();
        let (text, _, code) = Run::start(&args, 80, variables).end(80);
        assert_eq!(code, Some(1), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}

#[test]
fn the_demo_on_a_terminal_leaves_every_picture_whole() {
    let (text, parser, code) = Run::start(&["demo"], 80, &[]).end(80);
    assert_eq!(code, Some(0), "{text}");
    let all = parser.screen().contents();
    let (_, end) = all.rsplit_once("\nAll ").unwrap();
    let races = end.strip_suffix(" races went as they should.").unwrap();
    let axes = all.lines().filter(|line| line.ends_with(" end")).count();
    assert_eq!(axes.to_string(), races, "{all}");
    assert!(!all.contains("connecting for"), "{all}");
}
