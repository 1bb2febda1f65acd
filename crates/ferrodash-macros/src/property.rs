//! Outputs, inputs and states as `#[callback]` declares them: an id and a property with options.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, LitStr, Result, Token, parenthesized};

use crate::args::{DurationArg, keys, once, value};

/// `(id, property)`, with the options of an output, an input or a state. The id is an expression,
/// for text or a pattern such as `id!{…}`; the property is a literal, whose place the generated
/// code has.
pub(crate) struct Property {
    id: Expr,
    pub(crate) property: LitStr,
    /// The options of a wait, as calls of `Input`'s methods, in the order in which they are given.
    wait: Vec<(Ident, TokenStream)>,
    /// The value of an unset property.
    default: Option<Expr>,
    /// Set if the component may be missing.
    optional: Option<()>,
    /// Set if other callbacks write the output too.
    allow_duplicate: Option<()>,
}

/// The options of an output, an input, a trigger and a state.
pub(crate) const OUTPUT: &[&str] = &["allow_duplicate"];
pub(crate) const INPUT: &[&str] = &[
    "debounce",
    "throttle",
    "max_wait",
    "leading",
    "trailing",
    "flush",
    "hold_callbacks",
    "optional",
    "default",
];
/// Those of an input but the last one: nobody reads the value of a trigger.
pub(crate) const TRIGGER: &[&str] = INPUT.split_at(INPUT.len() - 1).0;
pub(crate) const STATE: &[&str] = &["default", "optional"];

impl Property {
    /// Reads `(id, property, …)` with these options, which differ between outputs, inputs and
    /// states. Any other option is an error that lists them; one that is given twice is an error
    /// too.
    pub(crate) fn parse(input: ParseStream<'_>, options: &[&str]) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (id, property) = id_and_property(&content)?;
        let mut parsed = Self {
            id,
            property,
            wait: Vec::new(),
            default: None,
            optional: None,
            allow_duplicate: None,
        };
        keys(&content, &options.join(" and "), |key, input| {
            let name = key.to_string();
            match name.as_str() {
                name if !options.contains(&name) => return Ok(false),
                "debounce" | "throttle" | "max_wait" | "leading" | "trailing" | "flush"
                | "hold_callbacks" => parsed.take_wait(key, input)?,
                "default" => {
                    once(&parsed.default, key)?;
                    parsed.default = Some(value(input)?);
                }
                "optional" => {
                    once(&parsed.optional, key)?;
                    parsed.optional = Some(());
                }
                _ => {
                    once(&parsed.allow_duplicate, key)?;
                    parsed.allow_duplicate = Some(());
                }
            }
            Ok(true)
        })?;
        Ok(parsed)
    }
}

/// What can end a wait, as `flush(…)` names it, and the variant of `Flush`.
const FLUSH: [(&str, &str); 5] = [
    ("blur", "Blur"),
    ("enter", "Enter"),
    ("submit", "Submit"),
    ("hide", "Hide"),
    ("unmount", "Unmount"),
];

impl Property {
    /// Reads an option of a wait: a time, a truth value, or the list of what ends it.
    fn take_wait(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        let given = self.wait.iter().find(|(known, _)| known == key);
        once(&given.map(|_| ()), key)?;
        let argument = match key.to_string().as_str() {
            "debounce" | "throttle" | "max_wait" => {
                let time: DurationArg = value(input)?;
                quote!(#time)
            }
            "flush" => flush(input)?,
            _ => {
                let set: Expr = value(input)?;
                quote!(#set)
            }
        };
        self.wait.push((key.clone(), argument));
        Ok(())
    }
}

/// Reads `(blur, enter, …)`, and writes it as an array.
fn flush(input: ParseStream<'_>) -> Result<TokenStream> {
    let content;
    parenthesized!(content in input);
    let names = content.parse_terminated(Ident::parse, Token![,])?;
    let mut variants = Vec::new();
    for name in &names {
        let known = FLUSH.iter().find(|(known, _)| name == known);
        let Some((_, variant)) = known else {
            let all: Vec<_> = FLUSH.iter().map(|(known, _)| *known).collect();
            return Err(Error::new(
                name.span(),
                format!("expected one of {}", all.join(", ")),
            ));
        };
        let variant = Ident::new(variant, name.span());
        variants.push(quote!(::ferrodash::Flush::#variant));
    }
    Ok(quote!([#(#variants),*]))
}

/// Reads an id and a property with the comma between them, and the comma after them if anything
/// follows. The errors say what is missing, with an example, because the parser's own would say
/// only which token it expected.
pub(crate) fn id_and_property(content: ParseStream<'_>) -> Result<(Expr, LitStr)> {
    let id: Expr = content
        .parse()
        .map_err(|error| Error::new(error.span(), "expected the id of a component"))?;
    let expected = "expected a property after the id, as in (\"graph\", \"figure\")";
    let comma: Result<Token![,]> = content.parse();
    comma.map_err(|error| Error::new(error.span(), expected))?;
    let property = content
        .parse()
        .map_err(|error: Error| Error::new(error.span(), expected))?;
    if !content.is_empty() {
        content.parse::<Token![,]>()?;
    }
    Ok((id, property))
}

impl Property {
    /// Writes an `Output` at the place of its property.
    pub(crate) fn output(&self) -> TokenStream {
        let Self {
            id,
            property,
            allow_duplicate,
            ..
        } = self;
        let allow_duplicate = allow_duplicate.map(|()| quote!(.allow_duplicate()));
        quote_spanned!(property.span()=> ::ferrodash::Output::new(#id, #property) #allow_duplicate)
    }

    /// Writes an `Input` at the place of its property.
    pub(crate) fn input(&self) -> TokenStream {
        let Self {
            id, property, wait, ..
        } = self;
        let wait = wait
            .iter()
            .map(|(method, argument)| quote!(.#method(#argument)));
        let options = self.options();
        quote_spanned!(property.span()=> ::ferrodash::Input::new(#id, #property) #(#wait)* #options)
    }

    /// Writes a `State` at the place of its property.
    pub(crate) fn state(&self) -> TokenStream {
        let Self { id, property, .. } = self;
        let options = self.options();
        quote_spanned!(property.span()=> ::ferrodash::State::new(#id, #property) #options)
    }

    /// Writes the options that inputs and states have in common.
    fn options(&self) -> TokenStream {
        let default = self
            .default
            .as_ref()
            .map(|value| quote!(.default_value(#value)));
        let optional = self.optional.map(|()| quote!(.optional()));
        quote!(#default #optional)
    }
}
