//! Finds the public items of a crate, each under the path that a user writes.

use std::collections::HashSet;

use rustdoc_types::{Crate, Function, Id, Impl, Item, ItemEnum, ItemKind, Module, Type, Use};

/// A public item that the crate itself defines.
pub(crate) struct Public<'a> {
    /// Begins with the crate's name, and ends in the item's own.
    pub(crate) path: String,
    pub(crate) item: &'a Item,
    /// The docs of the item, and those of the `use` that exports it.
    pub(crate) docs: String,
}

/// A function of an inherent impl.
pub(crate) struct Method<'a> {
    pub(crate) owner: Id,
    /// The path of its type.
    pub(crate) owner_path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) docs: &'a str,
    pub(crate) function: &'a Function,
}

/// How a function takes `self`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    None,
    Value,
    /// A reference, or a pointer such as `Pin<&mut Self>`.
    Other,
}

impl Method<'_> {
    pub(crate) fn path(&self) -> String {
        format!("{}::{}", self.owner_path, self.name)
    }

    pub(crate) fn receiver(&self) -> Receiver {
        match self.function.sig.inputs.first() {
            Some((name, Type::Generic(of))) if name == "self" && of == "Self" => Receiver::Value,
            Some((name, _)) if name == "self" => Receiver::Other,
            _ => Receiver::None,
        }
    }
}

/// A name at the root of a crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RootName {
    pub(crate) name: String,
    pub(crate) is_module: bool,
}

/// Everything public in one crate.
pub(crate) struct Surface<'a> {
    pub(crate) name: &'a str,
    krate: &'a Crate,
    pub(crate) items: Vec<Public<'a>>,
    pub(crate) root: Vec<RootName>,
    seen: HashSet<Id>,
}

impl<'a> Surface<'a> {
    pub(crate) fn new(krate: &'a Crate) -> Self {
        let root = &krate.index[&krate.root];
        let name = root.name.as_deref().unwrap_or_default();
        let mut surface =
            Self { name, krate, items: Vec::new(), root: Vec::new(), seen: HashSet::new() };
        surface.add(root, name, "");
        surface.root.sort();
        surface.root.dedup();
        surface.items.sort_by(|a, b| a.path.cmp(&b.path));
        surface
    }

    /// An item by its id, if this crate defines it.
    pub(crate) fn get(&self, id: Id) -> Option<&'a Item> {
        self.krate.index.get(&id).filter(|item| item.crate_id == 0)
    }

    fn add(&mut self, item: &'a Item, path: &str, export: &str) {
        if !self.seen.insert(item.id) {
            return;
        }
        let docs = format!("{export}\n{}", item.docs.as_deref().unwrap_or_default());
        self.items.push(Public { path: path.to_owned(), item, docs });
        if let ItemEnum::Module(module) = &item.inner {
            self.enter(module, path);
        }
    }

    fn enter(&mut self, module: &'a Module, path: &str) {
        // Modules last, so that an item has the shorter of two paths.
        let (modules, rest): (Vec<_>, Vec<_>) = module
            .items
            .iter()
            .filter_map(|id| self.get(*id))
            .partition(|item| matches!(item.inner, ItemEnum::Module(_)));
        for item in rest.into_iter().chain(modules) {
            match &item.inner {
                ItemEnum::Use(used) => self.follow(item, used, path),
                ItemEnum::Impl(_) => {}
                inner => {
                    let name = item.name.as_deref().unwrap_or_default();
                    self.note(path, name, matches!(inner, ItemEnum::Module(_)));
                    self.add(item, &format!("{path}::{name}"), "");
                }
            }
        }
    }

    fn follow(&mut self, item: &Item, used: &Use, path: &str) {
        let local = used.id.and_then(|id| self.get(id));
        if used.is_glob {
            match local.map(|local| &local.inner) {
                Some(ItemEnum::Module(module)) => self.enter(module, path),
                // What another crate exports is no list that anybody can read here.
                _ => self.note(path, &format!("{}::*", used.source), false),
            }
            return;
        }
        let is_module = match (local, used.id.and_then(|id| self.krate.paths.get(&id))) {
            (Some(local), _) => matches!(local.inner, ItemEnum::Module(_)),
            (None, Some(summary)) => summary.kind == ItemKind::Module,
            // `pub use some_crate;` has neither.
            (None, None) => !used.source.contains("::"),
        };
        self.note(path, &used.name, is_module);
        if let Some(local) = local {
            let docs = item.docs.as_deref().unwrap_or_default();
            self.add(local, &format!("{path}::{}", used.name), docs);
        }
    }

    fn note(&mut self, path: &str, name: &str, is_module: bool) {
        if path == self.name {
            self.root.push(RootName { name: name.to_owned(), is_module });
        }
    }

    /// The functions of the inherent impls of every public type.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Method<'_>> {
        self.items.iter().flat_map(|public| {
            let impls = match &public.item.inner {
                ItemEnum::Struct(inner) => inner.impls.as_slice(),
                ItemEnum::Enum(inner) => inner.impls.as_slice(),
                ItemEnum::Union(inner) => inner.impls.as_slice(),
                _ => &[],
            };
            let inherent = impls.iter().filter_map(|id| match &self.get(*id)?.inner {
                ItemEnum::Impl(inner @ Impl { trait_: None, is_synthetic: false, .. }) => {
                    Some(inner)
                }
                _ => None,
            });
            inherent.flat_map(|inner| &inner.items).filter_map(|id| {
                let item = self.get(*id)?;
                let ItemEnum::Function(function) = &item.inner else { return None };
                Some(Method {
                    owner: public.item.id,
                    owner_path: &public.path,
                    name: item.name.as_deref()?,
                    docs: item.docs.as_deref().unwrap_or_default(),
                    function,
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    #[test]
    fn every_public_item_has_the_path_that_a_user_writes() {
        let Some(described) = fixture(
            "paths",
            "mod hidden {
                 pub struct Shown;
                 impl Shown {
                     pub fn new() -> Self { Self }
                     pub fn value(self) {}
                     pub fn reference(&self) {}
                     fn private(&self) {}
                 }
                 impl Clone for Shown { fn clone(&self) -> Self { Self } }
                 pub struct Deep;
             }
             mod globbed { pub fn found() {} }
             pub use hidden::Shown as Renamed;
             pub use globbed::*;
             pub use std::time::Duration;
             pub use std::collections;
             pub mod race { pub use crate::hidden::Deep; }
             pub fn race() {}",
        ) else {
            return;
        };
        let surface = Surface::new(&described.krate);
        let paths: Vec<_> = surface.items.iter().map(|public| public.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "paths",
                "paths::Renamed",
                "paths::found",
                "paths::race",
                "paths::race",
                "paths::race::Deep"
            ]
        );
        let root: Vec<_> =
            surface.root.iter().map(|name| (name.name.as_str(), name.is_module)).collect();
        let expected = [
            ("Duration", false),
            ("Renamed", false),
            ("collections", true),
            ("found", false),
            ("race", false),
            ("race", true),
        ];
        assert_eq!(root, expected);
        let methods: Vec<_> =
            surface.methods().map(|method| (method.path(), method.receiver())).collect();
        let expected =
            [("new", Receiver::None), ("value", Receiver::Value), ("reference", Receiver::Other)]
                .map(|(name, receiver)| (format!("paths::Renamed::{name}"), receiver));
        assert_eq!(methods, expected);
    }
}
