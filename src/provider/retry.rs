//! When a failed call is tried again.
