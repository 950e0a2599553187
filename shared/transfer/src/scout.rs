//! What needs the archive and no broker: estimates, the index, and what the archive holds.

use crate::{Ledger, TransferError, estimate::Costs, footers::FOOTERS};
use archive::{Archive, ArchiveFile, NightSchema, distinct};
use futures::{StreamExt, TryStreamExt};
use job::Night;
use night_index::{Catalogue, Index, Updated};
use object_store::ObjectStore;
use packet::TnsCatalogue;
use std::{
    collections::BTreeSet,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Instant,
};

/// Where the index lies in the bucket.
const INDEX: &str = "index";

/// The index in a bucket of jobs.
pub fn open_index(bucket: Arc<dyn ObjectStore>) -> Index {
    Index::new(bucket, INDEX)
}

/// Looks ahead: everything that needs the archive and no broker, so that a function which does no more does not link
/// one. Cheap to clone.
#[derive(Clone)]
pub struct Scout {
    ledger: Ledger,
    /// The nights.
    pub archive: Archive,
    /// What is known of them.
    pub index: Index,
    /// Classified transients.
    pub tns: Arc<TnsCatalogue>,
    /// What jobs cost, and when that was looked up.
    pub(crate) costs: Arc<Mutex<Option<(Instant, Costs)>>>,
}

impl Deref for Scout {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

impl Scout {
    /// A scout over an archive; its index lies in the ledger's bucket.
    pub fn new(ledger: Ledger, archive: Archive, tns: Arc<TnsCatalogue>) -> Self {
        let index = open_index(ledger.bucket.clone());
        Self { ledger, archive, index, tns, costs: Arc::default() }
    }

    /// Indexes what is new or replaced among `nights`, or in the whole archive; begins no night after `until`.
    pub async fn update_index(
        &self,
        nights: Option<&BTreeSet<Night>>,
        until: Option<Instant>,
    ) -> Result<Updated, TransferError> {
        Ok(self.index.update(&self.archive, nights, &self.tns, until, &|_| {}).await?)
    }

    /// The index as it is. Without it everything is slower, and nothing else.
    pub(crate) async fn catalogue(&self) -> Arc<Catalogue> {
        match self.index.catalogue().await {
            Ok(catalogue) => catalogue,
            Err(error) => {
                tracing::warn!(%error, "going on without the index");
                Arc::default()
            }
        }
    }

    /// The schemas of nights by one sound file each: enough to check a request. Fan-out looks at every file.
    pub(crate) async fn first_schemas(&self, nights: &[Night]) -> Result<Vec<NightSchema>, TransferError> {
        let listed = self.files_of_all(nights).await?;
        let schemas: Vec<Option<NightSchema>> = futures::stream::iter(listed)
            .map(|(night, files)| self.first_schema(night, files))
            .buffered(FOOTERS)
            .try_collect()
            .await?;
        Ok(distinct(schemas.into_iter().flatten()))
    }

    async fn first_schema(
        &self,
        night: Night,
        files: Vec<ArchiveFile>,
    ) -> Result<Option<NightSchema>, TransferError> {
        for file in files {
            match self.archive.look_at(&file).await {
                Ok(footer) => return Ok(Some(NightSchema { night, schema: footer.schema })),
                Err(error) if error.kind().is_worth_retrying() => return Err(error.into()),
                // A damaged or vanished file is a matter of its night, told when the night is run.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}
