//! What handlers take out of a request: axum's own extractors, whose rejections are [`Problem`]s.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

use super::Problem;
use super::compute::compute;

/// The query of a URL. Unknown parameters are passed over.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// The variable parts of a path.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// A body of JSON. A large one is read off the threads that answer requests.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + Send + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await?;
        let bytes_len = bytes.len();
        let request = Request::from_parts(parts, Body::from(bytes));
        // The whole body is there: axum has nothing to wait for.
        let read = compute(bytes_len, move || axum::Json::from_request(request, &()).now_or_never());
        match read.await? {
            Some(Ok(axum::Json(value))) => Ok(Self(value)),
            Some(Err(rejection)) => Err(rejection.into()),
            None => Err(Problem::internal("a body that is there was waited for")),
        }
    }
}
