//! The use-cases of nightferry: estimate, submit, fan out, run a task, status, cancel, retry.
//!
//! ```text
//! submit ──▶ manifest + job row ──▶ fan_out ──▶ tasks ──▶ run_task ──▶ … ──▶ last task done ──▶ receipt
//!                                                             │
//!                            status adds up the task rows ◀───┘
//! ```
//!
//! Everything here may run twice, late, or at once with its twin, and the outcome is the same: rows change only by
//! conditional replacement, topics and manifests are made idempotently, and a task goes on where the topic says that
//! its earlier attempt stopped.
//!
//! The handlers of `functions/` and the one-process stack call a [`Service`] and decide nothing themselves.

mod ahead;
mod attempt;
mod cancel;
mod content_plan;
mod document;
mod drop;
mod early;
mod error;
mod estimate;
mod expire;
mod fan_out;
mod figures;
mod filter;
mod finish;
mod footers;
mod forecast;
mod holdings;
mod ledger;
mod limits;
mod manifest;
mod open_tasks;
mod pace;
mod progress;
mod pump;
mod receipt;
mod run_task;
mod sample;
mod scout;
mod service;
mod submit;
mod tend;
mod tns_table;
mod topics;

pub use document::{JobDocument, JobStatus, JobSummary, NightStatus};
pub use drop::DropAnswer;
pub use error::{Problem, TransferError};
pub use estimate::{ClassEstimate, ContentSize, Estimate, NightEstimate};
pub use figures::{AttemptEnd, AttemptFigures, Stages};
pub use forecast::{ChosenNights, Forecast, Foresight, Need, Question, Refusal, Told};
pub use holdings::{ArchiveClass, ArchiveField, ArchiveNight, ArchiveSchema};
pub use ledger::{Ledger, LedgerParts};
pub use limits::OverLimit;
pub use manifest::{Manifest, Plan};
pub use night_index::{Progress as IndexProgress, Updated as IndexUpdated};
pub use query::{FunctionNote, function_notes};
pub use receipt::{NightReceipt, Receipt};
pub use run_task::Outcome;
pub use sample::{JobSample, SampledAlert};
pub use scout::{Scout, open_index};
pub use service::{Service, ServiceParts, Settings};
pub use submit::{Intake, Surroundings};
pub use tend::Tended;
pub use tns_table::{fetch_tns_table, read_tns_table};
pub use topics::{Errand, ErrandEnd, Topics};
