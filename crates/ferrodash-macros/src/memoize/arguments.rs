//! The arguments of `#[memoize]`, and the parameters of its function.
//!
//! This file checks each key for itself. Checks against the function, such as whether an ignored
//! argument exists, are in the module above, because an attribute is parsed before its function.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Result};

use crate::args::{DurationArg, keys, once, value};
use crate::policy::{self, PolicyArgs};

/// The arguments of the attribute. After parsing, the policy has a timeout, and at most one of
/// `negative_timeout` and `negative` is given.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The options of the policy, with which the values are stored.
    pub(super) policy: PolicyArgs,
    /// An expression of the arguments that is the key, instead of all arguments.
    pub(super) key: Option<Expr>,
    /// The arguments that are not part of the key. [`super::key`] checks that they exist.
    pub(super) ignore: Option<Vec<Ident>>,
    /// The time for which every error is stored.
    pub(super) negative_timeout: Option<DurationArg>,
    /// A function that decides for each error how long it is stored, if at all.
    pub(super) negative: Option<Expr>,
    /// Set if the function is not async, and is to run on a thread for blocking work.
    pub(super) blocking: Option<()>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        let known = format!(
            "{}, key, ignore, negative_timeout, negative and blocking",
            policy::KEYS
        );
        keys(input, &known, |key, input| arguments.take(key, input))?;
        if arguments.policy.timeout.is_none() {
            return Err(Error::new(
                input.span(),
                "memoize needs a timeout: #[memoize(timeout = \"5m\")]",
            ));
        }
        if let (Some(_), Some(negative)) = (&arguments.negative_timeout, &arguments.negative) {
            return Err(Error::new(
                negative.span(),
                "give negative_timeout for all errors, or negative for some",
            ));
        }
        Ok(arguments)
    }
}

impl Arguments {
    /// Takes a key and reads its value. Keys that are not those of `#[memoize]` itself go to the
    /// policy. Returns `false` if that does not know the key either.
    fn take(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match key.to_string().as_str() {
            "key" => {
                once(&self.key, key)?;
                self.key = Some(value(input)?);
            }
            "ignore" => {
                once(&self.ignore, key)?;
                self.ignore = Some(names(value(input)?)?);
            }
            "negative_timeout" => {
                once(&self.negative_timeout, key)?;
                self.negative_timeout = Some(value(input)?);
            }
            "negative" => {
                once(&self.negative, key)?;
                self.negative = Some(value(input)?);
            }
            "blocking" => {
                once(&self.blocking, key)?;
                self.blocking = Some(());
            }
            _ => return self.policy.take(key, input),
        }
        Ok(true)
    }
}

/// Reads `name` or `[name, name]`. Paths with several segments and other expressions are errors,
/// because an argument is a plain name.
fn names(list: Expr) -> Result<Vec<Ident>> {
    let name = |expr: &Expr| match expr {
        Expr::Path(path) => path.path.require_ident().cloned(),
        other => Err(Error::new(
            other.span(),
            "expected names of arguments, such as [connection]",
        )),
    };
    match list {
        Expr::Array(list) => list.elems.iter().map(name).collect(),
        single => Ok(vec![name(&single)?]),
    }
}

/// A parameter of the function. The receiver `&self` is not one; the code for it is written
/// separately.
pub(super) struct Parameter {
    /// The name in the function's signature. In the generated code it is at first the argument, and
    /// then the owned copy of it.
    pub(super) name: Ident,
    /// Two expressions for a parameter that borrows: one makes an owned copy, the other borrows
    /// from the copy. The task that computes may outlive the caller.
    pub(super) borrowed: Option<(TokenStream, TokenStream)>,
}
