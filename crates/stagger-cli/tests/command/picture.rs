//! The picture of a race: on what is no terminal.

use crate::run::{Run, command, listener, run};

/// Connects with these variables and options beside the usual.
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
    // No bars, and so no axis.
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
