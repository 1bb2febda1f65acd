//! How a debounced input looks on the wire.
//!
//! The renderer shows a callback as loading, and counts it among the few it runs at a time, from the moment its request
//! starts; so the wait must come before that. On the wire a debounced input is therefore a property that no component
//! has, the *carrier*, and the real property is sent along as state. A clientside callback on the real property, the
//! *gate*, sets the carrier once the property has been still for long enough. Functions see only the real property.

use std::time::Duration;

use super::{Input, Property, Spec};

/// A property whose changes are held back, and what carries them on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) property: Property,
    pub(crate) carrier: String,
    pub(crate) wait: Duration,
}

/// Where the value of an argument stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Input(usize),
    State(usize),
}

impl Input {
    /// The gate of a debounced input. Inputs with the same property and wait share one.
    pub(crate) fn gate(&self) -> Option<Gate> {
        let wait = self.debounce?;
        let carrier = format!("data-fd-{}-{}", self.property.name, wait.as_millis());
        Some(Gate { property: self.property.clone(), carrier, wait })
    }

    fn wire(&self) -> Property {
        match self.gate() {
            Some(gate) => Property::new(self.property.id.clone(), gate.carrier),
            None => self.property.clone(),
        }
    }
}

/// The inputs and states of a call as they are sent, and where each argument stands among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) inputs: Vec<Property>,
    /// The inputs as `id.property`, in which form a call names what triggered it.
    pub(crate) names: Vec<String>,
    pub(crate) states: Vec<Property>,
    /// In the order of inputs and states.
    pub(crate) sources: Vec<Source>,
}

impl Shape {
    fn new(inputs: Vec<Property>, states: Vec<Property>, sources: Vec<Source>) -> Self {
        Self { names: inputs.iter().map(ToString::to_string).collect(), inputs, states, sources }
    }
}

impl Spec {
    /// The shape that the renderer knows: carriers in the place of debounced inputs, and the real properties of those
    /// after the declared states.
    pub(crate) fn wire(&self) -> Shape {
        let mut states: Vec<Property> = self.states.iter().map(|state| state.property.clone()).collect();
        let mut sources = Vec::new();
        for (index, input) in self.inputs.iter().enumerate() {
            if input.debounce.is_some() {
                sources.push(Source::State(states.len()));
                states.push(input.property.clone());
            } else {
                sources.push(Source::Input(index));
            }
        }
        sources.extend((0..self.states.len()).map(Source::State));
        Shape::new(self.inputs.iter().map(Input::wire).collect(), states, sources)
    }

    /// The shape as it was declared.
    pub(crate) fn plain(&self) -> Shape {
        let (inputs, states) = (0..self.inputs.len(), 0..self.states.len());
        Shape::new(
            self.inputs.iter().map(|input| input.property.clone()).collect(),
            self.states.iter().map(|state| state.property.clone()).collect(),
            inputs.map(Source::Input).chain(states.map(Source::State)).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Callback, Output, State};

    #[test]
    fn a_debounced_input_travels_as_state_and_is_found_again() {
        let callback = Callback::builder()
            .output(Output::new("out", "children"))
            .input(("plain", "value"))
            .input(Input::new("text", "value").debounce(Duration::from_millis(500)))
            .state(State::new("store", "data"))
            .handler(async |_: Option<u8>, _: Option<u8>, _: Option<u8>| "");
        let Shape { names, states, sources, .. } = callback.spec.wire();
        assert_eq!(names, ["plain.value", "text.data-fd-value-500"]);
        assert_eq!(states.iter().map(ToString::to_string).collect::<Vec<_>>(), ["store.data", "text.value"]);
        assert_eq!(sources, [Source::Input(0), Source::State(1), Source::State(0)]);
    }
}
