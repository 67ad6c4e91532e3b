//! A running command: killed and reaped when it is dropped, with the end of its standard error.

use std::future::{Future as _, poll_fn};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::pin::Pin;
use std::process::{Child, Command as StdCommand, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use blocking::{Task, unblock};
use futures_lite::future::block_on;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use stagger_net::reactor::Interest;

use crate::runtime::Local;

use super::tail::Tail;
use super::{Command, CommandError};

/// Reads of standard error in one poll: at most 16 times 4 KiB. The number is ours.
const READS: usize = 16;

/// Reads after the end of the process: at most 1024 times 4 KiB, which is more than a socket holds.
/// A process that it left behind may still write. The number is ours.
const LAST_READS: usize = 1024;

/// How deep a shell is in other shells. With its standard input from a socket, bash reads
/// `~/.bashrc` at level 1, because it takes itself for a child of rshd(8). The output of that file
/// would become a part of the connection. From 1 here the shell counts to 2. OpenSSH has pipes, for
/// which bash reads no file.
const SHELL_LEVEL: &str = "SHLVL";

/// A child in a process group of its own. Dropping it kills the group and reaps the child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Option<Child>,
    waiting: Option<Task<()>>,
    status: Option<ExitStatus>,
}

/// A process, and our end of its standard error.
pub(crate) struct Spawned {
    pub(crate) process: Process,
    pub(crate) stderr: UnixStream,
}

impl Command {
    /// Starts the command. It takes about a millisecond, so call it off the runtime's threads.
    pub(crate) fn spawn(&self, stdin: Stdio, stdout: Stdio) -> io::Result<Spawned> {
        let (stderr, theirs) = UnixStream::pair()?;
        stderr.set_nonblocking(true)?;
        let mut command = StdCommand::new(&self.program);
        command.args(&self.args).process_group(0).env(SHELL_LEVEL, "1");
        command.stdin(stdin).stdout(stdout).stderr(OwnedFd::from(theirs));
        let child = command.spawn()?;
        let process = Process { child: Some(child), waiting: None, status: None };
        Ok(Spawned { process, stderr })
    }

    /// Starts the command with one socket as its standard input and output. Returns our end, which
    /// is non-blocking.
    pub(crate) fn connect(&self) -> io::Result<(Spawned, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let stdin = OwnedFd::from(theirs.try_clone()?);
        Ok((self.spawn(stdin.into(), OwnedFd::from(theirs).into())?, ours))
    }
}

impl Process {
    /// The process id, as long as the process is not reaped.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Waits for the end of the process on another thread, and reaps it.
    pub(crate) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        if let Some(status) = self.status {
            return Poll::Ready(Ok(status));
        }
        let Some(pid) = self.pid() else {
            return Poll::Ready(Err(io::Error::other("the process was reaped before")));
        };
        // The thread leaves the zombie, so that the process id stays ours until we reap it.
        let waiting = self.waiting.get_or_insert_with(|| unblock(move || wait(pid)));
        ready!(Pin::new(waiting).poll(cx));
        self.waiting = None;
        let status = self.child.take().map(|mut child| child.wait()).transpose()?;
        self.status = status;
        Poll::Ready(status.ok_or_else(|| io::Error::other("the process was reaped before")))
    }

    /// Kills the group. Does nothing once the process is reaped.
    pub(crate) fn kill(&self) {
        if let Some(pid) = self.pid() {
            // It fails only if the whole group has ended.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Kills the group and reaps the process. It blocks for a moment.
    pub(crate) fn end(&mut self) {
        self.kill();
        if let Some(waiting) = self.waiting.take() {
            block_on(waiting);
        }
        if let Some(mut child) = self.child.take() {
            // A killed child can be reaped. There is nothing to do about a failure.
            let _ = child.wait();
        }
    }

    /// Reaps the process when it ends, and kills nothing.
    pub(crate) fn release(mut self) {
        if let Some(mut child) = self.child.take() {
            let waiting = self.waiting.take();
            let reap = move || {
                waiting.map(block_on);
                child.wait()
            };
            unblock(reap).detach();
        }
    }

    fn pid(&self) -> Option<Pid> {
        self.child.as_ref().map(Pid::from_child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_none() {
            return;
        }
        self.kill();
        let mut rest =
            Self { child: self.child.take(), waiting: self.waiting.take(), status: None };
        unblock(move || rest.end()).detach();
    }
}

/// Blocks until the process has ended, and leaves its zombie.
fn wait(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

/// The standard error of a process, read while a task polls.
pub(crate) struct Stderr {
    local: Option<Box<dyn Local>>,
    tail: Tail,
}

impl Stderr {
    pub(crate) fn new(local: Box<dyn Local>) -> Self {
        Self { local: Some(local), tail: Tail::default() }
    }

    /// Reads until it would block, so that the command does not. The task is woken when there is
    /// more.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) {
        if self.read(cx, READS) {
            cx.waker().wake_by_ref();
        }
    }

    /// Reads what an ended process has left.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        self.read(cx, LAST_READS);
    }

    /// Reads at most `reads` times. Returns whether there may be more at once.
    fn read(&mut self, cx: &mut Context<'_>, mut reads: usize) -> bool {
        let Self { local, tail } = self;
        let Some(stderr) = local else { return false };
        let mut buffer = [0; 4096];
        let mut read = |fd: BorrowedFd<'_>| {
            while reads > 0 {
                reads -= 1;
                match rustix::io::read(fd, &mut buffer)? {
                    0 => return Ok(0),
                    count => tail.push(&buffer[..count]),
                }
            }
            Ok(1)
        };
        match stderr.poll_io(Interest::Readable, cx, &mut read) {
            Poll::Ready(Ok(1..)) => true,
            Poll::Ready(Ok(0) | Err(_)) => {
                *local = None;
                false
            }
            Poll::Pending => false,
        }
    }

    /// The end of what was read.
    pub(crate) fn text(&self) -> String {
        self.tail.text()
    }
}

/// A process whose standard error is read while a task polls.
pub(crate) struct Running {
    name: String,
    /// A copy of our end of the connection, which is closed before the process is killed.
    socket: Option<UnixStream>,
    process: Process,
    stderr: Stderr,
    wakers: Arc<Wakers>,
}

/// The half of a stream that polls.
#[derive(Clone, Copy)]
pub(crate) enum Half {
    Read,
    #[cfg(any(feature = "futures", feature = "tokio"))]
    Write,
}

/// The tasks of both halves. A socket and a process have one waker each, and both halves wait for
/// them, so that waker wakes both tasks.
#[derive(Default)]
struct Wakers(Mutex<[Option<Waker>; 2]>);

impl Wakers {
    /// Adds the task of one half. Returns a waker for the tasks of both.
    fn with(self: &Arc<Self>, half: Half, cx: &Context<'_>) -> Waker {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wakers[half as usize] = Some(cx.waker().clone());
        self.clone().into()
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Running {
    pub(crate) fn new(command: &Command, process: Process, stderr: Box<dyn Local>) -> Self {
        let (name, stderr) = (command.to_string(), Stderr::new(stderr));
        Self { name, socket: None, process, stderr, wakers: Arc::default() }
    }

    /// Sets the connection that the command carries. If the command has only finished writing to
    /// it, [`poll_end`](Self::poll_end) does not wait for the end of the command.
    pub(crate) fn with_socket(mut self, socket: &UnixStream) -> io::Result<Self> {
        self.socket = Some(socket.try_clone()?);
        Ok(self)
    }

    /// Reads standard error, so that the command never waits for room in it.
    pub(crate) fn poll_stderr(&mut self, half: Half, cx: &mut Context<'_>) {
        let waker = self.wakers.with(half, cx);
        self.stderr.poll(&mut Context::from_waker(&waker));
    }

    /// Waits for the first byte of the connection, and leaves it unread. Returns whether it came.
    pub(crate) async fn has_greeted(&mut self, socket: &dyn Local) -> bool {
        let first = poll_fn(|cx| {
            self.poll_stderr(Half::Read, cx);
            socket.poll_io(Interest::Readable, cx, &mut peek)
        });
        matches!(first.await, Ok(1..))
    }

    /// Waits for the end of the command. A status other than 0 is a [`CommandError`]. It does not
    /// wait if the command has only shut down its connection, because it may wait for us.
    pub(crate) fn poll_end(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waker = self.wakers.with(half, cx);
        let cx = &mut Context::from_waker(&waker);
        self.stderr.poll(cx);
        if self.socket.as_ref().is_some_and(is_half_open) {
            return Poll::Ready(Ok(()));
        }
        let status = ready!(self.process.poll_wait(cx))?;
        self.stderr.finish(cx);
        if status.success() {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(CommandError::new(self.name.clone(), status, self.stderr()).into()))
    }

    /// Like [`poll_end`](Self::poll_end).
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_end(Half::Read, cx)).await
    }

    /// The end of standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }
}

/// Whether a process still has the other end of a socket, and we may write to it. The system hangs
/// a socket up when both directions have ended, and an ended process has closed its end.
///
/// macOS hangs up when one direction has ended, so a half-closed connection is not known there.
fn is_half_open(socket: &UnixStream) -> bool {
    let mut socket = [PollFd::new(socket, PollFlags::empty())];
    let polled = poll(&mut socket, Some(&Timespec::default()));
    polled.is_ok() && !socket[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Returns how many bytes can be read, at most one, and reads none.
fn peek(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let (count, _) = recv(fd, &mut [0_u8; 1][..], RecvFlags::PEEK)?;
    Ok(count)
}
