//! The root of a crate is its paved path: short in the core, and the same in all adapters.

use std::collections::BTreeMap;

use crate::allowed::Finding;
use crate::item::Surface;

/// How many items the core's root has at most, modules aside.
const CORE_LIMIT: usize = 16;

/// Checks that the root of the core is short.
pub(crate) fn check_core(core: &Surface<'_>) -> Vec<Finding> {
    let names: Vec<_> =
        core.root.iter().filter(|name| !name.is_module).map(|name| name.name.as_str()).collect();
    if names.len() <= CORE_LIMIT {
        return Vec::new();
    }
    let message = format!(
        "has {} items at its root, and at most {CORE_LIMIT} are allowed: {}",
        names.len(),
        names.join(", ")
    );
    vec![Finding::new("root", core.name, &message)]
}

/// Checks that adapters have the same names at their roots.
pub(crate) fn check_adapters(adapters: &[&Surface<'_>]) -> Vec<Finding> {
    let mut owners: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for adapter in adapters {
        for name in &adapter.root {
            owners.entry(name).or_default().push(adapter.name);
        }
    }
    let uneven = owners.into_iter().filter(|(_, owners)| owners.len() < adapters.len());
    uneven
        .flat_map(|(name, owners)| owners.into_iter().map(move |owner| (name, owner)))
        .map(|(name, owner)| {
            let message = "is not at the root of every adapter";
            Finding::new("adapter", format!("{owner}::{}", name.name), message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustdoc::fixture;

    #[test]
    fn a_name_that_one_adapter_lacks_is_found_in_the_others() {
        let Some(first) = fixture("first", "pub use std::fs as net; pub fn connect() {}") else {
            return;
        };
        let Some(second) = fixture("second", "pub use std::io as net; pub struct Only;") else {
            return;
        };
        let surfaces = [&first, &second].map(|described| Surface::new(&described.krate));
        let findings = check_adapters(&surfaces.each_ref());
        let mut items: Vec<_> = findings.iter().map(|finding| finding.item.as_str()).collect();
        items.sort_unstable();
        assert_eq!(items, ["first::connect", "second::Only"]);
        assert_eq!(check_adapters(&[&surfaces[0], &surfaces[0]]), []);
    }

    #[test]
    fn a_core_with_too_many_names_is_found_and_modules_do_not_count() {
        let names = |count| -> String {
            let items = (0..count).map(|number| format!("pub fn item_{number}() {{}}"));
            items.chain([String::from("pub mod item_0 {} pub use std::io;")]).collect()
        };
        let Some(longest) = fixture("core", &names(CORE_LIMIT)) else { return };
        let Some(long) = fixture("core", &names(CORE_LIMIT + 1)) else { return };
        assert_eq!(check_core(&Surface::new(&longest.krate)), []);
        let findings = check_core(&Surface::new(&long.krate));
        assert!(findings[0].message.contains("has 17 items"), "{findings:?}");
    }
}
