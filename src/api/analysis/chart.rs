//! `GET /analysis/chart/{id}.png` and `.svg`: the picture of a completed job.
//!
//! Pictures never change, so a client may keep them; they are one user's, so nobody between may. Those of a moment ago
//! come from the board, as the sink writes them to ClickHouse a little later. ClickHouse keeps them for a shorter time than
//! the jobs (`017_analysis_times.sql`).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::find;
use super::request::{Look, Whose};
use crate::api::extract::{Path, Query};
use crate::api::{Api, Caller, Problem};
use crate::clickhouse::questions::Picture;
use crate::model::{Charts, JobStatus, Timestamp};

/// How long the sink may take: what is not stored by then is not kept any more.
const STORED_WITHIN: Duration = Duration::from_hours(24);
/// How a client may keep it.
const CACHING: HeaderValue = HeaderValue::from_static("private, max-age=86400, immutable");

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(chart))
}

/// The chart of an analysis
///
/// 404 until it is completed, and once it is not kept any more.
#[utoipa::path(
    get, path = "/analysis/chart/{file}", tag = "analysis",
    params(
        ("file" = String, Path, description = "The id of the analysis, and `.png` or `.svg`", max_length = 132,
         example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.png"),
        Look,
    ),
    responses(
        (status = OK, description = "The picture", content((Vec<u8> = "image/png"), (String = "image/svg+xml"))),
        (status = NOT_MODIFIED, description = "As it is known"),
        (status = NOT_FOUND, description = "There is none (yet), or it is somebody else's", body = crate::api::Body),
    )
)]
async fn chart(
    State(api): State<Api>,
    caller: Caller,
    Path(file): Path<String>,
    Query(look): Query<Look>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_dark = match look.theme.as_deref() {
        None | Some("light") => false,
        Some("dark") => true,
        Some(_) => return Err(Problem::invalid("theme is light or dark")),
    };
    let (id, picture, kind) = match file.rsplit_once('.') {
        Some((id, "png")) => (id, if is_dark { Picture::PngDark } else { Picture::PngLight }, "image/png"),
        Some((id, "svg")) => (id, if is_dark { Picture::SvgDark } else { Picture::SvgLight }, "image/svg+xml"),
        _ => return Err(Problem::not_found("charts are at /analysis/chart/ID.png and /analysis/chart/ID.svg")),
    };
    let found = find::job(&api, &caller, &Whose { user_id: look.user_id }, id).await?;
    if found.event.status != JobStatus::Completed {
        let message = format!("there is no chart: the analysis is {}", found.event.status);
        return Err(Problem::not_found(message));
    }
    // Of the bytes, and not of the id: should somebody else's worker draw it anew, it is another picture.
    let bytes = bytes(&api, id, picture, found.event.at).await?;
    let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..32]);
    let has_it = |known: &HeaderValue| known.to_str().is_ok_and(|known| known == "*" || known.contains(&tag));
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(has_it);
    let tag = HeaderValue::from_str(&tag).map_err(|error| Problem::internal(&error.to_string()))?;
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, CACHING)];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(header::CONTENT_TYPE, kind)], bytes).into_response())
}

async fn bytes(api: &Api, id: &str, picture: Picture, completed_at: Timestamp) -> Result<Bytes, Problem> {
    let charts = api.analysis().board.lock().charts(id);
    let bytes = match charts {
        Some(charts) => Some(of(&charts, picture)),
        None => api.store().analysis_picture(id, picture).await?,
    };
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        if api.clock().now().since(completed_at) > STORED_WITHIN {
            return Problem::not_found("the chart is not kept any more: ask for a new analysis");
        }
        Problem::unavailable("chart_on_its_way", "the chart is drawn and not stored yet: try again in a moment")
    })
}

fn of(charts: &Charts, picture: Picture) -> Bytes {
    match picture {
        Picture::SvgLight => Bytes::copy_from_slice(charts.svg_light.as_bytes()),
        Picture::SvgDark => Bytes::copy_from_slice(charts.svg_dark.as_bytes()),
        Picture::PngLight => charts.png_light.clone(),
        Picture::PngDark => charts.png_dark.clone(),
    }
}
