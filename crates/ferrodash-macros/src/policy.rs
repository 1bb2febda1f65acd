//! The options of a `Policy`, which both attributes take. They are parsed here and written as calls
//! of its builder.
//!
//! `#[memoize]` passes each key that is not its own to [`PolicyArgs::take`], and so does `cache(…)`
//! in `#[callback]`. The calls fit `Policy` as well as `CacheOptions`, whose methods have the same
//! names. Ranges of values are not checked here, except that a duration is longer than zero.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Result};

use crate::args::{DurationArg, once, texts, value};

/// The keys, for messages about unknown keys. Each attribute adds its own keys to this list.
/// [`PolicyArgs::take`] must know the same keys.
pub(crate) const KEYS: &str = "timeout, stale_while_revalidate, stale_if_error, jitter, \
                               early, soft_timeout, hard_timeout, slower_than, \
                               lease, tags";

/// The options that were given. Options that are not given are not written, so the defaults are
/// those of `Policy`.
#[derive(Default)]
pub(crate) struct PolicyArgs {
    /// The time for which a value is fresh. Both attributes require it, and check that after all
    /// keys were read.
    pub(crate) timeout: Option<DurationArg>,
    /// All tags, in their order: plain ones, and templates that name arguments.
    pub(crate) tags: Option<Vec<LitStr>>,
    /// The options with a duration. Their names are those of the builder's methods.
    durations: Vec<(Ident, DurationArg)>,
    /// The options with a number, as expressions that the compiler checks. Their names are those of
    /// the builder's methods.
    numbers: Vec<(Ident, Expr)>,
}

impl PolicyArgs {
    /// Takes a key and reads its value. Returns `false` if it is not one of a policy; nothing has
    /// been read then. A key that was given before, or a value of the wrong kind, is an error.
    pub(crate) fn take(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match key.to_string().as_str() {
            "timeout" => {
                once(&self.timeout, key)?;
                self.timeout = Some(value(input)?);
            }
            "stale_while_revalidate"
            | "stale_if_error"
            | "soft_timeout"
            | "hard_timeout"
            | "slower_than"
            | "lease" => {
                once(&self.durations.iter().find(|(name, _)| name == key), key)?;
                self.durations.push((key.clone(), value(input)?));
            }
            "jitter" | "early" => {
                once(&self.numbers.iter().find(|(name, _)| name == key), key)?;
                self.numbers.push((key.clone(), value(input)?));
            }
            "tags" => {
                once(&self.tags, key)?;
                self.tags = Some(texts(input)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Writes the calls of the builder, except for the timeout, which its constructor takes, and
    /// the tags that are templates. A template needs the arguments of a call, so it is added in
    /// each run.
    pub(crate) fn calls(&self) -> TokenStream {
        let durations = self
            .durations
            .iter()
            .map(|(name, time)| quote!(.#name(#time)));
        let numbers = self
            .numbers
            .iter()
            .map(|(name, number)| quote!(.#name(#number)));
        let tags = self.tags.iter().flatten().filter(|tag| !is_template(tag));
        quote!(#(#durations)* #(#numbers)* #(.tag(#tags))*)
    }

    /// Returns the tags that name an argument. `#[memoize]` formats them with the arguments of a
    /// call; in `#[callback]` they are an error.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &LitStr> {
        self.tags.iter().flatten().filter(|tag| is_template(tag))
    }
}

/// Returns `true` if a text has to be formatted, because it contains a brace. An escaped one, `{{`
/// or `}}`, has to be formatted too.
pub(crate) fn is_template(text: &LitStr) -> bool {
    text.value().contains(['{', '}'])
}
