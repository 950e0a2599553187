//! The settings a topic may have: their names, defaults, and which values are taken.

use std::collections::BTreeMap;

use crate::log::LogSettings;

/// One setting that topics have.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in Kafka.
    pub name: &'static str,
    /// The value where none is given.
    pub default: &'static str,
    /// Kafka's number for its type: 2 text, 3 32-bit number, 5 64-bit number, 7 list.
    pub kind: i8,
    /// What may be written, for people.
    takes: &'static str,
    accepts: fn(&str) -> bool,
}

/// Every setting topics have.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "cleanup.policy",
        default: "delete",
        kind: 7,
        takes: "delete (there is no compaction here)",
        accepts: |value| value == "delete",
    },
    Setting {
        name: "compression.type",
        default: "producer",
        kind: 2,
        takes: "producer or a codec (batches are kept as they come all the same)",
        accepts: |value| matches!(value, "producer" | "uncompressed" | "gzip" | "snappy" | "lz4" | "zstd"),
    },
    Setting {
        name: "max.message.bytes",
        default: "10485760",
        kind: 3,
        takes: "a number of bytes from 0 to 104857600",
        accepts: |value| within(value, 0, 100 << 20),
    },
    Setting {
        name: "message.timestamp.type",
        default: "CreateTime",
        kind: 2,
        takes: "CreateTime or LogAppendTime",
        accepts: |value| matches!(value, "CreateTime" | "LogAppendTime"),
    },
    Setting {
        name: "min.insync.replicas",
        default: "1",
        kind: 3,
        takes: "a number of at least 1",
        accepts: |value| within(value, 1, i64::from(i32::MAX)),
    },
    Setting {
        name: "retention.bytes",
        default: "-1",
        kind: 5,
        takes: "a number of bytes, or -1 for all",
        accepts: |value| within(value, -1, i64::MAX),
    },
    Setting {
        name: "retention.ms",
        default: "604800000",
        kind: 5,
        takes: "milliseconds, or -1 for ever",
        accepts: |value| within(value, -1, i64::MAX),
    },
    Setting {
        name: "segment.bytes",
        default: "134217728",
        kind: 3,
        takes: "a number of bytes from 14 to 1073741824",
        accepts: |value| within(value, 14, 1 << 30),
    },
];

fn within(value: &str, least: i64, most: i64) -> bool {
    value.parse().is_ok_and(|number: i64| (least..=most).contains(&number))
}

/// The settings given to one topic; all others have their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub(crate) struct TopicSettings(BTreeMap<String, String>);

impl TopicSettings {
    /// Gives a setting a value, or says what is wrong with it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let setting = named(name)?;
        if !(setting.accepts)(value) {
            return Err(format!("{name} = {value:?} is not taken: write {}", setting.takes));
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Takes a setting back to its default.
    pub(crate) fn reset(&mut self, name: &str) -> Result<(), String> {
        self.0.remove(named(name)?.name);
        Ok(())
    }

    /// The value in force, and whether it was given.
    pub(crate) fn value(&self, setting: &Setting) -> (&str, bool) {
        self.0.get(setting.name).map_or((setting.default, false), |given| (given, true))
    }

    /// What the partitions' logs are to do.
    pub(crate) fn log_settings(&self) -> LogSettings {
        let text = |name| {
            SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| self.value(setting).0)
        };
        let number = |name| text(name).parse::<i64>().unwrap_or(-1);
        let bytes = |name| u64::try_from(number(name)).ok();
        LogSettings {
            retention_ms: Some(number("retention.ms")).filter(|keep| *keep >= 0),
            retention_bytes: bytes("retention.bytes"),
            segment_bytes: bytes("segment.bytes").unwrap_or(u64::MAX),
            append_time: text("message.timestamp.type") == "LogAppendTime",
            max_batch_bytes: bytes("max.message.bytes").unwrap_or(u64::MAX),
            min_insync_replicas: i32::try_from(number("min.insync.replicas")).unwrap_or(1),
        }
    }
}

impl TryFrom<BTreeMap<String, String>> for TopicSettings {
    type Error = String;

    fn try_from(given: BTreeMap<String, String>) -> Result<Self, String> {
        let mut settings = Self::default();
        for (name, value) in &given {
            settings.set(name, value)?;
        }
        Ok(settings)
    }
}

fn named(name: &str) -> Result<&'static Setting, String> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let known: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        format!("topics have no setting {name:?}; they have {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted() {
        for setting in SETTINGS {
            assert!((setting.accepts)(setting.default), "{}", setting.name);
        }
        let log = TopicSettings::default().log_settings();
        assert_eq!(log.retention_ms, Some(7 * 24 * 3_600_000));
        assert_eq!((log.retention_bytes, log.append_time, log.min_insync_replicas), (None, false, 1));
    }

    #[test]
    fn what_is_given_holds_until_it_is_taken_back() {
        let mut settings = TopicSettings::default();
        settings.set("message.timestamp.type", "LogAppendTime").unwrap();
        settings.set("retention.ms", "-1").unwrap();
        let log = settings.log_settings();
        assert_eq!((log.append_time, log.retention_ms), (true, None));
        settings.reset("retention.ms").unwrap();
        assert_eq!(settings.log_settings().retention_ms, Some(604_800_000));
    }

    #[test]
    fn what_is_unknown_or_impossible_is_refused_with_what_to_write() {
        let mut settings = TopicSettings::default();
        let refused = settings.set("cleanup.policy", "compact").unwrap_err();
        assert_eq!(
            refused,
            "cleanup.policy = \"compact\" is not taken: write delete (there is no compaction here)"
        );
        assert!(settings.set("retention.ms", "a week").is_err());
        assert!(
            settings.set("flush.ms", "1").unwrap_err().starts_with("topics have no setting \"flush.ms\"")
        );
        assert!(settings.reset("flush.ms").is_err());
    }
}
