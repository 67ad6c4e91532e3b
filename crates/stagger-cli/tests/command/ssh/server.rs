//! An SSH server of OpenSSH on loopback, with keys of its own.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::run::{Run, command, listener, run};
use crate::skip::skip;

const SSHD: &str = "/usr/sbin/sshd";

/// A server, and a folder with keys and configurations. Dropping it ends the server and every
/// control master that a test has started.
pub(crate) struct Sshd {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
}

impl Sshd {
    /// Starts a server. If a program of OpenSSH is not there, the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let has = |program| Command::new(program).arg("-V").stderr(Stdio::null()).status().is_ok();
        if !Path::new(SSHD).exists() || !has("ssh") {
            skip("openssh-client and openssh-server are not both installed");
            return None;
        }
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // The path of a control socket is short.
        let name = format!("stagger-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        for key in ["host", "user", "other"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(folder.join(key));
            assert!(command.status().unwrap().success());
        }
        loop {
            // Another process may take the port in between.
            let port = listener().1.port();
            if let Some(child) = serve(&folder, port) {
                return Some(Self { child, port, folder });
            }
        }
    }

    /// Writes a configuration with these lines, in which `PORT` is the server's port.
    ///
    /// The server is `gate`, and `inner` behind it. `stranger` has another host key, and `refused`
    /// another key of the user.
    pub(crate) fn config(&self, lines: &str) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let key = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap();
        let known = self.folder.join("known");
        let known_as = |name, key| format!("{name} {key}");
        let [host, other] = [key("host.pub"), key("other.pub")];
        fs::write(&known, known_as("right", host) + &known_as("wrong", other)).unwrap();
        let text = format!(
            "{lines}
            Host inner
              ProxyJump gate
            Host refused
              IdentityFile FOLDER/other
            Host * !refused
              IdentityFile FOLDER/user
            Host stranger
              HostKeyAlias wrong
            Host *
              HostName 127.0.0.1
              Port PORT
              HostKeyAlias right
              IdentitiesOnly yes
              UserKnownHostsFile FOLDER/known
              GlobalKnownHostsFile /dev/null
            "
        );
        let text = text.replace("FOLDER", self.folder.to_str().unwrap());
        let path = self.folder.join(format!("config{count}"));
        fs::write(&path, text.replace("PORT", &self.port.to_string())).unwrap();
        path
    }

    /// The command `stagger` with these words, and with control masters in the folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = command();
        command.args(words).env("XDG_RUNTIME_DIR", &self.folder);
        command
    }

    /// Runs `stagger` with these words, and with control masters in the folder.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        run(&mut self.command(words))
    }

    /// How often somebody logged in.
    pub(crate) fn logins(&self) -> usize {
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        log.matches("Accepted publickey").count()
    }
}

/// Starts a server at the port, if nothing else listens there.
fn serve(folder: &Path, port: u16) -> Option<Child> {
    let path = folder.display();
    let text = format!(
        "Port {port}
        ListenAddress 127.0.0.1
        HostKey {path}/host
        AuthorizedKeysFile {path}/user.pub
        PidFile none
        PermitRootLogin yes
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM no
        StrictModes no
        MaxStartups 500
        MaxSessions 500
        LogLevel VERBOSE
        "
    );
    fs::write(folder.join("server"), text).unwrap();
    let log = folder.join("log");
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f"]).arg(folder.join("server"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    loop {
        let ended = child.try_wait().unwrap();
        let text = fs::read_to_string(&log).unwrap();
        match ended {
            _ if text.contains("Server listening") => return Some(child),
            Some(_) if text.contains("Address already in use") => return None,
            Some(status) => panic!("{status}: {text}"),
            None => thread::yield_now(),
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for socket in sockets(&self.folder) {
            let mut exit = Command::new("ssh");
            exit.args(["-F", "none", "-O", "exit", "-S"]).arg(socket).arg("x");
            let _ = exit.stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The sockets in a folder and below it.
fn sockets(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(sockets(&entry.path())),
            Ok(kind) if kind.is_socket() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
