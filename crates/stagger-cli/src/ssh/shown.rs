//! The hops to a host, as text and as JSON.

use serde_json::{Map, Value, json};
use stagger::resolve::Families;
use stagger_ssh::config::HostConfig;
use stagger_ssh::{Route, SshHost};

use crate::escape::printable;
use crate::json::printed;

/// Two lines and more for each hop: where it is and how it is reached, then what is set, then the
/// keywords that were passed over.
pub(super) fn text(host: &SshHost) -> String {
    let mut lines = Vec::new();
    for hop in host.hops() {
        let config = hop.config();
        lines.push(format!("{}  {}", hop, server(config)));
        lines.push(format!("  {}", route(hop)));
        lines.extend(settings(config).into_iter().map(|(name, value)| format!("  {name} {value}")));
        for note in config.notes() {
            let (file, line) = (note.file().display(), note.line());
            lines.push(format!("  passed over: {} ({file}, line {line})", note.keyword()));
        }
    }
    lines.iter().map(|line| printable(line) + "\n").collect()
}

/// Whose login it is, and where.
fn server(config: &HostConfig) -> String {
    let (user, host, port) = (config.user(), config.host_name(), config.port());
    match host.contains(':') {
        true => format!("{user}@[{host}]:{port}"),
        false => format!("{user}@{host}:{port}"),
    }
}

fn route(hop: &SshHost) -> String {
    match hop.route() {
        Route::Direct => "directly".to_owned(),
        Route::Through(parent) => format!("through {parent}"),
        // Its arguments may have secrets.
        Route::Command(_) => "by its ProxyCommand".to_owned(),
        _ => "by another route".to_owned(),
    }
}

/// What is set and decides how the hop is reached.
fn settings(config: &HostConfig) -> Vec<(&'static str, String)> {
    let attempts = Some(config.connection_attempts()).filter(|attempts| *attempts != 1);
    let settings = [
        ("AddressFamily", family(config).map(str::to_owned)),
        ("BindAddress", config.bind_address().map(str::to_owned)),
        ("BindInterface", config.bind_interface().map(str::to_owned)),
        ("ConnectTimeout", config.connect_timeout().map(|time| time.as_secs().to_string())),
        ("ConnectionAttempts", attempts.map(|attempts| attempts.to_string())),
        ("ControlPath", config.control_path().map(|path| path.display().to_string())),
    ];
    settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn family(config: &HostConfig) -> Option<&'static str> {
    match config.families() {
        Families::Ipv4 => Some("inet"),
        Families::Ipv6 => Some("inet6"),
        _ => None,
    }
}

/// The object of `resolve --ssh`.
pub(super) fn json(name: &str, host: Option<&SshHost>, error: Option<&str>) -> String {
    let mut object = Map::new();
    object.insert("ssh".into(), name.into());
    object.insert("hops".into(), host.into_iter().flat_map(SshHost::hops).map(hop).collect());
    if let Some(error) = error {
        object.insert("error".into(), error.into());
    }
    printed(&Value::Object(object)) + "\n"
}

fn hop(hop: &SshHost) -> Value {
    let config = hop.config();
    let route = match hop.route() {
        Route::Direct => "direct",
        Route::Through(_) => "jump",
        Route::Command(_) => "command",
        _ => "other",
    };
    let notes = config.notes().iter().map(|note| {
        json!({
            "file": note.file().to_string_lossy(),
            "line": note.line(),
            "keyword": note.keyword(),
        })
    });
    json!({
        "host": hop.to_string(),
        "user": config.user(),
        "host_name": config.host_name(),
        "port": config.port(),
        "route": route,
        "family": family(config),
        "bind_address": config.bind_address(),
        "bind_interface": config.bind_interface(),
        "connect_timeout_s": config.connect_timeout().map(|time| time.as_secs()),
        "connection_attempts": config.connection_attempts(),
        "control_path": config.control_path().map(|path| path.to_string_lossy()),
        "notes": notes.collect::<Value>(),
    })
}
