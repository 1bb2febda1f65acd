//! `#[callback]`: arguments of the attribute → model → calls of the public builder.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, FnArg, Ident, ItemFn, LitStr, Result, Token, Type, parenthesized};

use crate::args::{DurationArg, check_callback, keys, once, texts, value, version};
use crate::policy::{self, PolicyArgs};

const KEYS: &str = "output, input, state, cache, running and prevent_initial_call";

/// The arguments of the attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    outputs: Vec<Property>,
    inputs: Vec<Property>,
    states: Vec<Property>,
    running: Vec<Running>,
    cache: Option<CacheArgs>,
    prevent_initial_call: Option<()>,
}

/// `(id, property)`, with the options of an input or a state.
struct Property {
    id: Expr,
    property: LitStr,
    debounce: Option<DurationArg>,
    default: Option<Expr>,
}

struct Running {
    id: Expr,
    property: LitStr,
    on: Expr,
    off: Expr,
}

struct CacheArgs {
    client: Option<()>,
    refresh: Option<()>,
    policy: PolicyArgs,
    negative_timeout: Option<DurationArg>,
    vary: Vec<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        keys(input, KEYS, |key, input| {
            match key.to_string().as_str() {
                "output" => arguments.outputs.push(Property::parse(input, &[])?),
                "input" => arguments.inputs.push(Property::parse(input, &["debounce", "default"])?),
                "state" => arguments.states.push(Property::parse(input, &["default"])?),
                "running" => arguments.running.push(Running::parse(input)?),
                "cache" => {
                    once(&arguments.cache, key)?;
                    arguments.cache = Some(CacheArgs::parse(key, input)?);
                }
                "prevent_initial_call" => {
                    once(&arguments.prevent_initial_call, key)?;
                    arguments.prevent_initial_call = Some(());
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(arguments)
    }
}

impl Property {
    fn parse(input: ParseStream<'_>, options: &[&str]) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (id, property) = id_and_property(&content)?;
        let mut parsed = Self { id, property, debounce: None, default: None };
        let known = if options.is_empty() { "none here".to_owned() } else { options.join(" and ") };
        keys(&content, &known, |key, input| {
            let name = key.to_string();
            match name.as_str() {
                "debounce" if options.contains(&"debounce") => {
                    once(&parsed.debounce, key)?;
                    parsed.debounce = Some(value(input)?);
                }
                "default" if options.contains(&"default") => {
                    once(&parsed.default, key)?;
                    parsed.default = Some(value(input)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(parsed)
    }
}

fn id_and_property(content: ParseStream<'_>) -> Result<(Expr, LitStr)> {
    let id: Expr = content.parse().map_err(|error| Error::new(error.span(), "expected the id of a component"))?;
    let expected = "expected a property after the id, as in (\"graph\", \"figure\")";
    let comma: Result<Token![,]> = content.parse();
    comma.map_err(|error| Error::new(error.span(), expected))?;
    let property = content.parse().map_err(|error: Error| Error::new(error.span(), expected))?;
    if !content.is_empty() {
        content.parse::<Token![,]>()?;
    }
    Ok((id, property))
}

impl Running {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (id, property) = id_and_property(&content)?;
        let expected = |error: Error| {
            Error::new(
                error.span(),
                "expected two values, while running and after: (\"button\", \"disabled\", true, false)",
            )
        };
        let on = content.parse().map_err(expected)?;
        content.parse::<Token![,]>().map_err(expected)?;
        let off = content.parse().map_err(expected)?;
        Ok(Self { id, property, on, off })
    }
}

impl CacheArgs {
    fn parse(cache: &Ident, input: ParseStream<'_>) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (mut client, mut refresh, mut vary, mut negative_timeout) = (None, None, None, None);
        let mut policy = PolicyArgs::default();
        let known = format!("client, refresh, vary, negative_timeout, {}", policy::KEYS);
        keys(&content, &known, |key, input| {
            match key.to_string().as_str() {
                "client" => {
                    once(&client, key)?;
                    client = Some(());
                }
                "refresh" => {
                    once(&refresh, key)?;
                    refresh = Some(());
                }
                "vary" => {
                    once(&vary, key)?;
                    vary = Some(texts(input)?);
                }
                "negative_timeout" => {
                    once(&negative_timeout, key)?;
                    negative_timeout = Some(value(input)?);
                }
                _ => return policy.take(key, input),
            }
            Ok(true)
        })?;
        if policy.timeout.is_none() {
            return Err(Error::new(cache.span(), "cache needs a timeout: cache(timeout = \"5m\")"));
        }
        if let Some(tag) = policy.templates().next() {
            let message =
                "a callback's tags are plain; for one that names an argument call Run::current().tag(…) in it";
            return Err(Error::new(tag.span(), message));
        }
        Ok(Self { client, refresh, policy, negative_timeout, vary: vary.unwrap_or_default() })
    }
}

/// The function as it was, and a type of its name that makes the callback.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_callback(&function)?;
    check_counts(&arguments, &function)?;
    let visibility = &function.vis;
    let name = &function.sig.ident;
    let text = name.to_string();
    let version = version(&function);
    let builder = builder_calls(&arguments);
    let doc = format!("The callback that [`{text}`](fn@{text}) answers.");
    Ok(quote! {
        #function

        #[doc = #doc]
        #[allow(non_camel_case_types, clippy::allow_attributes)]
        #visibility struct #name {}

        impl #name {
            /// A new description of the callback, for `App::callback`.
            #visibility fn callback() -> ::ferrodash::Callback {
                ::ferrodash::Callback::builder()
                    .name(::core::concat!(::core::module_path!(), "::", #text), #version)
                    #(#builder)*
                    .handler(#name)
            }
        }
    })
}

fn builder_calls(arguments: &Arguments) -> Vec<TokenStream> {
    let mut calls = Vec::new();
    for Property { id, property, .. } in &arguments.outputs {
        calls.push(quote_spanned!(property.span()=> .output(::ferrodash::Output::new(#id, #property))));
    }
    for Property { id, property, debounce, default } in &arguments.inputs {
        let debounce = debounce.as_ref().map(|wait| quote!(.debounce(#wait)));
        let default = default.as_ref().map(|value| quote!(.default_value(#value)));
        calls.push(quote!(.input(::ferrodash::Input::new(#id, #property) #debounce #default)));
    }
    for Property { id, property, default, .. } in &arguments.states {
        let default = default.as_ref().map(|value| quote!(.default_value(#value)));
        calls.push(quote!(.state(::ferrodash::State::new(#id, #property) #default)));
    }
    for Running { id, property, on, off } in &arguments.running {
        calls.push(quote!(.running(#id, #property, #on, #off)));
    }
    if let Some(CacheArgs { client, refresh, policy, negative_timeout, vary }) = &arguments.cache {
        let client = client.map(|()| quote!(.client()));
        let refresh = refresh.map(|()| quote!(.refresh()));
        let negative = negative_timeout.as_ref().map(|time| quote!(.negative_timeout(#time)));
        let (timeout, options) = (&policy.timeout, policy.calls());
        calls.push(quote! {
            .cache(::ferrodash::CacheOptions::new(#timeout) #client #refresh #negative #options #(.vary(#vary))*)
        });
    }
    if arguments.prevent_initial_call.is_some() {
        calls.push(quote!(.prevent_initial_call()));
    }
    calls
}

/// The number of arguments must be that of inputs and states, with or without a context at the end.
fn check_counts(arguments: &Arguments, function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if arguments.outputs.is_empty() {
        return Err(Error::new(signature.ident.span(), "a callback needs an output: output(\"graph\", \"figure\")"));
    }
    let takes_context = signature.inputs.last().is_some_and(|argument| match argument {
        FnArg::Typed(argument) => is_context(&argument.ty),
        FnArg::Receiver(_) => false,
    });
    let taken = signature.inputs.len() - usize::from(takes_context);
    let given = arguments.inputs.len() + arguments.states.len();
    if taken == given {
        return Ok(());
    }
    let message = format!(
        "{} takes {}, but there are {} and {}",
        signature.ident,
        counted(taken, "argument"),
        counted(arguments.inputs.len(), "input"),
        counted(arguments.states.len(), "state"),
    );
    Err(Error::new(signature.inputs.span(), message))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn is_context(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Context"))
}
