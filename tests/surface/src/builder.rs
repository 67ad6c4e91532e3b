//! One vocabulary for builders: `new()` makes, `with_x(self, ..)` sets, `without_x(self)` unsets,
//! and `x()` or `is_x()` reads.

use std::collections::HashSet;

use rustdoc_types::{GenericArg, GenericArgs, Id, ItemEnum, StructKind, Type};

use crate::allowed::Finding;
use crate::item::{Method, Receiver, Surface};

pub(crate) fn check(surface: &Surface<'_>) -> Vec<Finding> {
    let fields = surface.items.iter().flat_map(|public| {
        let ids = match &public.item.inner {
            ItemEnum::Struct(inner) => match &inner.kind {
                StructKind::Plain { fields, .. } => fields.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        let names = ids.iter().filter_map(|id| surface.get(*id)?.name.as_deref());
        names.map(|name| (public.item.id, name))
    });
    let methods: Vec<_> = surface.methods().collect();
    let reading = methods
        .iter()
        .filter(|method| method.receiver() != Receiver::None && !sets(method))
        .map(|method| (method.owner, method.name));
    // A public field reads itself.
    let readers: HashSet<(Id, &str)> = fields.chain(reading).collect();
    // What may be unset has a reader that returns an `Option`.
    let optional: HashSet<(Id, &str)> = methods
        .iter()
        .filter(|method| method.receiver() == Receiver::Other && is_option(method))
        .map(|method| (method.owner, method.name))
        .collect();
    let setting = methods.iter().filter(|method| sets(method));
    let setters: HashSet<(Id, &str)> = setting.map(|method| (method.owner, method.name)).collect();

    let mut findings = Vec::new();
    for method in &methods {
        let name = method.name;
        let setting = ["with_", "without_"].iter().find_map(|prefix| name.strip_prefix(prefix));
        match (method.receiver(), setting) {
            (Receiver::Value, None) if sets(method) => findings.push(Finding::new(
                "setter",
                method.path(),
                "takes `self` and returns it: name it `with_*` or `without_*`",
            )),
            (Receiver::None, Some(_)) => findings.push(Finding::new(
                "constructor",
                method.path(),
                "takes no `self`: `with_*` sets, and `new` or `from_*` makes",
            )),
            (Receiver::Value | Receiver::Other, Some(what)) if sets(method) => {
                let read = [what.to_owned(), format!("is_{what}"), format!("has_{what}")];
                let many = [format!("{what}s"), format!("{what}es")];
                if !read
                    .iter()
                    .chain(&many)
                    .any(|word| readers.contains(&(method.owner, word.as_str())))
                {
                    let message =
                        format!("nothing reads what it sets: add `{what}` or `is_{what}`");
                    findings.push(Finding::new("reader", method.path(), &message));
                }
                let unsetter = format!("without_{what}");
                if name.starts_with("with_")
                    && optional.contains(&(method.owner, what))
                    && !setters.contains(&(method.owner, unsetter.as_str()))
                {
                    let message = format!("nothing unsets what it sets: add `{unsetter}`");
                    findings.push(Finding::new("unsetter", method.path(), &message));
                }
            }
            _ => {}
        }
    }
    findings
}

/// Whether a method returns an `Option`.
fn is_option(method: &Method<'_>) -> bool {
    let Some(Type::ResolvedPath(path)) = &method.function.sig.output else { return false };
    path.path.rsplit("::").next() == Some("Option")
}

/// Whether a method takes `self` by value and returns `Self` or `Result<Self, _>`.
///
/// The same type with other parameters counts: `with_observer` returns `Dialer<R, C, O>`.
fn sets(method: &Method<'_>) -> bool {
    let is_own = |output: &Type| match output {
        Type::Generic(name) => name == "Self",
        Type::ResolvedPath(path) => path.id == method.owner,
        _ => false,
    };
    method.receiver() == Receiver::Value
        && method
            .function
            .sig
            .output
            .as_ref()
            .is_some_and(|output| is_own(output) || result_of(output).is_some_and(is_own))
}

/// The first argument of a `Result`.
fn result_of(output: &Type) -> Option<&Type> {
    let Type::ResolvedPath(path) = output else { return None };
    if path.path.rsplit("::").next() != Some("Result") {
        return None;
    }
    match path.args.as_deref()? {
        GenericArgs::AngleBracketed { args, .. } => match args.first()? {
            GenericArg::Type(first) => Some(first),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    fn found(source: &str) -> Option<Vec<(&'static str, String)>> {
        let described = fixture("builder", source)?;
        let findings = check(&Surface::new(&described.krate));
        Some(findings.into_iter().map(|finding| (finding.rule, finding.item)).collect())
    }

    #[test]
    fn words_that_keep_the_rules_are_not_found() {
        let Some(found) = found(
            "pub struct Policy<T> { pub field: T }
             pub type Fallible<T> = Result<T, ()>;
             impl<T> Policy<T> {
                 pub fn new(field: T) -> Self { Self { field } }
                 pub fn with_field(self, _: T) -> Self { self }
                 pub fn with_delay(self) -> Result<Self, ()> { Ok(self) }
                 pub fn delay(&self) {}
                 pub fn with_final(mut self) -> Self { self }
                 pub fn is_final(&self) {}
                 pub fn with_server(self) -> Self { self }
                 pub fn servers(&self) {}
                 pub fn without_delay(self) -> Self { self }
                 pub fn with_other<U>(self, field: U) -> Policy<U> { Policy { field } }
                 pub fn other(self) -> T { self.field }
                 pub fn into_inner(self) -> Option<T> { None }
                 fn private(self) -> Self { self }
             }
             impl<T> std::ops::Neg for Policy<T> { type Output = Self; fn neg(self) -> Self { self } }",
        ) else {
            return;
        };
        assert_eq!(found, []);
    }

    #[test]
    fn a_setter_without_with_is_found() {
        let Some(found) = found(
            "pub struct Policy<T>(T);
             impl<T> Policy<T> {
                 pub fn delay(self) -> Self { self }
                 pub fn limit(mut self) -> Result<Self, ()> { Ok(self) }
                 pub fn observer<U>(self, other: U) -> Policy<U> { Policy(other) }
             }",
        ) else {
            return;
        };
        let expected = ["delay", "limit", "observer"];
        assert_eq!(found, expected.map(|name| ("setter", format!("builder::Policy::{name}"))));
    }

    #[test]
    fn a_constructor_named_with_is_found() {
        let Some(found) =
            found("pub struct Policy; impl Policy { pub fn with_delay() -> Self { Self } }")
        else {
            return;
        };
        assert_eq!(found, [("constructor", String::from("builder::Policy::with_delay"))]);
    }

    #[test]
    fn a_setter_that_nothing_reads_is_found() {
        let Some(found) = found(
            "pub struct Policy;
             impl Policy {
                 pub fn with_delay(self) -> Self { self }
                 pub fn with_limit(self) -> Self { self }
                 fn delay(&self) {}
                 pub fn limit() {}
             }
             pub struct Other;
             impl Other { pub fn delay(&self) {} }",
        ) else {
            return;
        };
        let expected = ["with_delay", "with_limit"];
        assert_eq!(found, expected.map(|name| ("reader", format!("builder::Policy::{name}"))));
    }

    #[test]
    fn a_setting_that_may_be_unset_and_has_no_way_to_do_so_is_found() {
        let Some(found) = found(
            "pub struct Policy;
             impl Policy {
                 pub fn with_delay(self) -> Self { self }
                 pub fn delay(&self) -> Option<u8> { None }
                 pub fn with_limit(self) -> Self { self }
                 pub fn without_limit(self) -> Self { self }
                 pub fn limit(&self) -> Option<u8> { None }
                 pub fn with_order(self) -> Self { self }
                 pub fn order(&self) -> u8 { 0 }
             }",
        ) else {
            return;
        };
        assert_eq!(found, [("unsetter", "builder::Policy::with_delay".to_owned())]);
    }
}
