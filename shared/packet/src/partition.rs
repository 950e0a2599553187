//! The partition of an alert.

/// The partition, below `partitions`, of every alert of an object: a hash of `objectId` that never changes, since a
/// resumed task must find its messages where an earlier attempt put them.
pub fn partition_of(object_id: &str, partitions: i32) -> i32 {
    let hash = twox_hash::XxHash64::oneshot(0, object_id.as_bytes());
    let bucket = hash % u64::from(partitions.max(1).unsigned_abs());
    i32::try_from(bucket).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_spread_evenly_and_stay_where_they_are() {
        let mut counts = [0; 10];
        for number in 0..10_000 {
            counts[partition_of(&format!("ZTF25aaa{number:05}"), 10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        // XXH64 of nothing with seed 0, as its specification gives it.
        assert_eq!(partition_of("", 10), (0xef46db3751d8e999_u64 % 10) as i32);
        assert_eq!(partition_of("ZTF26aamcbly", 1), 0);
    }
}
