//! The laws of the source tree that the compiler does not know: layers, vendor fences, sizes, names.

pub mod source;

use std::collections::BTreeMap;

use self::source::{File, Role, files, is_word};

/// Lines of a file. A limit that only ever goes down.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function, its signature included. A limit that only ever goes down.
const FUNCTION_LINES_MAX: usize = 70;

/// Which modules may name a crate.
const FENCES: &[(&str, &[&str])] = &[
    ("rdkafka", &["kafka", "embedded"]),
    ("reqwest", &["provider", "wire"]),
    ("clickhouse", &["clickhouse"]),
    ("metrics", &["observe"]),
    ("metrics_exporter_prometheus", &["observe"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("indicatif", &["cli"]),
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "manager", "shared"];

/// What stands nowhere in code. Written in two halves, as this file is looked through too.
const UNFINISHED_CODE: &[&str] =
    &[concat!("to", "do!"), concat!("unimple", "mented!"), concat!("db", "g!("), concat!("#[ign", "ore")];
/// What stands nowhere, not in a comment either.
const UNFINISHED_WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Fails with every violation, a line each.
fn assert_none(law: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{law}:\n  {}", violations.join("\n  "));
}

/// The map in `src/lib.rs`: the layer order, and which modules stand on one line.
fn map(lib: &File) -> Vec<Vec<String>> {
    let lines = lib.text.lines().skip_while(|line| *line != "//! # The map");
    lines
        .take_while(|line| *line != "//! # The laws")
        .filter_map(|line| line.strip_prefix("//! * "))
        .map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        .collect()
}

#[test]
fn a_module_imports_only_what_stands_above_it() {
    let files = files(Role::Source);
    let lib = files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    let map = map(lib);
    let order: BTreeMap<&str, usize> = map.iter().flatten().map(String::as_str).zip(0..).collect();
    let hops = map.iter().find(|line| line.iter().any(|name| name == "window")).unwrap();
    let mut violations: Vec<String> = lib
        .declared_modules()
        .into_iter()
        .filter(|module| !order.contains_key(module.as_str()))
        .map(|module| format!("src/lib.rs: {module} is missing in the map"))
        .collect();
    for file in files.iter().filter(|file| order.contains_key(file.module())) {
        let module = file.module();
        for import in file.imports_of_crate() {
            let Some(place) = order.get(import.as_str()) else {
                violations.push(format!("{}: crate::{import} is no module of the map", file.path));
                continue;
            };
            let hops_see_each_other = [module, &import].iter().all(|name| hops.iter().any(|hop| hop == name));
            if import != module && (*place > order[module] || hops_see_each_other) {
                violations.push(format!("{}: {module} imports {import}", file.path));
            }
        }
    }
    assert!(order.len() > 10 && hops.len() > 3, "the map is read: {map:?}");
    assert_none("layers of the map in src/lib.rs", &violations);
}

#[test]
fn vendors_stay_behind_their_fences() {
    let files = files(Role::Source);
    let mut violations = Vec::new();
    for file in &files {
        for (vendor, modules) in FENCES {
            if !modules.contains(&file.module()) && file.names_crate(vendor) {
                violations.push(format!("{}: names the crate {vendor}, which is for {modules:?}", file.path));
            }
        }
        if file.module() != "embedded" && file.has_word("unsafe") {
            violations.push(format!("{}: unsafe outside embedded", file.path));
        }
    }
    assert_none("vendor fences", &violations);
    let named = |vendor| files.iter().any(|file| file.names_crate(vendor));
    assert!(FENCES.iter().all(|(vendor, _)| named(vendor)), "every fenced crate is found where it is used");
}

#[test]
fn every_file_opens_with_what_it_is() {
    let violations: Vec<String> = files(Role::Any)
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not open with `//! `", file.path))
        .collect();
    assert_none("module docs", &violations);
}

#[test]
fn files_and_functions_stay_small() {
    let mut violations = Vec::new();
    let mut functions = 0;
    for file in files(Role::Any) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            violations.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", file.path));
        }
        for function in file.functions() {
            functions += 1;
            if function.lines > FUNCTION_LINES_MAX {
                violations.push(format!(
                    "{}:{}: fn {} has {} lines, at most {FUNCTION_LINES_MAX}",
                    file.path, function.line, function.name, function.lines
                ));
            }
        }
    }
    assert!(functions > 500, "functions are found: {functions}");
    assert_none("sizes", &violations);
}

#[test]
fn names_say_something() {
    let violations: Vec<String> = files(Role::Any)
        .iter()
        .filter(|file| {
            file.path.trim_end_matches(".rs").split('/').any(|part| {
                let version = part.rsplit_once("_v").is_some_and(|(_, rest)| rest.bytes().all(|b| b.is_ascii_digit()));
                EMPTY_NAMES.contains(&part) || version
            })
        })
        .map(|file| file.path.clone())
        .collect();
    assert_none("names of files", &violations);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut violations = Vec::new();
    for file in files(Role::Any) {
        let code = UNFINISHED_CODE.iter().filter(|word| file.code.contains(**word));
        let words = UNFINISHED_WORDS.iter().filter(|word| is_word(&file.text, word));
        violations.extend(code.chain(words).map(|word| format!("{}: {word}", file.path)));
    }
    assert_none("unfinished code", &violations);
}

#[test]
fn every_file_is_part_of_the_program_or_its_tests() {
    for role in [Role::Source, Role::Test] {
        let files = files(role);
        let declared = |path: &str| {
            let (folder, name) = path.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit_once('/').unwrap();
            let roots = ["main.rs", "lib.rs", "mod.rs"].map(|root| format!("{folder}/{root}"));
            files
                .iter()
                .filter(|file| roots.contains(&file.path) || file.path == format!("{folder}.rs"))
                .any(|parent| parent.declared_modules().iter().any(|module| module == name))
        };
        let violations: Vec<String> = files
            .iter()
            .map(|file| file.path.clone())
            .filter(|path| !["src/lib.rs", "src/main.rs", "tests/it/main.rs"].contains(&path.as_str()))
            .filter(|path| !declared(path))
            .collect();
        assert_none("files that no `mod` line names", &violations);
    }
}
