//! Ctrl-C and SIGTERM: clean up, and then end by the signal.
//!
//! 1. While a future runs, the first signal drops the future. That closes its sockets and clears
//!    its picture from the terminal.
//! 2. Then the process ends by that signal, not by an exit. A shell sees status 128 plus the number
//!    of the signal, and leaves a loop over many connects. After an exit it would go on.
//! 3. A second signal ends the process at once. So does the first if no future runs.
//! 4. A signal that the process was started to ignore stays ignored.

use std::future::Future;
use std::io;

use futures_lite::future;

#[cfg(not(unix))]
use self::portable as system;
pub(crate) use self::system::Reactor;
#[cfg(unix)]
use self::unix as system;

/// Catches signals for as long as it is held.
pub(crate) struct Watch(system::Watch);

impl Watch {
    /// Starts to catch signals. Only one watch may exist at a time.
    ///
    /// # Errors
    ///
    /// The system does not let signals be caught.
    pub(crate) fn begin() -> io::Result<Self> {
        system::Watch::begin().map(Self)
    }

    /// The output of the future, or nothing if a signal came first. Then the future is dropped.
    pub(crate) async fn unless_signalled<F: Future>(
        &self,
        reactor: &impl Reactor,
        future: F,
    ) -> Option<F::Output> {
        let signalled = self.0.signalled(reactor);
        let signalled = async {
            signalled.await;
            None
        };
        future::or(async { Some(future.await) }, signalled).await
    }

    /// Returns the output. If a signal came, it ends the process instead, even after the output.
    pub(crate) fn end<T>(self, output: Option<T>) -> T {
        if let Some(signal) = self.0.end() {
            system::end_by(signal);
        }
        output.expect("nothing but a signal cuts a run short")
    }
}

/// Ends the process silently because nobody reads its output: by SIGPIPE where that signal exists.
/// Rust ignores SIGPIPE, so a write fails, and the writer calls this.
pub(crate) fn end_unread() -> ! {
    system::end_by(system::UNREAD)
}

#[cfg(unix)]
mod unix {
    use std::future::{Future, pending, poll_fn};
    use std::io::{self, Read as _};
    use std::os::unix::net::UnixStream;
    use std::process;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};
    use std::task::Context;

    use stagger_net::Register;
    use stagger_net::reactor::Interest;

    use signal_hook::consts::{SIGINT, SIGPIPE, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    /// Ctrl-C, and the signal of `kill`. Other signals keep their effect.
    const CAUGHT: [i32; 2] = [SIGINT, SIGTERM];

    pub(super) const UNREAD: i32 = SIGPIPE;

    /// A reactor that can wait for a signal.
    pub(crate) trait Reactor: Register<UnixStream> {}

    impl<R: Register<UnixStream>> Reactor for R {}

    /// Whether the next signal ends the process at once.
    static AT_ONCE: AtomicBool = AtomicBool::new(true);

    /// The signal that came and did not end the process; 0 for none.
    static CAME: AtomicUsize = AtomicUsize::new(0);

    pub(super) struct Watch {
        /// Has a byte when a signal has come, and ends when the watch ends.
        bell: UnixStream,
        ids: Vec<SigId>,
    }

    impl Watch {
        pub(super) fn begin() -> io::Result<Self> {
            let caught = handle()?;
            let (bell, ringer) = UnixStream::pair()?;
            bell.set_nonblocking(true)?;
            let mut watch = Self { bell, ids: Vec::new() };
            for signal in caught {
                watch.ids.push(low_level::pipe::register(signal, ringer.try_clone()?)?);
            }
            AT_ONCE.store(false, Ordering::SeqCst);
            Ok(watch)
        }

        /// Returns when a signal has come. It waits on the reactor of the runtime, because a
        /// thread cannot always be started. If the reactor fails, a signal ends the process at
        /// once.
        ///
        /// The reactor starts before the first poll of the future. So a reactor with a thread gets
        /// it before a lookup takes the last one.
        pub(super) fn signalled<R: Reactor>(&self, reactor: &R) -> impl Future<Output = ()> {
            let bell = self.bell.try_clone().and_then(|bell| reactor.register(bell));
            async move {
                // A byte, the end and an error all mean that the wait is over.
                if let Ok(bell) = bell {
                    let ring = |cx: &mut Context<'_>| {
                        let read = || (&self.bell).read(&mut [0]);
                        reactor.poll_io(&bell, Interest::Readable, cx, read)
                    };
                    let _ = poll_fn(ring).await;
                    return;
                }
                AT_ONCE.store(true, Ordering::SeqCst);
                if CAME.load(Ordering::SeqCst) == 0 {
                    pending::<()>().await;
                }
            }
        }

        /// The signal that came, if one did.
        pub(super) fn end(self) -> Option<i32> {
            // From here on a signal ends the process itself, so no signal is lost.
            drop(self);
            match CAME.load(Ordering::SeqCst) {
                0 => None,
                signal => i32::try_from(signal).ok(),
            }
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            AT_ONCE.store(true, Ordering::SeqCst);
            for id in self.ids.drain(..) {
                low_level::unregister(id);
            }
        }
    }

    /// Installs the handlers that every watch shares, once, and returns their signals. The
    /// handlers stay: a signal whose last handler is removed would be ignored.
    fn handle() -> io::Result<Vec<i32>> {
        static HANDLED: Mutex<Option<Vec<i32>>> = Mutex::new(None);
        let mut handled = HANDLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caught) = &*handled {
            return Ok(caught.clone());
        }
        let ignored = ignored();
        let caught = CAUGHT.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let caught: Vec<_> = caught.collect();
        for &signal in &caught {
            // They run in this order: the first signal prepares the end by the second.
            flag::register_conditional_default(signal, &AT_ONCE)?;
            flag::register(signal, &AT_ONCE)?;
            flag::register_usize(signal, &CAME, signal.unsigned_abs() as usize)?;
        }
        Ok(handled.insert(caught).clone())
    }

    /// The signals that the process ignores: a bit each, from signal 1 on (`SigIgn`,
    /// proc_pid_status(5)). A shell without job control starts background commands with Ctrl-C
    /// ignored (POSIX, shell command language §2.11). A handler would undo that.
    #[cfg(target_os = "linux")]
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    /// None are known: asking the system needs an `unsafe` call.
    #[cfg(not(target_os = "linux"))]
    fn ignored() -> u64 {
        0
    }

    pub(super) fn end_by(signal: i32) -> ! {
        // It returns only for signals that do not end a process.
        let _ = low_level::emulate_default_handler(signal);
        process::exit(128 + signal)
    }
}

#[cfg(not(unix))]
mod portable {
    use std::{future, io, process};

    /// A reactor. No signal comes here.
    pub(crate) trait Reactor {}

    impl<R> Reactor for R {}

    /// The number of SIGPIPE on other systems.
    pub(super) const UNREAD: i32 = 13;

    /// Catches nothing: the system ends the process, and closes its sockets.
    pub(super) struct Watch;

    impl Watch {
        pub(super) fn begin() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn signalled(&self, _: &impl Reactor) {
            future::pending().await
        }

        pub(super) fn end(self) -> Option<i32> {
            None
        }
    }

    pub(super) fn end_by(signal: i32) -> ! {
        process::exit(128 + signal)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::env;
    use std::future::pending;
    use std::io::Write as _;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::raise;

    use super::*;

    /// Set in the process that ends by a signal, to the name of its test.
    const MARK: &str = "STAGGER_TEST_ENDS_BY";

    struct Told;

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = io::stdout().write_all(b"dropped\n");
        }
    }

    /// It has its own thread, so any executor works.
    fn reactor() -> stagger_smol::Reactor {
        stagger_smol::Reactor
    }

    /// Runs until the first signal, and prints that it lives.
    fn interrupted() -> Watch {
        let watch = Watch::begin().unwrap();
        let output = future::block_on(watch.unless_signalled(&reactor(), async {
            let _told = Told;
            raise(SIGINT).unwrap();
            pending::<()>().await;
        }));
        assert!(output.is_none());
        let _ = io::stdout().write_all(b"alive\n");
        watch
    }

    /// Runs a test in its own process. Returns the signal that ended it, and its output.
    fn ended(name: &str) -> (Option<i32>, String) {
        let exe = env::current_exe().unwrap();
        let mut command = Command::new(&exe);
        // The tests may run with signals ignored, as in the background of a script.
        if cfg!(target_os = "linux") {
            command = Command::new("env");
            command.arg("--default-signal=INT,TERM").arg(&exe);
        }
        command.args(["--exact", &format!("signal::tests::{name}"), "--nocapture"]);
        let output = command.env(MARK, name).output().unwrap();
        (output.status.signal(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn the_first_signal_drops_what_runs_and_is_then_what_the_process_ends_by() {
        if env::var_os(MARK).is_some() {
            return interrupted().end(None);
        }
        let (signal, said) =
            ended("the_first_signal_drops_what_runs_and_is_then_what_the_process_ends_by");
        assert_eq!(signal, Some(SIGINT), "{said}");
        assert!(said.ends_with("dropped\nalive\n"), "{said}");
    }

    #[test]
    fn the_second_signal_ends_the_process_at_once() {
        if env::var_os(MARK).is_some() {
            let _watch = interrupted();
            raise(SIGTERM).unwrap();
            unreachable!("the second signal ends it");
        }
        let (signal, said) = ended("the_second_signal_ends_the_process_at_once");
        assert_eq!(signal, Some(SIGTERM), "{said}");
        assert!(said.ends_with("dropped\nalive\n"), "{said}");
    }

    #[test]
    fn a_signal_that_comes_after_the_result_still_ends_the_process() {
        if env::var_os(MARK).is_some() {
            let watch = Watch::begin().unwrap();
            let output = future::block_on(watch.unless_signalled(&reactor(), async {}));
            raise(SIGTERM).unwrap();
            let _ = io::stdout().write_all(b"alive\n");
            return watch.end(output);
        }
        let (signal, said) = ended("a_signal_that_comes_after_the_result_still_ends_the_process");
        assert_eq!(signal, Some(SIGTERM), "{said}");
        assert!(said.ends_with("alive\n"), "{said}");
    }
}
