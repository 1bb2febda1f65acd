//! Writes the script to standard output. The tests of the script run what it writes.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(ferrodash_browser::script().as_bytes())
}
