//! The command line.

use crate::{exit, request_args::RequestArgs};
use api::Origins;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use job::{Ceiling, Limits};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Ferries a slice of an alert archive into a Kafka topic. Without a command: a demonstration.
#[derive(Parser)]
#[command(name = "nightferry", version, after_help = exit::HELP, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do; a demonstration unless said otherwise.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The demonstration's own options.
    #[command(flatten)]
    pub demo: Demo,
    /// Log lines as JSON.
    #[arg(long, global = true)]
    pub log_json: bool,
    /// Show what the service does.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Args {
    /// What is logged unless `NIGHTFERRY_LOG` says otherwise.
    pub fn log_level(&self) -> &'static str {
        match (&self.command, self.verbose) {
            (_, true) => "debug,hyper=info,reqwest=info",
            (Some(Command::Up(_)), false) => "info",
            _ => "error",
        }
    }
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Makes a sample archive, starts the stack, ferries a job and shows what arrived.
    Demo(Demo),
    /// Starts the stack and stays: HTTP API, broker, workers; a restart finds all jobs and topics again.
    Up(Up),
    /// Submits a job from a file (YAML or JSON, `-` for standard input) or from options.
    Submit(Submit),
    /// Tells how many alerts a job would send, conditions included; takes what `submit` takes.
    Estimate(Estimate),
    /// Shows a job, or the newest one.
    Status(Status),
    /// Lists jobs, newest first.
    Jobs(List),
    /// Stops a job; its topic stays readable up to there.
    Cancel(Job),
    /// Runs the failed nights of a job again, into the same topic.
    Retry(Job),
    /// Submits a job's document again: a new job with a new topic.
    Rerun(Rerun),
    /// Shows what a job read, dropped, kept and sent.
    Receipt(Job),
    /// Shows what happened to a job, oldest first, and the mark by which the service's own logs are searched for it.
    Log(Job),
    /// Lists the nights of the archive: alerts, bytes, bands, and whether they are indexed.
    Nights(Nights),
    /// Lists the classes with how many alerts there are of each.
    Classes(Nights),
    /// Lists the fields with type, unit and meaning, and which nights lack them.
    Schema(Schema),
    /// Indexes an archive, so that estimates and lists are quick: what is new or replaced since the last time.
    Index(Index),
    /// Rewrites nights into another archive, in the layout that makes jobs fast, without losing anything: what is new or
    /// replaced since the last time.
    Optimize(Optimize),
    /// Downloads a topic into Parquet or Avro files, as the field's client lays them out; follows a job that still runs.
    Download(Download),
    /// Compares a job's receipt, its topic and a downloaded folder, alert by alert.
    Verify(Verify),
    /// Writes nights of sample alerts.
    Simulate(Simulate),
    /// Prints the completion script of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sign {
    /// Not at all; so too where the variable is empty.
    #[value(alias = "")]
    No,
    /// With AWS credentials: of the environment, a profile, a container or an instance.
    Iam,
}

/// Where the API is, and how to answer.
#[derive(ClapArgs, Clone)]
pub struct Api {
    /// The API's address.
    #[arg(long, env = "NIGHTFERRY_API", default_value = "http://127.0.0.1:8642")]
    pub api: String,
    /// Sign requests with AWS credentials, for an API behind IAM, instead of sending the token that NIGHTFERRY_TOKEN holds.
    #[arg(
        long,
        env = "NIGHTFERRY_SIGN",
        value_enum,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = Sign::No,
        default_missing_value = "iam"
    )]
    pub sign: Sign,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// `nightferry demo`
#[derive(ClapArgs, Clone)]
pub struct Demo {
    /// An archive to use instead of a sample.
    #[arg(long)]
    pub archive: Option<String>,
    /// Where the sample archive, jobs and topics are kept.
    #[arg(long, default_value = "nightferry-data")]
    pub data: PathBuf,
    /// Where the API listens; any free port if this one is taken.
    #[arg(long, default_value = "127.0.0.1:8642")]
    pub http: SocketAddr,
    /// Where the broker listens; any free port if this one is taken.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub kafka: SocketAddr,
    /// Alerts in each of the six sample nights.
    #[arg(long, default_value_t = 1000)]
    pub alerts: u64,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// `nightferry up`
#[derive(ClapArgs, Clone)]
pub struct Up {
    /// The archive: a folder or URL (`s3://…`) above `science/`.
    #[arg(long, env = "NIGHTFERRY_ARCHIVE")]
    pub archive: String,
    /// Where jobs and topics are kept.
    #[arg(long, default_value = "nightferry-data")]
    pub data: PathBuf,
    /// Where the API listens.
    #[arg(long, default_value = "127.0.0.1:8642")]
    pub http: SocketAddr,
    /// Where the embedded broker listens.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub kafka: SocketAddr,
    /// A cluster to publish to instead of the embedded broker, `host:port,…`.
    #[arg(long, env = "KAFKA_BOOTSTRAP")]
    pub bootstrap: Option<String>,
    /// A TNS table (Parquet with ra, declination and type) for tnsclass.
    #[arg(long)]
    pub tns: Option<PathBuf>,
    /// Tasks that run at once; as many as there are cores unless said otherwise.
    #[arg(long)]
    pub workers: Option<usize>,
    /// How long alerts stay in a topic, such as `7days` or `36h`.
    #[arg(long, default_value = "7days", value_parser = humantime::parse_duration)]
    pub retention: Duration,
    /// How often the archive is looked through for nights that are new or replaced, to index them; 0 for never.
    #[arg(long, default_value = "10min", value_parser = humantime::parse_duration)]
    pub index_every: Duration,
    /// A night larger than this many MiB becomes several tasks.
    #[arg(long, default_value_t = 12 * 1024)]
    pub task_mib: u64,
    /// After this many seconds without an acknowledgement of the broker an attempt is given up and repeated later.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub delivery_timeout: u64,
    /// Passing faults, such as a broker that is gone or whose disk is full, are waited out for this long without any
    /// progress, such as `6h`.
    #[arg(long, default_value = "6h", value_parser = humantime::parse_duration)]
    pub patience: Duration,
    /// The origins whose pages may ask the API, such as `https://portal.example.org`, separated by commas; `*` for all,
    /// nothing for none but its own.
    #[arg(long, env = "NIGHTFERRY_ALLOWED_ORIGINS", default_value = "*", value_name = "ORIGINS")]
    pub allowed_origins: Origins,
    /// What a job, and what a user in a day, may ask for.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Ceilings; none unless given.
#[derive(ClapArgs, Clone, Default)]
#[command(next_help_heading = "Limits (none unless given)")]
pub struct LimitArgs {
    /// The most nights of a job.
    #[arg(long, value_name = "N")]
    pub job_nights: Option<u64>,
    /// The most alerts that a job may be estimated to send.
    #[arg(long, value_name = "N")]
    pub job_alerts: Option<u64>,
    /// The most bytes that a job may be estimated to send.
    #[arg(long, value_name = "N")]
    pub job_bytes: Option<u64>,
    /// The most nights of all jobs that a user submits in a day.
    #[arg(long, value_name = "N")]
    pub day_nights: Option<u64>,
    /// The most alerts of a user in a day.
    #[arg(long, value_name = "N")]
    pub day_alerts: Option<u64>,
    /// The most bytes of a user in a day.
    #[arg(long, value_name = "N")]
    pub day_bytes: Option<u64>,
}

impl LimitArgs {
    /// The ceilings that they amount to.
    pub fn limits(&self) -> Limits {
        Limits {
            job: Ceiling { nights: self.job_nights, alerts: self.job_alerts, bytes: self.job_bytes },
            user_day: Ceiling { nights: self.day_nights, alerts: self.day_alerts, bytes: self.day_bytes },
        }
    }
}

/// `nightferry submit`
#[derive(ClapArgs, Clone)]
pub struct Submit {
    /// The job file; `-` for standard input.
    #[arg(conflicts_with = "nights")]
    pub file: Option<PathBuf>,
    /// The job by options.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Stay and show progress until the job ends.
    #[arg(short, long)]
    pub watch: bool,
    /// Only print the document that would be submitted.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry estimate`
#[derive(ClapArgs, Clone)]
pub struct Estimate {
    /// The job file; `-` for standard input.
    #[arg(conflicts_with = "nights")]
    pub file: Option<PathBuf>,
    /// The job by options.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry status`
#[derive(ClapArgs, Clone)]
pub struct Status {
    /// The job; the newest unless said otherwise.
    pub job: Option<String>,
    /// Stay and show progress until the job ends.
    #[arg(short, long)]
    pub watch: bool,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// Commands about one job.
#[derive(ClapArgs, Clone)]
pub struct Job {
    /// The job.
    pub job: String,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry rerun`
#[derive(ClapArgs, Clone)]
pub struct Rerun {
    /// The job.
    pub job: String,
    /// Stay and show progress until the new job ends.
    #[arg(short, long)]
    pub watch: bool,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// Commands that list.
#[derive(ClapArgs, Clone)]
pub struct List {
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// Commands about some of the nights.
#[derive(ClapArgs, Clone)]
pub struct Nights {
    /// Nights and ranges, such as `2025-09-01..2025-09-05`; all unless given.
    #[arg(long, num_args = 1..)]
    pub nights: Vec<String>,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry schema`
#[derive(ClapArgs, Clone)]
pub struct Schema {
    /// Only fields whose name or meaning has this word.
    pub word: Option<String>,
    /// The fields of this night, with their least and greatest values; those of all nights unless given.
    #[arg(long)]
    pub night: Option<String>,
    /// Where the API is.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry index`
#[derive(ClapArgs, Clone)]
pub struct Index {
    /// The archive: a folder or URL (`s3://…`) above `science/`.
    #[arg(long, env = "NIGHTFERRY_ARCHIVE")]
    pub archive: String,
    /// Where `up` keeps its data.
    #[arg(long, default_value = "nightferry-data")]
    pub data: PathBuf,
    /// The bucket of jobs of a service on AWS, by its name, instead of a folder.
    #[arg(long, conflicts_with = "data")]
    pub bucket: Option<String>,
    /// A TNS table (Parquet with ra, declination and type) for tnsclass.
    #[arg(long)]
    pub tns: Option<PathBuf>,
    /// Only these nights and ranges.
    #[arg(long, num_args = 1..)]
    pub nights: Vec<String>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// `nightferry optimize`
#[derive(ClapArgs, Clone)]
pub struct Optimize {
    /// The archive: a folder or URL (`s3://…`) above `science/`.
    #[arg(long, env = "NIGHTFERRY_ARCHIVE")]
    pub archive: String,
    /// Where the optimised archive is to be: a folder, which is made if need be, or URL above its own `science/`.
    #[arg(long, value_name = "ARCHIVE")]
    pub to: String,
    /// Only these nights and ranges.
    #[arg(long, num_args = 1..)]
    pub nights: Vec<String>,
    /// A folder for what is under way: it takes the finished file of a night, and what does not fit into memory.
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
    /// How many MiB may be laid aside there at once, besides the finished file; a night of more is read several times.
    #[arg(long, default_value_t = 32 * 1024, value_name = "N")]
    pub scratch_mib: u64,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// How downloaded files are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartitionBy {
    /// year=YYYY/month=MM/day=DD
    Time,
    /// finkclass=…
    Finkclass,
    /// tnsclass=…
    Tnsclass,
    /// All in one folder.
    None,
}

/// What downloaded files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One data set for pandas and pyarrow.
    Parquet,
    /// Avro object container files with the topic's own schema.
    Avro,
}

/// `nightferry download`
#[derive(ClapArgs, Clone)]
pub struct Download {
    /// The data topic, or the job that fills it.
    pub topic: String,
    /// The folder to fill.
    #[arg(long)]
    pub outdir: PathBuf,
    /// How files are laid out.
    #[arg(long, value_enum, default_value_t = PartitionBy::Time)]
    pub partitionby: PartitionBy,
    /// What files are.
    #[arg(long, value_enum, default_value_t = FileFormat::Parquet)]
    pub format: FileFormat,
    /// Read what the topic holds now, also while its job is still filling it.
    #[arg(long)]
    pub no_follow: bool,
    /// The cluster.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Where the API is: it knows when the topic is complete.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry verify`
#[derive(ClapArgs, Clone)]
pub struct Verify {
    /// The data topic, or the job that fills it.
    pub topic: String,
    /// The downloaded folder: Parquet or Avro files of ours or of the field's client.
    #[arg(long)]
    pub outdir: Option<PathBuf>,
    /// The job's receipt as a file (`nightferry receipt JOB --json`), instead of asking the API.
    #[arg(long)]
    pub receipt: Option<PathBuf>,
    /// Leave the topic out: it may have expired.
    #[arg(long, requires = "outdir")]
    pub no_topic: bool,
    /// How many alerts to name for each kind of difference.
    #[arg(long, default_value_t = 10)]
    pub examples: usize,
    /// The cluster.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Where the API is: it has the receipt.
    #[command(flatten)]
    pub api: Api,
}

/// `nightferry simulate`
#[derive(ClapArgs, Clone)]
pub struct Simulate {
    /// The archive's folder; nights are written under `science/`.
    pub archive: PathBuf,
    /// The nights, such as `2026-03-01..2026-03-10`.
    #[arg(long, required = true, num_args = 1..)]
    pub nights: Vec<String>,
    /// Alerts in each night.
    #[arg(long, default_value_t = 1000)]
    pub alerts: u64,
    /// The same seed makes the same alerts.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Leave the cutouts' images out: a tenth of the size, for studies of everything else.
    #[arg(long)]
    pub no_cutouts: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}
