//! Checks the public surface of the published crates, and the documents.
//!
//! `cargo run -p stagger-surface` compares and fails, and with `-- --write` it accepts the change
//! of an API: it writes `docs/api/*.txt`, and raises the shares in `tests/surface/examples.txt`.
#![forbid(unsafe_code)]
// Its output is what it is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod allowed;
mod builder;
mod default;
mod example;
mod exhaustive;
mod item;
mod prose;
mod root;
mod rustdoc;
mod text;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use allowed::{Allowed, Finding};
use example::{Ratchet, SEAMS, Share};
use item::Surface;
use rustdoc::{Described, Missing, Workspace};

/// The published crates.
const PACKAGES: [&str; 12] = [
    "stagger",
    "stagger-net",
    "stagger-dns",
    "stagger-testkit",
    "stagger-tokio",
    "stagger-smol",
    "stagger-async-std",
    "stagger-tls",
    "stagger-reconnect",
    "stagger-proxy",
    "stagger-hyper",
    "stagger-endpoint",
];

/// Those of them that promise the same names.
const ADAPTERS: [&str; 3] = ["stagger_tokio", "stagger_smol", "stagger_async_std"];

const ALLOWED: &str = "tests/surface/allowed.txt";
const EXAMPLES: &str = "tests/surface/examples.txt";

fn main() -> ExitCode {
    if let Some(code) = rustdoc::stand_in() {
        return code;
    }
    let args: Vec<_> = env::args().skip(1).collect();
    let write = match &*args.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => false,
        ["--write"] => true,
        _ => {
            eprintln!("usage: cargo run -p stagger-surface -- [--write]");
            return ExitCode::FAILURE;
        }
    };
    match run(write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("error: {err}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every check, and returns whether all passed.
fn run(write: bool) -> Result<bool, String> {
    let workspace = Workspace::find()?;
    let root = &workspace.root;
    let mut findings =
        prose::check(root).map_err(|err| format!("cannot read the documents: {err}"))?;
    let mut passed = true;
    match workspace.describe(&PACKAGES) {
        Ok(described) => {
            for (package, described) in PACKAGES.iter().zip(&described) {
                passed &= compare(root, package, described, write)?;
            }
            findings.extend(check(root, &described, write)?);
        }
        Err(Missing::OtherFormat(version)) if rustdoc::may_skip() => {
            eprintln!("SKIPPED the checks of the API: {}", rustdoc::other_format(version));
        }
        Err(Missing::OtherFormat(version)) => return Err(rustdoc::other_format(version)),
        Err(Missing::Failed(err)) => return Err(err),
    }
    for finding in &findings {
        println!("{} {}: {}", finding.rule, finding.item, finding.message);
    }
    if !findings.is_empty() {
        println!(
            "{} lines break a rule. An exception needs a line with its reason in {ALLOWED}; lines of \
             prose have no exceptions.",
            findings.len()
        );
    }
    Ok(passed && findings.is_empty())
}

/// Compares the API of a crate with its file, or writes that.
fn compare(root: &Path, package: &str, described: &Described, write: bool) -> Result<bool, String> {
    let name = format!("docs/api/{package}.txt");
    let text = text::render(described)?;
    if write {
        write_file(root, &name, &text)?;
        return Ok(true);
    }
    let old = fs::read_to_string(root.join(&name)).unwrap_or_default();
    let Some(report) = text::difference(&old, &text) else { return Ok(true) };
    println!("The public API of {package} is not as {name} has it:\n{report}");
    println!("To accept this change: cargo run -p stagger-surface -- --write\n");
    Ok(false)
}

/// Checks the names and the examples, and raises the shares of examples if it may write.
fn check(root: &Path, described: &[Described], write: bool) -> Result<Vec<Finding>, String> {
    let surfaces: Vec<_> =
        described.iter().map(|described| Surface::new(&described.krate)).collect();
    let core = &surfaces[0];
    let adapters: Vec<_> =
        surfaces.iter().filter(|surface| ADAPTERS.contains(&surface.name)).collect();
    let mut findings = example::check_seams(&surfaces, &SEAMS);
    findings.extend(example::check_root(core));
    findings.extend(root::check_core(core));
    findings.extend(root::check_adapters(&adapters));
    for surface in &surfaces {
        findings.extend(builder::check(surface));
        findings.extend(exhaustive::check(surface));
    }

    let ratchet = Ratchet::parse(&read_file(root, EXAMPLES)?)?;
    let mut lines = String::from(
        "# The least share of public items with an example, in percent. It may rise, and not fall.\n",
    );
    for surface in &surfaces {
        let share = Share::count(surface);
        println!(
            "{}: examples on {} of {} items, {} %",
            surface.name,
            share.with,
            share.of,
            share.percent()
        );
        lines.push_str(&ratchet.line(surface.name, share));
        if !write {
            findings.extend(ratchet.check(surface.name, share));
        }
    }
    if write {
        write_file(root, EXAMPLES, &lines)?;
    }
    let allowed = read_file(root, ALLOWED)?;
    Ok(Allowed::parse(&allowed)?.apply(findings))
}

fn read_file(root: &Path, name: &str) -> Result<String, String> {
    fs::read_to_string(root.join(name)).map_err(|err| format!("cannot read {name}: {err}"))
}

fn write_file(root: &Path, name: &str, text: &str) -> Result<(), String> {
    let file = root.join(name);
    fs::create_dir_all(file.parent().unwrap_or(root))
        .and_then(|()| fs::write(&file, text))
        .map_err(|err| format!("cannot write {name}: {err}"))
}
