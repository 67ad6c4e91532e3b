use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The sources of a `hosts` line, and the warnings about it.
fn read(line: &str) -> (String, Vec<String>) {
    let parsed = Switch::parse(format!("hosts: {line}\n").as_bytes());
    let wrong =
        parsed.warnings.iter().filter(|warning| warning.kind() != WarningKind::UnsupportedSource);
    (parsed.value.to_string(), wrong.map(ToString::to_string).collect())
}

#[test]
fn the_hosts_line_is_found_among_others_and_the_last_counts() {
    for (file, expected) in [
        ("passwd: compat\nhosts: dns\nservices: files\n", "dns"),
        ("hosts:dns", "dns"),
        (" hosts\t: dns\r\n", "dns"),
        ("hosts dns\n", "dns"),
        ("hosts : :\t: dns\n", "dns"),
        ("hosts: dns\nhosts: files\n", "files"),
        ("hosts:\n", ""),
        ("#hosts: dns\n", "files dns"),
        ("Hosts: dns\n", "files dns"),
        ("# hosts: dns\n", "files dns"),
        ("hostsdns\n", "files dns"),
        ("hosts", "files dns"),
        ("", "files dns"),
    ] {
        let parsed = Switch::parse(file.as_bytes());
        assert_eq!((parsed.value.to_string(), parsed.warnings.count()), (expected.into(), 0));
    }
}

#[test]
fn a_comment_within_a_line_is_none() {
    // As in glibc 2.36, where each of these words is a source that can't be loaded.
    for (line, sources) in [
        ("files # dns", "files # dns"),
        ("dns #files", "dns #files"),
        ("dns#files", "dns#files"),
        ("files # [NOTFOUND=return] dns", "files # [NOTFOUND=return] dns"),
        ("files [NOTFOUND=return] # dns", "files [NOTFOUND=return] # dns"),
    ] {
        assert_eq!(read(line), (sources.into(), Vec::new()));
    }
    let warnings = Switch::parse(b"hosts: files # dns\n").warnings;
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["line 1: \"#\" is no source that is known here"]);
}

#[test]
fn every_source_is_kept_by_its_name() {
    let (sources, warnings) =
        read("mymachines resolve [!UNAVAIL=return] files myhostname dns x-1.2");
    assert_eq!(
        sources,
        "mymachines resolve [NOTFOUND=return TRYAGAIN=return] files myhostname dns x-1.2"
    );
    assert!(warnings.is_empty());
}

#[test]
fn a_source_that_only_the_system_s_resolver_asks_is_noted() {
    let file = b"hosts: files mdns4_minimal [NOTFOUND=return] dns\n";
    let warnings = Switch::parse(file).warnings;
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["line 1: \"mdns4_minimal\" is no source that is known here"]);
}

#[test]
fn a_text_is_a_switch_if_all_of_it_is_right_and_known() {
    for text in ["", "files dns", "dns [NOTFOUND=return TRYAGAIN=return] files"] {
        assert_eq!(text.parse::<Switch>().unwrap().to_string(), text);
    }
    for text in [
        "hosts: files",
        "dns resolve",
        "dns [x=y]",
        "dns [SUCCESS=merge] files",
        "[UNAVAIL=return] dns",
        "dns # no",
    ] {
        assert!(text.parse::<Switch>().is_err(), "{text}");
    }
}

#[test]
fn a_success_ends_a_lookup_and_anything_else_does_not_unless_it_is_said() {
    let switch = Switch::parse(b"hosts: a b[success=continue NotFound = RETURN]").value;
    let actions =
        |index: usize| SwitchStatus::ALL.map(|status| switch.sources()[index].action(status));
    assert_eq!(
        actions(0),
        [
            SwitchAction::Return,
            SwitchAction::Continue,
            SwitchAction::Continue,
            SwitchAction::Continue
        ]
    );
    assert_eq!(
        actions(1),
        [
            SwitchAction::Continue,
            SwitchAction::Return,
            SwitchAction::Continue,
            SwitchAction::Continue
        ]
    );
}

#[test]
fn a_negated_criterion_is_of_all_other_results() {
    assert_eq!(read("a [!SUCCESS=return]").0, "a [NOTFOUND=return UNAVAIL=return TRYAGAIN=return]");
    // The later criterion counts.
    assert_eq!(
        read("a [!SUCCESS=return UNAVAIL=continue]").0,
        "a [NOTFOUND=return TRYAGAIN=return]"
    );
    assert_eq!(read("a [SUCCESS=merge] [SUCCESS=return]").0, "a");
}

#[test]
fn merge_is_kept_and_noted_because_it_ends_a_lookup_of_a_host() {
    let (sources, warnings) = read("files [ SUCCESS = merge notfound=return !UNAVAIL=MERGE] dns");
    assert_eq!(sources, "files [SUCCESS=merge NOTFOUND=merge TRYAGAIN=merge] dns");
    let noted = |text| format!("line 1: {text:?} merges results, which ends a lookup of a host");
    assert_eq!(warnings, [noted("SUCCESS = merge"), noted("!UNAVAIL=MERGE")]);
}

#[test]
fn a_criterion_that_is_not_known_is_passed_over_and_noted() {
    for (line, sources, noted) in [
        ("a [FOUND=return] b", "a b", "FOUND=return"),
        ("a [NOTFOUND=stop] b", "a b", "NOTFOUND=stop"),
        ("a [NOTFOUND] b", "a b", "NOTFOUND"),
        ("a [] b", "a b", ""),
        ("a [!] b", "a b", "!"),
        ("a [!!SUCCESS=return] b", "a b", "!!SUCCESS=return"),
        ("a [NOTFOUND=return x=y] b", "a [NOTFOUND=return] b", "x=y"),
        ("[NOTFOUND=return] b", "b", "[NOTFOUND=return] b"),
        ("a [NOTFOUND=return", "a", "[NOTFOUND=return"),
    ] {
        let warning = format!("line 1: {noted:?} is no criterion that is known");
        assert_eq!(read(line), (sources.into(), vec![warning]), "{line}");
    }
}

#[test]
fn sources_beyond_the_limit_or_that_are_no_names_are_noted() {
    let (sources, warnings) = read(&"a ".repeat(Switch::MAX_SOURCES + 2));
    assert_eq!(sources.split(' ').count(), Switch::MAX_SOURCES);
    assert_eq!(warnings, ["line 1: \"a\" is one more than are taken"; 2]);

    let (sources, warnings) = read(&format!("a \u{fc} [NOTFOUND=return] {} b", "x".repeat(256)));
    assert_eq!(sources, "a b");
    // The criterion does not belong to the source before it.
    assert_eq!(warnings.len(), 3);

    let (sources, warnings) = read("[x=y] :a files b: dns");
    assert_eq!(sources, "files dns");
    assert_eq!(warnings[1..], ["line 1: \":a\" is no name", "line 1: \"b:\" is no name"]);
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(
        sources in vec(("[a-z]{1,3}", vec((0..4_usize, 0..3_usize), 0..4)), 0..6)
    ) {
        let mut switch = Switch { sources: Vec::new() };
        for (name, criteria) in &sources {
            let mut source = SwitchSource::new(name);
            for (status, action) in criteria {
                source.actions[*status] = SwitchAction::ALL[*action];
            }
            switch.sources.push(source);
        }
        let parsed = Switch::parse(format!("hosts: {switch}").as_bytes());
        prop_assert_eq!(parsed.value, switch);
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..300)) {
        let file = [b"hosts:", &bytes[..]].concat();
        let parsed = Switch::parse(&file);
        prop_assert!(parsed.value.sources().len() <= Switch::MAX_SOURCES);
    }

    #[test]
    fn any_brackets_and_marks_are_read(text in "[\\[\\]!=# \tab]{0,40}") {
        let parsed = Switch::parse(format!("hosts: {text}").as_bytes());
        prop_assert!(parsed.value.sources().len() <= Switch::MAX_SOURCES);
    }
}
