//! What holds for the README, the crates' READMEs, the guide and the page of clients: their code is
//! tested, their links lead to files, and the guide's lines are short.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest line of prose, in characters.
const COLUMNS: usize = 100;

/// The page of clients. Its code is in the programs of another workspace: see `clients.rs`.
const CLIENTS: &str = "docs/clients.md";

fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("examples are in the workspace").to_path_buf()
}

/// The files in a folder, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The pages, each with its path in the workspace and its text.
fn pages() -> Vec<(String, String)> {
    let mut paths = vec![workspace().join("README.md"), workspace().join(CLIENTS)];
    paths.extend(files("crates").into_iter().map(|folder| folder.join("README.md")));
    paths.extend(files("docs/guide"));
    let pages: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(workspace()).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(pages.len() > 15, "the pages are found: {}", pages.len());
    pages
}

/// The lines outside code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of the links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn the_code_of_every_page_is_a_doc_test() {
    let tested = fs::read_to_string(workspace().join("examples/src/page.rs")).unwrap();
    for (name, text) in pages() {
        if text.contains("```rust") {
            assert!(tested.contains(&format!("\"{name}\"\n")), "{name} is not in page.rs");
        }
        assert!(!text.contains("ignore\n"), "{name} has code that is not compiled");
        // The programs of the READMEs would look example.com up. `readme.rs` runs them.
        let is_guide = name.starts_with("docs/guide/");
        assert!(!is_guide || !text.contains("no_run\n"), "{name} has code that is not run");
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    for (name, text) in pages() {
        let folder = workspace().join(&name).parent().unwrap().to_path_buf();
        for (number, link) in prose(&text).flat_map(|(n, line)| links(line).map(move |l| (n, l))) {
            if link.contains("://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if path.is_empty() { workspace().join(&name) } else { folder.join(path) };
            assert!(file.exists(), "{name}:{number}: there is no {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&file).unwrap();
                let mut headings = prose(&text).filter(|(_, line)| line.starts_with('#'));
                let found = headings.any(|(_, line)| anchor(line) == heading);
                assert!(found, "{name}:{number}: there is no heading for {link}");
            }
        }
    }
}

/// The anchor that a heading has.
fn anchor(line: &str) -> String {
    let text = line.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_guide_s_prose_is_at_most_a_hundred_columns_wide() {
    for (name, text) in pages().into_iter().filter(|(name, _)| name.starts_with("docs/guide/")) {
        for (number, line) in prose(&text) {
            let is_free = line.starts_with('|') || line.contains("](");
            let width = line.chars().count();
            assert!(is_free || width <= COLUMNS, "{name}:{number} has {width} columns");
        }
    }
}

#[test]
fn the_guide_s_first_page_leads_to_every_page() {
    let first = fs::read_to_string(workspace().join("docs/guide/README.md")).unwrap();
    let linked = prose(&first).flat_map(|(_, line)| links(line));
    let linked: Vec<_> = linked.filter_map(|link| link.split('#').next()).collect();
    for page in files("docs/guide") {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(name == "README.md" || linked.contains(&name), "{name} is not linked");
    }
}

/// Whether a character is not part of a word of code.
fn is_no_word(c: char) -> bool {
    !c.is_alphanumeric() && c != '_'
}

/// The names in the code spans of a line that must exist: a word after `::`, and a builder.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).flat_map(|span| {
        let tails = span.split("::").skip(1).filter_map(|tail| tail.split(is_no_word).next());
        let is_builder = |word: &&str| word.starts_with("with_") || word.starts_with("without_");
        let builders = span.split(is_no_word).filter(is_builder);
        tails.chain(builders).filter(|word| !word.is_empty())
    })
}

/// All words of the code of the crates and of the clients' programs, without comments.
fn words_of_code() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut folders = ["crates", "examples/src", "examples/clients"]
        .map(|folder| workspace().join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
                words.extend(code.flat_map(|line| line.split(is_no_word)).map(str::to_owned));
            }
        }
    }
    words
}

#[test]
fn names_in_the_prose_of_every_page_exist() {
    let words = words_of_code();
    let mut checked = 0;
    for (name, text) in pages() {
        for (number, line) in prose(&text) {
            for word in names(line) {
                checked += 1;
                assert!(words.contains(word), "{name}:{number}: nothing is named {word}");
            }
        }
    }
    assert!(checked > 50, "names are found: {checked}");
}
