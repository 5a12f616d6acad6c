//! `dlq show`: all of a letter. Its payload is shown as the text that it is, or its first bytes in hexadecimal; written to
//! a file it is what the record had, byte for byte.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use bytes::Bytes;

use super::{Desk, described, place, shown};
use crate::cli::args::{DlqShow, DlqState, Which};
use crate::cli::output::{self, harmless};
use crate::clickhouse::DeadLetterState;

/// Deaths of one record that are shown.
const SHOWN_MAX: u64 = 100;
/// Bytes of a payload that is no text which are shown.
const BYTES_SHOWN_MAX: usize = 1024;
/// Of these in a line.
const BYTES_IN_LINE: usize = 32;

pub(super) async fn run(args: &DlqShow, desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    let which = Which { reason: args.reason.clone(), state: DlqState::All, ..Which::default() };
    let filter = desk.filter(&which, std::slice::from_ref(&args.letter));
    let letters = desk.store.dead_letters(&filter, SHOWN_MAX).await?;
    if letters.is_empty() {
        bail!("there is no dead letter {}", args.letter);
    }
    let mut whole = Vec::with_capacity(letters.len());
    for letter in letters {
        let payload = payload(desk, &letter).await?;
        whole.push((letter, payload));
    }
    if let Some(path) = &args.payload_to {
        let [(_, payload)] = whole.as_slice() else {
            let reasons: Vec<&str> = whole.iter().map(|(letter, _)| letter.reason.as_str()).collect();
            bail!("{} died more than once ({}): choose by --reason", args.letter, reasons.join(", "));
        };
        return write_payload(path, payload);
    }
    let out = &mut io::stdout().lock();
    for (letter, payload) in &whole {
        if as_json {
            let mut value = described(letter);
            value["payload"] = shown(payload);
            output::write_json(out, &value)?;
        } else {
            print(out, letter, payload)?;
        }
    }
    Ok(())
}

async fn payload(desk: &Desk, letter: &DeadLetterState) -> anyhow::Result<Bytes> {
    let bodies = desk.store.dead_letter_bodies(&letter.topic, letter.partition, &[letter.offset]).await?;
    let body = bodies.into_iter().find(|body| body.reason == letter.reason);
    Ok(body.with_context(|| format!("{} is gone meanwhile", place(letter)))?.payload)
}

fn write_payload(path: &Path, payload: &[u8]) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        let out = &mut io::stdout().lock();
        out.write_all(payload)?;
        return Ok(out.flush()?);
    }
    fs::write(path, payload).with_context(|| format!("writing {}", path.display()))
}

fn print(out: &mut impl Write, letter: &DeadLetterState, payload: &[u8]) -> io::Result<()> {
    writeln!(out, "{}", harmless(&place(letter)))?;
    let key = letter.key.as_deref().map_or_else(|| "none".to_owned(), text);
    let facts = described(letter);
    for name in ["reason", "error", "stage", "attempts", "spent_usd", "at", "state", "retries", "kept_in"] {
        let value = facts[name].as_str().map_or_else(|| facts[name].to_string(), str::to_owned);
        writeln!(out, "  {name}: {}", harmless(&value))?;
    }
    writeln!(out, "  key: {}", harmless(&key))?;
    for (name, value) in &letter.headers {
        writeln!(out, "  header {}: {}", harmless(name), harmless(&text(value)))?;
    }
    writeln!(out, "  payload, {} bytes:", payload.len())?;
    if let Ok(text) = std::str::from_utf8(payload) {
        return text.lines().try_for_each(|line| writeln!(out, "    {}", harmless(line)));
    }
    for line in payload[..payload.len().min(BYTES_SHOWN_MAX)].chunks(BYTES_IN_LINE) {
        writeln!(out, "    {}", hexadecimal(line))?;
    }
    if payload.len() > BYTES_SHOWN_MAX {
        writeln!(out, "    … (all of it: --payload-to FILE)")?;
    }
    Ok(())
}

/// Text as it is, other bytes in hexadecimal.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| format!("hex {}", hexadecimal(bytes)), str::to_owned)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
