//! `GET _dash-dependencies`: what the renderer must know of every callback.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::etag::{JSON, NO_CACHE, respond};
use super::wire::{ClientsideFunction, Running, Specification};
use crate::callback::{Gate, Property, Registered, Registry};
use crate::state::AppState;

pub(super) async fn serve(State(app): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    respond(&headers, &app.dependencies, JSON, NO_CACHE)
}

/// The callbacks of the app, then the gates of debounced inputs.
pub(crate) fn render_dependencies(registry: &Registry) -> Vec<u8> {
    let gates = registry.gates();
    let names: Vec<String> = (0..gates.len()).map(gate_name).collect();
    let callbacks = registry.iter().map(specification);
    let gates = gates.iter().zip(&names).map(|(gate, name)| gate_specification(gate, name));
    let all: Vec<Specification<'_>> = callbacks.chain(gates).collect();
    serde_json::to_vec(&all).expect("text and numbers are JSON")
}

/// The name of a gate's function in the page.
pub(super) fn gate_name(index: usize) -> String {
    format!("gate_{index}")
}

fn specification(registered: &Registered) -> Specification<'_> {
    let spec = &registered.callback.spec;
    let running = (!spec.running.is_empty()).then(|| Running {
        running: spec.running.iter().map(|running| (running.property.to_string(), &running.on)).collect(),
        running_off: spec.running.iter().map(|running| (running.property.to_string(), &running.off)).collect(),
    });
    Specification {
        running,
        prevent_initial_call: spec.prevent_initial_call,
        ..plain(&registered.output, registered.wire.inputs.clone(), registered.wire.states.clone())
    }
}

fn gate_specification<'a>(gate: &Gate, name: &'a str) -> Specification<'a> {
    Specification {
        clientside_function: Some(ClientsideFunction { namespace: "ferrodash", function_name: name.to_owned() }),
        prevent_initial_call: true,
        no_output: true,
        hidden: true,
        // Does not count as loading: the title stays as it is.
        persistent: true,
        ..plain(name, vec![gate.property.clone()], Vec::new())
    }
}

fn plain(output: &str, inputs: Vec<Property>, state: Vec<Property>) -> Specification<'_> {
    Specification {
        output,
        inputs,
        state,
        clientside_function: None,
        prevent_initial_call: false,
        background: (),
        dynamic_creator: (),
        no_output: false,
        optional: false,
        hidden: false,
        websocket: false,
        persistent: false,
        running: None,
    }
}
