//! `dlq drop`: letters that nobody needs to be shown any more. They are noted as dropped and stay where they are.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{Desk, check_choice};
use crate::cli::args::DlqDrop;
use crate::cli::commands::progress;
use crate::cli::output;
use crate::clickhouse::rows::DeadLetterActionRow;
use crate::clickhouse::{Action, Store};

/// Letters that are noted in one go.
const CHUNK: usize = 1_000;
/// How long noting may take: ClickHouse is asked again until then.
const NOTING_MAX: Duration = Duration::from_secs(30);

/// What came of it.
#[derive(Debug, Serialize)]
struct Dropped {
    dry_run: bool,
    letters: u64,
}

pub(super) async fn run(args: &DlqDrop, desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    check_choice(&args.chosen)?;
    let letters =
        desk.store.dead_letters_in_order(&desk.filter(&args.chosen.which, &args.chosen.letters), args.limit).await?;
    if letters.is_empty() && !args.chosen.letters.is_empty() {
        bail!("none of these is a dead letter that could be dropped (`--state all` takes every one)");
    }
    if !args.dry_run {
        let mut bar = progress("letters", Some(letters.len() as u64));
        for chunk in letters.chunks(CHUNK) {
            let now = desk.clock.now();
            let rows = chunk
                .iter()
                .map(|letter| DeadLetterActionRow::new(letter, Action::Dropped, letter.retries, String::new(), now));
            note(&desk.store, &rows.collect::<Vec<_>>()).await?;
            bar.add(chunk.len() as u64);
        }
        bar.finish();
    }
    let done = Dropped { dry_run: args.dry_run, letters: letters.len() as u64 };
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &done)?);
    }
    let verb = if args.dry_run { "would be" } else { "are" };
    Ok(writeln!(out, "{} dead letters {verb} dropped; nothing is deleted", done.letters)?)
}

/// Notes what was done about letters.
///
/// # Errors
/// ClickHouse is away for longer than [`NOTING_MAX`], or refuses a row.
pub(super) async fn note(store: &Store, rows: &[DeadLetterActionRow<'_>]) -> anyhow::Result<()> {
    let noted = tokio::time::timeout(NOTING_MAX, store.note_dead_letters(rows)).await;
    let refused = noted.with_context(|| format!("ClickHouse took nothing for {NOTING_MAX:?}"))?;
    match refused.first() {
        Some(poisoned) => bail!("ClickHouse does not take what is to be noted: {}", poisoned.error),
        None => Ok(()),
    }
}
