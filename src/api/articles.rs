//! `GET /api/articles…` and `GET /api/publishers`: articles, their queue, their analyses and what they cost.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::{Api, Problem, list};
use crate::clickhouse::questions::{
    AnalysisState, ArticleFilter, ArticleLine, ArticleStatus, AttemptState, PublisherState, ReadyArticle, ReadyFilter,
    SpendState, StoredArticle, StoredSignal,
};
use crate::model::{Timestamp, publisher_rank};

/// Characters that an article may be asked to have at least.
pub(super) const CHARS_MAX: u64 = 1_000_000;

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(articles))
        .routes(routes!(ready))
        .routes(routes!(article))
        .routes(routes!(publishers))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedArticles {
    /// Which of them; all where it is left out.
    #[param(inline)]
    status: Option<ArticleStatus>,
    /// Exactly.
    #[param(max_length = 1000)]
    publisher: Option<String>,
    /// Stands somewhere in the headline, in capital letters or small ones.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// Rows of a page; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A page of articles.
#[derive(Debug, Serialize, ToSchema)]
struct Articles {
    /// Newest first.
    articles: Vec<ArticleLine>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Articles, newest first
///
/// Each with the newest that is known of it.
#[utoipa::path(
    get, path = "/api/articles", tag = "articles", params(AskedArticles), responses((status = OK, body = Articles))
)]
async fn articles(State(api): State<Api>, Query(asked): Query<AskedArticles>) -> Result<Json<Articles>, Problem> {
    let limit = list::limit(asked.limit)?;
    let after = list::after(asked.cursor.as_deref())?;
    let filter = ArticleFilter {
        status: asked.status.unwrap_or_default(),
        publisher: list::text("publisher", asked.publisher)?,
        q: list::text("q", asked.q)?,
        ready_chars: api.config().articles.ready_chars as u64,
    };
    let found = api.store().articles(&filter, after.as_ref(), limit + 1).await?;
    let (articles, next_cursor) = list::page(found, limit, ArticleLine::key);
    Ok(Json(Articles { articles, next_cursor }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedReady {
    /// Exactly.
    #[param(max_length = 1000)]
    publisher: Option<String>,
    /// Characters of clean text at least; `articles.ready_chars` where it is left out.
    #[param(minimum = 0, maximum = 1_000_000)]
    min_chars: Option<u64>,
    /// Rows of a page; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A page of articles that wait for an analysis.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// How many there are on all pages.
    total: u64,
    /// In the order in which budgets are spent on them.
    articles: Vec<ReadyArticle>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Which articles are ready, as asked.
pub(super) fn ready_filter(
    api: &Api,
    publisher: Option<String>,
    chars_min: Option<u64>,
) -> Result<ReadyFilter, Problem> {
    let articles = &api.config().articles;
    Ok(ReadyFilter {
        publisher: list::text("publisher", publisher)?,
        chars_min: list::within("min_chars", chars_min.unwrap_or(articles.ready_chars as u64), 0..=CHARS_MAX)?,
        publishers_first: articles.publishers_first.clone(),
    })
}

/// Articles that are worth an analysis and have none
///
/// Admitted, long enough, analysed by nobody and waiting in no session; the publishers of `articles.publishers_first` come
/// first, and of each the newest.
#[utoipa::path(
    get, path = "/api/articles/analysis-ready", tag = "articles", params(AskedReady),
    responses((status = OK, body = Ready))
)]
async fn ready(State(api): State<Api>, Query(asked): Query<AskedReady>) -> Result<Json<Ready>, Problem> {
    let limit = list::limit(asked.limit)?;
    let after = list::after(asked.cursor.as_deref())?;
    let filter = ready_filter(&api, asked.publisher, asked.min_chars)?;
    let store = api.store();
    let (total, keys) =
        tokio::try_join!(store.ready_count(&filter), store.ready_keys(&filter, after.as_ref(), limit + 1))?;
    let (keys, next_cursor) = list::page(keys, limit, Clone::clone);
    let articles = store.ready_articles(&keys).await?;
    Ok(Json(Ready { total, articles, next_cursor }))
}

/// An article with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownArticle)]
struct Known {
    /// The article.
    article: StoredArticle,
    /// What was read in it.
    analysis: Option<AnalysisState>,
    /// What the analysis was validated by.
    sources: Vec<Source>,
    /// Attempts at it, newest first; at most 200.
    attempts: Vec<AttemptState>,
    /// Calls that were made for it, newest first; at most 200.
    spend: Vec<SpendState>,
    /// The signal that was made of it.
    signal: Option<StoredSignal>,
}

/// A page that an analysis was validated by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArticleSource)]
struct Source {
    /// Where it stands.
    url: String,
    /// When it was published, where that is known.
    #[schema(format = DateTime)]
    published_at: Option<String>,
}

/// One article, with its analysis, its sources and what was spent on it
#[utoipa::path(
    get, path = "/api/articles/{article_id}", tag = "articles",
    params(("article_id" = String, Path, description = "The producer's id")),
    responses((status = OK, body = Known))
)]
async fn article(State(api): State<Api>, Path(article_id): Path<String>) -> Result<Json<Known>, Problem> {
    let store = api.store();
    let (article, analysis, attempts, spend, signal) = tokio::try_join!(
        store.article(&article_id),
        store.analysis_of(&article_id),
        store.attempts_at(&article_id),
        store.spend_on(&article_id),
        store.signal_of(&article_id),
    )?;
    let article = article.ok_or_else(|| Problem::not_found("there is no article of this id"))?;
    let sources = analysis.as_ref().map(sources).unwrap_or_default();
    Ok(Json(Known { article, analysis, sources, attempts, spend, signal }))
}

fn sources(analysis: &AnalysisState) -> Vec<Source> {
    // Analyses of before have no dates.
    let dates = analysis.source_dates.iter().copied().chain(std::iter::repeat(None));
    let source = |(url, date): (&String, Option<i64>)| Source {
        url: url.clone(),
        published_at: date.map(|millis| Timestamp(millis).to_string()),
    };
    analysis.sources.iter().zip(dates).map(source).collect()
}

/// A publisher, and whether it comes first.
#[derive(Debug, Serialize, ToSchema)]
struct Publisher {
    /// What became of its articles.
    #[serde(flatten)]
    state: PublisherState,
    /// Whether `articles.publishers_first` names it.
    priority: bool,
}

/// Every publisher.
#[derive(Debug, Serialize, ToSchema)]
struct Publishers {
    /// Those with most articles first.
    publishers: Vec<Publisher>,
}

/// Publishers, and what became of their articles
///
/// Some seconds old at most.
#[utoipa::path(get, path = "/api/publishers", tag = "articles", responses((status = OK, body = Publishers)))]
async fn publishers(State(api): State<Api>) -> Result<Json<Publishers>, Problem> {
    let (store, articles) = (api.store().clone(), &api.config().articles);
    let (ready_chars, first) = (articles.ready_chars as u64, &articles.publishers_first);
    let look = |_| async move { store.publishers(ready_chars).await.map(Arc::new) };
    let kept = api.reads().publishers.get(api.clock().now(), look).await?;
    let publisher = |state: &PublisherState| Publisher {
        priority: publisher_rank(first, &state.publisher) < first.len(),
        state: state.clone(),
    };
    Ok(Json(Publishers { publishers: kept.iter().map(publisher).collect() }))
}
