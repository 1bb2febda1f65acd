//! Lines of source, and the name of the crate that they refer to.

use std::fmt::Write as _;

/// The crate that generated code refers to. The path is right where the crate is a dependency and
/// where `ferrodash::suite!` gives it this name.
pub(super) const COMPONENTS: &str = "ferrodash_components";

/// Writes a line of code, indented by `indent` levels.
pub(super) fn line(code: &mut String, indent: usize, text: &str) {
    let _ = writeln!(code, "{:width$}{text}", "", width = indent * 4);
}
