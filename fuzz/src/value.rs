//! Values of all kinds that serde knows, and which of them are equal to a cache.

use arbitrary::Arbitrary;
use serde::ser::{
    Serialize, SerializeMap, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// An argument, in one of the forms that it can have.
#[derive(Debug, Clone, Arbitrary)]
#[expect(missing_docs, reason = "they are named as in serde's data model")]
pub enum Value {
    Unit,
    UnitStruct,
    None,
    Some(Box<Self>),
    Bool(bool),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Tuple(Vec<Self>),
    TupleStruct(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Struct(Vec<(Name, Self)>),
    Newtype(Box<Self>),
    UnitVariant(Name),
    NewtypeVariant(Name, Box<Self>),
    TupleVariant(Name, Vec<Self>),
    StructVariant(Name, Vec<(Name, Self)>),
}

/// The name of a field or a variant. They are few, so that some are the same.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Name {
    Empty,
    A,
    B,
    Ab,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::A => "a",
            Self::B => "b",
            Self::Ab => "ab",
        }
    }
}

/// What a value is to a cache: equal values have the same key.
///
/// Integers are equal whatever their width, floats if their bits are once they are widened (so 0.0
/// is not -0.0), with one NaN. Lists and tuples of all kinds are the same, as are maps in any order
/// and structs with the same text keys. Newtypes are what they hold.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are their own explanation")]
pub enum Meaning {
    Unit,
    None,
    Some(Box<Self>),
    Bool(bool),
    Natural(u128),
    Negative(i128),
    Float(u64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    /// Sorted.
    Map(Vec<(Self, Self)>),
    Variant(&'static str, Box<Self>),
}

impl Value {
    /// What this is to a cache.
    pub fn meaning(&self) -> Meaning {
        let list = |values: &[Self]| Meaning::List(values.iter().map(Self::meaning).collect());
        let variant = |name: Name, meaning| Meaning::Variant(name.text(), Box::new(meaning));
        if let Some(meaning) = self.integer() {
            return meaning;
        }
        match self {
            Self::Unit | Self::UnitStruct => Meaning::Unit,
            Self::None => Meaning::None,
            Self::Some(value) => Meaning::Some(Box::new(value.meaning())),
            Self::Bool(value) => Meaning::Bool(*value),
            Self::F32(value) => float((*value).into()),
            Self::F64(value) => float(*value),
            Self::Char(value) => Meaning::Char(*value),
            Self::Text(text) => Meaning::Text(text.clone()),
            Self::Bytes(bytes) => Meaning::Bytes(bytes.clone()),
            Self::List(values) | Self::Tuple(values) | Self::TupleStruct(values) => list(values),
            Self::Map(entries) => map(entries.iter().map(|(key, value)| (key.meaning(), value))),
            Self::Struct(fields) => map(named(fields)),
            Self::Newtype(value) => value.meaning(),
            Self::UnitVariant(name) => variant(*name, Meaning::Unit),
            Self::NewtypeVariant(name, value) => variant(*name, value.meaning()),
            Self::TupleVariant(name, values) => variant(*name, list(values)),
            Self::StructVariant(name, fields) => variant(*name, map(named(fields))),
            _ => unreachable!("integers were dealt with"),
        }
    }

    fn integer(&self) -> Option<Meaning> {
        let unsigned = match *self {
            Self::U8(value) => value.into(),
            Self::U16(value) => value.into(),
            Self::U32(value) => value.into(),
            Self::U64(value) => value.into(),
            Self::U128(value) => value,
            _ => {
                let signed = match *self {
                    Self::I8(value) => value.into(),
                    Self::I16(value) => value.into(),
                    Self::I32(value) => value.into(),
                    Self::I64(value) => value.into(),
                    Self::I128(value) => value,
                    _ => return None,
                };
                match u128::try_from(signed) {
                    Ok(value) => value,
                    Err(_) => return Some(Meaning::Negative(signed)),
                }
            }
        };
        Some(Meaning::Natural(unsigned))
    }

    /// The same in another form, as the choices say.
    pub fn respelled(&self, choices: &mut dyn Iterator<Item = u8>) -> Self {
        let choice = usize::from(choices.next().unwrap_or(0));
        match self {
            Self::Unit | Self::UnitStruct => pick(choice, vec![Self::UnitStruct, Self::Unit]),
            Self::Some(value) => Self::Some(Box::new(value.respelled(choices))),
            Self::F32(value) => pick(choice, vec![Self::F64((*value).into()), Self::F32(*value)]),
            Self::F64(value) => respelled_float(*value, choice),
            Self::List(values) | Self::Tuple(values) | Self::TupleStruct(values) => {
                let values = respelled_all(values, choices);
                pick(
                    choice,
                    vec![
                        Self::Tuple(values.clone()),
                        Self::TupleStruct(values.clone()),
                        Self::List(values),
                    ],
                )
            }
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.respelled(choices), value.respelled(choices)));
                Self::Map(shuffled(choice, entries))
            }
            Self::Struct(fields) => {
                let fields = shuffled(choice / 2, respelled_fields(fields, choices));
                let map = Self::Map(keyed(fields.clone()));
                pick(choice, vec![map, Self::Struct(fields)])
            }
            Self::Newtype(value) => value.respelled(choices),
            Self::UnitVariant(_)
            | Self::NewtypeVariant(..)
            | Self::TupleVariant(..)
            | Self::StructVariant(..) => self.respelled_variant(choice, choices),
            _ => match self.integer() {
                Some(meaning) => pick(choice, widths(&meaning)),
                None => Self::Newtype(self.clone().into()),
            },
        }
    }

    fn respelled_variant(&self, choice: usize, choices: &mut dyn Iterator<Item = u8>) -> Self {
        match self {
            Self::UnitVariant(name) => {
                let newtype = Self::NewtypeVariant(*name, Self::Unit.into());
                pick(choice, vec![newtype, self.clone()])
            }
            Self::NewtypeVariant(name, value) => match value.respelled(choices) {
                Self::Unit => Self::UnitVariant(*name),
                Self::Tuple(values) => Self::TupleVariant(*name, values),
                Self::Struct(fields) => Self::StructVariant(*name, fields),
                value => Self::NewtypeVariant(*name, value.into()),
            },
            Self::TupleVariant(name, values) => {
                let values = respelled_all(values, choices);
                Self::NewtypeVariant(*name, Self::List(values).into())
            }
            Self::StructVariant(name, fields) => {
                let fields = shuffled(choice, respelled_fields(fields, choices));
                Self::NewtypeVariant(*name, Self::Map(keyed(fields)).into())
            }
            _ => unreachable!("it is a variant"),
        }
    }

    /// The part of this at the end of a path, as far as there is one.
    pub fn place(&mut self, path: &[u8]) -> &mut Self {
        if let Some((first, rest)) = path.split_first()
            && !self.parts().is_empty()
        {
            let mut parts = self.parts();
            let index = usize::from(*first) % parts.len();
            return parts.swap_remove(index).place(rest);
        }
        self
    }

    fn parts(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Some(value) | Self::Newtype(value) | Self::NewtypeVariant(_, value) => {
                vec![value]
            }
            Self::List(values)
            | Self::Tuple(values)
            | Self::TupleStruct(values)
            | Self::TupleVariant(_, values) => values.iter_mut().collect(),
            Self::Map(entries) => entries
                .iter_mut()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            Self::Struct(fields) | Self::StructVariant(_, fields) => {
                fields.iter_mut().map(|(_, value)| value).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn float(value: f64) -> Meaning {
    Meaning::Float(if value.is_nan() { f64::NAN } else { value }.to_bits())
}

fn map<'a>(entries: impl Iterator<Item = (Meaning, &'a Value)>) -> Meaning {
    let mut entries: Vec<_> = entries.map(|(key, value)| (key, value.meaning())).collect();
    entries.sort_unstable();
    Meaning::Map(entries)
}

fn named(fields: &[(Name, Value)]) -> impl Iterator<Item = (Meaning, &Value)> {
    fields
        .iter()
        .map(|(name, value)| (Meaning::Text(name.text().to_owned()), value))
}

fn keyed(fields: Vec<(Name, Value)>) -> Vec<(Value, Value)> {
    fields
        .into_iter()
        .map(|(name, value)| (Value::Text(name.text().to_owned()), value))
        .collect()
}

fn shuffled<T>(choice: usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    let middle = choice.checked_rem(items.len()).unwrap_or(0);
    items.rotate_left(middle);
    items[middle..].reverse();
    items
}

/// One of several forms.
fn pick(choice: usize, forms: Vec<Value>) -> Value {
    forms
        .into_iter()
        .cycle()
        .nth(choice)
        .expect("there is a form")
}

fn respelled_all(values: &[Value], choices: &mut dyn Iterator<Item = u8>) -> Vec<Value> {
    values
        .iter()
        .map(|value| value.respelled(choices))
        .collect()
}

fn respelled_fields(
    fields: &[(Name, Value)],
    choices: &mut dyn Iterator<Item = u8>,
) -> impl Iterator<Item = (Name, Value)> {
    fields
        .iter()
        .map(|(name, value)| (*name, value.respelled(choices)))
}

fn respelled_float(value: f64, choice: usize) -> Value {
    if value.is_nan() {
        return pick(choice, vec![Value::F32(f32::NAN), Value::F64(-f64::NAN)]);
    }
    let narrow = value as f32;
    if f64::from(narrow).to_bits() == value.to_bits() {
        Value::F32(narrow)
    } else {
        Value::F64(value)
    }
}

/// All forms of an integer.
fn widths(meaning: &Meaning) -> Vec<Value> {
    fn form<T, U: TryFrom<T>>(value: T, form: fn(U) -> Value) -> Option<Value> {
        U::try_from(value).ok().map(form)
    }
    let forms = match *meaning {
        Meaning::Natural(value) => vec![
            form(value, Value::U8),
            form(value, Value::U16),
            form(value, Value::U32),
            form(value, Value::U64),
            form(value, Value::U128),
            form(value, Value::I8),
            form(value, Value::I16),
            form(value, Value::I32),
            form(value, Value::I64),
            form(value, Value::I128),
        ],
        Meaning::Negative(value) => vec![
            form(value, Value::I8),
            form(value, Value::I16),
            form(value, Value::I32),
            form(value, Value::I64),
            form(value, Value::I128),
        ],
        _ => unreachable!("it is an integer"),
    };
    forms.into_iter().flatten().collect()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::UnitStruct => serializer.serialize_unit_struct("UnitStruct"),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::U8(value) => serializer.serialize_u8(*value),
            Self::U16(value) => serializer.serialize_u16(*value),
            Self::U32(value) => serializer.serialize_u32(*value),
            Self::U64(value) => serializer.serialize_u64(*value),
            Self::U128(value) => serializer.serialize_u128(*value),
            Self::I8(value) => serializer.serialize_i8(*value),
            Self::I16(value) => serializer.serialize_i16(*value),
            Self::I32(value) => serializer.serialize_i32(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::I128(value) => serializer.serialize_i128(*value),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Newtype(value) => serializer.serialize_newtype_struct("Newtype", value),
            Self::UnitVariant(name) => serializer.serialize_unit_variant("Enum", 0, name.text()),
            Self::NewtypeVariant(name, value) => {
                serializer.serialize_newtype_variant("Enum", 1, name.text(), value)
            }
            several => several.serialize_several(serializer),
        }
    }
}

impl Value {
    /// Serializes what has several parts.
    fn serialize_several<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                values
                    .iter()
                    .try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
            Self::TupleStruct(values) => {
                let mut tuple = serializer.serialize_tuple_struct("TupleStruct", values.len())?;
                values
                    .iter()
                    .try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                entries
                    .iter()
                    .try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(fields) => {
                let mut structure = serializer.serialize_struct("Struct", fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| structure.serialize_field(name.text(), value))?;
                structure.end()
            }
            Self::TupleVariant(name, values) => {
                let mut tuple =
                    serializer.serialize_tuple_variant("Enum", 2, name.text(), values.len())?;
                values
                    .iter()
                    .try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::StructVariant(name, fields) => {
                let mut structure =
                    serializer.serialize_struct_variant("Enum", 3, name.text(), fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| structure.serialize_field(name.text(), value))?;
                structure.end()
            }
            Self::List(values) => serializer.collect_seq(values),
            one => unreachable!("{one:?} has one part at most"),
        }
    }
}
