//! Small metadata in, Rust source out.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use ferrodash_build::{Error, PropType, Source, generate_into, read_metadata, sha256_hex};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

const METADATA: &str = r#"{
    "src/components/Card.react.js": {
        "description": "A card with [brackets] and <tags>.\n```python\ncards[0]\n```",
        "displayName": "NotThisName",
        "props": {
            "title": {"type": {"name": "string"}, "required": true, "description": "The title."},
            "id": {"type": {"name": "string"}, "required": false, "description": "The id."},
            "children": {"type": {"name": "node"}, "required": false, "description": "The content."},
            "type": {"type": {"name": "enum", "value": [{"value": "'big'"}, {"value": "'2x'"}, {"value": "'<'"}, {"value": "'>'"}, {"value": "'self'"}]}, "description": "A keyword."},
            "maxWidth": {"type": {"name": "union", "value": [{"name": "number"}, {"name": "string"}]}, "description": ""},
            "hidden": {"type": {"name": "union", "value": [{"name": "bool"},
                {"name": "enum", "value": [{"value": "'hidden'"}, {"value": "'HIDDEN'"}]}]}, "description": ""},
            "footer": {"type": {"name": "node"}, "description": "Components."},
            "options": {"type": {"name": "arrayOf", "value": {"name": "shape", "value": {"label": {"name": "node"}}}}},
            "tags": {"type": {"name": "arrayOf", "value": {"name": "string"}}},
            "data-*": {"type": {"name": "string"}},
            "setProps": {"type": {"name": "func"}}
        }
    }
}"#;

const MANIFEST: &str = r#"
[[wheel]]
package = "small_suite"
version = "1.2.3"
sha256 = "SHA"
[[wheel.suite]]
module = "small"
namespace = "small_ns"
root = "small_suite/lib"
metadata = "small_suite/metadata.json"
scripts = ["small.min.js"]
licences = ["small_suite-1.2.3.dist-info/LICENSE"]
[[wheel.suite.replace]]
file = "small.min.js"
find = "slow()"
with = "fast()"
reason = "a test"
"#;

const SCRIPT: &str = "window.small_ns = {}; slow(); // and more of it, more of it, more of it, more of it, more of it";

/// A wheel in a directory, and the manifest that pins it.
fn project(metadata: &str, script: &str) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let wheel = folder.path().join("small_suite-1.2.3-py3-none-any.whl");
    let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
    for (name, content) in [
        ("small_suite/metadata.json", metadata),
        ("small_suite/lib/small.min.js", script),
        ("small_suite-1.2.3.dist-info/LICENSE", "MIT"),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
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

fn generate(folder: &Path, source: &Source) -> Result<String, Error> {
    generate_into(&folder.join("wheels.toml"), source, folder)?;
    Ok(fs::read_to_string(folder.join("small.rs")).unwrap())
}

#[test]
fn metadata_becomes_types() {
    let components = read_metadata(METADATA, "metadata.json").unwrap();
    let [card] = components.as_slice() else {
        panic!("{components:?}")
    };
    assert_eq!(card.name, "Card", "the file's name, not the display name");
    assert_eq!(card.children_props, ["footer", "options[].label"]);
    assert!(card.wildcards);
    let kinds: Vec<_> = card
        .props
        .iter()
        .map(|prop| (prop.name.as_str(), prop.kind.clone()))
        .collect();
    let choice = PropType::Choice(["big", "2x", "<", ">", "self"].map(String::from).into());
    assert_eq!(
        kinds,
        [
            ("children", PropType::Node),
            ("id", PropType::Id),
            ("footer", PropType::Node),
            ("hidden", PropType::Bool),
            ("maxWidth", PropType::TextOrNumber),
            ("options", PropType::ObjectList),
            ("tags", PropType::TextList),
            ("title", PropType::Text),
            ("type", choice),
        ]
    );
}

#[test]
fn a_suite_becomes_builders_with_documentation() {
    let (folder, source) = project(METADATA, SCRIPT);
    let code = generate(folder.path(), &source).unwrap();
    for part in [
        "/// A card with \\[brackets\\] and \\<tags>.\n/// ```text\n/// cards[0]\n/// ```\n",
        "pub struct Card(ferrodash_components::Component);",
        "pub fn new(children: impl ferrodash_components::IntoChildren, title: impl ferrodash_components::value::Text) -> Self {",
        "pub fn r#type(mut self, value: CardType) -> Self {",
        "pub fn max_width(mut self, value: impl ferrodash_components::value::TextOrNumber) -> Self {",
        "self.0.set(\"maxWidth\", value.into_prop()); self",
        "N2x,",
        "Self::N2x => \"2x\",",
        "Self::Empty => \"<\",",
        "Self::Empty_2 => \">\",",
        "Self::Self_ => \"self\",",
        "root: \"lib\",",
        "children_props: &[\"footer\", \"options[].label\"]",
    ] {
        assert!(code.contains(part), "{part} is not in\n{code}");
    }
    assert!(!code.contains("setProps"));
}

#[test]
fn documentation_is_made_fit_for_rustdoc() {
    let said = "Two ways:\\n- one\\n  of them,\\n1. first\\nstep\\n\\nSee [here](https://example.com/a_b), `https://code` or http://example.com.";
    let metadata = METADATA.replace("The title.", said);
    let (folder, source) = project(&metadata, SCRIPT);
    let code = generate(folder.path(), &source).unwrap();
    let expected = [
        "/// Two ways:",
        "/// - one",
        "///   of them,",
        "/// 1. first",
        "///    step",
        "///",
        "/// See \\[here\\](<https://example.com/a_b>), `https://code` or <http://example.com>.",
    ];
    let found: Vec<_> = code
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != expected[0])
        .take(expected.len())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_spelling_of_rust_has_the_setter() {
    let both = r#""max_width": {"type": {"name": "string"}}, "maxWidth": "#;
    let (folder, source) = project(&METADATA.replace(r#""maxWidth": "#, both), SCRIPT);
    let code = generate(folder.path(), &source).unwrap();
    assert!(
        code.contains("self.0.set(\"max_width\", value.into_prop()); self"),
        "{code}"
    );
    assert!(!code.contains("self.0.set(\"maxWidth\""), "{code}");
}

#[test]
fn bundles_are_changed_as_the_manifest_says_and_compressed() {
    let (folder, source) = project(METADATA, SCRIPT);
    generate(folder.path(), &source).unwrap();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let expected = SCRIPT.replace("slow()", "fast()").into_bytes();
    let mut gzip = Vec::new();
    flate2::read::GzDecoder::new(&read("small-small.min.js.gz")[..])
        .read_to_end(&mut gzip)
        .unwrap();
    assert_eq!(gzip, expected);
    let mut unpacked = Vec::new();
    brotli::BrotliDecompress(&mut &read("small-small.min.js.br")[..], &mut unpacked).unwrap();
    assert_eq!(unpacked, expected);
    let mut licence = Vec::new();
    flate2::read::GzDecoder::new(&read("small-LICENSE.gz")[..])
        .read_to_end(&mut licence)
        .unwrap();
    assert_eq!(
        licence, b"MIT",
        "the deflated form of the wheel, taken over"
    );
}

#[test]
fn a_replacement_must_apply_exactly_once() {
    for (script, count) in [("small_ns = fast();", 0), ("small_ns = slow(); slow();", 2)] {
        let (folder, source) = project(METADATA, script);
        let error = generate(folder.path(), &source).unwrap_err();
        assert!(
            matches!(error, Error::Replacement { count: found, .. } if found == count),
            "{error:?}"
        );
        assert!(
            error
                .to_string()
                .contains("it was written for another version"),
            "{error}"
        );
    }
}

#[test]
fn metadata_that_cannot_be_read_names_component_and_property() {
    for (metadata, part) in [
        ("{", "not JSON"),
        ("[]", "the top level is not an object"),
        (r#"{"src/A.js": {}}"#, "component A has no \"props\" object"),
        (
            r#"{"src/A.js": {"props": {"x": {"type": {}}}}}"#,
            "A.x has a type without a name",
        ),
        (r#"{"src/.js": {"props": {}}}"#, "gives no component name"),
    ] {
        let (folder, source) = project(metadata, SCRIPT);
        let error = generate(folder.path(), &source).unwrap_err().to_string();
        assert!(
            error.contains(part) && error.contains("small_suite/metadata.json"),
            "{metadata}: {error}"
        );
    }
}

#[test]
fn a_manifest_with_a_mistake_says_where() {
    let (folder, source) = project(METADATA, SCRIPT);
    let path = folder.path().join("wheels.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("scripts =", "script =")).unwrap();
    let error = generate(folder.path(), &source).unwrap_err().to_string();
    assert!(
        error.contains("wheels.toml") && error.contains("unknown field `script`"),
        "{error}"
    );
    fs::write(&path, good.replace("small.min.js\"]", "missing.js\"]")).unwrap();
    let error = generate(folder.path(), &source).unwrap_err();
    assert!(
        matches!(&error, Error::NotInWheel { file, .. } if file == "small_suite/lib/missing.js"),
        "{error:?}"
    );
}
