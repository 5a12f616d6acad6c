//! Reads the source tree just closely enough: code without comments and literals, functions, imports, modules.
//!
//! No parser: what it looks for is unmistakable once comments, strings and characters are blanked out. Lines stay
//! where they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Which files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of the program.
    Source,
    /// Of the tests.
    Test,
    /// All Rust files there are.
    Any,
}

/// A source file.
#[derive(Debug)]
pub struct File {
    /// From the root of the repository, such as `src/flow/mod.rs`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The same without comments and the insides of literals.
    pub code: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Where it begins, from 1.
    pub line: usize,
    /// From its signature to its last brace.
    pub lines: usize,
}

/// The files of a role, in the order of their paths.
pub fn files(role: Role) -> Vec<File> {
    let folders: &[&str] = match role {
        Role::Source => &["src"],
        Role::Test => &["tests/it"],
        Role::Any => &["src", "tests", "benches"],
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), &mut files);
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(files.len() > 10, "the tree is found: {}", files.len());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    // There may be no benchmarks.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push(File { path, code: code(&text), text });
        }
    }
}

impl File {
    /// The module of the crate that it belongs to: `flow` for `src/flow/hop.rs`.
    pub fn module(&self) -> &str {
        let inside = self.path.split('/').nth(1).unwrap_or_default();
        inside.trim_end_matches(".rs")
    }

    /// `mod x;` lines, `mod x { … }` left out.
    pub fn declared_modules(&self) -> Vec<String> {
        words_after(&self.code, "mod")
            .filter(|(_, rest)| rest.trim_start().starts_with(';'))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// The first names of all paths that begin with `crate::`, also of those in braces.
    pub fn imports_of_crate(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, _) in self.code.match_indices("crate::") {
            let rest = &self.code[at + "crate::".len()..];
            let Some(list) = rest.strip_prefix('{') else {
                found.insert(first_word(rest).to_owned());
                continue;
            };
            let (mut depth, mut begins) = (0, true);
            for (at, letter) in list.char_indices() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => begins = true,
                    _ if begins && !letter.is_whitespace() => {
                        found.insert(first_word(&list[at..]).to_owned());
                        begins = false;
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether a path begins with the name of this crate, and the name is not one of our own modules here.
    pub fn names_crate(&self, name: &str) -> bool {
        let local = self.code.split("use ").skip(1).any(|import| {
            let import = import.split(';').next().unwrap_or_default();
            first_word(import) != name && is_word(import, name)
        });
        let local = local || words_after(&self.code, "mod").any(|(module, _)| module == name);
        words(&self.code, name).any(|at| {
            let absolute = self.code[..at].strip_suffix("::");
            let first = match absolute {
                // `::name::…` names the crate for certain, `x::name::…` does not.
                Some(before) => !before.ends_with(|letter: char| is_of_name(letter) || letter == '>'),
                None => !local || self.code[..at].ends_with("use "),
            };
            first && self.code[at + name.len()..].starts_with("::")
        })
    }

    /// Whether this word stands in the code.
    pub fn has_word(&self, word: &str) -> bool {
        is_word(&self.code, word)
    }

    /// All functions with a body, inner ones too.
    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (name, rest) in words_after(&self.code, "fn") {
            // A pointer to a function has no name, a declaration no body.
            let Some(body) = rest.find(['{', ';']).filter(|at| rest[*at..].starts_with('{')) else { continue };
            let mut depth = 0;
            let end = rest[body..].char_indices().find(|(_, letter)| {
                depth += i32::from(*letter == '{') - i32::from(*letter == '}');
                depth == 0
            });
            let length = end.map_or(rest.len(), |(at, _)| body + at);
            let before = &self.code[..self.code.len() - rest.len()];
            let lines = rest[..length].matches('\n').count() + 1;
            found.push(Function { name: name.to_owned(), line: before.matches('\n').count() + 1, lines });
        }
        found
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn first_word(text: &str) -> &str {
    text.split(|letter| !is_of_name(letter)).next().unwrap_or_default()
}

/// Where `word` stands as a word of its own.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !text[..*at].ends_with(is_of_name) && !text[at + word.len()..].starts_with(is_of_name))
}

/// Whether `word` stands somewhere as a word of its own.
pub fn is_word(text: &str, word: &str) -> bool {
    words(text, word).next().is_some()
}

/// The names that follow a keyword, each with what comes after it.
fn words_after<'a>(code: &'a str, keyword: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    words(code, keyword).filter_map(move |at| {
        let rest = code[at + keyword.len()..].strip_prefix(' ')?;
        let name = first_word(rest);
        (!name.is_empty()).then(|| (name, &rest[name.len()..]))
    })
}

/// The code alone: comments and the insides of literals become spaces, line breaks stay.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, code.ends_with(is_of_name)));
        let length = skipped.unwrap_or(letter.len_utf8());
        match skipped {
            Some(length) => code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push(letter),
        }
        rest = &rest[length..];
    }
    code
}

/// How long the comment is that begins here.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*").then(|| text.find("*/").map_or(text.len(), |end| end + 2))
}

/// How long the string or character is that begins here.
fn literal(text: &str, inside_name: bool) -> Option<usize> {
    let start = text.trim_start_matches(['b', 'c']);
    if let Some(raw) = start.strip_prefix('r').filter(|_| !inside_name) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(inside) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let begins = text.len() - inside.len();
            return Some(inside.find(&end).map_or(text.len(), |at| begins + at + end.len()));
        }
    }
    if let Some(inside) = text.strip_prefix('"') {
        return Some(1 + closing(inside, '"')?);
    }
    let inside = text.strip_prefix('\'')?;
    let mut letters = inside.chars();
    // A lifetime is a quote too: only the second one makes it a character.
    let character = match letters.next()? {
        '\\' => true,
        _ => letters.next()? == '\'',
    };
    if character { Some(1 + closing(inside, '\'')?) } else { None }
}

/// Where a literal ends, just after `quote`.
fn closing(inside: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let file = |text: &str| File { path: "src/a/b.rs".into(), code: code(text), text: text.into() };
    let text = "use crate::{x::{y, z}, w};\n// crate::no\nfn f<'a>(c: char) -> &'a str {\n    if c == '{' || c == '\\'' { \
                r#\"} crate::no \"#; }\n    \"\\\"}\"\n}\ntype F = fn(u8);\nfn g();\nuse rdkafka::A; mod m; mod n {}\n";
    let file = file(text);
    assert_eq!(file.imports_of_crate().into_iter().collect::<Vec<_>>(), ["w", "x"]);
    assert_eq!(file.functions(), [Function { name: "f".into(), line: 3, lines: 4 }]);
    assert_eq!(file.declared_modules(), ["m"]);
    assert_eq!(file.module(), "a");
    assert!(file.names_crate("rdkafka") && !file.names_crate("reqwest"));
    let named =
        |text: &str| File { path: String::new(), text: String::new(), code: code(text) }.names_crate("clickhouse");
    assert!(named("use clickhouse::Row;") && named("x(::clickhouse::Row)") && named("clickhouse::Client::new()"));
    assert!(!named("use crate::clickhouse::{self, Store}; clickhouse::Settings {}") && !named("crate::clickhouse::X"));
}
