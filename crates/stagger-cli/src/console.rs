//! Where the output goes, and the code with which the process ends.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::escape::printable;

/// How the command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Connected, resolved, or shown.
    Success,
    /// Not connected, or no address found.
    Failure,
    /// The command line can't work, whatever the network says.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
        })
    }
}

/// Standard output and standard error. A reader that goes away (`stagger … | head -1`) is no
/// failure: the rest is not written, and the exit code stays.
pub(crate) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    failed: Option<io::Error>,
}

impl Console {
    /// The process's own.
    pub(crate) fn of_process() -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    fn new(out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self { out, err, failed: None }
    }

    /// Writes text to standard output, as it is.
    pub(crate) fn print(&mut self, text: &str) {
        if self.failed.is_none() {
            let written = self.out.write_all(text.as_bytes());
            self.failed = written.and_then(|()| self.out.flush()).err();
        }
    }

    /// Writes one line to standard error.
    pub(crate) fn error(&mut self, message: &str) {
        self.complain(&format!("error: {message}\n"));
    }

    /// Writes text to standard error, with control characters but line ends escaped.
    pub(crate) fn complain(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            // Where standard error is gone there is nobody left to tell.
            let _ = write!(self.err, "{}{end}", printable(line));
        }
    }

    /// The code to end with: a failure if output was lost for a reason other than that nobody
    /// wanted it.
    pub(crate) fn end(mut self, exit: Exit) -> Exit {
        match self.failed.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.error(&format!("cannot write the output: {error}"));
                Exit::Failure
            }
            _ => exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn end_after(kind: io::ErrorKind) -> Exit {
        let mut console = Console::new(Box::new(Broken(kind)), Box::new(io::sink()));
        console.print("text");
        console.print("text");
        console.end(Exit::Success)
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert_eq!(end_after(io::ErrorKind::BrokenPipe), Exit::Success);
    }

    #[test]
    fn output_that_is_lost_is_a_failure() {
        assert_eq!(end_after(io::ErrorKind::StorageFull), Exit::Failure);
    }
}
