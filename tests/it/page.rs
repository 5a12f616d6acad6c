//! The page, as a person sees it: a real browser walks every page of a full demo and does every action
//! (`tests/browser/walk.mjs`). `SIGNALMILL_TEST_SHOTS` names a folder for pictures.

use std::process::Command;

use crate::demo::Running;

#[test]
fn a_browser_walks_every_page_and_does_every_action() {
    let demo = Running::shared();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/walk.mjs");
    let mut walk = Command::new("node");
    // Other tests run beside it: how fast the page is, is measured alone.
    walk.args([script, "--expect-data", "--paint-ms-max", "10000", "--base", &demo.address("page")]);
    if let Ok(folder) = std::env::var("SIGNALMILL_TEST_SHOTS") {
        walk.args(["--shots", &folder]);
    }
    let output = walk.output().unwrap_or_else(|error| panic!("node: {error}: install the package nodejs"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success() && said.contains(" passed, 0 failed"), "{said}");
}
