//! A file as its writer left it, for whoever copies files: no column is left out, none is widened.

use crate::{Archive, LeafSet, OpenFile, ScanPlan};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use job::{FieldPath, Night};
use object_store::{ObjectStore, path::Path};
use parquet::{
    basic::Type as PhysicalType, file::metadata::ParquetMetaData, schema::types::SchemaDescriptor,
};
use std::sync::Arc;

impl Archive {
    /// The store that the archive lies on.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Where a night's files belong in that store: the zero-padded spelling.
    pub fn folder(&self, night: Night) -> Path {
        let folder = self.science().join(format!("year={:04}", night.year()));
        folder.join(format!("month={:02}", night.month())).join(format!("day={:02}", night.day()))
    }
}

impl OpenFile {
    /// The footer, as Parquet has it.
    pub fn footer(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The same file with the schema that is stored, partition columns that Spark wrote into it included. Moments of the
    /// old kind (INT96) are microseconds in UTC.
    pub fn as_stored(&self) -> Self {
        let mut leaves = 0;
        let parquet = self.metadata.parquet_schema();
        let fields = self.metadata.schema().fields();
        let plain = fields.iter().map(|field| plain_field(field, parquet, &mut leaves));
        let schema = Arc::new(Schema::new(plain.collect::<Vec<_>>()));
        Self { schema, ..self.clone() }
    }

    /// A scan of everything in the file's own schema, be that the canonical one or the one that is stored.
    pub fn whole_plan(&self) -> ScanPlan {
        let schema = self.schema();
        let roots = schema.fields().iter().map(|field| FieldPath::new([field.name().clone()]));
        ScanPlan::new(schema, LeafSet::new(schema, []), LeafSet::new(schema, roots), false)
    }
}

fn plain_field(field: &FieldRef, parquet: &SchemaDescriptor, leaves: &mut usize) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| plain_field(field, parquet, leaves)).collect())
        }
        DataType::List(item) => DataType::List(plain_field(item, parquet, leaves)),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries, parquet, leaves), *sorted),
        leaf => {
            let column = parquet.columns().get(*leaves);
            *leaves += 1;
            match leaf {
                _ if column.is_some_and(|column| column.physical_type() == PhysicalType::INT96) => {
                    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
                }
                DataType::Utf8View => DataType::Utf8,
                DataType::BinaryView => DataType::Binary,
                other => other.clone(),
            }
        }
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}
