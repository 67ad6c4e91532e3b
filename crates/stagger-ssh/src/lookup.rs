//! From a destination to every hop before it.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use blocking::unblock;
use futures_lite::FutureExt as _;

use crate::command::{Command, Running, Spawned};
use crate::config::{
    ConfigError, DiskFiles, Environment, Exec, Facts, HostConfig, Names, ProxyConfig, Question,
    Reading, Release, Request, read,
};
use crate::host::Inner;
use crate::setup::Setup;
use crate::{Destination, Route, SshError, SshErrorKind, SshHost};

/// At most this many hosts in a row: 16. The number is ours. ssh(1) has no limit, and starts one
/// process for each hop.
const MAX_HOPS: usize = 16;

/// A command of `Match exec` may run this long: 30 s. The number is ours. ssh(1) has no limit.
const EXEC_TIMEOUT: Duration = Duration::from_secs(30);

/// The reader may ask this many questions about one host: 256. The number is ours.
const MAX_QUESTIONS: usize = 256;

/// A host to look up: the destination, and the jump hosts that replace those of its configuration,
/// as with `ssh -J`.
type Step = (Destination, Option<Vec<Destination>>);

/// Looks up a destination, and every hop before it.
///
/// `ProxyJump a,b` leads to `b`, which is reached as with `-J a`. This replaces `b`'s own
/// `ProxyJump` and `ProxyCommand`, as in OpenSSH. The first hop of a list uses its own
/// configuration.
pub(crate) async fn resolve<S>(
    setup: &Setup<S>,
    destination: Destination,
) -> Result<SshHost, SshError> {
    let mut files = (DiskFiles::new(), None);
    let mut steps: Vec<Step> = Vec::new();
    let mut configs = Vec::new();
    let mut next = Some((destination, None));
    while let Some(step) = next.take() {
        check(&steps, &step)?;
        let config;
        (config, files) = one(setup, &step, files).await?;
        if matches!(config.proxy(), ProxyConfig::Command(line) if line == "-") {
            let text = "ProxyCommand - means the standard input of ssh(1); name a command instead";
            return Err(SshError::new(SshErrorKind::Config, &step.0, text));
        }
        if let ProxyConfig::Jump(jumps) = config.proxy() {
            next = jumps.split_last().map(|(last, before)| {
                (last.clone(), (!before.is_empty()).then(|| before.to_vec()))
            });
        }
        configs.push(config);
        steps.push(step);
    }
    let config_file = setup.files.argument().map(PathBuf::from);
    let hosts = steps.into_iter().zip(configs).rev();
    let host = hosts.fold(None, |parent, ((destination, _), config)| {
        let route = match (parent, config.proxy()) {
            (Some(parent), _) => Route::Through(parent),
            (None, ProxyConfig::Command(line)) => Route::Command(line.clone()),
            (None, _) => Route::Direct,
        };
        let config_file = config_file.clone();
        Some(SshHost(Arc::new(Inner { destination, config, route, config_file })))
    });
    Ok(host.expect("the destination itself was looked up"))
}

/// Refuses a host that comes before itself, and too many hosts.
fn check(steps: &[Step], step: &Step) -> Result<(), SshError> {
    let row = |from: usize| -> String {
        let row = steps[from..].iter().chain([step]);
        row.map(|(destination, _)| destination.to_string()).collect::<Vec<_>>().join(" -> ")
    };
    let text = match steps.iter().position(|earlier| earlier == step) {
        Some(start) => format!("the jump hosts are a cycle: {}", row(start)),
        None if steps.len() == MAX_HOPS => {
            format!("more than {MAX_HOPS} hosts come in a row: {}", row(0))
        }
        None => return Ok(()),
    };
    Err(SshError::new(SshErrorKind::Config, &steps[0].0, text))
}

/// The files, which are read once, and the environment.
type Machine = (DiskFiles, Option<Environment>);

/// Reads the configuration of one host, and answers the reader's questions.
async fn one<S>(
    setup: &Setup<S>,
    step: &Step,
    mut machine: Machine,
) -> Result<(HostConfig, Machine), SshError> {
    let destination = &step.0;
    let mut request = Request::new(destination.clone()).with_files(setup.files.clone());
    if let Some(jumps) = &step.1 {
        request = request.with_jumps(jumps.iter().cloned());
    }
    let mut facts = Facts::new();
    for _ in 0..MAX_QUESTIONS {
        let asked = (request.clone(), facts.clone());
        let reading;
        (reading, machine) = unblock(move || {
            let (files, environment) = machine;
            match environment.map_or_else(environment_of_ssh, Ok) {
                Ok(environment) => {
                    let reading = read(&asked.0, &files, &environment, &asked.1);
                    (reading, (files, Some(environment)))
                }
                Err(error) => (Err(error), (files, None)),
            }
        })
        .await;
        let reading = reading.map_err(|error: ConfigError| {
            SshError::new(SshErrorKind::Config, destination, "its configuration cannot be used")
                .with_source(error)
        })?;
        facts = match reading {
            Reading::Done(config) => return Ok((*config, machine)),
            Reading::Asks(Question::Exec(exec)) => {
                let succeeds = run(setup, destination, &exec).await?;
                facts.with_exec(exec.command(), succeeds)
            }
            Reading::Asks(Question::Resolve(names)) => look_up(setup, &names, facts).await,
        };
    }
    let text = format!("its configuration has more than {MAX_QUESTIONS} questions");
    Err(SshError::new(SshErrorKind::Config, destination, text))
}

/// The environment of this process, and the release of its `ssh`. Blocks.
fn environment_of_ssh() -> Result<Environment, ConfigError> {
    static RELEASE: OnceLock<Release> = OnceLock::new();
    let release = RELEASE.get_or_init(|| {
        let mut ssh = std::process::Command::new("ssh");
        let output = ssh.arg("-V").stdin(Stdio::null()).output();
        // It prints to its standard error. Without an ssh(1) the newest rules count.
        let text = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        text.ok().and_then(|text| Release::parse(&text)).unwrap_or(Release::NEWEST)
    });
    Ok(Environment::of_process()?.with_release(*release))
}

/// Runs a command of `Match exec` as ssh(1) does, in the user's shell.
async fn run<S>(
    setup: &Setup<S>,
    destination: &Destination,
    exec: &Exec,
) -> Result<bool, SshError> {
    let place = format!("Match exec in {}, line {}", exec.file().display(), exec.line());
    let failed = |kind, text: String| SshError::new(kind, destination, text);
    if !setup.match_exec {
        let text = format!("{place} must run a command, which with_match_exec() allows");
        return Err(failed(SshErrorKind::Config, text));
    }
    let unstarted = |error: std::io::Error| {
        failed(SshErrorKind::Program, format!("{place} cannot be started: {error}"))
    };
    let command = Command::criterion(exec.command());
    let deadline = setup.runtime.now() + EXEC_TIMEOUT;
    let (command, spawned) = unblock(move || {
        let spawned = command.spawn(Stdio::null(), Stdio::null());
        (command, spawned)
    })
    .await;
    let Spawned { process, stderr } = spawned.map_err(unstarted)?;
    let stderr = setup.runtime.local(stderr).map_err(unstarted)?;
    let mut running = Running::new(&command, process, stderr);
    let end = async { Some(running.end().await.is_ok()) };
    let late = async {
        setup.runtime.sleep_until(deadline).await;
        None
    };
    end.or(late).await.ok_or_else(|| {
        failed(SshErrorKind::Config, format!("{place} has run for {EXEC_TIMEOUT:?}"))
    })
}

/// Adds which of the names exists. A resolver does not return the end of a name's aliases, so the
/// name itself counts as canonical.
async fn look_up<S>(setup: &Setup<S>, names: &Names, mut facts: Facts) -> Facts {
    for name in names.names() {
        let found = setup.runtime.look_up(name, names.families()).await;
        if found.is_ok_and(|addresses| !addresses.is_empty()) {
            return facts.with_name(name, name.trim_end_matches('.'));
        }
        facts = facts.without_name(name);
    }
    facts
}
