//! The functions that a condition may call. There are no others.

use super::call::Typed;
use super::compare::extreme;
use super::conditional::{case, coalesce, is_not_null, is_null, null_if};
use super::decimal::Operation;
use super::functions::{Arguments, Built, Function};
use super::math::{above, binary, unary};
use super::strings::Ends;
use super::time::{Part, part};
use super::{arithmetic, cast, collections, math, pattern, strings, time, types};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

const MANY: usize = usize::MAX;

macro_rules! function {
    ([$($name:literal),+], $usage:literal, $arity:expr, $build:expr) => {
        Function { names: &[$($name),+], usage: $usage, arity: $arity, of_time: false, build: $build }
    };
}

/// A function of one double.
macro_rules! double {
    ([$first:literal $(, $name:literal)*], $f:expr) => {
        Function {
            names: &[$first $(, $name)*],
            usage: concat!($first, "(value)"),
            arity: 1..=1,
            of_time: false,
            build: |mut args| Ok(unary($first, args.next(), $f)),
        }
    };
}

/// A cast by name.
macro_rules! cast_to {
    ([$first:literal $(, $name:literal)*], $ty:expr) => {
        Function {
            names: &[$first $(, $name)*],
            usage: concat!($first, "(value)"),
            arity: 1..=1,
            of_time: matches!($ty, DataType::Date32 | DataType::Timestamp(..)),
            build: |mut args| {
                let value = args.next();
                Ok(cast::is_allowed(&value.ty, &$ty).then(|| cast::cast(value, &$ty)))
            },
        }
    };
}

/// A part of a date or time.
macro_rules! time_part {
    ([$first:literal $(, $name:literal)*], $part:expr) => {
        Function {
            names: &[$first $(, $name)*],
            usage: concat!($first, "(time)"),
            arity: 1..=1,
            of_time: true,
            build: |mut args| Ok(part($part, args.next())),
        }
    };
}

fn constant(value: f64) -> Built {
    Ok(Some(Typed::value(ScalarValue::Float64(Some(value)))))
}

fn round(halves: math::Halves, mut args: Arguments) -> Built {
    let value = args.next();
    let places = match args.optional() {
        None => Some(0),
        Some(places) if types::is_implicit(&places.ty, &DataType::Int32) => {
            match cast::cast(places, &DataType::Int32).literal() {
                Some(ScalarValue::Int32(places)) => *places,
                _ => return Err("the number of places must be a plain number".to_owned()),
            }
        }
        Some(_) => return Ok(None),
    };
    Ok(match places {
        Some(places) => math::round(halves, value, places),
        None => math::round(halves, value, 0).map(|rounded| Typed::null(rounded.ty)),
    })
}

fn trim(name: &str, ends: Ends, mut args: Arguments) -> Built {
    let first = args.next();
    Ok(match args.optional() {
        None => strings::trim(name, ends, None, first),
        Some(text) => strings::trim(name, ends, Some(first), text),
    })
}

fn like(any_case: bool, mut args: Arguments) -> Built {
    let (text, pattern) = (strings::as_text(args.next()), strings::as_text(args.next()));
    match text.zip(pattern) {
        Some((text, pattern)) => pattern::like(text, pattern, '\\', any_case).map(Some),
        None => Ok(None),
    }
}

fn rlike(mut args: Arguments) -> Built {
    let (text, pattern) = (strings::as_text(args.next()), strings::as_text(args.next()));
    match text.zip(pattern) {
        Some((text, pattern)) => pattern::rlike(text, pattern).map(Some),
        None => Ok(None),
    }
}

fn remainder(op: Operation, mut args: Arguments) -> Built {
    let (left, right) = (args.next(), args.next());
    Ok(arithmetic::arithmetic(op, left, right))
}

fn log(mut args: Arguments) -> Built {
    let first = args.next();
    Ok(match args.optional() {
        None => unary("ln", first, |x| above(x, 0.0, f64::ln)),
        Some(value) => binary("log", first, value, math::log_to),
    })
}

fn element_at(mut args: Arguments) -> Built {
    let (holder, at) = (args.next(), args.next());
    if let Some(ScalarValue::Int32(Some(0))) = at.literal()
        && matches!(holder.ty, DataType::List(_))
    {
        return Err("the first element is element 1, the last is element -1".to_owned());
    }
    Ok(match holder.ty {
        DataType::Map(..) if types::is_numeric(&at.ty) => None,
        DataType::Map(..) => collections::map_value(holder, at),
        _ => collections::item(holder, at, true),
    })
}

/// A function of two texts that answers a boolean.
macro_rules! text_test {
    ([$first:literal $(, $name:literal)*], $f:expr) => {
        Function {
            names: &[$first $(, $name)*],
            usage: concat!($first, "(text, part)"),
            arity: 2..=2,
            of_time: false,
            build: |mut args| {
                let (text, part) = (args.next(), args.next());
                Ok(strings::test($first, text, part, $f))
            },
        }
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    // Numbers.
    function!(["abs"], "abs(value)", 1..=1, |mut args| Ok(arithmetic::absolute(args.next()))),
    function!(["negative"], "negative(value)", 1..=1, |mut args| Ok(arithmetic::negate(args.next()))),
    function!(["positive"], "positive(value)", 1..=1, |mut args| Ok(arithmetic::plus(args.next()))),
    function!(["mod"], "mod(value, by)", 2..=2, |args| remainder(Operation::Remainder, args)),
    function!(["pmod"], "pmod(value, by)", 2..=2, |args| remainder(Operation::PositiveRemainder, args)),
    function!(["round"], "round(value, places)", 1..=2, |args| round(math::Halves::Up, args)),
    function!(["bround"], "bround(value, places)", 1..=2, |args| round(math::Halves::Even, args)),
    function!(["floor"], "floor(value)", 1..=1, |mut args| Ok(math::whole(false, args.next()))),
    function!(["ceil", "ceiling"], "ceil(value)", 1..=1, |mut args| Ok(math::whole(true, args.next()))),
    double!(["sign", "signum"], |x| Some(math::sign(x))),
    double!(["sqrt"], |x| Some(x.sqrt())),
    double!(["cbrt"], |x| Some(x.cbrt())),
    double!(["exp"], |x| Some(x.exp())),
    double!(["expm1"], |x| Some(x.exp_m1())),
    double!(["rint"], |x| Some(x.round_ties_even())),
    function!(["log"], "log(value) or log(base, value)", 1..=2, log),
    double!(["ln"], |x| above(x, 0.0, f64::ln)),
    double!(["log10"], |x| above(x, 0.0, f64::log10)),
    double!(["log2"], |x| above(x, 0.0, f64::log2)),
    double!(["log1p"], |x| above(x, -1.0, f64::ln_1p)),
    function!(["pow", "power"], "pow(base, exponent)", 2..=2, |mut args| {
        let (base, exponent) = (args.next(), args.next());
        Ok(binary("pow", base, exponent, |base, exponent| Some(math::power(base, exponent))))
    }),
    function!(["hypot"], "hypot(x, y)", 2..=2, |mut args| {
        let (x, y) = (args.next(), args.next());
        // Not the standard library's: it is glibc's, in a version that Amazon Linux 2023 lacks.
        Ok(binary("hypot", x, y, |x, y| Some(libm::hypot(x, y))))
    }),
    function!(["pi"], "pi()", 0..=0, |_| constant(std::f64::consts::PI)),
    function!(["e"], "e()", 0..=0, |_| constant(std::f64::consts::E)),
    function!(["isnan"], "isnan(value)", 1..=1, |mut args| Ok(math::is_nan(args.next()))),
    function!(["nanvl"], "nanvl(value, instead)", 2..=2, |mut args| {
        let (value, instead) = (args.next(), args.next());
        Ok(math::nan_or(value, instead))
    }),
    function!(["greatest"], "greatest(value, …)", 2..=MANY, |args| Ok(extreme(true, args.all()))),
    function!(["least"], "least(value, …)", 2..=MANY, |args| Ok(extreme(false, args.all()))),
    // Angles.
    double!(["sin"], |x| Some(x.sin())),
    double!(["cos"], |x| Some(x.cos())),
    double!(["tan"], |x| Some(x.tan())),
    double!(["cot"], |x| Some(1.0 / x.tan())),
    double!(["asin"], |x| Some(x.asin())),
    double!(["acos"], |x| Some(x.acos())),
    double!(["atan"], |x| Some(x.atan())),
    double!(["sinh"], |x| Some(x.sinh())),
    double!(["cosh"], |x| Some(x.cosh())),
    double!(["tanh"], |x| Some(x.tanh())),
    double!(["radians"], |x| Some(x / 180.0 * std::f64::consts::PI)),
    double!(["degrees"], |x| Some(x * 180.0 / std::f64::consts::PI)),
    function!(["atan2"], "atan2(y, x)", 2..=2, |mut args| {
        let (y, x) = (args.next(), args.next());
        Ok(binary("atan2", y, x, |y, x| Some((y + 0.0).atan2(x + 0.0))))
    }),
    // NULL and choice.
    function!(["if"], "if(condition, then, else)", 3..=3, |mut args| {
        let (condition, then, otherwise) = (args.next(), args.next(), args.next());
        if !matches!(condition.ty, DataType::Boolean | DataType::Null) {
            return Ok(None);
        }
        Ok(case(vec![(condition, then)], Some(otherwise)))
    }),
    function!(["coalesce"], "coalesce(value, …)", 1..=MANY, |args| Ok(coalesce(args.all()))),
    function!(["nvl", "ifnull"], "nvl(value, instead)", 2..=2, |args| Ok(coalesce(args.all()))),
    function!(["nvl2"], "nvl2(value, if not null, if null)", 3..=3, |mut args| {
        let (value, then, otherwise) = (args.next(), args.next(), args.next());
        Ok(case(vec![(is_not_null(value), then)], Some(otherwise)))
    }),
    function!(["nullif"], "nullif(value, other)", 2..=2, |mut args| {
        let (value, other) = (args.next(), args.next());
        Ok(null_if(value, other))
    }),
    function!(["isnull"], "isnull(value)", 1..=1, |mut args| Ok(Some(is_null(args.next())))),
    function!(["isnotnull"], "isnotnull(value)", 1..=1, |mut args| Ok(Some(is_not_null(args.next())))),
    // Strings.
    function!(["lower", "lcase"], "lower(text)", 1..=1, |mut args| {
        Ok(strings::map("lower", args.next(), |text| text.to_lowercase().into()))
    }),
    function!(["upper", "ucase"], "upper(text)", 1..=1, |mut args| {
        Ok(strings::map("upper", args.next(), |text| text.to_uppercase().into()))
    }),
    function!(["reverse"], "reverse(text)", 1..=1, |mut args| {
        Ok(strings::map("reverse", args.next(), |text| text.chars().rev().collect::<String>().into()))
    }),
    function!(["trim", "btrim"], "trim(text)", 1..=2, |args| trim("trim", Ends::Both, args)),
    function!(["ltrim"], "ltrim(text)", 1..=2, |args| trim("ltrim", Ends::Leading, args)),
    function!(["rtrim"], "rtrim(text)", 1..=2, |args| trim("rtrim", Ends::Trailing, args)),
    function!(["length", "len", "char_length", "character_length"], "length(text)", 1..=1, |mut args| Ok(
        strings::length(args.next())
    )),
    function!(["substring", "substr"], "substring(text, first, length)", 2..=3, |mut args| {
        let (text, first) = (args.next(), args.next());
        Ok(strings::substring(text, first, args.optional()))
    }),
    function!(["left"], "left(text, length)", 2..=2, |mut args| {
        let (text, length) = (args.next(), args.next());
        Ok(strings::end_of(false, text, length))
    }),
    function!(["right"], "right(text, length)", 2..=2, |mut args| {
        let (text, length) = (args.next(), args.next());
        Ok(strings::end_of(true, text, length))
    }),
    function!(["concat"], "concat(text, …)", 0..=MANY, |args| Ok(strings::concat(args.all()))),
    text_test!(["startswith"], |text, part| text.starts_with(part)),
    text_test!(["endswith"], |text, part| text.ends_with(part)),
    text_test!(["contains"], |text, part| text.contains(part)),
    function!(["instr"], "instr(text, part)", 2..=2, |mut args| {
        let (text, part) = (args.next(), args.next());
        Ok(strings::locate(part, text, None))
    }),
    function!(["locate", "position"], "locate(part, text, from)", 2..=3, |mut args| {
        let (part, text) = (args.next(), args.next());
        Ok(strings::locate(part, text, args.optional()))
    }),
    function!(["replace"], "replace(text, search, by)", 2..=3, |mut args| {
        let (text, search) = (args.next(), args.next());
        Ok(strings::replace(text, search, args.optional()))
    }),
    function!(["like"], "like(text, pattern)", 2..=2, |args| like(false, args)),
    function!(["ilike"], "ilike(text, pattern)", 2..=2, |args| like(true, args)),
    function!(["rlike", "regexp", "regexp_like"], "rlike(text, pattern)", 2..=2, rlike),
    // Arrays and maps.
    function!(["array"], "array(value, …)", 0..=MANY, |args| Ok(collections::array(args.all()))),
    function!(["array_contains"], "array_contains(array, value)", 2..=2, |mut args| {
        let (array, value) = (args.next(), args.next());
        Ok(collections::contains(array, value))
    }),
    function!(["array_max"], "array_max(array)", 1..=1, |mut args| {
        Ok(collections::extreme_item(true, args.next()))
    }),
    function!(["array_min"], "array_min(array)", 1..=1, |mut args| {
        Ok(collections::extreme_item(false, args.next()))
    }),
    function!(["size", "cardinality"], "size(array or map)", 1..=1, |mut args| {
        Ok(collections::size(args.next()))
    }),
    function!(["element_at"], "element_at(array, position)", 2..=2, element_at),
    function!(["map_keys"], "map_keys(map)", 1..=1, |mut args| Ok(collections::map_side(args.next(), true))),
    function!(["map_values"], "map_values(map)", 1..=1, |mut args| {
        Ok(collections::map_side(args.next(), false))
    }),
    function!(["map_contains_key"], "map_contains_key(map, key)", 2..=2, |mut args| {
        let (map, key) = (args.next(), args.next());
        Ok(collections::has_key(map, key))
    }),
    // Types.
    cast_to!(["boolean"], DataType::Boolean),
    cast_to!(["tinyint"], DataType::Int8),
    cast_to!(["smallint"], DataType::Int16),
    cast_to!(["int"], DataType::Int32),
    cast_to!(["bigint"], DataType::Int64),
    cast_to!(["float"], DataType::Float32),
    cast_to!(["double"], DataType::Float64),
    cast_to!(["decimal"], DataType::Decimal128(10, 0)),
    cast_to!(["string"], DataType::Utf8),
    cast_to!(["date", "to_date"], DataType::Date32),
    cast_to!(["timestamp", "to_timestamp"], types::TIMESTAMP),
    // Times.
    time_part!(["year"], Part::Year),
    time_part!(["quarter"], Part::Quarter),
    time_part!(["month"], Part::Month),
    time_part!(["day", "dayofmonth"], Part::Day),
    time_part!(["dayofweek"], Part::DayOfWeek),
    time_part!(["dayofyear", "doy"], Part::DayOfYear),
    time_part!(["hour"], Part::Hour),
    time_part!(["minute"], Part::Minute),
    time_part!(["second"], Part::Second),
    function!(["datediff", "date_diff"], "datediff(end, start)", 2..=2, |mut args| {
        let (end, start) = (args.next(), args.next());
        Ok(time::days_between(end, start))
    }),
];
