//! Against a stand-in registry that answers as Confluent's does.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use apache_avro::Schema;
use apache_avro::schema_compatibility::SchemaCompatibility;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::json;
use signalmill::clock::{Clock, Hand};
use signalmill::model::{RawArticle, Signal, Timestamp};
use signalmill::wire::registry::{Error, Settings};
use signalmill::wire::{Codec, Reason, Record, Registry, SchemaId, Undecoded, Unread};
use tokio::sync::Mutex;

use super::evolution::{newer, older, written};
use super::{RECORD_BYTES_MAX, encoded, samples};

#[derive(Default)]
struct Inside {
    subjects: HashMap<String, Vec<u32>>,
    schemas: BTreeMap<u32, String>,
    /// What every request is answered with instead.
    broken: Option<(StatusCode, &'static str)>,
    password: Option<&'static str>,
    requests: usize,
}

type Shared = Arc<Mutex<Inside>>;
type Answer = (StatusCode, String);

fn complaint(status: u16, code: u32, message: &str) -> Answer {
    let body = json!({"error_code": code, "message": message}).to_string();
    (StatusCode::from_u16(status).unwrap(), body)
}

impl Inside {
    fn enter(&mut self, headers: &HeaderMap) -> Result<(), Answer> {
        self.requests += 1;
        if let Some((status, body)) = self.broken {
            return Err((status, body.into()));
        }
        let given = headers.get("authorization").map(|value| value.to_str().unwrap());
        if self.password.is_some_and(|password| given != Some(password)) {
            return Err(complaint(401, 40_101, "User cannot access the resource."));
        }
        Ok(())
    }

    /// Gives a schema an id without a subject, as if another producer had registered it.
    fn put(&mut self, schema: &str) -> u32 {
        let id = u32::try_from(self.schemas.len() + 1).unwrap();
        self.schemas.insert(id, schema.to_owned());
        id
    }

    /// Why `schema` cannot read what the subject's latest schema wrote.
    fn misfit(&self, subject: &str, schema: &Schema) -> Option<String> {
        let latest = self.subjects.get(subject)?.last()?;
        let latest = Schema::parse_str(&self.schemas[latest]).unwrap();
        let error = SchemaCompatibility::can_read(&latest, schema).err()?;
        Some(error.to_string())
    }

    fn register(&mut self, subject: String, text: &str) -> Answer {
        let Ok(schema) = Schema::parse_str(text) else {
            return complaint(422, 42_201, "Invalid schema");
        };
        let known = self.schemas.iter().find(|(_, known)| *known == text);
        let id = if let Some((id, _)) = known {
            *id
        } else if let Some(error) = self.misfit(&subject, &schema) {
            let message = "Schema being registered is incompatible with an earlier schema";
            return complaint(409, 409, &format!("{message}; details: [{error}]"));
        } else {
            self.put(text)
        };
        self.subjects.entry(subject).or_default().push(id);
        (StatusCode::OK, json!({"id": id}).to_string())
    }
}

async fn register(
    State(shared): State<Shared>,
    Path(subject): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let mut inside = shared.lock().await;
    if let Err(answer) = inside.enter(&headers) {
        return answer;
    }
    assert_eq!(headers["content-type"], "application/vnd.schemaregistry.v1+json");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    inside.register(subject, body["schema"].as_str().unwrap())
}

async fn fetch(State(shared): State<Shared>, Path(id): Path<u32>, headers: HeaderMap) -> Answer {
    let mut inside = shared.lock().await;
    if let Err(answer) = inside.enter(&headers) {
        return answer;
    }
    match inside.schemas.get(&id) {
        Some(schema) => (StatusCode::OK, json!({"schema": schema}).to_string()),
        None => complaint(404, 40_403, &format!("Schema {id} not found")),
    }
}

/// A registry that runs until the test ends, and a client with a clock to turn.
struct Bench {
    inside: Shared,
    settings: Settings,
    clock: Clock,
    hand: Hand,
}

impl Bench {
    async fn new() -> Self {
        let inside = Shared::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/subjects/{subject}/versions", post(register))
            .route("/schemas/ids/{id}", get(fetch))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let (clock, hand) = Clock::manual(Timestamp(1_795_305_600_000));
        Self { inside, settings: Settings::at(url), clock, hand }
    }

    fn registry(&self) -> Arc<Registry> {
        Arc::new(Registry::new(self.settings.clone(), self.clock.clone()).unwrap())
    }

    async fn codec<T: Record>(&self, topic: &str) -> Codec<T> {
        Codec::connect(self.registry(), topic, RECORD_BYTES_MAX).await.unwrap()
    }

    async fn requests(&self) -> usize {
        self.inside.lock().await.requests
    }
}

fn framed(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), body].concat()
}

fn refused<T: std::fmt::Debug>(read: Result<T, Unread>) -> (Reason, String) {
    match read {
        Err(Unread::Refused(refusal)) => (refusal.reason, refusal.error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn records_are_framed_and_ids_learned_once() {
    let bench = Bench::new().await;
    let foreign = bench.inside.lock().await.put(&newer::<Signal>());
    let codec: Codec<Signal> = bench.codec("team.signals").await;
    let id = bench.inside.lock().await.subjects["team.signals-value"][0];
    assert_eq!(id, foreign + 1);

    let mut bytes = Vec::new();
    codec.encode(&samples::signal(), &mut bytes).unwrap();
    assert_eq!(bytes[..5], framed(id, b""));
    assert_eq!(codec.decode(&bytes), Ok(samples::signal()));
    // What was written before the registry was configured stays readable.
    assert_eq!(codec.decode(&encoded(&samples::signal())), Ok(samples::signal()));

    let bytes = framed(foreign, &written(&newer::<Signal>(), &samples::signal(), &[]).1);
    assert_eq!(codec.decode(&bytes), Err(Undecoded::NeedsSchema(SchemaId(foreign))));
    assert_eq!(codec.read(&bytes).await.unwrap(), samples::signal());
    let asked = bench.requests().await;
    for _ in 0..3 {
        assert_eq!(codec.decode(&bytes), Ok(samples::signal()));
        codec.learn(SchemaId(foreign)).await.unwrap();
    }
    assert_eq!(bench.requests().await, asked);
}

#[tokio::test]
async fn a_registry_answers_the_same_question_once() {
    let bench = Bench::new().await;
    let registry = bench.registry();
    let schema = Signal::VERSIONS[0];
    let id = registry.register("signals-value", schema).await.unwrap();
    assert_eq!(registry.register("signals-value", schema).await, Ok(id));
    assert_eq!(&*registry.schema(id).await.unwrap(), schema);
    assert_eq!(&*registry.schema(id).await.unwrap(), schema);
    assert_eq!(bench.requests().await, 2);
}

#[tokio::test]
async fn an_id_without_a_schema_is_the_records_fault() {
    let bench = Bench::new().await;
    let codec: Codec<RawArticle> = bench.codec("articles.raw").await;
    let body = written(&older::<RawArticle>(), &samples::raw_article(), &[]).1;
    let bytes = framed(2, &body);
    let (reason, error) = refused(codec.read(&bytes).await);
    assert_eq!(reason, Reason::UnknownSchema);
    assert_eq!(error, "articles.raw: schema id 2: the registry has no such schema");

    // Remembered for a while, then asked again.
    let asked = bench.requests().await;
    assert_eq!(bench.inside.lock().await.put(&older::<RawArticle>()), 2);
    assert_eq!(refused(codec.read(&bytes).await).0, Reason::UnknownSchema);
    assert_eq!(bench.requests().await, asked);
    bench.hand.advance(Duration::from_secs(10));
    assert_eq!(codec.read(&bytes).await.unwrap().id, "news-1");

    // No request for ids that no registry gives; schemas that cannot be used.
    let asked = bench.requests().await;
    assert_eq!(refused(codec.read(&framed(u32::MAX, b"x")).await).0, Reason::UnknownSchema);
    assert_eq!(bench.requests().await, asked);
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    for (schema, part) in [
        (r#"{"type":"object","properties":{}}"#, "schema id 3:"),
        (r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","R"]}]}"#, "contains itself"),
        (&huge, "too large"),
    ] {
        let id = bench.inside.lock().await.put(schema);
        let (reason, error) = refused(codec.read(&framed(id, b"x")).await);
        assert_eq!(reason, Reason::UnknownSchema, "{error}");
        assert!(error.contains(part), "{error}");
    }
    let other = bench.inside.lock().await.put(Signal::VERSIONS.last().unwrap());
    let signal = encoded(&samples::signal());
    let (reason, error) = refused(codec.read(&framed(other, &signal[super::HEADER..])).await);
    assert_eq!((reason, error.contains("no field id")), (Reason::Malformed, true), "{error}");
}

#[tokio::test]
async fn an_outage_is_nobodys_fault() {
    let bench = Bench::new().await;
    let codec: Codec<RawArticle> = bench.codec("articles.raw").await;
    let id = bench.inside.lock().await.put(&older::<RawArticle>());
    let bytes = framed(id, &written(&older::<RawArticle>(), &samples::raw_article(), &[]).1);
    for (status, body, retryable) in [
        (503, "", true),
        (500, r#"{"error_code":50001,"message":"Error in the backend data store"}"#, true),
        (429, "", true),
        (403, "", false),
        (404, "<html>", false),
        (404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#, false),
        (200, "<html>", false),
        (200, "{}", false),
    ] {
        bench.inside.lock().await.broken = Some((StatusCode::from_u16(status).unwrap(), body));
        match codec.read(&bytes).await {
            Err(Unread::Registry(error)) => assert_eq!(error.is_retryable(), retryable, "{error}"),
            other => panic!("{status}: {other:?}"),
        }
    }
    bench.inside.lock().await.broken = None;
    assert_eq!(codec.read(&bytes).await.unwrap().id, "news-1");

    // Nobody there at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Settings {
        timeout: Duration::from_millis(100),
        ..Settings::at(format!("http://{}", listener.local_addr().unwrap()))
    };
    let silent = Registry::new(settings.clone(), bench.clock.clone()).unwrap();
    assert!(silent.schema(SchemaId(1)).await.unwrap_err().is_retryable());
    drop(listener);
    let gone = Registry::new(settings, bench.clock.clone()).unwrap();
    assert!(gone.schema(SchemaId(1)).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn what_the_registry_does_not_take_is_shown_in_its_words() {
    let bench = Bench::new().await;
    let registry = bench.registry();
    registry.register("signals-value", RawArticle::VERSIONS[0]).await.unwrap();
    match Codec::<Signal>::connect(Arc::clone(&registry), "signals", RECORD_BYTES_MAX).await {
        Err(Error::Incompatible { subject, message }) => {
            assert_eq!(subject, "signals-value");
            assert!(message.contains("incompatible with an earlier schema; details"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let invalid = registry.register("signals-value", "{}").await.unwrap_err();
    assert_eq!(invalid, Error::Refused { status: 422, message: "Invalid schema".into() });
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let mut bench = Bench::new().await;
    // user:SECRET
    bench.inside.lock().await.password = Some("Basic dXNlcjpTRUNSRVQ=");
    let denied = bench.registry().schema(SchemaId(1)).await.unwrap_err();
    assert!(matches!(denied, Error::Refused { status: 401, .. }), "{denied}");
    bench.settings.credentials = Some(("user".into(), "SECRET".into()));
    let registry = bench.registry();
    registry.register("signals-value", Signal::VERSIONS[0]).await.unwrap();
    assert!(!format!("{registry:?} {:?}", bench.settings).contains("SECRET"));
    for url in ["http://user:SECRET@127.0.0.1:1", "ftp://127.0.0.1", "nonsense"] {
        let error = Registry::new(Settings::at(url), bench.clock.clone()).unwrap_err();
        assert!(!error.is_retryable() && !error.to_string().contains("SECRET"));
    }
}
