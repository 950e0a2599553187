//! Calls of functions.

use super::{Checked, Checker};
use crate::error::ProblemKind;
use crate::spark::functions::{self, Arguments, Function};
use crate::spark::types;
use crate::suggest::nearest;
use crate::text::{Ast, Ident, Problem, Span};
use arrow::datatypes::DataType;

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &Ident, args: &[Ast], at: Span) -> Checked {
        let Some(function) = functions::find(&name.name) else {
            return Err(unknown(name));
        };
        if !function.arity.contains(&args.len()) {
            let what = format!("`{}` takes {}: {}", name.name, counted(function), function.usage);
            return Err(Problem::new(ProblemKind::Type, what, at));
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.expression(arg)?;
            if function.of_time {
                self.refuse_moving(&value, &DataType::Date32, arg.at)?;
            }
            values.push(value);
        }
        let types: Vec<String> = values.iter().map(|value| types::name(&value.ty)).collect();
        match (function.build)(Arguments::new(values)) {
            Ok(Some(typed)) => Ok(typed),
            Ok(None) => {
                let what = format!("`{}` does not take {}: {}", name.name, types.join(", "), function.usage);
                Err(self.mismatch(what, at))
            }
            Err(reason) => Err(self.mismatch(format!("`{}`: {reason}", name.name), at)),
        }
    }
}

fn unknown(name: &Ident) -> Problem {
    if let Some(reason) = functions::refusal(&name.name) {
        return Problem::new(ProblemKind::Refused, format!("`{}` {reason}", name.name), name.at);
    }
    let suggestion = nearest(&name.name, functions::names()).map(str::to_owned);
    Problem::new(ProblemKind::UnknownFunction, format!("unknown function `{}`", name.name), name.at)
        .instead(suggestion)
}

fn counted(function: &Function) -> String {
    let (least, most) = (*function.arity.start(), *function.arity.end());
    let noun = |count: usize| if count == 1 { "argument" } else { "arguments" };
    match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (least, most) if least == most => format!("{least} {}", noun(least)),
        (least, usize::MAX) => format!("at least {least} {}", noun(least)),
        (least, most) => format!("{least} to {most} arguments"),
    }
}
