//! `GET /api/sessions/events`: sessions as they change. While somebody listens, one task looks every second whether
//! anything has changed, and asks how the newest sessions are where it has.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream::{self, Stream};
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::debug;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::stream::{Open, Streamed, sse};
use crate::api::{Api, Problem};
use crate::clickhouse::{Failure, SessionState};
use crate::model::Timestamp;

/// How often it is looked whether anything has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A session's period ends without a row that says so: it is looked at whatever has changed.
const LOOK_ANYWAY: Duration = Duration::from_secs(15);
/// Sessions that changed within this time are told: rows come some time after what they tell about.
const CHANGED_WITHIN: Duration = Duration::from_mins(10);

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(events))
}

/// How the newest sessions are; nothing until that is known.
type Newest = Option<Arc<Vec<SessionState>>>;

/// What listeners hear.
#[derive(Debug)]
pub(in crate::api) struct Changes {
    told: watch::Sender<Newest>,
    is_looking: Arc<Mutex<bool>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { told: watch::Sender::new(None), is_looking: Arc::default() }
    }
}

impl Changes {
    /// A listener; the first one makes somebody look.
    fn listen(&self, api: &Api) -> watch::Receiver<Newest> {
        let mut is_looking = self.is_looking.lock();
        let listener = self.told.subscribe();
        if !*is_looking {
            *is_looking = true;
            tokio::spawn(look(api.clone(), self.told.clone(), Arc::clone(&self.is_looking)));
        }
        listener
    }
}

/// Looks until nobody listens any more, or the process stops.
async fn look(api: Api, told: watch::Sender<Newest>, is_looking: Arc<Mutex<bool>>) {
    let mut stop = api.stop();
    let mut seen = None;
    let mut asked_at = Timestamp(i64::MIN);
    loop {
        let now = api.clock().now();
        let looked: Result<(), Failure> = async {
            let stamp = Some(api.store().sessions_stamp().await?);
            if stamp != seen || now.since(asked_at) >= LOOK_ANYWAY {
                let changed = Timestamp(now.0 - i64::try_from(CHANGED_WITHIN.as_millis()).unwrap_or(0));
                let newest = api.store().lively_sessions(changed).await?;
                told.send_replace(Some(Arc::new(newest)));
                (seen, asked_at) = (stamp, now);
            }
            Ok(())
        }
        .await;
        if let Err(error) = looked {
            debug!(%error, "sessions could not be looked at, it is tried again");
        }
        let is_over = tokio::select! {
            () = api.clock().sleep_until(now.plus(LOOK_EVERY)) => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        let mut is_looking = is_looking.lock();
        if is_over || told.receiver_count() == 0 {
            *is_looking = false;
            told.send_replace(None);
            return;
        }
    }
}

/// Sessions as they change
///
/// Server-sent events: `event: session`, and as data the session as `/api/sessions` has it. The ten newest come first,
/// then each whenever it changes.
#[utoipa::path(
    get, path = "/api/sessions/events", tag = "sessions",
    responses((status = OK, body = Streamed, content_type = "text/event-stream"))
)]
async fn events(State(api): State<Api>) -> Result<Response, Problem> {
    let open = Open::take(&api)?;
    let listener = api.reads().changes.listen(&api);
    Ok(sse(&api, open, changes(listener)))
}

/// What one listener has been told.
struct Listener {
    news: watch::Receiver<Newest>,
    told: HashMap<String, SessionState>,
    to_tell: VecDeque<SessionState>,
}

fn changes(news: watch::Receiver<Newest>) -> impl Stream<Item = Event> + Send + 'static {
    let listener = Listener { news, told: HashMap::new(), to_tell: VecDeque::new() };
    stream::unfold(listener, |mut listener| async move {
        loop {
            if let Some(session) = listener.to_tell.pop_front() {
                let event = Event::default().event("session").json_data(&session).ok()?;
                return Some((event, listener));
            }
            let newest = listener.news.wait_for(Option::is_some).await.ok()?.clone()?;
            listener.take_in(&newest);
            if listener.to_tell.is_empty() {
                listener.news.changed().await.ok()?;
            }
        }
    })
}

impl Listener {
    /// The oldest first, so that what comes last is the newest.
    fn take_in(&mut self, newest: &[SessionState]) {
        for session in newest.iter().rev() {
            if self.told.get(&session.session_id) != Some(session) {
                self.told.insert(session.session_id.clone(), session.clone());
                self.to_tell.push_back(session.clone());
            }
        }
        // What is told no more is not remembered either.
        self.told.retain(|id, _| newest.iter().any(|session| session.session_id == *id));
    }
}
