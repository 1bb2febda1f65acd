//! Callbacks beside the app's settings and its layout. What can be wrong with callbacks themselves is
//! checked in `callback`, also for those that are added while the app runs.

use ferrodash_components::{Component, ComponentInfo};

use super::layout::Components;
use crate::callback::{Property, Registry, Vary};
use crate::config::Config;
use crate::error::Mistake;

/// Answers for users need somebody who says who they are.
pub(super) fn check_identity(registry: &Registry, config: &Config, mistakes: &mut Vec<Mistake>) {
    let by_user = |by: &&Vary| matches!(by, Vary::User | Vary::Roles);
    for registered in registry.iter().filter(|_| config.identify.user.is_none()) {
        if let Some(by) = registered.vary.iter().find(by_user) {
            let text = format!(
                "it varies by {by}, but nothing says who makes a request; give the app App::identity"
            );
            mistakes.push(registered.callback.mistake(text));
        }
    }
}

/// Every property that a callback reads or writes must be one of a component in the layout.
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

/// What is wrong with a property that a callback names. Those that components with matching ids
/// bring later are not known yet.
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
                "no component in the layout has the id {id:?}{hint} (a component that only answers bring needs \
                 suppress_callback_exceptions)"
            ))
        }
    }
}

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

fn info_of(component: &Component, config: &Config) -> Option<&'static ComponentInfo> {
    let suite = config
        .suites
        .iter()
        .find(|suite| suite.namespace == component.namespace())?;
    suite.component(component.name())
}

/// The known name that is spelled most alike, if one is close. Case does not count.
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
