//! Examples in the docs: which items must have one, and the share of items that do.

use rustdoc_types::ItemEnum;

use crate::allowed::Finding;
use crate::item::Surface;

/// The traits that a user implements to fit another runtime, protocol or name service.
pub(crate) const SEAMS: [&str; 14] = [
    "Resolver",
    "Connector",
    "Endpoint",
    "Timer",
    "Observer",
    "Listen",
    "Listener",
    "Handshake",
    "Register",
    "Accept",
    "Network",
    "Address",
    "SourceAddresses",
    "Store",
];

/// Whether docs have a Rust block that runs as a test.
fn has_example(docs: &str) -> bool {
    let mut fence: Option<&str> = None;
    for line in docs.lines() {
        let line = line.trim_start();
        let marks = line.len() - line.trim_start_matches(['`', '~']).len();
        let (mark, info) = line.split_at(marks);
        match fence {
            Some(open) if mark.starts_with(open) && info.trim().is_empty() => fence = None,
            Some(_) => {}
            None if marks >= 3 => {
                if runs(info) {
                    return true;
                }
                fence = Some(mark);
            }
            None => {}
        }
    }
    false
}

/// Whether rustdoc runs a block with these words after its fence.
fn runs(info: &str) -> bool {
    let words = info.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    words.into_iter().all(|word| {
        matches!(word, "rust" | "should_panic" | "standalone_crate" | "test_harness")
            || word.starts_with("edition")
    })
}

/// Checks that every seam has an example.
pub(crate) fn check_seams(surfaces: &[Surface<'_>], seams: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for seam in seams {
        let mut found = false;
        for public in surfaces.iter().flat_map(|surface| &surface.items) {
            let is_seam = matches!(public.item.inner, ItemEnum::Trait(_))
                && public.path.rsplit("::").next() == Some(seam);
            found |= is_seam;
            if is_seam && !has_example(&public.docs) {
                findings.push(Finding::new("seam", public.path.as_str(), "has no example"));
            }
        }
        if !found {
            findings.push(Finding::new("seam", *seam, "is no public trait of any crate"));
        }
    }
    findings
}

/// Checks that every item at the root of the core has an example.
pub(crate) fn check_root(core: &Surface<'_>) -> Vec<Finding> {
    let at_root = core.items.iter().filter(|public| {
        let parent = public.path.rsplit_once("::").map(|(parent, _)| parent);
        parent == Some(core.name) && !matches!(public.item.inner, ItemEnum::Module(_))
    });
    at_root
        .filter(|public| !has_example(&public.docs))
        .map(|public| Finding::new("example", public.path.as_str(), "has no example"))
        .collect()
}

/// How many items there are that can have an example, and how many have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) with: usize,
    pub(crate) of: usize,
}

impl Share {
    /// Counts types, traits, functions, methods and macros. Modules, constants, fields, variants
    /// and what a trait's impl repeats do not count.
    pub(crate) fn count(surface: &Surface<'_>) -> Self {
        let mut share = Self { with: 0, of: 0 };
        let mut add = |docs: &str| {
            share.of += 1;
            share.with += usize::from(has_example(docs));
        };
        for public in &surface.items {
            match &public.item.inner {
                ItemEnum::Struct(_)
                | ItemEnum::Enum(_)
                | ItemEnum::Union(_)
                | ItemEnum::TypeAlias(_)
                | ItemEnum::Function(_)
                | ItemEnum::Macro(_)
                | ItemEnum::ProcMacro(_) => add(&public.docs),
                ItemEnum::Trait(inner) => {
                    add(&public.docs);
                    for item in inner.items.iter().filter_map(|id| surface.get(*id)) {
                        if let ItemEnum::Function(_) = item.inner {
                            add(item.docs.as_deref().unwrap_or_default());
                        }
                    }
                }
                _ => {}
            }
        }
        surface.methods().for_each(|method| add(method.docs));
        share
    }

    /// In percent, rounded down.
    pub(crate) fn percent(self) -> usize {
        (self.with * 100).checked_div(self.of).unwrap_or(100)
    }
}

/// The least share of each crate, one a line: its name and the percentage.
pub(crate) struct Ratchet(Vec<(String, usize)>);

impl Ratchet {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|line| {
            let entry = line.split_once(' ').and_then(|(name, percent)| {
                Some((name.to_owned(), percent.trim().parse().ok().filter(|share| *share <= 100)?))
            });
            entry.ok_or_else(|| format!("this is not a crate and a percentage: {line}"))
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    fn least(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(entry, _)| entry == name).map(|(_, percent)| *percent)
    }

    pub(crate) fn check(&self, name: &str, share: Share) -> Vec<Finding> {
        let message = match self.least(name) {
            None => String::from("has no line in tests/surface/examples.txt"),
            Some(least) if share.percent() < least => {
                format!("has examples on {} % of its items, and had {least} %", share.percent())
            }
            Some(_) => return Vec::new(),
        };
        vec![Finding::new("share", name, &message)]
    }

    /// The line for a crate, which never falls.
    pub(crate) fn line(&self, name: &str, share: Share) -> String {
        format!("{name} {}\n", share.percent().max(self.least(name).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    #[test]
    fn only_a_rust_block_that_runs_is_an_example() {
        for (docs, expected) in [
            ("```\nlet a = 1;\n```", true),
            ("Text.\n\n```rust,should_panic\npanic!();\n```", true),
            ("~~~\nlet a = 1;\n~~~", true),
            ("```text\nThis.\n```\n\n```\nlet a = 1;\n```", true),
            ("```no_run\nlet a = 1;\n```", false),
            ("```ignore\nlet a = 1;\n```", false),
            ("```rust, compile_fail\nlet a: u8 = \"\";\n```", false),
            ("````text\n```\nlet a = 1;\n```\n````", false),
            ("`let a = 1;`", false),
            ("", false),
        ] {
            assert_eq!(has_example(docs), expected, "{docs}");
        }
    }

    const SOURCE: &str = "
        /// ```\n/// let a = 1;\n/// ```\npub trait Timer { fn now(&self); }
        pub mod deep { pub trait Listen {} }
        /// ```\n/// let a = 1;\n/// ```\npub struct Good;
        impl Good { pub fn method(&self) {} fn private(&self) {} }
        impl Clone for Good { fn clone(&self) -> Self { Self } }
        mod hidden { pub fn bad() {} }
        pub use hidden::bad;
        pub const NUMBER: u8 = 1;";

    fn items(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.item.as_str()).collect()
    }

    #[test]
    fn a_seam_without_an_example_is_found_and_so_is_one_that_is_gone() {
        let Some(described) = fixture("seams", SOURCE) else { return };
        let surfaces = [Surface::new(&described.krate)];
        let findings = check_seams(&surfaces, &["Timer", "Listen", "Gone", "Good"]);
        assert_eq!(items(&findings), ["seams::deep::Listen", "Gone", "Good"]);
    }

    #[test]
    fn an_item_at_the_root_without_an_example_is_found() {
        let Some(described) = fixture("roots", SOURCE) else { return };
        let findings = check_root(&Surface::new(&described.krate));
        assert_eq!(items(&findings), ["roots::NUMBER", "roots::bad"]);
    }

    #[test]
    fn a_share_counts_types_traits_functions_and_methods() {
        let Some(described) = fixture("share", SOURCE) else { return };
        // Timer, Timer::now, Listen, Good, Good::method, bad.
        let share = Share::count(&Surface::new(&described.krate));
        assert_eq!(share, Share { with: 2, of: 6 });
        assert_eq!(share.percent(), 33);
    }

    #[test]
    fn a_share_may_rise_and_not_fall() {
        let ratchet = Ratchet::parse("# Percent.\na 33\n").unwrap();
        let share = |with| Share { with, of: 100 };
        assert_eq!(ratchet.check("a", share(33)), []);
        assert_eq!(ratchet.check("a", share(34)), []);
        assert_eq!(items(&ratchet.check("a", share(32))), ["a"]);
        assert_eq!(items(&ratchet.check("b", share(99))), ["b"]);
        assert_eq!(ratchet.line("a", share(32)), "a 33\n");
        assert_eq!(ratchet.line("a", share(40)), "a 40\n");
        assert!(Ratchet::parse("a 101").is_err());
    }
}
