//! Arrays and maps.

use super::call::{Arg, Typed, build, build_booleans, call};
use super::cast::{cast, cast_array};
use super::compare::{Comparison, compare_arrays, spread_array};
use super::types;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, ListArray, MapArray, PrimitiveArray,
    UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::kernels::{boolean, nullif};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, internal_err};
use std::sync::Arc;

/// The element type of an array type.
pub(crate) fn element(ty: &DataType) -> Option<&DataType> {
    match ty {
        DataType::List(item) => Some(item.data_type()),
        _ => None,
    }
}

/// The key and value types of a map type.
pub(crate) fn entries(ty: &DataType) -> Option<(DataType, DataType)> {
    let DataType::Map(entries, _) = ty else { return None };
    let DataType::Struct(fields) = entries.data_type() else { return None };
    match fields.iter().as_slice() {
        [key, value] => Some((types::normal(key.data_type())?, types::normal(value.data_type())?)),
        _ => None,
    }
}

/// An array as the type that Spark has for it; the batches may hold views or other offsets.
pub(crate) fn normalised(array: &ArrayRef) -> Result<ArrayRef> {
    match types::normal(array.data_type()) {
        Some(ty) if ty != *array.data_type() => Ok(arrow::compute::cast(array, &ty)?),
        _ => Ok(array.clone()),
    }
}

/// Where each row's elements lie, and all elements.
struct Lists<'a> {
    offsets: &'a [i32],
    values: &'a ArrayRef,
    nulls: Option<&'a NullBuffer>,
    scalar: bool,
}

impl<'a> Lists<'a> {
    fn of(arg: &'a Arg) -> Result<Self> {
        if let Some(list) = arg.array.as_list_opt::<i32>() {
            let (offsets, values, nulls) = (list.value_offsets(), list.values(), list.nulls());
            return Ok(Self { offsets, values, nulls, scalar: arg.scalar });
        }
        if let Some(map) = arg.array.as_map_opt() {
            let (offsets, values, nulls) = (map.value_offsets(), map.keys(), map.nulls());
            return Ok(Self { offsets, values, nulls, scalar: arg.scalar });
        }
        internal_err!("no array or map: {}", arg.array.data_type())
    }

    fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let row = if self.scalar { 0 } else { row };
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let (start, end) = (*self.offsets.get(row)?, *self.offsets.get(row + 1)?);
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// The number of elements; −1 for NULL.
pub(super) fn size(value: Typed) -> Option<Typed> {
    match value.ty {
        DataType::List(_) | DataType::Map(..) => {}
        DataType::Null => return Some(Typed::value(datafusion_common::ScalarValue::Int32(Some(-1)))),
        _ => return None,
    }
    Some(call("size", DataType::Int32, vec![value], |args| match args {
        [arg] => {
            let lists = Lists::of(arg)?;
            build::<Int32Type>(arg.array.len(), |row| {
                Some(lists.range(row).map_or(-1, |range| i32::try_from(range.len()).unwrap_or(i32::MAX)))
            })
        }
        _ => internal_err!("size takes one value"),
    }))
}

/// `array(...)`.
pub(super) fn array(items: Vec<Typed>) -> Option<Typed> {
    let types: Vec<&DataType> = items.iter().map(|item| &item.ty).collect();
    let ty = types::common(&types)?;
    if !types::is_atomic(&ty) && ty != DataType::Null {
        return None;
    }
    let ty = if ty == DataType::Null { DataType::Boolean } else { ty };
    if items.is_empty() {
        return Some(Typed::value(datafusion_common::ScalarValue::List(Arc::new(empty_list(&ty)))));
    }
    let width = items.len();
    let items = items.into_iter().map(|item| cast(item, &ty)).collect();
    Some(call("array", types::list(ty.clone()), items, move |args| {
        let rows = super::rows(args);
        let columns = args.iter().map(|arg| spread_array(arg, rows)).collect::<Result<Vec<_>>>()?;
        let columns: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
        let order: Vec<(usize, usize)> =
            (0..rows).flat_map(|row| (0..width).map(move |column| (column, row))).collect();
        let values = arrow::compute::interleave(&columns, &order)?;
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(width, rows));
        let field = Arc::new(Field::new_list_field(ty.clone(), true));
        Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?))
    }))
}

fn empty_list(element: &DataType) -> ListArray {
    let field = Arc::new(Field::new_list_field(element.clone(), true));
    let values = arrow::array::new_empty_array(element);
    ListArray::new(field, OffsetBuffer::from_lengths([0]), values, None)
}

/// `array_contains(array, value)`: NULL if it is not there but a NULL is.
pub(super) fn contains(list: Typed, value: Typed) -> Option<Typed> {
    let item = element(&list.ty)?.clone();
    if value.ty == DataType::Null {
        return None;
    }
    let ty = types::wider_number(&item, &value.ty).filter(types::is_atomic)?;
    let (list, value) = (cast(list, &types::list(ty.clone())), cast(value, &ty));
    Some(call("array_contains", DataType::Boolean, vec![list, value], |args| {
        let [list, value] = args else { return internal_err!("array_contains takes two values") };
        let rows = super::rows(args);
        let lists = Lists::of(list)?;
        let (equal, owners) = elements_equal(&lists, value, rows)?;
        let mut found = vec![false; rows];
        let mut has_null = vec![false; rows];
        for (at, owner) in owners.into_iter().enumerate() {
            let flags = if equal.is_null(at) { &mut has_null } else { &mut found };
            if let Some(flag) = flags.get_mut(owner) {
                *flag |= equal.is_null(at) || equal.value(at);
            }
        }
        let values = value;
        build_booleans(rows, |row| {
            lists.range(row)?;
            let value_row = if values.scalar { 0 } else { row };
            if values.array.is_null(value_row) {
                return None;
            }
            let found = *found.get(row)?;
            (found || !*has_null.get(row)?).then_some(found)
        })
    }))
}

/// Compares each element of each row with the row's value; answers also each element's row.
fn elements_equal(lists: &Lists<'_>, value: &Arg, rows: usize) -> Result<(BooleanArray, Vec<usize>)> {
    let mut at = Vec::new();
    let mut owners = Vec::new();
    for row in 0..rows {
        for position in lists.range(row).into_iter().flatten() {
            at.push(u32::try_from(position).unwrap_or(u32::MAX));
            owners.push(row);
        }
    }
    let elements = arrow::compute::take(lists.values, &UInt32Array::from(at), None)?;
    let elements = Arg { array: elements, scalar: false };
    let value = if value.scalar {
        Arg { array: value.array.clone(), scalar: true }
    } else {
        let owners = owners.iter().map(|row| u32::try_from(*row).unwrap_or(u32::MAX));
        let spread = arrow::compute::take(&value.array, &UInt32Array::from_iter_values(owners), None)?;
        Arg { array: spread, scalar: false }
    };
    Ok((compare_arrays(Comparison::Equal, &elements, &value)?, owners))
}

/// The element at a position: from 0 (`a[0]`), or from 1 and negative from the end (`element_at`). NULL beyond the ends.
pub(crate) fn item(list: Typed, position: Typed, from_one: bool) -> Option<Typed> {
    let ty = element(&list.ty)?.clone();
    if !types::is_integer(&position.ty) {
        return None;
    }
    let position = cast(position, &DataType::Int64);
    Some(call("element_at", ty, vec![list, position], move |args| {
        let [list, position] = args else { return internal_err!("element_at takes two values") };
        let lists = Lists::of(list)?;
        let positions = position.primitives::<Int64Type>()?;
        let at: UInt32Array = (0..super::rows(args))
            .map(|row| {
                let (range, position) = (lists.range(row)?, positions.get(row)?);
                let count = i64::try_from(range.len()).ok()?;
                let position = match (from_one, position) {
                    (false, position) => position,
                    (true, 1..) => position - 1,
                    (true, 0) => return None,
                    (true, _) => count.checked_add(position)?,
                };
                (0..count).contains(&position).then_some(())?;
                u32::try_from(range.start + usize::try_from(position).ok()?).ok()
            })
            .collect();
        leaf(&arrow::compute::take(lists.values, &at, None)?)
    }))
}

/// Values as they go on: structs become flags that are NULL where the struct is.
fn leaf(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Struct(_) => Ok(presence(array)),
        _ => normalised(array),
    }
}

/// True where there is a value, NULL where there is none.
pub(crate) fn presence(array: &ArrayRef) -> ArrayRef {
    let present = arrow::buffer::BooleanBuffer::new_set(array.len());
    Arc::new(BooleanArray::new(present, array.logical_nulls()))
}

/// The value under a key; NULL if the key is not there.
pub(crate) fn map_value(map: Typed, key: Typed) -> Option<Typed> {
    let (key_ty, value_ty) = entries(&map.ty)?;
    if !types::is_implicit(&key.ty, &key_ty) || !types::is_atomic(&value_ty) {
        return None;
    }
    let key = cast(key, &key_ty);
    Some(call("map_value", value_ty, vec![map, key], |args| {
        let [map, key] = args else { return internal_err!("a map takes one key") };
        let Some(entries) = map.array.as_map_opt() else {
            return internal_err!("no map: {}", map.array.data_type());
        };
        let at = find_keys(map, entries, key, super::rows(args))?;
        leaf(&arrow::compute::take(entries.values(), &at, None)?)
    }))
}

/// Where each row's key is among all entries.
fn find_keys(map: &Arg, entries: &MapArray, key: &Arg, rows: usize) -> Result<UInt32Array> {
    let keys = normalised(entries.keys())?;
    let lists =
        Lists { offsets: entries.value_offsets(), values: &keys, nulls: entries.nulls(), scalar: map.scalar };
    let (equal, owners) = elements_equal(&lists, key, rows)?;
    let mut found: Vec<Option<u32>> = vec![None; rows];
    let mut element = 0;
    for row in 0..rows {
        for position in lists.range(row).into_iter().flatten() {
            if equal.is_valid(element)
                && equal.value(element)
                && let Some(slot) = owners.get(element).and_then(|owner| found.get_mut(*owner))
                && slot.is_none()
            {
                *slot = u32::try_from(position).ok();
            }
            element += 1;
        }
    }
    Ok(UInt32Array::from(found))
}

/// `map_contains_key(map, key)`.
pub(super) fn has_key(map: Typed, key: Typed) -> Option<Typed> {
    let (key_ty, _) = entries(&map.ty)?;
    if types::common_without_strings(&[&key_ty, &key.ty])? != key_ty || key.ty == DataType::Null {
        return None;
    }
    let key = cast(key, &key_ty);
    Some(call("map_contains_key", DataType::Boolean, vec![map, key], |args| {
        let [map, key] = args else { return internal_err!("a map takes one key") };
        let Some(entries) = map.array.as_map_opt() else {
            return internal_err!("no map: {}", map.array.data_type());
        };
        let rows = super::rows(args);
        let found = boolean::is_not_null(&find_keys(map, entries, key, rows)?)?;
        let (maps, keys) = (spread_array(map, rows)?, spread_array(key, rows)?);
        let missing = boolean::or(&boolean::is_null(&maps)?, &boolean::is_null(&keys)?)?;
        Ok(nullif::nullif(&found, &missing)?)
    }))
}

/// `map_keys` or `map_values` as an array.
pub(super) fn map_side(map: Typed, keys: bool) -> Option<Typed> {
    let (key_ty, value_ty) = entries(&map.ty)?;
    let ty = if keys { key_ty } else { value_ty };
    if !types::is_atomic(&ty) {
        return None;
    }
    let name = if keys { "map_keys" } else { "map_values" };
    Some(call(name, types::list(ty.clone()), vec![map], move |args| {
        let Some(map) = args.first().and_then(|arg| arg.array.as_map_opt()) else {
            return internal_err!("no map");
        };
        let side = normalised(if keys { map.keys() } else { map.values() })?;
        let side = cast_array(&side, &ty)?;
        let field = Arc::new(Field::new_list_field(ty.clone(), true));
        Ok(Arc::new(ListArray::try_new(field, map.offsets().clone(), side, map.nulls().cloned())?))
    }))
}

/// The field of every struct of a list of structs: `prv_candidates.magpsf` is an array of magnitudes.
pub(crate) fn field_of_each(list: Typed, name: &str, ty: DataType) -> Typed {
    let field = name.to_owned();
    let item = Arc::new(Field::new_list_field(ty.clone(), true));
    call(&format!("each.{name}"), types::list(ty), vec![list], move |args| {
        let Some(list) = args.first().and_then(|arg| arg.array.as_list_opt::<i32>()) else {
            return internal_err!("no list of structs");
        };
        let Some(structs) = list.values().as_struct_opt() else {
            return internal_err!("no list of structs: {}", list.data_type());
        };
        let Some(column) = structs.column_by_name(&field) else {
            return internal_err!("the structs lack `{field}`");
        };
        let column = leaf(column)?;
        let column = match structs.nulls() {
            Some(nulls) if nulls.null_count() > 0 => {
                nullif::nullif(&column, &BooleanArray::new(!nulls.inner(), None))?
            }
            _ => column,
        };
        Ok(Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), column, list.nulls().cloned())?))
    })
}

/// A number in Spark's order: NaN is above all others, and both zeros are the same.
trait Ordered: Copy {
    fn is_above(self, other: Self) -> bool;
}

macro_rules! ordered {
    (whole: $($whole:ty),+; float: $($float:ty),+) => {
        $(impl Ordered for $whole {
            fn is_above(self, other: Self) -> bool {
                self > other
            }
        })+
        $(impl Ordered for $float {
            fn is_above(self, other: Self) -> bool {
                if self.is_nan() { !other.is_nan() } else { self > other }
            }
        })+
    };
}
ordered!(whole: i8, i16, i32, i64, i128; float: f32, f64);

/// The greatest (or least) element of each list of numbers, in one pass; none where they are no numbers.
fn extreme_number(greatest: bool, lists: &Lists<'_>, rows: usize) -> Option<ArrayRef> {
    fn of<T: ArrowPrimitiveType<Native: Ordered>>(
        greatest: bool,
        lists: &Lists<'_>,
        rows: usize,
    ) -> ArrayRef {
        let values = lists.values.as_primitive::<T>();
        let best = |row: usize| {
            let valid = lists.range(row)?.filter(|at| values.is_valid(*at)).map(|at| values.value(at));
            valid.reduce(|best, next| {
                let wins = if greatest { next.is_above(best) } else { best.is_above(next) };
                if wins { next } else { best }
            })
        };
        let best: PrimitiveArray<T> = (0..rows).map(best).collect();
        Arc::new(best.with_data_type(values.data_type().clone()))
    }
    Some(match lists.values.data_type() {
        DataType::Int8 => of::<Int8Type>(greatest, lists, rows),
        DataType::Int16 => of::<Int16Type>(greatest, lists, rows),
        DataType::Int32 => of::<Int32Type>(greatest, lists, rows),
        DataType::Int64 => of::<Int64Type>(greatest, lists, rows),
        DataType::Float32 => of::<Float32Type>(greatest, lists, rows),
        DataType::Float64 => of::<Float64Type>(greatest, lists, rows),
        DataType::Decimal128(..) => of::<Decimal128Type>(greatest, lists, rows),
        _ => return None,
    })
}

/// The greatest (or least) element; NULLs are skipped.
pub(super) fn extreme_item(greatest: bool, list: Typed) -> Option<Typed> {
    let ty = element(&list.ty).filter(|ty| types::is_atomic(ty))?.clone();
    let name = if greatest { "array_max" } else { "array_min" };
    let op = if greatest { Comparison::Greater } else { Comparison::Less };
    Some(call(name, ty, vec![list], move |args| {
        let Some(arg) = args.first() else { return internal_err!("one array") };
        let lists = Lists::of(arg)?;
        let rows = arg.array.len();
        if let Some(best) = extreme_number(greatest, &lists, rows) {
            return Ok(best);
        }
        let longest =
            (0..rows).filter_map(|row| lists.range(row)).map(|range| range.len()).max().unwrap_or(0);
        let nth = |position: usize| {
            let at: UInt32Array = (0..rows)
                .map(|row| lists.range(row)?.nth(position).and_then(|at| u32::try_from(at).ok()))
                .collect();
            arrow::compute::take(lists.values, &at, None)
        };
        let mut best = nth(0)?;
        for position in 1..longest {
            let next = Arg { array: nth(position)?, scalar: false };
            let so_far = Arg { array: best, scalar: false };
            let wins = compare_arrays(op, &next, &so_far)?;
            let takes: BooleanArray = (0..rows)
                .map(|row| {
                    let better = wins.is_valid(row) && wins.value(row);
                    Some(next.array.is_valid(row) && (so_far.array.is_null(row) || better))
                })
                .collect();
            best = arrow::compute::kernels::zip::zip(&takes, &next.array, &so_far.array)?;
        }
        Ok(best)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float32Array, Int32Array};

    /// `array_max` and `array_min` of Spark: NULLs are skipped, NaN is above all, nothing has neither.
    #[test]
    fn the_extreme_number_of_a_list_is_sparks() {
        let list = |offsets: &[i32], values: ArrayRef| {
            let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
            let offsets = OffsetBuffer::new(offsets.to_vec().into());
            Arg { array: Arc::new(ListArray::new(field, offsets, values, None)), scalar: false }
        };
        let floats = Float32Array::from(vec![Some(1.0), None, Some(3.0), Some(2.0), Some(f32::NAN), None]);
        let floats = list(&[0, 3, 5, 5, 6], Arc::new(floats));
        let of = |arg: &Arg, greatest| extreme_number(greatest, &Lists::of(arg).unwrap(), 4).unwrap();
        let told = |array: ArrayRef| {
            array
                .as_primitive::<Float32Type>()
                .iter()
                .map(|value| value.map(|value| value.to_string()))
                .collect()
        };
        let greatest: Vec<Option<String>> = told(of(&floats, true));
        let least: Vec<Option<String>> = told(of(&floats, false));
        assert_eq!(greatest, [Some("3".into()), Some("NaN".into()), None, None]);
        assert_eq!(least, [Some("1".into()), Some("2".into()), None, None]);
        let whole = list(&[0, 1, 2, 3, 5], Arc::new(Int32Array::from(vec![7, -7, 0, i32::MIN, i32::MAX])));
        assert_eq!(of(&whole, true).as_primitive::<Int32Type>().values(), &[7, -7, 0, i32::MAX]);
        assert_eq!(of(&whole, false).as_primitive::<Int32Type>().values(), &[7, -7, 0, i32::MIN]);
    }
}
