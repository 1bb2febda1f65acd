//! Warns of inputs that wait twice: once in the component, and once for the callback.

use super::layout::Components;
use crate::callback::Registry;

/// Logs a warning for each input with a wait whose component has a `debounce` of its own. The two
/// times add up, and one of them is in seconds.
pub(super) fn warn_of_two_waits(registry: &Registry, components: &Components<'_>) {
    for registered in registry.iter() {
        let spec = &registered.callback.spec;
        for input in spec.inputs.iter().filter(|input| input.wait.is_set()) {
            let property = &input.property;
            if property.is_pattern() {
                continue;
            }
            let Some(places) = components.get(&property.id.to_string()) else {
                continue;
            };
            let own = places.iter().find_map(|component| {
                let (_, value) = component.props().find(|(name, _)| *name == "debounce")?;
                let value = serde_json::to_value(value).ok()?;
                (value != false && !value.is_null()).then(|| format!("debounce = {value}"))
            });
            if let Some(own) = own {
                tracing::warn!(
                    callback = %spec.name,
                    at = %spec.location,
                    "the input {property} waits twice: the component has {own}, and the callback \
                     waits after that; use only one of them"
                );
            }
        }
    }
}
