//! The fields that conditions may use, found as Spark finds them: in any case, dots reaching into structs.

use crate::error::ProblemKind;
use crate::spark::types;
use crate::suggest::nearest_field;
use crate::text::{Ident, Problem, Span};
use arrow::datatypes::{DataType, FieldRef, Fields as ArrowFields, Schema};
use job::FieldPath;

/// A field that a condition names.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub path: FieldPath,
    /// Its Spark type; a struct stays one.
    pub ty: DataType,
    /// How many of the names it took; the others reach into a map or an array of structs.
    pub taken: usize,
}

/// The fields of a job's schema.
pub(crate) struct Fields<'a> {
    schema: &'a Schema,
    paths: Vec<String>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(schema: &'a Schema) -> Self {
        let mut paths = Vec::new();
        list_paths("", schema.fields(), &mut paths);
        Self { schema, paths }
    }

    /// The field that the names lead to.
    pub(crate) fn find(&self, names: &[Ident]) -> Result<Field, Problem> {
        let mut fields = self.schema.fields();
        let mut segments = Vec::new();
        let mut found: Option<&FieldRef> = None;
        for (at, ident) in names.iter().enumerate() {
            let field = match pick(fields, ident)? {
                Some(field) => field,
                None => return Err(self.unknown(names, at)),
            };
            segments.push(field.name().clone());
            found = Some(field);
            match field.data_type() {
                DataType::Struct(inner) => fields = inner,
                _ => break,
            }
        }
        let whole = span(names);
        let Some(field) = found else {
            return Err(Problem::new(ProblemKind::Syntax, "a field has no name", whole));
        };
        match types::normal(field.data_type()) {
            Some(ty) => Ok(Field { taken: segments.len(), path: FieldPath::new(segments), ty }),
            None => {
                let what = format!("field `{}` is of a type that conditions cannot use", segments.join("."));
                Err(Problem::new(ProblemKind::Type, what, whole))
            }
        }
    }

    fn unknown(&self, names: &[Ident], at: usize) -> Problem {
        let written: Vec<&str> = names.iter().map(|ident| ident.name.as_str()).collect();
        let written = written.join(".");
        let place = names.get(at).map_or(span(names), |ident| if at == 0 { span(names) } else { ident.at });
        let suggestion = nearest_field(&written, self.paths.iter().map(String::as_str)).map(str::to_owned);
        let problem = Problem::new(ProblemKind::UnknownField, format!("unknown field `{written}`"), place);
        // What is written in the place of the last name is that name, not the whole path.
        let whole_path = Problem { at: span(names), ..problem };
        whole_path.instead(suggestion)
    }
}

fn span(names: &[Ident]) -> Span {
    match (names.first(), names.last()) {
        (Some(first), Some(last)) => first.at.to(last.at),
        _ => Span { start: 0, end: 1 },
    }
}

/// The field of that name; spelled exactly if several differ in case only.
fn pick<'f>(fields: &'f ArrowFields, ident: &Ident) -> Result<Option<&'f FieldRef>, Problem> {
    let mut alike = fields.iter().filter(|field| field.name().eq_ignore_ascii_case(&ident.name));
    let (first, second) = (alike.next(), alike.next());
    let Some(other) = second else {
        return Ok(first);
    };
    match fields.iter().find(|field| *field.name() == ident.name) {
        Some(exact) => Ok(Some(exact)),
        None => {
            let what = format!("`{}` is the name of more than one field", ident.name);
            let problem = Problem::new(ProblemKind::UnknownField, what, ident.at);
            Err(problem.instead(Some(first.unwrap_or(other).name().clone())))
        }
    }
}

/// The child of a struct type.
pub(crate) fn child<'f>(fields: &'f ArrowFields, ident: &Ident) -> Result<Option<&'f FieldRef>, Problem> {
    pick(fields, ident)
}

fn list_paths(prefix: &str, fields: &ArrowFields, paths: &mut Vec<String>) {
    for field in fields {
        let path =
            if prefix.is_empty() { field.name().clone() } else { format!("{prefix}.{}", field.name()) };
        if let DataType::Struct(inner) = field.data_type() {
            list_paths(&path, inner, paths);
        } else {
            paths.push(path);
        }
    }
}
