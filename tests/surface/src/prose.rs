//! Lines of prose that fit a screen: doc comments and the documents have at most 100 columns.
//!
//! Tables, code, headings, HTML and the targets of links may be longer. So may one word or code
//! span.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::allowed::Finding;

const COLUMNS: usize = 100;

/// How many lines docs/architecture.md has at most, tables aside.
const ARCHITECTURE_LINES: usize = 70;

/// Checks every document and every doc comment of the project.
pub(crate) fn check(root: &Path) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files(root)? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        let long = match file.extension().is_some_and(|extension| extension == "rs") {
            true => long_doc_lines(&text),
            false => long_lines(&text),
        };
        findings.extend(long.into_iter().map(|(number, columns)| {
            let message = format!("has {columns} columns, and at most {COLUMNS} are allowed");
            Finding::new("line", format!("{name}:{number}"), &message)
        }));
        if name == "docs/architecture.md" {
            findings.extend(check_architecture(&text));
        }
    }
    Ok(findings)
}

fn check_architecture(text: &str) -> Option<Finding> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('|')).count();
    let message = format!("has {lines} lines outside tables, and at most {ARCHITECTURE_LINES} fit");
    (lines > ARCHITECTURE_LINES).then(|| Finding::new("length", "docs/architecture.md", &message))
}

/// The README files, the documents, and all Rust files, in order.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![root.join("README.md")];
    files.push(root.join("CHANGELOG.md"));
    for folder in ["docs", "docs/guide"] {
        for entry in fs::read_dir(root.join(folder))? {
            files.push(entry?.path());
        }
    }
    for entry in fs::read_dir(root.join("crates"))? {
        files.push(entry?.path().join("README.md"));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    for folder in ["crates", "tests", "examples"] {
        add_rust(&root.join(folder), &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn add_rust(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                add_rust(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The numbers and widths of the lines of a document that are too long.
fn long_lines(text: &str) -> Vec<(usize, usize)> {
    let mut prose = Prose::default();
    let lines = text.lines().zip(1..);
    lines.filter_map(|(line, number)| Some((number, prose.excess(line, 0)?))).collect()
}

/// The same for the doc comments of a Rust file. The indentation counts.
fn long_doc_lines(text: &str) -> Vec<(usize, usize)> {
    let mut prose = Prose::default();
    let mut long = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let code = line.trim_start();
        let is_doc =
            (code.starts_with("///") && !code.starts_with("////")) || code.starts_with("//!");
        if !is_doc {
            prose = Prose::default();
            continue;
        }
        let margin = line.len() - code.len() + 3;
        let excess = prose.excess(&code[3..], margin);
        long.extend(excess.map(|columns| (number, columns)));
    }
    long
}

/// Where a reader of Markdown is: within a fence, which ends with as many marks as it began with.
#[derive(Default)]
struct Prose {
    fence: Option<String>,
}

impl Prose {
    /// Reads the next line, and returns its width if that is too much.
    fn excess(&mut self, line: &str, margin: usize) -> Option<usize> {
        let text = line.trim_start();
        let marks = text.len() - text.trim_start_matches(['`', '~']).len();
        let (mark, info) = text.split_at(marks);
        match &self.fence {
            Some(open) => {
                if mark.starts_with(open.as_str()) && info.trim().is_empty() {
                    self.fence = None;
                }
                return None;
            }
            None if marks >= 3 => {
                self.fence = Some(mark.to_owned());
                return None;
            }
            None => {}
        }
        let is_definition = text.starts_with('[') && text.contains("]: ");
        if text.starts_with(['|', '#', '<']) || is_definition {
            return None;
        }
        let line = without_links(line);
        let indent = margin + line.len() - line.trim_start().len();
        let columns = margin + line.trim_end().chars().count();
        let is_one_word =
            solid(&line).split_whitespace().any(|word| indent + word.chars().count() > COLUMNS);
        (columns > COLUMNS && !is_one_word).then_some(columns)
    }
}

/// A line whose code spans are one word each.
fn solid(line: &str) -> String {
    let pieces = line.split('`').zip([false, true].into_iter().cycle());
    let pieces = pieces.map(|(piece, is_code)| match is_code {
        true => piece.replace(' ', "_"),
        false => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// A line without the targets of its links, which nothing can break.
fn without_links(line: &str) -> String {
    let mut rest = line;
    let mut kept = String::new();
    while let Some((before, target)) = rest.split_once("](") {
        kept.push_str(before);
        kept.push_str("]()");
        rest = target.split_once(')').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let words = kept.split(' ').map(|word| match word.find("http") {
        Some(at) if word[at..].contains("://") => &word[..at],
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(columns: usize) -> String {
        let mut text = "word ".repeat(columns / 5 + 1);
        text.truncate(columns - 1);
        text.push('d');
        text
    }

    #[test]
    fn a_line_of_a_document_may_have_a_hundred_columns() {
        assert_eq!(long_lines(&words(100)), []);
        assert_eq!(long_lines(&format!("# Head\n\n{}\n", words(101))), [(3, 101)]);
        assert_eq!(long_lines(&"é ".repeat(50)), []);
        assert_eq!(long_lines(&format!("- {}", words(99))), [(1, 101)]);
    }

    #[test]
    fn a_doc_comment_counts_with_its_indentation() {
        let comment = |columns| format!("fn a() {{}}\n    /// {}\n", words(columns));
        assert_eq!(long_doc_lines(&comment(92)), []);
        assert_eq!(long_doc_lines(&comment(93)), [(2, 101)]);
        assert_eq!(long_doc_lines(&format!("//! {}", words(97))), [(1, 101)]);
        assert_eq!(long_doc_lines(&format!("// {}", words(120))), []);
        assert_eq!(long_doc_lines(&format!("let a = \"{}\";", words(120))), []);
    }

    #[test]
    fn tables_code_headings_links_and_long_words_may_be_longer() {
        let long = words(120);
        for text in [
            format!("| {long} |"),
            format!("# {long}"),
            format!("```text\n{long}\n```"),
            format!("````\n```\n{long}\n````"),
            format!("<img alt=\"{long}\">"),
            format!("[name]: {long}"),
            format!("see [this]({0}) and [that]({0})", "x".repeat(60)),
            format!("see https://example.com/{0} https://example.com/{0}", "x".repeat(60)),
            format!("see {}", "x".repeat(120)),
            format!("`{long}`;"),
        ] {
            assert_eq!(long_lines(&text), [], "{text}");
        }
        // After the fence and after the link the rule holds again.
        assert_eq!(long_lines(&format!("```\n{long}\n```\n{long}")), [(4, 120)]);
        assert_eq!(long_lines(&format!("[a](b) {long}")).len(), 1);
        assert_eq!(long_lines(&format!("`a` {long} `b`")).len(), 1);
        assert_eq!(long_doc_lines(&format!("/// ```\nfn a() {{}}\n/// {long}")), [(3, 124)]);
    }

    #[test]
    fn the_page_on_the_architecture_has_at_most_seventy_lines() {
        let page = |lines| format!("{}| a | b |\n| c | d |\n", "line\n".repeat(lines));
        assert_eq!(check_architecture(&page(70)), None);
        assert!(check_architecture(&page(71)).is_some());
    }

    #[test]
    fn every_kind_of_file_is_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let files = files(&root).unwrap();
        for name in [
            "README.md",
            "CHANGELOG.md",
            "docs/design.md",
            "docs/guide/resolver.md",
            "crates/stagger/README.md",
            "crates/stagger/src/lib.rs",
            "tests/surface/src/prose.rs",
        ] {
            assert!(files.contains(&root.join(name)), "{name}");
        }
    }
}
