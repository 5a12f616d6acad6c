//! What kind of statement a text is, as far as the front has to know it.
//!
//! The engine loses rows when data stands behind the statement in one text, so an INSERT is cut into three:
//! the statement, the format, and where its data begins. For the rest, the first word decides how the
//! statement is run. This reads tokens only and never judges: a text that makes no sense goes to the engine,
//! which says why.
//!
//! One pass over the text, no allocation beyond two words, no recursion.

/// Heredocs without an end after which dollar signs mean nothing any more: looking for an end that is not
/// there reads the whole rest of the text.
const FENCES_MISSED_MAX: usize = 16;
/// Longest tag of a heredoc.
const TAG_BYTES_MAX: usize = 64;

/// What was found out about a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// The first word, in upper case; empty when there is none.
    pub verb: String,
    /// The name after FORMAT in a statement without data.
    pub format: Option<String>,
    /// Set for an INSERT that brings data.
    pub insert: Option<InsertParts>,
    /// Whether the word TOTALS occurs outside quotes.
    pub totals: bool,
}

/// How the text of an INSERT with data is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertParts {
    /// Length of the statement without its FORMAT or VALUES clause.
    pub statement_end: usize,
    /// The format of the data.
    pub format: String,
    /// Where in the text the data starts; the text's length when none has come yet.
    pub data_start: usize,
}

impl Statement {
    /// Whether a read-only request may run it.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(
            self.verb.as_str(),
            "SELECT" | "WITH" | "FROM" | "SHOW" | "DESCRIBE" | "DESC" | "EXPLAIN" | "EXISTS" | "SET" | "USE"
        )
    }
}

/// Reads a text.
#[must_use]
pub fn classify(text: &[u8]) -> Statement {
    let mut found = Statement::default();
    let mut tokens = Tokens::new(text);
    let mut depth = 0_usize;
    let mut opened = false;
    let mut selects = false;
    while let Some(token) = tokens.next() {
        let just_opened = std::mem::replace(&mut opened, token == Token::Open);
        let (start, end) = match token {
            Token::Open => {
                depth += 1;
                continue;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Token::Other => continue,
            Token::Word(start, end) => (start, end),
        };
        let word = &text[start..end];
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        if found.verb.is_empty() {
            found.verb = upper(word);
            continue;
        }
        found.totals |= is("TOTALS");
        let inserts = found.verb == "INSERT" && !selects;
        if is("SELECT") || is("WITH") || is("WATCH") {
            // Inside parentheses only right after the first one: `INSERT INTO t (SELECT …)`.
            selects |= depth == 0 || (depth == 1 && just_opened);
        } else if depth == 0 && inserts && is("VALUES") {
            found.insert = Some(InsertParts { statement_end: start, format: "Values".to_owned(), data_start: end });
            return found;
        } else if depth == 0 && is("FORMAT") {
            let mut ahead = tokens.clone();
            let Some(Token::Word(start_of_name, end_of_name)) = ahead.next() else {
                continue;
            };
            let name = String::from_utf8_lossy(&text[start_of_name..end_of_name]).into_owned();
            if inserts {
                found.insert =
                    Some(InsertParts { statement_end: start, format: name, data_start: data_start(text, end_of_name) });
                return found;
            }
            // Otherwise it is a column of that name, as in `SELECT format FROM t`.
            if ahead.at_end_of_clauses() {
                found.format = Some(name);
            }
        }
    }
    found
}

/// Data begins after the format's name, blanks and at most one line end; a format may start with a blank
/// line, and binary data with any byte but these.
fn data_start(text: &[u8], end_of_name: usize) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let blanks = text[end_of_name..].iter().take_while(|byte| blank(byte)).count();
    let at = end_of_name + blanks;
    at + usize::from(text.get(at) == Some(&b'\n'))
}

fn upper(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// An unquoted word: start and end.
    Word(usize, usize),
    Open,
    Close,
    /// A quoted text or name, a number, an operator.
    Other,
}

/// Cuts a text into tokens; comments and blanks are none.
#[derive(Clone)]
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    fences_missed: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, fences_missed: 0 }
    }

    /// Whether nothing more comes, or only what may stand behind FORMAT.
    fn at_end_of_clauses(mut self) -> bool {
        match self.next() {
            None => true,
            Some(Token::Word(start, end)) => self.text[start..end].eq_ignore_ascii_case(b"SETTINGS"),
            Some(Token::Other) => self.text.get(self.at - 1) == Some(&b';'),
            Some(Token::Open | Token::Close) => false,
        }
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            let rest = self.text.get(self.at..)?;
            let first = *rest.first()?;
            match first {
                b'-' if rest.starts_with(b"--") => self.skip_line(),
                b'#' if rest.starts_with(b"# ") || rest.starts_with(b"#!") => self.skip_line(),
                b'/' if rest.starts_with(b"/*") => self.skip_comment(),
                _ if first.is_ascii_whitespace() => self.at += 1,
                b'\'' | b'"' | b'`' => {
                    self.skip_quoted(first);
                    return Some(Token::Other);
                }
                b'$' => {
                    self.skip_heredoc();
                    return Some(Token::Other);
                }
                b'(' => return Some(self.single(Token::Open)),
                b')' => return Some(self.single(Token::Close)),
                _ if is_word(first) => {
                    let start = self.at;
                    self.at += rest.iter().take_while(|byte| is_word(**byte)).count();
                    return Some(if first.is_ascii_digit() { Token::Other } else { Token::Word(start, self.at) });
                }
                _ => return Some(self.single(Token::Other)),
            }
        }
    }

    fn single(&mut self, token: Token) -> Token {
        self.at += 1;
        token
    }

    fn skip_line(&mut self) {
        let line = self.text[self.at..].iter().take_while(|byte| **byte != b'\n');
        self.at += line.count();
    }

    /// Comments nest in ClickHouse.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    /// A backslash escapes the next byte. A doubled quote reads as two texts side by side, which is as good.
    fn skip_quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == quote {
                return;
            }
        }
    }

    /// `$tag$ … $tag$`, with a tag that may be empty; anything else is a lone dollar sign.
    fn skip_heredoc(&mut self) {
        let rest = &self.text[self.at..];
        let tag = rest[1..].iter().take(TAG_BYTES_MAX).take_while(|byte| is_word(**byte)).count();
        self.at += 1;
        if rest.get(1 + tag) != Some(&b'$') || self.fences_missed >= FENCES_MISSED_MAX {
            return;
        }
        let fence = &rest[..tag + 2];
        let body = &rest[fence.len()..];
        match body.windows(fence.len()).position(|window| window == fence) {
            Some(end) => self.at += fence.len() - 1 + end + fence.len(),
            None => self.fences_missed += 1,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests;
