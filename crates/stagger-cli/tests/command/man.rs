//! The pages of the manual.

use std::process::Command;

use crate::run::{Run, STAGGER, run, stagger};
use crate::skip::skip;

/// The pages by their commands; the empty name is the page of `stagger`.
const PAGES: [&str; 11] = [
    "",
    "connect",
    "resolve",
    "listen",
    "udp",
    "udp-listen",
    "udp-send",
    "history",
    "demo",
    "completions",
    "man",
];

/// A page as text, and the warnings of groff.
fn shown(page: &str) -> Run {
    // Without the last option, letters are printed over each other.
    let script = "\"$0\" man $1 | groff -man -ww -Tutf8 -P-c -P-b -P-u -P-o";
    run(Command::new("bash").args(["-o", "pipefail", "-c", script, STAGGER, page]))
}

#[test]
fn every_page_is_set_without_a_warning() {
    if Command::new("groff").arg("--version").output().is_err() {
        return skip("there is no groff");
    }
    for page in PAGES {
        let run = shown(page);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{page}: {run:?}");
        let name = format!("stagger-{page}");
        let name = name.trim_end_matches('-');
        assert!(run.out.starts_with(&format!("{name}(1)")), "{run:?}");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(run.out.contains(&format!("\n{heading}\n")), "{heading}: {}", run.out);
        }
    }
    let connect = shown("connect").out;
    for line in [
        "EXAMPLES",
        "       stagger connect example.com 443 --timeout 10s",
        "NOTES",
        "EXIT STATUS",
        "SEE ALSO",
        "       stagger(1)",
    ] {
        assert!(connect.lines().any(|shown| shown == line), "{line}: {connect}");
    }
}

#[test]
fn the_whole_page_names_those_of_the_commands() {
    let whole = stagger(&["man"]);
    assert_eq!((whole.code, &whole.err[..]), (Some(0), ""), "{whole:?}");
    let udp = stagger(&["man", "udp"]);
    let mut named = 0;
    for page in &PAGES[1..] {
        // In roff, a typed hyphen is a minus sign.
        let name = page.replace('-', "\\-");
        let above = if page.starts_with("udp-") { &udp } else { &whole };
        assert!(above.out.contains(&format!("stagger\\-{name}(1)")), "{page}: {above:?}");
        assert!(stagger(&["man", page]).out.contains(&format!("stagger\\-{name} \\- ")), "{page}");
        named += usize::from(!page.starts_with("udp-"));
    }
    assert_eq!(whole.out.matches("stagger\\-").count(), named, "{whole:?}");
    let run = stagger(&["man", "nothing"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
}
