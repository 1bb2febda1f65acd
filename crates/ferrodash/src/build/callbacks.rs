//! Checks of callbacks against the app's settings and its layout.
//!
//! Mistakes of callbacks themselves are found in `crate::callback`, which also checks callbacks
//! that are added while the app runs; those are not compared with the layout, as it may have
//! changed by then.

use ferrodash_components::{Component, ComponentInfo};

use super::layout::Components;
use crate::callback::{Property, Registry, Vary};
use crate::config::Config;
use crate::error::Mistake;

/// Adds a mistake for each callback whose answers vary by user or roles, if the app has no function
/// that says who makes a request: all users would share its answers.
pub(super) fn check_identity(registry: &Registry, config: &Config, mistakes: &mut Vec<Mistake>) {
    let by_user = |by: &&Vary| matches!(by, Vary::User | Vary::Roles);
    for registered in registry.iter().filter(|_| config.identify.user.is_none()) {
        if let Some(by) = registered.vary.iter().find(by_user) {
            let text = format!(
                "it varies by {by}, but nothing says who makes a request; \
                 give the app App::identity"
            );
            mistakes.push(registered.callback.mistake(text));
        }
    }
}

/// Adds a mistake for each property that a callback reads or writes and no component in the layout
/// has, also for those that it sets while it runs.
///
/// A missing component is no mistake if the callback or the dependency is optional.
pub(super) fn check_properties(
    registry: &Registry,
    components: &Components<'_>,
    config: &Config,
    mistakes: &mut Vec<Mistake>,
) {
    for registered in registry.iter() {
        let spec = &registered.callback.spec;
        let optional = spec
            .inputs
            .iter()
            .filter(|input| input.optional)
            .map(|input| &input.property);
        let optional = optional.chain(
            spec.states
                .iter()
                .filter(|state| state.optional)
                .map(|state| &state.property),
        );
        let optional: Vec<&Property> = optional.collect();
        for property in spec
            .properties()
            .chain(spec.running.iter().map(|running| &running.property))
        {
            let is_optional =
                spec.optional || property.is_pattern() || optional.contains(&property);
            if let Some(problem) = problem_of(property, is_optional, components, config) {
                mistakes.push(registered.callback.mistake(problem));
            }
        }
    }
}

/// Returns what is wrong with a property that a callback names.
///
/// A pattern is compared with the components that match it now; it may match none, as components
/// with such ids usually come later, from callbacks.
fn problem_of(
    property: &Property,
    is_optional: bool,
    components: &Components<'_>,
    config: &Config,
) -> Option<String> {
    let id = property.id.to_string();
    if property.is_pattern() {
        let mut matching = components
            .values()
            .flatten()
            .filter(|it| it.id().is_some_and(|id| property.id.matches(id)));
        return matching.find_map(|component| problem_of_name(property, component, config));
    }
    match components.get(&id) {
        // Of several pages with the id, one that has the property is enough.
        Some(candidates) => {
            let problems = candidates
                .iter()
                .map(|component| problem_of_name(property, component, config));
            problems.collect::<Option<Vec<_>>>()?.into_iter().next()
        }
        None if is_optional => None,
        None => {
            let nearest = nearest(&id, components.keys().map(String::as_str));
            let hint = nearest.map_or_else(String::new, |nearest| {
                format!("; did you mean {nearest:?}?")
            });
            Some(format!(
                "no component in the layout has the id {id:?}{hint} (a component that \
                 only answers bring needs suppress_callback_exceptions)"
            ))
        }
    }
}

/// Returns what is wrong with the name of a property, if the component's suite does not describe
/// it. Components of suites that the app does not have are not checked.
fn problem_of_name(property: &Property, component: &Component, config: &Config) -> Option<String> {
    let info = info_of(component, config)?;
    if info.has_prop(&property.name) {
        return None;
    }
    let nearest = nearest(&property.name, info.props.iter().copied());
    let hint = nearest.map_or_else(String::new, |nearest| {
        format!("; did you mean {nearest:?}?")
    });
    let id = component.id().map(ToString::to_string).unwrap_or_default();
    Some(format!(
        "{id:?} is a {}, which has no property {:?}{hint}",
        info.name, property.name
    ))
}

/// Finds the description of a component in the app's suites.
fn info_of(component: &Component, config: &Config) -> Option<&'static ComponentInfo> {
    let suite = config
        .suites
        .iter()
        .find(|suite| suite.namespace == component.namespace())?;
    suite.component(component.name())
}

/// Returns the known name that is spelled most alike, for a hint in a message. Case does not count.
///
/// At most a third of the letters may differ (Levenshtein distance); a worse guess would mislead.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.len().div_ceil(3);
    let name = name.to_ascii_lowercase();
    known
        .map(|other| {
            let distance = strsim::levenshtein(&name, &other.to_ascii_lowercase());
            (distance, other)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other)
}
