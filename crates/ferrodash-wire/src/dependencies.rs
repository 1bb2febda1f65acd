//! The description of the callbacks, which the renderer asks for once a page.

use std::collections::BTreeMap;

use serde::Serialize;

/// One callback: an item of `GET _dash-dependencies`.
///
/// `V` is the type of the values that are set while the callback runs.
#[derive(Debug, Serialize)]
pub struct Specification<'a, V> {
    /// The name of the callback: its outputs as one text.
    pub output: &'a str,
    /// The inputs, in the order in which a call has them.
    pub inputs: Vec<DeclaredProperty>,
    /// The states, in the order in which a call has them.
    pub state: Vec<DeclaredProperty>,
    /// The function of the page that answers, if the server does not.
    pub clientside_function: Option<ClientsideFunction<'a>>,
    /// Whether the callback is not called when the page is loaded.
    pub prevent_initial_call: bool,
    /// Always null: background callbacks are not supported.
    pub background: (),
    /// Whether the callback may add callbacks to the running app.
    pub dynamic_creator: Option<bool>,
    /// Whether the callback has no outputs.
    pub no_output: bool,
    /// Whether the callback is skipped, without an error, if its components are missing.
    pub optional: bool,
    /// Whether the developer tools do not show the callback.
    pub hidden: bool,
    /// Always false: calls over a websocket are not supported.
    pub websocket: bool,
    /// Whether the page does not show as loading while the callback runs.
    pub persistent: bool,
    /// The properties that are set while the callback runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Running<'a, V>>,
}

impl<'a, V> Specification<'a, V> {
    /// A callback of this name, with nothing else.
    pub fn new(output: &'a str) -> Self {
        Self {
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

    /// The gate of a debounced input: a clientside callback without outputs, which the script of
    /// the page registers under `name`. It does not count as loading.
    pub fn gate(name: &'a str, input: DeclaredProperty) -> Self {
        Self {
            clientside_function: Some(ClientsideFunction {
                namespace: "ferrodash",
                function_name: name,
            }),
            prevent_initial_call: true,
            no_output: true,
            hidden: true,
            persistent: true,
            inputs: vec![input],
            ..Self::new(name)
        }
    }
}

/// An input or a state.
#[derive(Debug, Serialize)]
pub struct DeclaredProperty {
    /// The id of the component. A dictionary is a JSON text with sorted keys.
    pub id: String,
    /// The name of the property.
    pub property: String,
    /// Whether the component may be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_optional: bool,
}

/// A function of the page that answers a callback.
#[derive(Debug, Serialize)]
pub struct ClientsideFunction<'a> {
    /// The key in `window.dash_clientside`.
    pub namespace: &'a str,
    /// The key in that object.
    pub function_name: &'a str,
}

/// The properties that are set while a callback runs, and what they are set to afterwards.
#[derive(Debug, Serialize)]
pub struct Running<'a, V> {
    /// The values for the time of the run, by `id.property`.
    pub running: BTreeMap<String, &'a V>,
    /// The values for the time after it, by `id.property`.
    #[serde(rename = "runningOff")]
    pub running_off: BTreeMap<String, &'a V>,
}
