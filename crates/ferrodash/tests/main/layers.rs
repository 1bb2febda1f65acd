//! Which files of a crate import which others: downwards only in the crate `ferrodash`, and without
//! circles in all crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex_lite::Regex;

use crate::tidy::{files, root};

/// Circles that stay: the crate, the files, and the reason.
const CIRCLES: [(&str, &str, &str); 2] = [
    (
        "ferrodash",
        "callback::describe::registered callback::run::call callback::run::context \
         callback::run::handler",
        "a function takes a context, which knows its call, which knows the callback with its function",
    ),
    (
        "ferrodash-components",
        "children component value",
        "a component has properties, and a property can be components",
    ),
];

/// Where the document has the list of floors.
const FLOORS: &str = "## The floors of `ferrodash`";

/// A module's path in its crate, such as `http::batch`; empty for the root.
type Module = String;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The files of a crate, without comments and tests.
struct Sources {
    texts: BTreeMap<Module, String>,
    /// What each module re-exports: module and name, and the path that is meant.
    exports: BTreeMap<(Module, String), Vec<String>>,
}

/// One path of a `use`.
struct Use {
    path: String,
    name: String,
    is_export: bool,
}

#[test]
fn imports_go_down_the_floors() {
    let floors = floors();
    let imports = Sources::of("ferrodash").imports();
    let modules: BTreeSet<&str> = imports.keys().map(|module| part(module)).collect();
    let named: BTreeSet<&str> = floors.keys().map(String::as_str).collect();
    let modules: BTreeSet<&str> = modules
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    assert_eq!(
        modules, named,
        "ARCHITECTURE.md has each module on one floor"
    );
    let mut wrong = Vec::new();
    for (module, imported) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        for other in imported.iter().filter(|other| part(other) != part(module)) {
            if floors[part(other)] <= floors[part(module)] {
                wrong.push(format!(
                    "{module} imports {other}, which is on no floor below"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_import_each_other_in_no_circle() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let known: Vec<BTreeSet<&str>> = CIRCLES
            .iter()
            .filter(|(of, ..)| *of == name)
            .map(|(_, files, _)| files.split_whitespace().collect())
            .collect();
        let circles = circles(&Sources::of(&name).imports());
        for circle in &circles {
            let circle: BTreeSet<&str> = circle.iter().map(String::as_str).collect();
            if !known.iter().any(|known| circle.is_subset(known)) {
                wrong.push(format!("{name}: {circle:?} import each other in a circle"));
            }
        }
        for module in known.iter().flatten() {
            if !circles.iter().any(|circle| circle.contains(*module)) {
                wrong.push(format!(
                    "{name}: {module} is in no circle; remove the exception"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        CIRCLES
            .iter()
            .all(|(_, files, _)| files.split_whitespace().count() <= 4)
    );
}

/// The floor of each module, from the top.
fn floors() -> BTreeMap<String, usize> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = map.split(FLOORS).nth(1).expect("a section of the floors");
    let list = section.split("```").nth(1).expect("a list of the floors");
    let mut floors = BTreeMap::new();
    for (floor, line) in list.trim().lines().enumerate() {
        let names = line.split("  ").next().unwrap_or_default();
        for name in names.split(", ") {
            assert_eq!(
                floors.insert(name.to_owned(), floor),
                None,
                "{name} is there twice"
            );
        }
    }
    floors
}

/// The part of a crate that a module is in.
fn part(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// Sets of modules that each reach all others of their set.
fn circles(imports: &Imports) -> BTreeSet<BTreeSet<Module>> {
    let reached = |start: &Module| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(module) = next.pop() {
            for other in imports.get(module).into_iter().flatten() {
                if reached.insert(other.clone()) {
                    next.push(other);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = imports
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let in_circles = reached
        .iter()
        .filter(|(module, all)| all.contains(**module));
    in_circles
        .map(|(module, all)| {
            let back = all.iter().filter(|other| reached[other].contains(*module));
            back.cloned().collect()
        })
        .collect()
}

impl Sources {
    fn of(name: &str) -> Self {
        let source = root().join("crates").join(name).join("src");
        let mut found = Vec::new();
        files(&source, "rs", &mut found);
        let mut sources = Self {
            texts: BTreeMap::new(),
            exports: BTreeMap::new(),
        };
        for path in found.iter().filter(|path| !path.ends_with("tests.rs")) {
            let module = module_of(path.strip_prefix(&source).unwrap());
            let text = code(&fs::read_to_string(path).unwrap());
            sources.texts.insert(module, text);
        }
        let mut exports = BTreeMap::new();
        for (module, text) in &sources.texts {
            for Use { path, name, .. } in uses(text).into_iter().filter(|it| it.is_export) {
                if let Some(path) = sources.absolute(module, &path) {
                    exports.insert((module.clone(), name), path);
                }
            }
        }
        sources.exports = exports;
        sources
    }

    /// What each module imports of its crate. Re-exports are no imports: they are looked through.
    fn imports(&self) -> Imports {
        static PATHS: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"(?:^|[^\w:$])((?:crate|super)(?:::\w+)+)"));
        let mut imports = Imports::new();
        for (module, text) in &self.texts {
            let uses = uses(text).into_iter().filter(|it| !it.is_export);
            let mut paths: Vec<String> = uses.map(|it| it.path).collect();
            let rest = USES.replace_all(text, "");
            let named = PATHS.captures_iter(&rest);
            paths.extend(named.map(|path| path[1].to_owned()));
            paths.extend(self.paths_to_children(module, &rest));
            let imported = paths.iter().filter_map(|path| self.absolute(module, path));
            let mut imported: BTreeSet<Module> = imported.map(|it| self.resolve(&it)).collect();
            imported.retain(|other| !other.is_empty() && other != module);
            imports.insert(module.clone(), imported);
        }
        imports
    }

    /// Paths such as `index::serve` in the file with `mod index`.
    fn paths_to_children(&self, module: &str, text: &str) -> Vec<String> {
        static PATHS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|[^\w:])(\w+)::(\w+)"));
        let paths = PATHS.captures_iter(text);
        let paths = paths.map(|path| (path[1].to_owned(), path[2].to_owned()));
        let children = paths.filter(|(first, _)| self.texts.contains_key(&join(module, first)));
        children
            .map(|(first, name)| format!("self::{first}::{name}"))
            .collect()
    }

    /// A path from the root of the crate; `None` for one of another crate.
    fn absolute(&self, module: &str, path: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = path.split("::").map(str::to_owned).collect();
        let mut base: Vec<String> = module.split("::").map(str::to_owned).collect();
        base.retain(|name| !name.is_empty());
        match names[0].as_str() {
            "crate" => return Some(names.split_off(1)),
            "self" => names = names.split_off(1),
            "super" => {
                while names.first().is_some_and(|name| name == "super") {
                    base.pop();
                    names.remove(0);
                }
            }
            first if self.texts.contains_key(&join(module, first)) => {}
            _ => return None,
        }
        Some([base, names].concat())
    }

    /// The module in which what a path names is.
    fn resolve(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        for (index, name) in path.iter().enumerate() {
            let below = join(&module, name);
            let is_last = index + 1 == path.len();
            let export = self.exports.get(&(module.clone(), name.clone()));
            match export.filter(|_| is_last || !self.texts.contains_key(&below)) {
                Some(meant) if meant != path => {
                    return self.resolve(&[meant, &path[index + 1..]].concat());
                }
                _ if self.texts.contains_key(&below) => module = below,
                _ => break,
            }
        }
        module
    }
}

fn join(module: &str, name: &str) -> Module {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

fn module_of(path: &Path) -> Module {
    let path = path.with_extension("");
    let names = path.iter().map(|name| name.to_string_lossy());
    let names: Vec<_> = names
        .filter(|name| name != "mod" && name != "lib")
        .collect();
    names.join("::")
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid expression")
}

static USES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:\b(pub)(?:\([^)]*\))?\s+)?\buse\s+([^;]+);"));

fn uses(text: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    for found in USES.captures_iter(text) {
        let tree = found[2].split_whitespace().collect::<Vec<_>>().join(" ");
        leaves("", &tree, found.get(1).is_some(), &mut uses);
    }
    uses
}

/// The paths of a tree such as `a::{b, c::{d, e as f}}`.
fn leaves(before: &str, tree: &str, is_export: bool, uses: &mut Vec<Use>) {
    let Some((start, rest)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = format!("{before}{path}").replace("::self", "");
        let last = path.rsplit("::").next().unwrap_or_default();
        let name = if alias.is_empty() { last } else { alias }.to_owned();
        uses.push(Use {
            path,
            name,
            is_export,
        });
        return;
    };
    let before = format!("{before}{start}");
    let inner = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut begin) = (0, 0);
    for (index, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let leaf = inner[begin..index].trim();
                if !leaf.is_empty() {
                    leaves(&before, leaf, is_export, uses);
                }
                begin = index + 1;
            }
            _ => {}
        }
    }
}

/// A file without its comments and without what is compiled for tests only.
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut parts = text
        .split("#[cfg(test)]")
        .flat_map(|part| part.split("#[cfg(all(test"));
    let mut code = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A module in the file ends it; a line such as `mod tests;` does not.
        match part.find([';', '{']) {
            Some(end) if part[end..].starts_with(';') => code.push_str(&part[end + 1..]),
            _ => break,
        }
    }
    code
}
