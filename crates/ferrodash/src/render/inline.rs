//! Scripts in the page itself, without an address of their own: the start of the renderer, and
//! functions of clientside callbacks.
//!
//! A content security policy must allow each by its hash
//! ([`BuiltApp::csp_hashes`](crate::BuiltApp::csp_hashes)), so their text here is exactly that of
//! the page.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::callback::{Clientside, Registry};
use crate::config::Config;

/// The functions that the renderer calls if a page has them.
pub(crate) const RENDERER_HOOKS: [&str; 6] = [
    "layout_pre",
    "layout_post",
    "request_pre",
    "request_post",
    "callback_resolved",
    "request_refresh_jwt",
];

/// Defines the functions of the gates if the browser could not load or read the script that has
/// them: changes then pass at once. It is written for every browser that Dash's bundles run in.
const WITHOUT_SCRIPT: &str = "(function (page) {
    if (page.ferrodash) return;
    page.ferrodash = {};
    var config = document.getElementById('_ferrodash-config').textContent;
    JSON.parse(config).gates.forEach(function (gate) {
        page.ferrodash[gate.name] = function () {
            page.callback_context.triggered.forEach(function (change) {
                var end = change.prop_id.lastIndexOf('.');
                var id = change.prop_id.slice(0, end), set = {};
                set[gate.carrier] = 1;
                page.set_props(id[0] === '{' ? JSON.parse(id) : id, set);
            });
        };
    });
})(window.dash_clientside = window.dash_clientside || {});
";

/// Returns the script that starts the renderer, with the app's hooks.
pub(super) fn start(config: &Config, registry: &Registry) -> String {
    let before = if registry.gates().is_empty() {
        ""
    } else {
        WITHOUT_SCRIPT
    };
    if config.renderer_hooks.is_empty() {
        return format!("{before}var renderer = new DashRenderer();");
    }
    // The renderer calls this one without a look whether it is there.
    let none = ("request_refresh_jwt", "null".to_owned());
    let hooks = [none]
        .into_iter()
        .chain(config.renderer_hooks.iter().cloned());
    let hooks: String = hooks
        .map(|(name, source)| format!("{name}: {}\n,", in_script(&source)))
        .collect();
    format!("{before}var renderer = new DashRenderer({{{hooks}}});")
}

/// Returns the text of each script in the page itself.
pub(crate) fn inline_scripts(config: &Config, registry: &Registry) -> Vec<String> {
    let mut scripts = functions_of(registry);
    scripts.push(start(config, registry));
    scripts
}

/// Matches what ends a script's element, or begins a part of it that HTML reads in another way.
static BREAKS_OUT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)<(/script|!--)").expect("a valid expression"));

/// Returns a source in the form that the page has it in.
///
/// What would break out of the element is written with a backslash, which JavaScript ignores within
/// texts.
fn in_script(source: &str) -> String {
    // HTML makes one line break of the two characters, before a policy's hash is compared.
    BREAKS_OUT
        .replace_all(&source.replace("\r\n", "\n"), "<\\$1")
        .into_owned()
}

/// Returns scripts for the clientside callbacks that are given as source, which put each function
/// where the renderer finds it. Equal functions are there once.
pub(super) fn functions_of(registry: &Registry) -> Vec<String> {
    let functions = registry
        .iter()
        .filter_map(|callback| callback.callback.clientside());
    let script = |function: &Clientside| {
        let source = in_script(function.source.as_ref()?);
        let (namespace, name) = (&function.namespace, &function.name);
        Some(format!(
            "((window.dash_clientside = window.dash_clientside || {{}})[\"{namespace}\"] = \
             window.dash_clientside[\"{namespace}\"] || {{}})[\"{name}\"] = {source}\n;"
        ))
    };
    let mut scripts: Vec<String> = functions.filter_map(script).collect();
    scripts.sort_unstable();
    scripts.dedup();
    scripts
}
