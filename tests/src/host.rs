//! Two hosts, each a process with a network of its own.

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::process::{run, test};

/// Set in the process of the far host.
const FAR: &str = "STAGGER_TEST_FAR";

/// The other host, to agree with on what comes next. Words go over a socket that is none of the
/// network's.
#[derive(Debug)]
pub struct Other {
    says: Receiver<String>,
    hears: UnixStream,
}

impl Other {
    /// `over` does something when the other has said its last.
    fn new(socket: UnixStream, over: impl FnOnce() + Send + 'static) -> Self {
        let hears = socket.try_clone().expect("a descriptor is free");
        let (sender, says) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(socket).lines().map_while(Result::ok) {
                // Who listens no more has all that it needs.
                let _ = sender.send(line);
            }
            over();
        });
        Self { says, hears }
    }

    /// Says one line.
    ///
    /// # Panics
    ///
    /// If the other is gone.
    pub fn say(&mut self, line: &str) {
        writeln!(self.hears, "{line}").expect("the other host is there");
    }

    /// The next line that the other says. Blocks until there is one.
    ///
    /// # Panics
    ///
    /// If the other ends before that.
    pub fn hear(&mut self) -> String {
        self.says.recv().expect("the other host says something")
    }

    /// Waits until the other has come as far as this.
    ///
    /// # Panics
    ///
    /// If the other ends before that, or says something else.
    pub fn meet(&mut self) {
        self.say("here");
        assert_eq!(self.hear(), "here");
    }
}

/// Within a test that has [`TWO_HOSTS`](crate::namespace::TWO_HOSTS): `near` is done here, and
/// `far` in a process that is in the network `far` from its start, with all of its threads. If one
/// of them fails the other is ended too, whatever it waits for.
///
/// # Panics
///
/// If `near` does. If `far` does, this process ends.
pub fn hosts(near: impl FnOnce(Other), far: impl FnOnce(Other)) {
    if env::var_os(FAR).is_some() {
        let socket = io::stdin().as_fd().try_clone_to_owned().expect("a descriptor is free");
        // The near one ends first only if it has failed.
        return far(Other::new(socket.into(), || process::exit(1)));
    }
    let (socket, far_socket) = UnixStream::pair().expect("a pair of sockets");
    let far = thread::spawn(move || {
        let mut command = Command::new("nsenter");
        command.arg("--net=/run/netns/far");
        command.arg(env::current_exe().expect("a test knows its binary"));
        command.env(FAR, "1").stdin(OwnedFd::from(far_socket));
        // The command holds the far socket: the words end here after it is said what was wrong.
        let ran = catch_unwind(AssertUnwindSafe(|| run(&mut command, &test())));
        ran.unwrap_or_else(|_| process::exit(101));
    });
    near(Other::new(socket, || ()));
    far.join().expect("a far host that fails ends the process");
}
