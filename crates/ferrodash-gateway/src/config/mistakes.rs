//! What is wrong with a configuration.

use std::fmt::{self, Display};

/// All that is wrong with a configuration. `Debug` writes what `Display` does, as that is what a
/// `main` that returns it prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    mistakes: Vec<Mistake>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on; 0 for the whole file.
    pub line: usize,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Mistakes {
    /// Creates a list for a file.
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            mistakes: Vec::new(),
        }
    }

    /// Creates the mistake of a file as a whole.
    pub(crate) fn of_file(file: &str, text: String) -> Self {
        let mut mistakes = Self::new(file);
        mistakes.add(0, text);
        mistakes
    }

    pub(crate) fn add(&mut self, line: usize, text: impl Into<String>) {
        let text = text.into();
        self.mistakes.push(Mistake { line, text });
    }

    /// Returns the mistakes, in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.mistakes.iter()
    }

    /// Returns `Err` if there are any.
    pub(crate) fn into_result(mut self) -> Result<(), Self> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.mistakes.len() == 1 { "" } else { "s" };
        let (file, count) = (&self.file, self.mistakes.len());
        write!(f, "{file} has {count} mistake{plural}:")?;
        for Mistake { line, text } in &self.mistakes {
            match line {
                0 => write!(f, "\n  {file}: {text}")?,
                line => write!(f, "\n  {file}:{line}: {text}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Mistakes {}
