//! Inline CSS, as the property `style` takes it.

use crate::{Prop, value::Scalar};

/// CSS properties by their names in JavaScript (`backgroundColor`, not `background-color`). Names
/// and values are not checked.
///
/// ```
/// use ferrodash_components::Style;
/// let style = Style::from([("color", "crimson")]).set("flex", 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Style(serde_json::Map<String, serde_json::Value>);

impl Style {
    /// Creates a style without properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a property; the last value wins. Numbers are pixels where CSS wants a length.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Scalar) -> Self {
        self.0.insert(name.to_owned(), value.into_json());
        self
    }
}

/// Properties whose values are of one type.
impl<V: Scalar, const N: usize> From<[(&str, V); N]> for Style {
    fn from(properties: [(&str, V); N]) -> Self {
        properties
            .into_iter()
            .fold(Self::new(), |style, (name, value)| style.set(name, value))
    }
}

impl From<Style> for Prop {
    fn from(style: Style) -> Self {
        Self::Json(style.0.into())
    }
}
