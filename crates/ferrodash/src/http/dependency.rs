//! Reads the inputs, states and outputs of a call against what its callback declares.
//!
//! The reader knows what comes next, so it stops at the first item that no page of this app sends:
//! too many items, a list in the place of an object, another component or property. Values are not
//! read at all; they stay slices of the request. So a request takes little more memory than its own
//! size, whatever it holds.

use std::borrow::Cow;
use std::fmt;

use ferrodash_components::Id;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::callback::{Ids, LONGEST_ID, Property};

/// The largest number of components that an id with `ALL` can stand for in a call.
pub(super) const MOST_COMPONENTS: usize = 20_000;

/// The part of a call for one dependency: a component's property, or those of a list of components.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// The property of one component.
    One(Sent<'a>),
    /// The property of each component that `ALL` or `ALLSMALLER` stands for, in the order of the
    /// page.
    Many(Vec<Sent<'a>>),
}

/// One component's property.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// The component, where the declared id has wildcards.
    id: Option<Id>,
    /// The property's value; `None` where it is unset.
    pub(super) value: Option<&'a RawValue>,
}

impl Item<'_> {
    /// Takes the components out. A declared id without wildcards stands for itself.
    pub(super) fn take_ids(&mut self, property: &Property) -> Ids {
        let id = |sent: &mut Sent<'_>| sent.id.take().unwrap_or_else(|| property.id.clone());
        match self {
            Self::One(sent) => Ids::One(id(sent)),
            Self::Many(list) => Ids::Many(list.iter_mut().map(id).collect()),
        }
    }

    /// Returns the properties: one, or those of the list.
    pub(super) fn many(&self) -> &[Sent<'_>] {
        match self {
            Self::One(sent) => std::slice::from_ref(sent),
            Self::Many(list) => list,
        }
    }
}

/// Reads a list with one item for each declared property, in their order. A list that was not sent
/// is empty.
///
/// # Errors
/// If something else was sent.
pub(super) fn read_all<'a, 'd>(
    text: Option<&'a RawValue>,
    declared: impl Iterator<Item = &'d Property>,
) -> serde_json::Result<Vec<Item<'a>>> {
    let mut reader = serde_json::Deserializer::from_str(text.map_or("[]", RawValue::get));
    reader.deserialize_any(AllVisitor(declared))
}

/// Reads the item of one declared property.
///
/// # Errors
/// If something else was sent.
pub(super) fn read_one<'a>(
    text: &'a RawValue,
    declared: &Property,
) -> serde_json::Result<Item<'a>> {
    ItemSeed(declared).deserialize(&mut serde_json::Deserializer::from_str(text.get()))
}

/// Reads a list with one item for each declared property.
struct AllVisitor<I>(I);

impl<'de, 'd, I: Iterator<Item = &'d Property>> Visitor<'de> for AllVisitor<I> {
    type Value = Vec<Item<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list with an item for each declared property")
    }

    // serde's own text would repeat what was sent, however long it is.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("it is a text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        for property in self.0 {
            let item = list.next_element_seed(ItemSeed(property))?;
            let missing = || A::Error::custom(format!("{property} is missing"));
            items.push(item.ok_or_else(missing)?);
        }
        match list.next_element::<IgnoredAny>()? {
            None => Ok(items),
            Some(_) => Err(A::Error::custom(format!(
                "only {} are declared",
                items.len()
            ))),
        }
    }
}

/// Reads what was sent for one declared property: an object, or a list of objects if its id stands
/// for many components.
struct ItemSeed<'d>(&'d Property);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = Item<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item<'de>, D::Error> {
        if self.0.is_list() {
            deserializer
                .deserialize_any(ListVisitor(self.0))
                .map(Item::Many)
        } else {
            SentSeed(self.0).deserialize(deserializer).map(Item::One)
        }
    }
}

/// Reads the list of components of a property whose id has `ALL` or `ALLSMALLER`.
struct ListVisitor<'d>(&'d Property);

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = Vec<Sent<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of the components of {}", self.0)
    }

    // serde's own text would repeat what was sent, however long it is.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("it is a text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut components = Vec::new();
        while let Some(sent) = list.next_element_seed(SentSeed(self.0))? {
            if components.len() == MOST_COMPONENTS {
                return Err(A::Error::custom(format!(
                    "{} has more than {MOST_COMPONENTS} components",
                    self.0
                )));
            }
            components.push(sent);
        }
        Ok(components)
    }
}

/// Reads one component's property, which must be one that the declared one stands for. Its value is
/// skipped over, not parsed.
struct SentSeed<'d>(&'d Property);

impl<'de> DeserializeSeed<'de> for SentSeed<'_> {
    type Value = Sent<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sent<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SentSeed<'_> {
    type Value = Sent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the id and the property of {}", self.0)
    }

    // serde's own text would repeat what was sent, however long it is.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("it is a text"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sent<'de>, A::Error> {
        let fields = Fields::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        let (fits, id) = fields.is(self.0);
        if fits {
            Ok(Sent {
                id,
                value: fields.value(),
            })
        } else {
            Err(A::Error::custom(format!("{} comes next", self.0)))
        }
    }
}

/// The fields of one component's property.
#[derive(Deserialize)]
struct Fields<'a> {
    /// A text or an object.
    #[serde(borrow)]
    id: &'a RawValue,
    /// The property, maybe with the mark of an output that has several writers.
    #[serde(borrow)]
    property: Cow<'a, str>,
    /// Absent where the property is unset, which is not the same as `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    /// The component of an optional dependency is missing, as the renderer then says with a value
    /// of `null`.
    #[serde(borrow, default)]
    allow_optional: Option<&'a RawValue>,
}

/// Reads a value that is there, `null` too, as `Some`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Fields<'a> {
    /// Returns the value, or `None` if the property is unset or its optional component is missing.
    fn value(&self) -> Option<&'a RawValue> {
        let is_optional = self
            .allow_optional
            .is_some_and(|optional| optional.get() == "true");
        self.value
            .filter(|value| !is_optional || value.get() != "null")
    }

    /// Returns whether this is a property that the declared one can stand for; and the id, if the
    /// declared one has wildcards.
    fn is(&self, declared: &Property) -> (bool, Option<Id>) {
        // A property with several writers is marked behind an `@`.
        let name = self.property.split('@').next().unwrap_or_default();
        let text = self.id.get();
        if name != declared.name || text.len() > LONGEST_ID {
            return (false, None);
        }
        if let Id::Text(known) = &declared.id {
            let same = serde_json::from_str::<Cow<'_, str>>(text).is_ok_and(|sent| sent == *known);
            return (same, None);
        }
        let sent = serde_json::from_str::<Id>(text)
            .ok()
            .filter(|id| declared.id.matches(id));
        (sent.is_some(), sent.filter(|_| declared.is_pattern()))
    }
}

/// Calls `take` with each text of a list, which is not kept. A list that was not sent is empty.
///
/// # Errors
/// If it is not a list of texts.
pub(super) fn each_text(text: Option<&RawValue>, take: impl FnMut(&str)) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(text.map_or("[]", RawValue::get));
    reader.deserialize_any(TextsVisitor(take))
}

/// Reads a list of texts.
struct TextsVisitor<F>(F);

impl<'de, F: FnMut(&str)> Visitor<'de> for TextsVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    // serde's own text would repeat what was sent, however long it is.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("it is a text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(TextSeed(&mut self.0))?.is_some() {}
        Ok(())
    }
}

/// Reads one text without copying it, unless it has escapes.
struct TextSeed<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for TextSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<F: FnMut(&str)> Visitor<'_> for TextSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }
}
