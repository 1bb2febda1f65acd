//! From the JSON of a call to a [`Call`]: what a page sends must be what was declared.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use ferrodash_components::{Id, IdValue};

use super::rejection::Rejection;
use super::wire::{self, Dependency, Item};
use crate::callback::{Call, CallIds, Ids, Property, Registered, Shape, Slot, Source, Trigger};

/// The call that was sent. The page is not trusted: number, ids and properties of everything must fit.
pub(super) fn call(callback: Arc<Registered>, sent: &wire::Call<'_>, body: &Bytes) -> Result<Call, Rejection> {
    // As our page sends it, or as it would be without debounced inputs, which other clients do not know.
    let shape = [&callback.wire, &callback.plain].into_iter().find(|shape| fits(&sent.inputs, &shape.inputs));
    let shape = shape.ok_or_else(|| mismatch(&callback, "inputs"))?;
    if !fits(&sent.state, &shape.states) {
        return Err(mismatch(&callback, "states"));
    }
    let items: Vec<(&Slot, &Item<'_>)> = shape.sources.iter().map(|source| place(shape, sent, *source)).collect();
    let values = items.iter().enumerate().map(|(index, (_, item))| value(&callback, index, item, body)).collect();
    let ids = ids(&callback, sent, &items)?;
    let mut call = Call { ids, values, triggers: Vec::new(), callback: callback.clone() };
    call.triggers = triggers(&call, &items, sent, body);
    Ok(call)
}

/// Where an argument stands in a request.
fn place<'a, 'b>(shape: &'a Shape, sent: &'a wire::Call<'b>, source: Source) -> (&'a Slot, &'a Item<'b>) {
    match source {
        Source::Input(index) => (&shape.inputs[index], &sent.inputs[index]),
        Source::State(index) => (&shape.states[index], &sent.state[index]),
    }
}

fn mismatch(callback: &Registered, what: &'static str) -> Rejection {
    Rejection::Mismatch { callback: callback.name().to_owned(), what }
}

/// Whether what was sent is what was declared.
fn fits(sent: &[Item<'_>], declared: &[Slot]) -> bool {
    sent.len() == declared.len() && sent.iter().zip(declared).all(|(item, slot)| names(item, &slot.property))
}

/// Whether a dependency of a request is a declared one.
fn names(item: &Item<'_>, property: &Property) -> bool {
    match item {
        Item::One(one) if !property.is_pattern() => one.is(property),
        Item::One(one) => !property.is_list() && one.id_for(property).is_some(),
        Item::Many(many) => property.is_list() && many.iter().all(|item| id(item, property).is_some()),
    }
}

fn id(item: &Item<'_>, property: &Property) -> Option<Id> {
    match item {
        Item::One(one) => one.id_for(property),
        Item::Many(_) => None,
    }
}

/// The JSON text of an argument: a slice of the request's body, or an array that is made of several.
fn value(callback: &Registered, index: usize, item: &Item<'_>, body: &Bytes) -> Bytes {
    match item {
        Item::One(one) => slice(one, body).unwrap_or_else(|| callback.unset(index).clone()),
        Item::Many(many) => {
            let mut list = vec![b'['];
            for item in many {
                if list.len() > 1 {
                    list.push(b',');
                }
                let Item::One(one) = item else { continue };
                list.extend(one.value().map_or(&callback.unset(index)[..], |value| value.get().as_bytes()));
            }
            list.push(b']');
            list.into()
        }
    }
}

fn slice(one: &Dependency<'_>, body: &Bytes) -> Option<Bytes> {
    let text = one.value()?.get().as_bytes();
    Some(body.slice_ref(text))
}

/// The components that a call with wildcards is about. Each key for which the outputs have `MATCH` has one value in all
/// ids.
fn ids(
    callback: &Registered,
    sent: &wire::Call<'_>,
    items: &[(&Slot, &Item<'_>)],
) -> Result<Option<CallIds>, Rejection> {
    let written = outputs(callback, sent).ok_or_else(|| mismatch(callback, "outputs"))?;
    if !callback.has_patterns {
        return Ok(None);
    }
    let declared = callback.callback.spec.outputs.iter().map(|output| &output.property);
    let outputs = match written.is_empty() {
        // Not sent, so none of them has a wildcard.
        true => declared.clone().map(|property| Some(Ids::One(property.id.clone()))).collect::<Option<Vec<_>>>(),
        false => written.iter().zip(declared.clone()).map(|(item, property)| item_ids(item, property)).collect(),
    };
    let outputs = outputs.ok_or_else(|| mismatch(callback, "outputs"))?;
    let arguments = items.iter().map(|(slot, item)| item_ids(item, &slot.property)).collect::<Option<Vec<_>>>();
    let arguments = arguments.ok_or_else(|| mismatch(callback, "inputs and states"))?;
    let mut bound = Vec::new();
    if !declared.zip(&outputs).all(|(property, ids)| agree(property, ids, &mut bound)) {
        return Err(mismatch(callback, "outputs, which must have one value for each MATCH"));
    }
    let of_items = items.iter().map(|(slot, _)| &slot.property).zip(&arguments);
    if !of_items.into_iter().all(|(property, ids)| agree(property, ids, &mut bound)) {
        return Err(mismatch(callback, "inputs and states, which must have the same value for each MATCH"));
    }
    Ok(Some(CallIds { outputs, arguments }))
}

/// The outputs that a call names; `None` if they are not those that were declared. Clients other than the renderer may
/// leave them out where no wildcard asks for them.
fn outputs<'a, 'b>(callback: &Registered, sent: &'a wire::Call<'b>) -> Option<&'a [Item<'b>]> {
    let declared = &callback.callback.spec.outputs;
    let written = match (&sent.outputs, &declared[..]) {
        (_, []) => return Some(&[]),
        (None, declared) => return declared.iter().all(|output| !output.property.is_pattern()).then_some(&[]),
        (Some(one), [_]) => std::slice::from_ref(one),
        (Some(Item::Many(many)), declared) if many.len() == declared.len() => many,
        _ => return None,
    };
    written.iter().zip(declared).all(|(item, output)| names(item, &output.property)).then_some(written)
}

fn item_ids(item: &Item<'_>, property: &Property) -> Option<Ids> {
    match item {
        Item::One(one) if !property.is_list() => one.id_for(property).map(Ids::One),
        Item::Many(many) if property.is_list() => {
            many.iter().map(|item| id(item, property)).collect::<Option<_>>().map(Ids::Many)
        }
        _ => None,
    }
}

/// Whether ids have the values that the keys with `MATCH` are bound to. A key that is not bound is bound now.
fn agree(property: &Property, ids: &Ids, bound: &mut Vec<(String, IdValue)>) -> bool {
    let ids = match ids {
        Ids::One(id) => std::slice::from_ref(id),
        Ids::Many(ids) => ids,
    };
    property.match_keys().into_iter().all(|key| {
        ids.iter().filter_map(|id| id.get(key)).all(|value| match bound.iter().find(|(known, _)| known == key) {
            Some((_, known)) => known == value,
            None => {
                bound.push((key.to_owned(), value.clone()));
                true
            }
        })
    })
}

/// What triggered the call, each once, with the carriers of debounced inputs turned back into what they stand for. Only
/// components that the call is about can have triggered it.
fn triggers(call: &Call, items: &[(&Slot, &Item<'_>)], sent: &wire::Call<'_>, body: &Bytes) -> Vec<Trigger> {
    let inputs = &call.callback.callback.spec.inputs;
    let mut seen = HashSet::new();
    let mut lists: HashMap<usize, HashMap<&Id, Option<Bytes>>> = HashMap::new();
    let changed = sent.changed.iter().filter(|changed| seen.insert(*changed));
    let trigger = |changed: &Cow<'_, str>| {
        let (index, id) = call.callback.trigger(changed)?;
        let property = &inputs[index].property;
        let value = match call.ids.as_ref().map(|ids| &ids.arguments[index]) {
            None => Some(call.values[index].clone()),
            Some(Ids::One(known)) => (*known == id).then(|| call.values[index].clone()),
            Some(Ids::Many(ids)) => {
                let values =
                    lists.entry(index).or_insert_with(|| ids.iter().zip(texts(items[index].1, body)).collect());
                Some(values.get(&id)?.clone().unwrap_or_else(|| call.callback.unset(index).clone()))
            }
        };
        Some(Trigger::new(id, property.name.clone(), Some(value?)))
    };
    changed.filter_map(trigger).collect()
}

/// The JSON text of each component in a list.
fn texts<'a>(item: &'a Item<'_>, body: &'a Bytes) -> impl Iterator<Item = Option<Bytes>> + 'a {
    let many = match item {
        Item::Many(many) => &many[..],
        Item::One(_) => &[],
    };
    many.iter().map(|item| match item {
        Item::One(one) => slice(one, body),
        Item::Many(_) => None,
    })
}
