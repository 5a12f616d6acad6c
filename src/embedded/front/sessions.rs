//! Sessions that outlive a request: temporary tables and `SET` of a client that names a `session_id`.
//!
//! A request takes its session away and brings it back at its end, so no two requests use one at once; the
//! second is refused, as a server does. A session without requests ends after its timeout, looked at whenever
//! a session is taken.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::connection::Connection;
use super::exception::{Exception, Result};
use super::query;

/// Sessions kept at once.
const SESSIONS_MAX: usize = 128;

/// All sessions by id.
#[derive(Debug, Default)]
pub struct Sessions {
    by_id: Mutex<HashMap<String, Slot>>,
}

#[derive(Debug)]
enum Slot {
    /// A request is using it.
    Taken,
    /// Waiting for the next request until the given time.
    Resting(Connection, Instant),
}

impl Sessions {
    /// Takes a session away; the lease's connection is `None` when it is a new one.
    ///
    /// # Errors
    /// When it is in use, should exist and does not, or there are too many.
    pub fn take<'a>(&'a self, session: &'a query::Session, now: Instant) -> Result<Lease<'a>> {
        let id = &session.id;
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.retain(|_, slot| !matches!(slot, Slot::Resting(_, end) if *end <= now));
        let connection = match by_id.remove(id) {
            Some(Slot::Resting(connection, _)) => Some(connection),
            Some(Slot::Taken) => {
                by_id.insert(id.clone(), Slot::Taken);
                let what = format!("Session {id} is locked by a concurrent client");
                return Err(Exception::new(373, "SESSION_IS_LOCKED", what));
            }
            None if session.must_exist => {
                let what = format!("Session {id} not found");
                return Err(Exception::new(372, "SESSION_NOT_FOUND", what));
            }
            None if by_id.len() >= SESSIONS_MAX => {
                let what = format!("more than {SESSIONS_MAX} sessions");
                return Err(Exception::new(202, "TOO_MANY_SIMULTANEOUS_QUERIES", what));
            }
            None => None,
        };
        by_id.insert(id.clone(), Slot::Taken);
        Ok(Lease { sessions: self, session, connection })
    }

    /// Ends all that rest.
    pub fn clear(&self) {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.clear();
    }
}

/// A session in use; brought back when dropped.
#[derive(Debug)]
pub struct Lease<'a> {
    sessions: &'a Sessions,
    session: &'a query::Session,
    /// The session's connection; without one the session ends with the lease.
    pub connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let id = &self.session.id;
        let mut by_id = self.sessions.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) => {
                let end = Instant::now() + self.session.timeout;
                by_id.insert(id.clone(), Slot::Resting(connection, end));
            }
            None => {
                by_id.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_request_at_a_time_and_bounded() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let session =
            |id: usize| query::Session { id: id.to_string(), timeout: Duration::from_mins(1), must_exist: false };
        let all: Vec<_> = (0..=SESSIONS_MAX).map(session).collect();
        let mut leases: Vec<_> = all[1..].iter().map(|session| sessions.take(session, now).unwrap()).collect();
        assert_eq!(sessions.take(&all[1], now).unwrap_err().code(), 373);
        assert_eq!(sessions.take(&all[0], now).unwrap_err().code(), 202);
        leases.clear();
        sessions.take(&all[0], now).unwrap();
        let existing = query::Session { must_exist: true, ..session(0) };
        assert_eq!(sessions.take(&existing, now).unwrap_err().code(), 372);
    }
}
