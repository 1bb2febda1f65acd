//! Writes the Rust source of a suite: a builder per component and the table of what the suite
//! ships.
//!
//! The source is text that `rustfmt` does not see. The only crate that it refers to is
//! `ferrodash_components`. For a component it has this form:
//!
//! ```text
//! /// What the component is for.
//! #[derive(Debug, Clone)]
//! pub struct Slider(ferrodash_components::Component);
//! impl Slider {
//!     pub fn new(…) -> Self { … }                  what it requires
//!     pub fn min(mut self, value: impl Number) -> Self { … }
//! }
//! impl From<Slider> for Component { … }            and other conversions
//! ```
//!
//! A builder holds the component itself and no field per property, which keeps the code of a large
//! suite small and quick to compile.

mod doc;
mod names;
mod source;
mod table;

use self::doc::doc;
use self::names::{ident, pascal, variants};
use self::source::{COMPONENTS, line};
use self::table::emit_table;
use crate::bundle::Bundle;
use crate::package::Suite;
use crate::{ComponentMeta, PropMeta, PropType};

/// Elements that HTML defines to have no content, so that their builders take no children.
const VOID: [&str; 14] = [
    "Area", "Base", "Br", "Col", "Embed", "Hr", "Img", "Input", "Link", "Meta", "Param", "Source",
    "Track", "Wbr",
];

/// The number of components from which on the properties that all share go into a trait of the
/// suite, so that their setters are written once.
const SHARED_FROM: usize = 8;

/// Properties that a hand-written trait sets on every component.
const COMMON: [&str; 2] = ["children", "id"];

/// Returns the source of one suite's module: the trait of shared properties, the components in
/// their order, the table.
///
/// The result is a whole file, to be written to `OUT_DIR` and included by the crate of the suite.
/// It depends on the arguments only, so an unchanged suite gives the same text.
pub(crate) fn emit_suite(
    suite: &Suite,
    components: &[ComponentMeta],
    bundles: &[Bundle],
) -> String {
    let mut code = String::new();
    let components = &with_lists(suite, components);
    let shared = shared_props(components);
    if !shared.is_empty() {
        emit_shared(&mut code, &suite.module, &shared);
    }
    for component in components {
        emit_component(&mut code, suite, component, &shared);
    }
    emit_table(&mut code, suite, components, bundles);
    code
}

/// Returns the components with the lists that Dash's own suite describes in words only, such as the
/// options of a dropdown. Without this they would accept any JSON, and a wrong form would show in
/// the browser only.
fn with_lists(suite: &Suite, components: &[ComponentMeta]) -> Vec<ComponentMeta> {
    let mut components = components.to_vec();
    let is_dcc = suite.namespace == "dash_core_components";
    for component in components.iter_mut().filter(|_| is_dcc) {
        for prop in component
            .props
            .iter_mut()
            .filter(|prop| prop.kind == PropType::Json)
        {
            match (component.name.as_str(), prop.name.as_str()) {
                ("Checklist" | "Dropdown" | "RadioItems", "options") => {
                    prop.kind = PropType::Options
                }
                ("RangeSlider" | "Slider", "marks") => prop.kind = PropType::Marks,
                _ => {}
            }
        }
    }
    components
}

/// Returns the properties that every component of a large suite has in the same form. Required
/// properties are not among them, as they are arguments of the constructor.
///
/// A suite with fewer than [`SHARED_FROM`] components shares none. The properties of [`COMMON`] are
/// left out, as a trait written by hand has their setters.
fn shared_props(components: &[ComponentMeta]) -> Vec<PropMeta> {
    let Some((first, others)) = components.split_first() else {
        return Vec::new();
    };
    if components.len() < SHARED_FROM {
        return Vec::new();
    }
    let everywhere = |prop: &&PropMeta| {
        let same = |other: &PropMeta| {
            other.name == prop.name && other.kind == prop.kind && !other.required
        };
        // Each component has its own type for a choice.
        let has_own_type = matches!(prop.kind, PropType::Choice(_));
        !COMMON.contains(&prop.name.as_str())
            && !prop.required
            && !has_own_type
            && others
                .iter()
                .all(|component| component.props.iter().any(same))
    };
    first.props.iter().filter(everywhere).cloned().collect()
}

/// Writes the trait with the setters of shared properties.
///
/// The trait is named after the module, such as `HtmlProps`, and has a body for each setter. A
/// builder implements it with an empty block.
fn emit_shared(code: &mut String, module: &str, shared: &[PropMeta]) {
    let name = format!("{}Props", pascal(module));
    line(
        code,
        0,
        &format!("/// The properties that all components of `{module}` share."),
    );
    line(
        code,
        0,
        &format!("pub trait {name}: {COMPONENTS}::ComponentExt {{"),
    );
    for prop in shared {
        emit_setter(code, None, prop, Setter::Trait);
    }
    line(code, 0, "}");
}

/// Writes the builder of a component: its enumerations, the type, its constructor, setters and
/// conversions.
///
/// `shared` are the properties whose setters are in the trait of the suite; they are written only
/// as an implementation of that trait. `Default` is implemented only if the constructor takes no
/// argument.
fn emit_component(
    code: &mut String,
    suite: &Suite,
    component: &ComponentMeta,
    shared: &[PropMeta],
) {
    let name = &component.name;
    for prop in &component.props {
        if let PropType::Choice(choices) = &prop.kind {
            emit_choice(code, name, prop, choices);
        }
    }
    doc(code, 0, &component.description);
    line(code, 0, "#[derive(Debug, Clone)]");
    let must_use = "a component does nothing until it is part of a layout or an answer";
    line(code, 0, &format!("#[must_use = {must_use:?}]"));
    line(
        code,
        0,
        &format!("pub struct {name}({COMPONENTS}::Component);"),
    );
    line(code, 0, &format!("impl {name} {{"));
    let has_default = emit_constructor(code, suite, component);
    emit_setters(code, component, shared);
    line(code, 0, "}");
    if has_default {
        let head = format!("impl ::core::default::Default for {name} {{");
        line(code, 0, &head);
        line(code, 1, "fn default() -> Self { Self::new() }");
        line(code, 0, "}");
    }
    emit_conversions(code, name);
    if !shared.is_empty() {
        let trait_name = format!("{}Props", pascal(&suite.module));
        line(code, 0, &format!("impl {trait_name} for {name} {{}}"));
    }
}

/// Writes the setters that only this component has.
///
/// A property whose setter would have the name `new`, or that of another setter, has none; it can
/// be set by its name on the wire (`ComponentExt::prop`).
fn emit_setters(code: &mut String, component: &ComponentMeta, shared: &[PropMeta]) {
    let mut taken = vec![ident("new")];
    for prop in &component.props {
        let elsewhere = COMMON.contains(&prop.name.as_str())
            || shared.iter().any(|other| other.name == prop.name);
        // Some suites have a property in both spellings: the one that is Rust's has the setter, or
        // else the first.
        let setter = ident(&prop.name);
        let is_second = |other: &PropMeta| other.name == setter && other.name != prop.name;
        if !elsewhere && !taken.contains(&setter) && !component.props.iter().any(is_second) {
            taken.push(setter);
            emit_setter(code, Some(&component.name), prop, Setter::Inherent);
        }
    }
}

/// Writes the implementations by which the builder can be used wherever a component can.
///
/// These are `From` for the untyped component, access to that component for the common setters, and
/// the conversion into children.
fn emit_conversions(code: &mut String, name: &str) {
    let component = format!("{COMPONENTS}::Component");
    line(code, 0, &format!("impl From<{name}> for {component} {{"));
    let from = format!("fn from(component: {name}) -> Self {{ component.0 }}");
    line(code, 1, &from);
    line(code, 0, "}");
    let head = format!("impl {COMPONENTS}::ComponentExt for {name} {{");
    line(code, 0, &head);
    let component_mut =
        format!("fn component_mut(&mut self) -> &mut {component} {{ &mut self.0 }}");
    line(code, 1, &component_mut);
    line(code, 0, "}");
    line(code, 0, &format!("{COMPONENTS}::children_from!({name});"));
}

/// Writes the constructor, which takes the children, where there can be any, and what the component
/// requires. Returns whether it takes nothing.
///
/// Required properties become arguments in the order of the properties, under the same names as
/// setters would have. Children are left out for the elements of HTML in [`VOID`].
fn emit_constructor(code: &mut String, suite: &Suite, component: &ComponentMeta) -> bool {
    let name = &component.name;
    let has_children = component.props.iter().any(|prop| prop.name == "children");
    let is_void = suite.module == "html" && VOID.contains(&name.as_str());
    let mut arguments = Vec::new();
    let mut sets = Vec::new();
    if has_children && !is_void {
        arguments.push(format!("children: impl {COMPONENTS}::IntoChildren"));
        sets.push("this.set_children(children.into_children());".to_owned());
    }
    for prop in component
        .props
        .iter()
        .filter(|prop| prop.required && prop.name != "children")
    {
        let ident = ident(&prop.name);
        let (argument, value) = rust_type(name, prop, &ident);
        arguments.push(format!("{ident}: {argument}"));
        sets.push(format!("this.set({:?}, {value});", prop.name));
    }
    line(
        code,
        1,
        &format!("/// A `{name}`, with what it needs; everything else has a setter."),
    );
    line(
        code,
        1,
        &format!("pub fn new({}) -> Self {{", arguments.join(", ")),
    );
    let binding = if sets.is_empty() { "this" } else { "mut this" };
    line(
        code,
        2,
        &format!(
            "let {binding} = {COMPONENTS}::Component::new({:?}, {name:?});",
            suite.namespace
        ),
    );
    for set in sets {
        line(code, 2, &set);
    }
    line(code, 2, "Self(this)");
    line(code, 1, "}");
    arguments.is_empty()
}

/// The form of a setter: a method of the builder, or of the trait of the suite.
#[derive(Clone, Copy, PartialEq)]
enum Setter {
    Inherent,
    Trait,
}

/// Writes the setter of a property.
///
/// `component` is the name of the builder, which the enumeration of a choice is named after. It is
/// `None` in the trait. A setter takes the builder by value and returns it, and replaces an earlier
/// value of the property.
fn emit_setter(code: &mut String, component: Option<&str>, prop: &PropMeta, form: Setter) {
    let (argument, value) = rust_type(component.unwrap_or_default(), prop, "value");
    doc(code, 1, &documentation(prop));
    let ident = ident(&prop.name);
    match form {
        Setter::Inherent => {
            line(
                code,
                1,
                &format!("pub fn {ident}(mut self, value: {argument}) -> Self {{"),
            );
            line(
                code,
                2,
                &format!("self.0.set({:?}, {value}); self", prop.name),
            );
        }
        Setter::Trait => {
            line(code, 1, "#[must_use]");
            line(
                code,
                1,
                &format!("fn {ident}(mut self, value: {argument}) -> Self {{"),
            );
            line(
                code,
                2,
                &format!("self.component_mut().set({:?}, {value}); self", prop.name),
            );
        }
    }
    line(code, 1, "}");
}

/// Returns the text of a property, with its default below it.
///
/// Backticks in the default are replaced, because the default is itself shown as code.
fn documentation(prop: &PropMeta) -> String {
    let Some(default) = &prop.default else {
        return prop.description.clone();
    };
    let separator = if prop.description.is_empty() {
        ""
    } else {
        "\n\n"
    };
    format!(
        "{}{separator}Default: `{}`.",
        prop.description,
        default.replace('`', "'")
    )
}

/// Returns the argument's type, and the expression that makes a property of the argument called
/// `name`.
///
/// Types are as narrow as the description is: what a suite describes as text does not accept a
/// number.
fn rust_type(component: &str, prop: &PropMeta, name: &str) -> (String, String) {
    let scalar = |kind: &str| {
        (
            format!("impl {COMPONENTS}::value::{kind}"),
            format!("{name}.into_prop()"),
        )
    };
    let list = |kind: &str| {
        let argument = format!("impl IntoIterator<Item: {COMPONENTS}::value::{kind}>");
        (argument, format!("{COMPONENTS}::value::list({name})"))
    };
    match &prop.kind {
        PropType::Text => scalar("Text"),
        PropType::Number => scalar("Number"),
        PropType::TextOrNumber => scalar("TextOrNumber"),
        PropType::TextOrBool => scalar("TextOrBool"),
        PropType::NumberOrBool => scalar("NumberOrBool"),
        PropType::Scalar => scalar("Scalar"),
        PropType::Bool => ("bool".into(), format!("{COMPONENTS}::Prop::from({name})")),
        PropType::Node => (
            format!("impl {COMPONENTS}::IntoChildren"),
            format!("{name}.into_children().into()"),
        ),
        PropType::Id => (
            format!("impl Into<{COMPONENTS}::Id>"),
            format!("{COMPONENTS}::Prop::Id({name}.into())"),
        ),
        PropType::Style => (
            format!("impl Into<{COMPONENTS}::Style>"),
            format!("{name}.into().into()"),
        ),
        PropType::Choice(_) => (
            choice_name(component, prop),
            format!("{COMPONENTS}::Prop::from({name}.as_str())"),
        ),
        PropType::TextList => list("Text"),
        PropType::NumberList => list("Number"),
        PropType::ObjectList => (
            format!("impl {COMPONENTS}::value::Any"),
            format!("{COMPONENTS}::value::objects({name})"),
        ),
        PropType::Options => (
            format!("impl {COMPONENTS}::value::Options"),
            format!("{COMPONENTS}::value::Options::into_options({name})"),
        ),
        PropType::Marks => (
            format!("impl {COMPONENTS}::value::Marks"),
            format!("{COMPONENTS}::value::Marks::into_marks({name})"),
        ),
        PropType::Json => (
            format!("impl {COMPONENTS}::value::Any"),
            format!("{COMPONENTS}::value::json({name})"),
        ),
    }
}

/// Returns the name of the enumeration for a property.
///
/// It begins with the component's name, as several components of a module have properties of the
/// same name with other choices.
fn choice_name(component: &str, prop: &PropMeta) -> String {
    format!("{component}{}", pascal(&prop.name))
}

/// Writes the enumeration of the texts that a property can be.
///
/// It is non-exhaustive, so that a later version of the suite can add texts. The texts themselves
/// are returned by `as_str` and are sent to the browser unchanged.
fn emit_choice(code: &mut String, component: &str, prop: &PropMeta, choices: &[String]) {
    let name = choice_name(component, prop);
    line(
        code,
        0,
        &format!("/// What `{}` of [`{component}`] can be.", prop.name),
    );
    line(code, 0, "#[derive(Debug, Clone, Copy, PartialEq, Eq)]");
    line(code, 0, "#[non_exhaustive]");
    line(code, 0, &format!("pub enum {name} {{"));
    let variants = variants(choices);
    for (choice, variant) in choices.iter().zip(&variants) {
        line(code, 1, &format!("/// `{choice}`"));
        line(code, 1, &format!("{variant},"));
    }
    line(code, 0, "}");
    line(code, 0, &format!("impl {name} {{"));
    line(code, 1, "/// The value on the wire.");
    line(code, 1, "pub const fn as_str(self) -> &'static str {");
    line(code, 2, "match self {");
    for (choice, variant) in choices.iter().zip(&variants) {
        line(code, 3, &format!("Self::{variant} => {choice:?},"));
    }
    line(code, 2, "}");
    line(code, 1, "}");
    line(code, 0, "}");
}
