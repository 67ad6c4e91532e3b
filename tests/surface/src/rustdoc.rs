//! Asks rustdoc for the description of a crate as JSON.
//!
//! The output needs `-Z unstable-options`, which a stable compiler accepts under
//! `RUSTC_BOOTSTRAP=1`. Build scripts probe for that variable, so setting it for cargo would
//! rebuild `proc-macro2` and everything above it. Cargo therefore runs this program as its rustdoc,
//! and this program sets the variable for rustdoc alone. Cargo removes the pages that it made of
//! these crates before; `cargo doc` makes them anew.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, fs};

use rustdoc_types::{Crate, FORMAT_VERSION};
use serde_json::Value;

/// Names the real rustdoc. Where it is set, this program stands in for rustdoc.
const REAL: &str = "STAGGER_SURFACE_RUSTDOC";

/// One crate as rustdoc describes it.
pub(crate) struct Described {
    pub(crate) file: PathBuf,
    pub(crate) krate: Crate,
}

/// Why there is no description.
#[derive(Debug)]
pub(crate) enum Missing {
    /// The compiler writes another version of the format.
    OtherFormat(u64),
    Failed(String),
}

/// Where the workspace is, and where cargo builds.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self, String> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .map_err(|err| format!("cannot run cargo: {err}"))?;
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|err| format!("cannot read the output of cargo metadata: {err}"))?;
        let path = |key: &str| match metadata[key].as_str() {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(format!("the output of cargo metadata has no {key}")),
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// Describes packages of the workspace with all their features.
    pub(crate) fn describe(&self, packages: &[&str]) -> Result<Vec<Described>, Missing> {
        let real = env::var_os("RUSTDOC").unwrap_or_else(|| OsString::from("rustdoc"));
        let myself = env::current_exe()
            .map_err(|err| Missing::Failed(format!("cannot find this program: {err}")))?;
        let folder = self.target.join("doc");
        let files = packages
            .iter()
            .map(|package| folder.join(package.replace('-', "_")).with_extension("json"));
        // An old description must not pass for a new one.
        files.clone().for_each(|file| drop(fs::remove_file(file)));
        let status = Command::new(cargo())
            .args(["doc", "-q", "--no-deps", "--lib", "--all-features"])
            .args(packages.iter().flat_map(|package| ["-p", package]))
            .current_dir(&self.root)
            .env("RUSTDOC", myself)
            .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
            .env_remove("CARGO_ENCODED_RUSTDOCFLAGS")
            .env(REAL, real)
            .status()
            .map_err(|err| Missing::Failed(format!("cannot run cargo: {err}")))?;
        if !status.success() {
            return Err(Missing::Failed(String::from("cargo doc failed")));
        }
        files.map(read).collect()
    }
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Runs the real rustdoc if cargo started this program in its place.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let real = env::var_os(REAL)?;
    let status = Command::new(real)
        .args(env::args_os().skip(1))
        .env_remove(REAL)
        .env("RUSTC_BOOTSTRAP", "1")
        .status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Reads a description, unless another version of the format wrote it.
pub(crate) fn read(file: PathBuf) -> Result<Described, Missing> {
    let failed = |err: String| Missing::Failed(format!("cannot read {}: {err}", file.display()));
    let text = fs::read_to_string(&file).map_err(|err| failed(err.to_string()))?;
    let krate = parse(&text).map_err(|missing| match missing {
        Missing::Failed(err) => failed(err),
        other => other,
    })?;
    Ok(Described { file, krate })
}

fn parse(text: &str) -> Result<Crate, Missing> {
    // Cheaper than to parse it all twice. A file of another version need not fit our types.
    let version = text
        .rsplit_once("\"format_version\":")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .ok_or_else(|| Missing::Failed(String::from("it has no format version")))?;
    if version != u64::from(FORMAT_VERSION) {
        return Err(Missing::OtherFormat(version));
    }
    serde_json::from_str(text).map_err(|err| Missing::Failed(err.to_string()))
}

/// Says what to do about a compiler of another version.
pub(crate) fn other_format(version: u64) -> String {
    format!(
        "this compiler writes version {version} of rustdoc's JSON, and the checks read version \
         {FORMAT_VERSION}: use Rust 1.95, or move `public-api` and `rustdoc-types` in Cargo.toml to \
         versions that read {version}, then run `cargo run -p stagger-surface -- --write`"
    )
}

/// Describes a small crate for a test. `None` if the compiler writes another version of the format.
#[cfg(test)]
pub(crate) fn fixture(name: &str, source: &str) -> Option<Described> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("stagger-surface-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("lib.rs");
    fs::write(&file, source).unwrap();
    let real = env::var_os("RUSTDOC").unwrap_or_else(|| OsString::from("rustdoc"));
    let status = Command::new(real)
        .args(["--edition=2024", "-Z", "unstable-options", "--output-format", "json"])
        .args(["--crate-name", name, "--out-dir"])
        .args([&folder, &file])
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .unwrap();
    assert!(status.success(), "rustdoc rejects the fixture");
    let described = read(folder.join(name).with_extension("json"));
    match described {
        Ok(described) => Some(described),
        Err(Missing::OtherFormat(version)) if may_skip() => {
            #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
            {
                eprintln!("SKIPPED: {}", other_format(version));
            }
            None
        }
        Err(err) => panic!("{err:?}"),
    }
}

/// Whether a check that cannot run may be left out: not in CI, where nobody would see it.
pub(crate) fn may_skip() -> bool {
    !is_ci(env::var("CI").ok().as_deref())
}

fn is_ci(variable: Option<&str>) -> bool {
    variable.is_some_and(|value| !matches!(value, "" | "0" | "false"))
}

/// Removes what [`fixture`] left.
#[cfg(test)]
impl Drop for Described {
    fn drop(&mut self) {
        if let Some(folder) = self.file.parent().filter(|it| it.starts_with(env::temp_dir())) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_of_the_format_is_named_and_not_parsed() {
        let text = r#"{"root":{"new":"shape"},"index":{},"format_version":9999}"#;
        assert!(matches!(parse(text), Err(Missing::OtherFormat(9999))));
        assert!(other_format(9999).contains("version 9999"));
    }

    #[test]
    fn a_check_may_be_left_out_only_outside_ci() {
        assert!(is_ci(Some("true")) && is_ci(Some("1")));
        assert!(!is_ci(None) && !is_ci(Some("")) && !is_ci(Some("false")));
    }

    #[test]
    fn a_text_without_a_version_is_an_error() {
        assert!(matches!(parse("{}"), Err(Missing::Failed(_))));
    }

    #[test]
    fn a_crate_that_rustdoc_describes_is_read() {
        let Some(described) = fixture("read", "//! A crate.\n") else { return };
        let root = &described.krate.index[&described.krate.root];
        assert_eq!(root.docs.as_deref(), Some("A crate."));
    }
}
