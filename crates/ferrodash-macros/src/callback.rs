//! `#[callback]`: the arguments of the attribute become a model, and the model writes calls of the
//! public builder.
//!
//! `handler.rs` writes the part that reads arguments and calls the function. This file does not
//! know the types of arguments.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, ItemFn, Lit, LitStr, Result, Token, parenthesized};

use crate::args::{DurationArg, check_callback, keys, once, texts, value, version};
use crate::handler::{Handler, counted};
use crate::overlap::OverlapArg;
use crate::policy::{self, PolicyArgs};
use crate::property::{INPUT, OUTPUT, Property, STATE, TRIGGER, id_and_property};

/// The keys, for the message about an unknown key. [`Arguments`] must parse the same ones.
const KEYS: &str = "output, input, trigger, state, args, cache, running, \
                    prevent_initial_call, optional, hidden, on_error, api_endpoint, timeout, \
                    dynamic_callbacks, batch and overlap";

/// The arguments of the attribute. `output`, `input`, `trigger`, `state`, `args` and `running` can
/// be given several times; the other keys once.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The targets of the function's values, in the order of these.
    outputs: Vec<Property>,
    /// Inputs, triggers and structs, in their order. That of inputs and structs is the order of the
    /// first arguments of the function.
    inputs: Vec<Leading>,
    /// The states, in the order of the arguments that follow.
    states: Vec<Property>,
    /// The properties that are set while the callback runs.
    running: Vec<Running>,
    /// The options of the cache. Without them, no answer is stored.
    cache: Option<CacheArgs>,
    /// The choice of `prevent_initial_call`. If it is not given, the app decides.
    initial_call: Option<InitialCall>,
    optional: Option<()>,
    hidden: Option<()>,
    /// The function that answers when the callback's own fails. The compiler checks its type.
    on_error: Option<Expr>,
    /// The address for other programs. It needs a name for each argument of the function.
    api_endpoint: Option<LitStr>,
    /// The longest time that the function may take. If it is not given, the app's limit applies.
    timeout: Option<DurationArg>,
    dynamic_callbacks: Option<()>,
    batch: Option<()>,
    overlap: Option<OverlapArg>,
}

/// An argument among the inputs, or an input that is no argument. Inputs and structs come before
/// the states, in the order of the attribute.
enum Leading {
    Input(Box<Property>),
    Trigger(Box<Property>),
    Args(Vec<Field>),
}

/// A field of a struct argument: `name = input(…)`, `name = state(…)` or `name = args(…)`. The name
/// is the one that serde reads.
struct Field {
    name: Ident,
    value: FieldValue,
}

/// The value of a field. With `Args` it is a struct again, to any depth.
enum FieldValue {
    Input(Property),
    State(Property),
    Args(Vec<Field>),
}

/// The value of `prevent_initial_call`. It decides on the call when the page is loaded.
enum InitialCall {
    /// `prevent_initial_call`, or `= true`: no call.
    Prevented,
    /// `= false`: a call, also in an app that prevents them all.
    Yes,
    /// `= "initial_duplicate"`: a call although others write its outputs too.
    Duplicate,
}

/// `running(id, property, on, off)`: a property that is set to `on` while the callback runs, and to
/// `off` after it.
struct Running {
    id: Expr,
    property: LitStr,
    on: Expr,
    off: Expr,
}

/// `cache(…)`: the options with which answers are stored. After parsing, the policy has a timeout
/// and no tags that are templates.
struct CacheArgs {
    /// Set if the browser stores the answer as well.
    client: Option<()>,
    /// Set if a request with `Cache-Control: no-cache` recomputes the answer.
    refresh: Option<()>,
    policy: PolicyArgs,
    /// The time for which errors are stored.
    negative_timeout: Option<DurationArg>,
    /// The parts of a request on which the answer depends.
    vary: Vec<LitStr>,
}

// The order of keys matters only among outputs, among inputs, triggers and structs, and among
// states.
impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        keys(input, KEYS, |key, input| {
            match key.to_string().as_str() {
                "output" => arguments.outputs.push(Property::parse(input, OUTPUT)?),
                "input" => arguments
                    .inputs
                    .push(Leading::Input(Box::new(Property::parse(input, INPUT)?))),
                "trigger" => arguments
                    .inputs
                    .push(Leading::Trigger(Box::new(Property::parse(input, TRIGGER)?))),
                "state" => arguments.states.push(Property::parse(input, STATE)?),
                "args" => arguments.inputs.push(Leading::Args(fields(input)?)),
                "running" => arguments.running.push(Running::parse(input)?),
                "cache" => {
                    once(&arguments.cache, key)?;
                    arguments.cache = Some(CacheArgs::parse(key, input)?);
                }
                "prevent_initial_call" => {
                    once(&arguments.initial_call, key)?;
                    arguments.initial_call = Some(InitialCall::parse(input)?);
                }
                "on_error" => {
                    once(&arguments.on_error, key)?;
                    arguments.on_error = Some(value(input)?);
                }
                "api_endpoint" => {
                    once(&arguments.api_endpoint, key)?;
                    arguments.api_endpoint = Some(value(input)?);
                }
                "timeout" => {
                    once(&arguments.timeout, key)?;
                    arguments.timeout = Some(value(input)?);
                }
                "overlap" => {
                    once(&arguments.overlap, key)?;
                    arguments.overlap = Some(value(input)?);
                }
                name => return arguments.take_flag(name, key),
            }
            Ok(true)
        })?;
        Ok(arguments)
    }
}

impl Arguments {
    /// Takes a key without a value. Returns `false` if it is unknown. Kinds of callbacks that Dash
    /// has and this crate does not have are errors of their own, so that users do not look for
    /// another spelling.
    fn take_flag(&mut self, name: &str, key: &Ident) -> Result<bool> {
        let slot = match name {
            "optional" => &mut self.optional,
            "hidden" => &mut self.hidden,
            "dynamic_callbacks" => &mut self.dynamic_callbacks,
            "batch" => &mut self.batch,
            "background" | "websocket" => {
                return Err(Error::new(
                    key.span(),
                    format!("{name} callbacks are not supported yet"),
                ));
            }
            _ => return Ok(false),
        };
        once(slot, key)?;
        *slot = Some(());
        Ok(true)
    }
}

impl InitialCall {
    /// Reads nothing, `= true`, `= false` or `= "initial_duplicate"`. Any other literal is an error
    /// at its place.
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Token![=]) {
            return Ok(Self::Prevented);
        }
        let literal: Lit = value(input)?;
        match &literal {
            Lit::Bool(prevent) if prevent.value() => Ok(Self::Prevented),
            Lit::Bool(_) => Ok(Self::Yes),
            Lit::Str(text) if text.value() == "initial_duplicate" => Ok(Self::Duplicate),
            other => Err(Error::new(
                other.span(),
                "expected true, false or \"initial_duplicate\"",
            )),
        }
    }
}

/// Reads `(name = input(…), …)` after `args`. A field of another kind is an error at the name of
/// that kind. Fields with the same name are not refused here.
fn fields(input: ParseStream<'_>) -> Result<Vec<Field>> {
    let content;
    parenthesized!(content in input);
    let mut fields = Vec::new();
    while !content.is_empty() {
        let name: Ident = content.parse()?;
        content.parse::<Token![=]>()?;
        let kind: Ident = content.parse()?;
        let value = match kind.to_string().as_str() {
            "input" => FieldValue::Input(Property::parse(&content, INPUT)?),
            "state" => FieldValue::State(Property::parse(&content, STATE)?),
            "args" => FieldValue::Args(self::fields(&content)?),
            _ => {
                return Err(Error::new(
                    kind.span(),
                    "expected input(…), state(…) or args(…)",
                ));
            }
        };
        fields.push(Field { name, value });
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(fields)
}

impl Running {
    /// Reads `(id, property, on, off)` after `running`.
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (id, property) = id_and_property(&content)?;
        let expected = |error: Error| {
            Error::new(
                error.span(),
                "expected two values, while running and after: (\"button\", \
                 \"disabled\", true, false)",
            )
        };
        let on = content.parse().map_err(expected)?;
        content.parse::<Token![,]>().map_err(expected)?;
        let off = content.parse().map_err(expected)?;
        Ok(Self {
            id,
            property,
            on,
            off,
        })
    }
}

impl CacheArgs {
    /// Reads `(…)` after `cache`. A missing timeout is an error at the key `cache`. Tags that name
    /// arguments are errors, because the options of a callback are made once and not in each call.
    fn parse(cache: &Ident, input: ParseStream<'_>) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        let (mut client, mut refresh) = (None, None);
        let (mut vary, mut negative_timeout) = (None, None);
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
            return Err(Error::new(
                cache.span(),
                "cache needs a timeout: cache(timeout = \"5m\")",
            ));
        }
        if let Some(tag) = policy.templates().next() {
            let message = "a callback's tags are plain; for one that names an argument \
                           call Run::current().tag(…) in it";
            return Err(Error::new(tag.span(), message));
        }
        Ok(Self {
            client,
            refresh,
            policy,
            negative_timeout,
            vary: vary.unwrap_or_default(),
        })
    }
}

/// Writes the function as it was, and a type of its name that makes the callback. Functions and
/// types have separate namespaces, so the function can still be called.
///
/// The name of the callback is the path of the function. The digest of its source goes with it, so
/// that a changed function does not find answers of its old form. Mistakes in the signature are
/// reported first, and then a number of arguments that does not match the attribute.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_callback(&function)?;
    let handler = Handler::new(&function, arguments.outputs.len())?;
    check_counts(&arguments, &function, handler.arguments())?;
    let visibility = &function.vis;
    let name = &function.sig.ident;
    let text = name.to_string();
    let version = version(&function);
    let mut builder = builder_calls(&arguments);
    if let Some(path) = &arguments.api_endpoint {
        let names = handler.argument_names()?;
        builder.push(quote!(.api_endpoint(#path, [#(#names),*] as [&str; _])));
    }
    let doc = format!("The callback that [`{text}`](fn@{text}) answers.");
    let (readers, handler) = handler.code();
    Ok(quote! {
        #function

        #[doc = #doc]
        #[allow(non_camel_case_types, clippy::allow_attributes)]
        #visibility struct #name {}

        impl #name {
            /// A new description of the callback, for `App::callback`.
            #visibility fn callback() -> ::ferrodash::Callback {
                #readers
                ::ferrodash::Callback::builder()
                    .name(::core::concat!(::core::module_path!(), "::", #text), #version)
                    #(#builder)*
                    #handler
            }
        }
    })
}

/// Writes the calls of the builder, except for the name, the API endpoint and the handler. Options
/// that were not given are not written, so the builder's defaults apply.
fn builder_calls(arguments: &Arguments) -> Vec<TokenStream> {
    let mut calls = dependency_calls(arguments);
    for Running {
        id,
        property,
        on,
        off,
    } in &arguments.running
    {
        calls.push(quote!(.running(#id, #property, #on, #off)));
    }
    calls.extend(arguments.cache.as_ref().map(CacheArgs::call));
    calls.extend(arguments.initial_call.as_ref().map(InitialCall::call));
    calls.extend(option_calls(arguments));
    calls
}

/// Writes the calls for outputs, inputs and states. Each has the place of its property, so that the
/// compiler shows that.
fn dependency_calls(arguments: &Arguments) -> Vec<TokenStream> {
    let outputs = arguments.outputs.iter().map(|property| {
        let output = property.output();
        quote_spanned!(property.property.span()=> .output(#output))
    });
    let inputs = arguments.inputs.iter().map(|leading| match leading {
        Leading::Input(property) => {
            let input = property.input();
            quote!(.input(#input))
        }
        Leading::Trigger(property) => {
            let input = property.input();
            quote!(.trigger(#input))
        }
        Leading::Args(fields) => {
            let args = args(fields);
            quote!(.args(#args))
        }
    });
    let states = arguments.states.iter().map(|property| {
        let state = property.state();
        quote!(.state(#state))
    });
    outputs.chain(inputs).chain(states).collect()
}

/// Writes the calls for options that are a flag or one value, each of which is a method of the
/// builder with the option's name.
fn option_calls(arguments: &Arguments) -> Vec<TokenStream> {
    let Arguments {
        optional,
        hidden,
        dynamic_callbacks,
        batch,
        overlap,
        timeout,
        on_error,
        ..
    } = arguments;
    let optional = optional.map(|()| quote!(.optional()));
    let hidden = hidden.map(|()| quote!(.hidden()));
    let dynamic_callbacks = dynamic_callbacks.map(|()| quote!(.dynamic_callbacks()));
    let batch = batch.map(|()| quote!(.batch()));
    let overlap = overlap.as_ref().map(|overlap| quote!(.overlap(#overlap)));
    let timeout = timeout.as_ref().map(|time| quote!(.timeout(#time)));
    let on_error = on_error.as_ref().map(|handler| quote!(.on_error(#handler)));
    [
        optional,
        hidden,
        dynamic_callbacks,
        batch,
        overlap,
        timeout,
        on_error,
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl InitialCall {
    /// Writes the call for the initial call. The builder has a method for each choice.
    fn call(&self) -> TokenStream {
        match self {
            Self::Prevented => quote!(.prevent_initial_call()),
            Self::Yes => quote!(.initial_call()),
            Self::Duplicate => quote!(.initial_duplicate()),
        }
    }
}

impl CacheArgs {
    /// Writes the call `cache(…)` with its options. Those of the policy follow those of the
    /// callback; both are methods of `CacheOptions`.
    fn call(&self) -> TokenStream {
        let Self {
            client,
            refresh,
            policy,
            negative_timeout,
            vary,
        } = self;
        let client = client.map(|()| quote!(.client()));
        let refresh = refresh.map(|()| quote!(.refresh()));
        let negative = negative_timeout
            .as_ref()
            .map(|time| quote!(.negative_timeout(#time)));
        let (timeout, options) = (&policy.timeout, policy.calls());
        quote! {
            .cache(
                ::ferrodash::CacheOptions::new(#timeout)
                    #client #refresh #negative #options #(.vary(#vary))*
            )
        }
    }
}

/// Writes an `Args` with these fields, and with those of the structs in it. A raw name, such as
/// `r#type`, is written without its prefix, as serde reads it.
fn args(fields: &[Field]) -> TokenStream {
    let calls = fields.iter().map(|Field { name, value }| {
        let name = name.unraw().to_string();
        match value {
            FieldValue::Input(property) => {
                let input = property.input();
                quote!(.input(#name, #input))
            }
            FieldValue::State(property) => {
                let state = property.state();
                quote!(.state(#name, #state))
            }
            FieldValue::Args(fields) => {
                let args = args(fields);
                quote!(.args(#name, #args))
            }
        }
    });
    quote!(::ferrodash::Args::new() #(#calls)*)
}

/// Checks that the function takes as many arguments as there are inputs, structs and states;
/// `taken` is the number without a context at the end. The error is at the arguments and gives all
/// numbers. The compiler would not find the mistake, because the generated code reads arguments by
/// index.
fn check_counts(arguments: &Arguments, function: &ItemFn, taken: usize) -> Result<()> {
    let is_argument = |leading: &&Leading| !matches!(leading, Leading::Trigger(_));
    let leading = arguments.inputs.iter().filter(is_argument).count();
    let given = leading + arguments.states.len();
    if taken == given {
        return Ok(());
    }
    let structs = arguments
        .inputs
        .iter()
        .filter(|leading| matches!(leading, Leading::Args(_)))
        .count();
    let inputs = counted(leading - structs, "input");
    let inputs = if structs == 0 {
        inputs
    } else {
        format!("{inputs}, {}", counted(structs, "struct"))
    };
    let message = format!(
        "{} takes {}, but there are {inputs} and {}",
        function.sig.ident,
        counted(taken, "argument"),
        counted(arguments.states.len(), "state"),
    );
    Err(Error::new(function.sig.inputs.span(), message))
}
