//! Instructions, counted by Callgrind.

use std::env;
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use crate::{Args, BoxError, Subject};

/// Runs this very program under Callgrind.
#[derive(Debug)]
pub struct Callgrind {
    /// How many times the subject is done, once and once more.
    times: [usize; 2],
}

impl Callgrind {
    /// With two numbers of times; what the program does besides cancels out.
    ///
    /// None where valgrind is not installed.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn find(times: [usize; 2]) -> Result<Option<Self>, BoxError> {
        let tried = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
        match tried {
            Ok(status) if status.success() => Ok(Some(Self { times })),
            Ok(status) => Err(format!("valgrind: {status}").into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The line that says why nothing is counted: these arguments ask for no counts, or valgrind
    /// was not [found](Self::find).
    pub fn missing(args: &Args) -> String {
        let why = match args {
            Args { quick: true, .. } => "it is a quick run",
            Args { times: true, .. } => "only times are measured",
            _ => "valgrind is not installed",
        };
        format!("**NO INSTRUCTIONS ARE COUNTED: {why}.**")
    }

    /// How many instructions the subject takes once, in all threads. The kernel's are not seen.
    ///
    /// # Errors
    ///
    /// If the program fails under Callgrind, or nothing is counted.
    pub fn count(&self, subject: &Subject) -> Result<f64, BoxError> {
        let [few, many] = self.times;
        let counted = self.collect(subject, many)? - self.collect(subject, few)?;
        Ok(counted / (many - few) as f64)
    }

    fn collect(&self, subject: &Subject, times: usize) -> Result<f64, BoxError> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        // The pool for lookups may have more than the 500 that valgrind expects.
        command.arg("--max-threads=1024");
        command.arg(env::current_exe()?).arg("--count").args(subject.words());
        let output = command.arg(times.to_string()).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let line = told.lines().find_map(|line| line.split_once("Collected : "));
        match line {
            Some((_, counted)) if output.status.success() => Ok(counted.trim().parse()?),
            _ => Err(format!("callgrind: {}: {told}", output.status).into()),
        }
    }
}
