//! The form of debounced inputs on the wire.
//!
//! The renderer shows a callback as loading, and counts it among the few that it runs at a time,
//! from the moment its request starts; so the wait must come before that. On the wire a debounced
//! input is therefore a property that no component has, the *carrier*, and the real property is
//! sent along as state. A clientside callback on the real property, the *gate*, sets the carrier
//! once the property has been still for long enough. Functions see only the real property.

use ferrodash_components::{ALL, Id, IdValue};
use ferrodash_wire::WaitTiming;

use crate::callback::{Input, Property, Spec, digest};

/// A property whose changes are held back, and the property that triggers callbacks afterwards. For
/// an id with wildcards it covers every component that matches; each has a carrier of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    /// The property that callbacks declare.
    pub(crate) property: Property,
    /// The property that triggers the callbacks.
    pub(crate) carrier: String,
    pub(crate) timing: WaitTiming,
    /// True if the carrier is that of one callback, which can be called for other reasons too: such
    /// a call ends the wait.
    pub(crate) is_own: bool,
}

/// The place of the value of an argument in a request: an index into the inputs or the states that
/// were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Input(usize),
    State(usize),
}

impl Input {
    /// Returns the gate of an input whose changes are held back. Inputs with the same property and
    /// timing share one, unless `own` tells them apart.
    fn gate(&self, own: &str) -> Option<Gate> {
        let timing = self.wait.timing()?;
        Some(Gate {
            property: Property::new(every(&self.property.id), self.property.name.clone()),
            carrier: timing.carrier(&self.property.name, own),
            timing,
            is_own: !own.is_empty(),
        })
    }

    /// The input as it is sent: the carrier if its changes are held back, else the property itself.
    fn wire(&self, own: &str) -> Slot {
        let property = match self.wait.timing() {
            Some(timing) => Property::new(
                self.property.id.clone(),
                timing.carrier(&self.property.name, own),
            ),
            None => self.property.clone(),
        };
        Slot {
            property,
            optional: self.optional,
        }
    }
}

/// Returns the id with `ALL` in the place of every wildcard: the renderer then calls the gate when
/// any of them changes.
fn every(id: &Id) -> Id {
    let Id::Keys(keys) = id else {
        return id.clone();
    };
    let all = |value: &IdValue| match value {
        IdValue::Wildcard(_) => ALL,
        value => value.clone(),
    };
    Id::Keys(
        keys.iter()
            .map(|(key, value)| (key.clone(), all(value)))
            .collect(),
    )
}

/// An input or state as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) property: Property,
    /// True if the component may be missing from the page.
    pub(crate) optional: bool,
}

/// The inputs and states of a call as they are sent, and the place of each argument among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The inputs, carriers among them.
    pub(crate) inputs: Vec<Slot>,
    /// The inputs as `id.property`, in which form a call names what triggered it.
    pub(crate) names: Vec<String>,
    /// The states, and after them the real properties of carriers.
    pub(crate) states: Vec<Slot>,
    /// In the order of inputs and states.
    pub(crate) sources: Vec<Source>,
}

impl Shape {
    /// A shape with the texts of its inputs.
    fn new(inputs: Vec<Slot>, states: Vec<Slot>, sources: Vec<Source>) -> Self {
        Self {
            names: inputs
                .iter()
                .map(|slot| slot.property.to_string())
                .collect(),
            inputs,
            states,
            sources,
        }
    }
}

impl Shape {
    /// Returns where the values that are arguments of the function come from. The shape must be one
    /// of this description.
    pub(crate) fn arguments<'a>(&'a self, spec: &'a Spec) -> impl Iterator<Item = &'a Source> {
        let sources = self.sources.iter().enumerate();
        sources
            .filter(|(index, _)| spec.is_argument(*index))
            .map(|(_, source)| source)
    }
}

impl Spec {
    /// Returns the gates of the inputs whose changes are held back.
    pub(crate) fn gates(&self) -> impl Iterator<Item = Gate> {
        let own = self.own_carriers();
        self.inputs.iter().filter_map(move |input| input.gate(&own))
    }

    /// Returns what the names of this callback's carriers end in. It is empty if the callback has a
    /// single input: then other callbacks can share the carrier, as they are called for the same
    /// reason only.
    fn own_carriers(&self) -> String {
        if self.inputs.len() < 2 {
            return String::new();
        }
        let outputs = self
            .outputs
            .iter()
            .map(|output| output.property.to_string());
        let inputs = self.inputs.iter().map(|input| input.property.to_string());
        let names: Vec<String> = outputs.chain(inputs).collect();
        digest(&names.join(" "))[..8].to_owned()
    }

    /// Returns the shape that the renderer knows: carriers in the place of debounced inputs, and
    /// the real properties of those after the declared states.
    pub(crate) fn wire(&self) -> Shape {
        let own = self.own_carriers();
        let mut states = self.state_slots();
        let mut sources = Vec::new();
        for (index, input) in self.inputs.iter().enumerate() {
            if input.wait.is_set() {
                sources.push(Source::State(states.len()));
                states.push(Slot {
                    property: input.property.clone(),
                    optional: input.optional,
                });
            } else {
                sources.push(Source::Input(index));
            }
        }
        sources.extend((0..self.states.len()).map(Source::State));
        Shape::new(
            self.inputs.iter().map(|input| input.wire(&own)).collect(),
            states,
            sources,
        )
    }

    /// Returns the shape as it was declared, for clients that know nothing of debounced inputs.
    pub(crate) fn plain(&self) -> Shape {
        let (inputs, states) = (0..self.inputs.len(), 0..self.states.len());
        let slot = |input: &Input| Slot {
            property: input.property.clone(),
            optional: input.optional,
        };
        Shape::new(
            self.inputs.iter().map(slot).collect(),
            self.state_slots(),
            inputs
                .map(Source::Input)
                .chain(states.map(Source::State))
                .collect(),
        )
    }

    /// The declared states, which are sent as they are.
    fn state_slots(&self) -> Vec<Slot> {
        let slot = |state: &crate::callback::State| Slot {
            property: state.property.clone(),
            optional: state.optional,
        };
        self.states.iter().map(slot).collect()
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
        let Shape {
            names,
            states,
            sources,
            ..
        } = callback.spec.wire();
        assert_eq!(names[0], "plain.value");
        let own = names[1].strip_prefix("text.data-fd-value-500-");
        assert_eq!(own.map(str::len), Some(8), "{}", names[1]);
        let states: Vec<String> = states
            .iter()
            .map(|slot| slot.property.to_string())
            .collect();
        assert_eq!(states, ["store.data", "text.value"]);
        assert_eq!(
            sources,
            [Source::Input(0), Source::State(1), Source::State(0)]
        );
    }
}
