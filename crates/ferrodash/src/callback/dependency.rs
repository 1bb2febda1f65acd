//! Inputs, states and outputs: properties of components by their ids.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

use ferrodash_components::Id;
use serde::{Serialize, Serializer};

/// A property of the component with an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Property {
    pub(crate) id: Id,
    pub(crate) name: Cow<'static, str>,
}

impl Property {
    pub(crate) fn new(id: impl Into<Id>, name: impl Into<Cow<'static, str>>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}

impl Display for Property {
    /// `id.property`, as on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.name)
    }
}

impl Serialize for Property {
    /// `{"id": …, "property": …}`, with a dictionary id as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("id", self.id.to_string().as_str()), ("property", &self.name)])
    }
}

/// What a callback writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub(crate) property: Property,
}

/// What triggers a callback, and the argument it brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub(crate) property: Property,
    pub(crate) debounce: Option<Duration>,
    pub(crate) default: Option<serde_json::Value>,
}

/// An argument that does not trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(crate) property: Property,
    pub(crate) default: Option<serde_json::Value>,
}

impl Output {
    /// The property `property` of the component `id`.
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self { property: Property::new(id, property) }
    }
}

impl Input {
    /// The property `property` of the component `id`.
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self { property: Property::new(id, property), debounce: None, default: None }
    }

    /// The callback waits until the property has not changed for this long. It goes at once when the component loses
    /// the focus, and the first call after the page is loaded never waits.
    #[must_use]
    pub fn debounce(mut self, wait: Duration) -> Self {
        self.debounce = Some(wait);
        self
    }

    /// What the argument is while the property is unset. A property that is set to `null` stays `null`.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}

impl State {
    /// The property `property` of the component `id`.
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self { property: Property::new(id, property), default: None }
    }

    /// What the argument is while the property is unset. A property that is set to `null` stays `null`.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}

impl<I: Into<Id>, P: Into<Cow<'static, str>>> From<(I, P)> for Input {
    fn from((id, property): (I, P)) -> Self {
        Self::new(id, property)
    }
}

impl<I: Into<Id>, P: Into<Cow<'static, str>>> From<(I, P)> for State {
    fn from((id, property): (I, P)) -> Self {
        Self::new(id, property)
    }
}

/// The string by which the renderer knows a callback: `id.property`, or `..a.b...c.d..` for several outputs.
pub(crate) fn output_string(outputs: &[Output]) -> String {
    match outputs {
        [output] => output.property.to_string(),
        outputs => {
            let all: Vec<String> = outputs.iter().map(|output| output.property.to_string()).collect();
            format!("..{}..", all.join("..."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_strings_are_those_of_dash() {
        let key = |kind: &'static str| Id::from([("type", kind.into()), ("index", 1.into())]);
        assert_eq!(output_string(&[Output::new("o1", "children")]), "o1.children");
        let two = [Output::new("o2", "children"), Output::new("o2", "style")];
        assert_eq!(output_string(&two), "..o2.children...o2.style..");
        let mixed = [Output::new(key("z"), "children"), Output::new("n1", "children")];
        assert_eq!(output_string(&mixed), r#"..{"index":1,"type":"z"}.children...n1.children.."#);
    }
}
