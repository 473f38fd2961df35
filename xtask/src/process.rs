//! Running other programs: shown to the person, or kept in a log and shown when they fail.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How many lines of a log are shown when its program fails.
const TAIL: usize = 40;

/// How often a quiet program's last line is shown.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// A command line as a person would type it, without its environment.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a command in the open: its output is the person's.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("$ {line}");
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command.stderr(Stdio::piped()).output().with_context(|| cannot_start(command))?;
    if !out.status.success() {
        bail!(
            "`{}` failed ({}):\n{}",
            shown(command),
            out.status,
            String::from_utf8_lossy(&out.stderr).trim_end()
        );
    }
    String::from_utf8(out.stdout).with_context(|| format!("output of `{}`", shown(command)))
}

/// Runs a command into a log file, with a sign of life now and then; on failure the error
/// carries the end of the log.
pub(crate) fn logged(step: &str, log: &Path, command: &mut Command) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::create(log).with_context(|| format!("writing {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| cannot_start(command))?;
    let start = Instant::now();
    let mut shown_at = start;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if shown_at.elapsed() >= SIGN_OF_LIFE {
            shown_at = Instant::now();
            let last = tail(log, 1).pop().unwrap_or_default();
            println!("  {step}: {} s … {}", start.elapsed().as_secs(), shorten(last.trim()));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        bail!(
            "{step}: `{}` failed ({status}). The end of {}:\n{}",
            shown(command),
            log.display(),
            tail(log, TAIL).join("\n")
        );
    }
    Ok(())
}

/// The last lines of a text file; nothing if there is no such file.
pub(crate) fn tail(path: &Path, lines: usize) -> Vec<String> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut last = std::collections::VecDeque::with_capacity(lines);
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        if last.len() == lines {
            last.pop_front();
        }
        last.push_back(String::from_utf8_lossy(&line).into_owned());
    }
    last.into()
}

/// The first program of that name on the PATH.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Time since a moment, for a person.
pub(crate) fn since(start: Instant) -> String {
    let elapsed = start.elapsed();
    match elapsed.as_secs() {
        0..10 => format!("{:.1} s", elapsed.as_secs_f32()),
        seconds @ 10..100 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

fn shorten(line: &str) -> String {
    line.chars().take(90).collect()
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().to_string_lossy())
}
