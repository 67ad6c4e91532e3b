//! The seeds of the fuzz targets, on any toolchain.
#![allow(clippy::print_stderr, reason = "which seed it was is for the reader")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use stagger_fuzz::TARGETS;

fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    let read = |path: &Path| (path.display().to_string(), fs::read(path).unwrap());
    entries.map(|entry| read(&entry.unwrap().path())).collect()
}

/// What was running when something failed to hold.
struct Running<'a>(&'a str, usize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the first {} bytes of {}", self.1, self.0);
        }
    }
}

#[test]
fn every_seed_of_a_fuzz_target_holds_whole_and_cut_anywhere() {
    for (name, target) in TARGETS {
        let seeds = folder(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (path, seed) in seeds {
            for length in 0..=seed.len() {
                let _running = Running(&path, length);
                target(&seed[..length]);
            }
        }
    }
}

#[test]
fn every_fuzz_target_has_a_program_and_every_folder_of_seeds_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str, extension: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.map(|name| name.strip_suffix(extension).unwrap_or(&name).to_owned()).collect()
    };
    let programs = names("fuzz/fuzz_targets", ".rs");
    assert_eq!(names("seeds", ""), programs);
    // Messages over TCP are lengths and what those of UDP are: no words of their own.
    let mut with_words = programs.clone();
    with_words.remove("tcp");
    assert_eq!(names("dictionaries", ".dict"), with_words);
    // Cargo builds those alone that its manifest names.
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    for name in &programs {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    for (name, _) in TARGETS {
        assert!(programs.contains(*name), "{name}");
    }
    if cfg!(fuzzing) {
        assert_eq!(TARGETS.len(), programs.len());
    }
}
