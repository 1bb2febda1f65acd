//! From the JSON of a call to a [`Call`]: what a page sends must be what was declared.

use std::sync::Arc;

use bytes::Bytes;
use ferrodash_components::{Id, IdValue};

use super::rejection::Rejection;
use super::wire::{self, Dependency, Item};
use crate::callback::{Call, CallIds, Ids, Output, Property, Registered, Shape, Slot, Source, Trigger};

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
    call.triggers = sent.changed.iter().filter_map(|changed| trigger(&call, &items, changed, body)).collect();
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
    let fits = |(item, slot): (&Item<'_>, &Slot)| {
        let property = &slot.property;
        match item {
            Item::One(one) if !property.is_pattern() => one.is(property),
            Item::One(one) => !property.is_list() && one.id_for(property).is_some(),
            Item::Many(many) => property.is_list() && many.iter().all(|item| id(item, property).is_some()),
        }
    };
    sent.len() == declared.len() && sent.iter().zip(declared).all(fits)
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
    let declared = &callback.callback.spec.outputs;
    if !callback.has_patterns {
        let named = |item: &Item<'_>, output: &Output| id(item, &output.property).is_some();
        return match (&sent.outputs, &declared[..]) {
            (None, _) | (_, []) => Ok(None),
            (Some(one), [output]) if named(one, output) => Ok(None),
            (Some(Item::Many(many)), declared)
                if many.len() == declared.len() && many.iter().zip(declared).all(|(item, it)| named(item, it)) =>
            {
                Ok(None)
            }
            _ => Err(mismatch(callback, "outputs")),
        };
    }
    let all = |item: &Item<'_>, property: &Property| match item {
        Item::One(one) if !property.is_list() => one.id_for(property).map(Ids::One),
        Item::Many(many) if property.is_list() => {
            many.iter().map(|item| id(item, property)).collect::<Option<_>>().map(Ids::Many)
        }
        _ => None,
    };
    let written: Vec<&Item<'_>> = match (&sent.outputs, &declared[..]) {
        (None, []) => Vec::new(),
        (Some(one), [_]) => vec![one],
        (Some(Item::Many(many)), declared) if many.len() == declared.len() => many.iter().collect(),
        _ => return Err(mismatch(callback, "outputs")),
    };
    let outputs =
        written.iter().zip(declared).map(|(item, output)| all(item, &output.property)).collect::<Option<Vec<_>>>();
    let outputs = outputs.ok_or_else(|| mismatch(callback, "outputs"))?;
    let arguments = items.iter().map(|(slot, item)| all(item, &slot.property)).collect::<Option<Vec<_>>>();
    let arguments = arguments.ok_or_else(|| mismatch(callback, "inputs and states"))?;
    let mut bound = Vec::new();
    let of_outputs = declared.iter().map(|output| &output.property).zip(&outputs);
    if !of_outputs.into_iter().all(|(property, ids)| agree(property, ids, &mut bound, true)) {
        return Err(mismatch(callback, "outputs, which must have one value for each MATCH"));
    }
    let of_items = items.iter().map(|(slot, _)| &slot.property).zip(&arguments);
    if !of_items.into_iter().all(|(property, ids)| agree(property, ids, &mut bound, false)) {
        return Err(mismatch(callback, "inputs and states, which must have the outputs' value for each MATCH"));
    }
    Ok(Some(CallIds { outputs, arguments }))
}

/// Whether ids have the values that the keys with `MATCH` are bound to. A key that is not bound is bound now, if `bind`.
fn agree(property: &Property, ids: &Ids, bound: &mut Vec<(String, IdValue)>, bind: bool) -> bool {
    let ids = match ids {
        Ids::One(id) => std::slice::from_ref(id),
        Ids::Many(ids) => ids,
    };
    property.match_keys().into_iter().all(|key| {
        ids.iter().filter_map(|id| id.get(key)).all(|value| match bound.iter().find(|(known, _)| known == key) {
            Some((_, known)) => known == value,
            None => {
                if bind {
                    bound.push((key.to_owned(), value.clone()));
                }
                true
            }
        })
    })
}

/// What triggered the call, with the carriers of debounced inputs turned back into what they stand for.
fn trigger(call: &Call, items: &[(&Slot, &Item<'_>)], changed: &str, body: &Bytes) -> Option<Trigger> {
    let (index, id) = call.callback.trigger(changed)?;
    let property = &call.callback.callback.spec.inputs[index].property;
    let value = match items[index].1 {
        Item::One(one) => slice(one, body),
        Item::Many(many) => many.iter().find_map(|item| match item {
            Item::One(one) if one.id_for(&items[index].0.property).as_ref() == Some(&id) => slice(one, body),
            _ => None,
        }),
    };
    Some(Trigger::new(id, property.name.clone(), value))
}
