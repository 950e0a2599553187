//! Commands about the archive: what it holds, and its index.

use crate::{
    args::{Index, Nights, Schema},
    client::Client,
    exit::{self, CommandError},
    show::{self, IndexBar},
};
use ::archive::{Archive, open_bucket};
use job::{Night, NightSelection};
use object_store::{ObjectStore, local::LocalFileSystem};
use packet::TnsCatalogue;
use std::{collections::BTreeSet, sync::Arc, time::Instant};

pub async fn nights(args: &Nights) -> Result<u8, CommandError> {
    let nights = Client::new(&args.api).nights(&args.nights).await?;
    if args.api.json {
        show::json(&nights)
    } else {
        show::line(&show::night_table(&nights))
    }
    Ok(exit::OK)
}

pub async fn classes(args: &Nights) -> Result<u8, CommandError> {
    let classes = Client::new(&args.api).classes(&args.nights).await?;
    if args.api.json {
        show::json(&classes)
    } else {
        show::line(&show::class_table(&classes))
    }
    Ok(exit::OK)
}

pub async fn schema(args: &Schema) -> Result<u8, CommandError> {
    let mut schema = Client::new(&args.api).schema(args.night.as_ref()).await?;
    if let Some(word) = &args.word {
        let word = word.to_lowercase();
        schema.fields.retain(|field| {
            field.field.to_lowercase().contains(&word) || field.description.to_lowercase().contains(&word)
        });
    }
    if args.api.json {
        show::json(&schema)
    } else {
        show::line(&show::schema_table(&schema))
    }
    Ok(exit::OK)
}

/// Indexes what is new or replaced.
pub async fn index(args: &Index) -> Result<u8, CommandError> {
    let archive = Archive::open(&args.archive).map_err(CommandError::stack)?;
    let store: Arc<dyn ObjectStore> = match &args.bucket {
        Some(bucket) => open_bucket(bucket).map_err(CommandError::stack)?,
        None => {
            let bucket = args.data.join("bucket");
            let failed = |source| CommandError::File { path: bucket.display().to_string(), source };
            std::fs::create_dir_all(&bucket).map_err(failed)?;
            Arc::new(LocalFileSystem::new_with_prefix(&bucket).map_err(CommandError::stack)?)
        }
    };
    let tns = match &args.tns {
        Some(path) => transfer::read_tns_table(path).map_err(CommandError::stack)?,
        None => TnsCatalogue::default(),
    };
    let nights: Option<BTreeSet<Night>> = match args.nights.is_empty() {
        true => None,
        false => {
            let today = chrono::Utc::now().date_naive();
            Some(NightSelection::parse(&args.nights)?.on(today)?.iter().collect())
        }
    };
    let (bar, begun) = (IndexBar::new(args.json), Instant::now());
    let updated = transfer::open_index(store)
        .update(&archive, nights.as_ref(), &Arc::new(tns), None, &|progress| bar.show(progress))
        .await;
    bar.clear();
    let updated = updated.map_err(CommandError::stack)?;
    if args.json {
        show::json(&updated);
    } else {
        let alerts = updated.indexed.values().sum();
        show::line(&format!(
            "{} nights indexed ({} alerts, {}), {} as they were, {} gone",
            updated.indexed.len(),
            show::count(alerts),
            show::rate(alerts, begun.elapsed()),
            updated.unchanged,
            updated.removed.len(),
        ));
    }
    for (night, reason) in &updated.failed {
        show::complain(&format!("{night} cannot be indexed: {reason}"));
    }
    Ok(if updated.failed.is_empty() { exit::OK } else { exit::INCOMPLETE })
}
