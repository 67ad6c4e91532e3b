//! What `ssh -G` prints, and what the reader returns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use stagger::resolve::Families;
use stagger_ssh::config::{
    ConfigFiles, DiskFiles, Environment, Facts, HostConfig, Question, Reading, Release, Request,
    read,
};

/// The home of the user, as the database has it and as `HOME` has it.
pub(crate) const HOME: &str = "/run/home";

/// A variable of each `ssh`.
pub(crate) const VARIABLE: (&str, &str) = ("LAB", "/lab");

/// Each keyword with its values, in their order.
pub(crate) type Values = BTreeMap<String, Vec<String>>;

/// The names that exist, as the setup has them, with their canonical names.
const NAMES: [(&str, &str); 4] = [
    ("srv.corp.test.", "srv.corp.test."),
    ("www.corp.test.", "real.corp.test"),
    ("real.corp.test", "real.corp.test"),
    ("www", "real.corp.test"),
];

fn release() -> Release {
    static RELEASE: OnceLock<Release> = OnceLock::new();
    *RELEASE.get_or_init(|| {
        let output = Command::new("ssh").arg("-V").output().expect("there is ssh");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Release::parse(&text).unwrap_or_else(|| panic!("no release: {text}"))
    })
}

/// The environment of `ssh` as [`ssh`] starts it.
pub(crate) fn environment() -> Environment {
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Environment::new("root", HOME)
        .with_host_name(host_name)
        .with_variable("HOME", HOME)
        .with_variable(VARIABLE.0, VARIABLE.1)
        .with_release(release())
}

/// The output of `ssh -G`, or its errors.
pub(crate) fn ssh(file: Option<&Path>, destination: &str) -> Result<Values, String> {
    let mut command = Command::new("ssh");
    command.env_clear().env("HOME", HOME).env(VARIABLE.0, VARIABLE.1);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("SHELL", "/bin/sh").arg("-G").stdin(Stdio::null());
    if let Some(file) = file {
        command.arg("-F").arg(file);
    }
    let output = command.args(["--", destination]).output().expect("ssh runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut values = Values::new();
    // A form feed or a return may be in a value, so lines end at a line feed alone.
    for line in String::from_utf8_lossy(&output.stdout).split('\n') {
        let Some((keyword, value)) = line.split_once(' ') else { continue };
        values.entry(keyword.to_owned()).or_default().push(value.to_owned());
    }
    Ok(values)
}

/// What the reader returns. Commands are `true`, `false` and `test`.
pub(crate) fn reader(file: Option<&Path>, destination: &str) -> Result<HostConfig, String> {
    let mut request = Request::new(destination.parse().expect("the case has a destination"));
    if let Some(file) = file {
        request = request.with_files(ConfigFiles::file(file));
    }
    let (files, environment, mut facts) = (DiskFiles::new(), environment(), Facts::new());
    // Each question asks for a new fact, so a reading has an end.
    for _ in 0..1000 {
        match read(&request, &files, &environment, &facts).map_err(|error| error.to_string())? {
            Reading::Done(config) => return Ok(*config),
            Reading::Asks(Question::Exec(exec)) => {
                facts = facts.with_exec(exec.command(), succeeds(exec.command()));
            }
            Reading::Asks(Question::Resolve(names)) => {
                // All the names have addresses of IPv4.
                let is_of = names.families() != Families::Ipv6;
                for name in names.names() {
                    facts = match NAMES.iter().find(|(known, _)| known == name && is_of) {
                        Some((_, canonical)) => facts.with_name(name, *canonical),
                        None => facts.without_name(name),
                    };
                }
            }
            Reading::Asks(other) => panic!("{other:?}"),
        }
    }
    panic!("a reading asks more than 1000 questions");
}

/// A shell's answer, for the few commands that cases have.
fn succeeds(command: &str) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["true"] => true,
        ["false"] => false,
        ["test", a, "=", b] => a == b,
        ["test", a, "-gt", b] => a.parse::<u32>().unwrap() > b.parse().unwrap(),
        // A value with blanks or quotes is wrong in a shell.
        ["test", ..] => false,
        // A criterion without a value takes the next word. It is no program, but for this one.
        ["exec"] => true,
        _ => false,
    }
}

fn values(config: &HostConfig) -> Values {
    let mut values = Values::new();
    for (keyword, value) in config.entries() {
        values.entry(keyword.to_owned()).or_default().push(value.to_owned());
    }
    values
}

/// The difference between the two, or `None` if they agree. Both may find a fault.
pub(crate) fn difference(file: Option<&Path>, destination: &str) -> Option<String> {
    let (ours, theirs) = (reader(file, destination), ssh(file, destination));
    let (config, mut theirs) = match (ours, theirs) {
        (Err(_), Err(_)) => return None,
        (Err(ours), Ok(_)) => return Some(format!("the reader finds a fault: {ours}")),
        (Ok(_), Err(theirs)) => return Some(format!("ssh finds a fault: {theirs}")),
        (Ok(config), Ok(theirs)) => (config, theirs),
    };
    let ours = values(&config);
    // The default depends on the release.
    if !ours.contains_key("identityfile") {
        let files = theirs.remove("identityfile").unwrap_or_default();
        assert!(files.iter().all(|file| file.starts_with("~/.ssh/id_")), "{files:?}");
    }
    let keywords: BTreeSet<_> = ours.keys().cloned().chain(read_keywords()).collect();
    let differs = |keyword: &&String| ours.get(*keyword) != theirs.get(*keyword);
    let lines: Vec<String> = keywords
        .iter()
        .filter(differs)
        .map(|it| format!("{it}: reader {:?}, ssh {:?}", ours.get(it), theirs.get(it)))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Keywords that have no entry if they are not set.
fn read_keywords() -> impl Iterator<Item = String> {
    let names = [
        "bindaddress",
        "bindinterface",
        "certificatefile",
        "controlpath",
        "hostkeyalias",
        "identityagent",
        "identityfile",
        "ignoreunknown",
        "proxycommand",
        "proxyjump",
        "tag",
    ];
    names.into_iter().map(str::to_owned)
}
