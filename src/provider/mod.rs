//! The one door to services that cost money or are limited: hold, request, classify, settle.

pub mod adapter;
pub mod book;
pub mod bound;
pub mod call;
pub mod door;
pub mod estimate;
pub mod gate;
pub mod journal;
pub mod ledger;
pub mod price;
pub mod purchase;
pub mod quota;
pub mod retry;
pub mod untrusted;
