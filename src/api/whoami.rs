//! `GET /api/whoami`: who the caller is, for the page, which asks for a token where one is needed.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Api, Caller};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
struct Whoami {
    /// The token's user; null without a token where tokens are needed.
    #[schema(example = "local")]
    user: Option<String>,
    /// May use `/admin` and name other users.
    admin: bool,
    /// Whether tokens are needed.
    tokens: bool,
}

/// Who the caller is
///
/// Answers without a token too, and says whether one is needed.
#[utoipa::path(get, path = "/api/whoami", tag = "operation", responses((status = OK, body = Whoami)))]
async fn whoami(State(api): State<Api>, caller: Option<Caller>) -> Json<Whoami> {
    let admin = caller.as_ref().is_some_and(Caller::is_admin);
    let user = caller.map(|caller| caller.user().to_owned());
    Json(Whoami { user, admin, tokens: !api.config().api.tokens.is_empty() })
}
