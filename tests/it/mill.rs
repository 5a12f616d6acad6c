//! One installation of the program on a stack: topics with a prefix, a database, and processes of the real binary.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use signalmill::clickhouse::{Settings, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::child::Child;
use signalmill::kafka::{Behind, TOPICS, ensure, group_name};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec, Record};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::stack::{Raw, Seen, Stack, Writer, read, until};
use crate::texts;

/// Time that a process may take to its first answer, or to its end.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes of a log that a failed test shows.
const LOG_SHOWN_MAX: usize = 24_000;

/// Topics and a database of a test's own.
pub struct Mill {
    kafka: config::Kafka,
    store: Store,
    runtime: Runtime,
    folder: TempDir,
    variables: Vec<(String, String)>,
    started: Cell<usize>,
}

impl Mill {
    /// With its topics made; `name` parts it from others on the same stack: letters, digits and `_`.
    pub fn on(stack: &Stack, name: &str) -> Self {
        let kafka = config::Kafka {
            brokers: stack.brokers.clone(),
            topic_prefix: format!("{name}."),
            ..config::Kafka::default()
        };
        let settings = Settings { url: stack.url.clone(), database: name.to_owned(), ..Settings::default() };
        let mill = Self {
            store: Store::new(settings, Clock::system()).unwrap(),
            runtime: Runtime::new().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            started: Cell::new(0),
            kafka,
        };
        mill.runtime.block_on(ensure(&mill.kafka, TOPICS, true)).unwrap();
        mill.set("kafka.brokers", &stack.brokers)
            .set("kafka.topic_prefix", &format!("{name}."))
            .set("clickhouse.url", &stack.url)
            .set("clickhouse.database", name)
            .set("metrics.listen", "127.0.0.1:0")
            .set("api.listen", "127.0.0.1:0")
            .set("articles.batch_age_max", "300ms")
    }

    /// Sets a key of the configuration for every process started from now on.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.variables.push((format!("SIGNALMILL__{}", key.replace('.', "__").to_uppercase()), value.to_owned()));
        self
    }

    /// Sets a variable of the environment, such as a key, for every process started from now on.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the folder in which commands run.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The folder in which commands run, and where they log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A topic's real name.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.kafka.topic_prefix)
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
        command.args(args).current_dir(self.folder.path()).env("SIGNALMILL_LOG_FORMAT", "human");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end, as a user does, with `input` on its standard input.
    pub fn command(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.program(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts `signalmill run`.
    pub fn start(&self) -> Worker {
        self.start_with(&[])
    }

    /// Starts `signalmill serve`.
    pub fn serve(&self) -> Worker {
        self.start_as(&["serve"], &[])
    }

    /// Starts `signalmill run --stages`.
    pub fn start_stages(&self, stages: &str) -> Worker {
        self.start_as(&["run", "--stages", stages], &[])
    }

    /// The same as a worker of this name.
    pub fn named<'a>(&'a self, worker_id: &str) -> Named<'a> {
        Named { mill: self, worker_id: worker_id.to_owned() }
    }

    fn start_with(&self, variables: &[(&str, &str)]) -> Worker {
        self.start_as(&["run"], variables)
    }

    /// Starts another command, which writes where a worker would.
    pub fn start_command(&self, args: &[&str]) -> Worker {
        self.start_as(args, &[])
    }

    fn start_as(&self, args: &[&str], variables: &[(&str, &str)]) -> Worker {
        let number = self.started.replace(self.started.get() + 1);
        let log = self.folder.path().join(format!("run-{number}.log"));
        let mut program = self.program(args);
        program.envs(variables.iter().copied());
        let child = Child::spawn("signalmill", program, &log).unwrap();
        Worker { child, log }
    }

    /// Starts `signalmill run` and waits until every hop is ready.
    pub fn start_ready(&self) -> Worker {
        let mut worker = self.start();
        worker.until_ready();
        worker
    }

    /// Sends records to a topic; says where they are: partition and offset.
    pub fn produce(&self, topic: &str, records: &[Raw]) -> Vec<(i32, i64)> {
        let mut writer = Writer::new(&self.kafka.brokers, &self.topic(topic));
        for record in records {
            writer.send(record);
        }
        self.runtime.block_on(writer.finish())
    }

    /// Sends articles `0..count` to `articles.raw` evenly over `time`, in the background.
    pub fn feed(&self, count: usize, time: Duration) -> JoinHandle<()> {
        self.feed_range(0..count, time)
    }

    /// The same with these articles.
    pub fn feed_range(&self, numbers: Range<usize>, time: Duration) -> JoinHandle<()> {
        let mut writer = Writer::new(&self.kafka.brokers, &self.topic("articles.raw"));
        let runtime = self.runtime.handle().clone();
        std::thread::spawn(move || {
            let began = Instant::now();
            let gap = time / u32::try_from(numbers.len()).unwrap().max(1);
            for (place, number) in (0..).zip(numbers) {
                let due = began + gap * place;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                writer.send(&Raw {
                    key: Some(texts::id(number).into_bytes()),
                    value: Some(texts::json(number).into_bytes()),
                    ..Raw::default()
                });
            }
            runtime.block_on(writer.finish());
        })
    }

    /// Every committed record of a topic.
    pub fn read(&self, topic: &str) -> Vec<Seen> {
        read(&self.kafka.brokers, &self.topic(topic))
    }

    /// The same, decoded.
    pub fn decoded<T: Record>(&self) -> Vec<(Seen, T)> {
        let codec = Codec::<T>::new(ALLOCATION_BYTES_MAX).unwrap();
        let decode = |seen: Seen| {
            let value = codec.decode(seen.value.as_deref().unwrap()).unwrap();
            (seen, value)
        };
        self.read(T::TOPIC).into_iter().map(decode).collect()
    }

    /// Waits until the tables say what hops have written to these topics. Tables are filled side by side: what one says
    /// by now may not have come into another.
    pub fn until_landed(&self, topics: &[&str]) {
        let topics: Vec<String> = topics.iter().map(|topic| self.topic(topic)).collect();
        let behind = Behind::of(&self.kafka, &group_name(&self.kafka, "sink"), &topics).unwrap();
        let began = Instant::now();
        let patient = |left| {
            anyhow::ensure!(began.elapsed() < PATIENCE, "{left} offsets of {topics:?} are not in the tables");
            Ok(())
        };
        behind.until_landed(patient).unwrap();
    }

    /// The answer to a question about the test's database, as text with tabs.
    pub fn ask(&self, sql: &str) -> String {
        self.try_ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same where the engine may be away, or its tables not made yet.
    pub fn try_ask(&self, sql: &str) -> Result<String, String> {
        self.runtime.block_on(self.store.ask(sql)).map_err(|failure| failure.to_string())
    }

    /// Waits until a question has this answer.
    pub fn until_answer(&self, sql: &str, expected: &str, patience: Duration) {
        until(sql, patience, || match self.try_ask(sql) {
            Ok(answer) if answer == expected => Ok(()),
            Ok(answer) => Err(format!("{answer}, not {expected}")),
            Err(error) => Err(error),
        });
    }
}

/// An installation as one of its workers has it.
pub struct Named<'a> {
    mill: &'a Mill,
    worker_id: String,
}

impl Named<'_> {
    /// Starts `signalmill run`.
    pub fn start(&self) -> Worker {
        self.mill.start_with(&[("SIGNALMILL__KAFKA__WORKER_ID", &self.worker_id)])
    }
}

/// A `signalmill run`; killed when dropped. Its log is shown where the test fails, and kept in the folder that
/// `SIGNALMILL_TEST_LOGS` names.
pub struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
    }

    /// SIGTERM, and what came of it after how long.
    pub fn stop(mut self) -> (ExitStatus, Duration) {
        let told = Instant::now();
        self.child.stop(PATIENCE).unwrap();
        (self.child.exited().unwrap().unwrap(), told.elapsed())
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Status and body of a page.
    pub fn page(&mut self, path: &str) -> Result<(u16, String), String> {
        if let Some(status) = self.child.exited().unwrap() {
            panic!("the process ended: {status}");
        }
        let address = self.said("listen=").ok_or("it does not listen yet")?;
        let (status, _, body) = get(&address, path, "").map_err(|error| error.to_string())?;
        Ok((status, body))
    }

    /// What stands in the log behind the first `mark`.
    fn said(&self, mark: &str) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once(mark)?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    /// Where the API listens.
    pub fn api(&self) -> String {
        until("the API listens", PATIENCE, || self.said("address=").ok_or_else(|| self.log()))
    }

    /// Waits until a page has this status; says its body and how long that took.
    pub fn until_page(&mut self, path: &str, status: u16, patience: Duration) -> (String, Duration) {
        let asked = Instant::now();
        let what = format!("{path} says {status}");
        let body = until(&what, patience, || match self.page(path)? {
            (found, body) if found == status => Ok(body),
            (found, body) => Err(format!("{found} {body}")),
        });
        (body, asked.elapsed())
    }

    /// Waits until every hop is ready.
    pub fn until_ready(&mut self) {
        self.until_page("/ready", 200, PATIENCE);
    }

    /// The sample of a metric, such as `signalmill_records_total{stage="x",outcome="y"}`; labels in the order of the page.
    pub fn metric(&mut self, sample: &str) -> f64 {
        self.try_metric(sample).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same where it may not be there yet.
    pub fn try_metric(&mut self, sample: &str) -> Result<f64, String> {
        let (_, page) = self.page("/metrics")?;
        let line = page.lines().find_map(|line| line.strip_prefix(sample));
        Ok(line.ok_or_else(|| format!("no {sample} in\n{page}"))?.trim().parse().unwrap())
    }
}

/// Status, head and body of a page that is not compressed; `headers` are lines with their ends.
pub fn get(address: &str, path: &str, headers: &str) -> std::io::Result<(u16, String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((status.ok_or_else(|| std::io::Error::other("no HTTP"))?, head.to_owned(), body.to_owned()))
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(folder) = config::Environment::process().get("SIGNALMILL_TEST_LOGS") {
            let name = self.log.display().to_string().replace('/', "-");
            let _ = fs::copy(&self.log, PathBuf::from(folder).join(name));
        }
        if std::thread::panicking() {
            let log = self.log();
            let from = log.ceil_char_boundary(log.len().saturating_sub(LOG_SHOWN_MAX));
            eprintln!("--- {} ---\n{}", self.log.display(), &log[from..]);
        }
    }
}
