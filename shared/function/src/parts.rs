//! The parts of the use-cases, on AWS.

use crate::{
    Environment, FunctionError, foresight::ForesightByFunction, kafka, metrics::meter,
    topics::TopicsByFunction,
};
use archive::Archive;
use aws_config::SdkConfig;
use broker::Kafka;
use cloud::{DynamoStore, OtherFunction, SqsQueue};
use packet::TnsCatalogue;
use std::{sync::Arc, time::Duration};
use store::{ManifestStarts, Queue};
use transfer::{Intake, Ledger, LedgerParts, Scout, Service, ServiceParts, Settings, Surroundings};

/// A task whose workers die so often ends. Fewer times than the queue hands out a message (`infra/template.yaml`): the job
/// has to say so before the message is gone.
const DEATHS: u32 = 4;
/// The function that estimates is waited for so long: topics, manifest and row must fit into a gateway's 29 s as well.
const FORESIGHT_TIME: Duration = Duration::from_secs(24);
/// So is the function that makes topics, which may have to start and log in first.
const ERRAND_TIME: Duration = Duration::from_secs(24);

/// Status, cancel, retry and the like.
pub fn ledger(environment: &Environment, aws: &SdkConfig) -> Result<Ledger, FunctionError> {
    Ok(Ledger::new(LedgerParts {
        store: Arc::new(DynamoStore::new(aws, &environment.table, environment.job_retention)),
        queue: Arc::new(queue(environment, aws)),
        bucket: archive::open_bucket(&environment.bucket)?,
        settings: settings(environment),
    }))
}

/// Estimates, the index, and what the archive holds.
pub async fn scout(
    environment: &Environment,
    aws: &SdkConfig,
    queue: Arc<dyn Queue>,
) -> Result<Scout, FunctionError> {
    let ledger = Ledger::new(LedgerParts {
        store: Arc::new(DynamoStore::new(aws, &environment.table, environment.job_retention)),
        queue,
        bucket: archive::open_bucket(&environment.bucket)?,
        settings: settings(environment),
    });
    Ok(Scout::new(ledger, Archive::open(&environment.archive)?, Arc::new(tns(environment).await?)))
}

async fn tns(environment: &Environment) -> Result<TnsCatalogue, FunctionError> {
    Ok(match &environment.tns_table {
        Some(url) => transfer::fetch_tns_table(url).await?,
        None => TnsCatalogue::default(),
    })
}

/// What makes jobs; what their requests would come to it asks another function, and another one makes their topics.
///
/// # Errors
/// When a part cannot be built, or the environment does not name those functions.
pub async fn intake(environment: &Environment, aws: &SdkConfig) -> Result<Intake, FunctionError> {
    let named = |name: &Option<String>, variable, what: &str| {
        let missing =
            || FunctionError::variable(variable, format!("is missing: the name of the function that {what}"));
        name.clone().ok_or_else(missing)
    };
    let estimates = named(&environment.estimate_function, "ESTIMATE_FUNCTION", "estimates")?;
    let fans_out = named(&environment.fanout_function, "FANOUT_FUNCTION", "fans out, and makes topics")?;
    let ledger = Ledger::new(LedgerParts {
        store: Arc::new(DynamoStore::new(aws, &environment.table, environment.job_retention)),
        queue: Arc::new(ManifestStarts),
        bucket: archive::open_bucket(&environment.bucket)?,
        settings: settings(environment),
    });
    let about = Surroundings {
        archive: environment.archive.clone(),
        bootstrap: kafka::bootstrap(environment, aws).await?,
        retention: environment.topic_retention,
    };
    let topics = TopicsByFunction::new(OtherFunction::new(aws, fans_out, ERRAND_TIME));
    let foresight = ForesightByFunction::new(OtherFunction::new(aws, estimates, FORESIGHT_TIME));
    Ok(Intake::new(ledger, Arc::new(topics), Arc::new(foresight), about))
}

/// All use-cases, with `queue` for the work that they send.
pub async fn service(
    environment: &Environment,
    aws: &SdkConfig,
    queue: Arc<dyn Queue>,
) -> Result<Service, FunctionError> {
    let tns = tns(environment).await?;
    Ok(Service::new(ServiceParts {
        store: Arc::new(DynamoStore::new(aws, &environment.table, environment.job_retention)),
        queue,
        archive: Archive::open(&environment.archive)?,
        kafka: Kafka::new(kafka::config(environment, aws).await?)?,
        bucket: archive::open_bucket(&environment.bucket)?,
        tns: Arc::new(tns),
        settings: settings(environment),
    }))
}

/// The queue of tasks.
pub fn queue(environment: &Environment, aws: &SdkConfig) -> SqsQueue {
    let queue = SqsQueue::new(aws, &environment.tasks);
    match &environment.dead_tasks {
        Some(url) => queue.with_dead_letters(url),
        None => queue,
    }
}

fn settings(environment: &Environment) -> Settings {
    let mut settings = Settings::with_delivery_timeout(environment.delivery_timeout);
    settings.attempts.deaths = DEATHS;
    settings.task_bytes = environment.task_bytes;
    settings.workers = environment.workers;
    settings.limits = environment.limits.clone();
    settings.readers.clone_from(&environment.readers);
    settings.meter = meter;
    settings
}
