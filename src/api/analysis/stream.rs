//! `GET /analyze-stream/{symbol}/{interval}` and `GET /analysis/stream/{id}`: a job's events as they come (SSE).
//!
//! A stream has no queue: it remembers the number of the event that it sends next, is woken by its job, and takes what is
//! there from the board. So one event is kept once for all who listen, and who reads slowly misses nothing and holds up
//! nobody. It ends behind the final event.
//!
//! # Why a GET that queues is guarded
//! `EventSource` knows no other method. So `/analyze-stream/…` is refused to pages of others as a POST would be
//! ([`own_page`]), and to HEAD, which axum would answer by the handler of GET.
//!
//! # Ids
//! `ID@PARTITION-OFFSET`: the job, and where its event stands in `analysis.events`. A client that lost its connection sends
//! the last one back (`Last-Event-ID`), here or to another API process, and hears what it missed, at least how the job
//! stands now. What stands nowhere in that topic has the word of its status: `ID@queued`. As the id names the job, coming
//! back to `/analyze-stream/…` queues nothing. Whoever comes back with the id of a final event is told that there is
//! nothing more (204), which ends the tries of a browser.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::board::{Place, Told};
use super::request::{Asked, Market, Whose, WishInQuery};
use super::{bodies, find, queue};
use crate::api::extract::{Path, Query};
use crate::api::gate::own_page;
use crate::api::problem::wrong_method;
use crate::api::stream::{Open, Streamed, sse};
use crate::api::{Api, Caller, Problem};
use crate::model::JobStatus;

/// How long a stream lasts: whoever still listens comes back and resumes.
const AGE_MAX: Duration = Duration::from_hours(1);
/// The longest `Last-Event-ID` that is read.
const ID_BYTES_MAX: usize = 512;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(analyze)).routes(routes!(follow))
}

/// Queue an analysis and follow it
///
/// Server-sent events, the last of which is `completed`, `failed` or `cancelled`. `Last-Event-ID` goes on with the job of
/// that event and queues nothing. Pages of other origins than `api.cors_origins` are refused (403 `foreign_origin`).
#[utoipa::path(
    get, path = "/analyze-stream/{symbol}/{interval}", tag = "analysis",
    params(
        Market,
        WishInQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard"),
    ),
    responses(
        (status = OK, description = "Events whose data is JSON: status, message, `analysis_id`, progress, step, and data once it is completed", body = Streamed, content_type = "text/event-stream"),
        (status = NO_CONTENT, description = "The last event that was heard is the final one"),
        (status = TOO_MANY_REQUESTS, description = "Too many jobs wait already", body = crate::api::Body),
    )
)]
async fn analyze(
    State(api): State<Api>,
    caller: Caller,
    method: Method,
    uri: Uri,
    Path(market): Path<Market>,
    Query(wish): Query<WishInQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if method != Method::GET {
        let allowed = [(header::ALLOW, Method::GET.as_str())];
        return Ok((allowed, wrong_method(method, uri).await).into_response());
    }
    own_page(&api, &headers)?;
    let asked = Asked::read(market, wish.into(), &caller, &headers, api.clock().now())?;
    if let Some(heard) = Heard::read(&headers) {
        let whose = Whose { user_id: Some(asked.job.user_id) };
        let following = follow_on(&api, &caller, &whose, &heard.id, Some(&heard)).await?;
        return answer(&api, following, || Open::take(&api));
    }
    // Before a job is queued, and paid for, that nobody could follow.
    let open = Open::take(&api)?;
    let event = queue::queue(&api, asked).await?;
    let whose = Whose { user_id: Some(event.user_id.clone()) };
    let following = follow_on(&api, &caller, &whose, &event.analysis_id, None).await?;
    answer(&api, following, || Ok(open))
}

/// Follow an analysis
///
/// Server-sent events, from its first to its final one. `Last-Event-ID` goes on behind that event.
#[utoipa::path(
    get, path = "/analysis/stream/{id}", tag = "analysis",
    params(
        ("id" = String, Path, description = "Of the analysis", max_length = 128),
        Whose,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard"),
    ),
    responses(
        (status = OK, description = "Events whose data is JSON: status, message, `analysis_id`, progress, step, and data once it is completed", body = Streamed, content_type = "text/event-stream"),
        (status = NO_CONTENT, description = "The last event that was heard is the final one"),
        (status = NOT_FOUND, description = "There is none, or it is somebody else's", body = crate::api::Body),
    )
)]
async fn follow(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let heard = Heard::read(&headers).filter(|heard| heard.id == id);
    let following = follow_on(&api, &caller, &whose, &id, heard.as_ref()).await?;
    answer(&api, following, || Open::take(&api))
}

/// The stream of what is left to hear. Where that is nothing, no place is needed to say so.
fn answer(
    api: &Api,
    following: Option<Following>,
    open: impl FnOnce() -> Result<Open, Problem>,
) -> Result<Response, Problem> {
    match following {
        Some(following) => Ok(sse(api, open()?, following.events())),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Listens to a job; `None` where everything of it was heard.
async fn follow_on(
    api: &Api,
    caller: &Caller,
    whose: &Whose,
    id: &str,
    heard: Option<&Heard>,
) -> Result<Option<Following>, Problem> {
    let found = find::job(api, caller, whose, id).await?;
    let (listened, next) = {
        let mut board = api.analysis().board.lock();
        board.adopt(&found.event);
        let next = match heard {
            None => 0,
            Some(Heard { what: What::Status(status), .. }) if status.is_final() => u32::MAX,
            Some(Heard { what: What::Status(_), .. }) => board.resume(id, None),
            Some(Heard { what: What::Place(place), .. }) => board.resume(id, Some(*place)),
        };
        (board.listen(id), next)
    };
    let is_over = found.event.status.is_final() && api.analysis().board.lock().told(id, next).is_empty();
    let Some(listened) = listened.filter(|_| !is_over) else { return Ok(None) };
    let ends_at = Instant::now() + AGE_MAX;
    let ready = VecDeque::new();
    Ok(Some(Following { api: api.clone(), id: id.into(), listened, next, ready, ends_at, over: false }))
}

/// One who listens.
struct Following {
    api: Api,
    id: Arc<str>,
    listened: Arc<Notify>,
    next: u32,
    ready: VecDeque<Told>,
    ends_at: Instant,
    over: bool,
}

impl Following {
    fn events(self) -> impl Stream<Item = Event> + Send + 'static {
        stream::unfold(self, |mut following| async move {
            let told = following.next().await?;
            Some((event(&told), following))
        })
    }

    async fn next(&mut self) -> Option<Told> {
        while !self.over {
            if let Some(told) = self.ready.pop_front() {
                self.next = told.number + 1;
                self.over = told.event.status.is_final();
                return Some(told);
            }
            let mut woken = std::pin::pin!(self.listened.notified());
            // What comes between the look and the wait wakes, too.
            woken.as_mut().enable();
            self.ready = self.api.analysis().board.lock().told(&self.id, self.next).into();
            if self.ready.is_empty() {
                timeout_at(self.ends_at, woken).await.ok()?;
            }
        }
        None
    }
}

fn event(told: &Told) -> Event {
    let Told { place, event, .. } = told;
    let stands = match place {
        Some(Place { partition, offset }) => format!("{partition}-{offset}"),
        None => event.status.as_str().to_owned(),
    };
    // Ids of other producers may hold anything but control characters, which no event's id may.
    let said = serde_json::to_string(&bodies::Told::of(event)).unwrap_or_default();
    Event::default().id(format!("{}@{stands}", event.analysis_id)).data(said)
}

/// `Last-Event-ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    id: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Place(Place),
    Status(JobStatus),
}

impl Heard {
    /// What is no id of ours is as if it were not there.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let text = std::str::from_utf8(headers.get("last-event-id")?.as_bytes()).ok()?;
        let (id, what) = text.rsplit_once('@').filter(|(id, _)| !id.is_empty() && text.len() <= ID_BYTES_MAX)?;
        let what = if let Some(status) = JobStatus::parse(what) {
            What::Status(status)
        } else {
            let (partition, offset) = what.split_once('-')?;
            What::Place(Place { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        };
        Some(Self { id: id.to_owned(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_went() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", text.parse().unwrap());
            Heard::read(&headers)
        };
        let place = What::Place(Place { partition: 3, offset: 1042 });
        assert_eq!(read("ab12@3-1042"), Some(Heard { id: "ab12".into(), what: place }));
        assert_eq!(read("a@b@3-1042").map(|heard| heard.id), Some("a@b".into()));
        assert_eq!(read("ab12@queued").map(|heard| heard.what), Some(What::Status(JobStatus::Queued)));
        for text in ["", "@", "ab12", "ab12@", "@3-4", "ab12@3", "ab12@3-x", "ab12@99999999999-1", "ab12@done"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("{}@3-4", "x".repeat(600))), None);
        assert_eq!(Heard::read(&HeaderMap::new()), None);
    }
}
