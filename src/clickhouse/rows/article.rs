//! `articles`: every article that could be decoded, admitted or screened.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, count};
use crate::clickhouse::{Stored, Table};
use crate::model::Article;

/// A row of `articles`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct ArticleRow<'a> {
    run_id: &'a str,
    article_id: &'a str,
    title: &'a str,
    text: &'a str,
    publisher: &'a str,
    url: &'a str,
    published_at: Moment,
    date_inferred: bool,
    received_at: Moment,
    language: &'a str,
    text_chars: u32,
    content_hash: &'a str,
    screen: &'a str,
    near_duplicate_of: &'a str,
    origin: &'a str,
    version: i64,
}

impl<'a> ArticleRow<'a> {
    /// The row of an article that came with the run `run_id`.
    #[must_use]
    pub fn new(article: &'a Article, run_id: &'a str) -> Self {
        Self {
            run_id,
            article_id: &article.article_id,
            title: &article.title,
            text: &article.text,
            publisher: &article.publisher,
            url: &article.url,
            published_at: article.published_at.into(),
            date_inferred: article.date_inferred,
            received_at: article.received_at.into(),
            language: &article.language,
            text_chars: count(usize::try_from(article.text_chars).unwrap_or(0)),
            content_hash: &article.content_hash,
            screen: article.screen.as_str(),
            near_duplicate_of: &article.near_duplicate_of,
            origin: &article.origin,
            version: article.version,
        }
    }
}

impl Stored for ArticleRow<'_> {
    const TABLE: Table = Table::Articles;

    fn bytes(row: &ArticleRow<'_>) -> usize {
        FIXED_BYTES + row.text.len() + row.title.len() + row.url.len() + row.publisher.len() + row.article_id.len()
    }
}
