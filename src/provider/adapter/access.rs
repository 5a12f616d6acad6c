//! How a service is entered: its name, address and key.
//!
//! Invariant: nothing prints the key; what comes back never holds it.

use std::time::Duration;

use memchr::memmem;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Unfit;
use crate::config::{HttpUrl, REDACTED, REDACTED_BYTES_MIN, Secret};

/// A service, entered.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// Such as `gemini`.
    pub name: &'static str,
    /// For one call, from the first connection attempt to the last byte.
    pub timeout: Duration,
    base: Url,
    headers: HeaderMap,
    key: Option<Secret>,
}

impl Access {
    /// Entered without a key.
    pub fn open(name: &'static str, base: &HttpUrl, timeout: Duration) -> Result<Self, Unfit> {
        let base = Url::parse(base.as_str()).map_err(|_| Unfit::Url(base.to_string()))?;
        Ok(Self { name, timeout, base, headers: HeaderMap::new(), key: None })
    }

    /// With a `header` in every request.
    pub fn with(mut self, header: HeaderName, value: &'static str) -> Self {
        self.headers.insert(header, HeaderValue::from_static(value));
        self
    }

    /// With the key in `header`, behind `scheme`. `variable` is where it comes from.
    pub fn with_key(
        mut self,
        header: HeaderName,
        scheme: &str,
        key: &Secret,
        variable: &'static str,
    ) -> Result<Self, Unfit> {
        let text = format!("{scheme}{}", key.expose());
        let mut value = HeaderValue::try_from(text).map_err(|_| Unfit::Key(variable))?;
        value.set_sensitive(true);
        self.headers.insert(header, value);
        self.key = Some(key.clone());
        Ok(self)
    }

    pub fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// The address of `path` below the base, each part escaped.
    pub fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Addresses that cannot have paths are none of http.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Whether the address is at `host`.
    pub fn is_at(&self, host: &str) -> bool {
        self.base.host_str() == Some(host)
    }

    /// A body without the key: some services and gateways repeat what they were sent.
    pub fn scrub(&self, body: Vec<u8>) -> Vec<u8> {
        let key = self.key.as_ref().map_or("", Secret::expose).as_bytes();
        if key.len() < REDACTED_BYTES_MIN || memmem::find(&body, key).is_none() {
            return body;
        }
        let mut scrubbed = Vec::with_capacity(body.len());
        let mut kept = 0;
        for at in memmem::find_iter(&body, key) {
            scrubbed.extend_from_slice(&body[kept..at]);
            scrubbed.extend_from_slice(REDACTED.as_bytes());
            kept = at + key.len();
        }
        scrubbed.extend_from_slice(&body[kept..]);
        scrubbed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(base: &str) -> Access {
        let open = Access::open("gemini", &HttpUrl::parse(base).unwrap(), Duration::from_secs(1)).unwrap();
        open.with_key(HeaderName::from_static("x-goog-api-key"), "", &Secret::new("hunter22"), "GEMINI_API_KEY")
            .unwrap()
    }

    #[test]
    fn paths_are_escaped_below_the_base() {
        for (base, path, url) in [
            ("http://h/v1beta", &["models", "gemini-2.5:ask"][..], "http://h/v1beta/models/gemini-2.5:ask"),
            ("http://h:1/", &["search"], "http://h:1/search"),
            ("http://h", &["models", "a/../b?key=c#d e"], "http://h/models/a%2F..%2Fb%3Fkey=c%23d%20e"),
        ] {
            assert_eq!(access(base).url(path).as_str(), url);
        }
        assert!(access("https://api.openai.com/v1").is_at("api.openai.com"));
        assert!(!access("https://api.openai.com.example/v1").is_at("api.openai.com"));
    }

    #[test]
    fn the_key_is_neither_shown_nor_given_back() {
        let access = access("http://h");
        assert!(!format!("{access:?}").contains("hunter22"), "{access:?}");
        for (body, scrubbed) in [
            ("wrong key hunter22, hunter22", "wrong key ***, ***"),
            ("hunter", "hunter"),
            ("hunter22", "***"),
            ("", ""),
        ] {
            assert_eq!(access.scrub(body.into()), scrubbed.as_bytes());
        }
        let word = Secret::new("ollama");
        let local = Access::open("openai", &HttpUrl::parse("http://h").unwrap(), Duration::from_secs(1)).unwrap();
        let local = local.with_key(HeaderName::from_static("x"), "", &word, "OPENAI_API_KEY").unwrap();
        assert_eq!(local.scrub("ollama runs it".into()), b"ollama runs it");
        let secret = Secret::new("hunter\n2");
        let error = access.with_key(HeaderName::from_static("x"), "", &secret, "GEMINI_API_KEY").unwrap_err();
        assert_eq!(error, Unfit::Key("GEMINI_API_KEY"));
    }
}
