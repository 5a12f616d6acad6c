//! Bodies of type `multipart/form-data`: how the official crate sends a statement with parameters.
//!
//! Fields mean what parameters of the URL mean. Files, by which ClickHouse takes external tables, are refused.
//! Format: RFC 7578.

use super::exception::{Exception, Result};

/// Fields of one form.
const FIELDS_MAX: usize = 1024;

/// The boundary, when a `Content-Type` is that of a form.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("boundary="))
        .map(|boundary| boundary.trim_matches('"'))
        .filter(|boundary| !boundary.is_empty())
}

/// Names and values of a form's fields.
///
/// # Errors
/// When the body is no form with that boundary, a field is a file, or there are too many.
pub fn fields(body: &[u8], boundary: &str) -> Result<Vec<(String, String)>> {
    let body = std::str::from_utf8(body).map_err(|_invalid| odd("the form is not UTF-8"))?;
    // Every boundary stands at the start of a line; the first line of the body has no line before it.
    let (opening, delimiter) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let parts = body.strip_prefix(&opening).ok_or_else(|| odd("the form starts with no boundary"))?;
    let mut fields = Vec::new();
    let mut closed = false;
    for part in parts.split(&delimiter) {
        if part.starts_with("--") {
            closed = true;
            break;
        }
        if fields.len() >= FIELDS_MAX {
            return Err(odd(&format!("the form has more than {FIELDS_MAX} fields")));
        }
        fields.push(field(part)?);
    }
    if closed { Ok(fields) } else { Err(odd("the form is cut short")) }
}

fn field(part: &str) -> Result<(String, String)> {
    let (head, value) =
        part.split_once("\r\n\r\n").ok_or_else(|| odd("a field of the form has no end of its headers"))?;
    let disposition = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))
        .ok_or_else(|| odd("a field of the form has no name"))?;
    let attribute = |name: &str| {
        disposition
            .split(';')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    if attribute("filename").is_some() {
        let what = "external tables are not supported here";
        return Err(Exception::new(48, "NOT_IMPLEMENTED", what));
    }
    let name = attribute("name").ok_or_else(|| odd("a field of the form has no name"))?;
    Ok((name, value.to_owned()))
}

fn odd(what: &str) -> Exception {
    Exception::new(36, "BAD_ARGUMENTS", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundary_of_a_form_only() {
        assert_eq!(boundary("multipart/form-data; boundary=\"x y\""), Some("x y"));
        assert_eq!(boundary("Multipart/Form-Data;charset=x; boundary=b"), Some("b"));
        for other in ["text/plain; boundary=b", "multipart/form-data", "multipart/form-data; boundary="] {
            assert_eq!(boundary(other), None, "{other}");
        }
    }

    #[test]
    fn fields_keep_their_values_byte_by_byte() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT '--b'\r\n\r\n\
                    --b\r\nX: y\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\n\r\n--b--\r\n";
        let expected =
            [("query", "SELECT '--b'\r\n"), ("param_a", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields(body.as_bytes(), "b").unwrap(), expected);
        let end = body.find("--b--").unwrap();
        for n in 0..end {
            assert!(fields(&body.as_bytes()[..n], "b").is_err(), "cut after {n}");
        }
    }

    #[test]
    fn files_and_nonsense_are_refused() {
        let file = "--b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t\"\r\n\r\n1\r\n--b--";
        assert_eq!(fields(file.as_bytes(), "b").unwrap_err().code(), 48);
        for odd in ["", "--b", "--b\r\n\r\n1\r\n--b--", "\u{0}"] {
            assert_eq!(fields(odd.as_bytes(), "b").unwrap_err().code(), 36, "{odd:?}");
        }
        let many = format!("{}--b--", "--b\r\nContent-Disposition: x; name=a\r\n\r\n\r\n".repeat(2000));
        assert_eq!(fields(many.as_bytes(), "b").unwrap_err().code(), 36);
    }
}
