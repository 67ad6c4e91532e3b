//! Standard input and output of the process, as bytes and without the buffers of `std`.

use std::io::{self, Read};

pub(crate) use self::system::{Output, close_output, output_is_unread};

/// Standard input. After its end it returns the end again. A terminal reports its end only once,
/// and another read there waits for the next line. [`blocking::Unblock`] does read once more.
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

    pub(crate) struct Output;

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(patiently(stdout(), PollFlags::OUT, || write(stdout(), bytes))?)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Closes standard output, so that its reader sees the end.
    pub(crate) fn close_output() -> io::Result<()> {
        // The descriptor is replaced: if it were closed, the next file would get its number.
        let nowhere = File::options().write(true).open("/dev/null")?;
        // A socket may be standard input too, and closing one of the two descriptors ends nothing.
        // The call fails for anything but a socket.
        let _ = SockRef::from(&stdout()).shutdown(std::net::Shutdown::Write);
        Ok(dup2_stdout(nowhere)?)
    }

    /// Waits until nobody reads standard output any more; for ever where the system cannot tell.
    pub(crate) async fn output_is_unread() {
        let gone = PollFlags::ERR | PollFlags::HUP;
        // `poll` always reports these two.
        let awaited = blocking::unblock(|| wait(stdout(), PollFlags::empty()));
        match awaited.await {
            Ok(seen) if seen.intersects(gone) => {}
            _ => future::pending().await,
        }
    }

    /// Repeats a call that a signal interrupted. Another process may have made the shared open file
    /// non-blocking: then it waits until the call can succeed.
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

    /// Waits for events, and returns those that happened.
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

    pub(crate) struct Output;

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            io::stdout().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            io::stdout().flush()
        }
    }

    /// Does nothing: `std` cannot close it, so it stays open until the process ends.
    pub(crate) fn close_output() -> io::Result<()> {
        Ok(())
    }

    /// Waits for ever: `std` cannot tell.
    pub(crate) async fn output_is_unread() {
        future::pending().await
    }
}
