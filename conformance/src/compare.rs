//! Compares answers as JSON: the order of keys and the spelling of numbers mean nothing.

use std::fmt;

use serde_json::Value;

/// A place where two values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// What Python has there, if anything.
    pub python: Option<Value>,
    /// What Ferrodash has there, if anything.
    pub ours: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |value: &Option<Value>| value.as_ref().map_or("absent".to_owned(), Value::to_string);
        write!(
            f,
            "{}\n    python: {}\n    ours:   {}",
            self.pointer,
            text(&self.python),
            text(&self.ours)
        )
    }
}

/// Every place where two values differ.
pub fn differences(python: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(python), Some(ours), &mut found);
    found
}

fn compare(
    pointer: &str,
    python: Option<&Value>,
    ours: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (python, ours) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for key in left
                .keys()
                .chain(right.keys().filter(|key| !left.contains_key(*key)))
            {
                let key_pointer =
                    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(&key_pointer, left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for index in 0..left.len().max(right.len()) {
                compare(
                    &format!("{pointer}/{index}"),
                    left.get(index),
                    right.get(index),
                    found,
                );
            }
        }
        (Some(left), Some(right)) if same(left, right) => {}
        _ => found.push(Difference {
            pointer: pointer.to_owned(),
            python: python.cloned(),
            ours: ours.cloned(),
        }),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            left.as_f64() == right.as_f64()
        }
        _ => left == right,
    }
}

/// Whether a pointer is one of those that a pattern means: `*` is any one step, `**` any number of
/// steps.
pub fn matches(pattern: &str, pointer: &str) -> bool {
    fn steps(pattern: &[&str], pointer: &[&str]) -> bool {
        match pattern {
            [] => pointer.is_empty(),
            ["**", rest @ ..] => {
                (0..=pointer.len()).any(|skipped| steps(rest, &pointer[skipped..]))
            }
            [first, rest @ ..] => {
                pointer
                    .first()
                    .is_some_and(|step| *first == "*" || first == step)
                    && steps(rest, &pointer[1..])
            }
        }
    }
    let pattern: Vec<&str> = pattern.split('/').skip(1).collect();
    let pointer: Vec<&str> = pointer.split('/').skip(1).collect();
    steps(&pattern, &pointer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_have_their_place_and_both_values() {
        let python = json!({"a": [1, {"b/c": null}], "same": 1.0, "gone": 1, "large": 9_007_199_254_740_993_i64});
        let ours = json!({"a": [1, {"b/c": 2}, 3], "same": 1, "new": {}, "large": 9_007_199_254_740_992_i64});
        let text: Vec<String> = differences(&python, &ours)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            text,
            [
                "/a/1/b~1c\n    python: null\n    ours:   2",
                "/a/2\n    python: absent\n    ours:   3",
                "/gone\n    python: 1\n    ours:   absent",
                "/large\n    python: 9007199254740993\n    ours:   9007199254740992",
                "/new\n    python: absent\n    ours:   {}",
            ]
        );
    }

    #[test]
    fn patterns_of_pointers_skip_one_step_or_any_number() {
        for (pattern, pointer, expected) in [
            ("/json/**/props/children", "/json/props/children", true),
            (
                "/json/**/props/children",
                "/json/props/children/0/props/children",
                true,
            ),
            ("/json/**/props/children", "/json/props/children/0", false),
            ("/json/*/hidden", "/json/0/hidden", true),
            ("/json/*/hidden", "/json/hidden", false),
            ("/status", "/status", true),
        ] {
            assert_eq!(matches(pattern, pointer), expected, "{pattern} {pointer}");
        }
    }
}
