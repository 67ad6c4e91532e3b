//! Public enums, and structs whose fields are all public, are `#[non_exhaustive]`, or complete by
//! nature and in the list of exceptions.

use rustdoc_types::{Attribute, ItemEnum, Struct, StructKind};

use crate::allowed::Finding;
use crate::item::Surface;

pub(crate) fn check(surface: &Surface<'_>) -> Vec<Finding> {
    let exhaustive = surface.items.iter().filter(|public| {
        let is_open = match &public.item.inner {
            ItemEnum::Enum(_) => true,
            ItemEnum::Struct(inner) => shows_all(inner),
            _ => false,
        };
        is_open && !public.item.attrs.contains(&Attribute::NonExhaustive)
    });
    exhaustive
        .map(|public| {
            Finding::new(
                "exhaustive",
                public.path.as_str(),
                "can never grow: make it `#[non_exhaustive]`, or list it if it is complete by nature",
            )
        })
        .collect()
}

/// Whether all fields of a struct are public. A struct without fields has nothing to show.
fn shows_all(inner: &Struct) -> bool {
    match &inner.kind {
        StructKind::Unit => false,
        StructKind::Tuple(fields) => !fields.is_empty() && fields.iter().all(Option::is_some),
        StructKind::Plain { fields, has_stripped_fields } => {
            !fields.is_empty() && !has_stripped_fields
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    #[test]
    fn types_that_can_never_grow_are_found() {
        let Some(described) = fixture(
            "exhaustive",
            "pub enum Open { A }
             #[non_exhaustive] pub enum Closed { A }
             pub struct Plain { pub a: u8 }
             #[non_exhaustive] pub struct Grows { pub a: u8 }
             pub struct Hides { pub a: u8, b: u8 }
             pub struct Tuple(pub u8, pub u8);
             pub struct Half(pub u8, u8);
             pub struct Unit;
             enum Private { A }
             pub mod deep { pub enum Inner {} }",
        ) else {
            return;
        };
        let findings = check(&Surface::new(&described.krate));
        let items: Vec<_> = findings.iter().map(|finding| finding.item.as_str()).collect();
        assert_eq!(
            items,
            [
                "exhaustive::Open",
                "exhaustive::Plain",
                "exhaustive::Tuple",
                "exhaustive::deep::Inner"
            ]
        );
    }
}
