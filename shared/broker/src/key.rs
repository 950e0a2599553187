//! What the key of a data message says.

/// Whose message it is and its number: 4 bytes of task, 8 bytes of sequence, big-endian. The field's clients ignore the
/// key of a data message, and a key costs librdkafka less than a header.
///
/// ```
/// use broker::MessageKey;
/// let key = MessageKey { task: 7, sequence: 41 };
/// assert_eq!(MessageKey::read(&key.to_bytes()), Some(key));
/// assert_eq!(MessageKey::read(b"foreign"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageKey {
    /// The task's number in its job.
    pub task: u32,
    /// The message's number among those of this task in this partition, from 0.
    pub sequence: u64,
}

impl MessageKey {
    /// The bytes of the key.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (task, sequence) = bytes.split_at_mut(4);
        task.copy_from_slice(&self.task.to_be_bytes());
        sequence.copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// The key in the given bytes, if it is one of ours.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (task, sequence) = bytes.split_at_checked(4)?;
        Some(Self {
            task: u32::from_be_bytes(task.try_into().ok()?),
            sequence: u64::from_be_bytes(sequence.try_into().ok()?),
        })
    }
}
