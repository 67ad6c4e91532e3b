//! The defaults of type parameters, which the text of an item leaves out.

use rustdoc_types::{
    Crate, GenericArg, GenericArgs, GenericParamDefKind, Generics, Item, ItemEnum, Type,
};

/// Returns ` with R = SystemResolver, O = ()`, or nothing for an item without defaults.
pub(crate) fn clause(krate: &Crate, item: &Item) -> String {
    let Some(generics) = generics(item) else { return String::new() };
    let defaults = generics.params.iter().filter_map(|param| match &param.kind {
        GenericParamDefKind::Type { default: Some(default), .. } => {
            Some(format!("{} = {}", param.name, render(krate, default)))
        }
        GenericParamDefKind::Const { default: Some(default), .. } => {
            Some(format!("{} = {default}", param.name))
        }
        _ => None,
    });
    let defaults: Vec<_> = defaults.collect();
    match defaults.is_empty() {
        true => String::new(),
        false => format!(" with {}", defaults.join(", ")),
    }
}

fn generics(item: &Item) -> Option<&Generics> {
    match &item.inner {
        ItemEnum::Struct(inner) => Some(&inner.generics),
        ItemEnum::Enum(inner) => Some(&inner.generics),
        ItemEnum::Union(inner) => Some(&inner.generics),
        ItemEnum::Trait(inner) => Some(&inner.generics),
        ItemEnum::TypeAlias(inner) => Some(&inner.generics),
        _ => None,
    }
}

/// Renders the kinds of types that serve as defaults, and `_` for any other.
fn render(krate: &Crate, default: &Type) -> String {
    match default {
        Type::Generic(name) | Type::Primitive(name) => name.clone(),
        Type::Tuple(types) => {
            let types: Vec<_> = types.iter().map(|inner| render(krate, inner)).collect();
            format!("({})", types.join(", "))
        }
        Type::ResolvedPath(path) => {
            // A path as it is written may be one word; the summary has all of it.
            let name = match krate.paths.get(&path.id) {
                Some(summary) => summary.path.join("::"),
                None => path.path.clone(),
            };
            let args: Vec<_> = match path.args.as_deref() {
                Some(GenericArgs::AngleBracketed { args, .. }) => {
                    args.iter().map(|arg| argument(krate, arg)).collect()
                }
                _ => Vec::new(),
            };
            match args.is_empty() {
                true => name,
                false => format!("{name}<{}>", args.join(", ")),
            }
        }
        _ => String::from("_"),
    }
}

fn argument(krate: &Crate, arg: &GenericArg) -> String {
    match arg {
        GenericArg::Type(inner) => render(krate, inner),
        GenericArg::Lifetime(name) => name.clone(),
        GenericArg::Const(value) => value.expr.clone(),
        GenericArg::Infer => String::from("_"),
    }
}
