//! The variables that `infra/template.yaml` sets.

use crate::FunctionError;
use api::Origins;
use job::{Ceiling, Limits};
use std::{path::PathBuf, str::FromStr, time::Duration};

const DAY: u64 = 24 * 3600;

/// How the cluster is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Without encryption or names.
    Plaintext,
    /// With encryption, without names.
    Tls,
    /// By a name and a password from Secrets Manager, encrypted.
    Scram,
    /// The same without encryption.
    ScramWithoutTls,
    /// By the function's role, on MSK.
    Iam,
}

impl FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "plaintext" => Self::Plaintext,
            "tls" => Self::Tls,
            "scram" => Self::Scram,
            "scram-without-tls" => Self::ScramWithoutTls,
            "iam" => Self::Iam,
            _ => return Err("is none of plaintext, tls, scram, scram-without-tls and iam".into()),
        })
    }
}

/// What a function is told of its surroundings.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The archive's location.
    pub archive: String,
    /// The bucket of jobs.
    pub bucket: String,
    /// The table of jobs.
    pub table: String,
    /// The URL of the queue of tasks.
    pub tasks: String,
    /// The URL of the queue of dead letters, if there is one.
    pub dead_tasks: Option<String>,
    /// `host:port,host:port`, unless a cluster of MSK is named.
    pub bootstrap: Option<String>,
    /// How the cluster is reached.
    pub access: Access,
    /// The certificates of the authorities that vouch for the cluster, a file or a folder; without, the system's own.
    pub authorities: Option<PathBuf>,
    /// The ARN of a cluster of MSK, whose brokers are looked up.
    pub msk_cluster: Option<String>,
    /// The ARN of the secret with `username` and `password`.
    pub secret: Option<String>,
    /// Where clients poll, if not where the functions do.
    pub readers: Option<String>,
    /// Copies of each partition.
    pub replication: i32,
    /// How long alerts stay.
    pub topic_retention: Duration,
    /// An attempt is given up after that long without an acknowledgement.
    pub delivery_timeout: Duration,
    /// The URL of the table of classified transients.
    pub tns_table: Option<String>,
    /// Which pages of other origins may ask the API.
    pub origins: Origins,
    /// What a job, and what a user in a day, may ask for.
    pub limits: Limits,
    /// A night with more bytes becomes several tasks.
    pub task_bytes: u64,
    /// How long jobs are kept.
    pub job_retention: Duration,
    /// Tasks that run at once.
    pub workers: usize,
    /// The name of the function that estimates, for who asks it.
    pub estimate_function: Option<String>,
    /// The name of the function that fans out, for who has it make topics.
    pub fanout_function: Option<String>,
    /// Where optimised nights go, for who makes them.
    pub optimized_archive: Option<String>,
}

impl Environment {
    /// What the process's variables say.
    ///
    /// # Errors
    /// [`FunctionError::Variable`] for the first that is missing or wrong.
    pub fn read() -> Result<Self, FunctionError> {
        Self::from(&|name| std::env::var(name).ok())
    }

    /// The same from anywhere.
    pub fn from(find: &dyn Fn(&str) -> Option<String>) -> Result<Self, FunctionError> {
        let variables = Variables(find);
        let days =
            |name, unless| Ok::<_, FunctionError>(Duration::from_secs(DAY * variables.number(name, unless)?));
        let environment = Self {
            archive: variables.needed("ARCHIVE")?,
            bucket: variables.needed("JOBS_BUCKET")?,
            table: variables.needed("JOBS_TABLE")?,
            tasks: variables.needed("TASKS_QUEUE")?,
            dead_tasks: variables.text("DEAD_TASKS_QUEUE"),
            bootstrap: variables.text("KAFKA_BOOTSTRAP"),
            access: match variables.text("KAFKA_SECURITY") {
                None => Access::Plaintext,
                Some(text) => text
                    .parse()
                    .map_err(|reason: String| FunctionError::variable("KAFKA_SECURITY", reason))?,
            },
            authorities: variables.text("KAFKA_CA_FILE").map(PathBuf::from),
            msk_cluster: variables.text("MSK_CLUSTER_ARN"),
            secret: variables.text("KAFKA_SECRET_ARN"),
            readers: variables.text("KAFKA_READERS"),
            replication: variables.number("TOPIC_REPLICATION", 3)?,
            topic_retention: days("TOPIC_RETENTION_DAYS", 7)?,
            delivery_timeout: Duration::from_secs(variables.number("DELIVERY_TIMEOUT_SECONDS", 60)?),
            tns_table: variables.text("TNS_TABLE"),
            origins: variables
                .text("ALLOWED_ORIGINS")
                .map_or(Ok(Origins::default()), |text| text.parse())
                .map_err(|reason: String| FunctionError::variable("ALLOWED_ORIGINS", reason))?,
            limits: Limits {
                job: Ceiling {
                    nights: variables.ceiling("NIGHTS_PER_JOB")?,
                    alerts: variables.ceiling("ALERTS_PER_JOB")?,
                    bytes: None,
                },
                user_day: Ceiling { alerts: variables.ceiling("ALERTS_PER_USER_DAY")?, ..Ceiling::default() },
            },
            task_bytes: variables.number("BYTES_PER_TASK", 4 * 1024 * 1024 * 1024)?,
            job_retention: days("JOB_RETENTION_DAYS", 90)?,
            workers: variables.number("TASKS_AT_ONCE", 10)?,
            estimate_function: variables.text("ESTIMATE_FUNCTION"),
            fanout_function: variables.text("FANOUT_FUNCTION"),
            optimized_archive: variables.text("OPTIMIZED_ARCHIVE"),
        };
        environment.check()?;
        Ok(environment)
    }

    /// For a function that never asks the cluster, and has no right to its secrets.
    pub fn without_kafka(self) -> Self {
        Self { bootstrap: Some("none:9092".into()), access: Access::Plaintext, ..self }
    }

    fn check(&self) -> Result<(), FunctionError> {
        let wrong = |name, reason: &str| Err(FunctionError::variable(name, reason));
        if self.bootstrap.is_none() && self.msk_cluster.is_none() {
            return wrong("KAFKA_BOOTSTRAP", "is missing, and so is MSK_CLUSTER_ARN: give one of them");
        }
        if self.access == Access::Iam && self.msk_cluster.is_none() {
            return wrong("MSK_CLUSTER_ARN", "is missing, which KAFKA_SECURITY `iam` needs");
        }
        if matches!(self.access, Access::Scram | Access::ScramWithoutTls) && self.secret.is_none() {
            return wrong("KAFKA_SECRET_ARN", "is missing, which KAFKA_SECURITY `scram` needs");
        }
        if self.delivery_timeout < Duration::from_secs(2) {
            return wrong("DELIVERY_TIMEOUT_SECONDS", "is less than 2");
        }
        if self.replication < 1 {
            return wrong("TOPIC_REPLICATION", "is less than 1");
        }
        Ok(())
    }
}

struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// An empty variable is as good as none: templates cannot leave one out.
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &'static str) -> Result<String, FunctionError> {
        self.text(name).ok_or_else(|| FunctionError::variable(name, "is missing"))
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, FunctionError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed = text.parse().map_err(|_| FunctionError::variable(name, "is not a whole number"));
        parsed.map(Some)
    }

    fn number<T: FromStr>(&self, name: &'static str, unless_given: T) -> Result<T, FunctionError> {
        Ok(self.parsed(name)?.unwrap_or(unless_given))
    }

    /// 0 is no limit.
    fn ceiling(&self, name: &'static str) -> Result<Option<u64>, FunctionError> {
        Ok(self.parsed(name)?.filter(|most| *most > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: [(&str, &str); 5] = [
        ("ARCHIVE", "s3://alerts/"),
        ("JOBS_BUCKET", "jobs"),
        ("JOBS_TABLE", "jobs"),
        ("TASKS_QUEUE", "https://sqs.eu-west-3.amazonaws.com/1/tasks"),
        ("KAFKA_BOOTSTRAP", "kafka:9092"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Environment, FunctionError> {
        Environment::from(&|name| {
            let given = more.iter().chain(&LEAST).find(|(given, _)| *given == name);
            given.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_least_is_enough_and_an_empty_variable_is_none() {
        let empty = [
            ("KAFKA_SECRET_ARN", ""),
            ("KAFKA_CA_FILE", ""),
            ("ALERTS_PER_JOB", "0"),
            ("OPTIMIZED_ARCHIVE", ""),
        ];
        let environment = read(&empty).unwrap();
        assert_eq!(environment.access, Access::Plaintext);
        assert_eq!(environment.secret, None);
        assert_eq!(environment.authorities, None);
        assert_eq!(environment.optimized_archive, None);
        assert!(environment.limits.is_free());
        assert_eq!(environment.topic_retention, Duration::from_secs(7 * 86400));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (name, value, told) in [
            ("ARCHIVE", "", "ARCHIVE is missing"),
            ("KAFKA_BOOTSTRAP", "", "MSK_CLUSTER_ARN"),
            ("KAFKA_SECURITY", "kerberos", "scram-without-tls"),
            ("KAFKA_SECURITY", "iam", "MSK_CLUSTER_ARN is missing"),
            ("KAFKA_SECURITY", "scram", "KAFKA_SECRET_ARN is missing"),
            ("ALERTS_PER_JOB", "many", "ALERTS_PER_JOB is not a whole number"),
            ("ALLOWED_ORIGINS", "example.org", "ALLOWED_ORIGINS has `example.org`"),
            ("TOPIC_REPLICATION", "0", "less than 1"),
            ("DELIVERY_TIMEOUT_SECONDS", "1", "less than 2"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(told), "{name}={value}: {error}");
        }
    }
}
