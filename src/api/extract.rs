//! What handlers take out of a request: axum's own extractors, whose rejections are [`Problem`]s.

use axum::extract::{FromRequest, FromRequestParts};

use super::Problem;

/// The query of a URL. Unknown parameters are passed over.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// The variable parts of a path.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// A body of JSON.
#[derive(Debug, Clone, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub struct Json<T>(pub T);
