//! Reads the JSON of a call into a [`Call`].
//!
//! The page is not trusted: number, ids and properties of everything that was sent must be those
//! that the callback declares. What `dependency.rs` has read item by item is put together and
//! compared here. Values are not read; they stay slices of the body.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use ferrodash_components::{Id, IdValue};

use super::dependency::{Item, Sent, each_text, read_all, read_one};
use super::rejection::Rejection;
use crate::callback::{Call, CallIds, Ids, Property, Registered, Shape, Slot, Source, Trigger};

/// Returns the call that was sent. Its values are slices of `body`, so nothing is copied.
///
/// What was sent is compared with the declaration in this order: inputs, states, outputs, triggers.
/// A call that passes has exactly the declared number of values, each for a component that the
/// declared id stands for.
///
/// # Errors
/// [`Rejection::Mismatch`] with what was not as declared.
pub(super) fn call(
    callback: Arc<Registered>,
    sent: &ferrodash_wire::Call<'_>,
    body: &Bytes,
) -> Result<Call, Rejection> {
    let (shape, mut inputs) = inputs(&callback, sent)?;
    let states = shape.states.iter().map(|slot| &slot.property);
    let mut states =
        read_all(sent.state, states).map_err(|error| mismatch(&callback, "states", &error))?;
    let ids = ids(&callback, shape, sent, &mut inputs, &mut states)?;
    let items: Vec<&Item<'_>> = shape
        .sources
        .iter()
        .map(|source| place(&inputs, &states, *source))
        .collect();
    let values = items
        .iter()
        .enumerate()
        .map(|(index, item)| value(&callback, index, item, body))
        .collect();
    // Triggers are looked up in the values and ids of the call, so they are added at the end.
    let mut call = Call {
        ids,
        values,
        triggers: Vec::new(),
        callback: callback.clone(),
    };
    call.triggers = triggers(&call, &items, sent, body)?;
    Ok(call)
}

/// Reads the inputs as our page sends them, or else as they would be without debounced inputs,
/// which other clients do not know. Returns the shape that fits, as the states have the same one.
///
/// # Errors
/// What is wrong with the first form, which is the usual one.
fn inputs<'a, 'c>(
    callback: &'c Registered,
    sent: &ferrodash_wire::Call<'a>,
) -> Result<(&'c Shape, Vec<Item<'a>>), Rejection> {
    let read = |shape: &Shape| {
        let properties = shape.inputs.iter().map(|slot| &slot.property);
        read_all(sent.inputs, properties)
    };
    let wire = match read(&callback.wire) {
        Ok(items) => return Ok((&callback.wire, items)),
        Err(error) => error,
    };
    match read(&callback.plain) {
        Ok(items) => Ok((&callback.plain, items)),
        Err(_) => Err(mismatch(callback, "inputs", &wire)),
    }
}

/// Returns the item that an argument is made of.
fn place<'a, 'b>(inputs: &'a [Item<'b>], states: &'a [Item<'b>], source: Source) -> &'a Item<'b> {
    match source {
        Source::Input(index) => &inputs[index],
        Source::State(index) => &states[index],
    }
}

/// The refusal of a call that does not have what its callback declares.
pub(super) fn mismatch(
    callback: &Registered,
    what: &'static str,
    reason: &dyn std::fmt::Display,
) -> Rejection {
    Rejection::Mismatch {
        callback: callback.name().to_owned(),
        what,
        reason: reason.to_string(),
    }
}

/// Returns the JSON text of an argument: a slice of the request's body, or an array that is made of
/// several.
///
/// A property that is unset has the text of its default. That is also so for single components in a
/// list, and for what only triggers the callback.
fn value(callback: &Registered, index: usize, item: &Item<'_>, body: &Bytes) -> Bytes {
    let unset = callback.unset(index);
    let is_argument = callback.callback.spec.is_argument(index);
    let many = match item {
        Item::One(sent) => {
            let text = slice(sent, body).filter(|_| is_argument);
            return text.unwrap_or_else(|| unset.clone());
        }
        Item::Many(many) => many,
    };
    let texts = || {
        many.iter().map(|sent| match sent.value {
            Some(value) if is_argument => value.get().as_bytes(),
            _ => &unset[..],
        })
    };
    let length: usize = texts().map(|text| 1 + text.len()).sum();
    let mut list = Vec::with_capacity(2 + length);
    list.push(b'[');
    for text in texts() {
        if list.len() > 1 {
            list.push(b',');
        }
        list.extend(text);
    }
    list.push(b']');
    list.into()
}

/// Returns a value as a slice of the request's body; `None` if the property is unset.
fn slice(sent: &Sent<'_>, body: &Bytes) -> Option<Bytes> {
    let text = sent.value?.get().as_bytes();
    Some(body.slice_ref(text))
}

/// Returns the components that a call with wildcards is about; `None` if the callback has no
/// wildcards.
///
/// Each key for which the outputs have `MATCH` has one value in all ids of the call, so
/// [`Call::matched`] can take it from any of them.
///
/// # Errors
/// [`Rejection::Mismatch`], if ids disagree.
fn ids(
    callback: &Registered,
    shape: &Shape,
    sent: &ferrodash_wire::Call<'_>,
    inputs: &mut [Item<'_>],
    states: &mut [Item<'_>],
) -> Result<Option<CallIds>, Rejection> {
    let mut written = outputs(callback, sent)?;
    if !callback.has_patterns {
        return Ok(None);
    }
    let declared = callback
        .callback
        .spec
        .outputs
        .iter()
        .map(|output| &output.property);
    let outputs: Vec<Ids> = match &mut written {
        Some(items) => items
            .iter_mut()
            .zip(declared.clone())
            .map(|(item, property)| item.take_ids(property))
            .collect(),
        // Not sent, so none of them has a wildcard.
        None => declared
            .clone()
            .map(|property| Ids::One(property.id.clone()))
            .collect(),
    };
    let mut arguments = Vec::with_capacity(shape.sources.len());
    for source in &shape.sources {
        arguments.push(match *source {
            Source::Input(index) => taken(&shape.inputs[index], &mut inputs[index]),
            Source::State(index) => taken(&shape.states[index], &mut states[index]),
        });
    }
    let mut bound = Vec::new();
    if !declared
        .zip(&outputs)
        .all(|(property, ids)| agree(property, ids, &mut bound))
    {
        return Err(mismatch(
            callback,
            "outputs",
            &"there must be one value for each MATCH",
        ));
    }
    if !arguments
        .iter()
        .all(|(property, ids)| agree(property, ids, &mut bound))
    {
        return Err(mismatch(
            callback,
            "inputs and states",
            &"there must be the same value for each MATCH",
        ));
    }
    let arguments = arguments.into_iter().map(|(_, ids)| ids).collect();
    Ok(Some(CallIds { outputs, arguments }))
}

/// Returns a declared property with the components that were sent for it.
fn taken<'s>(slot: &'s Slot, item: &mut Item<'_>) -> (&'s Property, Ids) {
    (&slot.property, item.take_ids(&slot.property))
}

/// Reads the outputs that a call names. Clients other than the renderer may leave them out where
/// there are no wildcards.
fn outputs<'a>(
    callback: &Registered,
    sent: &ferrodash_wire::Call<'a>,
) -> Result<Option<Vec<Item<'a>>>, Rejection> {
    let declared = &callback.callback.spec.outputs;
    let refused = |error| mismatch(callback, "outputs", &error);
    match (sent.outputs, &declared[..]) {
        (_, []) => Ok(None),
        (None, declared) if declared.iter().any(|output| output.property.is_pattern()) => Err(
            mismatch(callback, "outputs", &"an id with wildcards needs them"),
        ),
        (None, _) => Ok(None),
        (Some(text), [output]) => read_one(text, &output.property)
            .map(|item| Some(vec![item]))
            .map_err(refused),
        (Some(text), declared) => {
            read_all(Some(text), declared.iter().map(|output| &output.property))
                .map(Some)
                .map_err(refused)
        }
    }
}

/// Returns whether ids have the values that the keys with `MATCH` are bound to. A key that is not
/// bound yet is bound now, so outputs come before inputs.
fn agree(property: &Property, ids: &Ids, bound: &mut Vec<(String, IdValue)>) -> bool {
    let ids = match ids {
        Ids::One(id) => std::slice::from_ref(id),
        Ids::Many(ids) => ids,
    };
    property.match_keys().into_iter().all(|key| {
        ids.iter().filter_map(|id| id.get(key)).all(|value| {
            match bound.iter().find(|(known, _)| known == key) {
                Some((_, known)) => known == value,
                None => {
                    bound.push((key.to_owned(), value.clone()));
                    true
                }
            }
        })
    })
}

/// Reads the triggers of the call, each once; carriers of debounced inputs become the properties
/// that they stand for.
///
/// Only components that the call is about can have triggered it. Others are ignored, as they do no
/// harm: a page may have removed a component meanwhile.
///
/// # Errors
/// [`Rejection::Mismatch`], if it is not a list of texts.
fn triggers(
    call: &Call,
    items: &[&Item<'_>],
    sent: &ferrodash_wire::Call<'_>,
    body: &Bytes,
) -> Result<Vec<Trigger>, Rejection> {
    let inputs = &call.callback.callback.spec.inputs;
    let mut triggers = Vec::new();
    let mut seen = HashSet::new();
    // The values of a list by id, made once for each input that triggered: a list can have
    // thousands of components.
    let mut lists: HashMap<usize, HashMap<&Id, Option<Bytes>>> = HashMap::new();
    let read = each_text(sent.changed, |changed| {
        let Some((indices, id)) = call.callback.triggers(changed) else {
            return;
        };
        let mut value = |index: usize| match call.ids.as_ref().map(|ids| &ids.arguments[index]) {
            None => Some(call.values[index].clone()),
            Some(Ids::One(known)) => (*known == id).then(|| call.values[index].clone()),
            Some(Ids::Many(ids)) => {
                let is_argument = call.callback.callback.spec.is_argument(index);
                let value = |sent| slice(sent, body).filter(|_| is_argument);
                let values = items[index].many().iter().map(value);
                let values = lists
                    .entry(index)
                    .or_insert_with(|| ids.iter().zip(values).collect());
                let value = values.get(&id).cloned();
                value.map(|value| value.unwrap_or_else(|| call.callback.unset(index).clone()))
            }
        };
        // An id can match several inputs. The trigger is the first one that the call has it for.
        let found = indices
            .iter()
            .find_map(|&index| Some((index, value(index)?)));
        let Some((index, value)) = found else {
            return;
        };
        if seen.insert((index, id.clone())) {
            triggers.push(Trigger::new(
                id,
                inputs[index].property.name.clone(),
                Some(value),
            ));
        }
    });
    read.map_err(|error| mismatch(&call.callback, "changedPropIds", &error))?;
    Ok(triggers)
}
