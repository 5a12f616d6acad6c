//! Log lines on standard error: for people, or one JSON object a line.
//!
//! Libraries that log through the `log` crate (rdkafka does) are taken in. Loud ones speak from `warn` on unless the
//! filter names them. No line holds a secret: the type of secrets prints as `***`.

use std::fmt::Display;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// What is logged where nobody says otherwise.
const FILTER_DEFAULT: &str = "info";
/// Libraries that tell more at `info` than anybody wants to read. What the user says comes after it and wins.
const QUIET: &str = "rdkafka=warn,librdkafka=warn,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,rustls=warn";
/// What a library tells word for word of an answer, in which a gateway may have repeated our password. We tell of failures
/// ourselves, without it. It comes after what the user says and wins.
const SILENT: &str = "clickhouse::error=off";

/// How lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, in colours on a terminal.
    #[default]
    Human,
    /// One object a line, the fields of the event at the top, the spans around it in `spans`.
    Json,
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error("{filter:?} is no log filter such as `info` or `info,signalmill::kafka=debug`: {source}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Somebody else has begun to log already.
    #[error("logging was started twice")]
    Twice,
}

/// Starts to log to standard error. `filter` is in the language of `RUST_LOG`; `None`: `info`.
///
/// # Errors
/// The filter cannot be read, or logging was started before.
pub fn init(filter: Option<&str>, format: Format) -> Result<(), Error> {
    let colours = io::stderr().is_terminal();
    subscriber(filter, format, colours, io::stderr)?.try_init().map_err(|_| Error::Twice)
}

fn subscriber<W>(
    filter: Option<&str>,
    format: Format,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = self::filter(filter.unwrap_or(FILTER_DEFAULT))?;
    let base = fmt().with_env_filter(filter).with_writer(writer);
    Ok(match format {
        Format::Human => Box::new(base.with_ansi(colours).finish()),
        Format::Json => Box::new(base.json().flatten_event(true).with_current_span(false).finish()),
    })
}

fn filter(given: &(impl Display + ?Sized)) -> Result<EnvFilter, Error> {
    let given = given.to_string();
    EnvFilter::builder()
        .parse(format!("{QUIET},{given},{SILENT}"))
        .map_err(|source| Error::Filter { filter: given, source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, info_span, warn};

    use super::*;
    use crate::config::Secret;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: Option<&str>, format: Format, body: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(filter, format, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, body);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_a_gateway_answered_is_not_logged_word_for_word() {
        let answered = || debug!(target: "clickhouse::error", "X-ClickHouse-Key: hunter22");
        for filter in ["debug", "trace,clickhouse=trace"] {
            assert_eq!(logged(Some(filter), Format::Human, answered), "", "{filter}");
        }
    }

    #[test]
    fn a_line_has_its_fields_and_spans_and_no_secret() {
        let secret = Secret::new("hunter2");
        for format in [Format::Human, Format::Json] {
            let text = logged(None, format, || {
                let _span = info_span!("hop", hop = "score", %secret).entered();
                info!(?secret, plain = %secret, rows = 3, "landed");
                debug!("not shown");
            });
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains("hunter2") && text.contains("***"), "{text}");
            assert!(text.contains("landed") && text.contains("rows") && text.contains("score"), "{text}");
            if format == Format::Json {
                let line: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!((&line["rows"], &line["spans"][0]["hop"]), (&3.into(), &"score".into()));
            }
        }
    }

    #[test]
    fn loud_libraries_are_quiet_unless_named() {
        let speak = || {
            info!(target: "librdkafka", "loud");
            warn!(target: "librdkafka", "trouble");
        };
        let text = logged(Some("debug"), Format::Human, speak);
        assert!(!text.contains("loud") && text.contains("trouble"), "{text}");
        assert!(logged(Some("warn,librdkafka=info"), Format::Human, speak).contains("loud"));
        assert!(init(Some("a=b=c"), Format::Human).is_err());
    }
}
