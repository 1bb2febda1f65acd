//! Parsers that the attributes share: lists of keys and values, durations with units, and checks of
//! a function's signature.
//!
//! Each error points to the place in the source that is wrong.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, ItemFn, Lit, LitStr, Result, Signature, Token};

/// A duration written as text with a unit, such as `"5m"`. Numbers, unknown units and zero are
/// errors. Generated code contains it as nanoseconds, at most `u64::MAX` of them, which is about
/// 584 years.
pub(crate) struct DurationArg(pub(crate) Duration);

impl Parse for DurationArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let literal: Lit = input.parse()?;
        let wanted = "a duration is text with a unit, such as \"500ms\", \
                      \"5m\" or \"1h30m\"";
        let Lit::Str(text) = &literal else {
            return Err(Error::new(literal.span(), wanted));
        };
        let duration = humantime::parse_duration(&text.value())
            .map_err(|_| Error::new(text.span(), wanted))?;
        if duration.is_zero() {
            return Err(Error::new(
                text.span(),
                "a duration must be longer than zero",
            ));
        }
        Ok(Self(duration))
    }
}

impl ToTokens for DurationArg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        tokens.extend(quote!(::std::time::Duration::from_nanos(#nanos)));
    }
}

/// Reads `key`, `key = value` and `key(…)` until the end and calls `take` with each key. Commas
/// separate the keys, and one may follow the last.
///
/// `take` reads what follows the key, and returns `false` for a key that it does not know. That is
/// an error at the key, which lists `known`.
pub(crate) fn keys(
    input: ParseStream<'_>,
    known: &str,
    mut take: impl FnMut(&Ident, ParseStream<'_>) -> Result<bool>,
) -> Result<()> {
    while !input.is_empty() {
        let key: Ident = input.parse()?;
        if !take(&key, input)? {
            return Err(Error::new(
                key.span(),
                format!("unknown key `{key}`; there are {known}"),
            ));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// Reads `= value` after a key. The kind of value follows from the type of the slot in which the
/// caller stores it.
pub(crate) fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Refuses a key that was given before, with an error at the second one. It is called before the
/// value is read, so that this error comes first.
pub(crate) fn once<T>(slot: &Option<T>, key: &Ident) -> Result<()> {
    match slot {
        None => Ok(()),
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice"))),
    }
}

/// Reads `= text` or `= [text, text]` after a key. Anything but string literals is an error at the
/// expression that is none, because the texts are examined while the code is generated.
pub(crate) fn texts(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    let expected = "one text or a list of texts, \
                    such as \"cookie:session\" or [\"trigger\", \"path\"]";
    let text = |expr: &Expr| match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Ok(text.clone()),
            other => Err(Error::new(other.span(), expected)),
        },
        other => Err(Error::new(other.span(), expected)),
    };
    match value::<Expr>(input)? {
        Expr::Array(list) => list.elems.iter().map(text).collect(),
        single => Ok(vec![text(&single)?]),
    }
}

/// Returns a digest of the function's source, as 16 hexadecimal digits. It is part of the keys of
/// stored values, so that a function that was changed does not read values of its old form.
/// Attributes and doc comments count; other comments and spaces do not.
///
/// `DefaultHasher` is the same in a release of the compiler, and another compiler builds another
/// program anyway.
pub(crate) fn version(function: &ItemFn) -> String {
    let mut hasher = DefaultHasher::new();
    function.to_token_stream().to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Checks what `#[callback]` requires of a function: it is async, and has neither `self` nor type
/// or constant parameters. Nothing could choose these, because the generated `callback()` takes
/// none.
pub(crate) fn check_callback(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span(),
            "#[callback] needs an `async fn`",
        ));
    }
    if let Some(receiver) = signature.receiver() {
        return Err(Error::new(
            receiver.span(),
            "#[callback] needs a function without `self`",
        ));
    }
    check_generics(signature, "callback")
}

/// Checks what `#[memoize]` requires of a function: it is async unless it blocks, its `self` is
/// `&self`, and it has no type or constant parameters.
///
/// `blocking` is `true` if the attribute has that option. It is an error for an `async fn`, as its
/// absence is for any other function. Any other receiver is an error, such as `&mut self`.
pub(crate) fn check_memoizable(function: &ItemFn, blocking: bool) -> Result<()> {
    let signature = &function.sig;
    match (signature.asyncness, blocking) {
        (None, false) => {
            let message = "#[memoize] needs an `async fn`, \
                           or the option `blocking` for a function that blocks";
            return Err(Error::new(signature.fn_token.span(), message));
        }
        (Some(keyword), true) => {
            return Err(Error::new(
                keyword.span(),
                "a function that is `blocking` is not an `async fn`",
            ));
        }
        _ => {}
    }
    if let Some(receiver) = signature.receiver()
        && (!matches!(receiver.kind, syn::ReceiverKind::Reference(..))
            || receiver.mutability.is_some())
    {
        return Err(Error::new(
            receiver.span(),
            "#[memoize] needs `&self`: a kept value would not change anything",
        ));
    }
    check_generics(signature, "memoize")
}

/// Refuses types and constants as parameters, with an error that names `attribute`. Lifetimes are
/// allowed, because they do not create further instances of the function.
fn check_generics(signature: &Signature, attribute: &str) -> Result<()> {
    let generics = &signature.generics;
    if generics.type_params().next().is_some() || generics.const_params().next().is_some() {
        return Err(Error::new(
            signature.generics.span(),
            format!("#[{attribute}] needs a function without generics"),
        ));
    }
    Ok(())
}
