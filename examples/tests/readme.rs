//! The README as a newcomer follows it: its dependency lines and its programs make packages that
//! compile and connect, and its figures of dependencies are right.
//!
//! The packages are built without a network, with the versions of this workspace's lock file. They
//! share the target folder of the tests, so only the first run compiles anything large.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use socket2::{Domain, Socket, Type};

/// The target of the README's programs. Here it is the first argument instead.
const TARGET: &str = "\"example.com:https\"";

/// Where the README has the clone.
const CLONE: &str = "path = \"../stagger/";

/// A program of the README, with the dependency lines above it.
struct Program {
    dependencies: String,
    code: String,
}

fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("examples are in the workspace").to_path_buf()
}

fn read_me() -> String {
    fs::read_to_string(workspace().join("README.md")).unwrap()
}

/// The contents of a text's code blocks, each with the word after the fence.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
        blocks.push((language, block.map(|line| format!("{line}\n")).collect()));
    }
    blocks
}

/// The program with the `runtime`'s dependency lines.
fn program(runtime: &str) -> Program {
    let read_me = read_me();
    let blocks = blocks(&read_me);
    let mut found = Vec::new();
    for pair in blocks.windows(2) {
        let [("toml", dependencies), ("rust,no_run", code)] = pair else { continue };
        if dependencies.contains(&format!("stagger-{runtime} = ")) {
            found.push(Program { dependencies: dependencies.clone(), code: code.clone() });
        }
    }
    assert_eq!(found.len(), 1, "the README has one program for {runtime}");
    found.remove(0)
}

/// Replaces the one occurrence of `from`.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from} is once in:\n{text}");
    text.replace(from, to)
}

/// Writes a file where its text is new, so that Cargo compiles nothing twice.
fn write(path: &Path, text: &str) {
    match fs::read_to_string(path) {
        Ok(old) if old == text => return,
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => panic!("{}: {error}", path.display()),
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Warnings of the command line are for this workspace's own code.
    cargo.env("CARGO_TERM_COLOR", "never").current_dir(workspace());
    cargo
}

#[track_caller]
fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{err}", output.status);
    output
}

/// Builds the program for `runtime` in a package of its own, as the README says, and returns the
/// file to run.
fn built(runtime: &str) -> PathBuf {
    let program = program(runtime);
    let name = format!("readme-{runtime}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let head = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n");
    let clone = format!("path = \"{}/", workspace().display());
    write(&folder.join("Cargo.toml"), &(head + &replaced(&program.dependencies, CLONE, &clone)));
    let argument = "std::env::args().nth(1).ok_or(\"no target\")?";
    write(&folder.join("src/main.rs"), &replaced(&program.code, TARGET, argument));
    // Cargo removes from it what the package does not need.
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    succeeds(
        cargo()
            .args(["build", "--quiet", "--offline", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target),
    );
    target.join("debug").join(name)
}

fn connects_and_fails(runtime: &str) {
    let program = built(runtime);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let target = format!("localhost:{}", addr.port());

    let output = succeeds(Command::new(&program).arg(&target));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("connected to {addr}\n"));
    listener.accept().unwrap();

    // A socket that is bound and does not listen refuses.
    let refusing = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    refusing.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = refusing.local_addr().unwrap().as_socket().unwrap().port();
    let target = format!("localhost:{port}");
    let output = Command::new(&program).arg(&target).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("Error: ") && err.contains("localhost"), "{err}");
}

#[test]
fn the_program_on_tokio_connects() {
    connects_and_fails("tokio");
}

#[test]
fn the_program_on_smol_connects() {
    connects_and_fails("smol");
}

/// How many crates an adapter's tree has, itself included.
fn crates(adapter: &str, features: &[&str]) -> usize {
    let output = succeeds(
        cargo()
            .args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none"])
            .args(["-p", adapter])
            .args(features),
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

#[test]
fn the_figures_of_dependencies_are_right() {
    let read_me = read_me();
    for adapter in ["stagger-tokio", "stagger-smol"] {
        let without = crates(adapter, &["--no-default-features"]);
        let default = crates(adapter, &[]);
        let dns = crates(adapter, &["--features", "dns"]);
        let row = format!("| `{adapter}` | {without} | {default} | {dns} |");
        assert!(read_me.contains(&row), "the README should have the row: {row}");
        let saved = format!("saves {} crates", default - without);
        assert!(read_me.contains(&saved), "the README should say: {saved}");
    }
}
