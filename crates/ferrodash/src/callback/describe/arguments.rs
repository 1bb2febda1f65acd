//! Arguments that are structs: several inputs and states under names.
//!
//! [`Args`] is what an app declares; it is flattened into the inputs and states of the callback,
//! which is all that the renderer knows. A [`Parameter`] for each argument says how to put the
//! values together again.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use crate::callback::{Input, State};

/// Inputs and states that a function takes as one argument: a struct with a field for each name.
///
/// The fields are read by their names, in any order; a name that is given twice is a mistake. An
/// unset property without a default is `null`, so its field is usually an `Option`.
///
/// ```
/// use ferrodash::{Args, Callback, Input, Output, State};
///
/// #[derive(serde::Deserialize)]
/// struct Filter {
///     carrier: Option<String>,
///     months: Months,
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Months {
///     from: u8,
///     to: u8,
/// }
///
/// let months = Args::new()
///     .input("from", Input::new("from", "value"))
///     .input("to", Input::new("to", "value"));
/// let callback = Callback::builder()
///     .output(Output::new("count", "children"))
///     .args(Args::new().state("carrier", State::new("carrier", "value")).args("months", months))
///     .handler(async |filter: Filter| {
///         format!("{:?} {} {}", filter.carrier, filter.months.from, filter.months.to)
///     });
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "arguments do nothing until a callback has them"]
pub struct Args {
    /// The fields, in the order of the calls. A name can be there twice until it is checked.
    pub(crate) fields: Vec<(Cow<'static, str>, Field)>,
}

/// The origin of a field of [`Args`].
#[derive(Debug, Clone)]
pub(crate) enum Field {
    Input(Input),
    State(State),
    Args(Args),
}

impl Args {
    /// Creates a struct without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field with the value of an input; a change of it triggers the callback.
    pub fn input(self, name: impl Into<Cow<'static, str>>, input: impl Into<Input>) -> Self {
        self.field(name, Field::Input(input.into()))
    }

    /// Adds a field with the value of a state; a change of it does not trigger the callback.
    pub fn state(self, name: impl Into<Cow<'static, str>>, state: impl Into<State>) -> Self {
        self.field(name, Field::State(state.into()))
    }

    /// Adds a field that is a struct itself.
    pub fn args(self, name: impl Into<Cow<'static, str>>, args: Self) -> Self {
        self.field(name, Field::Args(args))
    }

    fn field(mut self, name: impl Into<Cow<'static, str>>, field: Field) -> Self {
        self.fields.push((name.into(), field));
        self
    }

    /// Moves the inputs and states to those of a callback, and returns where each went.
    pub(crate) fn flatten(self, inputs: &mut Vec<Input>, states: &mut Vec<State>) -> Parameter {
        let fields = self.fields.into_iter().map(|(name, field)| {
            let parameter = match field {
                Field::Input(input) => {
                    inputs.push(input);
                    Parameter::Input(inputs.len() - 1)
                }
                Field::State(state) => {
                    states.push(state);
                    Parameter::State(states.len() - 1)
                }
                Field::Args(args) => args.flatten(inputs, states),
            };
            (name, parameter)
        });
        Parameter::Struct(fields.collect())
    }
}

/// The source of an argument of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// The value of the input with this index.
    Input(usize),
    /// The value of the state with this index.
    State(usize),
    /// An object of these.
    Struct(Vec<(Cow<'static, str>, Parameter)>),
}

impl Parameter {
    /// Returns the JSON text of the argument. `values` holds the texts of all inputs, then of all
    /// states.
    ///
    /// A single input or state shares its bytes with the request; a struct is written into a new
    /// text.
    pub(crate) fn value(&self, values: &[Bytes], inputs: usize) -> Bytes {
        match self {
            Self::Input(index) => values[*index].clone(),
            Self::State(index) => values[inputs + index].clone(),
            Self::Struct(_) => {
                let mut text = Vec::new();
                self.write(values, inputs, &mut text);
                text.into()
            }
        }
    }

    /// Returns a name that a struct, or one inside it, has twice.
    pub(crate) fn double_name(&self) -> Option<&str> {
        let Self::Struct(fields) = self else {
            return None;
        };
        let mut seen = HashSet::new();
        let double = fields
            .iter()
            .find(|(name, _)| !seen.insert(name))
            .map(|(name, _)| name.as_ref());
        double.or_else(|| fields.iter().find_map(|(_, field)| field.double_name()))
    }

    /// Appends the JSON text of the argument.
    fn write(&self, values: &[Bytes], inputs: usize, text: &mut Vec<u8>) {
        match self {
            Self::Input(index) => text.extend(&values[*index]),
            Self::State(index) => text.extend(&values[inputs + index]),
            Self::Struct(fields) => {
                text.push(b'{');
                for (index, (name, field)) in fields.iter().enumerate() {
                    if index > 0 {
                        text.push(b',');
                    }
                    text.extend(
                        serde_json::Value::from(name.as_ref())
                            .to_string()
                            .as_bytes(),
                    );
                    text.push(b':');
                    field.write(values, inputs, text);
                }
                text.push(b'}');
            }
        }
    }
}
