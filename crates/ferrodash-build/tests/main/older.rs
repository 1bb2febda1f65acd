//! Classes of older generators, docstrings that formatters indented, and classes that a package
//! does not export.

use ferrodash_build::{ComponentMeta, PropType, read_class};

use super::{CLASS, Project};

/// As generators before Dash 2.5 wrote it: the name and the namespace in `__init__`, types in the
/// docstring only.
const BEFORE_2_5: &str = r#"class Lamp(Component):
    """A Lamp component.
It shines.

Keyword arguments:

- children (a list of or a singular dash component, string or number; optional)

- id (string; required):
    Its id.

- brightness (number; default 10):
    How bright.

- colour (a value equal to: 'red', "blue | green"; default 'red'):
    Which colour.

- icon (a list of or a singular dash component, string or number; optional)

- labels (list of string | numbers; optional)

- names (list of strings; required)

- on (boolean | a value equal to: 'on'; optional)

- options (dict; default {    a: [    (1),    ]}):
    Options.

- parts (list of dicts; optional)

- text (string; optional): On the same line
    and the next.

- title (string | a list of or a singular dash component, string or number; optional)

- value (boolean | number | string | dict | list; optional)

- width (string | number; optional)"""
    @_explicitize_args
    def __init__(self, children=None, id=Component.REQUIRED, brightness=Component.UNDEFINED, **kwargs):
        self._prop_names = ['children', 'id', 'brightness', 'colour', 'icon', 'labels', 'names', 'on', 'options',
            'parts', 'text', 'title', 'undescribed', 'value', 'width', 'aria-*']
        self._type = 'Lamp'
        self._namespace = 'test_lamps'
        self._valid_wildcard_attributes =            ['aria-']
"#;

fn lamp(source: &str) -> ComponentMeta {
    let read = read_class(source, "test_lamps/Lamp.py", "test_lamps");
    read.unwrap_or_else(|error| panic!("{error}")).unwrap()
}

fn kinds(component: &ComponentMeta) -> Vec<(&str, PropType)> {
    component
        .props
        .iter()
        .map(|prop| (prop.name.as_str(), prop.kind.clone()))
        .collect()
}

#[test]
fn e33_old_classes_have_the_types_of_their_docstrings() {
    let lamp = lamp(BEFORE_2_5);
    assert_eq!(lamp.name, "Lamp");
    assert_eq!(lamp.description, "It shines.");
    assert!(lamp.wildcards);
    assert_eq!(lamp.children_props, ["icon", "title"]);
    let kinds = kinds(&lamp);
    assert_eq!(
        kinds,
        [
            ("children", PropType::Node),
            ("id", PropType::Id),
            ("brightness", PropType::Number),
            (
                "colour",
                PropType::Choice(vec!["red".into(), "blue | green".into()])
            ),
            ("icon", PropType::Node),
            ("labels", PropType::Json),
            ("names", PropType::TextList),
            ("on", PropType::Bool),
            ("options", PropType::Json),
            ("parts", PropType::Json),
            ("text", PropType::Text),
            ("title", PropType::Node),
            ("undescribed", PropType::Json),
            ("value", PropType::Json),
            ("width", PropType::TextOrNumber),
        ]
    );
    let prop = |name: &str| lamp.props.iter().find(|prop| prop.name == name).unwrap();
    assert_eq!(prop("text").description, "On the same line\nand the next.");
    assert_eq!(prop("brightness").default.as_deref(), Some("10"));
    assert_eq!(prop("options").default.as_deref(), Some("{ a: [ (1), ]}"));
    assert_eq!(prop("options").description, "Options.");
    let required: Vec<_> = lamp
        .props
        .iter()
        .filter(|prop| prop.required)
        .map(|prop| prop.name.as_str())
        .collect();
    assert_eq!(required, ["id", "names"]);
}

#[test]
fn e33_an_indented_docstring_loses_nothing() {
    let plain = lamp(BEFORE_2_5);
    let (before, rest) = BEFORE_2_5.split_once("It shines.").unwrap();
    let (docstring, after) = rest.split_once("\"\"\"").unwrap();
    let indented: Vec<String> = docstring
        .split('\n')
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("    {line}")
            }
        })
        .collect();
    // A formatter also puts the closing quotes on a line of their own.
    let indented = format!(
        "{before}    It shines.{}\n    \"\"\"{after}",
        indented.join("\n").trim_start_matches(' ')
    );
    assert!(
        indented.contains("\n    - brightness (number;"),
        "{indented}"
    );
    assert_eq!(lamp(&indented), plain);
}

#[test]
fn white_space_of_several_bytes_is_cut_between_characters() {
    let odd = BEFORE_2_5
        .replace("Keyword arguments:", " Keyword arguments:")
        .replace("    How bright.", "\u{a0}How bright.");
    assert_eq!(lamp(&odd).name, "Lamp");
}

#[test]
fn e33_numbers_and_children_keep_their_types() {
    let arguments = [
        (
            "a",
            "typing.Union[int, float, numbers.Number]",
            PropType::Number,
        ),
        (
            "b",
            "typing.Union[str, int, float, ComponentType, typing.Sequence[typing.Union[str, int, float, ComponentType]]]",
            PropType::Node,
        ),
        (
            "c",
            "typing.Union[str, int, numbers.Number]",
            PropType::TextOrNumber,
        ),
        (
            "d",
            "typing.Sequence[typing.Union[int, float, numbers.Number]]",
            PropType::NumberList,
        ),
        ("e", "str | None", PropType::Text),
        ("f", "typing.Sequence[ComponentType]", PropType::Json),
        (
            "g",
            "typing.Dict[typing.Union[str, float, int], ComponentType]",
            PropType::Json,
        ),
        ("h", "typing.Union[bool, ComponentType]", PropType::Json),
    ];
    let list: Vec<String> = arguments
        .iter()
        .map(|(name, kind, _)| format!("{name}: typing.Optional[{kind}] = None"))
        .collect();
    let names: Vec<String> = arguments
        .iter()
        .map(|(name, ..)| format!("'{name}'"))
        .collect();
    let source = CLASS
        .replace("id: typing.Optional[str] = None", &list.join(", "))
        .replace("['id']", &format!("[{}]", names.join(", ")))
        .replace("    _children_props = []\n", "");
    let dial = read_class(&source, "test_dials/Dial.py", "test_dials")
        .unwrap()
        .unwrap();
    let expected: Vec<_> = arguments
        .iter()
        .map(|(name, _, kind)| (*name, kind.clone()))
        .collect();
    assert_eq!(kinds(&dial), expected);
    assert_eq!(dial.children_props, ["b", "f", "g{}", "h"]);
}

#[test]
fn e33_classes_that_a_package_does_not_export_have_no_builders() {
    let script = ("test_dials/test_dials.js", "window.test_dials=1");
    let gone = CLASS.replace("Dial", "Gone");
    let class = |name: &str| CLASS.replace("Dial", name);
    let (dial, second, third) = (class("Dial"), class("Second"), class("Third"));
    for imports in [
        (
            "test_dials/_imports_.py",
            "from .Dial import Dial\nfrom .Second import Second\nfrom .Third import Third\n\n__all__ = [\n    \"Dial\",\n    \"Second\",\n    \"Third\"\n]",
        ),
        (
            "test_dials/__init__.py",
            "import os\nfrom .Dial import Dial  # noqa\nfrom .Second import (\n    Second,\n)\nfrom .Third import Third as Third\n",
        ),
    ] {
        let files = [
            imports,
            ("test_dials/Dial.py", dial.as_str()),
            ("test_dials/Second.py", second.as_str()),
            ("test_dials/Third.py", third.as_str()),
            ("test_dials/Gone.py", gone.as_str()),
            script,
            ("test_dials/other/__init__.py", ""),
        ];
        let project = Project::new(&files);
        project.write_manifest("[[wheel.suite]]\nroot = \"test_dials\"\n");
        let (code, _) = project.generate("test_dials").unwrap();
        let found: Vec<_> = code
            .lines()
            .filter_map(|line| line.strip_prefix("pub struct ")?.split('(').next())
            .collect();
        assert_eq!(found, ["Dial", "Second", "Third"], "{}", imports.0);
    }
}
