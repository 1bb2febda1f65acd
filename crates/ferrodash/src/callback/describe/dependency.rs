//! Inputs, states and outputs: properties of components by their ids.
//!
//! Also the names that the renderer derives from them, see [`Names`]. What a callback does with its
//! dependencies is not known here.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

use ferrodash_components::{Id, Wildcard};
use ferrodash_wire::{Flush, Wait};
use sha2::{Digest, Sha256};

/// A property of the component with an id, or of the components whose ids match one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Property {
    pub(crate) id: Id,
    pub(crate) name: Cow<'static, str>,
}

impl Property {
    pub(crate) fn new(id: impl Into<Id>, name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
        }
    }

    /// Returns whether a call has a list of components for it: the id has `ALL` or `ALLSMALLER`.
    pub(crate) fn is_list(&self) -> bool {
        self.id
            .wildcards()
            .any(|(_, wildcard)| wildcard != Wildcard::Match)
    }

    /// Returns whether its id has wildcards.
    pub(crate) fn is_pattern(&self) -> bool {
        self.id.wildcards().next().is_some()
    }

    /// Returns the keys for which the id has `MATCH`.
    pub(crate) fn match_keys(&self) -> Vec<&str> {
        self.id
            .wildcards()
            .filter(|(_, wildcard)| *wildcard == Wildcard::Match)
            .map(|(key, _)| key)
            .collect()
    }

    /// Returns whether there can be a component that both stand for.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.name == other.name
            && (self.id.matches(&other.id) || other.id.matches(&self.id) || self.mixes(other))
    }

    /// Returns whether two patterns have a component in common although neither contains the other:
    /// each is narrower for some key.
    fn mixes(&self, other: &Self) -> bool {
        let (Id::Keys(a), Id::Keys(b)) = (&self.id, &other.id) else {
            return false;
        };
        let wild = |value| matches!(value, &ferrodash_components::IdValue::Wildcard(_));
        let pairs = a.iter().zip(b);
        a.len() == b.len()
            && pairs
                .clone()
                .all(|((k, v), (l, w))| k == l && (v == w || wild(v) || wild(w)))
    }
}

impl Display for Property {
    /// `id.property`, as on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.name)
    }
}

/// A property that a callback writes. Each property has one callback that writes it, unless the
/// others [allow duplicates](Self::allow_duplicate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub(crate) property: Property,
    /// True if other callbacks may write the property too.
    pub(crate) allow_duplicate: bool,
}

/// A property whose change triggers a callback, and whose value is an argument of its function.
///
/// A pair of an id and a property can be used instead: `("name", "value")`. As a
/// [`trigger`](crate::CallbackBuilder::trigger) it is no argument.
///
/// ```
/// use std::time::Duration;
/// use ferrodash::Input;
///
/// let wait = Duration::from_millis(300);
/// let search = Input::new("search", "value").debounce(wait).default_value("");
/// # let _ = search;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub(crate) property: Property,
    /// How long changes of the property are held back.
    pub(crate) wait: Wait,
    /// The value while the property is unset; `null` without one.
    pub(crate) default: Option<serde_json::Value>,
    /// True if the component may be missing from the page.
    pub(crate) optional: bool,
    /// False if it only triggers the callback: nobody reads its value.
    pub(crate) is_argument: bool,
}

/// A property whose value is an argument of a callback's function, and whose change does not
/// trigger it.
///
/// A pair of an id and a property can be used instead: `("name", "value")`.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(crate) property: Property,
    /// The value while the property is unset; `null` without one.
    pub(crate) default: Option<serde_json::Value>,
    /// True if the component may be missing from the page.
    pub(crate) optional: bool,
}

impl Output {
    /// Declares the property `property` of the component `id`.
    ///
    /// An id may have [`MATCH`](crate::MATCH) and [`ALL`](crate::ALL); with `ALL` the function
    /// returns a list, one value for each component.
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self {
            property: Property::new(id, property),
            allow_duplicate: false,
        }
    }

    /// Allows other callbacks to write the property too.
    ///
    /// Such a callback must say what happens when the page is loaded, as the order of several is
    /// not known: [`prevent_initial_call`](crate::CallbackBuilder::prevent_initial_call) or
    /// [`initial_duplicate`](crate::CallbackBuilder::initial_duplicate).
    #[must_use]
    pub fn allow_duplicate(mut self) -> Self {
        self.allow_duplicate = true;
        self
    }
}

impl Input {
    /// Declares the property `property` of the component `id`.
    ///
    /// An id may have [`MATCH`](crate::MATCH), [`ALL`](crate::ALL) and
    /// [`ALLSMALLER`](crate::ALLSMALLER); with one of the latter two the argument is a list.
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self {
            property: Property::new(id, property),
            wait: Wait::default(),
            default: None,
            optional: false,
            is_argument: true,
        }
    }

    /// Makes the callback wait until the property has not changed for this long; by default it does
    /// not wait.
    ///
    /// The wait ends early when the component loses the focus, when Enter is pressed in it, and
    /// when its form is submitted ([`flush`](Self::flush)). A call that another input triggers has
    /// the newest value and ends the wait too. While a word is composed with an input method,
    /// nothing passes. A property that has the value of the last call again triggers nothing. The
    /// first call after the page is loaded never waits. Changes that other callbacks make pass at
    /// once ([`hold_callbacks`](Self::hold_callbacks)).
    ///
    /// A wait of zero, and a debounce together with a [`throttle`](Self::throttle), are mistakes
    /// that [`App::build`](crate::App::build) reports.
    #[must_use]
    pub fn debounce(mut self, wait: Duration) -> Self {
        self.wait.debounce = Some(wait);
        self
    }

    /// Calls the callback at the first change, and then at most once in `time` for as long as the
    /// property changes. The last value always arrives. By default calls are not limited.
    ///
    /// Otherwise like [`debounce`](Self::debounce).
    #[must_use]
    pub fn throttle(mut self, time: Duration) -> Self {
        self.wait.throttle = Some(time);
        self
    }

    /// Limits how long a [debounced](Self::debounce) change is held back while the property goes on
    /// changing. By default there is no limit.
    #[must_use]
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.wait.longest = Some(time);
        self
    }

    /// Sets whether the first change after a quiet time passes at once. By default `true` for a
    /// throttle and `false` for a debounce. Changes that follow are held back as usual.
    #[must_use]
    pub fn leading(mut self, leading: bool) -> Self {
        self.wait.leading = Some(leading);
        self
    }

    /// Sets whether the last change passes at the end of the wait. By default `true`. With `false`,
    /// changes after the [leading](Self::leading) one are dropped until the property has been
    /// still.
    #[must_use]
    pub fn trailing(mut self, trailing: bool) -> Self {
        self.wait.trailing = Some(trailing);
        self
    }

    /// Sets what ends the wait before its time. By default [`Flush::Blur`], [`Flush::Enter`] and
    /// [`Flush::Submit`].
    #[must_use]
    pub fn flush(mut self, flush: impl IntoIterator<Item = Flush>) -> Self {
        self.wait.flush = Some(flush.into_iter().collect());
        self
    }

    /// Sets whether changes that other callbacks make are held back as those that a user makes are.
    /// By default they pass at once.
    #[must_use]
    pub fn hold_callbacks(mut self, hold: bool) -> Self {
        self.wait.holds_callbacks = hold;
        self
    }

    /// Sets the argument's value while the property is unset; by default it is `null`. A property
    /// that is set to `null` stays `null`.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Declares that the component may be missing from the page; the property then counts as unset.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

impl State {
    /// Declares the property `property` of the component `id`. An id may have wildcards, as that of
    /// an [`Input`].
    pub fn new(id: impl Into<Id>, property: impl Into<Cow<'static, str>>) -> Self {
        Self {
            property: Property::new(id, property),
            default: None,
            optional: false,
        }
    }

    /// Sets the argument's value while the property is unset; by default it is `null`. A property
    /// that is set to `null` stays `null`.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Declares that the component may be missing from the page; the property then counts as unset.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// A pair of an id and a property is an input without options.
impl<I: Into<Id>, P: Into<Cow<'static, str>>> From<(I, P)> for Input {
    fn from((id, property): (I, P)) -> Self {
        Self::new(id, property)
    }
}

/// A pair of an id and a property is a state without options.
impl<I: Into<Id>, P: Into<Cow<'static, str>>> From<(I, P)> for State {
    fn from((id, property): (I, P)) -> Self {
        Self::new(id, property)
    }
}

/// Returns the SHA-256 of a text in hex, by which Dash names callbacks without outputs and inline
/// functions.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The names of a callback and of each of its outputs for the renderer.
#[derive(Debug)]
pub(crate) struct Names {
    /// The name of the callback, which a call sends as `output`.
    pub(crate) callback: String,
    /// One for each output; that of the callback if it has none.
    pub(crate) outputs: Vec<String>,
}

impl Names {
    /// Makes the names, as Dash does.
    ///
    /// The name of a callback is `id.property`, `..a.b...c.d..` for several outputs, and for none a
    /// digest of the inputs. The property of an output that has other writers too is marked with
    /// that digest. Several callbacks can have equal inputs, and the renderer takes two outputs of
    /// one name for one, whatever callback they are of: a name that is taken gets a number.
    pub(crate) fn new(
        outputs: &[Output],
        inputs: &[Property],
        is_taken: impl Fn(&str) -> bool,
    ) -> Self {
        let digest = || {
            digest(
                &inputs
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("."),
            )
        };
        let free = |name: String| {
            let mut names = (2..).map(|count: u64| format!("{name}-{count}"));
            if is_taken(&name) {
                names
                    .find(|name| !is_taken(name))
                    .expect("there are more numbers than names")
            } else {
                name
            }
        };
        let one = |output: &Output| {
            if output.allow_duplicate {
                free(format!("{}@{}", output.property, digest()))
            } else {
                output.property.to_string()
            }
        };
        let outputs = if outputs.is_empty() {
            vec![free(digest())]
        } else {
            outputs.iter().map(one).collect()
        };
        let callback = match &outputs[..] {
            [one] => one.clone(),
            several => format!("..{}..", several.join("...")),
        };
        Self { callback, outputs }
    }
}

/// Returns the name of a callback when none of its outputs' names is taken.
pub(crate) fn callback_id(outputs: &[Output], inputs: &[Property]) -> String {
    Names::new(outputs, inputs, |_| false).callback
}

#[cfg(test)]
mod tests {
    use ferrodash_components::{ALL, MATCH, id};

    use super::*;

    #[test]
    fn callback_ids_are_those_of_dash() {
        assert_eq!(
            callback_id(&[Output::new("o1", "children")], &[]),
            "o1.children"
        );
        let two = [Output::new("o2", "children"), Output::new("o2", "style")];
        assert_eq!(callback_id(&two, &[]), "..o2.children...o2.style..");
        let mixed = [
            Output::new(id! { i: ALL, t: "z" }, "children"),
            Output::new("n1", "children"),
        ];
        assert_eq!(
            callback_id(&mixed, &[]),
            r#"..{"i":["ALL"],"t":"z"}.children...n1.children.."#
        );
        let input = |id: &'static str| [Property::new(id, "n_clicks")];
        assert_eq!(
            callback_id(&[], &input("bnone")),
            "83bf05eda7ee01375a930c7e5439b8f7f2f2bf1756fd86f372f077ae830ef2e7"
        );
        assert_eq!(
            callback_id(
                &[Output::new("odup", "children").allow_duplicate()],
                &input("bdup1")
            ),
            "odup.children@4e0c4a1f0e6534cf368247667991ede0c2a19ba3e26892f6d9759a7b1b335645"
        );
    }

    #[test]
    fn patterns_overlap_when_a_component_can_have_both() {
        let property = |id: Id| Property::new(id, "value");
        let row = |index| property(id! { type: "row", index: index });
        assert!(
            row(MATCH).overlaps(&row(ALL))
                && row(MATCH).overlaps(&row(3.into()))
                && row(3.into()).overlaps(&row(ALL))
        );
        assert!(
            !row(3.into()).overlaps(&row(4.into()))
                && !row(ALL).overlaps(&property(Id::from("row")))
        );
        assert!(property(id! { a: 1, b: MATCH }).overlaps(&property(id! { a: MATCH, b: 2 })));
        assert!(!property(id! { a: 1, b: MATCH }).overlaps(&property(id! { a: 2, b: MATCH })));
    }
}
