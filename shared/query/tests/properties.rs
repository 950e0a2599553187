//! Whatever the text, the answer is a verdict or an error: no panic, no overflow of the stack.

#![allow(clippy::unwrap_used, clippy::panic)] // Also in what the tests call.

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type};
use proptest::prelude::*;
use query::{ClassSelection, Conditions};
use std::sync::Arc;

fn batch() -> RecordBatch {
    let arrays: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(0), Some(7)]))),
        ("l", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None, Some(-1)]))),
        ("f", Arc::new(Float32Array::from(vec![Some(f32::NAN), Some(-0.0), None, Some(f32::MAX)]))),
        ("d", Arc::new(Float64Array::from(vec![Some(f64::INFINITY), Some(f64::NAN), None, Some(1e-300)]))),
        ("s", Arc::new(StringArray::from(vec![Some(""), Some("é€"), None, Some("-12.5e3")]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MIN), Some(i64::MAX), None, Some(0)]))),
        (
            "a",
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(vec![
                Some(vec![]),
                None,
                Some(vec![None, Some(f64::NAN)]),
                Some(vec![Some(1.0)]),
            ])),
        ),
        (
            "c",
            Arc::new(StructArray::from(vec![(
                Arc::new(Field::new("x", DataType::Int32, true)),
                Arc::new(Int32Array::from(vec![1, 2, 3, 4])) as ArrayRef,
            )])),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(arrays.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn judge(text: &str) {
    let batch = batch();
    match Conditions::parse(text, &batch.schema()) {
        Err(error) => {
            let length = text.chars().count();
            for problem in error.problems() {
                assert!(problem.place.offset <= length, "{problem:?}");
                assert!(problem.place.line >= 1 && problem.place.column >= 1 && problem.place.length >= 1);
                assert!(!problem.snippet().is_empty() && !problem.what.is_empty());
            }
        }
        Ok(conditions) => {
            let predicate = conditions.bind(&batch.schema()).unwrap();
            if let Ok(verdict) = predicate.evaluate(&batch) {
                let dropped = verdict.dropped.iter().sum::<u64>();
                assert_eq!(u64::try_from(verdict.keep.true_count()).unwrap() + dropped, 4);
            }
        }
    }
}

/// Words that conditions are made of, in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "i",
        "l",
        "f",
        "d",
        "s",
        "t",
        "a",
        "c",
        "c.x",
        "1",
        "0",
        "-1",
        "2.5",
        "1e308",
        "9223372036854775807",
        "'x'",
        "'1'",
        "\"\"",
        "NULL",
        "TRUE",
        "+",
        "-",
        "*",
        "/",
        "%",
        "div",
        "=",
        "<",
        ">=",
        "<=>",
        "!=",
        "!",
        "~",
        "&",
        "|",
        "^",
        "<<",
        ">>",
        "||",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "::int",
        "AND",
        "OR",
        "NOT",
        "IS",
        "IN",
        "LIKE",
        "RLIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST(",
        "AS double)",
        "AS string)",
        "abs(",
        "round(",
        "substring(",
        "array(",
        "size(",
        "coalesce(",
        "if(",
        "concat(",
        ";",
        "--",
        "\n",
        "/*",
        "*/",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.join(" "))
}

/// Expressions that are mostly well-formed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "i",
        "l",
        "f",
        "d",
        "s",
        "t",
        "a",
        "c.x",
        "1",
        "0",
        "-2147483648",
        "2.5",
        "1e308",
        "0.00001",
        "'x'",
        "'12'",
        "NULL",
        "TRUE",
        "9223372036854775807",
        "99999999999999999999999999999999999999",
        "a[0]",
        "1Y",
        "300S",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 64, 3, |inner| {
        let operators = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "div", "=", "<", "<=>", "!=", "||", "&", "<<", ">>>", "AND", "OR",
        ]);
        let functions = prop::sample::select(vec![
            "abs",
            "round",
            "bround",
            "floor",
            "ceil",
            "ln",
            "sqrt",
            "string",
            "double",
            "int",
            "decimal",
            "boolean",
            "date",
            "timestamp",
            "year",
            "length",
            "upper",
            "trim",
            "array",
            "size",
            "isnan",
            "array_max",
            "negative",
        ]);
        let pairs = prop::sample::select(vec![
            "pow",
            "pmod",
            "mod",
            "greatest",
            "least",
            "nullif",
            "nvl",
            "left",
            "right",
            "instr",
            "round",
            "bround",
            "array_contains",
            "element_at",
            "concat",
            "substring",
            "log",
            "startswith",
            "datediff",
            "nanvl",
        ]);
        let types = prop::sample::select(vec![
            "int",
            "double",
            "float",
            "string",
            "boolean",
            "decimal(5,2)",
            "decimal(38,38)",
            "timestamp",
            "date",
            "tinyint",
            "bigint",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (functions, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (pairs, inner.clone(), inner.clone()).prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
            (inner.clone(), types).prop_map(|(a, ty)| format!("cast({a} as {ty})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("case when {a} then {b} else {c} end")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} in ({b}, {c}))")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("substring({a}, {b}, {c})")),
            inner.prop_map(|a| format!("- {a}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        judge(&text);
    }

    #[test]
    fn arbitrary_words_never_panic(text in soup()) {
        judge(&text);
    }

    #[test]
    fn arbitrary_expressions_never_panic(expression in expression()) {
        judge(&format!("({expression}) IS NOT NULL"));
        judge(&format!("string({expression}) = 'x'; {expression}"));
    }

    #[test]
    fn arbitrary_patterns_never_panic(pattern in ".{0,60}") {
        let quoted = pattern.replace('\\', "\\\\").replace('\'', "\\'");
        judge(&format!("s RLIKE '{quoted}'; s LIKE '{quoted}'"));
    }

    #[test]
    fn arbitrary_classes_never_panic(classes in prop::collection::vec(".{0,140}", 0..4)) {
        if let Ok(selection) = ClassSelection::parse(&classes) {
            let column = StringArray::from(classes.clone());
            assert_eq!(selection.keep(Some(&column), Some(&column), classes.len()).len(), classes.len());
        }
    }
}

#[test]
fn deep_nesting_ends_at_once() {
    for open in ["(", "NOT ", "- ", "abs(", "cast(", "case ", "case when ", "i in (", "a[", "if(1,", "~"] {
        judge(&open.repeat(16 * 1024 / open.len()));
        judge(&format!("{}i", open.repeat(60)));
    }
    judge(&format!("i{}", ".x".repeat(8000)));
    judge(&format!("a{}", "[0]".repeat(5000)));
    judge(&format!("i{}", "::int".repeat(3000)));
    judge(&format!("i = 1{}", " or i = 1".repeat(1500)));
    judge(&format!("1{} > 0", " + 1".repeat(4000)));
}
