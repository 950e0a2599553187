//! What S3 tells of objects.

use serde::Deserialize;
use url::form_urlencoded;

/// What S3 tells of objects that appeared; only what is used, as other stores leave the rest out.
#[derive(Deserialize)]
pub struct Created {
    /// One an object.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// An object that appeared.
#[derive(Deserialize)]
pub struct Record {
    /// What it is about.
    pub s3: Entity,
    /// Who made it.
    #[serde(default, rename = "userIdentity")]
    pub user: Identity,
}

/// What a record is about.
#[derive(Deserialize)]
pub struct Entity {
    /// The object.
    pub object: Object,
}

/// An object of a bucket.
#[derive(Deserialize)]
pub struct Object {
    /// Its key, written as in a form.
    pub key: String,
    /// Its version.
    #[serde(default, rename = "eTag")]
    pub etag: String,
    /// Tells one object from the next at the same key.
    #[serde(default)]
    pub sequencer: String,
}

/// Who made an object.
#[derive(Default, Deserialize)]
pub struct Identity {
    /// By their name in AWS.
    #[serde(default, rename = "principalId")]
    pub principal: Option<String>,
}

impl Object {
    /// Its key as it was before S3 wrote it.
    pub fn path(&self) -> String {
        let pair = format!("key={}", self.key);
        form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, key)| key.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_before_s3_wrote_it() {
        for (written, meant) in [
            ("jobs/my+supernovae/manifest.json", "jobs/my supernovae/manifest.json"),
            ("jobs/my%20supernovae/manifest.json", "jobs/my supernovae/manifest.json"),
            ("jobs/a%2Bb%3Dc%26%C3%A9/manifest.json", "jobs/a+b=c&é/manifest.json"),
        ] {
            let object = Object { key: written.into(), etag: String::new(), sequencer: String::new() };
            assert_eq!(object.path(), meant);
        }
    }
}
