//! How many tokens a text can have at most.
