//! What can be wrong with a content, or with the columns that it is made of.

use job::ErrorKind;

/// An error of contents, schemas or encoding.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// A field of the user's list does not exist.
    #[error("unknown field `{field}`{}", .nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    UnknownField {
        /// As the user wrote it.
        field: String,
        /// The nearest name.
        nearest: Option<String>,
    },
    /// Two fields would have the same name in a message.
    #[error(
        "the fields `{first}` and `{second}` would both be called `{name}` in a message; choose one of them"
    )]
    SameName {
        /// The name that both would have.
        name: String,
        /// The field that has it.
        first: String,
        /// The field that wants it too.
        second: String,
    },
    /// A column has a type that the field's clients cannot take.
    #[error(
        "column `{column}` has the type {data_type}, which the field's clients cannot read; leave it out"
    )]
    Unsupported {
        /// The column, dots and all.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A column has a name that the schema of the messages cannot have.
    #[error("column `{column}` cannot be sent: {reason}; leave it out")]
    Name {
        /// The column, dots and all.
        column: String,
        /// What is wrong with its name.
        reason: &'static str,
    },
    /// A batch is not what the layout was made for.
    #[error("the column `{column}` is missing or of another type than planned")]
    Mismatch {
        /// The column.
        column: String,
    },
    /// A message cannot be read back.
    #[error("a message cannot be read: {reason}")]
    Unreadable {
        /// Why not.
        reason: String,
    },
    /// The TNS table cannot be used.
    #[error(
        "the TNS table cannot be used: {reason}; it needs the columns ra, declination (degrees) and type"
    )]
    Catalogue {
        /// Why not.
        reason: String,
    },
}

impl PacketError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownField { .. }
            | Self::SameName { .. }
            | Self::Unsupported { .. }
            | Self::Name { .. } => ErrorKind::Invalid,
            Self::Catalogue { .. } | Self::Unreadable { .. } => ErrorKind::Permanent,
            Self::Mismatch { .. } => ErrorKind::Bug,
        }
    }
}
