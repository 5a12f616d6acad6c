//! Secrets: values that come from the environment or a file named there, and that nothing prints.

use std::fmt;

/// What stands where somebody repeated a secret.
pub const REDACTED: &str = "***";
/// A shorter secret is a word that stands in for one at a server that needs none (`none`, `ollama`): a text may say it
/// without meaning it.
pub const REDACTED_BYTES_MIN: usize = 8;

/// A password, key or token. It can be read only by [`Secret::expose`]; it is never serialized and prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A `text` of somebody who was sent the secret, without it: some services and gateways repeat what they were sent.
    #[must_use]
    pub fn redact(&self, text: String) -> String {
        if self.0.len() < REDACTED_BYTES_MIN || !text.contains(&self.0) {
            text
        } else {
            text.replace(&self.0, REDACTED)
        }
    }

    /// The text, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// A token of the API and whose it is: `token=user` or `token=user:admin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What the caller shows.
    pub token: Secret,
    /// Who the caller is.
    pub user: String,
    /// May use `/admin` and name other users.
    pub admin: bool,
}

/// What is made of the text of a secret's variable.
pub(super) trait Custody: Sized {
    /// # Errors
    /// What the text should look like; never the text.
    fn take(text: &str) -> Result<Self, String>;
}

impl Custody for Option<Secret> {
    fn take(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| Secret::new(text)))
    }
}

impl Custody for Vec<Secret> {
    fn take(text: &str) -> Result<Self, String> {
        Ok(parts(text).map(Secret::new).collect())
    }
}

impl Custody for Vec<Token> {
    fn take(text: &str) -> Result<Self, String> {
        parts(text)
            .enumerate()
            .map(|(index, part)| {
                Token::parse(part)
                    .ok_or_else(|| format!("entry {} is not `token=user` or `token=user:admin`", index + 1))
            })
            .collect()
    }
}

impl Token {
    fn parse(text: &str) -> Option<Self> {
        // A token may end in `=` (base64): the user's name is what follows the last one.
        let (token, user) = text.rsplit_once('=')?;
        let (user, admin) = match user.split_once(':') {
            None => (user, false),
            Some((user, "admin")) => (user, true),
            Some(_) => return None,
        };
        (!token.is_empty() && !user.is_empty()).then(|| Self {
            token: Secret::new(token),
            user: user.to_owned(),
            admin,
        })
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let tokens = Vec::<Token>::take("hunter2==alice:admin, hunter3=bob").unwrap();
        let shown = format!("{tokens:?} {}", tokens[0].token);
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(tokens[0].token.expose(), "hunter2=");
        assert!(tokens[0].admin && !tokens[1].admin);
        for wrong in ["hunter2", "hunter2=", "=alice", "hunter2=alice:root"] {
            let error = Vec::<Token>::take(wrong).unwrap_err();
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
