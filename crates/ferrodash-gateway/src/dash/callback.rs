//! A callback of the app, with what may be done for it.

use std::time::Duration;

use ferrodash_cache::{CallOptions, Policy};
use ferrodash_wire::WaitTiming;

use crate::config::{Config, Declaration, Kept, Part};
use crate::packed;

/// A callback of the app.
#[derive(Debug)]
pub(crate) struct Callback {
    /// Its name: the outputs as one text.
    pub(crate) output: String,
    /// The name in addresses.
    pub(crate) token: String,
    /// The inputs as the app declares them.
    pub(crate) inputs: Vec<Input>,
    /// The states as the app declares them.
    pub(crate) states: Vec<Property>,
    /// How its answers are kept, if they are.
    pub(crate) kept: Option<KeptAnswers>,
    /// The tags that are invalidated when it has succeeded.
    pub(crate) invalidates: Vec<String>,
    /// Whether it may be called together with others; `None` to find out.
    pub(crate) batch: Option<bool>,
    /// Where something is declared for it.
    pub(crate) source: Source,
    /// Whether something can be declared for it.
    pub(crate) is_usual: bool,
}

/// Where something is declared for a callback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nowhere.
    #[default]
    Nowhere,
    /// In the code of the app. What the file declares would take its place.
    Decorators,
    /// In the file.
    File,
}

/// A property of a component, as the list of callbacks names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    /// The id; JSON for a dictionary.
    pub(crate) id: String,
    pub(crate) property: String,
    /// Whether the component may be missing.
    pub(crate) is_optional: bool,
}

impl Property {
    /// Returns the name, `id.property`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.id, self.property)
    }

    pub(crate) fn has_wildcard(&self) -> bool {
        self.id.starts_with('{')
    }
}

/// An input, which may wait.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) declared: Property,
    pub(crate) property: String,
    /// The wait of the input, with the name of the property that carries it.
    pub(crate) wait: Option<(WaitTiming, String)>,
}

impl Input {
    /// Returns whether a call can name it so as its cause.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        if self.declared.has_wildcard() {
            let id = name.strip_suffix(&self.property);
            id.is_some_and(|id| id.ends_with("}."))
        } else {
            name == self.declared.name()
        }
    }
}

/// How the answers of a callback are kept.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    /// What the key of an answer begins with.
    pub(crate) name: String,
    pub(crate) policy: Policy,
    pub(crate) options: CallOptions,
    /// How long browsers keep answers.
    pub(crate) client: Option<Duration>,
    pub(crate) negative: Option<Duration>,
    pub(crate) is_shared: bool,
    pub(crate) vary: Vec<Part>,
    pub(crate) identity: Option<Vec<Part>>,
    /// Whether the key has what caused the call.
    pub(crate) with_trigger: bool,
}

impl Callback {
    /// Returns whether any of its inputs waits.
    pub(crate) fn waits(&self) -> bool {
        self.inputs.iter().any(|input| input.wait.is_some())
    }

    /// Returns the place and the carrier of each input that waits.
    pub(crate) fn carriers(&self) -> impl Iterator<Item = (usize, &str)> {
        let inputs = self.inputs.iter().enumerate();
        inputs.filter_map(|(place, input)| Some((place, input.wait.as_ref()?.1.as_str())))
    }

    /// Returns whether an id has wildcards.
    pub(crate) fn has_wildcards(&self) -> bool {
        let inputs = self.inputs.iter().map(|input| &input.declared);
        self.output.contains('{') || inputs.chain(&self.states).any(Property::has_wildcard)
    }

    /// Returns whether different inputs can have caused a call.
    pub(crate) fn has_choice(&self) -> bool {
        has_choice(&self.inputs)
    }

    /// Returns whether calls of it are more than passed on.
    pub(crate) fn is_declared(&self) -> bool {
        self.kept.is_some() || self.waits() || !self.invalidates.is_empty()
    }
}

impl KeptAnswers {
    /// Joins what is declared for a callback with the defaults of the gateway.
    pub(crate) fn new(
        declaration: &Declaration,
        kept: &Kept,
        config: &Config,
        build: &str,
        inputs: &[Input],
    ) -> Self {
        let mut policy = Policy::new(kept.timeout)
            .stale_while_revalidate(kept.stale_while_revalidate)
            .stale_if_error(kept.stale_if_error)
            // The time-out of the app's answer comes first.
            .hard_timeout(config.timeout + Duration::from_secs(90));
        for tag in &kept.tags {
            policy = policy.tag(tag);
        }
        let options = CallOptions::new()
            .name(declaration.output.clone())
            .readable(|entry| entry.parts().negative || packed::unpack(entry.bytes()).is_some());
        Self {
            name: format!("gateway {build} {}", declaration.output),
            policy,
            options,
            client: kept.client,
            negative: kept.negative,
            is_shared: kept.is_shared,
            vary: kept.vary.clone(),
            identity: kept.identity.clone().or_else(|| config.identity.clone()),
            with_trigger: kept.trigger.unwrap_or_else(|| has_choice(inputs)),
        }
    }
}

fn has_choice(inputs: &[Input]) -> bool {
    inputs.len() > 1 || inputs.iter().any(|input| input.declared.has_wildcard())
}
