//! Answers: which item belongs to which id.

use std::collections::HashMap;
use std::fmt::Display;

use serde_json::{Map, Value};

use super::address::Address;
use super::error::HttpError;

/// The longest part of an answer that an error quotes, in characters.
const LONGEST_DETAIL: usize = 300;

/// The form of an answer.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) items: Items,
    /// The place of the items in the answer, as a JSON pointer.
    pub(super) place: String,
    /// The field of an item that has its status.
    pub(super) status: Option<String>,
    /// The field of an item that has its value.
    pub(super) value: Option<String>,
}

/// How items are put together.
#[derive(Debug, Clone)]
pub(super) enum Items {
    /// In a list, each with its id in this field.
    Listed { key: String },
    /// In an object whose fields are ids.
    Mapped,
    /// In a list in the order of the ids.
    InOrder,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            items: Items::Listed { key: "id".into() },
            place: String::new(),
            status: None,
            value: None,
        }
    }
}

/// What an answer has for the ids of a request.
#[derive(Default)]
pub(super) struct Found {
    /// Items, by the places of their ids in the request.
    pub(super) items: HashMap<usize, Result<Value, HttpError>>,
    /// An item without an id. It can be that of any id that has none.
    pub(super) unnamed: Option<Value>,
}

impl Shape {
    /// Finds the items of some ids in an answer.
    pub(super) fn read(
        &self,
        url: &Address,
        ids: &[&str],
        mut answer: Value,
    ) -> Result<Found, HttpError> {
        let items = answer.pointer_mut(&self.place).map(Value::take);
        let wanted = Wanted::new(ids);
        let mut found = Found::default();
        match (&self.items, items) {
            // There are no items at all.
            (_, Some(Value::Null)) if !self.place.is_empty() => {}
            (Items::Listed { key }, Some(Value::Array(items))) => {
                for item in items.into_iter().filter(|item| !item.is_null()) {
                    match item.get(key).and_then(|id| wanted.place_of(id)) {
                        Some(Ok(place)) => self.add(url, ids, &mut found, place, item),
                        Some(Err(NotWanted)) => {}
                        None => drop(found.unnamed.get_or_insert(item)),
                    }
                }
            }
            (Items::Mapped, Some(Value::Object(items))) => {
                let items = items.into_iter().filter(|(_, item)| !item.is_null());
                let is_exact = |(id, _): &(String, Value)| wanted.by_text.contains_key(id.as_str());
                let (exact, others): (Vec<_>, Vec<_>) = items.partition(is_exact);
                // Those that are written as the id is come first.
                for (id, item) in exact.into_iter().chain(others) {
                    if let Some(place) = wanted.place_of_text(&id) {
                        self.add(url, ids, &mut found, place, item);
                    }
                }
            }
            (Items::InOrder, Some(Value::Array(items))) => {
                if items.len() != ids.len() {
                    let detail = format!("found {} items for {} ids", items.len(), ids.len());
                    return Err(self.error(url, detail));
                }
                for (place, item) in items.into_iter().enumerate() {
                    if !item.is_null() {
                        self.add(url, ids, &mut found, place, item);
                    }
                }
            }
            (_, items) => return Err(self.no_items(url, items.as_ref(), &answer)),
        }
        Ok(found)
    }

    /// Adds an item, unless its status says that there is none. The first of several is taken.
    fn add(&self, url: &Address, ids: &[&str], found: &mut Found, place: usize, mut item: Value) {
        let status = self.status.as_ref().and_then(|field| item.get(field));
        let result = match status.map_or(Some(200), status_of) {
            Some(404 | 410) => return,
            Some(200..300) => Ok(match &self.value {
                Some(field) => item.get_mut(field).map(Value::take).unwrap_or_default(),
                None => item,
            }),
            Some(status) => Err(HttpError::ItemStatus {
                url: url.to_string(),
                id: ids[place].to_owned(),
                status,
            }),
            None => Err(self.error(url, format!("found a status that is no number: {item}"))),
        };
        let is_nothing = self.value.is_some() && matches!(result, Ok(Value::Null));
        if !is_nothing {
            found.items.entry(place).or_insert(result);
        }
    }

    /// Makes the error for an answer without items in their place. It quotes the names of fields,
    /// and values only where the items should be.
    fn no_items(&self, url: &Address, found: Option<&Value>, answer: &Value) -> HttpError {
        let names = |fields: &Map<String, Value>| {
            format!("an object with {:?}", fields.keys().collect::<Vec<_>>())
        };
        let describe = |value: &Value| match value {
            Value::Object(fields) => names(fields),
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string(),
        };
        let place = self.place.get(1..).unwrap_or_default();
        let detail = match found {
            Some(found) if place.is_empty() => format!(
                "found {}; name the field of the items with HttpBatch::inside",
                describe(found)
            ),
            Some(found) => format!("found {} in {place:?}", describe(found)),
            None => format!("there is no {place:?}; found {}", describe(answer)),
        };
        self.error(url, detail)
    }

    /// Makes the error for an answer of another form.
    pub(super) fn error(&self, url: &Address, detail: impl Display) -> HttpError {
        // The detail may quote all of an answer, so it is cut off.
        let mut detail = detail.to_string();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        let expected = match &self.items {
            Items::Listed { key } => format!("a list of items with {key:?}"),
            Items::Mapped => "an object with an item for each id".to_owned(),
            Items::InOrder => "a list with an item for each id".to_owned(),
        };
        HttpError::Shape {
            url: url.to_string(),
            expected,
            detail,
        }
    }
}

/// The ids of a request, by which items are found.
struct Wanted<'a> {
    by_text: HashMap<&'a str, usize>,
    /// The ids that are numbers, by a text that all ways to write a number share. An id that has
    /// the same number as another one is not among them.
    by_number: HashMap<String, usize>,
}

/// An item was not asked for. That is no error: some APIs send more.
struct NotWanted;

impl<'a> Wanted<'a> {
    fn new(ids: &[&'a str]) -> Self {
        let places = || ids.iter().enumerate();
        let by_text = places().map(|(place, id)| (*id, place)).collect();
        let mut by_number = HashMap::new();
        let mut twice = Vec::new();
        for (place, id) in places() {
            if let Some(number) = canonical(id)
                && by_number.insert(number.clone(), place).is_some()
            {
                twice.push(number);
            }
        }
        for number in twice {
            by_number.remove(&number);
        }
        Self { by_text, by_number }
    }

    /// Returns the place of an id in the request; `None` if this value cannot be an id.
    fn place_of(&self, id: &Value) -> Option<Result<usize, NotWanted>> {
        let place = match id {
            Value::String(id) => self.by_text.get(id.as_str()).copied(),
            Value::Number(id) => self.place_of_text(&id.to_string()),
            _ => return None,
        };
        Some(place.ok_or(NotWanted))
    }

    /// Returns the place of an id that may be written in another way, such as `1.0` for `1`.
    fn place_of_text(&self, id: &str) -> Option<usize> {
        let exact = self.by_text.get(id);
        let place = exact.or_else(|| self.by_number.get(&canonical(id)?));
        place.copied()
    }
}

/// Reads the status of an item: a number, or a text of digits. No status is a success.
fn status_of(status: &Value) -> Option<u16> {
    let number = match status {
        Value::Null => return Some(200),
        Value::Number(number) => canonical(&number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    number?.parse().ok()
}

/// Returns the text of a number that does not depend on how it is written; `None` for other texts,
/// and for numbers that lose digits when they are read: such ids are equal only if their texts are.
pub(super) fn canonical(id: &str) -> Option<String> {
    /// From here on, not every whole number is a 64-bit float.
    const INEXACT: f64 = 9_007_199_254_740_992.0;
    let number: serde_json::Number = serde_json::from_str(id).ok()?;
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let number = number.as_f64().filter(|number| number.abs() < INEXACT)?;
    if number.fract() == 0.0 {
        Some(format!("{number:.0}"))
    } else {
        Some(number.to_string())
    }
}
