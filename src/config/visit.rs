//! Walks over all keys: to describe them, or to fill them.
//!
//! # Why
//! A derive of serde stops at the first mistake and knows neither ranges nor places. One walk that hands every key to a
//! visitor gives every mistake at once, and the table of the reference with the same code.

use super::leaf::{Leaf, Rule};
use super::secret::Custody;

/// What is done with each key.
pub(super) trait Visitor {
    /// A key with a value.
    fn key<T: Leaf>(&mut self, name: &'static str, meaning: &str, value: &mut T, rule: &Rule<T::Scalar>);

    /// A key that only the environment variable `variable` (or the file that `variable_FILE` names) sets.
    fn secret<T: Custody>(&mut self, name: &'static str, meaning: &str, value: &mut T, variable: &'static str);

    /// More keys below `name`.
    fn section<S: Section>(&mut self, name: &'static str, section: &mut S);
}

/// A struct of keys.
pub(super) trait Section {
    /// Hands every key to the visitor, in the order in which they are written.
    fn visit<V: Visitor>(&mut self, visitor: &mut V);
}

/// Makes of each block a struct, its `Default` and its [`Section`]. A line is one of
/// `key name: Type = default, rule;` (the rule may be missing), `secret name: Type, "VARIABLE";`, `section name: Type;`.
macro_rules! settings {
    ($(
        #[doc = $about:literal]
        pub struct $Section:ident {$(
            $(#[doc = $doc:literal])+
            $kind:ident $field:ident: $Type:ty $(= $default:expr)? $(, $rule:expr)?;
        )*}
    )*) => {$(
        #[doc = $about]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Section {
            $($(#[doc = $doc])+ pub $field: $Type,)*
        }

        impl Default for $Section {
            fn default() -> Self {
                Self { $($field: settings!(@default $($default)?),)* }
            }
        }

        impl super::visit::Section for $Section {
            fn visit<V: super::visit::Visitor>(&mut self, visitor: &mut V) {
                $(settings!(@visit $kind visitor, stringify!($field), concat!($($doc),+), &mut self.$field $(, $rule)?);)*
            }
        }
    )*};
    (@default $default:expr) => { $default };
    (@default) => { Default::default() };
    (@visit key $v:ident, $name:expr, $doc:expr, $value:expr) => {
        $v.key($name, $doc, $value, &super::leaf::any())
    };
    (@visit key $v:ident, $name:expr, $doc:expr, $value:expr, $rule:expr) => {
        $v.key($name, $doc, $value, &$rule)
    };
    (@visit secret $v:ident, $name:expr, $doc:expr, $value:expr, $variable:expr) => {
        $v.secret($name, $doc, $value, $variable)
    };
    (@visit section $v:ident, $name:expr, $doc:expr, $value:expr) => {
        $v.section($name, $value)
    };
}
pub(super) use settings;
