//! The list of callbacks for the renderer, `_dash-dependencies`.
//!
//! It is rendered when the app is built, and again for each request once callbacks were added while
//! the app runs. The JSON shapes are in `ferrodash_wire`.

use ferrodash_wire::{ClientsideFunction, DeclaredProperty, Running, Specification};

use crate::callback::{InitialCall, Property, Registered, Registry, Slot};
use ferrodash_components::Prop;

/// Renders the callbacks of the app, those that were added while it runs, then the gates of
/// debounced inputs.
pub(crate) fn render(registry: &Registry) -> Vec<u8> {
    let gates = registry.gates();
    let names: Vec<String> = (0..gates.len()).map(gate_name).collect();
    let added = registry.added();
    let callbacks = registry
        .iter()
        .chain(&added)
        .map(|registered| specification(registered));
    let gates = gates
        .iter()
        .zip(&names)
        .map(|(gate, name)| Specification::gate(name, declared(&gate.property)));
    let all: Vec<Specification<'_, Prop>> = callbacks.chain(gates).collect();
    serde_json::to_vec(&all).expect("text and numbers are JSON")
}

/// Returns the name of a gate's function in the page, by the place of the gate in the list.
pub(super) fn gate_name(index: usize) -> String {
    format!("gate_{index}")
}

fn specification(registered: &Registered) -> Specification<'_, Prop> {
    let spec = &registered.callback.spec;
    let running = (!spec.running.is_empty()).then(|| Running {
        running: spec
            .running
            .iter()
            .map(|running| (running.property.to_string(), &running.on))
            .collect(),
        running_off: spec
            .running
            .iter()
            .map(|running| (running.property.to_string(), &running.off))
            .collect(),
    });
    let function = registered.callback.clientside();
    Specification {
        running,
        clientside_function: function.map(|function| ClientsideFunction {
            namespace: &function.namespace,
            function_name: &function.name,
        }),
        prevent_initial_call: spec.initial_call == InitialCall::Prevented,
        // As Dash says it for functions of the page.
        dynamic_creator: if function.is_some() {
            Some(false)
        } else {
            spec.adds_callbacks.then_some(true)
        },
        no_output: spec.outputs.is_empty(),
        optional: spec.optional,
        hidden: spec.hidden,
        inputs: registered.wire.inputs.iter().map(declared_slot).collect(),
        state: registered.wire.states.iter().map(declared_slot).collect(),
        ..Specification::new(&registered.output)
    }
}

fn declared(property: &Property) -> DeclaredProperty {
    DeclaredProperty {
        id: property.id.to_string(),
        property: property.name.to_string(),
        allow_optional: false,
    }
}

fn declared_slot(slot: &Slot) -> DeclaredProperty {
    DeclaredProperty {
        allow_optional: slot.optional,
        ..declared(&slot.property)
    }
}
