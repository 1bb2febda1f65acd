//! The list of callbacks for the renderer, `_dash-dependencies`.
//!
//! It is rendered when the app is built, and again for each request once callbacks were added while
//! the app runs. The JSON shapes are in `crate::wire`.

use crate::callback::{Gate, InitialCall, Registered, Registry};
use crate::wire::{ClientsideFunction, Running, Specification};

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
        .map(|(gate, name)| gate_specification(gate, name));
    let all: Vec<Specification<'_>> = callbacks.chain(gates).collect();
    serde_json::to_vec(&all).expect("text and numbers are JSON")
}

/// Returns the name of a gate's function in the page, by the place of the gate in the list.
pub(super) fn gate_name(index: usize) -> String {
    format!("gate_{index}")
}

/// The item of a callback. Debounced inputs are written as their carriers, see
/// `callback/describe/debounce.rs`.
fn specification(registered: &Registered) -> Specification<'_> {
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
        inputs: registered.wire.inputs.iter().map(Into::into).collect(),
        state: registered.wire.states.iter().map(Into::into).collect(),
        ..plain(&registered.output)
    }
}

/// The item of a gate: a clientside callback on the real property, whose function is in our script.
/// It is hidden from the developer tools and never called when the page is loaded, as the first
/// call does not wait.
fn gate_specification<'a>(gate: &Gate, name: &'a str) -> Specification<'a> {
    Specification {
        clientside_function: Some(ClientsideFunction {
            namespace: "ferrodash",
            function_name: name,
        }),
        prevent_initial_call: true,
        no_output: true,
        hidden: true,
        // Does not count as loading: the title stays as it is.
        persistent: true,
        inputs: vec![(&gate.property).into()],
        ..plain(name)
    }
}

/// An item with nothing but its name; the others fill in what they have.
fn plain(output: &str) -> Specification<'_> {
    Specification {
        output,
        inputs: Vec::new(),
        state: Vec::new(),
        clientside_function: None,
        prevent_initial_call: false,
        background: (),
        dynamic_creator: None,
        no_output: false,
        optional: false,
        hidden: false,
        websocket: false,
        persistent: false,
        running: None,
    }
}
