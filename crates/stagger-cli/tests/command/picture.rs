//! The picture of a race: without a terminal, and in a file.

use std::fs;
use std::path::PathBuf;

use roxmltree::Document;

use crate::run::{Run, command, listener, refusing, run, stagger};

/// Connects with these additional variables and options.
fn connect(variables: &[(&str, &str)], options: &[&str]) -> Run {
    let (_listener, addr) = listener();
    let variables = variables.iter().copied();
    let run = run(command().args(["connect", &addr.to_string()]).args(options).envs(variables));
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

#[test]
fn what_is_no_terminal_gets_no_escape_and_80_columns() {
    let run = connect(&[], &[]);
    assert!(!run.out.contains('\x1b'), "{run:?}");
    let widest = run.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{run:?}");
    assert!(run.out.contains("━"), "{run:?}");
}

#[test]
fn colours_are_had_by_asking_for_them() {
    let green = "\x1b[32m";
    assert!(connect(&[("NO_COLOR", "1")], &["--color", "always"]).out.contains(green));
    assert!(!connect(&[], &["--color", "never"]).out.contains('\x1b'));
    let demo = run(command().args(["demo", "--color", "always"]));
    assert!(demo.out.contains(green), "{demo:?}");
}

#[test]
fn the_width_is_that_of_the_variable() {
    let run = connect(&[("COLUMNS", "200")], &[]);
    let axis = run.out.lines().nth(1).unwrap();
    assert!(axis.chars().count() > 150, "{run:?}");
    // Without bars there is no axis.
    let run = connect(&[("COLUMNS", "40")], &[]);
    assert!(run.out.starts_with("  127.0.0.1:"), "{run:?}");
}

#[test]
fn a_locale_without_unicode_gets_ascii() {
    let run = connect(&[("LC_ALL", "C")], &[]);
    assert!(run.out.is_ascii(), "{run:?}");
    assert!(run.out.contains("=*"), "{run:?}");
    assert!(run.out.contains("* won\n"), "{run:?}");
}

/// A directory for one test. Dropping it removes the directory.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let name = format!("stagger-cli-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_picture_is_written_to_a_file_beside_the_timeline() {
    let room = Room::new("svg");
    let file = room.file("race.svg");
    for options in [&["--svg", &file[..]][..], &["--svg", &file, "--json"]] {
        let run = connect(&[], options);
        assert!(run.out.contains("connected"), "{run:?}");
        let text = fs::read_to_string(&file).unwrap();
        let document = Document::parse(&text).unwrap();
        assert!(document.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
        assert!(text.contains(">connected to 127.0.0.1:"), "{text}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_race_that_is_lost_has_its_picture_too() {
    let room = Room::new("lost");
    let file = room.file("race.svg");
    let (_socket, addr) = refusing();
    let run = stagger(&["connect", &addr.to_string(), "--svg", &file]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let text = fs::read_to_string(&file).unwrap();
    Document::parse(&text).unwrap();
    assert!(text.contains(">Connection refused"), "{text}");
}

#[test]
fn a_picture_on_standard_output_is_all_there_is() {
    let run = connect(&[], &["--svg", "-"]);
    Document::parse(&run.out).unwrap();
    assert_eq!(run.err, "");
}

#[test]
fn a_picture_that_cannot_be_written_is_said_after_the_race() {
    let room = Room::new("unwritten");
    let file = room.file("no-such-directory/race.svg");
    let (_listener, addr) = listener();
    let run = stagger(&["connect", &addr.to_string(), "--svg", &file]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("\nconnected to "), "{run:?}");
    assert!(run.err.starts_with(&format!("error: cannot write {file:?}: ")), "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
}

#[test]
fn bad_usage_writes_no_picture() {
    let room = Room::new("usage");
    let file = room.file("race.svg");
    let run = stagger(&["connect", "localhost:65536", "--svg", &file]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(!fs::exists(&file).unwrap());

    let run = stagger(&["connect", "localhost:80", "--svg", "-", "--json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.json()["error"].as_str().unwrap().contains("--json"), "{run:?}");
}
