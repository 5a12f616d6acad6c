//! The one door to services that cost money or are limited: hold, request, classify, settle.

pub mod adapter;
pub mod bound;
pub mod call;
pub mod gate;
pub mod price;
pub mod retry;
