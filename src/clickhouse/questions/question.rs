//! A question as it grows: its text, and the values that are bound to it, in their order.

use std::time::Duration;

use clickhouse::query::{Query, RowCursor};
use clickhouse::{RowOwned, RowRead};

use crate::clickhouse::{Failure, Store};

/// The longest that the server works on one of these questions: somebody waits for the answer.
const WORK_MAX: Duration = Duration::from_secs(10);
/// The longest text of one of these questions, in bytes. A page names up to 501 ids of a kilobyte, each byte of which may
/// need a backslash: that is one MiB, and 256 KiB are the most that a server reads by itself.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// A value of a question.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Integer(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Text and values.
#[derive(Debug, Clone)]
pub(super) struct Question {
    sql: String,
    values: Vec<Value>,
}

impl Question {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Goes on with `sql`, in which nothing is bound.
    pub(super) fn and(mut self, sql: &str) -> Self {
        self.sql.push_str(sql);
        self
    }

    /// Goes on with `sql`, in which `value` stands for its one `?`.
    pub(super) fn with(mut self, sql: &str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.and(sql)
    }

    /// The same where there is a value.
    pub(super) fn when(self, sql: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(sql, value),
            None => self,
        }
    }

    /// One more value, for a `?` of a text that `with` has brought.
    pub(super) fn bound(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    fn on(self, store: &Store, work_max: Duration) -> Query {
        let query = store
            .client
            .query(&self.sql)
            .with_setting("max_execution_time", work_max.as_secs().to_string())
            .with_setting("max_query_size", TEXT_BYTES_MAX.to_string());
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Texts(texts) => query.bind(texts),
            Value::Integer(number) => query.bind(number),
        })
    }

    /// Every row of the answer: the question says how many there are at most.
    pub(super) async fn all<T: RowOwned + RowRead>(self, store: &Store) -> Result<Vec<T>, Failure> {
        store.all(self.on(store, WORK_MAX)).await
    }

    /// The rows one by one, of an answer that may be long: the server may work on it for as long as we wait for a row.
    pub(super) fn stream<T: RowOwned + RowRead>(self, store: &Store) -> Result<RowCursor<T>, Failure> {
        let query = self.on(store, store.settings.query_timeout);
        query.fetch::<T>().map_err(Failure::from)
    }

    /// The first row, where there is one.
    pub(super) async fn first<T: RowOwned + RowRead>(self, store: &Store) -> Result<Option<T>, Failure> {
        Ok(self.all(store).await?.into_iter().next())
    }
}

/// A number of rows as a question says it.
pub(super) fn rows(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
