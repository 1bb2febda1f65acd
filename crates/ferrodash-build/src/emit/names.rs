//! Names of the generated code, made from those that the suite uses. They are valid Rust, and
//! stable for one version of a suite.

/// Returns a name in Rust's form: `className` becomes `class_name`; keywords get an underscore or
/// become raw.
pub(super) fn ident(name: &str) -> String {
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

/// Returns a name in the form of a type: `class_name` becomes `ClassName`.
///
/// Every character that is not an ASCII letter or digit separates words and is dropped. The result
/// is empty if nothing else is there, and may begin with a digit; [`variants`] handles both.
pub(super) fn pascal(name: &str) -> String {
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

/// Returns a name for each of the choices. Different ones that would have the same name are
/// numbered.
///
/// ```text
/// "top left" → TopLeft      "2d" → N2d      "" → Empty      "a-b", "a_b" → AB, AB_2
/// ```
///
/// The names are in the order of the choices. They do not change when a choice is added at the end.
pub(super) fn variants(choices: &[String]) -> Vec<String> {
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
