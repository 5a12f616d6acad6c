//! Memory and CPU time of this process, read from `/proc` when somebody scrapes. Elsewhere than on Linux: nothing.

use std::fmt::Write;
use std::fs;

use super::table::{Metric, PROCESS_CPU, PROCESS_MEMORY};

/// `USER_HZ`, in which Linux tells CPU time to programs: 100 on every architecture Rust runs on (`man 5 proc`).
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields of `/proc/self/stat` after the command's name: user and system time.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;

/// The lines of the text format, after those of the recorder. CPU time has a fraction, which the recorder's counters
/// cannot hold.
pub(super) fn append(text: &mut String) {
    let values = [(&PROCESS_MEMORY, memory_bytes()), (&PROCESS_CPU, cpu_seconds())];
    for (Metric { name, help, shape, .. }, value) in values {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {}\n{name} {value}\n\n", shape.as_str());
        }
    }
}

fn memory_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name may contain spaces and parentheses; the last one ends it.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(USER_TICKS)? + ticks(SYSTEM_TICKS)?) / TICKS_PER_SECOND)
}
