//! The names that are asked for in place of a name: the search list of resolv.conf(5).

use hickory_proto::rr::Name;

use crate::question::name_of;

/// The names to ask for, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SearchNames {
    names: Vec<Name>,
    /// The index of the name as it was written, unless it is left out.
    as_written: Option<usize>,
}

impl SearchNames {
    /// The names to ask for in place of `text`, which is the ASCII of a target's name.
    ///
    /// A name that ends in a dot is asked for as it is, without the search list. A name with at
    /// least `ndots` dots is asked for as it is before the domains of the search list are tried. A
    /// name with fewer dots is asked for as it is after them. Names that are too long or repeated
    /// are left out.
    pub(super) fn new(text: &str, search: &[String], ndots: u32) -> Self {
        let written = name_of(text).expect("the name of a target fits in DNS");
        let mut names = Vec::new();
        let is_absolute = text.ends_with('.');
        let dots = text.bytes().filter(|byte| *byte == b'.').count();
        let first = is_absolute || u32::try_from(dots).is_ok_and(|dots| dots >= ndots);
        if first {
            names.push(written.clone());
        }
        for domain in search.iter().filter(|_| !is_absolute) {
            let domain = domain.trim_matches('.');
            let name = match domain {
                "" => Some(written.clone()),
                _ => name_of(&format!("{text}.{domain}")),
            };
            names.extend(name.filter(|name| !names.contains(name)));
        }
        let as_written = names.iter().position(|name| *name == written).unwrap_or(names.len());
        if as_written == names.len() {
            names.push(written);
        }
        Self { names, as_written: Some(as_written) }
    }

    /// Leaves out the name as it was written.
    pub(super) fn without_name_as_written(mut self) -> Self {
        if let Some(index) = self.as_written.take() {
            self.names.remove(index);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Name> {
        self.names.get(index)
    }

    /// The index of the name as it was written, if it is asked for.
    pub(super) fn as_written(&self) -> Option<usize> {
        self.as_written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, search: &[&str], ndots: u32) -> Vec<String> {
        let search: Vec<_> = search.iter().map(|domain| (*domain).to_owned()).collect();
        let names = SearchNames::new(text, &search, ndots);
        names.names.iter().map(Name::to_ascii).collect()
    }

    #[test]
    fn a_name_with_a_dot_at_its_end_is_not_looked_for() {
        assert_eq!(names("a.b.", &["x.example"], 9), ["a.b."]);
    }

    #[test]
    fn a_name_with_enough_dots_is_asked_for_as_it_is_first() {
        assert_eq!(
            names("a.b", &["x.example", "y.example."], 1),
            ["a.b.", "a.b.x.example.", "a.b.y.example."]
        );
        assert_eq!(names("a", &["x.example"], 0), ["a.", "a.x.example."]);
    }

    #[test]
    fn a_name_with_fewer_dots_is_asked_for_as_it_is_last() {
        assert_eq!(
            names("a.b", &["x.example", "y.example"], 2),
            ["a.b.x.example.", "a.b.y.example.", "a.b."]
        );
        assert_eq!(names("a", &[], 1), ["a."]);
    }

    #[test]
    fn the_root_in_the_list_is_the_name_as_it_was_written_in_its_place() {
        assert_eq!(names("a", &[".", "x.example"], 1), ["a.", "a.x.example."]);
        let names = SearchNames::new("a", &["x.example".into(), ".".into()], 1);
        assert_eq!(names.as_written(), Some(1));
    }

    #[test]
    fn what_is_too_long_or_asked_twice_is_left_out() {
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(names(&long, &["x.example"], 1).len(), 1);
        assert_eq!(names("a", &["x.example", "X.example"], 1), ["a.x.example.", "a."]);
        assert_eq!(names("a", &["bad..example"], 1), ["a."]);
    }
}
