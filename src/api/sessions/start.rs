//! `POST /api/sessions`: analyses what is ready, within a budget of its own.
//!
//! # Why the articles go through `articles.batches`
//! They are batches like any other, under the account of the configuration: its one owner buys for them, so that the
//! limits of the day and the month go on to hold. The session's own limit is part of its name (see
//! [`own_session_id`]), which every owner reads; it may be as high as `budget.session_usd` and no higher. What it does not
//! suffice for is deferred, waits in its session only, and is ready for another one.
//!
//! A record is sent at a time and each is waited for. Where that fails halfway, the session has the batches that arrived,
//! and the caller learns that it failed. Under the same `Idempotency-Key` the same user can ask again: that starts what is
//! left under the same [name](key) and limit, or names the session once the tables know it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, response::IntoResponse, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::key;
use super::started::Started;
use crate::api::articles::ready_filter;
use crate::api::extract::{self, Query};
use crate::api::{Api, Caller, Problem, list};
use crate::clickhouse::SessionState;
use crate::clickhouse::questions::ReadyFilter;
use crate::config::Provider;
use crate::flow::Outgoing;
use crate::model::{
    Article, ArticleBatch, CloseReason, Id, LIVE_RUN, NanoUsd, Timestamp, identity, own_session_id, own_session_prefix,
};
use crate::provider::adapter;
use crate::provider::estimate::Expected;
use crate::wire::headers::Headers;

/// Articles of a session where nobody says how many.
const ARTICLES: u64 = 100;
const ARTICLES_MIN: u64 = 10;
const ARTICLES_MAX: u64 = 1_000;
/// The header by which a wish that is repeated is known.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest value of it.
const KEY_BYTES_MAX: usize = 255;

pub(super) fn admins() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(start))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct How {
    /// `true`: says what would be done, and does nothing.
    dry_run: Option<bool>,
}

/// What is to be analysed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = SessionWish)]
struct Wish {
    /// Articles at most; 100 where it is left out.
    #[schema(minimum = 10, maximum = 1000)]
    limit: Option<u64>,
    /// What may be spent at most, in dollars; `budget.session_usd` where it is left out, and never more.
    #[schema(minimum = 0)]
    budget_usd: Option<f64>,
    /// Of this publisher only.
    #[schema(max_length = 1000)]
    publisher: Option<String>,
    /// Characters of clean text at least; `articles.ready_chars` where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000)]
    min_chars: Option<u64>,
}

/// What is analysed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SessionStarted)]
pub(super) struct Accepted {
    /// Whether nothing was done.
    dry_run: bool,
    /// The new session; not of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
    /// `open`; not of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// Where to look how it goes; not of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_status_url: Option<String>,
    /// How many articles.
    pub(super) articles: u64,
    /// In how many batches.
    pub(super) batches: u64,
    /// What may be spent at most, in dollars.
    budget_usd: f64,
    /// What it is expected to cost.
    estimate: Estimate,
    /// Who analyses: `gemini`, `openai`, `lexicon`.
    analyzer: &'static str,
    /// The configured model; empty for the lexicon.
    model: String,
}

/// What a session is expected to cost, in dollars.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = SessionEstimate)]
struct Estimate {
    /// What half of such sessions stay below.
    usd_p50: f64,
    /// One question for each article at its worst, with its research where that is enabled.
    usd_worst: f64,
    /// How many of the articles the budget is expected to suffice for.
    articles_affordable: u64,
}

/// A wish that can be met.
struct Meant {
    filter: ReadyFilter,
    articles: u64,
    budget: NanoUsd,
    /// Of the whole wish, to tell it from another under the same key.
    wish: Id,
    /// What sessions of this user and this key are called, where it has a key.
    key: Option<String>,
    session_id: String,
}

/// Analyse what is ready, within a budget of its own
///
/// With `dry_run=true` (200) says how many articles that would be, and what they are expected to cost. Otherwise (202)
/// starts a session of them. 409 `nothing_ready` where there is nothing to analyse, `budget_above_limit` for more than
/// `budget.session_usd`, `key_reused` for an `Idempotency-Key` that the user sent with another wish before.
#[utoipa::path(
    post, path = "/api/sessions", tag = "sessions", request_body = Wish,
    params(How, ("Idempotency-Key" = Option<String>, Header, description = "The same wish of the same user with the same key starts one session", max_length = 255)),
    responses((status = OK, body = Accepted), (status = ACCEPTED, body = Accepted))
)]
async fn start(
    State(api): State<Api>,
    caller: Caller,
    Query(how): Query<How>,
    headers: HeaderMap,
    extract::Json(wish): extract::Json<Fields>,
) -> Result<Response, Problem> {
    let now = api.clock().now();
    let meant = meant(&api, &caller, wish_of(wish)?, &headers, now)?;
    let starts = &api.reads().starts;
    let _turn = starts.turn.lock().await;
    let is_dry = how.dry_run.unwrap_or(false);
    if !is_dry && let Some(before) = repeated(&api, &meant, now).await? {
        return Ok((StatusCode::ACCEPTED, Json(before)).into_response());
    }
    let (articles, accepted) = chosen(&api, &meant, now).await?;
    if is_dry {
        return Ok(Json(accepted).into_response());
    }
    let Meant { key, wish, session_id, budget: limit, .. } = meant;
    let article_ids = articles.iter().map(|article| article.article_id.clone()).collect();
    let batches = api.reads().batches(&api).await?;
    for batch in batches_of(&api, articles, &session_id, now) {
        let record = batches.record(&batch).map_err(|error| Problem::internal(&format!("{error:#}")))?;
        send(&api, &record).await?;
    }
    let accepted = Accepted {
        dry_run: false,
        check_status_url: Some(format!("/api/sessions/{session_id}")),
        session_id: Some(session_id),
        status: Some("open"),
        ..accepted
    };
    starts.remember(Started { at: now, key, wish, limit, accepted: accepted.clone(), article_ids });
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

/// Sends one record.
pub(super) async fn send(api: &Api, record: &Outgoing) -> Result<(), Problem> {
    let Outgoing { topic, key, value, headers, .. } = record;
    let (key, value) = (key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
    let headers: &Headers = headers;
    api.post().send(topic, key, value, headers).await.map(drop).map_err(|error| Problem::kafka(&error))
}

/// The fields of a body.
type Fields = serde_json::Map<String, serde_json::Value>;

/// A struct is read from a list too, and `[]` would be a wish for everything: only an object is one.
fn wish_of(fields: Fields) -> Result<Wish, Problem> {
    let wish = serde_json::from_value(serde_json::Value::Object(fields));
    wish.map_err(|error| Problem::invalid(format!("the body is no wish for a session: {error}")))
}

fn meant(api: &Api, caller: &Caller, wish: Wish, headers: &HeaderMap, now: Timestamp) -> Result<Meant, Problem> {
    let articles = list::within("limit", wish.limit.unwrap_or(ARTICLES), ARTICLES_MIN..=ARTICLES_MAX)?;
    let most = api.config().budget.session_usd;
    let budget = match wish.budget_usd {
        None => most,
        Some(usd) => amount(usd)?,
    };
    if budget > most {
        let message = format!("budget_usd is above budget.session_usd (${most}), the most that any session may spend");
        return Err(Problem::conflict("budget_above_limit", message));
    }
    let filter = ready_filter(api, wish.publisher, wish.min_chars)?;
    let key = match headers.get(IDEMPOTENCY_KEY).map(|key| key.to_str()) {
        None => None,
        Some(Ok(key)) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Some(key::name_of(caller.user(), key)),
        Some(_) => {
            return Err(Problem::invalid(format!("Idempotency-Key is 1 to {KEY_BYTES_MAX} letters of ASCII")));
        }
    };
    let (many, most, chars_min) = (articles.to_string(), budget.to_string(), filter.chars_min.to_string());
    let wish = identity(&["wish", &many, &most, filter.publisher.as_deref().unwrap_or_default(), &chars_min]);
    let name = match &key {
        Some(name) => key::with_wish(name, &wish),
        None => format!("{}-{:08x}", now.compact(), rand::random::<u32>()),
    };
    Ok(Meant { filter, articles, budget, wish, key, session_id: own_session_id(&name, budget) })
}

/// Dollars to the nano-dollar. A double has more digits than that below nine million dollars.
fn amount(usd: f64) -> Result<NanoUsd, Problem> {
    if !(usd > 0.0 && usd < 1e6) {
        return Err(Problem::conflict("budget_above_limit", "budget_usd is above 0, and at most budget.session_usd"));
    }
    format!("{usd:.9}").parse().map_err(|_| Problem::invalid("budget_usd is an amount of dollars such as 0.30"))
}

/// What came of the same wish before, where it has a key.
async fn repeated(api: &Api, meant: &Meant, now: Timestamp) -> Result<Option<Accepted>, Problem> {
    let Some(key) = &meant.key else { return Ok(None) };
    let reused =
        || Problem::conflict("key_reused", "this Idempotency-Key came with another wish before: take another key");
    if let Some(started) = api.reads().starts.called(key, now) {
        return if started.wish == meant.wish { Ok(Some(started.accepted)) } else { Err(reused()) };
    }
    let Some(session) = api.store().session_called(&own_session_prefix(key)).await? else { return Ok(None) };
    if session.session_id != meant.session_id {
        return Err(reused());
    }
    Ok(Some(remembered(api, meant, session)))
}

/// A session that was started by another process, or long ago. What it was expected to cost is not known any more: what
/// it may and what it did is told instead.
fn remembered(api: &Api, meant: &Meant, session: SessionState) -> Accepted {
    Accepted {
        check_status_url: Some(format!("/api/sessions/{}", session.session_id)),
        session_id: Some(session.session_id),
        status: Some("open"),
        ..accepted(api, meant, session.articles_total, session.batches, Estimate::default())
    }
}

/// The articles, and what is said of them.
async fn chosen(api: &Api, meant: &Meant, now: Timestamp) -> Result<(Vec<Article>, Accepted), Problem> {
    let taken = api.reads().starts.taken(now);
    let asked = meant.articles.saturating_add(taken.len() as u64);
    let mut keys = api.store().ready_keys(&meant.filter, None, asked).await?;
    keys.retain(|key| !taken.contains(&key.article_id));
    keys.truncate(usize::try_from(meant.articles).unwrap_or(usize::MAX));
    let articles = api.store().whole_articles(&keys).await?;
    if articles.is_empty() {
        let message = "no article is ready for an analysis: /api/articles/analysis-ready shows those that are";
        return Err(Problem::conflict("nothing_ready", message));
    }
    let (articles, estimate) = estimated(api, articles, meant.budget, now).await?;
    let batches = batches_of(api, articles.clone(), "", now).len() as u64;
    let accepted = accepted(api, meant, articles.len() as u64, batches, estimate);
    Ok((articles, accepted))
}

fn accepted(api: &Api, meant: &Meant, articles: u64, batches: u64, estimate: Estimate) -> Accepted {
    let llm = &api.config().llm;
    Accepted {
        dry_run: true,
        session_id: None,
        status: None,
        check_status_url: None,
        articles,
        batches,
        budget_usd: meant.budget.dollars(),
        estimate,
        analyzer: llm.provider.as_str(),
        model: if llm.provider == Provider::Lexicon { String::new() } else { adapter::model(llm).to_owned() },
    }
}

/// What articles are expected to cost. Counting tokens takes a moment: not on a thread that others wait for.
async fn estimated(
    api: &Api,
    articles: Vec<Article>,
    budget: NanoUsd,
    now: Timestamp,
) -> Result<(Vec<Article>, Estimate), Problem> {
    let Some(estimator) = api.estimator().cloned() else {
        let articles_affordable = articles.len() as u64;
        return Ok((articles, Estimate { articles_affordable, ..Estimate::default() }));
    };
    let count = move || {
        let expected: Option<Vec<Expected>> = articles.iter().map(|article| estimator.of(article, now)).collect();
        (articles, expected)
    };
    let (articles, expected) =
        tokio::task::spawn_blocking(count).await.map_err(|error| Problem::internal(&format!("estimating: {error}")))?;
    let Some(expected) = expected else {
        let message = "the configured model has no price today, and what has no price is not bought";
        return Err(Problem::conflict("no_price", message));
    };
    Ok((articles, sum(&expected, budget)))
}

fn sum(expected: &[Expected], budget: NanoUsd) -> Estimate {
    let total = |of: fn(&Expected) -> NanoUsd| {
        expected.iter().fold(NanoUsd::ZERO, |sum, article| sum.saturating_add(of(article)))
    };
    let mut spent = NanoUsd::ZERO;
    let affordable = expected.iter().take_while(|article| {
        // What is bought has to fit at its worst, and mostly ends below.
        let fits = spent.saturating_add(article.worst) <= budget;
        spent = spent.saturating_add(article.typical);
        fits
    });
    Estimate {
        articles_affordable: affordable.count() as u64,
        usd_p50: total(|article| article.typical).dollars(),
        usd_worst: total(|article| article.worst).dollars(),
    }
}

/// Batches as the window would make them: of `articles.batch_size` articles and `articles.batch_bytes_max` bytes.
fn batches_of(api: &Api, articles: Vec<Article>, session_id: &str, now: Timestamp) -> Vec<ArticleBatch> {
    let config = api.config();
    let bytes_max = usize::try_from(config.articles.batch_bytes_max.0).unwrap_or(usize::MAX);
    let mut groups: Vec<(Vec<Article>, usize)> = Vec::new();
    for article in articles {
        let bytes = article.text.len() + article.title.len();
        match groups.last_mut() {
            Some((group, sum)) if group.len() < config.articles.batch_size && *sum + bytes <= bytes_max => {
                group.push(article);
                *sum += bytes;
            }
            _ => groups.push((vec![article], bytes)),
        }
    }
    let batch = |articles: Vec<Article>| {
        let origins = articles.iter().flat_map(|article| [article.article_id.as_str(), article.origin.as_str()]);
        ArticleBatch {
            batch_id: identity(&[session_id].into_iter().chain(origins).collect::<Vec<_>>()),
            session_id: session_id.to_owned(),
            account: config.budget.account.clone(),
            run_id: LIVE_RUN.to_owned(),
            opened_at: now,
            closed_at: now,
            close_reason: CloseReason::Session,
            articles,
            screened: Vec::new(),
        }
    };
    groups.into_iter().map(|(articles, _)| batch(articles)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_counts_what_fits_at_its_worst() {
        let article = Expected { worst: NanoUsd(10), typical: NanoUsd(4) };
        let estimate = |budget| sum(&[article; 5], NanoUsd(budget)).articles_affordable;
        assert_eq!([9, 10, 13, 14, 26, 1_000].map(estimate), [0, 1, 1, 2, 5, 5]);
        let all = sum(&[article; 5], NanoUsd(0));
        assert!((all.usd_p50 - 20e-9).abs() < 1e-15 && (all.usd_worst - 50e-9).abs() < 1e-15);
    }

    #[test]
    fn an_amount_is_exact_to_the_nano_dollar() {
        assert_eq!(amount(0.3).unwrap(), NanoUsd(300_000_000));
        assert_eq!(amount(0.07).unwrap(), NanoUsd(70_000_000));
        assert_eq!(amount(1e-9).unwrap(), NanoUsd(1));
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(amount(odd).is_err(), "{odd}");
        }
    }
}
