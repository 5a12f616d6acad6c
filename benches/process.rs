//! What the kernel says about a process (Linux).

use std::fs;

use anyhow::Context as _;

/// Clock ticks a second in `/proc`: `USER_HZ`, 100 on every architecture that we run on.
const TICKS_A_SECOND: f64 = 100.0;
/// Place of `utime` in `/proc/PID/stat`, counted behind the command's closing bracket; `stime` follows (proc(5)).
const UTIME_FIELD: usize = 11;

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// CPU seconds, user and system, of all its threads.
    pub cpu_s: f64,
    /// Resident memory now, in MiB.
    pub resident_mib: f64,
    /// The most that was ever resident, in MiB.
    pub peak_mib: f64,
}

impl Usage {
    /// Asks the kernel about process `pid`.
    ///
    /// # Errors
    /// There is no such process any more.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading /proc")?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading /proc")?;
        let kibibytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        Ok(Self {
            cpu_s: (ticks(UTIME_FIELD) + ticks(UTIME_FIELD + 1)) / TICKS_A_SECOND,
            resident_mib: kibibytes("VmRSS:") / 1024.0,
            peak_mib: kibibytes("VmHWM:") / 1024.0,
        })
    }
}
