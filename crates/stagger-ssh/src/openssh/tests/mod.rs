//! The backends over a real OpenSSH. The file is long: one server serves all scenarios.

mod fixture;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command as StdCommand;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use futures_lite::FutureExt as _;
use futures_lite::future::{block_on, yield_now, zip};
use stagger::Target;

use self::fixture::{
    Sshd, TestRuntime, TestStream, children, chown, closed_target, descriptors, echo_server,
    is_alone, is_alone_with, open, polled, processes, program, silent_target, wait_for,
};
use super::{ControlSocket, SshCommand, channel, directory, invocation};
use crate::command::Running;
#[cfg(feature = "futures")]
use crate::config::ConfigFiles;
use crate::config::{ControlPersist, HostConfig};
#[cfg(feature = "futures")]
use crate::{CommandError, Ssh};
use crate::{Route, SshErrorKind, SshHost};

fn runtime() -> Arc<TestRuntime> {
    Arc::default()
}

/// A backend whose masters are in the server's folder.
fn control(sshd: &Sshd) -> ControlSocket {
    ControlSocket::new().with_folder(sshd.folder.path("masters"))
}

/// The socket of a host's master in that folder.
fn socket(sshd: &Sshd, host: &SshHost) -> PathBuf {
    sshd.folder.path("masters").join(directory::name(host))
}

fn masters(sshd: &Sshd) -> usize {
    processes(sshd.folder.path("masters").to_str().unwrap()).len()
}

/// Starts a master as a user would.
fn start_master(sshd: &Sshd, path: &Path) {
    let status = StdCommand::new("ssh")
        .arg("-F")
        .arg(sshd.folder.path("config"))
        .args(["-f", "-N", "-oControlMaster=yes", "-oControlPersist=60", "-oBatchMode=yes", "-S"])
        .arg(path)
        .arg("good")
        .status();
    assert!(status.unwrap().success());
}

fn error<T>(outcome: Result<T, crate::SshError>) -> (SshErrorKind, String) {
    match outcome {
        Ok(_) => panic!("it connected"),
        Err(error) => (error.kind(), error.to_string()),
    }
}

#[test]
fn one_master_serves_many_connects() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (backend, host) = (control(&sshd), sshd.host("good", Route::Direct));
    block_on(async {
        let first = open(&backend, &runtime, &host, &target).await.unwrap();
        first.echo("one").await;
        let second = open(&backend, &runtime, &host, &target).await.unwrap();
        second.echo("two").await;
        first.echo("three").await;
    });
    // Our own dial, and one login.
    assert_eq!(runtime.0.load(Ordering::Relaxed), 1);
    assert_eq!((sshd.logins(), masters(&sshd)), (1, 1));
}

#[test]
fn connects_at_once_start_one_master() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (backend, host) = (control(&sshd), sshd.host("good", Route::Direct));
    let connect = async || {
        open(&backend, &runtime, &host, &target).await.unwrap().echo("hello").await;
    };
    block_on(zip(zip(connect(), connect()), zip(connect(), connect())));
    assert_eq!(runtime.0.load(Ordering::Relaxed), 1);
    assert_eq!((sshd.logins(), masters(&sshd)), (1, 1));
}

#[test]
fn a_host_behind_others_has_a_master_for_each() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let backend = control(&sshd);
    let first = sshd.host("first", Route::Direct);
    let second = sshd.host("second", Route::Through(first));
    let third = sshd.host("third", Route::Through(second));
    block_on(async {
        open(&backend, &runtime, &third, &target).await.unwrap().echo("hello").await;
    });
    assert_eq!(runtime.0.load(Ordering::Relaxed), 1);
    assert_eq!(sshd.logins(), 3);
}

#[test]
fn ssh_runs_the_proxy_command_of_its_configuration() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b"hello\n"));
    let config = sshd.folder.path("config");
    let line = format!("ssh -F {} -W %h:%p good", config.display());
    sshd.configure(&format!("Host command\n ProxyCommand {line}\n"));
    let host = sshd.host("command", Route::Command(line));
    block_on(async {
        open(&control(&sshd), &runtime, &host, &target).await.unwrap().echo("hello\n").await;
        assert_eq!(sshd.logins(), 2);
        let command = SshCommand::new().with_greeting();
        open(&command, &runtime, &host, &target).await.unwrap().echo("hello\n").await;
        assert_eq!(sshd.logins(), 4);
    });
    assert_eq!(runtime.0.load(Ordering::Relaxed), 0);
}

#[test]
fn a_command_reaches_a_target_through_hosts() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b"hello\n"));
    let first = sshd.host("first", Route::Direct);
    let second = sshd.host("second", Route::Through(first));
    let third = sshd.host("third", Route::Through(second));
    let log = sshd.folder.path("dial");
    let dial = format!(
        "echo %n %% >>{}; ssh -F {} -W %h:%p good",
        log.display(),
        sshd.folder.path("config").display()
    );
    block_on(async {
        let backend = SshCommand::new().with_greeting();
        open(&backend, &runtime, &third, &target).await.unwrap().echo("hello\n").await;
        assert_eq!(sshd.logins(), 3);
        let backend = backend.with_dial_command(format!("sh -c '{dial}'"));
        open(&backend, &runtime, &third, &target).await.unwrap().echo("hello\n").await;
        assert_eq!(sshd.logins(), 7);
    });
    assert_eq!(fs::read_to_string(log).unwrap(), "first %\n");
}

#[test]
fn a_command_without_a_greeting_is_connected_at_once() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let host = sshd.host("good", Route::Direct);
    block_on(async {
        let stream = open(&SshCommand::new(), &runtime, &host, &closed_target()).await.unwrap();
        // The stream ends, and the process has the reason.
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
        let TestStream { held, .. } = stream;
        let mut running = held.unwrap().downcast::<Running>().unwrap();
        let text = running.end().await.unwrap_err().to_string();
        assert!(text.contains("open failed: connect failed: Connection refused"), "{text}");
    });
}

#[cfg(feature = "futures")]
#[test]
fn the_end_of_a_stream_over_a_failed_ssh_is_an_error() {
    use futures_lite::AsyncReadExt as _;

    let sshd = Sshd::new();
    let ssh = Ssh::new(stagger_smol::dialer())
        .with_config(ConfigFiles::file(sshd.folder.path("config")))
        .with_backend(SshCommand::new());
    block_on(async {
        let mut stream = ssh.through("good").connect(&*closed_target()).await.unwrap();
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        let error = error.get_ref().unwrap().downcast_ref::<CommandError>().unwrap();
        assert!(error.stderr().contains("Connection refused"), "{error}");
    });
}

#[cfg(feature = "futures")]
#[test]
fn a_target_may_end_its_side_first_with_each_backend() {
    use futures_lite::AsyncReadExt as _;

    let sshd = Sshd::new();
    let ssh =
        Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::file(sshd.folder.path("config")));
    for ssh in [
        ssh.clone().with_backend(SshCommand::new()),
        ssh.clone().with_backend(SshCommand::new().with_greeting()),
        ssh.with_backend(control(&sshd)),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"hello").unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
        block_on(async {
            let mut stream = ssh.through("good").connect(&*addr).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "hello");
        });
        server.join().unwrap();
    }
}

#[test]
fn failures_are_clear_and_name_the_hop() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b"hello\n"));
    let (backend, command) = (control(&sshd), SshCommand::new().with_greeting());
    let host = |alias| sshd.host(alias, Route::Direct);
    block_on(async {
        for (alias, expected) in
            [("refused", SshErrorKind::Login), ("wrong", SshErrorKind::HostKey)]
        {
            let (kind, text) = error(open(&backend, &runtime, &host(alias), &target).await);
            assert_eq!(kind, expected, "{text}");
            assert!(text.starts_with(&format!("SSH host {alias}: ")), "{text}");
            let (kind, text) = error(open(&command, &runtime, &host(alias), &target).await);
            assert_eq!(kind, expected, "{text}");
            assert!(text.starts_with(&format!("SSH host {alias}: ")), "{text}");
        }
        let closed = closed_target();
        let (kind, text) = error(open(&backend, &runtime, &host("good"), &closed).await);
        assert_eq!(kind, SshErrorKind::Refused, "{text}");
        let expected = "SSH host good: the host did not connect to";
        assert_eq!(text, format!("{expected} {closed}: Session open refused by peer"));
        let (kind, text) = error(open(&command, &runtime, &host("good"), &closed).await);
        assert_eq!(kind, SshErrorKind::Refused, "{text}");
        assert!(text.starts_with(&format!("{expected} {closed}: ")), "{text}");
        assert!(text.contains("Connection refused"), "{text}");
    });
    wait_for("only the master is left", || {
        processes(sshd.folder.path("config").to_str().unwrap()).len() == 1
    });
}

#[test]
fn a_hop_that_does_not_reach_the_next_is_named() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b"hello\n"));
    let port = closed_target().rsplit_once(':').unwrap().1.to_owned();
    let config = fs::read_to_string(sshd.folder.path("config")).unwrap();
    // The first value counts.
    let moved = config.replacen("Host *\n", &format!("Host gone\n Port {port}\nHost *\n"), 1);
    fs::write(sshd.folder.path("config"), moved).unwrap();
    let parent = sshd.host("parent", Route::Direct);
    let gone = |config: &mut HostConfig| config.port = port.parse().unwrap();
    let host = sshd.host_with("gone", Route::Through(parent), gone);
    let outcome = block_on(open(&control(&sshd), &runtime, &host, &target));
    let (kind, text) = error(outcome);
    assert_eq!(kind, SshErrorKind::Refused, "{text}");
    assert!(
        text.starts_with(&format!(
            "SSH host parent: the host did not connect to 127.0.0.1:{port}: "
        )),
        "{text}"
    );
}

#[test]
fn a_hop_that_waits_for_the_next_is_not_asked_why() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let (silent, _sockets) = silent_target();
    let port = silent.rsplit_once(':').unwrap().1;
    let config = fs::read_to_string(sshd.folder.path("config")).unwrap();
    // The first value counts.
    let lines = format!("Host *\nHost mute\n Port {port}\n ConnectTimeout 1\nHost *\n");
    fs::write(sshd.folder.path("config"), config.replacen("Host *\n", &lines, 1)).unwrap();
    let parent = sshd.host("parent", Route::Direct);
    let port = port.parse().unwrap();
    let host = sshd.host_with("mute", Route::Through(parent), |config| config.port = port);
    let begin = std::time::Instant::now();
    let (kind, text) = error(block_on(open(&control(&sshd), &runtime, &host, "127.0.0.1:1")));
    assert_eq!(kind, SshErrorKind::Unreached, "{text}");
    assert!(text.starts_with("SSH host mute: "), "{text}");
    // The hop before would answer after two minutes.
    assert!(begin.elapsed() < std::time::Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn a_host_without_forwarding_forbids_it() {
    let sshd = Sshd::with_options("AllowTcpForwarding no\n");
    let (runtime, target) = (runtime(), echo_server(b"hello\n"));
    let host = sshd.host("good", Route::Direct);
    block_on(async {
        let command = SshCommand::new().with_greeting();
        let (kind, text) = error(open(&command, &runtime, &host, &target).await);
        assert_eq!(kind, SshErrorKind::Forbidden, "{text}");
        // A master does not give the reason.
        let (kind, text) = error(open(&control(&sshd), &runtime, &host, &target).await);
        assert_eq!(kind, SshErrorKind::Refused, "{text}");
    });
}

#[test]
fn a_missing_ssh_says_what_to_install() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let host = sshd.host("good", Route::Direct);
    let text = "SSH host good: there is no program ssh: install the client of OpenSSH";
    block_on(async {
        let backend = control(&sshd).with_program("/nowhere/ssh");
        let found = error(open(&backend, &runtime, &host, "127.0.0.1:1").await);
        assert_eq!(found, (SshErrorKind::Program, text.to_owned()));
        let backend = SshCommand::new().with_program("/nowhere/ssh");
        let found = error(open(&backend, &runtime, &host, "127.0.0.1:1").await);
        assert_eq!(found, (SshErrorKind::Program, text.to_owned()));
    });
}

#[test]
fn a_target_needs_a_port() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let host = sshd.host("good", Route::Direct);
    for target in ["db:postgresql", "db:0"] {
        let (kind, _) = error(block_on(open(&control(&sshd), &runtime, &host, target)));
        assert_eq!(kind, SshErrorKind::Config);
    }
}

#[test]
fn a_socket_of_another_user_is_an_error() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let path = sshd.folder.path("control");
    start_master(&sshd, &path);
    let host = sshd.host_with("good", Route::Direct, |config| {
        config.control_path = Some(path.clone());
    });
    if !rustix::process::geteuid().is_root() {
        // Only root can give the socket away.
        return;
    }
    chown(&path, 65534);
    let (kind, text) = error(block_on(open(&control(&sshd), &runtime, &host, &target)));
    assert_eq!(kind, SshErrorKind::Control);
    assert!(text.ends_with("belongs to another user (65534)"), "{text}");
    chown(&path, 0);

    // A listener of another user, in a file of ours.
    let path = sshd.folder.path("listener");
    let listener = StdCommand::new("setpriv")
        .args(["--reuid=65534", "--clear-groups", "ssh", "-V"])
        .stderr(std::process::Stdio::null())
        .status();
    assert!(listener.unwrap().success());
    fs::set_permissions(sshd.folder.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    let text = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\n\
                s.listen()\nprint(flush=True)\nsys.stdin.read()\n";
    let mut python = StdCommand::new("setpriv")
        .args(["--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", text])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    python.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).unwrap();
    chown(&path, 0);
    let host = sshd.host_with("good", Route::Direct, |config| config.control_path = Some(path));
    let (kind, text) = error(block_on(open(&control(&sshd), &runtime, &host, &target)));
    drop(python.stdin.take());
    python.wait().unwrap();
    assert_eq!(kind, SshErrorKind::Control);
    assert!(text.ends_with("belongs to another user (65534)"), "{text}");
}

#[test]
fn a_hostile_master_is_an_error() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let path = sshd.folder.path("control");
    let host = sshd.host_with("good", Route::Direct, |config| {
        config.control_path = Some(path.clone());
    });
    let backend = control(&sshd).without_start();
    let hello = b"\0\0\0\x08\0\0\0\x01\0\0\0\x04";
    let opened_other = [&hello[..], b"\0\0\0\x0c\x80\0\0\x06\0\0\0\x07\0\0\0\0"].concat();
    let denied = [&hello[..], b"\0\0\0\x0e\x80\0\0\x02\0\0\0\x01\0\0\0\x02no"].concat();
    let endless = [&hello[..], &b"\0\0\0\x08\x80\0\0\x08\0\0\0\x01".repeat(1000)].concat();
    let cases: [(&[u8], SshErrorKind); 8] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", SshErrorKind::Control),
        (b"\xff\xff\xff\xff", SshErrorKind::Control),
        (b"\0\0\0\x08\0\0\0\x01\0\0\0\x05", SshErrorKind::Control),
        (&opened_other, SshErrorKind::Control),
        (&denied, SshErrorKind::Forbidden),
        (&endless, SshErrorKind::Control),
        (hello, SshErrorKind::Lost),
        (b"", SshErrorKind::Lost),
    ];
    for (bytes, expected) in cases {
        let listener = UnixListener::bind(&path).unwrap();
        let bytes = bytes.to_vec();
        let ends = expected == SshErrorKind::Lost;
        let master = thread::spawn(move || {
            // A lost master is tried twice.
            for _ in 0..if ends { 2 } else { 1 } {
                let (mut socket, _) = listener.accept().unwrap();
                let _ = socket.write_all(&bytes);
                if !ends {
                    // It does not end first.
                    let _ = socket.read_to_end(&mut Vec::new());
                }
            }
        });
        let (kind, text) = error(block_on(open(&backend, &runtime, &host, "127.0.0.1:1")));
        assert_eq!(kind, expected, "{text}");
        master.join().unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_configured_master_is_used_or_started() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (there, asked) = (sshd.folder.path("there"), sshd.folder.path("a%sked"));
    start_master(&sshd, &there);
    let with = |path: &Path, master| {
        sshd.host_with("good", Route::Direct, |config| {
            config.control_path = Some(path.to_owned());
            config.control_master = master;
            config.control_persist = ControlPersist::Forever;
        })
    };
    block_on(async {
        let existing = control(&sshd).without_start();
        let host = with(&there, false);
        open(&existing, &runtime, &host, &target).await.unwrap().echo("hello").await;
        assert_eq!(sshd.logins(), 1);

        // Nothing may be started.
        let host = with(&asked, true);
        let (kind, text) = error(open(&existing, &runtime, &host, &target).await);
        assert_eq!(kind, SshErrorKind::Control);
        assert!(text.contains("no master has the control socket"), "{text}");
        let host = sshd.host("good", Route::Direct);
        let (kind, _) = error(open(&existing, &runtime, &host, &target).await);
        assert_eq!((kind, sshd.logins()), (SshErrorKind::Control, 1));

        // The configuration asks for one.
        let host = with(&asked, true);
        open(&control(&sshd), &runtime, &host, &target).await.unwrap().echo("hello").await;
        assert!(asked.exists());
        assert_eq!((sshd.logins(), masters(&sshd)), (2, 0));

        // It does not, so the master is in the private folder.
        let absent = sshd.folder.path("absent");
        let host = with(&absent, false);
        open(&control(&sshd), &runtime, &host, &target).await.unwrap().echo("hello").await;
        assert!(!absent.exists());
        assert_eq!((sshd.logins(), masters(&sshd)), (3, 1));
    });
}

#[test]
fn no_master_is_started_where_the_configuration_wants_a_question() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let path = sshd.folder.path("asking");
    for word in ["ask", "autoask", "auto"] {
        sshd.configure(&format!(
            "Host {word}\n ControlMaster {word}\n ControlPath {}\n",
            path.display()
        ));
        let host = sshd.resolve(word);
        assert!(host.config().control_master());
        block_on(async {
            open(&control(&sshd), &runtime, &host, &target).await.unwrap().echo("hello").await;
        });
        assert_eq!(path.exists(), word == "auto", "{word}");
        assert_eq!(socket(&sshd, &host).exists(), word != "auto", "{word}");
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (backend, host) = (control(&sshd), sshd.host("good", Route::Direct));
    block_on(async {
        open(&backend, &runtime, &host, &target).await.unwrap().echo("hello").await;
        let path = socket(&sshd, &host);
        let ids = processes(path.to_str().unwrap());
        let status = StdCommand::new("kill").arg("-KILL").arg(ids[0].to_string()).status();
        assert!(status.unwrap().success());
        wait_for("nobody listens", || UnixStream::connect(&path).is_err());
        assert!(path.exists());
        open(&backend, &runtime, &host, &target).await.unwrap().echo("hello").await;
    });
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn the_end_of_a_master_ends_its_streams() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (backend, host) = (control(&sshd), sshd.host("good", Route::Direct));
    block_on(async {
        let stream = open(&backend, &runtime, &host, &target).await.unwrap();
        stream.echo("hello").await;
        let ids = processes(socket(&sshd, &host).to_str().unwrap());
        StdCommand::new("kill").arg("-KILL").arg(ids[0].to_string()).status().unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    });
}

#[test]
fn a_path_that_is_too_long_is_an_error() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let host = |length: usize| {
        sshd.host_with("good", Route::Direct, |config| {
            config.control_path = Some(PathBuf::from(format!("/tmp/{}", "x".repeat(length - 5))));
            config.control_master = true;
        })
    };
    let (kind, text) = error(block_on(open(&control(&sshd), &runtime, &host(91), "127.0.0.1:1")));
    assert_eq!(kind, SshErrorKind::Config);
    assert!(text.contains("has 91 bytes, and ssh allows 90"), "{text}");
    let (kind, text) =
        error(block_on(open(&control(&sshd), &runtime, &host(90), &closed_target())));
    assert_eq!(kind, SshErrorKind::Refused, "{text}");
    fs::remove_file(host(90).config().control_path().unwrap()).unwrap();
}

#[test]
fn a_path_in_which_ssh_expands_a_variable_is_an_error() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let backend = ControlSocket::new().with_folder(sshd.folder.path("${HOME}"));
    let host = sshd.host("good", Route::Direct);
    let (kind, text) = error(block_on(open(&backend, &runtime, &host, "127.0.0.1:1")));
    assert_eq!(kind, SshErrorKind::Config, "{text}");
    assert!(text.contains("ssh expands \"${\" in the control socket's path"), "{text}");
    assert_eq!(sshd.logins(), 0);
}

#[test]
fn a_master_that_another_process_started_first_is_used() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let line = format!("ssh -F {} -W %h:%p good", sshd.folder.path("config").display());
    sshd.configure(&format!("Host command\n ProxyCommand {line}\n"));
    // The other process is an ssh that it runs first.
    let other =
        program(&sshd.folder, "#!/bin/sh\nsetsid ssh \"$@\" 2>/dev/null\nexec ssh \"$@\"\n");
    let backend = control(&sshd).with_program(other);
    let host = sshd.host("command", Route::Command(line));
    block_on(async {
        open(&backend, &runtime, &host, &target).await.unwrap().echo("hello").await;
    });
    wait_for("only the other master is left", || masters(&sshd) == 1);
}

#[test]
fn dropping_a_connect_at_any_poll_leaves_no_process_no_socket_and_no_descriptor() {
    if !is_alone("dropping_a_connect_at_any_poll_leaves_no_process_no_socket_and_no_descriptor") {
        return;
    }
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b"hello\n"));
    let sshd_id = children();
    let is_clean = || {
        let folder = sshd.folder.path("masters");
        let sockets = fs::read_dir(&folder).map_or(0, Iterator::count);
        masters(&sshd) == 0
            && processes(sshd.folder.path("config").to_str().unwrap()).is_empty()
            && sockets == 0
            && children() == sshd_id
    };
    let first = sshd.host("first", Route::Direct);
    let second = sshd.host("second", Route::Through(first.clone()));
    let command = SshCommand::new().with_greeting();
    let mut polls_of = [0; 4];
    // Threads and the reactor keep descriptors of their own.
    block_on(async { drop(open(&command, &runtime, &second, &target).await.unwrap()) });
    wait_for("nothing is left", is_clean);
    // Other threads may still close some. A leak would grow with every poll.
    let mut before = descriptors();
    let mut is_closed = || {
        before = before.min(descriptors());
        descriptors() == before
    };
    for (case, host) in [&first, &second].into_iter().enumerate() {
        loop {
            let backend = control(&sshd);
            let connect = open(&backend, &runtime, host, &target);
            let Some(stream) = block_on(polled(connect, polls_of[case])) else {
                wait_for("no master is left", is_clean);
                wait_for("no descriptor is left", &mut is_closed);
                polls_of[case] += 1;
                continue;
            };
            // The masters of a finished connect stay.
            drop(stream.unwrap());
            assert_eq!(masters(&sshd), if case == 0 { 1 } else { 3 });
            for host in [&second, &first] {
                let path = socket(&sshd, host);
                let mut exit = StdCommand::new("ssh");
                exit.args(["-F", "none", "-O", "exit", "-S"]).arg(path).arg("x");
                exit.output().unwrap();
            }
            wait_for("the masters end", is_clean);
            break;
        }
        loop {
            let connect = open(&command, &runtime, host, &target);
            let ended = block_on(polled(connect, polls_of[2 + case])).is_some();
            wait_for("no command is left", is_clean);
            wait_for("no descriptor is left", &mut is_closed);
            if ended {
                break;
            }
            polls_of[2 + case] += 1;
        }
    }
    assert!(polls_of.iter().all(|polls| *polls > 1), "{polls_of:?}");
    assert!(polls_of[1] > 5, "{polls_of:?}");
}

#[test]
fn a_dropped_connect_stops_its_master_unless_another_one_has_finished() {
    let (sshd, runtime, target) = (Sshd::new(), runtime(), echo_server(b""));
    let (backend, host) = (control(&sshd), sshd.host("good", Route::Direct));
    let (silent, _sockets) = silent_target();
    block_on(async {
        let mut waiting = Box::pin(open(&backend, &runtime, &host, &silent));
        let path = socket(&sshd, &host);
        // Its master runs, and the host waits for the target.
        let other = async {
            while sshd.logins() == 0 {
                yield_now().await;
            }
            open(&backend, &runtime, &host, &target).await.unwrap()
        };
        let waits = async {
            let _ = (&mut waiting).await;
            panic!("the target is silent")
        };
        let stream: TestStream = other.or(waits).await;
        drop(waiting);
        stream.echo("hello").await;
        drop(stream);
        let stream = open(&backend, &runtime, &host, &target).await.unwrap();
        stream.echo("again").await;
        assert_eq!((sshd.logins(), masters(&sshd)), (1, 1));
        let mut exit = StdCommand::new("ssh");
        exit.args(["-F", "none", "-O", "exit", "-S"]).arg(&path).arg("x").output().unwrap();
        wait_for("the master ends", || masters(&sshd) == 0);

        // Nobody else has finished.
        let mut waiting = Box::pin(open(&backend, &runtime, &host, &silent));
        let started = async {
            while sshd.logins() == 1 || !path.exists() {
                yield_now().await;
            }
        };
        let waits = async {
            let _ = (&mut waiting).await;
            panic!("the target is silent")
        };
        started.or(waits).await;
        // While it goes to the background, two processes are of it, or none is seen.
        wait_for("one master runs", || masters(&sshd) == 1);
        drop(waiting);
        wait_for("the master ends", || masters(&sshd) == 0 && !path.exists());
    });
}

#[test]
fn a_dropped_connect_kills_its_ssh_while_every_thread_waits_for_a_process() {
    if !is_alone_with("a_dropped_connect_kills_its_ssh_while_every_thread_waits_for_a_process", "1")
    {
        return;
    }
    let (sshd, runtime) = (Sshd::new(), runtime());
    let up = sshd.folder.path("up");
    let text = format!("#!/bin/sh\n: >{}\nwhile :; do sleep 1000; done\n", up.display());
    let hanging = program(&sshd.folder, &text);
    let host = sshd.host("good", Route::Command("true".into()));
    let backend = control(&sshd).with_program(&hanging);
    block_on(async {
        let connect = async { drop(open(&backend, &runtime, &host, "127.0.0.1:1").await) };
        let started = async {
            while !up.exists() {
                yield_now().await;
            }
            // It runs, so the only thread soon waits for its end.
            for _ in 0..1000 {
                yield_now().await;
            }
        };
        connect.or(started).await;
    });
    wait_for("ssh is killed", || processes(hanging.to_str().unwrap()).is_empty());
}

#[test]
fn only_our_own_master_is_terminated() {
    let sshd = Sshd::new();
    let path = sshd.folder.path("control");
    start_master(&sshd, &path);
    channel::terminate(&path, 1);
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn the_private_folder_is_private() {
    let sshd = Sshd::new();
    let folder = sshd.folder.path("private");
    directory::prepare(&folder).unwrap();
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    directory::prepare(&folder).unwrap();

    let link = sshd.folder.path("link");
    symlink(&folder, &link).unwrap();
    assert!(directory::prepare(&link).unwrap_err().ends_with("is no folder"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o710)).unwrap();
    assert!(directory::prepare(&folder).unwrap_err().contains("(mode 710)"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&folder, 65534);
        assert!(directory::prepare(&folder).unwrap_err().ends_with("is of the user 65534"));
    }
    assert!(directory::prepare(&sshd.folder.path("no/folder")).is_err());
}

#[test]
fn the_name_of_a_socket_tells_hosts_apart() {
    let sshd = Sshd::new();
    let base = sshd.host("good", Route::Direct);
    let name = directory::name(&base);
    assert_eq!(name.len(), 20);
    assert_eq!(name, directory::name(&sshd.host("good", Route::Direct)));
    let others = [
        sshd.host("other", Route::Direct),
        sshd.host("good", Route::Through(base.clone())),
        sshd.host("good", Route::Command("a".into())),
        sshd.host("good", Route::Command("b".into())),
        sshd.host("good", Route::Command("direct".into())),
        sshd.host_with("good", Route::Direct, |config| config.user = "other".into()),
        sshd.host_with("good", Route::Direct, |config| config.port = 1),
        sshd.host_with("good", Route::Direct, |config| config.host_name = "other".into()),
    ];
    let mut names: Vec<_> = others.iter().map(directory::name).collect();
    names.push(name);
    let file = |path: PathBuf| {
        let inner = crate::host::Inner {
            destination: base.destination().clone(),
            config: base.config().clone(),
            route: Route::Direct,
            config_file: Some(path),
        };
        directory::name(&SshHost(Arc::new(inner)))
    };
    // One file has one name, also by a relative path.
    let whole = std::env::current_dir().unwrap().join("config");
    assert_eq!(file("config".into()), file(whole));
    names.extend([file("config".into()), file("none".into()), file("./none".into())]);
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_first_hop_keeps_the_blocks_of_its_canonical_name() {
    let (sshd, runtime) = (Sshd::new(), runtime());
    let lines = "Host canonical*\n CanonicalizeHostname yes\n CanonicalizeMaxDots 9\n";
    sshd.configure(lines);
    let log = sshd.folder.path("args");
    let text = format!("#!/bin/sh\necho \"$@\" >{}\nexit 1\n", log.display());
    let logging = program(&sshd.folder, &text);
    for (alias, expected) in [("canonical", true), ("other", false)] {
        let host = sshd.resolve(alias);
        let has = || fs::read_to_string(&log).unwrap().contains("-oCanonicalizeHostname=always");
        let master = control(&sshd).with_program(&logging);
        let command = SshCommand::new().with_program(&logging).with_greeting();
        block_on(async {
            error(open(&master, &runtime, &host, "127.0.0.1:1").await);
            assert_eq!(has(), expected, "{alias}");
            // ssh dials by itself, as the configuration says.
            error(open(&command, &runtime, &host, "127.0.0.1:1").await);
            assert!(!has(), "{alias}");
            let command = command.with_dial_command("false");
            error(open(&command, &runtime, &host, "127.0.0.1:1").await);
            assert_eq!(has(), expected, "{alias}");
        });
    }
}

#[test]
fn a_host_that_ssh_takes_for_another_one_is_an_error() {
    let sshd = Sshd::new();
    let target = Target::parse("db:22").unwrap();
    for alias in ["joe@good", "ssh://good"] {
        let odd = sshd.host(alias, Route::Direct);
        let behind = sshd.host("good", Route::Through(odd.clone()));
        for host in [odd, behind] {
            let error = invocation::forward(&host, &target).unwrap_err();
            assert_eq!(error.kind(), SshErrorKind::Config);
            assert!(error.to_string().starts_with(&format!("SSH host {alias}: ")), "{error}");
        }
    }
}

#[test]
fn the_arguments_of_w_have_brackets_for_ipv6() {
    let sshd = Sshd::new();
    let host = sshd.host("good", Route::Direct);
    let argument = |target: &str| {
        let target = Target::parse(target).unwrap();
        let (name, port) = invocation::forward(&host, &target).unwrap();
        invocation::stdio_forward(&name, port)
    };
    assert_eq!(argument("db.internal:5432"), "db.internal:5432");
    assert_eq!(argument("192.0.2.1:80"), "192.0.2.1:80");
    assert_eq!(argument("[2001:db8::1]:80"), "[2001:db8::1]:80");
    assert_eq!(argument("[fe80::1%eth0]:80"), "[fe80::1%eth0]:80");
}
