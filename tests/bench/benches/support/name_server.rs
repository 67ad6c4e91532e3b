//! Whom lookups ask: a name server in a process of its own.

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;

use stagger_tests::number::NumberServer;

use stagger_bench::{BoxError, NAME_SERVER};

/// A name server that knows the [names of numbers](stagger_tests::number). Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct NameServer {
    child: Child,
}

impl NameServer {
    /// Starts this very program as one, with the argument `--serve`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If that does not work, as outside a network namespace, where the port is not to be had.
    pub(crate) fn start() -> Result<Self, BoxError> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self { child: command.spawn()? };
        let told = server.child.stdout.take().ok_or("there is no pipe from the name server")?;
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        match line.trim() {
            "ready" => Ok(server),
            _ => Err(format!("the name server did not start: {:?}", server.child.wait()?).into()),
        }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the name server, until whoever started it is gone.
///
/// # Errors
///
/// The system's.
pub(crate) fn serve() -> Result<(), BoxError> {
    let server = NumberServer::bind(NAME_SERVER)?;
    thread::spawn(|| {
        // Ends with the pipe, whatever became of the other process.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    io::stdout().write_all(b"ready\n")?;
    io::stdout().flush()?;
    Err(server.serve().into())
}
