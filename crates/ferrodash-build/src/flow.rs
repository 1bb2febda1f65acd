//! Types that old components declared with Flow, in the form of those declared otherwise, so that
//! only one form has to be read.

use serde_json::{Map, Value, json};

/// Returns the type that react-docgen would have written for the same declaration without Flow.
/// Other types are returned as they are.
///
/// ```text
/// {"name": "Array", "elements": [{"name": "int"}]}
/// → {"name": "arrayOf", "value": {"name": "number"}}
/// ```
pub(crate) fn from_flow(kind: &Value) -> Value {
    let name = kind.get("name").and_then(Value::as_str).unwrap_or_default();
    let elements = || {
        kind.get("elements")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    match name {
        "boolean" => json!({"name": "bool"}),
        "int" => json!({"name": "number"}),
        "Node" | "ReactNode" => json!({"name": "node"}),
        "Element" => json!({"name": "element"}),
        "Object" => json!({"name": "object"}),
        "Array" => match elements().next() {
            Some(item) => json!({"name": "arrayOf", "value": from_flow(item)}),
            None => json!({"name": "array"}),
        },
        // The values of a union of literals are source text, as those of an enumeration are.
        "union" if elements().all(|element| element.get("name") == Some(&json!("literal"))) => {
            let members: Vec<Value> = elements()
                .map(|element| json!({"value": element.get("value")}))
                .collect();
            json!({"name": "enum", "value": members})
        }
        "union" => json!({"name": "union", "value": elements().map(from_flow).collect::<Vec<_>>()}),
        "literal" => json!({"name": "enum", "value": [{"value": kind.get("value")}]}),
        "signature" if kind.get("type") == Some(&json!("function")) => json!({"name": "func"}),
        "signature" => {
            let properties = kind
                .pointer("/signature/properties")
                .and_then(Value::as_array);
            let fields = properties.into_iter().flatten().filter_map(|property| {
                let value = property.get("value")?;
                let mut field = from_flow(value);
                field["required"] = json!(value.get("required"));
                Some((property.get("key")?.as_str()?.to_owned(), field))
            });
            json!({"name": "shape", "value": fields.collect::<Map<_, _>>()})
        }
        _ => kind.clone(),
    }
}
