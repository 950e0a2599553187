//! What users read when a condition is wrong, and which limits hold.

#![allow(clippy::unwrap_used, clippy::panic)] // Also in what the tests call.

use arrow::datatypes::{DataType, Field, Fields, Schema};
use job::ErrorKind;
use query::{Conditions, ProblemKind, QueryError};
use std::sync::Arc;

fn schema() -> Schema {
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    let candidate = Fields::from(vec![
        field("jd", DataType::Float64),
        field("fid", DataType::Int32),
        field("magpsf", DataType::Float32),
        field("isdiffpos", DataType::Utf8),
    ]);
    let entry = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ]);
    let entries = Arc::new(Field::new("key_value", DataType::Struct(entry), false));
    let past = Arc::new(Field::new("element", DataType::Struct(candidate.clone()), true));
    Schema::new(vec![
        field("objectId", DataType::Utf8),
        field("candidate", DataType::Struct(candidate)),
        field("prv_candidates", DataType::List(past)),
        field("mangrove", DataType::Map(entries, false)),
        field("from_upper", DataType::Boolean),
        field("timestamp", DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None)),
    ])
}

fn parse(text: &str) -> Result<Conditions, QueryError> {
    Conditions::parse(text, &schema())
}

fn refused(text: &str) -> QueryError {
    match parse(text) {
        Err(error) => error,
        Ok(_) => panic!("accepted: {text}"),
    }
}

fn message(text: &str) -> String {
    refused(text).to_string()
}

#[test]
fn an_unknown_field_is_named_with_its_place_and_the_nearest_one() {
    assert_eq!(message("jd > 2"), "unknown field `jd` at line 1, column 1; did you mean `candidate.jd`?");
    assert_eq!(
        message("candidate.fid = 1;\n  candidate.magpfs > 18"),
        "unknown field `candidate.magpfs` at line 2, column 3; did you mean `candidate.magpsf`?"
    );
    assert_eq!(
        message("prv_candidates.magpfs IS NULL"),
        "unknown field `prv_candidates.magpfs` at line 1, column 16; did you mean `magpsf`?"
    );
    assert_eq!(message("zzz = 1"), "unknown field `zzz` at line 1, column 1");
}

#[test]
fn an_unknown_function_is_named_with_the_nearest_one() {
    assert_eq!(
        message("1 < lgo10(candidate.magpsf)"),
        "unknown function `lgo10` at line 1, column 5; did you mean `log10`?"
    );
    assert_eq!(message("sqrt(1, 2) > 0"), "`sqrt` takes 1 argument: sqrt(value) at line 1, column 1");
}

#[test]
fn types_that_do_not_go_together_are_named() {
    assert_eq!(
        message("candidate.magpsf"),
        "`candidate.magpsf` is FLOAT, but a condition must be true or false at line 1, column 1; \
         did you mean `candidate.magpsf IS NOT NULL`?"
    );
    assert_eq!(
        message("candidate > 1"),
        "`>` does not take STRUCT and INT: `candidate` and `1` at line 1, column 1"
    );
    assert_eq!(
        message("from_upper AND candidate.fid"),
        "AND takes what is true or false, but `candidate.fid` is INT at line 1, column 16"
    );
    assert_eq!(
        message("sqrt(from_upper) > 1"),
        "`sqrt` does not take BOOLEAN: sqrt(value) at line 1, column 1"
    );
}

#[test]
fn text_that_is_no_expression_is_refused_where_it_breaks() {
    assert_eq!(
        message("candidate.magpsf >"),
        "the condition ends where a field, a number, a string or a function should be at line 1, column 19"
    );
    assert_eq!(
        message("candidate.magpsf 19"),
        "`19` stands where the end of the condition, `AND` or `OR` should be at line 1, column 18"
    );
    assert_eq!(message("objectId = 'ZTF"), "this string has no closing quote at line 1, column 12");
    assert_eq!(message("candidate.fid = 1 /* x"), "this comment has no closing `*/` at line 1, column 23");
    assert_eq!(message("candidate.fid in ()"), "`)` stands where a value should be at line 1, column 19");
    assert_eq!(
        message("cast(candidate.fid as nt) = 1"),
        "unknown type `nt` at line 1, column 23; did you mean `int`?"
    );
}

#[test]
fn the_snippet_points_at_the_place() {
    let error = refused("candidate.fid = 1;\n\tcandidate.magpfs > 18 -- é");
    assert_eq!(error.snippet(), "\tcandidate.magpfs > 18 -- é\n\t^^^^^^^^^^^^^^^^");
    let [problem] = error.problems() else { panic!("one problem") };
    assert_eq!((problem.place.line, problem.place.column), (2, 2));
    assert_eq!((problem.place.offset, problem.place.length), (20, 16));
    assert_eq!(problem.condition, "candidate.magpfs > 18");
    assert_eq!(problem.suggestion.as_deref(), Some("candidate.magpsf"));
}

#[test]
fn columns_count_characters_not_bytes() {
    let error = refused("objectId = 'é€' AND jd > 1");
    assert_eq!(error.problems()[0].place.column, 21);
}

#[test]
fn every_wrong_condition_is_reported() {
    let error = refused("jd > 1; candidate.fid = 1; magpsf < 2; 3");
    let kinds: Vec<ProblemKind> = error.problems().iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::UnknownField, ProblemKind::UnknownField, ProblemKind::Type]);
    assert_eq!(error.to_string().lines().count(), 3);
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_condition_can_only_read_the_alert() {
    for text in [
        "candidate.fid IN (SELECT 1)",
        "EXISTS (SELECT 1)",
        "(SELECT true)",
        "sum(candidate.fid) > 1",
        "count(*) > 1",
        "row_number() OVER () = 1",
        "rand() < 0.5",
        "timestamp > now()",
        "timestamp > 'yesterday'",
        "timestamp BETWEEN '2024-01-01' AND 'today'",
        "timestamp < date(' Tomorrow ')",
        "current_date > '2024-01-01'",
    ] {
        let error = refused(text);
        let kind = error.problems()[0].kind;
        assert!(
            matches!(kind, ProblemKind::Refused | ProblemKind::UnknownFunction | ProblemKind::UnknownField),
            "{text}: {error}"
        );
    }
    for text in [
        "candidate.fid = ?",
        "candidate.fid = $1",
        "candidate.fid = :x",
        "candidate.fid = @x",
        "read_files('/etc') = 1",
    ] {
        refused(text);
    }
}

#[test]
fn conditions_are_cut_at_semicolons_outside_quotes_and_comments() {
    let texts = |text: &str| -> Vec<String> {
        parse(text).unwrap().list().iter().map(|condition| condition.text().to_owned()).collect()
    };
    assert_eq!(
        texts("candidate.fid = 1; -- the filter; g\n\n ;objectId != ';' AND objectId != \"--\\\";\" ;;"),
        ["candidate.fid = 1", "objectId != ';' AND objectId != \"--\\\";\""]
    );
    assert_eq!(texts("candidate.fid -- one\n  = 1"), ["candidate.fid\n  = 1"]);
    assert_eq!(texts("candidate.fid /* a; b */ = 1"), ["candidate.fid   = 1"]);
    for empty in ["", "  \n", ";;", "-- nothing", "/* nothing */ ; -- here"] {
        assert!(parse(empty).unwrap().is_empty(), "{empty:?}");
    }
}

#[test]
fn fields_are_the_leaves_that_must_be_read() {
    let fields = |text: &str| -> Vec<String> {
        parse(text).unwrap().fields().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        fields("CANDIDATE.MAGPSF > 1 AND objectid LIKE 'a'; candidate.`jd` > 2"),
        ["candidate.jd", "candidate.magpsf", "objectId"]
    );
    assert_eq!(fields("candidate IS NULL"), ["candidate"]);
    assert_eq!(fields("mangrove.x = 'a' OR mangrove['y'] = 'b'"), ["mangrove"]);
    assert_eq!(
        fields("size(prv_candidates.magpsf) > 3 OR prv_candidates[0].jd > 1"),
        ["prv_candidates.jd", "prv_candidates.magpsf"]
    );
    // How many there are, any of their fields tells.
    assert_eq!(fields("size(prv_candidates) > 3"), ["prv_candidates.jd"]);
    assert!(fields("1 = 1").is_empty());
}

#[test]
fn limits_hold() {
    let limit = |text: &str| {
        let error = refused(text);
        assert_eq!(error.problems()[0].kind, ProblemKind::Limit, "{error}");
    };
    limit(&format!("objectId = '{}'", "x".repeat(16 * 1024)));
    limit(&"1 = 1;".repeat(65));
    limit(&format!("{}1{} = 1", "(".repeat(65), ")".repeat(65)));
    limit(&format!("{}true", "NOT ".repeat(65)));
    limit(&format!("{}1 = 1", "- ".repeat(65)));
    limit(&format!("1{} > 0", " + 1".repeat(70)));
    limit(&format!("{}1{} > 0", "(".repeat(40), " + 1)".repeat(40).replacen(")", " + 1 + 1)", 40)));
    limit(&format!("{}1{} > 0", "abs(".repeat(65), ")".repeat(65)));
    limit(&format!("{}1", "cast(".repeat(200)));
    limit(&format!("{}1", "case when ".repeat(200)));
    limit(&format!("1 in ({}1)", "1, ".repeat(1000)));
    assert!(parse(&format!("{}1{} = 1", "(".repeat(60), ")".repeat(60))).is_ok());
    assert!(parse(&vec!["candidate.fid = 1"; 150].join(" OR ")).is_ok());
    assert!(parse(&"1 = 1;".repeat(64)).is_ok());
}

#[test]
fn patterns_are_bounded() {
    for (pattern, what) in [
        ("a{1000}{1000}", "the pattern is too large"),
        ("(?=a)", "the pattern cannot be used: look-around"),
        ("(a)\\\\1", "the pattern cannot be used: backreferences are not supported"),
        ("(", "the pattern cannot be used: unclosed group"),
        ("a++", "the pattern cannot be used: a possessive quantifier"),
    ] {
        let message = message(&format!("objectId RLIKE '{pattern}'"));
        assert!(message.starts_with(what), "{message}");
    }
    assert!(message("objectId RLIKE objectId").contains("must be a string between quotes"));
    assert!(message(&format!("objectId LIKE '{}'", "%a".repeat(600))).contains("longer than 1024 bytes"));
}

#[test]
fn a_misread_minus_or_number_is_not_accepted() {
    for text in ["candidate.fid = 1e", "candidate.fid = 300Y", "candidate.fid = 1.2.3", "candidate.fid - = 1"]
    {
        refused(text);
    }
}
