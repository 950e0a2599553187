//! The nearest name.

/// How near a name must be to be worth a suggestion; 1 is the same.
const NEAR: f64 = 0.6;

fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let edits = strsim::normalized_damerau_levenshtein(&a, &b);
    // A name cut short: `magps` for `magpsf`, `startswit` for `startswith`.
    let cut = a.len() >= 3 && (b.starts_with(&a) || a.starts_with(&b));
    if cut { edits.max(0.75) } else { edits }
}

/// The candidate that is most like `name`, if any is near.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    best(candidates.into_iter().map(|candidate| (candidate, likeness(name, candidate))))
}

/// The field that is most like `name`: by its whole path, or by its last name (`jd` is `candidate.jd`).
pub(crate) fn nearest_field<'a>(name: &str, fields: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |path: &'a str| path.rsplit('.').next().unwrap_or(path);
    let wanted_last = name.rsplit('.').next().unwrap_or(name);
    best(fields.into_iter().map(|field| {
        let by_path = likeness(name, field);
        // Of two fields with the same last name the shorter path wins.
        let by_last = likeness(wanted_last, last(field)) - 0.0001 * field.len() as f64;
        (field, by_path.max(by_last))
    }))
}

fn best<'a>(scored: impl Iterator<Item = (&'a str, f64)>) -> Option<&'a str> {
    scored
        .filter(|(_, score)| *score >= NEAR)
        .max_by(|(name_a, a), (name_b, b)| a.total_cmp(b).then_with(|| name_b.cmp(name_a)))
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_field_is_found_by_path_or_last_name() {
        let fields = ["candidate.jd", "candidate.magpsf", "candidate.sigmapsf", "objectId", "prv.jd.more"];
        assert_eq!(nearest_field("jd", fields), Some("candidate.jd"));
        assert_eq!(nearest_field("magpfs", fields), Some("candidate.magpsf"));
        assert_eq!(nearest_field("candidate.magps", fields), Some("candidate.magpsf"));
        assert_eq!(nearest_field("objectid_", fields), Some("objectId"));
        assert_eq!(nearest_field("zzz", fields), None);
    }

    #[test]
    fn the_nearest_function_is_found() {
        assert_eq!(nearest("lgo10", ["log", "log10", "log2"]), Some("log10"));
        assert_eq!(nearest("starts_with", ["startswith", "endswith"]), Some("startswith"));
    }
}
