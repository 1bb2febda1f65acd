//! Reads the few expressions of Python that generated component classes are made of: names,
//! numbers, texts, lists and subscripts. They are never run.
//!
//! Errors are texts with what was expected; callers add the place.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// A name, with its dots: `typing.Optional`.
    Name(String),
    /// A text without its quotes.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// The items between brackets, also those of a tuple.
    List(Vec<Expr>),
    /// A name with what is in the brackets after it: `typing.Union[str, dict]`.
    Subscript(String, Vec<Expr>),
}

/// A place in a source text. Each method skips blanks and comments first, and moves the place
/// behind what it has read.
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

/// A result whose error is a text.
type Result<T> = std::result::Result<T, String>;

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Skips blanks, line ends and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                break;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    /// Reads a mark if it comes next, and returns whether it did.
    ///
    /// A mark is compared as text, not as a token: `*` also matches the beginning of `**`, so
    /// longer marks must be tried first.
    pub(crate) fn take(&mut self, mark: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a mark that must come next.
    ///
    /// # Errors
    /// The mark, and the text that is there instead.
    pub(crate) fn expect(&mut self, mark: &str) -> Result<()> {
        if self.take(mark) {
            return Ok(());
        }
        Err(format!(
            "{mark:?} was expected where it says {:?}",
            self.ahead()
        ))
    }

    /// Reads a name, which can have dots in it.
    ///
    /// Returns `None` if something else comes next; only blanks and comments are then skipped.
    /// Keywords are names, too.
    pub(crate) fn name(&mut self) -> Option<String> {
        self.skip();
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let starts = self
            .rest
            .starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts.then(|| self.cut(end).to_owned())
    }

    /// Reads an expression. `str | None` is read as a union.
    ///
    /// # Errors
    /// What was expected, and the text that is there.
    pub(crate) fn expr(&mut self) -> Result<Expr> {
        let first = self.operand()?;
        let mut members = vec![first];
        while self.take("|") {
            members.push(self.operand()?);
        }
        Ok(match members.len() {
            1 => members.remove(0),
            _ => Expr::Subscript("Union".into(), members),
        })
    }

    /// Reads an expression without bars.
    ///
    /// A name directly followed by `[` is a subscript. Brackets of both kinds make a list, and a
    /// number may have a sign and a decimal point, but no exponent.
    fn operand(&mut self) -> Result<Expr> {
        self.skip();
        match self.rest.chars().next() {
            Some('"' | '\'') => self.text().map(Expr::Text),
            Some('[') => self.items("[", "]").map(Expr::List),
            Some('(') => self.items("(", ")").map(Expr::List),
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let end = self.rest[1..].find(|c: char| !c.is_ascii_digit() && c != '.');
                Ok(Expr::Number(
                    self.cut(end.map_or(self.rest.len(), |end| end + 1))
                        .to_owned(),
                ))
            }
            _ => match self.name() {
                Some(name) if self.rest.starts_with('[') => {
                    Ok(Expr::Subscript(name, self.items("[", "]")?))
                }
                Some(name) => Ok(Expr::Name(name)),
                None => Err(format!(
                    "a value was expected where it says {:?}",
                    self.ahead()
                )),
            },
        }
    }

    /// Reads a text in one, two or three quotes of a kind, with its escapes.
    ///
    /// # Errors
    /// If no text comes next, or it does not end.
    pub(crate) fn text(&mut self) -> Result<String> {
        self.skip();
        let quotes = ["\"\"\"", "'''", "\"", "'"];
        let Some(quote) = quotes
            .into_iter()
            .find(|quote| self.rest.starts_with(quote))
        else {
            return Err(format!(
                "a text was expected where it says {:?}",
                self.ahead()
            ));
        };
        let unclosed = format!("the text {:?} does not end", self.ahead());
        self.rest = &self.rest[quote.len()..];
        let mut text = String::new();
        while !self.take_exactly(quote) {
            let mut chars = self.rest.chars();
            match chars.next().ok_or_else(|| unclosed.clone())? {
                '\\' => match chars.next().ok_or_else(|| unclosed.clone())? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    '\n' => {}
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    // Python keeps the backslash of what is not an escape.
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
            self.rest = chars.as_str();
        }
        Ok(text)
    }

    /// Reads expressions between two marks, with commas.
    ///
    /// A comma after the last one is allowed, as formatters write it.
    ///
    /// # Errors
    /// The first item that cannot be read, or a missing mark.
    fn items(&mut self, open: &str, close: &str) -> Result<Vec<Expr>> {
        self.expect(open)?;
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.expr()?);
            if !self.take(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    /// Reads a mark without skipping blanks, as inside a text.
    fn take_exactly(&mut self, mark: &str) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Returns the next bytes and moves the place behind them.
    ///
    /// `end` must be at the boundary of a character.
    fn cut(&mut self, end: usize) -> &'a str {
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        part
    }

    /// Returns everything after this place.
    ///
    /// Blanks and comments before the next item are still there, as they are skipped only by the
    /// next read.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Returns the text that comes next, for messages.
    ///
    /// It has at most 40 characters and ends at the end of the line, so that a message stays in one
    /// line.
    pub(crate) fn ahead(&self) -> String {
        self.rest
            .chars()
            .take(40)
            .take_while(|c| *c != '\n')
            .collect()
    }
}
