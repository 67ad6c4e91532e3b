//! Control sockets of another user.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stagger_ssh::SshErrorKind;
use stagger_tests::ssh::{Setup, SshRuntime, Way, connect_through};
use stagger_tests::{Scratch, SmolBlockOn, TokioMultiThread, process, skip};

use crate::on::fail;

/// No user of any machine has this number, most likely.
const OTHER: u32 = 57005;

/// Something that listens on a Unix-domain socket as another user.
struct Listening(Child);

impl Listening {
    /// None where only root could start it.
    fn start(path: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip::skip("only root can run a process of another user");
            return None;
        }
        let user = OTHER.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.args(["ssh-agent", "-D", "-a"]).arg(path);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut this = Self(command.spawn().expect("a process starts"));
        while !path.exists() {
            let ended = this.0.try_wait().expect("it is our child");
            assert!(ended.is_none(), "{ended:?}");
            thread::yield_now();
        }
        Some(this)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_control_socket_of_another_user_is_an_error<R: SshRuntime>() {
    let scratch = Scratch::new();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(scratch.path(), open).unwrap();
    let path = |name| scratch.path().join(name);
    let (Some(_both), Some(_process)) =
        (Listening::start(&path("both")), Listening::start(&path("process")))
    else {
        return;
    };
    // The file is ours, and only the process behind it is not.
    chown(path("process"), Some(0), Some(0)).unwrap();
    // The other way round.
    let _file = UnixListener::bind(path("file")).unwrap();
    chown(path("file"), Some(OTHER), Some(OTHER)).unwrap();

    for name in ["both", "process", "file"] {
        let socket = path(name);
        let text =
            format!("Host a\nHostName 127.0.0.1\nPort 9\nControlPath {}\n", socket.display());
        let config = scratch.write("config", &text);
        for way in [Way::Control, Way::OnlyRunning] {
            let start = Instant::now();
            let setup = Setup::new(way, &config);
            let connect = connect_through::<R>(&setup, "a", "localhost:9");
            let failure = fail::<R>(&R::new(), connect);
            assert!(start.elapsed() < Duration::from_secs(20), "{failure:?}");
            assert_eq!(failure.kind, SshErrorKind::Control, "{name} {failure:?}");
            assert!(failure.text.starts_with("SSH host a"), "{failure:?}");
            assert!(failure.text.contains(&OTHER.to_string()), "{failure:?}");
        }
    }
}

/// Not within a namespace: that has one user only.
mod tokio {
    #[test]
    fn a_control_socket_of_another_user_is_an_error() {
        let test = concat!(module_path!(), "::a_control_socket_of_another_user_is_an_error");
        super::process::alone(
            test,
            super::a_control_socket_of_another_user_is_an_error::<super::TokioMultiThread>,
        );
    }
}

mod smol {
    #[test]
    fn a_control_socket_of_another_user_is_an_error() {
        let test = concat!(module_path!(), "::a_control_socket_of_another_user_is_an_error");
        super::process::alone(
            test,
            super::a_control_socket_of_another_user_is_an_error::<super::SmolBlockOn>,
        );
    }
}
