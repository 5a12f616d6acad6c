//! Records of `articles.batches` that somebody asks for: commands to a session, and the batches of a session that somebody
//! starts. Everything else in that topic comes from the window.

use std::sync::Arc;

use super::ARTICLES_BATCHES;
use crate::flow::{Outgoing, written};
use crate::model::{ArticleBatch, CloseReason, Id, SessionCommand, Timestamp};
use crate::wire::headers::{self, Tags};
use crate::wire::{ALLOCATION_BYTES_MAX, Codec, Registry};

/// Writes such records.
#[derive(Debug)]
pub struct AskedBatches {
    topic: Arc<str>,
    codec: Codec<ArticleBatch>,
}

/// Whose session a command is for.
#[derive(Debug, Clone, Copy)]
pub struct Addressed<'a> {
    /// The session.
    pub session_id: &'a str,
    /// The account that pays for it: its owner takes the command in.
    pub account: &'a str,
    /// `live`, or the replay's id.
    pub run_id: &'a str,
}

impl AskedBatches {
    /// For the topic behind `prefix`, by the schema registry where there is one.
    ///
    /// # Errors
    /// The registry does not answer, or does not take the schema.
    pub async fn new(prefix: &str, registry: Option<Arc<Registry>>) -> anyhow::Result<Self> {
        let topic: Arc<str> = format!("{prefix}{ARTICLES_BATCHES}").into();
        let codec = match registry {
            Some(registry) => Codec::connect(registry, &topic, ALLOCATION_BYTES_MAX).await?,
            None => Codec::new(ALLOCATION_BYTES_MAX)?,
        };
        Ok(Self { topic, codec })
    }

    /// A command: a batch without articles, under a header. Two of them are never the same one.
    ///
    /// # Errors
    /// It does not fit its schema, which no command can bring about.
    pub fn command(&self, to: Addressed<'_>, command: SessionCommand, now: Timestamp) -> anyhow::Result<Outgoing> {
        let mut record = self.record(&ArticleBatch {
            batch_id: Id(format!("{:032x}", rand::random::<u128>())),
            session_id: to.session_id.to_owned(),
            account: to.account.to_owned(),
            run_id: to.run_id.to_owned(),
            opened_at: now,
            closed_at: now,
            close_reason: CloseReason::Session,
            articles: Vec::new(),
            screened: Vec::new(),
        })?;
        headers::set(&mut record.headers, headers::COMMAND, command.as_str());
        Ok(record)
    }

    /// A batch of articles.
    ///
    /// # Errors
    /// It does not fit its schema, which no article can bring about.
    pub fn record(&self, batch: &ArticleBatch) -> anyhow::Result<Outgoing> {
        let mut record = written(&self.codec, &self.topic, batch)?;
        record.headers.clear();
        Tags { run_id: batch.run_id.clone(), trace: None, origin: None }.write(&mut record.headers);
        Ok(record)
    }
}
