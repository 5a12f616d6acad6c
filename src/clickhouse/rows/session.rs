//! `batch_processing_sessions`: what one batch adds to its session. The session itself is the view's sum over these.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money, count};
use crate::clickhouse::{Stored, Table};
use crate::model::{ArticleBatch, NanoUsd, Timestamp, session_limit};

/// A row of `batch_processing_sessions`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct SessionRow<'a> {
    session_id: &'a str,
    run_id: &'a str,
    batch_id: &'a str,
    account: &'a str,
    budget_usd: Money,
    articles_total: u32,
    articles_screened: u32,
    article_ids: Vec<&'a str>,
    close_reason: &'a str,
    started_at: Moment,
    closed_at: Moment,
    session_ends_at: Moment,
    version: i64,
}

impl<'a> SessionRow<'a> {
    /// The row of a batch, where a session may spend `budget` unless its name says less.
    #[must_use]
    pub fn new(batch: &'a ArticleBatch, budget: NanoUsd) -> Self {
        Self {
            session_id: &batch.session_id,
            run_id: &batch.run_id,
            batch_id: &batch.batch_id.0,
            account: &batch.account,
            budget_usd: session_limit(&batch.session_id, budget).into(),
            articles_total: count(batch.articles.len()),
            articles_screened: count(batch.screened.len()),
            article_ids: batch.articles.iter().map(|article| article.article_id.as_str()).collect(),
            close_reason: batch.close_reason.as_str(),
            started_at: batch.opened_at.into(),
            closed_at: batch.closed_at.into(),
            session_ends_at: ends_at(&batch.session_id).unwrap_or(batch.closed_at).into(),
            version: batch.closed_at.0,
        }
    }
}

impl Stored for SessionRow<'_> {
    const TABLE: Table = Table::Sessions;

    fn bytes(row: &SessionRow<'_>) -> usize {
        let articles = row.article_ids.iter().map(|id| id.len() + 1).sum::<usize>();
        FIXED_BYTES + articles + row.session_id.len() + row.account.len()
    }
}

/// When the period of an hourly (`2026-11-22T04`) or daily (`2026-11-22`) session is over; `None` for any other name.
fn ends_at(session_id: &str) -> Option<Timestamp> {
    use jiff::{ToSpan, civil};
    let (date, hour) = session_id.split_once('T').map_or((session_id, None), |(date, hour)| (date, Some(hour)));
    let start = civil::Date::strptime("%Y-%m-%d", date).ok()?;
    let end = match hour {
        None => start.at(0, 0, 0, 0).checked_add(1.day()),
        Some(hour) => start.at(hour.parse().ok().filter(|hour| (0..24).contains(hour))?, 0, 0, 0).checked_add(1.hour()),
    };
    let zoned = end.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_period() {
        for (id, end) in [
            ("2026-11-22", Some(1_795_392_000_000)),
            ("2026-11-22T04", Some(1_795_323_600_000)),
            ("2026-11-22T23", Some(1_795_392_000_000)),
            ("2026-11-22T24", None),
            ("autumn", None),
            ("Tuesday", None),
            ("replay:2026-11-22", None),
            ("9999-12-31", None),
            ("", None),
        ] {
            assert_eq!(ends_at(id).map(|time| time.0), end, "{id}");
        }
    }
}
