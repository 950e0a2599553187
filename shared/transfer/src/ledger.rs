//! What is known of jobs, and what a user may do to them without broker or archive.

use crate::{Settings, TransferError, open_tasks::EndedTasks};
use job::{Job, JobId};
use object_store::ObjectStore;
use std::{ops::Deref, sync::Arc};
use store::{Queue, Store, StoreError, Versioned, update_job};

/// What a ledger is made of.
pub struct LedgerParts {
    /// Jobs and tasks.
    pub store: Arc<dyn Store>,
    /// Where work waits.
    pub queue: Arc<dyn Queue>,
    /// Manifests, plans and receipts, under `jobs/<id>/`.
    pub bucket: Arc<dyn ObjectStore>,
    /// Limits and times.
    pub settings: Settings,
}

/// Status, receipt, cancel, retry: everything for which neither Kafka nor the archive is needed, so that a function which
/// does no more stays small. What has to be done to topics it puts on the queue. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    parts: Arc<LedgerParts>,
    /// What is remembered of jobs whose tasks begin only as earlier ones end.
    pub(crate) ended: Arc<EndedTasks>,
}

impl Deref for Ledger {
    type Target = LedgerParts;

    fn deref(&self) -> &LedgerParts {
        &self.parts
    }
}

impl Ledger {
    /// A ledger of the given parts.
    pub fn new(parts: LedgerParts) -> Self {
        Self { parts: Arc::new(parts), ended: Arc::default() }
    }

    /// The job of this name.
    pub async fn job(&self, id: JobId) -> Result<Versioned<Job>, TransferError> {
        self.store.job(id).await?.ok_or(TransferError::NoSuchJob(id))
    }

    pub(crate) async fn change_job(
        &self,
        id: JobId,
        change: impl FnMut(&mut Job) -> bool + Send,
    ) -> Result<Versioned<Job>, TransferError> {
        update_job(&*self.store, id, change).await.map_err(|error| match error {
            StoreError::Missing(_) => TransferError::NoSuchJob(id),
            other => other.into(),
        })
    }
}
