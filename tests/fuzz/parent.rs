//! Runs each target in a child, and goes on behind an input that ended it.

use crate::{
    arguments::Arguments,
    child::{current_file, reason_file},
    tally::{self, Tally},
    targets::Which,
};
use clap::ValueEnum;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

/// So many ends of a child, and the target is given up.
const ENDS: usize = 20;

/// Whether nothing was found.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let targets = match &arguments.target[..] {
        [] => Which::value_variants(),
        chosen => chosen,
    };
    let mut tallies = Vec::new();
    for target in targets {
        tallies.push(run_target(arguments, *target)?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&tallies).map_err(|error| error.to_string())?);
    } else {
        tally::print(&tallies);
    }
    Ok(tallies.iter().all(|tally| tally.findings.is_empty()))
}

fn run_target(arguments: &Arguments, target: Which) -> Result<Tally, String> {
    let mut tally = Tally::new(target);
    let mut first = 0;
    for _ in 0..ENDS {
        let begun = tally.tried;
        let ended_well = run_child(arguments, target, first, &mut tally)?;
        if ended_well {
            return Ok(tally);
        }
        let Some((number, input)) = current(arguments, target) else {
            return Err(format!("the child of {} ended before its first input", target.name()));
        };
        let reason = std::fs::read_to_string(reason_file(arguments, target))
            .unwrap_or_else(|_| "ended the process: an overflow of the stack, or a signal".into());
        let kept = arguments.findings.join(format!("{}-{number}", target.name()));
        std::fs::write(&kept, input).map_err(|error| error.to_string())?;
        tally.findings.push(format!("{} {reason}", kept.display()));
        tally.tried = begun + (number + 1 - first);
        first = number + 1;
    }
    Ok(tally)
}

fn run_child(arguments: &Arguments, target: Which, first: u64, tally: &mut Tally) -> Result<bool, String> {
    let _ = std::fs::remove_file(reason_file(arguments, target));
    let _ = std::fs::remove_file(current_file(arguments, target));
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["--child", target.name(), "--first", &first.to_string()]);
    command.args(["--inputs", &arguments.inputs.to_string(), "--seed", &arguments.seed.to_string()]);
    command.arg("--seconds").arg(arguments.seconds.to_string());
    command.arg("--findings").arg(&arguments.findings);
    if arguments.tell {
        command.arg("--tell");
    }
    if let Some(number) = arguments.keep {
        command.arg("--keep").arg(number.to_string());
    }
    if let Some(file) = &arguments.file {
        command.arg("--file").arg(file);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    if let Some(lines) = child.stdout.take() {
        // Each line holds what came since the one before.
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            if let Ok(part) = serde_json::from_str::<Tally>(&line) {
                tally.add(part);
            }
        }
    }
    Ok(child.wait().map_err(|error| error.to_string())?.success())
}

/// The input that the child was at.
fn current(arguments: &Arguments, target: Which) -> Option<(u64, Vec<u8>)> {
    let bytes = std::fs::read(current_file(arguments, target)).ok()?;
    let (head, rest) = bytes.split_at_checked(16)?;
    let (number, length) = head.split_at(8);
    let number = u64::from_le_bytes(number.try_into().ok()?);
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    Some((number, rest.get(..length)?.to_vec()))
}
