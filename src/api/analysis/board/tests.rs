//! How jobs go their way, who hears of it, and how much is kept.

use std::time::Duration;

use JobStatus::{Cancelled, Completed, Processing, Queued};

use super::*;
use crate::api::analysis::queue::queued_event;
use crate::model::{Job as Asked, Timestamp, identity};

fn event(id: &str, status: JobStatus, text: &str) -> JobEvent {
    let charts = (status == Completed).then(|| Charts { svg_light: "x".repeat(100), ..Charts::default() });
    let job = Asked { analysis_id: id.to_owned(), requested_at: Timestamp(1), ..Asked::default() };
    JobEvent { charts, status, message: text.to_owned(), ..queued_event(&job) }
}

fn at(offset: i64) -> Place {
    Place { partition: 3, offset }
}

fn words(board: &Board, id: &str, next: u32) -> Vec<String> {
    board.told(id, next).iter().map(|told| told.event.message.clone()).collect()
}

#[test]
fn a_job_goes_its_way_once_whatever_is_heard_twice() {
    let mut board = Board::default();
    assert!(matches!(board.admit(event("a", Queued, "q"), identity(&["1"])), Admission::New));
    assert!(matches!(board.admit(event("a", Queued, "q"), identity(&["1"])), Admission::Pending));
    assert!(board.find("a").is_none(), "nobody is told of what Kafka does not have");
    board.admitted("a");
    assert_eq!(board.find("a").unwrap().event.status, Queued);
    board.queued(event("a", Queued, "again"), identity(&["1"]));
    board.hear(event("a", Processing, "p"), at(5));
    board.hear(event("a", Processing, "p again"), at(5));
    board.hear(event("a", Processing, "earlier"), at(4));
    board.cancelling("a");
    board.hear(event("a", Cancelled, "c"), at(9));
    board.hear(event("a", Completed, "too late"), at(11));
    assert_eq!(words(&board, "a", 0), ["q", "p", "c"]);
    let found = board.find("a").unwrap();
    assert_eq!((found.event.status, found.cancelling, found.asked), (Cancelled, true, Some(identity(&["1"]))));
    assert!(matches!(board.admit(event("a", Queued, "q"), identity(&["2"])), Admission::Known(_)));
    board.withdraw("a");
    assert!(board.find("a").is_some(), "only what is pending is withdrawn");
}

#[test]
fn who_comes_back_hears_what_was_missed_and_the_newest_at_least() {
    let mut board = Board::default();
    board.queued(event("a", Queued, "q"), identity(&[]));
    for offset in [5, 7, 8] {
        board.hear(event("a", Processing, &format!("p{offset}")), at(offset));
    }
    let after = |board: &Board, heard| words(board, "a", board.resume("a", heard));
    assert_eq!(after(&board, None), ["p5", "p7", "p8"]);
    assert_eq!(after(&board, Some(at(5))), ["p7", "p8"]);
    assert_eq!(after(&board, Some(at(8))), [""; 0]);
    assert_eq!(after(&board, Some(Place { partition: 1, offset: 99 })), ["p5", "p7", "p8"], "not of this topic");
    for offset in 10..100 {
        board.hear(event("a", Processing, &format!("p{offset}")), at(offset));
    }
    let all = words(&board, "a", 0);
    assert_eq!((all.len(), all[0].as_str(), all[23].as_str()), (TOLD_MAX, "q", "p99"));

    // A process that knows the job only from ClickHouse.
    let mut other = Board::default();
    other.adopt(&event("a", Processing, "stored"));
    assert_eq!(after(&other, Some(at(8))), ["stored"]);
    other.adopt(&event("a", Processing, "no news"));
    other.hear(event("a", Completed, "done"), at(200));
    other.adopt(&event("a", Cancelled, "nothing changes any more"));
    assert_eq!(words(&other, "a", other.resume("a", Some(at(8)))), ["stored", "done"]);
}

#[tokio::test]
async fn listeners_are_woken_and_their_jobs_are_kept() {
    let limits = Limits { jobs: 3, ..Limits::default() };
    let mut board = Board::new(limits);
    for id in ["a", "b", "c"] {
        board.queued(event(id, Queued, "q"), identity(&[]));
    }
    let heard = board.listen("a").unwrap();
    let mut woken = Box::pin(Arc::clone(&heard).notified_owned());
    woken.as_mut().enable();
    for id in ["d", "e"] {
        board.queued(event(id, Queued, "q"), identity(&[]));
    }
    let mut kept: Vec<&str> = board.all().map(|event| event.analysis_id.as_str()).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["a", "d", "e"]);
    board.hear(event("a", Processing, "p"), at(1));
    tokio::time::timeout(Duration::from_secs(5), woken).await.unwrap();
    drop(heard);
    for id in ["f", "g", "h"] {
        board.queued(event(id, Queued, "q"), identity(&[]));
    }
    assert!(board.find("a").is_none() && board.listen("a").is_none());
    assert_eq!(board.turns.len(), board.jobs.len());
}

#[test]
fn bytes_are_bounded() {
    let limits = Limits { bytes: 10_000, charts_bytes: 250, ..Limits::default() };
    let mut board = Board::new(limits);
    for number in 0..100 {
        board.hear(event(&format!("j{number}"), Completed, "done"), at(number));
    }
    assert!(board.jobs.len() < 20 && board.bytes <= 10_000, "{} {}", board.jobs.len(), board.bytes);
    assert!(board.charts("j99").is_some() && board.charts("j98").is_some() && board.charts("j97").is_none());
    assert_eq!(board.charts_bytes, 200);
    for number in 0..100 {
        board.remove(&format!("j{number}"));
    }
    assert_eq!((board.bytes, board.jobs.len(), board.turns.len()), (0, 0, 0));
}
