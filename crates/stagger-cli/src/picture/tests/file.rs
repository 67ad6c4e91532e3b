//! The picture as an SVG file.

use roxmltree::Document;

use super::*;

/// Every text in an element of this name.
fn texts<'a>(document: &'a Document<'_>, name: &str) -> Vec<&'a str> {
    let elements = document.descendants().filter(|node| node.has_tag_name(name));
    elements.filter_map(|element| element.text()).collect()
}

#[test]
fn every_picture_is_a_well_formed_file_of_finite_size_with_words_for_those_who_cannot_see_it() {
    for race in all() {
        let text = svg("example.com:80", &race);
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        assert!(root.has_tag_name(("http://www.w3.org/2000/svg", "svg")));
        assert_eq!(root.attribute("role"), Some("img"));
        let height: usize = root.attribute("height").unwrap().parse().unwrap();
        assert!((100..5000).contains(&height), "{height}");
        for element in document.descendants() {
            let y = element.attribute("y").map(|y| y.parse::<usize>().unwrap());
            assert!(y.is_none_or(|y| y < height), "{element:?}");
        }
        assert_eq!(texts(&document, "title"), ["Race to example.com:80"]);
        let summary = texts(&document, "desc")[0];
        let tried = race.report.attempts().iter().map(|attempt| &attempt.address);
        assert!(tried.clone().all(|address| summary.contains(&address[..])), "{summary}");
        let words = texts(&document, "text");
        assert!(tried.clone().all(|address| words.contains(&&address[..])), "{words:?}");
    }
}

#[test]
fn every_outcome_has_its_words() {
    let won = svg("example.com:80", &won());
    let document = Document::parse(&won).unwrap();
    let words = texts(&document, "text");
    for part in [
        "connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)",
        "4 addresses, 0.0 to 3.0 ms",
        "dropped, 3.0 to 303.0 ms",
        "failed, 253.0 to 263.0 ms",
        "won, 263.0 to 303.0 ms",
        "not tried",
    ] {
        assert!(words.contains(&part), "{part}: {words:?}");
    }
}

/// A race whose first address reads like this, and whose second attempt and whole fail with that
/// error.
fn with_words(address: &str, error: &str) -> Race {
    let mut race = race(
        Policy::new(),
        |resolver| {
            let found = addrs(&["192.0.2.1:80", "192.0.2.2:80"]);
            resolver.finds(ms(3), Record::Addresses, found)
        },
        |connector| {
            connector
                .at("192.0.2.1:80", Fate::fails(ms(5)))
                .at("192.0.2.2:80", Fate::fails(ms(5)).saying(error))
        },
    );
    let first = "192.0.2.1:80";
    let text = |found: String| if found == first { address.to_owned() } else { found };
    race.report = race.report.map_addresses(text);
    race.error = Some(error.to_owned());
    race
}

#[test]
fn hostile_words_are_escaped() {
    let hostile = "</text><script>\"&'\0\x1b]\u{202e}\u{ffff}";
    let text = svg(hostile, &with_words(hostile, hostile));
    let document = Document::parse(&text).unwrap();
    assert!(!document.descendants().any(|node| node.has_tag_name("script")));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    let printed = "</text><script>\"&'\\0\\u{1b}]\\u{202e}\\u{ffff}";
    let words = texts(&document, "text");
    assert_eq!(words.iter().filter(|word| **word == printed).count(), 4, "{words:?}");
}

#[test]
fn words_of_any_length_stay_within_the_picture() {
    let race = with_words(&"a".repeat(5000), &"b".repeat(5000));
    let text = svg(&"c".repeat(5000), &race);
    let document = Document::parse(&text).unwrap();
    let longest = texts(&document, "text").into_iter().map(|text| text.chars().count()).max();
    assert!(longest <= Some(120), "{longest:?}");
}

#[test]
fn both_backgrounds_have_colours() {
    let text = svg("example.com:80", &won());
    assert!(text.contains("@media (prefers-color-scheme: dark)"));
    assert!(text.contains("class=\"paper\""));
}
