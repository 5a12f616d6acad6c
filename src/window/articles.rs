//! The window of articles: what is analysed together, from one session's budget.
//!
//! Pure: it is told the time. It holds at most `articles_max` admitted articles and about `bytes_max` bytes. Exact
//! repetitions inside a window are dropped; near ones are marked, because two publishers who report the same event
//! are evidence, not waste. What a window cannot see (the same article an hour later) costs nothing either, since
//! answers are kept by content.
//!
//! Marks look back over the [`recent`](super::recent) articles that this worker admitted. That memory is a convenience and
//! not state: after a restart it begins empty, and an article that is read again may then go without its mark.

use std::time::Duration;

use crate::flow::{Pushed, Window};
use crate::model::{Article, ArticleBatch, Cadence, CloseReason, Id, Screen, Timestamp, identity, publisher_rank};

use super::recent::Recent;

/// What a window of articles needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `live`, or the replay's id.
    pub run_id: String,
    /// The budget account that pays.
    pub account: String,
    /// Which session a record belongs to.
    pub session: Cadence,
    /// Admitted articles in a batch.
    pub articles_max: usize,
    /// Bytes of title and text in a batch.
    pub bytes_max: usize,
    /// How long the first article waits for others.
    pub age_max: Duration,
    /// Publishers whose articles are analysed first, best first.
    pub publishers_first: Vec<String>,
}

/// An article ready to be gathered.
#[derive(Debug, Clone)]
pub struct Cleaned {
    /// The article.
    pub article: Article,
    /// The fingerprint that near-duplicates share.
    pub fingerprint: u128,
}

/// The window.
#[derive(Debug)]
pub struct ArticleWindow {
    settings: Settings,
    open: Option<Open>,
    recent: Recent,
}

#[derive(Debug)]
struct Open {
    session_id: String,
    opened_at: Timestamp,
    bytes: usize,
    articles: Vec<Article>,
    screened: Vec<Article>,
}

impl Open {
    fn all(&self) -> impl Iterator<Item = &Article> {
        self.articles.iter().chain(&self.screened)
    }
}

impl ArticleWindow {
    /// An empty window.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, open: None, recent: Recent::default() }
    }
}

impl Window for ArticleWindow {
    type In = Cleaned;
    type Out = ArticleBatch;

    fn name(&self) -> &'static str {
        "window/articles"
    }

    fn refuses(&self, item: &Cleaned) -> Option<CloseReason> {
        let open = self.open.as_ref()?;
        let article = &item.article;
        let is_new_version =
            |seen: &Article| seen.article_id == article.article_id && seen.content_hash != article.content_hash;
        if open.session_id != self.settings.session.session_id(article.received_at) {
            Some(CloseReason::Session)
        } else if open.bytes + bytes_of(article) > self.settings.bytes_max {
            Some(CloseReason::Bytes)
        } else if open.all().any(is_new_version) {
            Some(CloseReason::Version)
        } else {
            None
        }
    }

    fn push(&mut self, item: Cleaned, now: Timestamp) -> Pushed {
        let Cleaned { mut article, fingerprint } = item;
        let session = &self.settings.session;
        let open = self.open.get_or_insert_with(|| Open {
            session_id: session.session_id(article.received_at),
            opened_at: now,
            bytes: 0,
            articles: Vec::new(),
            screened: Vec::new(),
        });
        let repeats =
            |seen: &Article| seen.article_id == article.article_id && seen.content_hash == article.content_hash;
        if open.all().any(repeats) {
            return Pushed { outcome: "duplicate", full: None };
        }
        open.bytes += bytes_of(&article);
        // Short texts share fingerprints without sharing a story: only what is analysed is compared.
        if article.screen == Screen::None {
            if let Some(id) = self.recent.near(fingerprint, &article.article_id) {
                id.clone_into(&mut article.near_duplicate_of);
            }
            self.recent.push(fingerprint, &article.article_id);
        }
        let outcome = match article.screen {
            Screen::None => {
                open.articles.push(article);
                "ok"
            }
            screen => {
                open.screened.push(article);
                screen.as_str()
            }
        };
        let full = if open.articles.len() >= self.settings.articles_max {
            Some(CloseReason::Count)
        } else if open.bytes >= self.settings.bytes_max {
            Some(CloseReason::Bytes)
        } else {
            None
        };
        Pushed { outcome, full }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.opened_at.plus(self.settings.age_max))
    }

    fn close(&mut self, reason: CloseReason, now: Timestamp) -> Option<ArticleBatch> {
        let Open { session_id, opened_at, mut articles, screened, .. } = self.open.take()?;
        articles.sort_by_key(|article| publisher_rank(&self.settings.publishers_first, &article.publisher));
        Some(ArticleBatch {
            batch_id: batch_id(&articles, &screened),
            session_id,
            account: self.settings.account.clone(),
            run_id: self.settings.run_id.clone(),
            opened_at,
            closed_at: now,
            close_reason: reason,
            articles,
            screened,
        })
    }
}

fn bytes_of(article: &Article) -> usize {
    article.title.len() + article.text.len()
}

/// Made of the origins, so that the same gathering always has the same name.
fn batch_id(articles: &[Article], screened: &[Article]) -> Id {
    let origins: Vec<&str> = articles.iter().chain(screened).map(|article| article.origin.as_str()).collect();
    identity(&origins)
}
