//! Joins the modules of the browser script into one script.
//!
//! The modules are written so that no parser is needed: imports and exports have one form, and each
//! takes a line. The build script fails on any other form. Comments for types and those that take
//! whole lines are left out, and so is indentation, as they would be half of what a page loads.

use std::collections::HashSet;

/// Joins modules, given by their names and texts, into one script. A module comes after those that
/// it imports.
///
/// # Panics
/// If a module has a form that cannot be joined. The message names the module and its line.
pub(crate) fn join(modules: &[(&str, String)]) -> String {
    let mut script = String::from("\"use strict\";\n// Ferrodash in the page.\n(() => {\n");
    let mut joined = HashSet::new();
    let mut names = HashSet::new();
    for (module, text) in modules {
        for (number, line) in without_comments(text) {
            let place = format_args!("{module}, line {number}");
            if line.starts_with("import ") {
                let imported = imported_module(line)
                    .unwrap_or_else(|| panic!("{place}: write `import {{ a }} from \"./b.js\";`"));
                assert!(
                    joined.contains(imported),
                    "{place}: {imported} must come before {module} in the list of modules"
                );
                continue;
            }
            let code = line.strip_prefix("export ").unwrap_or(line);
            if let Some(name) = declared_name(code) {
                assert!(
                    names.insert(name),
                    "{place}: another module declares {name}"
                );
            } else {
                assert!(
                    !["export", "function", "async ", "class ", "var "]
                        .iter()
                        .any(|start| line.starts_with(start)),
                    "{place}: write `const name = …` or `export const name = …`"
                );
            }
            assert!(
                code.matches('`').count() % 2 == 0,
                "{place}: a template must end in its line"
            );
            script.push_str(without_types(code).trim_start());
            script.push('\n');
        }
        joined.insert(*module);
    }
    script.push_str("})();\n");
    script
}

/// Returns the lines of code with their numbers, without comments that take whole lines.
fn without_comments(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_comment = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let line = line.trim();
        let begins =
            line.starts_with("/*") && line.find("*/").is_none_or(|at| at + 2 == line.len());
        let is_comment = in_comment || begins || line.starts_with("//");
        in_comment = (in_comment || begins) && !line.ends_with("*/");
        !is_comment && !line.is_empty()
    })
}

/// Returns a line without the comments in it that give a type.
fn without_types(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("/** ") {
        let Some((_, after)) = after.split_once("*/") else {
            break;
        };
        code.push_str(before);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    code + rest
}

/// Returns the module from which a line imports, if the line has the form that can be left out.
fn imported_module(line: &str) -> Option<&str> {
    let (names, module) = line
        .strip_prefix("import { ")?
        .strip_suffix("\";")?
        .split_once(" } from \"./")?;
    (!names.contains(" as ")).then_some(module)
}

/// Returns the name that a line declares for the whole script.
fn declared_name(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("const ")
        .or_else(|| line.strip_prefix("let "))?;
    rest.split_once(" =").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(modules: &[(&str, &str)]) -> String {
        let modules: Vec<_> = modules
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect();
        join(&modules)
    }

    #[test]
    fn modules_become_one_function_without_comments() {
        let a = "// A.\n\n/**\n * Doc.\n */\nexport const one = () => 1; // one\n/** Doc. */\nconst two = 2;\n";
        let b = "import { one } from \"./a.js\";\n\n/** @type {X} */ (one)();\n    // Why.\n    one(/** @type {Y} */ (1));\n";
        assert_eq!(
            joined(&[("a.js", a), ("b.js", b)]),
            "\"use strict\";\n// Ferrodash in the page.\n(() => {\n\
             const one = () => 1; // one\nconst two = 2;\n(one)();\none((1));\n})();\n"
        );
    }

    #[test]
    #[should_panic(expected = "b.js, line 1: another module declares one")]
    fn names_are_unique() {
        joined(&[("a.js", "const one = 1;"), ("b.js", "const one = 1;")]);
    }

    #[test]
    #[should_panic(expected = "b.js must come before a.js")]
    fn imported_modules_come_first() {
        joined(&[("a.js", "import { b } from \"./b.js\";"), ("b.js", "")]);
    }

    #[test]
    #[should_panic(expected = "a.js, line 2: write `import")]
    fn imports_have_one_form() {
        joined(&[("a.js", "\nimport { a as b } from \"./b.js\";")]);
    }

    #[test]
    #[should_panic(expected = "a.js, line 1: write `const name")]
    fn exports_have_one_form() {
        joined(&[("a.js", "export default 1;")]);
    }

    #[test]
    #[should_panic(expected = "a.js, line 1: a template must end in its line")]
    fn templates_end_in_their_line() {
        joined(&[("a.js", "const text = `\n// no comment\n`;")]);
    }
}
