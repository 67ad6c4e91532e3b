//! What holds for the source of this crate: its imports have no circles, and its builders one form.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate by their path, such as `config::hosts`, without their tests.
fn modules() -> BTreeMap<String, String> {
    fn visit(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => visit(&path, files),
                false => files.push(path),
            }
        }
    }

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    visit(&root, &mut files);
    let mut modules = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().with_extension("");
        let parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        let path = match parts.split_last().unwrap() {
            (&"tests" | &"fuzzing", _) => continue,
            (&"mod" | &"lib", above) => above.join("::"),
            _ => parts.join("::"),
        };
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        modules.insert(path, text);
    }
    modules
}

/// The modules that the module `at` imports, by the paths of its `use` items.
fn imports(modules: &BTreeMap<String, String>, at: &str) -> BTreeSet<String> {
    let text = &modules[at];
    let items = text.split('\n').scan(None, |item: &mut Option<String>, line| {
        let line = line.trim();
        let visible = ["pub(crate) ", "pub(super) ", "pub "];
        let begin = visible.iter().find_map(|visible| line.strip_prefix(visible)).unwrap_or(line);
        let text = match item.take() {
            Some(begun) => begun + " " + line,
            None if begin.starts_with("use ") => begin.to_owned(),
            None => return Some(None),
        };
        if text.ends_with(';') {
            return Some(Some(text));
        }
        *item = Some(text);
        Some(None)
    });
    let mut found = BTreeSet::new();
    for item in items.flatten() {
        let path = item.trim_start_matches("use ").trim_end_matches(';');
        let (prefix, names) = match path.split_once("::{") {
            Some((prefix, names)) => (format!("{prefix}::"), names.trim_end_matches('}')),
            None => (String::new(), path),
        };
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            found.extend(module_of(modules, at, &format!("{prefix}{name}")));
        }
    }
    found.remove(at);
    found
}

/// The deepest module on a path that a module at `at` imports. `None` for another crate.
fn module_of(modules: &BTreeMap<String, String>, at: &str, path: &str) -> Option<String> {
    let mut base: Vec<_> = at.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match parts.next()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while parts.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        first if modules.contains_key(first) && at.is_empty() => base.push(first),
        _ => return None,
    }
    for part in parts {
        base.push(part);
        if !modules.contains_key(&base.join("::")) {
            base.pop();
            break;
        }
    }
    Some(base.join("::"))
}

#[test]
fn no_module_imports_itself_through_others() {
    let modules = modules();
    let mut left: BTreeMap<_, _> =
        modules.keys().map(|module| (module.clone(), imports(&modules, module))).collect();
    assert!(left[""].contains("config::hosts") && left["client::ask"].len() > 5, "{left:?}");
    // Modules without imports are taken away until none is left, or only circles are.
    while let Some(leaf) = left.iter().find(|(_, imports)| imports.is_empty()) {
        let leaf = leaf.0.clone();
        left.remove(&leaf);
        for imports in left.values_mut() {
            imports.remove(&leaf);
        }
    }
    assert!(left.is_empty(), "these modules import one another: {left:#?}");
}

/// The names of the public methods in a text.
fn public_methods(text: &str) -> BTreeSet<&str> {
    let methods = text.split("pub fn ").skip(1);
    methods.filter_map(|rest| rest.split(['(', '<']).next()).collect()
}

#[test]
fn every_builder_has_a_reader_of_its_setting() {
    let mut checked = 0;
    for (module, text) in modules() {
        let methods = public_methods(&text);
        for setting in methods.iter().filter_map(|name| name.strip_prefix("with_")) {
            let is_read = methods.contains(setting) || methods.contains(&*format!("is_{setting}"));
            assert!(is_read, "{module} has with_{setting} and no reader {setting}");
            checked += 1;
        }
        for setting in methods.iter().filter_map(|name| name.strip_prefix("without_")) {
            assert!(methods.contains(&*format!("with_{setting}")), "{module}: without_{setting}");
        }
    }
    assert!(checked > 30, "{checked}");
}
