//! Paths with variables, and paths, modules and names that follow from each other.
//!
//! The rules are Dash's. What is wrong with a path is reported in `crate::build`.

use regex_lite::Regex;

/// A path with variables, such as `/asset/<asset_id>`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// Matches a path without slashes at its ends; a group for each variable.
    pattern: Regex,
    /// The names of the variables, in the order of the groups.
    pub(crate) names: Vec<String>,
}

impl Template {
    /// Reads a template. Text outside of variables stands for itself.
    pub(crate) fn new(template: &str) -> Self {
        let mut pattern = String::from("(?s)^");
        let mut names = Vec::new();
        let fixed = parts(template.trim_matches('/'), |name| {
            names.push(name.to_owned())
        });
        let fixed: Vec<String> = fixed.into_iter().map(regex_lite::escape).collect();
        // Greedy and across slashes, as in Dash.
        pattern.push_str(&fixed.join("(.*)"));
        pattern.push('$');
        Self {
            pattern: Regex::new(&pattern).expect("escaped text and groups are a pattern"),
            names,
        }
    }

    /// Returns the variables in a path without slashes at its ends; `None` if it does not fit, or
    /// if the template has no variables.
    pub(crate) fn read(&self, path: &str) -> Option<Vec<(String, String)>> {
        if self.names.is_empty() {
            return None;
        }
        let found = self.pattern.captures(path)?;
        let values = found
            .iter()
            .skip(1)
            .flatten()
            .map(|value| value.as_str().to_owned());
        Some(self.names.iter().cloned().zip(values).collect())
    }
}

/// Returns the texts before, between and after the variables of a template, and calls `variable`
/// with the name of each.
fn parts(mut template: &str, mut variable: impl FnMut(&str)) -> Vec<&str> {
    let mut fixed = Vec::new();
    while let Some((before, rest)) = template.split_once('<')
        && let Some((name, after)) = rest.split_once('>')
    {
        fixed.push(before);
        variable(name);
        template = after;
    }
    fixed.push(template);
    fixed
}

/// Returns the path of a page that has none: its template with `none` for each variable.
pub(crate) fn path_of_template(template: &str) -> String {
    with_slash(parts(template, |_| {}).join("none"))
}

/// Returns the path of a page that has neither path nor template, from its module.
pub(crate) fn path_of_module(module: &str) -> String {
    let segments: Vec<&str> = module.split('.').collect();
    // Pages are often in a module of that name, which is no part of their paths.
    let below = segments
        .iter()
        .rposition(|segment| *segment == "pages")
        .map_or(0, |index| index + 1);
    with_slash(segments[below..].join("/").replace('_', "-").to_lowercase())
}

/// Returns the module of a page that has none, from its path or template.
pub(crate) fn module_of_path(path: &str) -> String {
    let fixed = parts(path, |_| {}).concat();
    let segments = fixed.split('/').filter(|segment| !segment.is_empty());
    let module = segments
        .map(|segment| segment.replace('-', "_"))
        .collect::<Vec<_>>()
        .join(".");
    if module.is_empty() {
        "home".into()
    } else {
        module
    }
}

/// Returns a module in Dash's form: its names with dots between them, without `crate`, `self` and
/// `super` at its beginning.
pub(crate) fn module_name(module: &str) -> String {
    let names = module
        .split("::")
        .flat_map(|name| name.split('.'))
        .map(str::trim);
    let names = names.map(|name| name.trim_start_matches("r#"));
    names
        .skip_while(|name| matches!(*name, "crate" | "self" | "super" | ""))
        .collect::<Vec<_>>()
        .join(".")
}

/// Returns the name of a page that has none: the last part of its module, in words.
pub(crate) fn name_of_module(module: &str) -> String {
    let words = last(module).replace('_', " ").to_lowercase();
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Returns the last part of a module.
pub(crate) fn last(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}

/// Adds a slash at the beginning, unless there is one.
fn with_slash(path: String) -> String {
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// Returns whether a variable can have this name.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first == '_' || first.is_alphabetic())
        && letters.all(|letter| letter == '_' || letter.is_alphanumeric())
}

/// Returns whether a browser sends a path as it is written here: without a query, and with those
/// characters percent-encoded that it encodes (WHATWG URL, "path percent-encode set"; a backslash
/// becomes a slash).
pub(crate) fn is_plain(path: &str) -> bool {
    path.chars()
        .all(|letter| letter.is_ascii_graphic() && !"\"#<>?\\^`{}".contains(letter))
}

/// Returns whether a path has variables, as only a template can.
pub(crate) fn has_variables(path: &str) -> bool {
    let mut any = false;
    parts(path, |_| any = true);
    any
}

/// Returns the text of a template around its variables.
pub(crate) fn text_of_template(template: &str) -> String {
    parts(template, |_| {}).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of Dash 4.4.1 (`_parse_path_variables`).
    #[test]
    fn templates_read_paths_as_dash_does() {
        for (path, template, expected) in [
            (
                "asset/12/hr",
                "/asset/<a>/<b>",
                Some(vec![("a", "12"), ("b", "hr")]),
            ),
            (
                "asset/1/2/3",
                "/asset/<a>/<b>/",
                Some(vec![("a", "1/2"), ("b", "3")]),
            ),
            ("Asset/12", "/asset/<a>", None),
            ("asset/", "/asset/<a>", Some(vec![("a", "")])),
            (
                "asset//",
                "/asset/<a>/<b>",
                Some(vec![("a", ""), ("b", "")]),
            ),
            ("asset", "/asset/<a>", None),
            ("x.y/1", "/x.y/<a>", Some(vec![("a", "1")])),
            ("xzy/1", "/x.y/<a>", None),
            ("1/b", "<a>/b", Some(vec![("a", "1")])),
            ("b/1/b/2", "/b/<x>", Some(vec![("x", "1/b/2")])),
            ("", "/<x>", Some(vec![("x", "")])),
            ("aaa", "/<x><y>", Some(vec![("x", "aaa"), ("y", "")])),
            ("a/b", "/a/b", None),
        ] {
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let expected: Option<Vec<_>> =
                expected.map(|found| found.into_iter().map(owned).collect());
            assert_eq!(
                Template::new(template).read(path),
                expected,
                "{path} in {template}"
            );
        }
    }

    #[test]
    fn names_and_paths_come_from_modules() {
        for (module, path, name) in [
            ("weekly_analytics", "/weekly-analytics", "Weekly analytics"),
            ("reports :: weekly", "/reports/weekly", "Weekly"),
            ("crate::pages::reports::weekly", "/reports/weekly", "Weekly"),
            ("super::r#type", "/type", "Type"),
            ("pages.not_found_404", "/not-found-404", "Not found 404"),
        ] {
            let module = module_name(module);
            assert_eq!(
                (
                    path_of_module(&module).as_str(),
                    name_of_module(&module).as_str()
                ),
                (path, name)
            );
        }
        assert_eq!(path_of_template("asset/<id>/<dept>"), "/asset/none/none");
        assert_eq!(path_of_template("/a<b"), "/a<b");
        assert_eq!(
            module_of_path("/reports/last-week/<id>"),
            "reports.last_week"
        );
        assert_eq!(module_of_path("/"), "home");
    }
}
