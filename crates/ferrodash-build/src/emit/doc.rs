//! Documentation of a suite as doc comments, in a form that rustdoc reads without warnings.

use super::source::line;

/// Writes documentation as doc comments.
///
/// HTML and brackets are not links there, and examples are in other languages. Lists keep their
/// nesting. The indentation of other lines is dropped, as Markdown would take it for code.
///
/// An empty text becomes a note that the suite does not document the item. A code block that the
/// text leaves open is closed.
pub(super) fn doc(code: &mut String, indent: usize, text: &str) {
    if text.is_empty() {
        return line(code, indent, "/// Not documented by the suite.");
    }
    let mut in_example = false;
    // The items that are open: the indentation of each in the text, and where its lines begin here.
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

/// Escapes brackets and HTML. Between backticks all is text already.
///
/// If the number of backticks is odd, no part is certain to be code, and all of the line is
/// escaped.
fn escape(part: &str) -> String {
    let has_code = part.matches('`').count().is_multiple_of(2);
    let pieces = part.split('`').enumerate().map(|(index, piece)| {
        if has_code && index % 2 == 1 {
            piece.to_owned()
        } else {
            piece
                .replace('\\', "\\\\")
                .replace('[', "\\[")
                .replace(']', "\\]")
                .replace('<', "\\<")
        }
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// Returns the width of the mark of a list's item at the beginning of a line; 0 for other lines.
fn item_mark(line: &str) -> usize {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match (digits, &line[digits..]) {
        (0, rest) if ["- ", "* ", "+ "].iter().any(|mark| rest.starts_with(mark)) => 2,
        (1.., rest) if rest.starts_with(". ") => digits + 2,
        _ => 0,
    }
}

/// Makes addresses links, as rustdoc wants to have them marked. Those in code stay as they are.
///
/// An address ends at white space, a closing bracket, a quote, a comma or the like. Punctuation at
/// its end belongs to the sentence and stays outside the link.
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
