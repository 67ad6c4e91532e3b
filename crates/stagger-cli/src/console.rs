//! Standard output, standard error, and the exit code.

use std::cell::RefCell;
use std::io::{self, Write};
use std::mem;
use std::process::ExitCode;
use std::rc::Rc;

use crate::escape::printable;
use crate::signal;

/// The result of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Connected, resolved, or shown.
    Success,
    /// A lookup or an attempt failed.
    Failure,
    /// The arguments are wrong on any network.
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

/// Standard output and standard error. When nobody reads the output any more (`stagger … | head
/// -1`), the process ends silently, as by SIGPIPE.
pub(crate) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    failed: Option<io::Error>,
}

impl Console {
    /// The output of the process.
    pub(crate) fn of_process() -> Self {
        Self::new(Box::new(WhileRead(io::stdout())), Box::new(io::stderr()))
    }

    pub(crate) fn new(out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self { out, err, failed: None }
    }

    /// Lends the console to a job that writes while it runs.
    pub(crate) fn lend(&mut self) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(mem::replace(self, Self::of_process())))
    }

    /// Takes the console back, with its errors.
    ///
    /// # Panics
    ///
    /// If the job still holds it.
    pub(crate) fn take_back(&mut self, lent: Rc<RefCell<Self>>) {
        *self = Rc::into_inner(lent).expect("nobody writes any more").into_inner();
    }

    /// Writes text to standard output, as it is.
    pub(crate) fn print(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Writes bytes to standard output, as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            let written = self.out.write_all(bytes);
            self.failed = written.and_then(|()| self.out.flush()).err();
        }
    }

    /// Whether output was lost. Then nothing more is written, and the [end](Self::end) reports the
    /// reason.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes one line to standard error.
    pub(crate) fn error(&mut self, message: &str) {
        self.complain(&format!("error: {message}\n"));
    }

    /// Writes a warning, of one line, to standard error.
    pub(crate) fn warn(&mut self, message: &str) {
        self.complain(&format!("warning: {message}\n"));
    }

    /// Writes text to standard error. Control characters are escaped, line ends are not.
    pub(crate) fn complain(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            // If standard error is closed, nobody can be told.
            let _ = write!(self.err, "{}{end}", printable(line));
        }
    }

    /// The exit code: a failure if output was lost.
    pub(crate) fn end(mut self, exit: Exit) -> Exit {
        match self.failed.take() {
            Some(error) => {
                self.error(&format!("cannot write the output: {error}"));
                Exit::Failure
            }
            None => exit,
        }
    }
}

/// An output that ends the process when nobody reads it any more.
struct WhileRead<W>(W);

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(end_if_unread)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(end_if_unread)
    }
}

fn end_if_unread(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        signal::end_unread();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_that_is_lost_is_a_failure() {
        let mut console = Console::new(Box::new(Full), Box::new(io::sink()));
        assert!(!console.has_failed());
        console.print("text");
        assert!(console.has_failed());
        console.print("text");
        assert_eq!(console.end(Exit::Success), Exit::Failure);
    }
}
