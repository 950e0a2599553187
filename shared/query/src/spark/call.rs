//! A typed expression, and the call of a kernel as a DataFusion function.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, StringArray};
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An expression and its Spark type.
///
/// The type is Arrow's twin of Spark's. A struct as a whole can only be asked whether it is NULL, so its arrays are
/// booleans: true, or NULL where the struct is.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub expr: Expr,
    pub ty: DataType,
    /// Whether it stands in the text as a literal; what is merely folded to one is typed as what it was.
    pub plain: bool,
}

impl Typed {
    pub(crate) fn value(value: ScalarValue) -> Self {
        let ty = value.data_type();
        Self { expr: Expr::Literal(value, None), ty, plain: true }
    }

    pub(crate) fn computed(expr: Expr, ty: DataType) -> Self {
        Self { expr, ty, plain: false }
    }

    pub(crate) fn null(ty: DataType) -> Self {
        let value = ScalarValue::try_from(&ty).unwrap_or(ScalarValue::Null);
        Self { expr: Expr::Literal(value, None), ty, plain: true }
    }

    pub(crate) fn literal(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// The text of a literal string.
    pub(crate) fn literal_text(&self) -> Option<&str> {
        match self.literal()? {
            ScalarValue::Utf8(Some(text)) => Some(text),
            _ => None,
        }
    }
}

/// An argument of a kernel: one value for every row, or one for all.
pub(crate) struct Arg {
    pub array: ArrayRef,
    pub scalar: bool,
}

impl Arg {
    fn at(&self, row: usize) -> usize {
        if self.scalar { 0 } else { row }
    }

    /// The values as primitives of type `T`.
    pub(crate) fn primitives<T: ArrowPrimitiveType>(&self) -> Result<Primitives<'_, T>> {
        match self.array.as_primitive_opt::<T>() {
            Some(array) => Ok(Primitives { array, arg: self }),
            None => self.mismatch(&T::DATA_TYPE),
        }
    }

    /// The values as texts.
    pub(crate) fn texts(&self) -> Result<Texts<'_>> {
        match self.array.as_string_opt::<i32>() {
            Some(array) => Ok(Texts { array, arg: self }),
            None => self.mismatch(&DataType::Utf8),
        }
    }

    fn mismatch<V>(&self, wanted: &DataType) -> Result<V> {
        internal_err!("a kernel for {wanted} met {}", self.array.data_type())
    }
}

impl Datum for Arg {
    fn get(&self) -> (&dyn Array, bool) {
        (self.array.as_ref(), self.scalar)
    }
}

/// The values of an argument, row by row.
pub(crate) struct Primitives<'a, T: ArrowPrimitiveType> {
    pub array: &'a PrimitiveArray<T>,
    arg: &'a Arg,
}

impl<T: ArrowPrimitiveType> Primitives<'_, T> {
    pub(crate) fn get(&self, row: usize) -> Option<T::Native> {
        let at = self.arg.at(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

/// The texts of an argument, row by row.
pub(crate) struct Texts<'a> {
    array: &'a StringArray,
    arg: &'a Arg,
}

impl<'a> Texts<'a> {
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        let at = self.arg.at(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

/// How many rows the arguments stand for; 1 where all are the same for every row.
pub(crate) fn rows(args: &[Arg]) -> usize {
    args.iter().find(|arg| !arg.scalar).map_or(1, |arg| arg.array.len())
}

type Kernel = dyn Fn(&[Arg]) -> Result<ArrayRef> + Send + Sync;

/// The expression that applies `kernel` to `args`; folded at once where all are literals.
///
/// The kernel answers an array of [`rows`] values of type `ty`.
pub(crate) fn call(
    name: &str,
    ty: DataType,
    args: Vec<Typed>,
    kernel: impl Fn(&[Arg]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Typed {
    let function = Function {
        name: name.to_owned(),
        ty: physical(&ty),
        signature: Signature::variadic_any(Volatility::Immutable),
        kernel: Arc::new(kernel),
    };
    if let Some(value) = function.fold(&args) {
        return Typed { expr: Expr::Literal(value, None), ty, plain: false };
    }
    let args = args.into_iter().map(|arg| arg.expr).collect();
    let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), args);
    Typed::computed(Expr::ScalarFunction(call), ty)
}

/// The type of the arrays that stand for values of `ty`.
fn physical(ty: &DataType) -> DataType {
    if ty.is_struct() { DataType::Boolean } else { ty.clone() }
}

trait IsStruct {
    fn is_struct(&self) -> bool;
}

impl IsStruct for DataType {
    fn is_struct(&self) -> bool {
        matches!(self, DataType::Struct(_))
    }
}

struct Function {
    name: String,
    ty: DataType,
    signature: Signature,
    kernel: Arc<Kernel>,
}

impl Function {
    fn fold(&self, args: &[Typed]) -> Option<ScalarValue> {
        let args = args
            .iter()
            .map(|arg| Some(Arg { array: arg.literal()?.to_array().ok()?, scalar: true }))
            .collect::<Option<Vec<_>>>()?;
        let array = (self.kernel)(&args).ok()?;
        ScalarValue::try_from_array(&array, 0).ok()
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.name, self.ty)
    }
}

// Two calls are the same if they share their kernel.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = call
            .args
            .into_iter()
            .map(|value| match value {
                ColumnarValue::Array(array) => Ok(Arg { array, scalar: false }),
                ColumnarValue::Scalar(value) => Ok(Arg { array: value.to_array()?, scalar: true }),
            })
            .collect::<Result<Vec<_>>>()?;
        let array = (self.kernel)(&args)?;
        let expected = rows(&args);
        if array.len() != expected {
            return internal_err!("{} answered {} values for {expected} rows", self.name, array.len());
        }
        if args.iter().all(|arg| arg.scalar) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// An array of `f(row)` for each row.
pub(super) fn build<T: ArrowPrimitiveType>(
    rows: usize,
    f: impl FnMut(usize) -> Option<T::Native>,
) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<PrimitiveArray<T>>()))
}

/// A boolean array of `f(row)` for each row.
pub(super) fn build_booleans(rows: usize, f: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<arrow::array::BooleanArray>()))
}

/// Bytes of one text that a condition may make; nested `replace` and `repeat` could fill the memory otherwise.
const MAX_VALUE_BYTES: usize = 1 << 20;

/// A string array of `f(row)` for each row.
pub(super) fn build_texts<S: AsRef<str>>(
    rows: usize,
    mut f: impl FnMut(usize) -> Option<S>,
) -> Result<ArrayRef> {
    let mut builder = arrow::array::StringBuilder::with_capacity(rows, rows * 8);
    let mut written = 0;
    for row in 0..rows {
        let value = f(row);
        if let Some(text) = &value {
            let length = text.as_ref().len();
            written += length;
            if length > MAX_VALUE_BYTES || written > 256 * MAX_VALUE_BYTES {
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "it makes texts longer than {MAX_VALUE_BYTES} bytes"
                )));
            }
        }
        builder.append_option(value);
    }
    Ok(Arc::new(builder.finish()))
}
