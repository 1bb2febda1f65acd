//! The table of what a suite ships: `static SUITE`, which the app serves from.

use super::source::{COMPONENTS, line};
use crate::ComponentMeta;
use crate::bundle::Bundle;
use crate::package::Suite;

/// Writes the table. Files are included as bytes from `OUT_DIR`, so they become part of the program
/// and need not be installed beside it.
pub(super) fn emit_table(
    code: &mut String,
    suite: &Suite,
    components: &[ComponentMeta],
    bundles: &[Bundle],
) {
    line(code, 0, "/// What this suite ships.");
    let head = format!("pub static SUITE: {COMPONENTS}::Suite = {COMPONENTS}::Suite {{");
    line(code, 0, &head);
    line(code, 1, &format!("module: {:?},", suite.module));
    line(code, 1, &format!("namespace: {:?},", suite.namespace));
    line(code, 1, &format!("package: {:?},", suite.package));
    line(code, 1, &format!("version: {:?},", suite.version));
    line(code, 1, &format!("root: {:?},", url_root(suite)));
    line(code, 1, &format!("scripts: &{:?},", suite.scripts));
    line(code, 1, &format!("styles: &{:?},", suite.styles));
    line(code, 1, "components: &[");
    for component in components {
        line(code, 2, &info(component));
    }
    line(code, 1, "],");
    line(code, 1, "bundles: &[");
    for bundle in bundles {
        emit_bundle(code, bundle);
    }
    line(code, 1, "],");
    line(code, 0, "};");
}

/// Returns the entry of a component, which the server checks callbacks against.
///
/// It has the names of all properties on the wire, also of those that have no setter, and the paths
/// at which the renderer looks for components.
fn info(component: &ComponentMeta) -> String {
    let ComponentMeta {
        name,
        wildcards,
        children_props,
        ..
    } = component;
    let props = component.props.iter().map(|prop| prop.name.as_str());
    let props: Vec<&str> = props.collect();
    let fields = format!(
        "name: {name:?}, props: &{props:?}, wildcards: {wildcards}, children_props: &{children_props:?}"
    );
    format!("{COMPONENTS}::ComponentInfo {{ {fields} }},")
}

/// Writes the entry of a file with its two forms.
///
/// The two files are those that `bundle::prepare` wrote under the same names, so the program does
/// not compile if one is missing.
fn emit_bundle(code: &mut String, bundle: &Bundle) {
    let include = |suffix: &str| {
        let file = &bundle.file;
        format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}{suffix}\"))")
    };
    let (gzip, brotli) = (include(".gz"), include(".br"));
    let Bundle { path, sha256, .. } = bundle;
    if let Some(feature) = &bundle.feature {
        line(code, 2, &format!("#[cfg(feature = {feature:?})]"));
    }
    line(code, 2, &format!("{COMPONENTS}::Bundle {{"));
    line(code, 3, &format!("path: {path:?}, sha256: {sha256:?},"));
    let bytes = format!("gzip: {gzip}, brotli: {brotli},");
    line(code, 3, &bytes);
    line(code, 2, "},");
}

/// Returns the part of a suite's URLs between the package and the file: the part of `root` below
/// the package.
///
/// If `root` is not below the package, all of it is used. The result is empty if the files are
/// directly in the package's directory.
fn url_root(suite: &Suite) -> String {
    suite
        .root
        .strip_prefix(&suite.package)
        .unwrap_or(&suite.root)
        .trim_start_matches('/')
        .to_owned()
}
