//! The settings in the page: those of the renderer (`_dash-config`), and those of our own script
//! (`_ferrodash-config`).
//!
//! The JSON shapes are in `ferrodash_wire` and in `ferrodash-browser`; here they are filled from
//! the app.

use std::collections::BTreeMap;

use ferrodash_browser::{ClientCallback, ScriptBatch, ScriptConfig, ScriptGate, ScriptOverlap};
use ferrodash_serve::Names;
use ferrodash_wire::RendererConfig;

use super::dependencies::gate_name;
use super::suites::Suites;
use crate::callback::{Gate, Overlap, Registered, Registry, Scopes, Source, Vary};
use crate::config::Config;

/// Returns the settings of the renderer. `children_props` says where the properties of each
/// component may contain components.
pub(super) fn renderer_config<'a>(config: &'a Config, suites: &Suites) -> RendererConfig<'a> {
    let mut children_props: BTreeMap<&str, BTreeMap<&str, &[&str]>> = BTreeMap::new();
    for suite in config
        .suites
        .iter()
        .filter(|suite| !suite.namespace.is_empty())
    {
        let props = suite
            .components
            .iter()
            .map(|component| (component.name, component.children_props));
        children_props.insert(
            suite.namespace,
            props.filter(|(_, paths)| !paths.is_empty()).collect(),
        );
    }
    RendererConfig {
        requests_pathname_prefix: &config.requests_prefix,
        ui: false,
        props_check: false,
        disable_version_check: true,
        show_undo_redo: config.show_undo_redo,
        suppress_callback_exceptions: true,
        update_title: config.update_title.as_deref(),
        children_props,
        // With it the renderer asks for plotly.js by an address that browsers may not keep.
        serve_locally: suites.plotly.is_none(),
        plotlyjs_url: suites
            .plotly
            .as_ref()
            .map(|url| format!("{}{url}", config.requests_prefix)),
        dash_version: ferrodash_components::renderer::SUITE.version,
        plotly_cloud_installed: true,
        // Checked when the app is built, where types know more; and the carriers of debounced
        // inputs would not pass.
        validate_callbacks: false,
        csrf_token_name: &config.csrf.cookie,
        csrf_header_name: &config.csrf.header,
    }
}

/// Returns the settings of our script: which answers it may store, which calls it may send
/// together, and the gates of debounced inputs.
///
/// They name callbacks by the strings by which the renderer knows them, as the script sees the
/// renderer's requests.
pub(super) fn script_config<'a>(
    config: &'a Config,
    registry: &'a Registry,
    build: &'a str,
) -> ScriptConfig<'a> {
    let cached = registry
        .iter()
        .filter(|callback| callback.is_cached_by_clients());
    let scopes = Scopes::of(registry, Names::new(config.secret.as_deref(), build));
    let batched = registry.iter().filter(|callback| callback.is_batched());
    let gates: Vec<_> = registry
        .gates()
        .into_iter()
        .enumerate()
        .map(|(index, gate)| script_gate(index, gate))
        .collect();
    let namespaces = config.suites.iter().map(|suite| suite.namespace);
    ScriptConfig {
        prefix: &config.requests_prefix,
        build,
        client: cached
            .map(|callback| {
                (
                    callback.output.as_str(),
                    client_callback(registry, &scopes, callback),
                )
            })
            .collect(),
        namespaces: namespaces
            .filter(|namespace| !gates.is_empty() && !namespace.is_empty())
            .collect(),
        gates,
        overlap: registry
            .iter()
            .filter_map(|callback| {
                let overlap = callback.callback.spec.overlap?;
                Some((callback.output.as_str(), script_overlap(overlap)))
            })
            .collect(),
        // What is cached does not run each time, so running it twice does no harm either.
        pure: registry
            .iter()
            .filter(|callback| callback.callback.spec.cache.is_some())
            .map(|callback| callback.output.as_str())
            .collect(),
        batch: config.batch_calls.then(|| ScriptBatch {
            outputs: batched.map(|callback| callback.output.as_str()).collect(),
            // Of which each is at most three bytes; proxies often take one megabyte.
            characters: config.max_body.min(1 << 20) / 3,
        }),
        push: config.push_changes,
        ticks: config.tick_when_hidden,
        reload: config.reload_stale_pages,
        most: config.max_body,
        cloud: config.show_send_to_cloud,
        guest: false,
    }
}

fn script_gate(index: usize, gate: Gate) -> ScriptGate {
    ScriptGate {
        name: gate_name(index),
        property: gate.property.name.to_string(),
        carrier: gate.carrier,
        wait: millis(gate.timing.quiet),
        longest: gate.timing.longest.map(millis),
        leading: gate.timing.leading,
        skip_trailing: !gate.timing.trailing,
        flush: gate.timing.flush,
        hold_callbacks: gate.timing.holds_callbacks,
        own: gate.is_own,
    }
}

fn script_overlap(overlap: Overlap) -> ScriptOverlap {
    let waiting = match overlap {
        Overlap::Queue(most) => most.max(1),
        _ => 1,
    };
    ScriptOverlap(overlap.name(), waiting)
}

/// Returns what the script needs to know of a callback whose answers the browser stores.
///
/// If another callback has the same function, its address is used for both, and `rename` turns the
/// ids of its outputs into those of this one.
fn client_callback<'a>(
    registry: &'a Registry,
    scopes: &Scopes,
    callback: &'a Registered,
) -> ClientCallback<'a> {
    let shared = registry.get(callback.same_function);
    let argument = |source: &Source| match source {
        Source::Input(index) => format!("i{index}"),
        Source::State(index) => format!("s{index}"),
    };
    let outputs = |callback: &Registered| {
        let outputs = callback.callback.spec.outputs.iter();
        outputs
            .map(|output| {
                (
                    output.property.id.to_string(),
                    output.property.name.to_string(),
                )
            })
            .collect::<Vec<_>>()
    };
    // The same outputs need no renaming.
    let rename = if shared.output == callback.output {
        Vec::new()
    } else {
        outputs(shared)
            .into_iter()
            .zip(outputs(callback))
            .map(|((a, b), (c, d))| [a, b, c, d])
            .collect()
    };
    ClientCallback {
        token: &shared.token,
        arguments: callback
            .wire
            .arguments(&callback.callback.spec)
            .map(argument)
            .collect(),
        trigger: callback.vary.contains(&Vary::Trigger),
        pattern: callback.has_patterns,
        scope: scopes.place(callback),
        rename,
    }
}

/// Returns a time in whole milliseconds.
fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
