//! Runs the binary.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

pub(crate) const STAGGER: &str = env!("CARGO_BIN_EXE_stagger");

pub(crate) const RUNTIMES: [&str; 3] = ["tokio", "smol", "async-std"];

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `stagger` to its end.
pub(crate) fn stagger(args: &[&str]) -> Run {
    run(command().args(args))
}

/// The command `stagger`, with the same output wherever the tests run.
pub(crate) fn command() -> Command {
    let mut command = Command::new(STAGGER);
    command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
    command.env_remove("COLUMNS").env_remove("NO_COLOR");
    command
}

/// The command `stagger` as a terminal starts it: signals end it, even if the tests were started
/// with signals ignored, as in the background of a script.
#[cfg(unix)]
pub(crate) fn interruptible() -> Command {
    if !cfg!(target_os = "linux") {
        return command();
    }
    let mut env = Command::new("env");
    env.args(["--default-signal=INT,TERM", STAGGER]);
    env.env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
    env.env_remove("COLUMNS").env_remove("NO_COLOR");
    env
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// The one JSON object on standard output, with nothing on standard error.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.err, "");
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        assert!(self.out.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A listener on 127.0.0.1, and its address. Its backlog accepts connections.
pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// An address that refuses, for as long as the socket is kept.
pub(crate) fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any_port: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any_port.into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

/// An address that never answers, for as long as the sockets are kept: its backlog is full.
pub(crate) fn silent() -> (Vec<Socket>, SocketAddr) {
    let (socket, addr) = refusing();
    (filled(socket, addr), addr)
}

/// Makes an address silent, for as long as the sockets are kept.
///
/// # Errors
///
/// The address is in use.
#[cfg(target_os = "linux")]
pub(crate) fn silent_at(addr: SocketAddr) -> std::io::Result<Vec<Socket>> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.bind(&addr.into())?;
    Ok(filled(socket, addr))
}

/// Fills the backlog of a socket that is bound to this address.
fn filled(listener: Socket, addr: SocketAddr) -> Vec<Socket> {
    listener.listen(0).unwrap();
    let mut sockets = vec![listener];
    loop {
        assert!(sockets.len() < 64, "the backlog does not fill up");
        let filler = Socket::new(Domain::for_address(addr), Type::STREAM, None).unwrap();
        if filler.connect_timeout(&addr.into(), Duration::from_millis(100)).is_err() {
            return sockets;
        }
        sockets.push(filler);
    }
}

/// The names in an object, in their order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}
