//! What a chart shows, in words: the facts of it, and a text of them that no model wrote. Pure.

mod facts;
mod numbers;
mod template;

pub use self::facts::Facts;
pub use self::template::write;

/// Who wrote a text that no model did.
pub const BY_TEMPLATE: &str = "template";
