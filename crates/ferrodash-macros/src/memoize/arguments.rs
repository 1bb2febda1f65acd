//! The arguments of `#[memoize]`, and the parameters of its function.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Result};

use crate::args::{DurationArg, keys, once, value};
use crate::policy::{self, PolicyArgs};

/// The arguments of the attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(super) policy: PolicyArgs,
    pub(super) key: Option<Expr>,
    pub(super) ignore: Option<Vec<Ident>>,
    pub(super) negative_timeout: Option<DurationArg>,
    pub(super) negative: Option<Expr>,
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
    /// Takes a key. Returns `false` if it is unknown.
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

/// Reads `name` or `[name, name]`.
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

/// A parameter of the function.
pub(super) struct Parameter {
    pub(super) name: Ident,
    /// Two expressions for a parameter that borrows: one makes an owned copy, the other borrows
    /// from the copy. The task that computes may outlive the caller.
    pub(super) borrowed: Option<(TokenStream, TokenStream)>,
}
