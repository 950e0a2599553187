//! What ends a function at its start.

/// Why a function cannot work here.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// A variable of the environment is missing or wrong.
    #[error("the variable {name} {reason}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// A service of AWS does not give what is needed.
    #[error(transparent)]
    Cloud(#[from] cloud::CloudError),
    /// A part cannot be built.
    #[error(transparent)]
    Transfer(#[from] transfer::TransferError),
    /// The archive or the bucket cannot be opened.
    #[error(transparent)]
    Archive(#[from] archive::ArchiveError),
    /// The cluster cannot be reached so.
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
}

impl FunctionError {
    pub(crate) fn variable(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Variable { name, reason: reason.into() }
    }
}
