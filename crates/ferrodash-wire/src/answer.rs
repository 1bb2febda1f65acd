//! The answer of a call.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use serde::{Serialize, Serializer};

/// The body of an answer: new values for properties of components.
///
/// `V` is the type of the values. See the [crate's example](crate).
#[derive(Debug, Serialize)]
pub struct Answer<'a, V> {
    /// Always true in Dash 4: the answer names its components.
    multi: bool,
    response: Updates<'a, V>,
    #[serde(rename = "sideUpdate", skip_serializing_if = "Updates::is_empty")]
    side_updates: Updates<'a, V>,
}

/// New values by component, in the order in which the components come first.
#[derive(Debug)]
struct Updates<'a, V>(Vec<(&'a str, Properties<'a, V>)>);

/// New values of one component's properties.
#[derive(Debug)]
struct Properties<'a, V>(Vec<(&'a str, &'a V)>);

/// A value of an answer that cannot be written as JSON.
#[derive(Debug)]
pub struct Unwritable {
    /// The component's id.
    pub id: String,
    /// The property that was to be set.
    pub property: String,
    /// The reason.
    pub source: serde_json::Error,
}

impl<'a, V: Serialize> Answer<'a, V> {
    /// An answer that sets outputs. Each update is a component's id, a property and its new value.
    pub fn new(updates: impl IntoIterator<Item = (&'a str, &'a str, &'a V)>) -> Self {
        Self {
            multi: true,
            response: Updates::group(updates),
            side_updates: Updates(Vec::new()),
        }
    }

    /// The same answer, which also sets properties that are no outputs of the callback: those of
    /// `set_props`.
    #[must_use]
    pub fn with_side_updates(
        self,
        updates: impl IntoIterator<Item = (&'a str, &'a str, &'a V)>,
    ) -> Self {
        Self {
            side_updates: Updates::group(updates),
            ..self
        }
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// The first value that cannot be written, such as a map whose keys are no texts.
    pub fn to_bytes(&self) -> Result<Bytes, Unwritable> {
        serde_json::to_vec(self)
            .map(Bytes::from)
            .map_err(|error| self.unwritable(error))
    }

    /// Finds the value that `error` is about. serde's error does not name it.
    fn unwritable(&self, error: serde_json::Error) -> Unwritable {
        let updates = self.response.0.iter().chain(&self.side_updates.0);
        for (id, properties) in updates {
            for (property, value) in &properties.0 {
                if let Err(source) = serde_json::to_writer(io::sink(), value) {
                    return Unwritable {
                        id: (*id).to_owned(),
                        property: (*property).to_owned(),
                        source,
                    };
                }
            }
        }
        Unwritable {
            id: String::new(),
            property: String::new(),
            source: error,
        }
    }
}

impl<'a, V> Updates<'a, V> {
    fn group(updates: impl IntoIterator<Item = (&'a str, &'a str, &'a V)>) -> Self {
        let mut groups: Vec<(&str, Properties<'_, V>)> = Vec::new();
        let mut places = HashMap::new();
        for (id, property, value) in updates {
            let place = *places.entry(id).or_insert_with(|| {
                groups.push((id, Properties(Vec::new())));
                groups.len() - 1
            });
            groups[place].1.0.push((property, value));
        }
        Self(groups)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Serialize> Serialize for Updates<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups = self.0.iter();
        serializer.collect_map(groups.map(|(id, properties)| (id, properties)))
    }
}

impl<V: Serialize> Serialize for Properties<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.iter();
        serializer.collect_map(values.map(|(property, value)| (property, value)))
    }
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, property, .. } = self;
        write!(f, "the value of {id}.{property} cannot be written as JSON")
    }
}

impl std::error::Error for Unwritable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn properties_of_one_component_are_together_in_the_order_of_the_components() {
        let (one, two, three) = (json!(1), json!([2]), json!(null));
        let answer = Answer::new([("b", "x", &one), ("a", "x", &two), ("b", "y", &three)])
            .with_side_updates([("c", "data", &one)]);
        assert_eq!(
            answer.to_bytes().unwrap(),
            r#"{"multi":true,"response":{"b":{"x":1,"y":null},"a":{"x":[2]}},"sideUpdate":{"c":{"data":1}}}"#
        );
    }

    #[test]
    fn an_answer_without_updates_is_an_empty_response() {
        let answer = Answer::<'_, u8>::new([]);
        assert_eq!(
            answer.to_bytes().unwrap(),
            r#"{"multi":true,"response":{}}"#
        );
    }

    #[test]
    fn the_value_that_is_no_json_is_named() {
        let good = HashMap::from([(vec![1], 1)]);
        let empty = HashMap::new();
        let error = Answer::new([("a", "x", &empty), ("b", "y", &good)])
            .to_bytes()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the value of b.y cannot be written as JSON"
        );
        assert_eq!(error.source.to_string(), "key must be a string");
    }
}
