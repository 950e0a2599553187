//! A job by options, and the document that they amount to.

use crate::exit::CommandError;
use clap::Args;
use job::{Content, JobRequest, NightSelection, Pace, Survey};

/// A job by options.
#[derive(Args, Clone, Debug, Default)]
pub struct RequestArgs {
    /// Nights and ranges, such as `2025-09-01..2025-09-05 2026-03-22`.
    #[arg(long, num_args = 1.., value_delimiter = ',')]
    pub nights: Vec<String>,
    /// A class; may be repeated. `!X` or `not X` leaves X out.
    #[arg(long = "class")]
    pub classes: Vec<String>,
    /// A condition in Spark's SQL; may be repeated.
    #[arg(long = "where")]
    pub conditions: Vec<String>,
    /// `Light packet`, `Cutouts`, `Medium packet`, `Full packet`, or fields separated by commas.
    #[arg(long)]
    pub content: Option<String>,
    /// The most alerts to send.
    #[arg(long)]
    pub limit: Option<u64>,
    /// A test job: ten alerts, few partitions.
    #[arg(long)]
    pub test: bool,
    /// Partitions of the topic, 1 to 10.
    #[arg(long)]
    pub partitions: Option<i32>,
    /// Nights that run at once.
    #[arg(long)]
    pub nights_at_once: Option<u64>,
    /// Alerts sent a second, at most: a replay.
    #[arg(long)]
    pub alerts_per_second: Option<u64>,
    /// Bytes sent a second, at most.
    #[arg(long)]
    pub bytes_per_second: Option<u64>,
    /// The telescope: ztf or lsst.
    #[arg(long)]
    pub survey: Option<String>,
    /// A name of your own for the job.
    #[arg(long)]
    pub name: Option<String>,
}

impl RequestArgs {
    /// The request that the options amount to.
    pub fn to_request(&self) -> Result<JobRequest, CommandError> {
        let mut request = JobRequest::new(NightSelection::parse(&self.nights)?);
        request.classes.clone_from(&self.classes);
        let conditions = self.conditions.iter().map(|text| text.trim().trim_end_matches(';'));
        request.conditions = conditions.collect::<Vec<_>>().join(";\n");
        if let Some(content) = &self.content {
            request.content = Content::parse(&content.split(',').collect::<Vec<_>>())?;
        }
        request.limit = self.limit;
        request.test = self.test;
        request.partitions = self.partitions;
        request.pace = Pace {
            nights_at_once: self.nights_at_once,
            alerts_per_second: self.alerts_per_second,
            bytes_per_second: self.bytes_per_second,
        };
        request.name.clone_from(&self.name);
        request.survey = match self.survey.as_deref() {
            None | Some("ztf") => Survey::Ztf,
            Some("lsst") => Survey::Lsst,
            Some(other) => {
                let error = job::RequestError::new("survey", format!("`{other}` is not a survey"));
                return Err(error.instead("choose ztf or lsst").into());
            }
        };
        request.check()?;
        Ok(request)
    }
}
