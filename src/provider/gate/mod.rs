//! How many calls may be under way at a service, and whether any.
