//! The domain of nightferry: what a user asks for, what becomes of it, and by which rules.
//!
//! A [`JobRequest`] names nights, classes, conditions and a content. Fan-out turns it into one [`Task`] a night (a
//! large night: several parts); workers move tasks through [`TaskState`]; the job's own [`JobState`] follows from its
//! tasks and from nothing else.
//!
//! This crate does no I/O and knows nothing of AWS, Kafka or async: everything that reads or writes lives above it.
//!
//! ```
//! use job::JobRequest;
//! let request = JobRequest::parse("
//! nights: [2025-09-01..2025-09-03, 2026-03-22]
//! classes: [SN candidate, '!Unknown']
//! conditions: candidate.magpsf < 19.5;
//! content: Light packet
//! ").unwrap();
//! assert_eq!(request.nights.iter().count(), 4);
//! assert!(JobRequest::parse("nights: [2025-13-01]").unwrap_err().to_string().contains("2025-13-01"));
//! ```

mod attempt;
mod caller;
mod content;
mod error;
mod field;
mod id;
mod limits;
mod need;
mod night;
mod pace;
mod progress;
mod request;
mod selection;
mod sequence;
mod state;
mod task;
mod took;

pub use attempt::{AttemptRules, Claim, Ending, Fenced, Next, Setbacks, Settlement, Wish};
pub use caller::{Caller, NoTrace, TraceId};
pub use content::{Content, Packet};
pub use error::{ErrorKind, RequestError};
pub use field::FieldPath;
pub use id::{JobId, Survey, TopicName};
pub use limits::{Amount, Ceiling, Exceeded, Limits, Usage, UsageId};
pub use need::{Need, NeededValues};
pub use night::Night;
pub use pace::Pace;
pub use progress::{Counts, PartitionSpan};
pub use request::{DEFAULT_TEST_ALERTS, JobRequest, MAX_DOCUMENT_BYTES};
pub use selection::{NightSelection, Nights};
pub use sequence::{Arrived, Milestone, Milestones, Missing, NoSuchPartition, Sequencer};
pub use state::{JobState, TaskState};
pub use task::{Checkpoint, Failure, Job, LogLine, SOMEBODY, Task, TaskFile, TaskId};
pub use took::Took;
