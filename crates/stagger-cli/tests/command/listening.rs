//! A command that listens, and its output line by line.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::run::{interruptible, run};

/// A command that listens. Dropping it kills the process.
pub(crate) struct Listening {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Listening {
    /// Starts the command with these words.
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::start_by(&mut interruptible(), words)
    }

    /// Starts it through another command, such as one that enters a namespace first.
    pub(crate) fn start_by(command: &mut Command, words: &[&str]) -> Self {
        command.args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("it says something").unwrap()
    }

    /// The address in its next line.
    #[track_caller]
    pub(crate) fn addr(&mut self) -> SocketAddr {
        let line = self.line();
        let addr = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        addr.parse().unwrap()
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn interrupt(mut self) {
        let script = format!("kill -2 {}", self.child.id());
        assert_eq!(run(Command::new("sh").args(["-c", &script])).code, Some(0));
        assert_eq!(self.child.wait().unwrap().signal(), Some(2));
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A failed test must not leave a process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
