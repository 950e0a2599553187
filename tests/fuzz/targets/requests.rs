//! Job requests, YAML and JSON, as posted to the API or read from a file.

use super::{Verdict, refused};
use fastrand::Rng;
use job::JobRequest;
use query::ClassSelection;

/// Reads a document; one that is taken must read back as it was.
pub struct Target;

impl super::Target for Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String> {
        let text = String::from_utf8_lossy(input);
        let request = match JobRequest::parse(&text) {
            Ok(request) => request,
            Err(error) if error.to_string().len() > 8192 => {
                return Err(format!("is refused in {} bytes", error.to_string().len()));
            }
            Err(error) => return Ok(refused(&error)),
        };
        let written = serde_json::to_string(&request).map_err(|error| error.to_string())?;
        let again: JobRequest =
            serde_json::from_str(&written).map_err(|error| format!("{error}: {written}"))?;
        if again != request {
            return Err(format!("reads back as another: {written}"));
        }
        if request.nights.iter().count() > 40_000 || !(1..=10).contains(&request.topic_partitions()) {
            return Err("is beyond its bounds".into());
        }
        match ClassSelection::parse(&request.classes) {
            Ok(classes) => {
                classes.unknown_classes(&std::collections::BTreeSet::new());
                Ok(Verdict::Accepted)
            }
            Err(error) => Ok(refused(&error)),
        }
    }
}

pub const WORDS: &[&str] = &[
    "nights:",
    "classes:",
    "conditions:",
    "where:",
    "content:",
    "limit:",
    "test:",
    "partitions:",
    "survey:",
    "name:",
    "id:",
    "status:",
    "\"nights\":",
    "2026-03-22",
    "2026-03-22..2100-01-01",
    "0001-01-01",
    "[",
    "]",
    "{",
    "}",
    "- ",
    "\n",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!!set",
    "|\n",
    ">\n",
    "\t",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    ": ",
    "'",
    "\"",
    "\\u0000",
    "\u{feff}",
    "null",
    "~",
    "true",
    "1e400",
    "-0",
    "0x7fffffffffffffff",
    "18446744073709551616",
    ".inf",
    ".nan",
    "(TNS) ",
    "!",
    "not ",
    "Light packet",
    "Full packet",
    "ztf",
    "lsst",
];

/// A document by the grammar, as YAML or JSON.
pub fn generate(chance: &mut Rng) -> String {
    let json = chance.bool();
    let mut keys = vec![
        "nights",
        "classes",
        "conditions",
        "content",
        "limit",
        "test",
        "partitions",
        "survey",
        "name",
        "status",
    ];
    chance.shuffle(&mut keys);
    keys.truncate(1 + chance.usize(..10));
    if !keys.contains(&"nights") && chance.u8(..8) > 0 {
        keys.push("nights");
    }
    let lines: Vec<String> = keys
        .iter()
        .map(|key| {
            let sound = chance.u8(..6) > 0;
            let value = if sound { fitting(key, chance) } else { anything(chance, 3) };
            if json { format!("\"{key}\": {value}") } else { format!("{key}: {value}") }
        })
        .collect();
    if json { format!("{{{}}}", lines.join(", ")) } else { lines.join("\n") }
}

fn fitting(key: &str, chance: &mut Rng) -> String {
    let words: &[&str] = match key {
        "nights" => &[
            "[\"2026-03-22\"]",
            "[\"2025-09-01..2025-09-05\", \"2026-03-22\"]",
            "\"2026-03-01 to 2026-03-09\"",
            "[\"1990-01-01..2099-12-31\"]",
        ],
        "classes" => &["[\"SN candidate\", \"!(TNS) AGN\"]", "\"Unknown\"", "[]", "[\"allclasses\"]"],
        "conditions" => &[
            "\"candidate.magpsf < 19.5; rf_snia_vs_nonia > 0.5\"",
            "[\"a > 1;\", \"b < 2\"]",
            "\"\"",
            "null",
        ],
        "content" => {
            &["\"Light packet\"", "\"Cutouts\"", "[\"objectId\", \"candidate.ra\"]", "\"objectId,candid\""]
        }
        "limit" => &["1000", "1", "18446744073709551615"],
        "test" => &["true", "false"],
        "partitions" => &["1", "10", "4"],
        "survey" => &["\"ztf\"", "\"lsst\""],
        "name" => &["\"mine\"", "\"é💥\"", "null"],
        _ => &["{\"state\": \"done\"}", "[]", "null"],
    };
    words[chance.usize(..words.len())].to_owned()
}

fn anything(chance: &mut Rng, depth: u32) -> String {
    match if depth == 0 { chance.u8(..4) } else { chance.u8(..7) } {
        0 => {
            ["null", "true", "-1", "1e999", "0", "-9223372036854775809", "1.5"][chance.usize(..7)].to_owned()
        }
        1 => format!("\"{}\"", "x".repeat(chance.usize(..300))),
        2 => format!("\"{}\"", WORDS[chance.usize(..WORDS.len())].replace(['"', '\\'], "")),
        3 => chance.i64(..).to_string(),
        4 => format!(
            "[{}]",
            (0..chance.usize(..5)).map(|_| anything(chance, depth - 1)).collect::<Vec<_>>().join(", ")
        ),
        5 => {
            format!("{{\"a\": {}, \"nights\": {}}}", anything(chance, depth - 1), anything(chance, depth - 1))
        }
        _ => format!("{}{}", "[".repeat(chance.usize(..200)), "]".repeat(chance.usize(..200))),
    }
}
