//! The exceptions to the rules, each with its reason.

use std::cell::Cell;

/// A rule that something breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The word that names the rule in the list of exceptions.
    pub(crate) rule: &'static str,
    pub(crate) item: String,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(rule: &'static str, item: impl Into<String>, message: &str) -> Self {
        Self { rule, item: item.into(), message: message.to_owned() }
    }
}

struct Entry<'a> {
    rule: &'a str,
    pattern: &'a str,
    used: Cell<bool>,
}

/// The list of exceptions. A line has a rule, an item in which `*` stands for any text, and a
/// reason.
pub(crate) struct Allowed<'a>(Vec<Entry<'a>>);

impl<'a> Allowed<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
            let (rule, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim_start();
            let (pattern, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if reason.split_whitespace().count() < 3 {
                return Err(format!("an exception needs a rule, an item and a reason: {line}"));
            }
            Ok(Entry { rule, pattern, used: Cell::new(false) })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    fn allows(&self, finding: &Finding) -> bool {
        // All that match count as used, so that the order of the lines does not matter.
        let matching = self
            .0
            .iter()
            .filter(|entry| entry.rule == finding.rule && matches(entry.pattern, &finding.item));
        matching.map(|entry| entry.used.set(true)).count() > 0
    }

    /// Returns the findings that no exception allows, and the exceptions that allow nothing.
    pub(crate) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut left: Vec<_> =
            findings.into_iter().filter(|finding| !self.allows(finding)).collect();
        let unused = self.0.iter().filter(|entry| !entry.used.get());
        left.extend(unused.map(|entry| {
            let message = format!("nothing breaks the rule `{}` here: remove the line", entry.rule);
            Finding::new("exception", entry.pattern, &message)
        }));
        left
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(item: &str) -> Finding {
        Finding::new("setter", item, "is not named `with_*`")
    }

    #[test]
    fn an_exception_allows_its_own_rule_and_items_only() {
        let text = "# A comment.\n\nsetter a::Script::* its methods are a story\n";
        let allowed = Allowed::parse(text).unwrap();
        let other = Finding { rule: "reader", ..finding("a::Script::at") };
        let findings = vec![finding("a::Script::at"), finding("a::Policy::at"), other.clone()];
        assert_eq!(allowed.apply(findings), [finding("a::Policy::at"), other]);
    }

    #[test]
    fn an_exception_that_allows_nothing_is_a_finding() {
        let allowed = Allowed::parse("setter a::Gone::* its methods are a story").unwrap();
        let left = allowed.apply(Vec::new());
        assert_eq!((left.len(), left[0].rule, &*left[0].item), (1, "exception", "a::Gone::*"));
    }

    #[test]
    fn an_exception_without_a_reason_is_an_error() {
        assert!(Allowed::parse("setter a::Script::* because").is_err());
        assert!(Allowed::parse("setter").is_err());
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a::B", "a::B", true),
            ("a::B", "a::BC", false),
            ("a::*", "a::", true),
            ("*::map*", "a::B::map_err", true),
            ("*::map*", "a::B::remap", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
