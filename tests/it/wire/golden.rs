//! Bytes as every version of every schema wrote them, kept as files: whatever changes, they stay readable.
//!
//! A new version of a schema needs one more file. Run the test: it fails with the bytes, as `xxd -r -p` reads them.

use std::fmt::Debug;
use std::path::Path;

use signalmill::model::{Analysis, Signal};
use signalmill::wire::{CATALOG, Record};

use super::{codec, encoded, samples};

/// Reads the file of every version of `T`. `expected` gives the record that version `n` stands for today: the sample,
/// with the default in the place of every field that came after `n`.
fn check<T: Record + PartialEq + Debug>(expected: impl Fn(usize) -> T) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/avro");
    for version in 1..=T::VERSIONS.len() {
        let name = format!("{}.v{version}.bin", T::TOPIC);
        let Ok(bytes) = std::fs::read(folder.join(&name)) else {
            let newest = encoded(&expected(T::VERSIONS.len()));
            let newest = newest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            panic!("no {name}; the newest version writes\n{newest}");
        };
        assert_eq!(codec().decode(&bytes), Ok(expected(version)), "{name}");
        if version == T::VERSIONS.len() {
            let bytes_now = encoded(&expected(version));
            assert_eq!(bytes_now, bytes, "{name} is no longer what is written");
        }
    }
}

#[test]
fn old_data_stays_readable() {
    check(|_| samples::raw_article());
    check(|_| samples::batch());
    check(|version| {
        let analysis = samples::analysis();
        match version {
            1 => Analysis { sources: vec!["https://example.org/s".into()], source_dates: Vec::new(), ..analysis },
            _ => analysis,
        }
    });
    check(|_| samples::series());
    check(|_| samples::market_batch());
    check(|_| samples::chart_in_context());
    check(|_| samples::learned());
    check(|_| samples::pending());
    check(|version| {
        let signal = samples::signal();
        match version {
            1 => Signal { oi_metadata: String::new(), observability: String::new(), ..signal },
            _ => signal,
        }
    });
    check(|_| samples::deferral());
    check(|_| samples::ledger_entry());
    check(|_| samples::job());
    check(|_| samples::job_event());
    check(|_| samples::cancellation());
    check(|_| samples::worker_report());
    assert_eq!(CATALOG.len(), 15, "every topic is checked above");
}
