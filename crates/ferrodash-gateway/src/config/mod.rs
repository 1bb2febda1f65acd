//! The configuration: what a file says, checked, with the defaults of what it does not say.
//!
//! [`Config::parse`] reads a file of TOML. Mistakes are gathered, each with its line, and a
//! suggestion where a name is close to a known one. What callbacks of the app declare themselves,
//! by decorators, has the same form ([`Declaration`]).

mod file;
mod mistakes;
mod options;
mod values;

use std::fs;
use std::path::Path;

pub use mistakes::{Mistake, Mistakes};
pub use options::{Admin, Config, Control, Declaration, Kept, Part, Place, Run, Upstream};
pub use values::closest;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Mistakes`] with all that is wrong, each with its line.
    pub fn read(path: &Path) -> Result<Self, Mistakes> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(error) => Err(Mistakes::of_file(
                &name,
                format!("it cannot be read: {error}"),
            )),
        }
    }

    /// Sets the address to listen on.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn set_listen(&mut self, text: &str) -> Result<(), String> {
        self.listen = values::listen(text)?;
        Ok(())
    }

    /// Reads a text of TOML. `name` is that of the file, for messages.
    ///
    /// # Errors
    /// [`Mistakes`] with all that is wrong, each with its line.
    ///
    /// ```
    /// use ferrodash_gateway::Config;
    ///
    /// let text = r#"
    /// upstreams = ["http://127.0.0.1:8051"]
    ///
    /// [[callback]]
    /// output = "table.children"
    /// timeout = "5 parsecs"
    /// "#;
    /// let mistakes = Config::parse(text, "ferrodash.toml").unwrap_err();
    /// assert_eq!(
    ///     mistakes.to_string(),
    ///     "ferrodash.toml has 1 mistake:\n  ferrodash.toml:6: timeout: \"5 parsecs\" is not a \
    ///      duration; write a number with a unit, such as \"500ms\", \"30s\" or \"5m\"",
    /// );
    /// ```
    pub fn parse(text: &str, name: &str) -> Result<Self, Mistakes> {
        file::parse(text, name)
    }
}
