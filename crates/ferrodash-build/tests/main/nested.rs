//! Components inside data, and what the documentation says of dictionaries.

use ferrodash_build::{PropType, read_metadata};

use super::{Project, assert_parts};

/// One component with these properties, as react-docgen describes it.
fn component(props: &str) -> String {
    format!("{{\"src/Sheet.react.js\": {{\"description\": \"\", \"props\": {{{props}}}}}}}")
}

fn children_props(props: &str) -> Vec<String> {
    let components =
        read_metadata(&component(props), "metadata.json").unwrap_or_else(|error| panic!("{error}"));
    components[0].children_props.clone()
}

const NODE: &str = r#"{"name": "node"}"#;

#[test]
fn e32_components_in_data_have_paths() {
    let shape =
        |field: &str, kind: &str| format!(r#"{{"name": "shape", "value": {{"{field}": {kind}}}}}"#);
    let of = |name: &str, kind: &str| format!(r#"{{"name": "{name}", "value": {kind}}}"#);
    let union = |kinds: &[&str]| format!(r#"{{"name": "union", "value": [{}]}}"#, kinds.join(", "));
    let number = r#"{"name": "number"}"#;
    let cases: Vec<(String, &[&str])> = vec![
        // Rows of any columns, each cell a component or a number: what a table's data is.
        (
            of("arrayOf", &of("objectOf", &union(&[number, NODE]))),
            &["p[]{}"],
        ),
        (of("arrayOf", &of("objectOf", NODE)), &["p[]{}"]),
        (of("objectOf", NODE), &["p{}"]),
        (of("objectOf", &of("arrayOf", NODE)), &["p{}"]),
        (of("objectOf", &shape("label", NODE)), &["p{}.label"]),
        (of("arrayOf", &shape("label", NODE)), &["p[].label"]),
        (
            of("arrayOf", &shape("cells", &of("objectOf", NODE))),
            &["p[].cells{}"],
        ),
        (
            of("arrayOf", &union(&[number, &shape("label", NODE)])),
            &["p[].label"],
        ),
        // The renderer draws the components of a list by the path of the list.
        (of("arrayOf", NODE), &["p"]),
        (of("arrayOf", &union(&[number, NODE])), &["p"]),
        (union(&[number, &of("arrayOf", NODE), NODE]), &["p"]),
        (shape("inner", &shape("title", NODE)), &["p.inner.title"]),
        (of("arrayOf", &of("arrayOf", NODE)), &[]),
        (of("arrayOf", number), &[]),
    ];
    for (kind, expected) in cases {
        assert_eq!(
            children_props(&format!("\"p\": {{\"type\": {kind}}}")),
            expected,
            "{kind}"
        );
    }
    // A recursive shape has the types of its fields in a field of their own.
    let recursive = r#"{"type": {"name": "shape", "value": {"title": {"type": {"name": "node"}, "required": false}}}}"#;
    assert_eq!(children_props(&format!("\"p\": {recursive}")), ["p.title"]);
}

#[test]
fn e33_flow_types_are_types() {
    let prop = |name: &str, kind: &str| format!("\"{name}\": {{\"flowType\": {kind}}}");
    let literal = |text: &str| format!(r#"{{"name": "literal", "value": "'{text}'"}}"#);
    let props = [
        prop("a", r#"{"name": "boolean"}"#),
        prop("b", r#"{"name": "Node"}"#),
        prop(
            "c",
            r#"{"name": "Array", "elements": [{"name": "string"}]}"#,
        ),
        prop(
            "d",
            &format!(
                r#"{{"name": "union", "elements": [{}, {}]}}"#,
                literal("x"),
                literal("y")
            ),
        ),
        prop(
            "e",
            r#"{"name": "union", "elements": [{"name": "string"}, {"name": "boolean"}]}"#,
        ),
        prop("f", r#"{"name": "signature", "type": "function"}"#),
        prop(
            "g",
            r#"{"name": "signature", "type": "object", "signature": {"properties": [{"key": "k", "value": {"name": "Node", "required": false}}]}}"#,
        ),
    ];
    let components = read_metadata(&component(&props.join(", ")), "metadata.json").unwrap();
    let kinds: Vec<_> = components[0]
        .props
        .iter()
        .map(|prop| prop.kind.clone())
        .collect();
    let choice = PropType::Choice(vec!["x".into(), "y".into()]);
    let expected = [
        PropType::Bool,
        PropType::Node,
        PropType::TextList,
        choice,
        PropType::TextOrBool,
        PropType::Json,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(components[0].children_props, ["b", "g.k"]);
}

#[test]
fn e35_documentation_keeps_keys_and_defaults() {
    let metadata = component(
        r#""ranges": {"type": {"name": "union", "value": [{"name": "string"}, {"name": "shape", "value": {
                "low": {"name": "number", "required": true, "description": "Where it\nbegins."},
                "marks": {"name": "arrayOf", "required": false, "value": {"name": "shape", "value": {
                    "at": {"name": "number", "required": true},
                    "kind": {"name": "enum", "value": [{"value": "'a'"}, {"value": "'b'"}], "required": false}}}}}}]},
            "description": "The [ranges].", "required": false},
        "size": {"type": {"name": "number"}, "defaultValue": {"value": "140", "computed": false}},
        "list": {"type": {"name": "array"}, "defaultValue": {"value": "[]", "computed": false}},
        "tools": {"type": {"name": "object"}, "description": "Tools.", "defaultValue": {"value": "{\n  a: [1]\n}"}}"#,
    );
    let metadata = metadata
        .replace('\n', " ")
        .replace("Where it begins", "Where it\\nbegins");
    let project = Project::new(&[
        ("test_dials/__init__.py", ""),
        ("test_dials/metadata.json", &metadata),
        ("test_dials/test_dials.js", "window.test_dials=1"),
    ]);
    let (code, _) = project.generate("test_dials").unwrap();
    assert_parts(
        &code,
        &[
            "    /// The \\[ranges\\].\n    ///\n    /// `ranges` is text or a dict with keys:\n    ///\n    \
             /// - `low` (number; required): Where it begins.\n    \
             /// - `marks` (list of dict; optional)\n    \
             ///   - `at` (number; required)\n    \
             ///   - `kind` (`'a'`, `'b'`; optional)\n    pub fn ranges(",
            "    /// Default: `140`.\n    pub fn size(",
            "    /// Not documented by the suite.\n    pub fn list(",
            "    /// Tools.\n    ///\n    /// Default: `{ a: [1] }`.\n    pub fn tools(",
        ],
    );
}

#[test]
fn e33_names_with_underscores_are_names() {
    let components =
        read_metadata(r#"{"src/Run_js.react.js": {"props": {}}}"#, "metadata.json").unwrap();
    assert_eq!(components[0].name, "Run_js");
}

#[test]
fn e33_no_name_of_a_property_or_component_disturbs_a_constructor() {
    let metadata = r#"{"src/Plain.js": {"props": {"id": {"type": {"name": "string"}}}},
        "src/Needs.js": {"props": {"component": {"type": {"name": "string"}, "required": true}}}}"#;
    let project = Project::new(&[
        ("test_dials/__init__.py", ""),
        ("test_dials/metadata.json", metadata),
        ("test_dials/test_dials.js", "window.test_dials=1"),
    ]);
    let (code, _) = project.generate("test_dials").unwrap();
    assert_parts(
        &code,
        &[
            "impl ::core::default::Default for Plain {",
            "pub fn new(component: impl ferrodash_components::value::Text) -> Self {",
            "this.set(\"component\", component.into_prop());\n        Self(this)",
        ],
    );
    assert!(!code.contains("Default for Needs"), "{code}");
}
