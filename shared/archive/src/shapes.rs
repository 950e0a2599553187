//! The Arrow view of files, worked out once for all that have the same columns: an archive has tens of thousands of files, and
//! a handful of schemas.

use crate::{footer::hint, schema::canonical};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    errors::ParquetError,
    file::metadata::ParquetMetaData,
    schema::types::TypePtr,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Schemas that are kept. Hostile files may have any number of them.
const KEPT: usize = 32;

/// How a file's columns are read.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The columns as the file says.
    columns: TypePtr,
    /// In Arrow, with hints that spare a conversion.
    pub hinted: SchemaRef,
    /// The canonical schema.
    pub schema: SchemaRef,
}

/// The shapes of the files that were opened last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes(Arc<Mutex<Vec<Shape>>>);

impl Shapes {
    /// The shape of a file. Files of the same columns share theirs.
    pub(crate) fn of(&self, metadata: &ParquetMetaData) -> Result<Shape, ParquetError> {
        let columns = metadata.file_metadata().schema_descr().root_schema_ptr();
        let known = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.iter().find(|shape| shape.columns == columns).cloned()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let inferred = ArrowReaderMetadata::try_new(Arc::new(metadata.clone()), plain)?;
        let fields = columns.get_fields();
        let hinted = inferred.schema().fields().iter().map(|field| {
            let column = fields.iter().find(|column| column.name() == field.name());
            column.map_or_else(|| field.clone(), |column| hint(field, column))
        });
        let hinted = Arc::new(Schema::new(hinted.collect::<Vec<_>>()));
        let shape = Shape { columns, schema: canonical(&hinted), hinted };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(twin) = kept.iter().find(|kept| kept.columns == shape.columns) {
            return Ok(twin.clone());
        }
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(shape.clone());
        Ok(shape)
    }
}
