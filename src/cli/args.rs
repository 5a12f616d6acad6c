//! The commands and their arguments. The help texts are the docs of these types; a golden test holds them.

mod dead_letters;
mod evaluate;
mod market;
mod replay;

use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::Environment;
use crate::observe;

pub use self::dead_letters::{Chosen, Dlq, DlqDrop, DlqList, DlqRetry, DlqShow, DlqState, When, Which};
pub use self::evaluate::{Evaluate, Group, Kind};
pub use self::market::{Choice, Export, Indicators, IngestMarket, MasterFeed, Patterns, Scan};
pub use self::replay::{AboutRuns, Replay, ReplayOrder};

use super::exit::Usage;
use super::stages::Stages;

/// The log filter where `--log` is not given.
const LOG_VARIABLE: &str = "RUST_LOG";
/// The log format where `--log-format` is not given.
const LOG_FORMAT_VARIABLE: &str = "SIGNALMILL_LOG_FORMAT";
/// What the demo and a scan log where nobody says otherwise: their progress and their result are what is to be read. What
/// is fetched is told, as it takes its time; that a cluster of seconds ago has no coordinators yet is no news.
const WATCHED_LOG_FILTER: &str = "warn,signalmill::kafka::client=error,signalmill::embedded::cache=info,\
                               signalmill::embedded::fetch=info,signalmill::embedded::package=info";
/// Widest line of a help text.
const HELP_COLUMNS_MAX: usize = 110;

/// Streams articles and market data from Kafka through analysis into signals in ClickHouse.
#[derive(Debug, Clone, Parser)]
#[command(name = "signalmill", version, max_term_width = HELP_COLUMNS_MAX)]
#[command(propagate_version = false, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file; otherwise the one that `SIGNALMILL_CONFIG` names, or ./signalmill.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to log, as in `RUST_LOG`: `debug`, `warn,signalmill::kafka=debug` [default: info; demo, scan: warn]
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// How to log; otherwise as `SIGNALMILL_LOG_FORMAT` says [default: human]
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
}

impl Cli {
    /// Starts to log as the flags say, or the environment where they say nothing, or as the command usually does.
    ///
    /// # Errors
    /// [`Usage`] for an unknown format, a [`LogError`](observe::LogError) for an unreadable filter.
    pub fn start_logs(&self, environment: &Environment) -> anyhow::Result<()> {
        let Global { log, log_format, .. } = &self.global;
        let format = match (log_format, environment.get(LOG_FORMAT_VARIABLE)) {
            (Some(format), _) => *format,
            (None, Some(word)) => LogFormat::from_str(word, false)
                .map_err(|_| Usage(format!("{LOG_FORMAT_VARIABLE} is {word:?}, and can be human or json")))?,
            (None, None) => LogFormat::Human,
        };
        let format = match format {
            LogFormat::Human => observe::LogFormat::Human,
            LogFormat::Json => observe::LogFormat::Json,
        };
        let watched =
            matches!(self.command, Command::Demo(_) | Command::Scan(_) | Command::Serve(Serve { demo: true, .. }));
        let usual = watched.then_some(WATCHED_LOG_FILTER);
        let filter = log.as_deref().or_else(|| environment.get(LOG_VARIABLE)).or(usual);
        Ok(observe::init_logs(filter, format)?)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Human,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Start local services, send sample articles through the pipeline and show what came out
    Demo(Demo),
    /// Run the pipeline, or some of its stages
    Run(Run),
    /// Serve the HTTP API and the web page, and nothing else
    Serve(Serve),
    /// Send data into the input topics
    #[command(subcommand)]
    Ingest(Ingest),
    /// Turn a folder of candle files into signals and a master feed
    Scan(Scan),
    /// Write what ClickHouse holds to a file
    #[command(subcommand)]
    Export(Export),
    /// Were the signals right? What prices did after them, and how much of it they knew
    Evaluate(Evaluate),
    /// Print the indicators of a candle file, a JSON object a bar
    Indicators(Indicators),
    /// Print the patterns, levels and trendlines of a candle file
    Patterns(Patterns),
    /// Check configuration, providers, topics, schemas and tables, and say what to do
    Check,
    /// Ask the running process how it is: exit 0 if well, 1 if not
    Health(Health),
    /// Bring the tables of ClickHouse up to date
    Migrate,
    /// Draw the stages and topics
    Topology(Topology),
    /// Show the records of a topic, decoded, as they come
    Tap(Tap),
    /// Read a range of a topic again, into a run of its own, at a price that is known first
    Replay(Box<Replay>),
    /// Sessions and their budgets
    #[command(subcommand)]
    Sessions(Sessions),
    /// Dead letters: what could not be processed
    #[command(subcommand)]
    Dlq(Dlq),
    /// Print a reference
    Reference(Reference),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Speak ClickHouse's HTTP for an engine in this process: a child of the local services
    #[command(hide = true)]
    ClickhouseFront(ClickhouseFront),
}

/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Stop everything when the result is shown, instead of staying up to be looked at
    #[arg(long)]
    pub once: bool,
    /// Let the built-in lexicon read the articles: nobody is asked, nothing costs. Otherwise the provider is asked whose
    /// key the environment holds, or stand-ins on this machine where there is none
    #[arg(long)]
    pub lexicon: bool,
    /// Show no result: `serve --demo`.
    #[arg(skip)]
    pub quiet: bool,
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Stages to run, comma-separated: window, enrich, score, sink, serve, some also as window/articles [default: all]
    #[arg(long, value_name = "LIST", default_value_t = Stages::all(), hide_default_value = true)]
    pub stages: Stages,
    /// Do not create missing topics: fail where one is missing
    #[arg(long)]
    pub no_create: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// On local services that are started for it, with all stages and sample data: `demo` without its report. Nobody is
    /// paid: stand-ins on this machine answer
    #[arg(long)]
    pub demo: bool,
    /// Do not create missing topics: fail where one is missing
    #[arg(long)]
    pub no_create: bool,
}

/// What to send.
#[derive(Debug, Clone, Subcommand)]
pub enum Ingest {
    /// Articles from JSON lines, a JSON array, CSV, RSS or Atom
    Articles(IngestArticles),
    /// Candle files: every file of a folder and of the folders in it
    Market(IngestMarket),
}

/// Arguments of `ingest articles`.
#[derive(Debug, Clone, Args)]
pub struct IngestArticles {
    /// File to read, `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Stop at the first bad line, exit with 1
    #[arg(long)]
    pub strict: bool,
    /// At most so many articles a second [default: as fast as the brokers take them]
    #[arg(long, value_name = "N")]
    pub rate: Option<NonZeroU32>,
}

/// Arguments of `health`.
#[derive(Debug, Clone, Args)]
pub struct Health {
    /// Whether every stage works, and not only whether none has ended for good
    #[arg(long)]
    pub ready: bool,
}

/// Arguments of `topology`.
#[derive(Debug, Clone, Args)]
pub struct Topology {
    /// Language of the drawing
    #[arg(long, value_enum, default_value = "mermaid")]
    pub format: Drawing,
}

/// Language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// Mermaid, which GitHub shows
    Mermaid,
    /// Graphviz
    Dot,
}

/// Arguments of `tap`.
#[derive(Debug, Clone, Args)]
pub struct Tap {
    /// Topic, without `kafka.topic_prefix`
    pub topic: String,
    /// Where to begin: `earliest`, `latest`, or an offset in every partition
    #[arg(long, value_name = "WHERE", default_value = "latest")]
    pub from: From,
    /// Only records with this value; a path of fields goes inside (`reading.direction=bullish`); all given ones must hold
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    pub filters: Vec<Filter>,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroU64>,
}

/// Where to begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the oldest record that is kept.
    Earliest,
    /// With the next one that is written.
    Latest,
    /// With this offset, or the next one that exists.
    Offset(u64),
}

impl FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            // Kafka's offsets are signed: what is above cannot exist.
            offset => match offset.parse() {
                Ok(offset) if i64::try_from(offset).is_ok() => Ok(Self::Offset(offset)),
                _ => Err("expected `earliest`, `latest` or an offset such as 1500"),
            },
        }
    }
}

/// A condition on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Names of fields from the outside in.
    pub path: Vec<String>,
    /// What the field must be, as text.
    pub value: String,
}

impl FromStr for Filter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text.split_once('=').ok_or("expected FIELD=VALUE")?;
        if path.split('.').any(str::is_empty) {
            return Err("expected the name of a field before `=`");
        }
        Ok(Self { path: path.split('.').map(str::to_owned).collect(), value: value.to_owned() })
    }
}

/// What to do with sessions.
#[derive(Debug, Clone, Subcommand)]
pub enum Sessions {
    /// Show sessions: what they spent and how far they are
    Show(SessionsShow),
    /// Try again at once what has failed in a session, and take its cancellation back
    Recover(SessionId),
    /// Buy nothing more for a session, and let go what waits in it
    Cancel(SessionId),
}

/// Arguments of `sessions show`.
#[derive(Debug, Clone, Args)]
pub struct SessionsShow {
    /// Only this session
    pub id: Option<String>,
    /// Show how far it is (without ID: the newest) once a second, until nothing is left to be done for it
    #[arg(long)]
    pub watch: bool,
}

/// Argument of `sessions recover` and `sessions cancel`.
#[derive(Debug, Clone, Args)]
pub struct SessionId {
    /// The session
    pub id: String,
}

/// Arguments of `reference`.
#[derive(Debug, Clone, Args)]
pub struct Reference {
    /// Which one
    #[arg(value_enum)]
    pub of: Subject,
}

/// What there is a reference of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Every key of the configuration
    Config,
    /// Every metric
    Metrics,
    /// Every topic
    Topics,
}

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

impl Completions {
    /// Writes the script.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        // Written at once: the generator panics where its own output breaks off.
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(self.shell, &mut command, "signalmill", &mut script);
        out.write_all(&script)
    }
}

/// Arguments of `clickhouse-front`.
#[derive(Debug, Clone, Args)]
pub struct ClickhouseFront {
    /// The engine's library, libchdb.so
    #[arg(long, value_name = "FILE")]
    pub lib: PathBuf,
    /// Folder of its data
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Port on 127.0.0.1
    #[arg(long)]
    pub port: u16,
    /// Most memory that the engine may take
    #[arg(long, value_name = "BYTES")]
    pub memory_max: u64,
}
