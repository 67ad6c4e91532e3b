//! SSH servers of OpenSSH on machines in a row, for tests within
//! [`GATEWAYS`](crate::namespace::GATEWAYS).

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Scratch, namespace, process, skip};

/// How many machines there are.
const COUNT: usize = 4;

/// The names that this machine knows. The silent address comes first, because of RFC 6724's rules.
const HOSTS: &str = "127.0.0.1 localhost\n\
    10.77.0.2 gw1.test\n\
    2001:db8:77::2 six.test\n\
    2001:db8:77::dead slow.test\n\
    10.77.0.2 slow.test\n\
    2001:db8:77::dead dead.test\n";

/// What every host has in the clients' configuration. DIRECTORY is where the keys are.
const EVERY: &str = "Host *
    User joe
    IdentityFile DIRECTORY/joe
    IdentitiesOnly yes
    UserKnownHostsFile DIRECTORY/known
    GlobalKnownHostsFile /dev/null
    BatchMode yes
";

/// The aliases. Each of gw2, gw3 and gw4 is behind the one before.
const ALIASES: &str = "Host gw1
    HostName gw1.test
Host gw2
    HostName gw2.test
    ProxyJump gw1
Host gw3
    HostName gw3.test
    ProxyJump gw2
Host gw4
    HostName gw4.test
    ProxyJump gw3
";

/// A server's configuration. It forwards no TCP for who comes by port 2022.
const SERVER: &str = "Port 22
    Port 2022
    PidFile none
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    UsePAM no
    StrictModes no
    MaxStartups 500
    MaxSessions 500
    LogLevel VERBOSE
";

/// Four machines with an SSH server each, which are killed when this is dropped. Then all other
/// processes of this network namespace are killed too.
///
/// The user `joe` may log in everywhere. The machine gwN knows the name of gw(N + 1).
#[derive(Debug)]
pub struct Gateways {
    machines: Vec<Machine>,
    scratch: Scratch,
    _etc: Scratch,
}

#[derive(Debug)]
struct Machine {
    child: Child,
    log: PathBuf,
}

impl Gateways {
    /// Makes keys and starts the servers. None where one of OpenSSH's programs is not installed:
    /// the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If a server does not start.
    pub fn start() -> Option<Self> {
        let sshd = Path::new("/usr/sbin/sshd");
        if !sshd.exists() || Command::new("ssh").arg("-V").output().is_err() {
            skip::skip("openssh-client and openssh-server are not both installed");
            return None;
        }
        let scratch = Scratch::new();
        let home = scratch.path().join("home");
        fs::create_dir_all(home.join(".ssh")).expect("a directory can be made");
        let passwd =
            format!("root:x:0:0:root:{}:/bin/sh\njoe:x:1000:1000:joe:/:/bin/sh\n", home.display());
        let etc = namespace::etc(&[
            ("passwd", &passwd),
            ("group", "root:x:0:\njoe:x:1000:\n"),
            ("nsswitch.conf", "hosts: files\n"),
            ("hosts", HOSTS),
        ]);
        let mut this = Self { machines: Vec::new(), scratch, _etc: etc };
        let names = (1..=COUNT).map(|number| format!("gw{number}"));
        let keys: Vec<_> = names.chain(["joe".into()]).collect();
        let making: Vec<_> = keys.iter().map(|name| this.make_key(name)).collect();
        for mut child in making {
            assert!(child.wait().is_ok_and(|status| status.success()), "a key is made");
        }
        let known = (1..=COUNT).map(|number| {
            let key = this.read(&format!("gw{number}.pub"));
            format!("gw{number}.test,[gw{number}.test]:2022,gw{number} {key}")
        });
        this.scratch.write("known", &known.collect::<String>());
        let config = this.config(ALIASES);
        fs::rename(config, home.join(".ssh/config")).expect("a file can be moved");
        for number in 1..=COUNT {
            let machine = this.boot(sshd, number);
            this.machines.push(machine);
        }
        for machine in &mut this.machines {
            machine.wait();
        }
        Some(this)
    }

    fn make_key(&self, name: &str) -> Child {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]);
        command.arg(self.scratch.path().join(name)).spawn().expect("a process starts")
    }

    fn boot(&self, sshd: &Path, number: usize) -> Machine {
        let directory = self.scratch.path().display();
        let hosts = format!(
            "127.0.0.1 localhost\n10.77.{number}.2 gw{0}.test\n2001:db8:77:{number}::2 six.test\n",
            number + 1
        );
        let hosts = self.scratch.write(&format!("gw{number}.hosts"), &hosts);
        let server = format!(
            "{SERVER}HostKey {directory}/gw{number}\nAuthorizedKeysFile {directory}/joe.pub\n\
             Match LocalPort 2022\nAllowTcpForwarding no\n"
        );
        let server = self.scratch.write(&format!("gw{number}.conf"), &server);
        let mut command = inside(number, &hosts);
        command.arg(sshd).args(["-D", "-e", "-f"]).arg(server);
        let log = self.scratch.path().join(format!("gw{number}.log"));
        Machine::start(&mut command, log)
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Writes a file of a configuration: these lines, then the names of all machines, then what all
    /// hosts have. A `DIRECTORY` in the lines is the [directory](Self::directory).
    pub fn config(&self, lines: &str) -> PathBuf {
        let directory = self.scratch.path().display().to_string();
        let text = format!("{lines}{ALIASES}{EVERY}").replace("DIRECTORY", &directory);
        let number = fs::read_dir(self.scratch.path()).expect("it is there").count();
        self.scratch.write(&format!("config{number}"), &text)
    }

    /// The text of a file.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn read(&self, name: &str) -> String {
        let path = self.scratch.path().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What the server of gwN printed.
    pub fn log(&self, number: usize) -> String {
        self.read(&format!("gw{number}.log"))
    }

    /// How often somebody logged in at gwN.
    pub fn logins(&self, number: usize) -> usize {
        self.log(number).matches("Accepted publickey for joe").count()
    }

    /// Kills all processes of gwN.
    pub fn kill(&mut self, number: usize) {
        self.machines[number - 1].kill();
    }

    /// Runs ssh(1) with this configuration.
    pub fn ssh(config: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(config).args(arguments).stdin(Stdio::null());
        command
    }

    /// Starts PostgreSQL on port 5432 of gwN, with the user `joe`. None where it is not installed:
    /// the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn postgres(&mut self, number: usize) -> Option<()> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions = versions.map(|version| version.path().join("bin"));
        let Some(programs) = versions.find(|programs| programs.join("initdb").exists()) else {
            skip::skip("postgresql is not installed");
            return None;
        };
        let data = self.scratch.path().join("postgres");
        let script = "\"$0/initdb\" -D \"$1\" -U joe -A trust --no-sync --locale=C -E UTF8 && \
             echo 'host all all all trust' >>\"$1/pg_hba.conf\" && \
             exec \"$0/postgres\" -D \"$1\" -h '*' -k '' -F";
        let hosts = self.scratch.path().join(format!("gw{number}.hosts"));
        let mut command = inside(number, &hosts);
        command.args(["sh", "-c", script]).arg(programs).arg(data);
        let mut machine = Machine::start(&mut command, self.scratch.path().join("postgres.log"));
        machine.wait_for("ready to accept connections");
        self.machines.push(machine);
        Some(())
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            machine.kill();
        }
        for id in process::left().into_keys() {
            if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
                let _ = kill_process(id, Signal::KILL);
            }
        }
        // The next gateways put their own files there.
        let _ = Command::new("umount").args(["-l", "/etc"]).status();
    }
}

/// A command on the machine gwN: as the user joe, and with its own processes, which all end with
/// the command.
///
/// An `sshd` of root would change its user, and there is only one in a namespace of users. One that
/// is not root logs in its own user, and needs no privilege.
fn inside(number: usize, hosts: &Path) -> Command {
    let script = "mount --bind \"$0\" /etc/hosts && exec unshare -U -p --fork --kill-child \
        --map-user=1000 --map-group=1000 \"$@\"";
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/gw{number}"));
    command.args(["unshare", "-m", "sh", "-c", script]).arg(hosts);
    command
}

impl Machine {
    fn start(command: &mut Command, log: PathBuf) -> Self {
        // Nothing reads a pipe while the server runs.
        let stderr = File::create(&log).expect("a file can be written");
        let stdout = stderr.try_clone().expect("a descriptor is free");
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Self { child: command.spawn().expect("a process starts"), log }
    }

    fn wait(&mut self) {
        self.wait_for("listening on :: port 2022");
    }

    /// Waits until it has printed this.
    fn wait_for(&mut self, text: &str) {
        loop {
            let ended = self.child.try_wait().expect("it is our child");
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            if log.contains(text) {
                return;
            }
            assert!(ended.is_none(), "{ended:?}: {log}");
            thread::yield_now();
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts an echo server on port 7 of gwN, over IPv4 and IPv6. It lives as long as this process. It
/// sends each byte back, and ends a connection when the client ends it.
///
/// # Panics
///
/// If the port is taken.
pub fn echo(number: usize) {
    let listen = || TcpListener::bind((Ipv6Addr::UNSPECIFIED, 7)).expect("the port is free");
    let listener = namespace::at(&format!("gw{number}"), listen);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || send_back(stream));
        }
    });
}

fn send_back(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16384];
    loop {
        match stream.read(&mut buffer)? {
            0 => return stream.shutdown(Shutdown::Write),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

/// The command line of the built `stagger` that dials for ssh(1). None where it was not built: the
/// test is then [skipped](skip::skip).
///
/// # Panics
///
/// If this program does not know its file.
pub fn dial_command() -> Option<String> {
    let this = std::env::current_exe().expect("a test knows its binary");
    let path = this.parent()?.parent()?.join("stagger");
    if !path.exists() {
        skip::skip("the package stagger-cli was not built");
        return None;
    }
    Some(format!("{} connect --pipe %h %p", path.display()))
}
