//! Python classes in, components out.

use std::fs::{self, File};
use std::io::Write;

use ferrodash_build::{
    ComponentMeta, Error, PropType, Source, generate_into, read_class, sha256_hex,
};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A class in the form of today's generator, with everything in it that is hard to read.
const GAUGE: &str = r#"# written for a test
import typing
from dash.development.base_component import Component, _explicitize_args

ComponentType = typing.Union[str, int, float, Component, None]


class Gauge(Component):
    """A Gauge component.
Shows a number on a scale.

- this is no property

Keyword arguments:

- children (a list of or a singular dash component, string or number; optional)

- id (string; optional):
    The id.

- value (number; required):
    What it shows, \"in units\".

- data-* (string; optional):
    Wild card.

- delay (dict; default {show: 0,
hide: (50)}):
    How long it waits.

    `delay` is a dict with keys:

    - show (number; required):
        Milliseconds before
        it shows.

- from (string; optional):
    A word of Python.

- label (a list of or a singular dash component, string or number; optional):
    Components."""
    _children_props: typing.List[str] = ['label', 'marks[].label']
    _base_nodes = ['label', 'children']
    _namespace = 'test_gauges'
    _type = 'Gauge'
    Delay = TypedDict("Delay", {"show": NumberType, "_type": NotRequired[str]})

    def __init__(
        self,
        children: typing.Optional[ComponentType] = None,
        id: typing.Optional[typing.Union[str, dict]] = None,
        *,
        value: typing.Optional[NumberType] = None,
        size: typing.Optional[Literal["a, b", 'c"]']] = None,
        level: typing.Optional[Literal[0, -1]] = None,
        width: typing.Optional[typing.Union[str, NumberType]] = None,
        colour: typing.Optional[typing.Union[Literal["red"], Literal["blue"]]] = None,
        open: typing.Optional[typing.Union[Literal["open", "OPEN"], bool]] = None,
        spacing: typing.Optional[typing.Union[NumberType, Literal["xs"], dict]] = None,
        tags: typing.Optional[typing.Sequence[str]] = None,
        marks: typing.Optional[typing.Sequence["Marks"]] = None,
        delay: typing.Optional["Delay"] = None,
        style: typing.Optional[typing.Any] = None,
        label: typing.Optional[ComponentType] = None,
        nested: typing.Optional[typing.Optional[bool]] = None,
        onClick: typing.Optional[typing.Any] = None,
        **kwargs
    ):
        self._prop_names = ['children', 'id', 'value', 'size', 'level', 'width', 'colour', 'open', 'spacing', 'tags',
            'marks', 'delay', 'style', 'label', 'nested', 'from', 'data-*']
        self._valid_wildcard_attributes =            ['data-']
        super(Gauge, self).__init__(children=children, **args)
"#;

/// A class of the older generator, which had no types.
const OLD: &str = "class Old(Component):
    '''An Old component.

Keyword arguments:

- id (string; optional)'''
    _children_props = []
    _base_nodes = ['title']
    _namespace = 'test_gauges'
    _type = 'Old'
    @_explicitize_args
    def __init__(self, title=None, id=Component.UNDEFINED, size=Component.UNDEFINED, **kwargs):
        self._prop_names = ['id', 'title', 'size']
";

fn gauge(source: &str) -> Result<ComponentMeta, Error> {
    Ok(read_class(source, "test_gauges/Gauge.py", "test_gauges")?.unwrap())
}

#[test]
fn a_class_becomes_a_component() {
    let gauge = gauge(GAUGE).unwrap();
    assert_eq!(gauge.name, "Gauge");
    assert_eq!(
        gauge.description,
        "Shows a number on a scale.\n\n- this is no property"
    );
    assert_eq!(gauge.children_props, ["label", "marks[].label"]);
    assert!(gauge.wildcards);
    let kinds: Vec<_> = gauge
        .props
        .iter()
        .map(|prop| (prop.name.as_str(), prop.kind.clone()))
        .collect();
    let size = PropType::Choice(["a, b", "c\"]"].map(String::from).into());
    assert_eq!(
        kinds,
        [
            ("children", PropType::Node),
            ("id", PropType::Id),
            ("colour", PropType::Text),
            ("delay", PropType::Json),
            ("from", PropType::Text),
            ("label", PropType::Node),
            ("level", PropType::Number),
            ("marks", PropType::Json),
            ("nested", PropType::Bool),
            ("open", PropType::Bool),
            ("size", size),
            ("spacing", PropType::Json),
            ("style", PropType::Style),
            ("tags", PropType::TextList),
            ("value", PropType::Number),
            ("width", PropType::TextOrNumber),
        ]
    );
}

#[test]
fn properties_keep_their_documentation() {
    let gauge = gauge(GAUGE).unwrap();
    let prop = |name: &str| gauge.props.iter().find(|prop| prop.name == name).unwrap();
    assert_eq!(prop("value").description, "What it shows, \"in units\".");
    assert_eq!(
        prop("delay").description,
        "How long it waits.\n\n`delay` is a dict with keys:\n\n- show (number; required):\n    Milliseconds before\n    it shows."
    );
    assert_eq!(prop("from").description, "A word of Python.");
    assert_eq!(prop("children").description, "");
    let required: Vec<_> = gauge
        .props
        .iter()
        .filter(|prop| prop.required)
        .map(|prop| prop.name.as_str())
        .collect();
    assert_eq!(required, ["value"]);
}

#[test]
fn a_class_without_types_still_has_its_properties() {
    let old = gauge(OLD).unwrap();
    let kinds: Vec<_> = old
        .props
        .iter()
        .map(|prop| (prop.name.as_str(), prop.kind.clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("id", PropType::Id),
            ("size", PropType::Json),
            ("title", PropType::Node)
        ]
    );
    assert_eq!(old.description, "An Old component.");
}

#[test]
fn files_without_a_component_are_passed_by() {
    for source in ["", "import dash\n", "class Theme(dict):\n    pass\n"] {
        assert!(
            read_class(source, "themes.py", "test_gauges")
                .unwrap()
                .is_none(),
            "{source}"
        );
    }
}

#[test]
fn a_class_that_cannot_be_read_says_where() {
    for (find, with, part) in [
        (
            "'test_gauges'",
            "'other'",
            "in the namespace \"other\", and the manifest says \"test_gauges\"",
        ),
        (
            "_namespace = 'test_gauges'",
            "",
            "`_namespace = …` is missing",
        ),
        (
            "self._prop_names = [",
            "self._prop_names = {",
            "a value was expected where it says \"{'children'",
        ),
        (
            "_children_props: typing.List[str] = [",
            "_children_props = 3 + [",
            "_children_props is not a list",
        ),
        (
            "typing.Optional[NumberType]",
            "typing.Optional[NumberType",
            "__init__ of Gauge: \"]\" was expected",
        ),
        ("Components.\"\"\"", "Components.", "does not end"),
        (
            "    \"\"\"A Gauge component.",
            "    pass",
            "a text was expected where it says \"pass\"",
        ),
        (
            "def __init__(",
            "def other(",
            "__init__ of Gauge: it is missing",
        ),
    ] {
        assert!(GAUGE.contains(find), "{find}");
        let error = gauge(&GAUGE.replacen(find, with, 1)).unwrap_err();
        assert!(matches!(error, Error::Class { .. }), "{error:?}");
        let error = error.to_string();
        assert!(
            error.starts_with("test_gauges/Gauge.py: ") && error.contains(part),
            "{with}: {error}"
        );
    }
}

const MANIFEST: &str = r#"
[[wheel]]
package = "test_gauges"
version = "1.0.0"
sha256 = "SHA"
[[wheel.suite]]
module = "gauges"
namespace = "test_gauges"
root = "test_gauges"
classes = "test_gauges/parts"
"#;

/// A wheel with these files, and its manifest.
fn project(files: &[(&str, &str)]) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let wheel = folder.path().join("test_gauges-1.0.0-py3-none-any.whl");
    let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let sha = sha256_hex(&fs::read(&wheel).unwrap());
    fs::write(
        folder.path().join("wheels.toml"),
        MANIFEST.replace("SHA", &sha),
    )
    .unwrap();
    let mut source = Source::new(folder.path().join("cache"));
    source.directory = Some(folder.path().to_owned());
    (folder, source)
}

#[test]
fn all_classes_of_a_directory_become_builders() {
    let (folder, source) = project(&[
        (
            "test_gauges/parts/__init__.py",
            "from .Gauge import Gauge\nfrom .Old import Old\n",
        ),
        ("test_gauges/parts/Old.py", OLD),
        ("test_gauges/parts/Gauge.py", GAUGE),
        ("test_gauges/test_gauges.min.js", "window.test_gauges = {}"),
        (
            "test_gauges/parts/below/Deep.py",
            "class Deep(Component):\n",
        ),
        ("test_gauges/Above.py", "class Above(Component):\n"),
    ]);
    let manifest = folder.path().join("wheels.toml");
    generate_into(&manifest, &source, folder.path()).unwrap();
    let code = fs::read_to_string(folder.path().join("gauges.rs")).unwrap();
    for part in [
        "pub struct Gauge(",
        "pub struct Old(",
        "/// - show (number; required):\n    ///   Milliseconds before\n    ///   it shows.\n",
        "pub fn new(children: impl ferrodash_components::IntoChildren, value: impl ferrodash_components::value::Number)",
        "pub fn from(",
        "name: \"Gauge\", props: &[\"children\", \"id\", ",
        "wildcards: true, children_props: &[\"label\", \"marks[].label\"]",
    ] {
        assert!(code.contains(part), "{part} is not in\n{code}");
    }
    let both = MANIFEST.replace("classes =", "metadata = \"a\"\nclasses =");
    fs::write(&manifest, both).unwrap();
    let error = generate_into(&manifest, &source, folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("suite \"gauges\" has `metadata` and `classes`"),
        "{error}"
    );
}

#[test]
fn a_directory_without_classes_is_a_mistake() {
    let (folder, source) = project(&[("test_gauges/parts/__init__.py", "")]);
    let error = generate_into(&folder.path().join("wheels.toml"), &source, folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("test_gauges/parts: no file there has a component"),
        "{error}"
    );
}
