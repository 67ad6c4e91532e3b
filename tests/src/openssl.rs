//! The command `openssl` as a server.

use std::io::{self, BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use stagger_testkit::tls::Identity;

use crate::{Scratch, skip};

/// `openssl s_server` on a free port; killed when this is dropped. It serves one client after
/// another, and answers a request of HTTP with a page about the connection.
#[derive(Debug)]
pub struct Openssl {
    child: Child,
    addr: SocketAddr,
    _scratch: Scratch,
}

impl Openssl {
    /// Starts it with this certificate and these arguments, and waits until it listens. None where
    /// `openssl` is not installed: the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it ends before it listens.
    pub fn start(ip: IpAddr, identity: &Identity, arguments: &[&str]) -> Option<Self> {
        Self::start_with(ip, identity, &[], arguments)
    }

    /// The same with files, each an argument and the text of its file.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub fn start_with(
        ip: IpAddr,
        identity: &Identity,
        files: &[(&str, &str)],
        arguments: &[&str],
    ) -> Option<Self> {
        let scratch = Scratch::new();
        let write = |(number, text): (usize, &str)| scratch.write(&format!("{number}.pem"), text);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", &SocketAddr::new(ip, 0).to_string()]);
        command.args(arguments);
        let (certificate, chain) = (identity.certificate_pem(), identity.chain_pem());
        let issuers = chain.strip_prefix(&certificate).expect("the certificate comes first");
        let key = identity.key_pem();
        let mut all = vec![("-cert", &*certificate), ("-key", &*key)];
        if !issuers.is_empty() {
            all.push(("-cert_chain", issuers));
        }
        all.extend(files);
        for (number, (argument, text)) in all.into_iter().enumerate() {
            command.arg(argument).arg(write((number, text)));
        }
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match spawned.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                skip::skip("openssl is not installed");
                return None;
            }
            Err(error) => panic!("openssl: {error}"),
        };
        let stdout = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let addr = lines.find_map(|line| line.strip_prefix("ACCEPT ")?.parse().ok());
        let Some(addr) = addr else {
            panic!("openssl ended before it listened: {command:?}: {:?}", child.wait());
        };
        // It would block on a pipe that is full.
        thread::spawn(move || lines.for_each(drop));
        Some(Self { child, addr, _scratch: scratch })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `openssl` with these arguments. A text becomes a file, whose path is the last argument.
/// None where it is not installed: the test is then [skipped](skip::skip).
///
/// # Panics
///
/// If it can't be run.
pub fn openssl(arguments: &[&str], text: &str) -> Option<Output> {
    let scratch = Scratch::new();
    let file: PathBuf = scratch.write("input.pem", text);
    match Command::new("openssl").args(arguments).arg::<&Path>(&file).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            skip::skip("openssl is not installed");
            None
        }
        Err(error) => panic!("openssl: {error}"),
    }
}
