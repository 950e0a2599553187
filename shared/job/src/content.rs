//! What a message holds: a named packet or a list of fields (CONTRACT §4).

use crate::RequestError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// The named contents, as the field knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packet {
    /// The alert without images, candidate and history, about 1.4 KB.
    Light,
    /// The three images with position and magnitude, about 41 KB.
    Cutouts,
    /// Everything but the images, about 18 KB.
    Medium,
    /// Everything, about 55 KB.
    Full,
}

impl Packet {
    /// All packets, lightest first.
    pub const ALL: [Self; 4] = [Self::Light, Self::Cutouts, Self::Medium, Self::Full];

    /// The name that users know.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "Light packet",
            Self::Cutouts => "Cutouts",
            Self::Medium => "Medium packet",
            Self::Full => "Full packet",
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Packet {
    type Err = RequestError;

    /// Case, spaces and the word "packet" are free; `Lightcurve` is the light packet's name until 2025.
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let key: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        match key.strip_suffix("packet").unwrap_or(&key) {
            "light" | "lightcurve" => Ok(Self::Light),
            "cutouts" | "cutout" => Ok(Self::Cutouts),
            "medium" => Ok(Self::Medium),
            "full" => Ok(Self::Full),
            _ => Err(RequestError::new("content", format!("`{text}` is not a content"))
                .instead("choose Light packet, Cutouts, Medium packet, Full packet, or a list of fields")),
        }
    }
}

/// The content of a job: a named packet, or fields in the user's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A named packet.
    Packet(Packet),
    /// Fields as the user wrote them, such as `objectId` or `candidate.magpsf`.
    Fields(Vec<String>),
}

/// The most fields that a list may have.
const MAX_FIELDS: usize = 500;
/// The longest name of a field, in bytes.
const MAX_FIELD_BYTES: usize = 256;

impl Content {
    /// The content from a list of names: one packet's name, or fields. A packet cannot be combined with fields.
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<Self, RequestError> {
        let names: Vec<&str> =
            names.iter().map(|name| name.as_ref().trim()).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(RequestError::new("content", "no content is named")
                .instead("choose a packet such as `Light packet`, or list fields"));
        }
        if names.len() > MAX_FIELDS || names.iter().any(|name| name.len() > MAX_FIELD_BYTES) {
            let reason =
                format!("more than {MAX_FIELDS} fields, or a name longer than {MAX_FIELD_BYTES} bytes");
            return Err(RequestError::new("content", reason));
        }
        match names[..] {
            [only] if only.parse::<Packet>().is_ok() => Ok(Self::Packet(only.parse()?)),
            _ => match names.iter().find(|name| name.parse::<Packet>().is_ok()) {
                Some(packet) => Err(RequestError::new(
                    "content",
                    format!("the packet `{packet}` cannot be combined with other contents or fields"),
                )
                .instead("choose the packet alone, or list fields only")),
                None => Ok(Self::Fields(names.into_iter().map(str::to_owned).collect())),
            },
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(packet) => packet.fmt(f),
            Self::Fields(fields) => f.write_str(&fields.join(", ")),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Packet(Packet::Light)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Packet(packet) => serializer.serialize_str(packet.name()),
            Self::Fields(fields) => fields.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let names = match Written::deserialize(deserializer)? {
            Written::One(text) => text.split(',').map(str::to_owned).collect(),
            Written::Many(names) => names,
        };
        Self::parse(&names).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_go_by_the_names_that_the_field_uses() {
        for (text, packet) in [
            ("Light packet", Packet::Light),
            ("Lightcurve", Packet::Light),
            ("light", Packet::Light),
            ("Cutouts", Packet::Cutouts),
            ("medium packet", Packet::Medium),
            ("Full packet", Packet::Full),
        ] {
            assert_eq!(Content::parse(&[text]).unwrap(), Content::Packet(packet));
        }
    }

    #[test]
    fn a_packet_cannot_be_combined_with_fields() {
        let error = Content::parse(&["objectId", "Full packet"]).unwrap_err().to_string();
        assert!(error.contains("`Full packet` cannot be combined"), "{error}");
        assert!(Content::parse::<&str>(&[]).is_err());
        assert_eq!(
            Content::parse(&["ful"]).unwrap(),
            Content::Fields(vec!["ful".into()]),
            "a field, refused later"
        );
    }
}
