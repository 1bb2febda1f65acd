//! `Patch`: changes of the value that an output has in the page.
//!
//! A patch never knows the value. It is a list of operations in Dash's form, which the renderer
//! applies.

use std::ops::{AddAssign, DivAssign, Index, IndexMut, MulAssign, SubAssign};
use std::sync::{Arc, LazyLock, Mutex};

use ferrodash_components::{Children, IntoProp, Prop};
use ferrodash_serve::sync::lock;
use serde::ser::{Error as _, SerializeStruct};
use serde::{Serialize, Serializer};

/// Changes of a property's present value, made in the page: only the changes are sent, not the
/// value.
///
/// Places are written as in the value itself. An index from the end is negative.
///
/// ```
/// use ferrodash::prelude::*;
///
/// #[callback(output("figure", "figure"), input("more", "n_clicks"), prevent_initial_call)]
/// async fn more(_clicks: u32) -> Patch {
///     let mut figure = Patch::new();
///     figure["layout"]["title"]["text"].set("More");
///     figure["data"][0]["x"].extend([5, 6]);
///     figure["data"][0]["marker"].merge(serde_json::json!({"size": 12}));
///     figure["data"][-1].remove();
///     figure["layout"]["width"] += 100;
///     figure
/// }
/// ```
///
/// The changes are applied in their order. A place that does not exist is created where a value is
/// set, and is an error in the page elsewhere. An answer with a patch is never cached, as it
/// depends on what the page shows.
#[derive(Debug)]
pub struct Patch(PatchValue);

/// A place in a [`Patch`], reached by indexing. All places of a patch add to one list of changes.
///
/// | method | the place must be |
/// |---|---|
/// | [`set`](Self::set) | anything, or nothing yet |
/// | [`remove`](Self::remove) | a key of an object or an item of an array |
/// | [`clear`](Self::clear) | an object, an array or a text |
/// | [`merge`](Self::merge) | an object |
/// | `append`, `prepend`, `insert`, `extend` | an array |
/// | [`remove_value`](Self::remove_value), [`reverse`](Self::reverse) | an array |
/// | `+=`, `-=`, `*=`, `/=` | a number; `+=` also a text, or an array with a list on the right |
///
/// The value is in the page, so a place of another type is an error there and not here.
#[derive(Debug)]
pub struct PatchValue {
    /// The keys and indices from the property to this place.
    location: Vec<PatchKey>,
    /// The changes of the whole patch, in their order. All places of a patch share this list.
    operations: Arc<Mutex<Vec<Operation>>>,
    /// The places below this one that were indexed. `IndexMut` must return a reference, so they are
    /// kept.
    inner: Vec<PatchValue>,
}

/// A step to a place in a [`Patch`]: a key of an object, or an index of an array, which counts from
/// the end if negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum PatchKey {
    /// A key of an object.
    Key(String),
    /// An index of an array.
    Index(i64),
}

/// One change, as the renderer takes it.
#[derive(Debug)]
struct Operation {
    /// The name of the operation in Dash's form.
    name: &'static str,
    location: Vec<PatchKey>,
    /// Its operand, if it has one.
    value: Option<Prop>,
    /// The index of an insertion.
    index: Option<i64>,
}

impl Patch {
    /// Creates a patch without changes.
    pub fn new() -> Self {
        Self(PatchValue {
            location: Vec::new(),
            operations: Arc::default(),
            inner: Vec::new(),
        })
    }

    /// Returns the patch as a value for the wire. A value that is not JSON is reported when the
    /// answer is written.
    pub(crate) fn into_prop_value(self) -> Prop {
        match serde_json::value::to_raw_value(&self) {
            Ok(text) => Prop::Raw(text),
            Err(error) => Prop::Invalid(error.to_string()),
        }
    }
}

impl Default for Patch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::ops::Deref for Patch {
    type Target = PatchValue;

    fn deref(&self) -> &PatchValue {
        &self.0
    }
}

impl std::ops::DerefMut for Patch {
    fn deref_mut(&mut self) -> &mut PatchValue {
        &mut self.0
    }
}

impl PatchValue {
    /// Adds a change at this place.
    fn push(&self, name: &'static str, value: Option<Prop>, index: Option<i64>) {
        let operation = Operation {
            name,
            location: self.location.clone(),
            value,
            index,
        };
        lock(&self.operations).push(operation);
    }

    /// Adds the change of an operator. Adding a list extends the array, as in Dash.
    fn change(&self, name: &'static str, value: Prop) {
        let is_list = match &value {
            Prop::List(_)
            | Prop::Children(Children::Many(_))
            | Prop::Json(serde_json::Value::Array(_)) => true,
            Prop::Raw(json) => json.get().starts_with('['),
            _ => false,
        };
        let operation = if is_list && name == "Add" {
            "Extend"
        } else {
            name
        };
        self.push(operation, Some(value), None);
    }

    /// Sets the value, whether or not there is one.
    pub fn set(&mut self, value: impl IntoProp) {
        self.push("Assign", Some(value.into_prop()), None);
    }

    /// Removes the key from its object, or the item from its array.
    pub fn remove(&mut self) {
        self.push("Delete", None, None);
    }

    /// Empties the object, the array or the text.
    pub fn clear(&mut self) {
        self.push("Clear", None, None);
    }

    /// Reverses the array.
    pub fn reverse(&mut self) {
        self.push("Reverse", None, None);
    }

    /// Adds an item to the end of the array.
    pub fn append(&mut self, item: impl IntoProp) {
        self.push("Append", Some(item.into_prop()), None);
    }

    /// Adds an item to the beginning of the array.
    pub fn prepend(&mut self, item: impl IntoProp) {
        self.push("Prepend", Some(item.into_prop()), None);
    }

    /// Adds an item before the one with this index.
    pub fn insert(&mut self, index: i64, item: impl IntoProp) {
        self.push("Insert", Some(item.into_prop()), Some(index));
    }

    /// Adds items to the end of the array.
    pub fn extend(&mut self, items: impl IntoIterator<Item: IntoProp>) {
        let items = items.into_iter().map(IntoProp::into_prop).collect();
        self.push("Extend", Some(Prop::List(items)), None);
    }

    /// Removes all items from the array that are equal to this one.
    pub fn remove_value(&mut self, item: impl IntoProp) {
        self.push("Remove", Some(item.into_prop()), None);
    }

    /// Sets the keys of the object that `value`, an object too, has; others stay. A value that
    /// cannot be written as JSON makes the call fail.
    pub fn merge(&mut self, value: impl Serialize) {
        self.push(
            "Merge",
            Some(ferrodash_components::value::json(value)),
            None,
        );
    }
}

/// Reading a place of a patch returns an empty one.
impl<K: Into<PatchKey>> Index<K> for PatchValue {
    type Output = PatchValue;

    /// Returns a place that says nothing: a patch does not know the value, so there is nothing to
    /// read. It exists because [`IndexMut`] needs it.
    fn index(&self, _: K) -> &PatchValue {
        static NOTHING: LazyLock<Patch> = LazyLock::new(Patch::new);
        &NOTHING.0
    }
}

/// Indexing a patch leads to the place of a key or an index below it.
impl<K: Into<PatchKey>> IndexMut<K> for PatchValue {
    /// Returns the place of a key or an index below this one, and creates it if it is new.
    fn index_mut(&mut self, key: K) -> &mut PatchValue {
        let mut location = self.location.clone();
        location.push(key.into());
        // Indexing the same place twice must return the same value, so places are looked up before
        // they are made.
        let position = self
            .inner
            .iter()
            .position(|inner| inner.location == location)
            .unwrap_or_else(|| {
                self.inner.push(Self {
                    location,
                    operations: self.operations.clone(),
                    inner: Vec::new(),
                });
                self.inner.len() - 1
            });
        &mut self.inner[position]
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $name:literal $what:literal;)*) => {$(
        impl<T: IntoProp> $trait<T> for PatchValue {
            #[doc = $what]
            fn $method(&mut self, value: T) {
                self.change($name, value.into_prop());
            }
        }

        impl<T: IntoProp> $trait<T> for Patch {
            #[doc = $what]
            fn $method(&mut self, value: T) {
                self.0.change($name, value.into_prop());
            }
        }
    )*};
}
operators! {
    AddAssign add_assign "Add" "Adds to the number, to the end of the text, or a list to the end of the array.";
    SubAssign sub_assign "Sub" "Subtracts from the number.";
    MulAssign mul_assign "Mul" "Multiplies the number.";
    DivAssign div_assign "Div" "Divides the number.";
}

/// Writes the patch in Dash's form, an object with a mark and the list of operations.
impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const MARK: &str = "__dash_patch_update";
        let operations = self
            .0
            .operations
            .lock()
            .map_err(|_| S::Error::custom("a patch was left half made"))?;
        let mut patch = serializer.serialize_struct("Patch", 2)?;
        patch.serialize_field(MARK, MARK)?;
        patch.serialize_field("operations", &*operations)?;
        patch.end()
    }
}

/// Writes an operation with its name, its place and its operands, in the form of Dash's `Patch`.
impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parameters<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<&'a Prop>,
            #[serde(skip_serializing_if = "Option::is_none")]
            index: Option<i64>,
        }
        let mut operation = serializer.serialize_struct("Operation", 3)?;
        operation.serialize_field("operation", self.name)?;
        operation.serialize_field("location", &self.location)?;
        operation.serialize_field(
            "params",
            &Parameters {
                value: self.value.as_ref(),
                index: self.index,
            },
        )?;
        operation.end()
    }
}

impl From<&str> for PatchKey {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for PatchKey {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

macro_rules! index {
    ($($type:ty),*) => {$(
        impl From<$type> for PatchKey {
            fn from(index: $type) -> Self {
                Self::Index(i64::from(index))
            }
        }
    )*};
}
index!(i32, i64, u32);

impl From<usize> for PatchKey {
    fn from(index: usize) -> Self {
        Self::Index(i64::try_from(index).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn operations_are_those_of_dash_in_their_order() {
        let mut patch = Patch::new();
        patch["a"]["b"].append(4);
        patch["a"]["b"].insert(1, 9);
        patch["a"]["b"][-1].set("neg");
        patch["n"] += 1;
        patch["n"] /= 4;
        patch["a"]["k"].remove();
        patch["l"] += [7];
        patch["a"].merge(json!({"q": 2}));
        let operation = |name, location: Value, params: Value| json!({"operation": name, "location": location, "params": params});
        let expected = json!({"__dash_patch_update": "__dash_patch_update", "operations": [
            operation("Append", json!(["a", "b"]), json!({"value": 4})),
            operation("Insert", json!(["a", "b"]), json!({"value": 9, "index": 1})),
            operation("Assign", json!(["a", "b", -1]), json!({"value": "neg"})),
            operation("Add", json!(["n"]), json!({"value": 1})),
            operation("Div", json!(["n"]), json!({"value": 4})),
            operation("Delete", json!(["a", "k"]), json!({})),
            operation("Extend", json!(["l"]), json!({"value": [7]})),
            operation("Merge", json!(["a"]), json!({"value": {"q": 2}})),
        ]});
        assert_eq!(serde_json::to_value(&patch).expect("JSON"), expected);
    }

    #[test]
    fn adding_a_list_extends_in_whatever_form_the_list_comes() {
        let html = |text: &str| ferrodash_components::html::P::new(text.to_owned());
        let mut patch = Patch::new();
        patch += [1];
        patch += json!([1]);
        patch += ferrodash_components::Json([1]);
        patch += Children::from_iter([html("a"), html("b")]);
        patch += ferrodash_components::Json("not a list");
        let written = serde_json::to_value(&patch).expect("JSON");
        let operations: Vec<&Value> = written["operations"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|operation| &operation["operation"])
            .collect();
        assert_eq!(operations, ["Extend", "Extend", "Extend", "Extend", "Add"]);
    }
}
