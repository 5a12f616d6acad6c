//! The doors for fuzzing, without a fuzzer: every seed and what is a little broken of it goes through its door.
//!
//! What a fuzzer found stays in `tests/fuzz/seeds`, so it is tried here in every run. The same bytes are tried each time:
//! to look for new ones is for `deploy/local/fuzz.sh`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use signalmill::fuzzed::TARGETS;

/// Cuts and changed bytes of each seed.
const VARIANTS: usize = 24;
/// What breaks a parser: signs of formats, the ends of numbers, letters cut in two.
const BREAKERS: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"]",
    b"<",
    b"\0",
    b"\xff",
    b"\xe2\x80",
    b"e999",
    b"-",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"\\ud800",
    b"\n",
    b",",
    b"=",
    "\u{202e}".as_bytes(),
];

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(path)
}

fn names(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_door_has_a_target_and_seeds() {
    let doors: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(doors.len(), TARGETS.len());
    assert_eq!(names(&folder("targets")), doors);
    assert_eq!(names(&folder("seeds")), doors);
    let manifest: toml::Table = fs::read_to_string(folder("Cargo.toml")).unwrap().parse().unwrap();
    let bins = manifest["bin"].as_array().unwrap().iter();
    assert_eq!(bins.map(|bin| bin["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), doors);
    for (name, _) in TARGETS {
        let target = fs::read_to_string(folder("targets").join(format!("{name}.rs"))).unwrap();
        assert!(target.contains(&format!("signalmill::fuzzed::{name}(bytes)")), "{name}");
        assert!(!files(&folder("seeds").join(name)).is_empty(), "{name} has no seed");
    }
}

#[test]
fn what_was_found_and_what_is_like_it_breaks_no_law() {
    let mut tried = 0;
    for (name, target) in TARGETS {
        let mut seeds = files(&folder("seeds").join(name));
        if name == "records" {
            seeds.extend(files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/avro")));
        }
        target(b"");
        for seed in seeds {
            let bytes = fs::read(&seed).unwrap();
            target(&bytes);
            for variant in 0..VARIANTS {
                // Places all over the seed, no two of them alike.
                let at = bytes.len() * variant / VARIANTS + variant % 3;
                let at = at.min(bytes.len());
                target(&bytes[..at]);
                let breaker = BREAKERS[variant % BREAKERS.len()];
                target(&[&bytes[..at], breaker, &bytes[at..]].concat());
                target(&[&bytes[..at], breaker, bytes.get(at + breaker.len()..).unwrap_or_default()].concat());
                tried += 3;
            }
        }
    }
    println!("{tried} variants of seeds");
}

#[test]
fn the_fuzzed_program_is_built_of_what_the_program_is_built_of() {
    let versions = |path: &Path| {
        let lock: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in lock["package"].as_array().unwrap() {
            let text = |key: &str| package[key].as_str().unwrap().to_owned();
            versions.entry(text("name")).or_default().insert(text("version"));
        }
        versions
    };
    let ours = versions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"));
    for (name, fuzzed) in versions(&folder("Cargo.lock")) {
        if let Some(ours) = ours.get(&name) {
            assert!(fuzzed.is_subset(ours), "{name}: tests/fuzz/Cargo.toml says how to bring the locks together");
        }
    }
}
