//! A call of a callback: as the page sends it, as the app gets it, and the key under which its
//! answer is kept.

use std::borrow::Cow;

use bytes::Bytes;
use ferrodash_cache::Key;
use ferrodash_wire::Fields;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::dash::Callback;
use crate::identity::Asker;

/// The keys of a call that Dash itself sends. What hooks of the app's page add beside them may
/// change the answer.
const USUAL: [&str; 6] = [
    "output",
    "outputs",
    "inputs",
    "state",
    "changedPropIds",
    "parsedChangedPropsIds",
];

/// Returns the output that a call names whose text has only begun. Pages send it first.
pub(crate) fn first_output(start: &[u8]) -> Option<String> {
    let rest = start.strip_prefix(b"{\"output\":")?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    values.next()?.ok()
}

/// The body of a call, which is text but for what is read or changed.
pub(crate) struct Call<'a> {
    fields: Fields<'a>,
    is_changed: bool,
}

impl<'a> Call<'a> {
    /// Reads a call. Returns `None` for what no page sends; the app decides about it. That is also
    /// a call that names a part twice: the app could read the other one.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let fields: Fields<'_> = serde_json::from_slice(body).ok()?;
        (!fields.has_duplicates()).then_some(Self {
            fields,
            is_changed: false,
        })
    }

    /// Returns the name of the callback.
    pub(crate) fn output(&self) -> Option<Cow<'_, str>> {
        self.fields.text("output")
    }

    /// Makes the call one that the app knows: with the real inputs in the place of carriers, and
    /// unless `with_trigger`, without causes that the key would have to have.
    pub(crate) fn restore(&mut self, callback: &Callback, with_trigger: bool) -> Option<()> {
        if callback.waits() {
            self.put_inputs_back(callback)?;
        }
        if with_trigger {
            return Some(());
        }
        self.check_triggers(callback)
    }

    /// Removes what cannot have caused the call. If the cause is no part of the key, nobody may
    /// make one up for the others.
    fn check_triggers(&mut self, callback: &Callback) -> Option<()> {
        for key in ["changedPropIds", "parsedChangedPropsIds"] {
            let Some(mut triggers) = self.fields.read::<Vec<Box<RawValue>>>(key) else {
                continue;
            };
            let before = triggers.len();
            triggers.retain(|trigger| {
                let name = serde_json::from_str::<String>(trigger.get());
                name.is_ok_and(|name| callback.inputs.iter().any(|input| input.is_named(&name)))
            });
            if triggers.len() < before {
                self.set(key, &triggers)?;
            }
        }
        Some(())
    }

    /// Returns the outputs that the call wants to know.
    pub(crate) fn outputs(&self) -> Option<&RawValue> {
        self.fields.get("outputs")
    }

    /// Returns the digest of what tells calls of a callback apart: outputs, inputs, states, what
    /// hooks have added, and also what caused the call if `with_trigger`.
    pub(crate) fn arguments(&self, with_trigger: bool) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let parts = ["outputs", "inputs", "state"].into_iter();
        for key in parts.chain(with_trigger.then_some("changedPropIds")) {
            let text = self.fields.get(key).map_or("", RawValue::get);
            hasher.update(text.as_bytes()).update(&[0]);
        }
        for (key, text) in self.extra() {
            hasher.update(key.as_bytes()).update(&[0]);
            hasher.update(text.as_bytes()).update(&[0]);
        }
        hasher.finalize()
    }

    /// Returns the property whose change has caused the call, if it is the only one.
    pub(crate) fn single_trigger(&self) -> Option<String> {
        let triggers: Vec<String> = self.fields.read("changedPropIds")?;
        let [trigger] = <[String; 1]>::try_from(triggers).ok()?;
        Some(trigger)
    }

    /// Returns the body for the app: `sent`, of which the call was read, unless it was changed.
    pub(crate) fn body(&self, sent: &Bytes) -> Bytes {
        if !self.is_changed {
            return sent.clone();
        }
        let body = serde_json::to_vec(&self.fields);
        body.expect("texts of JSON are JSON").into()
    }

    fn set(&mut self, key: &str, value: &impl Serialize) -> Option<()> {
        self.fields.set(key, to_raw_value(value).ok()?);
        self.is_changed = true;
        Some(())
    }

    /// Returns the key of the answer.
    ///
    /// `asker` is what the answer depends on beside the call.
    pub(crate) fn key(&self, name: &str, with_trigger: bool, asker: &Asker) -> Key {
        let text = |key| self.fields.get(key).map(RawValue::get);
        // In their order: the first one is `ctx.triggered_id`.
        let changed = if with_trigger {
            text("changedPropIds")
        } else {
            None
        };
        let material = Material {
            outputs: text("outputs"),
            inputs: text("inputs"),
            // Dash leaves the key out, or sends an empty list.
            state: text("state").filter(|state| *state != "[]"),
            changed,
            extra: self.extra(),
            asker,
        };
        Key::of(name, &material)
    }

    /// Returns what hooks of the app's page have added, in the order of the keys.
    fn extra(&self) -> Vec<(&str, &str)> {
        let fields = self.fields.0.iter();
        let mut extra: Vec<(&str, &str)> = fields
            .filter(|(key, _)| !USUAL.contains(&&**key))
            .map(|(key, value)| (&**key, value.get()))
            .collect();
        extra.sort_unstable();
        extra
    }

    /// Puts the real inputs, which the page sends after the states, in the place of carriers.
    fn put_inputs_back(&mut self, callback: &Callback) -> Option<()> {
        let mut inputs: Vec<Box<RawValue>> = self.fields.read("inputs")?;
        let mut state: Vec<Box<RawValue>> = self.fields.read("state").unwrap_or_default();
        // Other clients send the real inputs.
        let is_carried = state.len() == callback.states.len() + callback.carriers().count();
        if inputs.len() != callback.inputs.len() || !is_carried {
            return Some(());
        }
        let real = state.split_off(callback.states.len());
        for ((place, _), value) in callback.carriers().zip(real) {
            inputs[place] = value;
        }
        self.set("inputs", &inputs)?;
        if state.is_empty() {
            self.fields.remove("state");
        } else {
            self.set("state", &state)?;
        }
        self.rename_triggers("changedPropIds", callback)?;
        self.rename_triggers("parsedChangedPropsIds", callback)
    }

    /// Names the real inputs in a list of what caused the call.
    fn rename_triggers(&mut self, key: &str, callback: &Callback) -> Option<()> {
        let Some(triggers) = self.fields.read::<Vec<Box<RawValue>>>(key) else {
            return Some(());
        };
        let renamed = triggers.into_iter().map(|trigger| {
            let Ok(text) = serde_json::from_str::<String>(trigger.get()) else {
                return Some(trigger);
            };
            match real_name(&text, callback) {
                Some(name) => to_raw_value(&name).ok(),
                None => Some(trigger),
            }
        });
        let renamed: Vec<Box<RawValue>> = renamed.collect::<Option<_>>()?;
        self.set(key, &renamed)
    }
}

/// Returns the name of the input whose carrier is named.
pub(crate) fn real_name(trigger: &str, callback: &Callback) -> Option<String> {
    let mut carriers = callback.carriers();
    carriers.find_map(|(place, carrier)| {
        let id = trigger.strip_suffix(carrier)?.strip_suffix('.')?;
        let property = &callback.inputs[place].property;
        Some(format!("{id}.{property}"))
    })
}

/// What an answer depends on.
#[derive(Serialize)]
struct Material<'a> {
    outputs: Option<&'a str>,
    inputs: Option<&'a str>,
    state: Option<&'a str>,
    changed: Option<&'a str>,
    extra: Vec<(&'a str, &'a str)>,
    asker: &'a Asker,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hook_adds_to_a_call_is_part_of_its_arguments() {
        let arguments = |body: &str| {
            let call = Call::read(body.as_bytes()).expect("a call");
            call.arguments(false)
        };
        let plain = arguments(r#"{"output":"a.b","inputs":[]}"#);
        let german = arguments(r#"{"output":"a.b","inputs":[],"language":"de"}"#);
        let french = arguments(r#"{"output":"a.b","inputs":[],"language":"fr"}"#);
        assert!(plain != german && german != french);
        let reordered = arguments(r#"{"language":"de","inputs":[],"output":"a.b"}"#);
        assert_eq!(german, reordered);
    }
}
