//! Processes of servers.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest start of a server. RabbitMQ takes most of it on a busy machine. The number is ours.
const START: Duration = Duration::from_secs(90);

/// The time between two looks at a server that starts. It sends no event when it is ready, and a
/// busy loop would slow it down. The number is ours.
const PAUSE: Duration = Duration::from_millis(20);

/// A server's process, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program and waits until it accepts at `addr`.
    pub(crate) fn start(command: &mut Command, addr: SocketAddr, log: &Path) -> Self {
        let name = command.get_program().to_owned();
        let file = std::fs::File::create(log).expect("the folder is new");
        command.stdin(Stdio::null()).stderr(file.try_clone().expect("it is open")).stdout(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let mut process = Self(child);
        let start = Instant::now();
        while TcpStream::connect(addr).is_err() {
            let ended = process.0.try_wait().expect("it is our child");
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none(), "{name:?} ended: {}", said());
            assert!(start.elapsed() < START, "{name:?} does not listen: {}", said());
            thread::sleep(PAUSE);
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that is run as a user other than root, who owns the files of root.
pub(crate) fn as_user(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-U", "--map-user=1000", "--map-group=1000", program]);
    command
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
}

/// Runs a command again and again until it succeeds.
pub(crate) fn until(command: &mut Command) {
    let start = Instant::now();
    while !command.status().is_ok_and(|status| status.success()) {
        assert!(start.elapsed() < START, "{command:?} does not succeed");
        thread::sleep(PAUSE);
    }
}
