//! What holds for the page of clients: its lines are those of the programs, which a script runs.
//!
//! The programs are a workspace of their own, so they are not built here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("examples are in the workspace").to_path_buf()
}

fn page() -> String {
    fs::read_to_string(workspace().join("docs/clients.md")).unwrap()
}

/// The programs, by their paths in the workspace.
fn programs() -> BTreeSet<String> {
    let mut programs = BTreeSet::new();
    for package in fs::read_dir(workspace().join("examples/clients")).unwrap() {
        let Ok(files) = fs::read_dir(package.unwrap().path().join("src/bin")) else { continue };
        for file in files {
            let path = file.unwrap().path();
            programs.insert(path.strip_prefix(workspace()).unwrap().to_str().unwrap().to_owned());
        }
    }
    assert!(programs.len() > 15, "the programs are found: {programs:?}");
    programs
}

/// The programs that a text links to.
fn linked(text: &str) -> BTreeSet<String> {
    let targets = text.split("](../").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| target.ends_with(".rs")).map(str::to_owned).collect()
}

/// The sections of the page, each with its heading.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let starts = text.split("\n#").skip(1);
    starts.filter_map(|section| section.trim_start_matches(['#', ' ']).split_once('\n')).collect()
}

/// A text with one space between its words, so that indentation does not count.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_program_of_a_client_is_linked_and_leads_back() {
    assert_eq!(linked(&page()), programs());
    for program in programs() {
        let text = fs::read_to_string(workspace().join(&program)).unwrap();
        assert!(text.contains("`docs/clients.md`"), "{program} does not name the page");
    }
    let read_me = fs::read_to_string(workspace().join("README.md")).unwrap();
    assert!(read_me.contains("](docs/clients.md)"));
}

#[test]
fn the_code_of_the_page_of_clients_is_in_the_programs_of_its_section() {
    let text = page();
    let mut checked = 0;
    for (heading, section) in sections(&text) {
        let programs = linked(section);
        let read = |path: &String| flat(&fs::read_to_string(workspace().join(path)).unwrap());
        let programs: Vec<_> = programs.iter().map(read).collect();
        for block in section.split("```rs\n").skip(1) {
            let code = flat(block.split("```").next().unwrap());
            let found = programs.iter().any(|program| program.contains(&code));
            assert!(found, "no program of the section {heading} has: {code}");
            checked += 1;
        }
    }
    assert!(checked > 15, "blocks are found: {checked}");
}

#[test]
fn every_row_of_the_page_of_clients_is_measured_by_a_program_of_its_section() {
    let text = page();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| [")) {
        let name = line.trim_start_matches("| [").split(']').next().unwrap();
        let (_, section) = *sections(&text)
            .iter()
            .find(|(heading, _)| *heading == name)
            .unwrap_or_else(|| panic!("{name} has no section"));
        let row = format!("Row::new(\"{name}\")");
        let measures =
            |path: &String| fs::read_to_string(workspace().join(path)).unwrap().contains(&row);
        assert!(linked(section).iter().any(measures), "no program measures {name}");
        let times = format!("<!-- times {name} -->\n\nIn milliseconds");
        assert!(section.contains(&times), "the section of {name} has no times");
        rows += 1;
    }
    let measured = programs()
        .into_iter()
        .filter(|path| fs::read_to_string(workspace().join(path)).unwrap().contains("Row::new("));
    assert_eq!(rows, measured.count(), "a row for each program that measures");
}
