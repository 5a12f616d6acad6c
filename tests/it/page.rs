//! The page, as a person sees it: a real browser walks every page of a full demo and does every action
//! (`tests/browser/walk.mjs`). `SIGNALMILL_TEST_SHOTS` names a folder for pictures.

use std::process::Command;
use std::time::Duration;

use crate::demo::Running;
use crate::mill::get;
use crate::stack::until;

#[test]
fn a_browser_walks_every_page_and_does_every_action() {
    let demo = Running::shared();
    let page = demo.address("page");
    // The demo has shown its articles by now; its markets come a little later.
    let server = page.trim_start_matches("http://").trim_end_matches('/');
    until("there are signals of markets", Duration::from_mins(1), || match get(server, "/api/results?limit=1", "") {
        Ok((200, _, body)) if body.contains("\"symbol\"") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/walk.mjs");
    let mut walk = Command::new("node");
    // Other tests run beside it: how fast the page is, is measured alone.
    walk.args([script, "--expect-data", "--paint-ms-max", "10000", "--base", &page]);
    if let Ok(folder) = std::env::var("SIGNALMILL_TEST_SHOTS") {
        walk.args(["--shots", &folder]);
    }
    let output = walk.output().unwrap_or_else(|error| panic!("node: {error}: install the package nodejs"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success() && said.contains(" passed, 0 failed"), "{said}");
}
