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

impl Spec {
    /// The inputs as the renderer knows them.
    pub(crate) fn wire_inputs(&self) -> Vec<Property> {
        self.inputs.iter().map(Input::wire).collect()
    }

    /// The states as the renderer knows them: the declared ones, then the real properties of debounced inputs.
    pub(crate) fn wire_states(&self) -> Vec<Property> {
        let debounced = self.inputs.iter().filter(|input| input.debounce.is_some());
        let declared = self.states.iter().map(|state| state.property.clone());
        declared.chain(debounced.map(|input| input.property.clone())).collect()
    }

    /// Where the value of each argument stands, in the order of inputs and states.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let mut next_state = self.states.len();
        let inputs = self.inputs.iter().enumerate().map(|(index, input)| match input.debounce {
            None => Source::Input(index),
            Some(_) => {
                next_state += 1;
                Source::State(next_state - 1)
            }
        });
        let mut sources: Vec<Source> = inputs.collect();
        sources.extend((0..self.states.len()).map(Source::State));
        sources
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
        let names = |properties: Vec<Property>| properties.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(callback.spec.wire_inputs()), ["plain.value", "text.data-fd-value-500"]);
        assert_eq!(names(callback.spec.wire_states()), ["store.data", "text.value"]);
        assert_eq!(callback.spec.sources(), [Source::Input(0), Source::State(1), Source::State(0)]);
    }
}
