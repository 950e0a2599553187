//! The requests that are served, in which versions, and how they are laid out.

use kafka_protocol::messages::ApiKey;

use super::shape::Shape::{Blob, Each, Fixed, List, Text};
use super::shape::{Field, Layout, Malformed, check};

/// The most bytes of a request that brings no records.
const MAX_BYTES_BUT_PRODUCE: usize = 4 << 20;

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Served {
    /// Its number in the protocol.
    pub key: ApiKey,
    /// The first version served.
    pub min_version: i16,
    /// The last version served.
    pub max_version: i16,
    /// The first version of the flexible kind.
    flexible_since: i16,
    fields: &'static [Field],
}

impl Served {
    /// Whether the bytes of a request are what they say, in a version that is served.
    pub(crate) fn check(&self, version: i16, bytes: &[u8]) -> Result<usize, Malformed> {
        if self.key != ApiKey::Produce && bytes.len() > MAX_BYTES_BUT_PRODUCE {
            return Err(Malformed::TooMany);
        }
        let flexible = version >= self.flexible_since;
        check(bytes, self.fields, Layout { version, flexible, text_in_tag_0: self.key == ApiKey::Fetch })
    }
}

/// The request with that number, if it is served.
pub(crate) fn served(key: i16) -> Option<&'static Served> {
    SERVED.iter().find(|served| served.key as i16 == key)
}

const fn row(key: ApiKey, versions: (i16, i16), flexible_since: i16, fields: &'static [Field]) -> Served {
    Served { key, min_version: versions.0, max_version: versions.1, flexible_since, fields }
}

const TEXT: Field = Field::always(Text);
const BOOLEAN: Field = Field::always(Fixed(1));
const INT8: Field = Field::always(Fixed(1));
const INT16: Field = Field::always(Fixed(2));
const INT32: Field = Field::always(Fixed(4));
const INT64: Field = Field::always(Fixed(8));
const BLOB: Field = Field::always(Blob);
const INT32S: Field = Field::always(Each(&Fixed(4)));
const TEXTS: Field = Field::always(Each(&Text));
/// A topic and numbers of partitions.
const TOPIC_PARTITIONS: &[Field] = &[TEXT, INT32S];

const fn list(fields: &'static [Field]) -> Field {
    Field::always(List(fields))
}

/// Every request that is served.
pub(crate) const SERVED: &[Served] = &[
    row(ApiKey::Produce, (3, 9), 9, &[TEXT, INT16, INT32, list(&[TEXT, list(&[INT32, BLOB])])]),
    row(ApiKey::Fetch, (4, 12), 12, FETCH),
    row(ApiKey::ListOffsets, (1, 7), 6, LIST_OFFSETS),
    row(ApiKey::Metadata, (0, 12), 9, METADATA),
    row(ApiKey::OffsetCommit, (2, 8), 8, OFFSET_COMMIT),
    row(ApiKey::OffsetFetch, (1, 8), 6, OFFSET_FETCH),
    row(ApiKey::FindCoordinator, (0, 4), 3, FIND_COORDINATOR),
    row(ApiKey::JoinGroup, (0, 9), 6, JOIN_GROUP),
    row(ApiKey::Heartbeat, (0, 4), 4, &[TEXT, INT32, TEXT, Field::since(3, Text)]),
    row(ApiKey::LeaveGroup, (0, 5), 4, LEAVE_GROUP),
    row(ApiKey::SyncGroup, (0, 5), 4, SYNC_GROUP),
    row(ApiKey::DescribeGroups, (0, 5), 5, &[TEXTS, Field::since(3, Fixed(1))]),
    row(ApiKey::ListGroups, (0, 4), 3, &[Field::since(4, Each(&Text))]),
    row(ApiKey::ApiVersions, (0, 3), 3, &[Field::since(3, Text), Field::since(3, Text)]),
    row(ApiKey::CreateTopics, (2, 7), 5, CREATE_TOPICS),
    row(ApiKey::DeleteTopics, (1, 6), 4, DELETE_TOPICS),
    row(ApiKey::DeleteRecords, (0, 2), 2, &[list(&[TEXT, list(&[INT32, INT64])]), INT32]),
    row(ApiKey::InitProducerId, (0, 4), 2, INIT_PRODUCER_ID),
    row(ApiKey::OffsetForLeaderEpoch, (2, 4), 4, OFFSET_FOR_LEADER_EPOCH),
    row(ApiKey::DescribeConfigs, (1, 4), 4, DESCRIBE_CONFIGS),
    row(ApiKey::CreatePartitions, (0, 3), 2, CREATE_PARTITIONS),
    row(ApiKey::DeleteGroups, (0, 2), 2, &[TEXTS]),
    row(ApiKey::IncrementalAlterConfigs, (0, 1), 1, INCREMENTAL_ALTER_CONFIGS),
    row(ApiKey::DescribeCluster, (0, 1), 0, &[BOOLEAN, Field::since(1, Fixed(1))]),
];

const FETCH: &[Field] = &[
    INT32,
    INT32,
    INT32,
    INT32,
    INT8,
    Field::since(7, Fixed(8)),
    list(&[
        TEXT,
        list(&[
            INT32,
            Field::since(9, Fixed(4)),
            INT64,
            Field::since(12, Fixed(4)),
            Field::since(5, Fixed(8)),
            INT32,
        ]),
    ]),
    Field::since(7, List(TOPIC_PARTITIONS)),
    Field::since(11, Text),
];

const LIST_OFFSETS: &[Field] =
    &[INT32, Field::since(2, Fixed(1)), list(&[TEXT, list(&[INT32, Field::since(4, Fixed(4)), INT64])])];

const METADATA: &[Field] = &[
    list(&[Field::since(10, Fixed(16)), TEXT]),
    Field::since(4, Fixed(1)),
    Field::between(8, 10, Fixed(1)),
    Field::since(8, Fixed(1)),
];

const OFFSET_COMMIT: &[Field] = &[
    TEXT,
    INT32,
    TEXT,
    Field::since(7, Text),
    Field::between(2, 4, Fixed(8)),
    list(&[TEXT, list(&[INT32, INT64, Field::since(6, Fixed(4)), TEXT])]),
];

const OFFSET_FETCH: &[Field] = &[
    Field::until(7, Text),
    Field::until(7, List(TOPIC_PARTITIONS)),
    Field::since(8, List(&[TEXT, list(TOPIC_PARTITIONS)])),
    Field::since(7, Fixed(1)),
];

const FIND_COORDINATOR: &[Field] =
    &[Field::until(3, Text), Field::since(1, Fixed(1)), Field::since(4, Each(&Text))];

const JOIN_GROUP: &[Field] = &[
    TEXT,
    INT32,
    Field::since(1, Fixed(4)),
    TEXT,
    Field::since(5, Text),
    TEXT,
    list(&[TEXT, BLOB]),
    Field::since(8, Text),
];

const LEAVE_GROUP: &[Field] =
    &[TEXT, Field::until(2, Text), Field::since(3, List(&[TEXT, TEXT, Field::since(5, Text)]))];

const SYNC_GROUP: &[Field] = &[
    TEXT,
    INT32,
    TEXT,
    Field::since(3, Text),
    Field::since(5, Text),
    Field::since(5, Text),
    list(&[TEXT, BLOB]),
];

const CREATE_TOPICS: &[Field] =
    &[list(&[TEXT, INT32, INT16, list(&[INT32, INT32S]), list(&[TEXT, TEXT])]), INT32, BOOLEAN];

const DELETE_TOPICS: &[Field] =
    &[Field::since(6, List(&[TEXT, Field::always(Fixed(16))])), Field::until(5, Each(&Text)), INT32];

const INIT_PRODUCER_ID: &[Field] = &[TEXT, INT32, Field::since(3, Fixed(8)), Field::since(3, Fixed(2))];

const OFFSET_FOR_LEADER_EPOCH: &[Field] =
    &[Field::since(3, Fixed(4)), list(&[TEXT, list(&[INT32, INT32, INT32])])];

const DESCRIBE_CONFIGS: &[Field] = &[list(&[INT8, TEXT, TEXTS]), BOOLEAN, Field::since(3, Fixed(1))];

const CREATE_PARTITIONS: &[Field] = &[list(&[TEXT, INT32, list(&[INT32S])]), INT32, BOOLEAN];

const INCREMENTAL_ALTER_CONFIGS: &[Field] = &[list(&[INT8, TEXT, list(&[TEXT, INT8, TEXT])]), BOOLEAN];
