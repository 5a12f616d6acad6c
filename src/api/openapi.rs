//! `/openapi.json`: OpenAPI 3.1, made of the endpoints' annotations, and of what is true of all of them.

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Info, License, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::Api;
use super::problem::{Body, Said};

/// The name of the way to say who calls.
const TOKEN: &str = "token";
/// What needs no token.
const OPEN: &[&str] = &["/api/whoami", "/live", "/ready"];

/// Adds what every operation has: the answer that is no success, and the token.
pub(super) fn complete(mut document: OpenApi, needs_tokens: bool) -> OpenApi {
    document.info = Info::new("signalmill", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(env!("CARGO_PKG_DESCRIPTION").to_owned());
    document.info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let mut components = document.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
    components.schemas.insert(Body::name().into_owned(), Body::schema());
    components.schemas.insert(Said::name().into_owned(), Said::schema());
    let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.add_security_scheme(TOKEN, scheme);
    document.components = Some(components);
    for (path, item) in &mut document.paths.paths {
        for operation in methods(item).into_iter().filter_map(|(_, operation)| operation.as_mut()) {
            operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem()));
            if needs_tokens && !OPEN.contains(&path.as_str()) {
                operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]);
            }
        }
    }
    document
}

/// Routes and methods.
pub(super) fn operations(document: &OpenApi) -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        let mut item = item.clone();
        let there = methods(&mut item).into_iter().filter(|(_, operation)| operation.is_some());
        all.extend(there.map(|(method, _)| (path.clone(), method)));
    }
    all
}

/// The endpoint of the document itself.
pub(super) fn route(document: &OpenApi) -> Router<Api> {
    let text = Bytes::from(document.to_json().unwrap_or_default());
    let answer = move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], text.clone()));
    Router::new().route("/openapi.json", get(answer))
}

fn methods(item: &mut PathItem) -> [(&'static str, &mut Option<Operation>); 3] {
    [("GET", &mut item.get), ("POST", &mut item.post), ("DELETE", &mut item.delete)]
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Body::name()))).build();
    ResponseBuilder::new().description("No success: what went wrong").content("application/json", content).build()
}
