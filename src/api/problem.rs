//! What an answer says that is no success: `{"error":{"code","message"}}`, with a fitting status.
//!
//! Codes are words that programs may rely on; messages are for people, and say what to do. Neither holds what the
//! services behind us said: that goes to the log, as it may quote data.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;

use crate::clickhouse::{Decision, Failure};

/// When to ask again where a service is away.
const AGAIN: Duration = Duration::from_secs(2);
/// Longest message: extractors quote what they could not read.
const MESSAGE_CHARS_MAX: usize = 500;

/// An answer that is no success.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
}

/// Its body.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// What went wrong.
    pub error: Said,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Said {
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

impl Problem {
    /// Any other.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 400: the request cannot be understood as it is.
    #[must_use]
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// 401: who asks?
    #[must_use]
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: not for this caller.
    #[must_use]
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404.
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 409: not as things stand.
    #[must_use]
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 413: the message says how else it can be asked.
    #[must_use]
    pub fn too_large(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code, message)
    }

    /// 429: less at a time, please.
    #[must_use]
    pub fn too_many(message: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message).after(wait)
    }

    /// 503: something that is needed is away; asking again may help.
    #[must_use]
    pub fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).after(AGAIN)
    }

    /// 503: Kafka did not take a record, or did not answer. The error is logged.
    #[must_use]
    pub fn kafka(error: &anyhow::Error) -> Self {
        warn!(error = format!("{error:#}"), "Kafka did not do what a request needs");
        Self::unavailable("kafka_unavailable", "Kafka does not answer: try again in a moment")
    }

    /// 500: a defect. What is known of it is logged.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        error!(what, "a request failed by a defect");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "a defect of ours: the log has it, by the request's id",
        )
    }

    /// With a wait until it makes sense to ask again.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn refused(status: StatusCode, text: &str) -> Self {
        let message: String = text.chars().take(MESSAGE_CHARS_MAX).collect();
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::too_large("body_too_large", "the body is larger than this endpoint takes")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(status, "unsupported_media_type", "send a body of JSON, with Content-Type: application/json")
            }
            status if status.is_server_error() => Self::internal(text),
            // A body that is JSON and not what is asked for is 422 elsewhere; here whatever cannot be read is one thing.
            _ => Self::invalid(message),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body { error: Said { code: self.code.into(), message: self.message } };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"signalmill\""));
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, and never too early.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        response
    }
}

impl From<Failure> for Problem {
    /// What ClickHouse said may quote data, and is logged only.
    fn from(failure: Failure) -> Self {
        if failure.decision == Decision::Poison {
            return Self::internal(&format!("ClickHouse refused a question: {failure}"));
        }
        warn!(code = failure.code, error = %failure, "ClickHouse did not answer a request's question");
        Self::unavailable("clickhouse_unavailable", "ClickHouse does not answer: try again in a moment")
    }
}

macro_rules! rejected {
    ($($Rejection:ident),+) => { $(
        impl From<$Rejection> for Problem {
            fn from(rejection: $Rejection) -> Self {
                Self::refused(rejection.status(), &rejection.body_text())
            }
        }
    )+ };
}

rejected!(BytesRejection, JsonRejection, PathRejection, QueryRejection);

/// Where there is no endpoint.
pub(super) async fn nothing(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(MESSAGE_CHARS_MAX).collect();
    Problem::not_found(format!("there is nothing at {path}: /openapi.json names what there is"))
}

/// Where there is one, and not for this method. The router adds `Allow`.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(MESSAGE_CHARS_MAX).collect();
    let message = format!("{path} does not take {method}: the header Allow says what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
