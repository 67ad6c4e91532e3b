//! The process's own standard input and output, as bytes and past the buffers of `std`.

use std::io::{self, Read};

pub(super) use self::system::{Output, close_output, output_is_unread};

/// Standard input. Its end stays its end: a terminal's is told once, and whoever reads on there
/// waits for what is typed next. Who reads for others ([`blocking::Unblock`]) does read on, unless
/// the end is all that it reads.
#[derive(Default)]
pub(crate) struct Input {
    ended: bool,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = system::read_input(buffer)?;
        self.ended = count == 0;
        Ok(count)
    }
}

/// Whether standard input is a terminal.
pub(crate) fn input_is_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stdin())
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::future;
    use std::io::{self, Write};
    use std::os::fd::BorrowedFd;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::{Errno, read, write};
    use rustix::stdio::{dup2_stdout, stdin, stdout};
    use socket2::SockRef;

    pub(super) fn read_input(buffer: &mut [u8]) -> io::Result<usize> {
        Ok(patiently(stdin(), PollFlags::IN, || read(stdin(), &mut *buffer))?)
    }

    pub(in super::super) struct Output;

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(patiently(stdout(), PollFlags::OUT, || write(stdout(), bytes))?)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Closes standard output, so that who reads it sees the end.
    pub(in super::super) fn close_output() -> io::Result<()> {
        // Opened first, for without it the number would go to the next file that is opened.
        let nowhere = File::options().write(true).open("/dev/null")?;
        // Where a socket is standard input too, closing one of the two would end nothing. What is
        // no socket refuses.
        let _ = SockRef::from(&stdout()).shutdown(std::net::Shutdown::Write);
        Ok(dup2_stdout(nowhere)?)
    }

    /// Ready when nobody reads standard output any more, and never where that can't be known.
    pub(in super::super) async fn output_is_unread() {
        let gone = PollFlags::ERR | PollFlags::HUP;
        // These two are told of unasked.
        let awaited = blocking::unblock(|| wait(stdout(), PollFlags::empty()));
        match awaited.await {
            Ok(seen) if seen.intersects(gone) => {}
            _ => future::pending().await,
        }
    }

    /// Repeats a call that a signal broke off, or, where someone else set the open file to be
    /// non-blocking for all who share it, that found nothing to do yet.
    fn patiently(
        fd: BorrowedFd<'_>,
        ready: PollFlags,
        mut call: impl FnMut() -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        loop {
            match call() {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => drop(wait(fd, ready)?),
                done => return done,
            }
        }
    }

    /// Waits, and says what for.
    fn wait(fd: BorrowedFd<'_>, awaited: PollFlags) -> Result<PollFlags, Errno> {
        let mut polled = [PollFd::from_borrowed_fd(fd, awaited)];
        loop {
            match poll(&mut polled, None) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(polled[0].revents()),
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::future;
    use std::io::{self, Read, Write};

    pub(super) fn read_input(buffer: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(buffer)
    }

    pub(in super::super) struct Output;

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            io::stdout().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            io::stdout().flush()
        }
    }

    /// It stays open here until the process ends: `std` can't close it.
    pub(in super::super) fn close_output() -> io::Result<()> {
        Ok(())
    }

    /// Never ready: `std` can't tell.
    pub(in super::super) async fn output_is_unread() {
        future::pending().await
    }
}
