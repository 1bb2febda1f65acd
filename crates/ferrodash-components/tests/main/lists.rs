//! The forms of options and marks.

use std::collections::BTreeMap;

use ferrodash_components::{Component, Json, dash_table, dcc};
use serde_json::{Value, json};

fn prop(component: impl Into<Component>, name: &str) -> Value {
    serde_json::to_value(component.into()).unwrap()["props"][name].clone()
}

fn options(options: impl ferrodash_components::value::Options) -> Value {
    prop(dcc::Dropdown::new().options(options), "options")
}

#[test]
fn d31_pairs_are_options_with_a_value_and_a_label() {
    let one = json!([{"value": "a", "label": "A"}]);
    assert_eq!(options([("a", "A")]), one);
    assert_eq!(options(vec![("a".to_owned(), "A".to_owned())]), one);
    assert_eq!(options([("a", "A")].as_slice()), one);
    assert_eq!(options(&[("a", "A")]), one);
    assert_eq!(
        options([(7, "seven")]),
        json!([{"value": 7, "label": "seven"}])
    );
    assert_eq!(
        prop(dcc::RadioItems::new().options([(true, "Yes")]), "options"),
        json!([{"value": true, "label": "Yes"}])
    );
    assert_eq!(
        prop(dcc::Checklist::new().options([("x", 1.5)]), "options"),
        json!([{"value": "x", "label": 1.5}])
    );
}

#[test]
fn d31_the_other_forms_of_options_stay() {
    #[derive(serde::Serialize)]
    struct Option {
        value: u8,
        label: &'static str,
    }
    let name = String::from("local");
    assert_eq!(options(["a", "b"]), json!(["a", "b"]));
    assert_eq!(options(vec![name.as_str()]), json!(["local"]));
    assert_eq!(options(&vec![name]), json!(["local"]));
    assert_eq!(options((1..=3).collect::<Vec<u32>>()), json!([1, 2, 3]));
    assert_eq!(options(BTreeMap::from([("a", "A")])), json!({"a": "A"}));
    assert_eq!(options(json!([{"value": 1}])), json!([{"value": 1}]));
    assert_eq!(options([json!({"value": 1})]), json!([{"value": 1}]));
    assert_eq!(
        options(Json([Option {
            value: 1,
            label: "x"
        }])),
        json!([{"value": 1, "label": "x"}])
    );
    assert_eq!(options(None::<Vec<u8>>), Value::Null);
}

#[test]
fn d31_pairs_are_the_marks_of_a_slider() {
    let marks = |marks| prop(marks, "marks");
    assert_eq!(
        marks(dcc::Slider::new().marks([(0, "none"), (10, "all")])),
        json!({"0": "none", "10": "all"})
    );
    assert_eq!(
        marks(dcc::Slider::new().marks(vec![(0.5, "half"), (1.0, "one")])),
        json!({"0.5": "half", "1": "one"})
    );
    assert_eq!(
        marks(dcc::Slider::new().marks(BTreeMap::from([(1, "a")]))),
        json!({"1": "a"})
    );
    assert_eq!(
        marks(dcc::Slider::new().marks([(3, json!({"label": "c"}))])),
        json!({"3": {"label": "c"}})
    );
    assert_eq!(marks(dcc::Slider::new().marks(Value::Null)), Value::Null);
}

#[test]
fn d31_pairs_in_a_list_of_objects_are_reported() {
    let table: Component = dash_table::DataTable::new()
        .columns([("name", "Name")])
        .into();
    let error = serde_json::to_string(&table).unwrap_err().to_string();
    assert!(
        error.contains("\"columns\"") && error.contains("name its fields"),
        "{error}"
    );
    let table: Component = dash_table::DataTable::new()
        .columns([json!({"name": "a", "id": "a"})])
        .into();
    assert!(serde_json::to_string(&table).is_ok());
}
