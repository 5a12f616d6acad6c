//! Analyses on demand over real Kafka and the ClickHouse engine: what becomes of jobs, of what is no job, of those that
//! are cancelled, while ClickHouse is away, and while workers are killed.
//!
//! Longer: `SIGNALMILL_ANALYSIS_JOBS=2000 SIGNALMILL_ANALYSIS_KILLS=20`; a failure is repeated with its
//! `SIGNALMILL_ANALYSIS_SEED`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng as _;
use serde_json::json;
use signalmill::model::{
    BreakerState, Cancellation, Candle, Job, JobEvent, JobStatus, JobStep, Timestamp, WorkerReport,
};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec, Record};

use crate::audit::now_ms;
use crate::crash::{given, seeded};
use crate::mill::{Mill, Worker};
use crate::stack::{Raw, Seen, Stack, until};

/// Time for the last job to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time from the moment at which a worker is seen at work to its kill, in milliseconds.
const AMID_MS: std::ops::Range<u64> = 0..400;
const HOUR_MS: i64 = 3_600_000;

fn encoded<T: Record>(key: &str, record: &T) -> Raw {
    let mut value = Vec::new();
    Codec::<T>::new(ALLOCATION_BYTES_MAX).unwrap().encode(record, &mut value).unwrap();
    Raw { key: Some(key.as_bytes().to_vec()), value: Some(value), ..Raw::default() }
}

fn job(id: &str, symbol: &str, more: &serde_json::Value) -> Raw {
    let mut job = json!({ "analysis_id": id, "symbol": symbol, "interval": "1h" });
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Raw { key: Some(id.as_bytes().to_vec()), value: Some(job.to_string().into_bytes()), ..Raw::default() }
}

/// Stores `bars` hourly bars of BTCUSDT, the last of which closed `age` hours ago.
fn store(mill: &Mill, exchange: &str, bars: i64, age: i64) {
    let end = now_ms() / HOUR_MS * HOUR_MS - age * HOUR_MS;
    let sql = format!(
        "INSERT INTO candles SELECT '{exchange}', 'BTCUSDT', '1h', fromUnixTimestamp64Milli(toInt64({end} - (number + 1) * \
         {HOUR_MS})), 100 + 10 * sin(number / 9), 112 + 10 * sin(number / 9), 88 + 10 * sin(number / 9), \
         101 + 10 * sin(number / 9), 5 + number % 7, 'test', arrayJoin([1, 2]) FROM numbers({bars})"
    );
    mill.ask(&sql);
}

fn candles(bars: i64) -> Vec<Candle> {
    let end = now_ms() / HOUR_MS * HOUR_MS;
    let bar = |bar: i64| {
        let price = 100.0 + f64::from(i32::try_from(bar % 17).unwrap());
        let open_time = Timestamp(end - (bars - bar) * HOUR_MS);
        Candle { open_time, open: price, high: price + 2.0, low: price - 2.0, close: price + 1.0, volume: 3.0 }
    };
    (0..bars).map(bar).collect()
}

/// The events of each job, in their order.
fn events(mill: &Mill) -> BTreeMap<String, Vec<JobEvent>> {
    let mut events: BTreeMap<String, Vec<JobEvent>> = BTreeMap::new();
    for (seen, event) in mill.decoded::<JobEvent>() {
        assert_eq!(seen.key.as_deref(), Some(event.analysis_id.as_bytes()));
        assert_eq!(seen.header("origin"), event.origin);
        events.entry(event.analysis_id.clone()).or_default().push(event);
    }
    events
}

/// Waits until so many jobs have ended, and holds that each of them did once.
fn until_ended(mill: &Mill, jobs: usize, patience: Duration) -> BTreeMap<String, Vec<JobEvent>> {
    until("every job has ended", patience, || {
        let events = events(mill);
        let finals = |events: &Vec<JobEvent>| events.iter().filter(|event| event.status.is_final()).count();
        if let Some((id, twice)) = events.iter().find(|(_, events)| finals(events) > 1) {
            panic!("{id} has ended more than once: {twice:?}");
        }
        let ended = events.values().filter(|events| finals(events) == 1).count();
        if ended == jobs { Ok(events) } else { Err(format!("{ended} of {jobs}")) }
    })
}

fn last<'a>(events: &'a BTreeMap<String, Vec<JobEvent>>, id: &str) -> &'a JobEvent {
    events[id].last().unwrap()
}

fn reports(mill: &Mill) -> Vec<WorkerReport> {
    mill.decoded::<WorkerReport>().into_iter().map(|(_, report)| report).collect()
}

/// Step by step, each once; of those between the first and the end only those that lasted.
fn went_all_the_way(events: &[JobEvent]) {
    let at = |progress, step| (JobStatus::Processing, progress, Some(step));
    let ways = [
        at(5, JobStep::Loading),
        at(30, JobStep::Reading),
        at(50, JobStep::Drawing),
        at(80, JobStep::Summarising),
        (JobStatus::Completed, 100, Some(JobStep::Summarising)),
    ];
    let steps: Vec<_> = events.iter().map(|event| (event.status, event.progress, event.step)).collect();
    let mut way = ways.iter().filter(|way| steps.contains(way));
    assert!(steps.iter().all(|step| way.next() == Some(step)), "{events:?}");
    assert!(steps.starts_with(&ways[..1]) && steps.ends_with(&ways[4..]), "{events:?}");
}

#[test]
fn a_job_becomes_one_row_with_its_charts() {
    let mill = Mill::on(Stack::shared(), "analysis_plain").set("kafka.worker_id", "only");
    let mut worker = mill.start_ready();
    store(&mill, "binance", 1_200, 48);
    store(&mill, "mexc", 1_200, 0);
    let own = Job {
        analysis_id: "own".into(),
        user_id: "ada".into(),
        symbol: "MINE".into(),
        interval: "60m".into(),
        candles: candles(80),
        ..Job::default()
    };
    let bare = Raw { value: Some(br#"{"symbol":"BTCUSDT","interval":"1h"}"#.to_vec()), ..Raw::default() };
    let places = mill.produce(
        "analysis.jobs",
        &[
            bare,
            job("old", "BTCUSDT", &json!({ "exchange": "Binance", "timeframe": "7d", "user_id": "bob" })),
            encoded("own", &own),
        ],
    );
    let events = until_ended(&mill, 3, PATIENCE);
    for events in events.values() {
        went_all_the_way(events);
        let event = events.last().unwrap();
        assert!(event.attempt == 1 && event.error.is_empty() && !event.summary.is_empty() && event.worker == "only");
        assert!(event.summary_by == "template" && event.message.starts_with("Analysis completed"), "{event:?}");
        let charts = event.charts.as_ref().unwrap();
        assert!(charts.svg_light.starts_with("<svg") && charts.png_dark.starts_with(b"\x89PNG"));
    }
    let origin = format!("{}/{}/{}", mill.topic("analysis.jobs"), places[0].0, places[0].1);
    let newest = events.values().map(|events| events.last().unwrap()).find(|event| event.origin == origin).unwrap();
    assert_eq!((newest.exchange.as_str(), newest.user_id.as_str()), ("mexc", "local"), "that with the newest bars");
    let data = |event: &JobEvent| serde_json::from_str::<serde_json::Value>(&event.data).unwrap();
    assert_eq!((&data(newest)["candles"], &data(newest)["interval"]), (&1_000.into(), &"1h".into()));
    assert_eq!(data(last(&events, "old"))["candles"], 168);
    assert_eq!(
        (data(last(&events, "own"))["candles"].as_u64(), last(&events, "own").exchange.as_str()),
        (Some(80), "unknown")
    );

    let rows = "SELECT count(), uniqExact(analysis_id), countIf(status = 'completed' AND progress = 100 AND summary != '' \
                AND isValidJSON(data) AND attempts = 1 AND created_at > now() - 3600) FROM analysis_jobs_v";
    mill.until_answer(rows, "3\t3\t3", PATIENCE);
    let users = "SELECT arraySort(groupArray((user_id, exchange, timeframe))) FROM analysis_jobs_v";
    assert_eq!(mill.ask(users), "[('ada','unknown',''),('bob','binance','7d'),('local','mexc','')]");
    let charts = "SELECT countIf(svg_light LIKE '<svg%' AND svg_dark LIKE '<svg%' AND startsWith(png_light, unhex('89504E47')) \
                  AND startsWith(png_dark, unhex('89504E47'))) FROM analysis_charts_v";
    mill.until_answer(charts, "3", PATIENCE);

    assert!((worker.metric("signalmill_analysis_jobs_total{outcome=\"completed\"}") - 3.0).abs() < 0.5);
    assert!(worker.metric("signalmill_breaker_state{provider=\"analysis\"}").abs() < 0.5);
    worker.stop();
    let reports = reports(&mill);
    let (first, end) = (reports.first().unwrap(), reports.last().unwrap());
    assert!(first.worker_id == "only" && first.healthy && !first.stopped && first.analyses_processed == 0, "{first:?}");
    assert!(end.stopped && end.analyses_processed == 3 && end.processing_seconds_total > 0.0, "{end:?}");
}

/// Jobs that cannot come to anything, each with its id and why.
fn hopeless() -> [(&'static str, Raw, &'static str); 6] {
    let few = Job {
        analysis_id: "few".into(),
        symbol: "X".into(),
        interval: "1h".into(),
        candles: candles(49),
        ..Job::default()
    };
    [
        ("unknown", job("unknown", "NOSUCH", &json!({})), "no candles of NOSUCH of 1h"),
        ("elsewhere", job("elsewhere", "BTCUSDT", &json!({ "exchange": "mexc" })), "at mexc"),
        ("interval", job("interval", "BTCUSDT", &json!({ "interval": "1 parsec" })), "is no interval"),
        (
            "timeframe",
            job("timeframe", "BTCUSDT", &json!({ "exchange": "binance", "timeframe": "later" })),
            "is no timeframe",
        ),
        ("short", job("short", "BTCUSDT", &json!({ "exchange": "binance", "timeframe": "12h" })), "at least 50"),
        ("few", encoded("few", &few), "at least 50"),
    ]
}

/// What is no job, with the reason of its dead letter.
fn poison() -> [(&'static str, Raw); 4] {
    [
        ("malformed", Raw { value: Some(br#"{"symbol":"#.to_vec()), ..Raw::default() }),
        ("malformed", Raw { value: Some(vec![0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9]), ..Raw::default() }),
        ("invalid", Raw { value: Some(br#"{"interval":"1h"}"#.to_vec()), ..Raw::default() }),
        ("invalid", job("control\u{7}", "BTCUSDT", &json!({}))),
    ]
}

#[test]
fn what_comes_to_nothing_says_why_and_holds_nothing_up() {
    let mill = Mill::on(Stack::shared(), "analysis_bad").set("analysis.attempts_max", "2");
    let mut worker = mill.start_ready();
    store(&mill, "binance", 200, 0);
    // As many bars as there are, of which none can be read.
    mill.ask("RENAME TABLE candles TO stored");
    mill.ask(
        "CREATE VIEW candles AS SELECT exchange, symbol, interval, open_time, open, high, low, \
         if(exchange = 'broken', toFloat64(concat(symbol, 'x')), close) AS close, volume, version FROM \
         (SELECT * FROM stored UNION ALL SELECT * REPLACE('broken' AS exchange) FROM stored)",
    );
    let (hopeless, poison) = (hopeless(), poison());
    let good = job("good", "BTCUSDT", &json!({ "exchange": "binance" }));
    let broken = job("broken", "BTCUSDT", &json!({ "exchange": "broken" }));
    let mut jobs: Vec<Raw> = hopeless.iter().map(|(_, raw, _)| raw.clone()).collect();
    jobs.extend(poison.iter().map(|(_, raw)| raw.clone()));
    jobs.extend([broken.clone(), good.clone(), good, Raw { value: None, ..broken.clone() }]);
    mill.produce("analysis.jobs", &jobs);

    let events = until_ended(&mill, hopeless.len() + 2, PATIENCE);
    for (id, _, why) in &hopeless {
        let event = last(&events, id);
        assert_eq!((event.status, event.attempt), (JobStatus::Failed, 1), "{event:?}");
        assert!(event.error.contains(why), "{id}: {}", event.error);
    }
    assert_eq!(last(&events, "good").status, JobStatus::Completed);
    let given_up = last(&events, "broken");
    assert_eq!((given_up.status, given_up.attempt), (JobStatus::Failed, 2), "{given_up:?}");
    assert!(events["broken"].iter().any(|event| event.message.contains("is made again in")));

    let letters = until("the dead letters are there", PATIENCE, || match mill.read("analysis.jobs.dlq") {
        letters if letters.len() == poison.len() + 1 => Ok(letters),
        letters => Err(format!("{}", letters.len())),
    });
    let reason = |reason: &str| letters.iter().filter(|letter| letter.header("dlq.reason") == reason).count();
    assert!(reason("invalid") == 2 && reason("failed") == 1 && reason("malformed") + reason("unknown_schema") == 2);
    let letter: &Seen = letters.iter().find(|letter| letter.header("dlq.reason") == "failed").unwrap();
    assert_eq!((letter.header("dlq.attempts"), &letter.key, &letter.value), ("2", &broken.key, &broken.value));
    mill.until_answer(
        "SELECT countIf(status = 'failed' AND error != ''), countIf(status = 'completed') FROM analysis_jobs_v",
        "7\t1",
        PATIENCE,
    );
    let duplicates = "signalmill_records_total{stage=\"analyze\",outcome=\"duplicate\"}";
    assert!((worker.metric(duplicates) - 1.0).abs() < 0.5);
    assert!((worker.metric("signalmill_analysis_errors_total") - 2.0).abs() < 0.5);
}

#[test]
fn jobs_outlive_an_outage_of_clickhouse_and_end_at_once_when_cancelled() {
    let mut stack = Stack::own("analysis_outage", &[]);
    let mill = Mill::on(&stack, "analysis_outage").set("breaker.failures", "2").set("breaker.open", "1s");
    let cancel = |id: &str| {
        let cancellation = Cancellation { analysis_id: id.into(), user_id: "local".into(), at: Timestamp(now_ms()) };
        mill.produce("analysis.cancellations", &[encoded(id, &cancellation)]);
    };
    let names: Vec<String> = (0..8).map(|number| format!("job-{number}")).collect();
    cancel(&names[0]);
    let mut worker = mill.start_ready();
    store(&mill, "binance", 200, 0);
    stack.services.clickhouse.kill().unwrap();
    mill.produce("analysis.jobs", &[job("alone", "BTCUSDT", &json!({}))]);
    until("it waits for its candles", PATIENCE, || match events(&mill).get("alone") {
        Some(events) if events[0].step == Some(JobStep::Loading) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    cancel("alone");
    until_ended(&mill, 1, PATIENCE);

    let jobs: Vec<Raw> = names.iter().map(|id| job(id, "BTCUSDT", &json!({}))).collect();
    mill.produce("analysis.jobs", &jobs);
    until("the breaker is open, and said to be", PATIENCE, || {
        let reports = reports(&mill);
        let is_open = |report: &WorkerReport| report.breaker == BreakerState::Open && !report.healthy;
        if reports.iter().any(is_open) { Ok(()) } else { Err(format!("{reports:?}")) }
    });
    let (why, _) = worker.until_page("/ready", 503, PATIENCE);
    assert!(why.contains("analyze") && why.contains("clickhouse: "), "{why}");
    until("five are at work", PATIENCE, || match events(&mill).len() {
        6.. => Ok(()),
        some => Err(format!("{some}")),
    });
    // Whether it waits for ClickHouse, or for its turn.
    cancel(&names[1]);
    cancel(&names[7]);

    stack.services.clickhouse.restart().unwrap();
    let events = until_ended(&mill, names.len() + 1, PATIENCE);
    for (number, id) in names.iter().enumerate() {
        let event = last(&events, id);
        let expected = if [0, 1, 7].contains(&number) { JobStatus::Cancelled } else { JobStatus::Completed };
        assert_eq!(event.status, expected, "{event:?}");
        assert!(event.attempt <= 1, "an outage uses up no attempt: {event:?}");
    }
    assert_eq!(events[&names[0]].len(), 1, "it never began");
    // Too late to change anything.
    cancel(&names[3]);
    mill.produce("analysis.jobs", &[job("after", "BTCUSDT", &json!({}))]);
    let events = until_ended(&mill, names.len() + 2, PATIENCE);
    assert_eq!(last(&events, &names[3]).status, JobStatus::Completed);
    worker.until_page("/ready", 200, PATIENCE);
    let rows = "SELECT countIf(status = 'completed'), countIf(status = 'cancelled') FROM analysis_jobs_v";
    mill.until_answer(rows, "6\t4", PATIENCE);
    assert_eq!(mill.read("analysis.jobs.dlq"), []);
}

/// The place of a worker that is at a job just now.
fn busy(workers: &mut [Worker]) -> Option<usize> {
    workers.iter_mut().position(|worker| {
        let page = worker.page("/metrics").map_or_else(|_| String::new(), |(_, page)| page);
        let queue = page.lines().find_map(|line| line.strip_prefix("signalmill_analysis_queue ")?.parse::<f64>().ok());
        queue.is_some_and(|jobs| jobs > 0.5)
    })
}

#[test]
fn kills_of_workers_lose_no_job_and_end_none_twice() {
    let count = usize::try_from(given("SIGNALMILL_ANALYSIS_JOBS", 100)).unwrap();
    let kills = usize::try_from(given("SIGNALMILL_ANALYSIS_KILLS", 4)).unwrap();
    let mut random = seeded("SIGNALMILL_ANALYSIS_SEED");
    let mill = Mill::on(Stack::shared(), "analysis_killed").set("analysis.batch_size", "2");
    let mut sink = mill.start_stages("sink");
    sink.until_ready();
    store(&mill, "binance", 1_200, 0);
    let jobs: Vec<Raw> = (0..count).map(|number| job(&format!("job-{number}"), "BTCUSDT", &json!({}))).collect();
    let mut workers = vec![mill.start_stages("analyze"), mill.start_stages("analyze")];
    let share = jobs.len().div_ceil(kills + 1);
    for (number, some) in jobs.chunks(share).enumerate() {
        mill.produce("analysis.jobs", some);
        if number < kills {
            let place =
                until("somebody is at work", PATIENCE, || busy(&mut workers).ok_or_else(|| "nobody".to_owned()));
            // The moment of the kill is drawn: this wait is the test, not a hope that something is done by then.
            std::thread::sleep(Duration::from_millis(random.random_range(AMID_MS)));
            workers.swap_remove(place).kill();
            workers.push(mill.start_stages("analyze"));
        }
    }
    let patience = PATIENCE + Duration::from_millis(300 * count as u64);
    let rows = "SELECT count(), countIf(status = 'completed' AND progress = 100) FROM analysis_jobs_v";
    mill.until_answer(rows, &format!("{count}\t{count}"), patience);
    let events = until_ended(&mill, count, patience);
    let ids: BTreeSet<String> = (0..count).map(|number| format!("job-{number}")).collect();
    assert!(ids.iter().eq(events.keys()), "none lost, none strange");
    for events in events.values() {
        let event = events.last().unwrap();
        assert!(
            event.status == JobStatus::Completed && event.charts.is_some(),
            "the final event is the last: {event:?}"
        );
    }
    let workers_seen: BTreeSet<&str> = events.values().flatten().map(|event| event.worker.as_str()).collect();
    let again = events.values().filter(|events| events.len() > 5).count();
    eprintln!("{count} jobs, {kills} kills, {} workers, {again} jobs begun again", workers_seen.len());
    let charts = "SELECT count() FROM analysis_charts_v WHERE svg_light != '' AND svg_dark != '' AND png_light != '' AND png_dark != ''";
    mill.until_answer(charts, &count.to_string(), patience);
    assert_eq!(mill.read("analysis.jobs.dlq"), []);
}
