//! The night that the stages work on.

use archive::{Archive, LeafSet, OpenFile, RowFilter, RowGroupScan, ScanPlan};
use arrow::{
    array::{BooleanArray, RecordBatch},
    datatypes::Schema,
};
use job::{Content, FieldPath, Packet};
use packet::{Layout, finkclass_inputs};
use simulate::Simulation;
use tokio::runtime::Runtime;

/// The contents that are told apart.
pub const CONTENTS: [&str; 3] = ["Light packet", "Medium packet", "Full packet"];
/// Alerts of the night: one file, one row group.
const ALERTS: u64 = 2_000;

/// A content by its name.
pub fn content(name: &str) -> Content {
    serde_json::from_value(name.into()).unwrap()
}

/// A sample night, opened.
pub struct Night {
    /// The night.
    pub night: job::Night,
    file: OpenFile,
    runtime: Runtime,
    /// Until all is done.
    _folder: tempfile::TempDir,
}

/// Keeps every row.
pub struct KeepAll;

impl RowFilter for KeepAll {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        Ok(BooleanArray::from(vec![true; batch.num_rows()]))
    }
}

impl Night {
    /// Makes it, in a temporary folder.
    pub fn simulated() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let night: job::Night = "2026-03-22".parse().unwrap();
        let simulation = Simulation { nights: vec![night], alerts_per_night: ALERTS, seed: 1, cutouts: true };
        simulation.write(folder.path(), &|_| {}).unwrap();
        let runtime = Runtime::new().unwrap();
        let file = runtime.block_on(async {
            let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
            let files = archive.files(night).await.unwrap();
            archive.open_file(&files[0]).await.unwrap()
        });
        assert_eq!(file.rows(), ALERTS);
        Self { night, file, runtime, _folder: folder }
    }

    /// Its alerts.
    pub fn rows(&self) -> u64 {
        self.file.rows()
    }

    /// Its columns.
    pub fn schema(&self) -> &Schema {
        self.file.schema()
    }

    /// The columns of a content's messages.
    pub fn layout(&self, content: &Content) -> Layout {
        Layout::new(content, self.schema()).unwrap()
    }

    /// What is read for a content, with what finkclass is derived from, as the worker reads it.
    pub fn plan(&self, content: &Content) -> ScanPlan {
        let mut fields = self.layout(content).reads(self.schema());
        fields.extend(finkclass_inputs(self.schema()));
        let plan = self.plan_of(fields);
        if matches!(content, Content::Packet(Packet::Light)) { plan.with_views() } else { plan }
    }

    /// What is read for some fields.
    pub fn plan_of(&self, fields: impl IntoIterator<Item = FieldPath>) -> ScanPlan {
        let output = LeafSet::new(self.schema(), fields);
        ScanPlan::new(self.schema(), LeafSet::new(self.schema(), []), output, false)
    }

    /// Reads all row groups.
    pub fn scan(&self, plan: &ScanPlan, receive: &mut dyn FnMut(RecordBatch)) {
        let _within = self.runtime.enter();
        for row_group in 0..self.file.row_groups() {
            let prepared = self.runtime.block_on(RowGroupScan::prepare(&self.file, row_group, plan));
            let mut take = |batch| {
                receive(batch);
                Ok(())
            };
            prepared.unwrap().run(&mut KeepAll, &mut take).unwrap();
        }
    }

    /// All batches of a plan.
    pub fn batches(&self, plan: &ScanPlan) -> Vec<RecordBatch> {
        let mut batches = Vec::new();
        self.scan(plan, &mut |batch| batches.push(batch));
        assert_eq!(batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), ALERTS);
        batches
    }
}
