//! The public API of a crate as text, one line an item. `with` begins the defaults of parameters.
//!
//! A derived trait is one line, and so is a trait that the crate implements itself, with its
//! associated types. Methods of a trait stand at the trait alone. A type that is not `Send`, `Sync`
//! or `Unpin` has a line that says so, and a type that is has none: whoever breaks that adds a
//! line.

use std::collections::HashSet;
use std::fmt::Write as _;

use public_api::{Builder, PublicItem};
use rustdoc_types::{Crate, Impl, Item, ItemEnum};

use crate::default;
use crate::rustdoc::Described;

/// Renders the API of a crate.
pub(crate) fn render(described: &Described) -> Result<String, String> {
    let file = &described.file;
    let api = Builder::from_rustdoc_json(file)
        .omit_blanket_impls(true)
        .build()
        .map_err(|err| format!("cannot read {}: {err}", file.display()))?;
    // The impl of a trait of this crate for one of its types is listed at both.
    let mut seen = HashSet::new();
    let mut text = String::new();
    for item in api.items().filter(|item| is_shown(&described.krate, item)) {
        let mut line = colons(&item.to_string());
        if let Some(inner) = described.krate.index.get(&item.id()) {
            line.push_str(&default::clause(&described.krate, inner));
        }
        // What `pin-project-lite` makes of a type has names that nobody may use.
        if !line.contains("::__private::") && seen.insert(line.clone()) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// Writes the colon before the bounds of an associated type, which the renderer leaves out.
fn colons(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (at, letter) in line.char_indices() {
        let begins = ["core::", "alloc::", "std::"].iter().any(|root| line[at..].starts_with(root));
        if begins && text.ends_with(|before: char| before.is_alphanumeric()) {
            text.push_str(": ");
        }
        text.push(letter);
    }
    text
}

fn is_shown(krate: &Crate, item: &PublicItem) -> bool {
    let get = |id| krate.index.get(&id);
    match (get(item.id()), item.parent_id().and_then(get)) {
        (Some(Item { inner: ItemEnum::Impl(inner), .. }), _) => {
            let name = inner.trait_.as_ref().map_or("", |path| last(&path.path));
            let is_auto = matches!(name, "Send" | "Sync" | "Unpin") && inner.is_negative;
            name != "StructuralPartialEq" && (!inner.is_synthetic || is_auto)
        }
        (
            Some(Item { inner: ItemEnum::Function(_), .. }),
            Some(Item { inner: ItemEnum::Impl(Impl { trait_: Some(_), .. }), .. }),
        ) => false,
        _ => true,
    }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Returns the lines that went and the lines that came, or nothing if the texts are equal.
pub(crate) fn difference(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let (before, after): (HashSet<_>, HashSet<_>) = (old.lines().collect(), new.lines().collect());
    let mut report = String::new();
    let went = old.lines().filter(|line| !after.contains(line)).map(|line| ('-', line));
    let came = new.lines().filter(|line| !before.contains(line)).map(|line| ('+', line));
    for (mark, line) in went.chain(came) {
        let _ = writeln!(report, "  {mark} {line}");
    }
    if report.is_empty() {
        report.push_str("  the same lines in another order or number\n");
    }
    Some(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    const SOURCE: &str = "
        #[derive(Clone, PartialEq)] #[non_exhaustive] pub enum Order { Given }
        pub struct Dial<T = Vec<(u8, Order)>>(T, std::rc::Rc<u8>);
        impl Timer for Order { fn now(&self) -> u8 { 0 } }
        impl<T: Copy> Iterator for Dial<T> {
            type Item = T;
            fn next(&mut self) -> Option<T> { None }
        }
        pub trait Timer { fn now(&self) -> u8; }
        pub fn race<T>(entrants: T) -> Dial<T> where T: Send { loop {} }
        fn private() {}";

    fn text(source: &str) -> Option<String> {
        Some(render(&fixture("text", source)?).unwrap())
    }

    #[test]
    fn bounds_of_associated_types_have_their_colon() {
        let line =
            "fn f<N: Connector<A, Attemptcore::marker::Send + 'static>>(N: core::fmt::Debug)";
        let whole =
            "fn f<N: Connector<A, Attempt: core::marker::Send + 'static>>(N: core::fmt::Debug)";
        assert_eq!((&*colons(line), &*colons(whole)), (whole, whole));
    }

    #[test]
    fn a_text_has_a_line_for_each_item_with_its_bounds() {
        let Some(text) = text(SOURCE) else { return };
        let expected = "\
pub mod text
#[non_exhaustive] pub enum text::Order
pub text::Order::Given
impl core::clone::Clone for text::Order
impl core::cmp::PartialEq for text::Order
impl text::Timer for text::Order
pub struct text::Dial<T>(_, _) with T = alloc::vec::Vec<(u8, text::Order)>
impl<T: core::marker::Copy> core::iter::traits::iterator::Iterator for text::Dial<T>
pub type text::Dial<T>::Item = T
impl<T> !core::marker::Send for text::Dial<T>
impl<T> !core::marker::Sync for text::Dial<T>
pub trait text::Timer
pub fn text::Timer::now(&self) -> u8
pub fn text::race<T>(T) -> text::Dial<T> where T: core::marker::Send
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_breaks_a_user_changes_the_text() {
        let changes = [
            ("T: Send", "T: Sync", "where T: core::marker::Sync\n"),
            ("#[non_exhaustive] ", "", "+ pub enum text::Order\n"),
            ("derive(Clone, PartialEq)", "derive(PartialEq)", "- impl core::clone::Clone for"),
            ("Given }", "Given(std::rc::Rc<u8>) }", "+ impl !core::marker::Send for text::Order"),
            ("-> u8; }", "-> u8; fn end() {} }", "+ pub fn text::Timer::end()\n"),
            ("fn private", "pub fn private", "+ pub fn text::private()\n"),
            ("Item = T", "Item = u8", "+ pub type text::Dial<T>::Item = u8\n"),
            ("(u8, Order)", "(u8, u8)", " with T = alloc::vec::Vec<(u8, u8)>\n"),
            ("Option<T> { None }", "Option<u8> { None }", ""),
        ];
        let broken =
            changes.iter().fold(SOURCE.to_owned(), |text, (was, is, _)| text.replace(was, is));
        let (Some(before), Some(after)) = (text(SOURCE), text(&broken)) else { return };
        let report = difference(&before, &after).unwrap();
        for (_, _, line) in changes {
            assert!(report.contains(line), "{line}{report}");
        }
    }

    #[test]
    fn equal_texts_have_no_difference_and_another_order_has_one() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").unwrap(), "  - b\n  + c\n");
        assert!(difference("a\nb\n", "b\na\n").unwrap().contains("another order"));
    }
}
