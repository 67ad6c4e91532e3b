//! The arguments with which ssh(1) reaches a host.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use stagger::Target;
use stagger::target::{Host, Service};

use crate::{Command, Route, SshError, SshErrorKind, SshHost};

/// Begins a command line: the configuration, no prompts, and messages that have the reason of a
/// failure.
pub(super) fn begin(program: &OsStr, host: &SshHost) -> Command {
    let mut command = Command::new(program);
    if let Some(file) = &host.0.config_file {
        command = command.with_arg("-F").with_arg(file);
    }
    command.with_args(["-oBatchMode=yes", "-oLogLevel=INFO"])
}

/// Ends a command line with the destination.
pub(super) fn end(mut command: Command, host: &SshHost) -> Command {
    let destination = host.destination();
    if let Some(user) = &destination.user {
        command = command.with_arg("-l").with_arg(user);
    }
    if let Some(port) = destination.port {
        command = command.with_arg("-p").with_arg(port.to_string());
    }
    command.with_arg("--").with_arg(&destination.host)
}

/// Adds how `ssh -W` reaches the host. `dial` is the `ProxyCommand` of a first hop that is reached
/// by TCP.
pub(super) fn with_route(
    command: Command,
    program: &OsStr,
    host: &SshHost,
    dial: Option<&str>,
) -> Command {
    match (host.route(), dial) {
        (Route::Through(parent), _) => {
            let hop = begin(program, parent).with_arg("-oControlMaster=no");
            let hop = with_route(hop, program, parent, dial).with_args(["-W", "[%h]:%p"]);
            with_proxy(command, &line(&end(hop, parent), "[%h]:%p"))
        }
        (Route::Direct, Some(dial)) => with_dial(command, host, dial),
        // ssh reads the same configuration.
        (Route::Direct | Route::Command(_), _) => command,
    }
}

/// Adds the way through the master of the hop before.
pub(super) fn with_parent(command: Command, program: &OsStr, path: &Path) -> Command {
    // Without the master it must fail, and connect to nothing by itself.
    let client = Command::new(program)
        .with_args(["-F", "none", "-oBatchMode=yes", "-oControlMaster=no", "-oProxyCommand=false"])
        .with_arg("-S")
        .with_arg(escaped(path.as_os_str()))
        .with_args(["-W", "[%h]:%p", "--", "hop"]);
    with_proxy(command, &line(&client, "[%h]:%p"))
}

/// Adds the `ProxyCommand` of a host that has none. With one, ssh canonicalises no name unless it
/// is told to do it always. Then the blocks of the canonical name would not apply.
pub(super) fn with_dial(command: Command, host: &SshHost, line: &str) -> Command {
    let is_canonical =
        host.config().entries().any(|entry| entry == ("canonicalizehostname", "true"));
    let command = with_proxy(command, line);
    if is_canonical { command.with_arg("-oCanonicalizeHostname=always") } else { command }
}

fn with_proxy(command: Command, line: &str) -> Command {
    command.with_arg(format!("-oProxyCommand={line}"))
}

/// A path in which ssh expands nothing.
pub(super) fn escaped(path: &OsStr) -> OsString {
    match path.to_str() {
        Some(text) => text.replace('%', "%%").into(),
        None => path.to_owned(),
    }
}

/// A command as a `ProxyCommand`: quoted for the shell, and with `%` escaped. The word with tokens
/// is only quoted.
fn line(command: &Command, tokens: &str) -> String {
    let words = [command.program()].into_iter().chain(command.args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        let quoted = format!("'{}'", word.replace('\'', r"'\''"));
        if word == tokens { quoted } else { quoted.replace('%', "%%") }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The host and the port of a target, as the last hop is asked for them.
pub(super) fn forward(host: &SshHost, target: &Target) -> Result<(String, u16), SshError> {
    let error = |text: String| SshError::new(SshErrorKind::Config, host, text);
    if let Some(hop) = host.hops().find(|hop| is_read_otherwise(&hop.destination().host)) {
        let text = "ssh(1) reads this host as a user and a host, or as a URI; use another alias";
        return Err(SshError::new(SshErrorKind::Config, hop, text));
    }
    let port = match target.service() {
        Service::Port(0) => return Err(error(format!("the target {target} has the port 0"))),
        Service::Port(port) => *port,
        _ => {
            return Err(error(format!(
                "the target {target} has a service name: give the port as a number"
            )));
        }
    };
    let name = match target.host() {
        Host::Name(name) => name.ascii().to_owned(),
        other => other.to_string(),
    };
    Ok((name, port))
}

/// Whether ssh(1) takes a host on its command line for something else.
fn is_read_otherwise(host: &str) -> bool {
    host.contains('@') || host.starts_with("ssh://")
}

/// The argument of `-W`.
pub(super) fn stdio_forward(name: &str, port: u16) -> String {
    if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
}

/// Why a program did not start.
pub(super) fn not_started(host: &SshHost, command: &Command, error: io::Error) -> SshError {
    let text = if error.kind() == io::ErrorKind::NotFound {
        format!("there is no program {command}: install the client of OpenSSH")
    } else {
        format!("the program {command} did not start")
    };
    SshError::new(SshErrorKind::Program, host, text).with_source(error)
}
