//! Writes the Rust source of a suite: a builder per component and the table of what the suite
//! ships.

use std::fmt::Write as _;

use crate::bundle::Bundle;
use crate::package::Suite;
use crate::{ComponentMeta, PropMeta, PropType};

/// Elements that HTML defines to have no content, so that their builders take no children.
const VOID: [&str; 14] = [
    "Area", "Base", "Br", "Col", "Embed", "Hr", "Img", "Input", "Link", "Meta", "Param", "Source",
    "Track", "Wbr",
];

/// From how many components on the properties that all share go into a trait of the suite.
const SHARED_FROM: usize = 8;

/// The crate that generated code stands on, by a path that holds where it is a dependency and where
/// `ferrodash::suite!` gives it this name.
const COMPONENTS: &str = "ferrodash_components";

/// Properties that a hand-written trait sets on every component.
const COMMON: [&str; 2] = ["children", "id"];

/// The source of one suite's module.
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

/// The components with the lists that Dash's own suite describes in words only.
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

/// The properties that every component of a large suite has in the same form.
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
        !COMMON.contains(&prop.name.as_str())
            && others
                .iter()
                .all(|component| component.props.iter().any(same))
    };
    first.props.iter().filter(everywhere).cloned().collect()
}

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
    line(
        code,
        0,
        "#[must_use = \"a component does nothing until it is part of a layout or an answer\"]",
    );
    line(
        code,
        0,
        &format!("pub struct {name}({COMPONENTS}::Component);"),
    );
    line(code, 0, &format!("impl {name} {{"));
    let has_default = emit_constructor(code, suite, component);
    let mut taken = vec![ident("new")];
    for prop in &component.props {
        let elsewhere = COMMON.contains(&prop.name.as_str())
            || shared.iter().any(|other| other.name == prop.name);
        // Some suites have a property in both spellings: the one that is Rust's has the setter, or
        // else the first.
        let name_of_setter = ident(&prop.name);
        let is_second = |other: &PropMeta| other.name == name_of_setter && other.name != prop.name;
        if !elsewhere && !taken.contains(&name_of_setter) && !component.props.iter().any(is_second)
        {
            taken.push(name_of_setter);
            emit_setter(code, Some(name), prop, Setter::Inherent);
        }
    }
    line(code, 0, "}");
    if has_default {
        line(
            code,
            0,
            &format!("impl ::core::default::Default for {name} {{"),
        );
        line(code, 1, "fn default() -> Self { Self::new() }");
        line(code, 0, "}");
    }
    line(
        code,
        0,
        &format!("impl From<{name}> for {COMPONENTS}::Component {{"),
    );
    line(
        code,
        1,
        &format!("fn from(component: {name}) -> Self {{ component.0 }}"),
    );
    line(code, 0, "}");
    line(
        code,
        0,
        &format!("impl {COMPONENTS}::ComponentExt for {name} {{"),
    );
    line(
        code,
        1,
        &format!("fn component_mut(&mut self) -> &mut {COMPONENTS}::Component {{ &mut self.0 }}"),
    );
    line(code, 0, "}");
    line(code, 0, &format!("{COMPONENTS}::children_from!({name});"));
    if !shared.is_empty() {
        line(
            code,
            0,
            &format!("impl {}Props for {name} {{}}", pascal(&suite.module)),
        );
    }
}

/// The constructor takes the children, where there can be any, and what the component requires;
/// returned is whether it takes nothing.
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

#[derive(Clone, Copy, PartialEq)]
enum Setter {
    Inherent,
    Trait,
}

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

/// The text of a property, with its default below it.
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

/// The argument's type, and the expression that makes a property of the argument called `name`.
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

fn choice_name(component: &str, prop: &PropMeta) -> String {
    format!("{component}{}", pascal(&prop.name))
}

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

fn emit_table(code: &mut String, suite: &Suite, components: &[ComponentMeta], bundles: &[Bundle]) {
    line(code, 0, "/// What this suite ships.");
    line(
        code,
        0,
        &format!("pub static SUITE: {COMPONENTS}::Suite = {COMPONENTS}::Suite {{"),
    );
    line(code, 1, &format!("module: {:?},", suite.module));
    line(code, 1, &format!("namespace: {:?},", suite.namespace));
    line(code, 1, &format!("package: {:?},", suite.package));
    line(code, 1, &format!("version: {:?},", suite.version));
    line(code, 1, &format!("root: {:?},", url_root(suite)));
    line(code, 1, &format!("scripts: &{:?},", suite.scripts));
    line(code, 1, &format!("styles: &{:?},", suite.styles));
    line(code, 1, "components: &[");
    for component in components {
        let props: Vec<&str> = component
            .props
            .iter()
            .map(|prop| prop.name.as_str())
            .collect();
        let fields = format!(
            "name: {:?}, props: &{props:?}, wildcards: {}, children_props: &{:?}",
            component.name, component.wildcards, component.children_props
        );
        line(
            code,
            2,
            &format!("{COMPONENTS}::ComponentInfo {{ {fields} }},"),
        );
    }
    line(code, 1, "],");
    line(code, 1, "bundles: &[");
    for bundle in bundles {
        let include = |suffix: &str| {
            format!(
                "include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{}{suffix}\"))",
                bundle.file
            )
        };
        line(code, 2, &format!("{COMPONENTS}::Bundle {{"));
        line(
            code,
            3,
            &format!("path: {:?}, sha256: {:?},", bundle.path, bundle.sha256),
        );
        line(
            code,
            3,
            &format!(
                "identity: {}, gzip: {}, brotli: {},",
                include(""),
                include(".gz"),
                include(".br")
            ),
        );
        line(code, 2, "},");
    }
    line(code, 1, "],");
    line(code, 0, "};");
}

/// The part of a suite's URLs between the package and the file: what of `root` lies below the
/// package.
fn url_root(suite: &Suite) -> String {
    suite
        .root
        .strip_prefix(&suite.package)
        .unwrap_or(&suite.root)
        .trim_start_matches('/')
        .to_owned()
}

/// A name in Rust's form: `className` to `class_name`; keywords get an underscore or become raw.
fn ident(name: &str) -> String {
    let mut ident = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            if !ident.is_empty() && !ident.ends_with('_') {
                ident.push('_');
            }
            ident.push(c.to_ascii_lowercase());
        } else {
            ident.push(if c.is_ascii_alphanumeric() { c } else { '_' });
        }
    }
    match ident.as_str() {
        "as" | "async" | "await" | "box" | "break" | "const" | "continue" | "default" | "do"
        | "else" | "enum" | "extern" | "false" | "final" | "fn" | "for" | "gen" | "if" | "impl"
        | "in" | "let" | "loop" | "macro" | "match" | "mod" | "move" | "mut" | "override"
        | "priv" | "pub" | "ref" | "return" | "static" | "struct" | "trait" | "true" | "try"
        | "type" | "typeof" | "unsafe" | "unsized" | "use" | "virtual" | "where" | "while"
        | "yield" => format!("r#{ident}"),
        "self" | "super" | "crate" => format!("{ident}_"),
        _ => ident,
    }
}

fn pascal(name: &str) -> String {
    let mut upper = true;
    let mut result = String::new();
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            upper = true;
        } else if upper {
            result.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            result.push(c);
        }
    }
    result
}

/// A name for each of the choices: different ones that would have the same name are numbered.
fn variants(choices: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for choice in choices {
        let name = match pascal(choice) {
            name if name.is_empty() => "Empty".into(),
            name if name == "Self" => "Self_".into(),
            name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("N{name}"),
            name => name,
        };
        let same = names
            .iter()
            .filter(|other| **other == name || other.starts_with(&format!("{name}_")))
            .count();
        names.push(if same == 0 {
            name
        } else {
            format!("{name}_{}", same + 1)
        });
    }
    names
}

fn line(code: &mut String, indent: usize, text: &str) {
    let _ = writeln!(code, "{:width$}{text}", "", width = indent * 4);
}

/// Documentation as it came, made safe for rustdoc: HTML and brackets are not links there, and
/// examples are in other languages. Lists keep their nesting; how far other lines are indented says
/// nothing, as Markdown would take it for code.
fn doc(code: &mut String, indent: usize, text: &str) {
    if text.is_empty() {
        return line(code, indent, "/// Not documented by the suite.");
    }
    let mut in_example = false;
    // The items that are open: how far each is indented in the text, and where its lines begin
    // here.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut after_blank = false;
    for source in text.lines() {
        let part = source.trim();
        let leading = source.len() - source.trim_start().len();
        let item = if in_example { 0 } else { item_mark(part) };
        if item > 0 || (after_blank && !part.is_empty()) {
            while open.last().is_some_and(|(source, _)| *source >= leading) {
                open.pop();
            }
        }
        let before = open.last().map_or(0, |(_, margin)| *margin);
        if item > 0 {
            open.push((leading, before + item));
        }
        after_blank = part.is_empty();
        let part = match (part.starts_with("```"), in_example) {
            (true, false) => "```text".to_owned(),
            (true, true) | (false, true) => part.to_owned(),
            (false, false) => link_addresses(&escape(part)),
        };
        in_example ^= part.starts_with("```");
        line(code, indent, format!("/// {:before$}{part}", "").trim_end());
    }
    if in_example {
        let before = open.last().map_or(0, |(_, margin)| *margin);
        line(code, indent, &format!("/// {:before$}```", ""));
    }
}

/// Brackets and HTML as text. Between backticks all is text already.
fn escape(part: &str) -> String {
    let has_code = part.matches('`').count().is_multiple_of(2);
    let pieces =
        part.split('`')
            .enumerate()
            .map(|(index, piece)| match has_code && index % 2 == 1 {
                true => piece.to_owned(),
                false => piece
                    .replace('\\', "\\\\")
                    .replace('[', "\\[")
                    .replace(']', "\\]")
                    .replace('<', "\\<"),
            });
    pieces.collect::<Vec<_>>().join("`")
}

/// How wide the mark of a list's item is at the beginning of a line; nothing for other lines.
fn item_mark(line: &str) -> usize {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match (digits, &line[digits..]) {
        (0, rest) if ["- ", "* ", "+ "].iter().any(|mark| rest.starts_with(mark)) => 2,
        (1.., rest) if rest.starts_with(". ") => digits + 2,
        _ => 0,
    }
}

/// Makes addresses links, as rustdoc wants to have them marked. Those in code stay as they are.
fn link_addresses(text: &str) -> String {
    let mut linked = String::new();
    let mut rest = text;
    while let Some(start) = ["https://", "http://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let (before, address) = rest.split_at(start);
        linked.push_str(before);
        let end = address
            .find(|c: char| c.is_whitespace() || ")>\"'`|\\,".contains(c))
            .unwrap_or(address.len());
        let (address, after) =
            address.split_at(address[..end].trim_end_matches(['.', ':', ';']).len());
        let in_code = linked.matches('`').count() % 2 == 1;
        linked.push_str(&if in_code {
            address.to_owned()
        } else {
            format!("<{address}>")
        });
        rest = after;
    }
    linked + rest
}
