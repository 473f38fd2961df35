//! What stays in memory while one download follows another.
//!
//! The server, and if its process has grown a control: a worker in bare JavaScript that keeps as much by
//! as many statements (`e2e/bench/control/index.js`), for as many sessions, in the same runtime, looked
//! at in the same way. A look is what the inspector says after it has had everything collected
//! that can be, and then the size of the process. Without that the process only shows when V8
//! last found a collection worth its while: between two of them it grows by what nobody needs
//! any more, whatever runs in it.
//!
//! It goes in [`ROUNDS`] of the same size, and after each the server is left at rest until the platform has
//! put its objects away, and with them what a busy server holds for a while: SQLite's page caches, up to
//! 2 MB for each object, which fill at the pace of the work, and requests that wait for each other. What such
//! things take is there again in the next round, no more of it; what a session leaves for good adds up.
//! Judged is therefore the second half of the last round against the second half of the second one: the
//! first is for warming up.
//!
//! The allocator takes memory in huge pages of 2 MiB and keeps what is free, so a process shows steps where
//! there is a slope, and no leak before it is larger than what was free: JavaScript's heap and WebAssembly's
//! memory, in which all that the worker itself keeps must be, are judged much more sharply.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Bench;
use crate::process;
use crate::state::State;
use crate::workerd::Workerd;

const EVERY: Duration = Duration::from_secs(5);
/// Every so many looks are a line of the table.
const LINE: usize = 6;

/// Rounds, the first of which warms up.
const ROUNDS: u32 = 4;
/// How long the server is left alone after each; objects that nobody has asked for ten seconds are put away.
const REST: Duration = Duration::from_secs(15);
/// How many sessions must lie between what is compared. With fewer of them [`STEPS`] would hide
/// much in each.
const LEAST: f64 = 4000.0;
/// Sessions in a round at least. What is compared lies two rounds apart, but for a few looks.
const SESSIONS: u64 = 2_750;

/// How much JavaScript's heap may have grown and still count as constant, in bytes: what is in
/// it at one moment and not at another.
const HEAP: f64 = 128.0 * 1024.0;
/// The same of WebAssembly's memory, which grows by pages of 64 KiB and never shrinks.
const WASM: f64 = 128.0 * 1024.0;
/// How much more than the control's the process may have grown, in bytes for each session.
const PROCESS: f64 = 512.0;
/// And how much in any case, in bytes: a huge page of the allocator that one of the two has just taken
/// and the other not, and what V8 has of its young generation at one moment and not at another.
const STEPS: f64 = 4.0 * 1024.0 * 1024.0;

/// What is in memory at some time.
struct Look {
    round: u32,
    /// In all.
    sessions: f64,
    /// Bytes.
    heap: f64,
    wasm: f64,
    process: f64,
}

/// What a soak came to.
struct Soaked {
    /// Sessions of a round.
    each: u64,
    growth: Growth,
}

/// How much there is more at the end.
#[derive(Debug, PartialEq)]
struct Growth {
    /// Sessions between the two.
    sessions: f64,
    /// Bytes.
    heap: f64,
    wasm: f64,
    process: f64,
}

/// Soaks the server, and the control if that is needed to tell what the process has grown by; an
/// error unless the server's memory was constant.
pub(super) fn run(bench: &Bench<'_>, minutes: u64) -> Result<()> {
    println!("\nserver, {ROUNDS} rounds in {minutes} min");
    let (state, mut workerd) = bench.inspected("soak", &bench.build)?;
    let seconds = 60 * minutes / u64::from(ROUNDS);
    // The first goes by the clock, the others do as much.
    let asked = |rounds: &[u64]| match rounds {
        [] => vec![format!("seconds={seconds}"), format!("sessions={SESSIONS}")],
        [first, ..] => vec![format!("sessions={first}")],
    };
    let server = soak(bench, &state, &workerd, &asked)?;
    workerd.stop()?;
    let ours = server.growth;

    let control = if ours.each_session() > ours.limit() {
        println!("\ncontrol, as many sessions");
        let (state, mut workerd) = bench.inspected("control", &bench.place.e2e().join("bench/control"))?;
        let asked = |_: &[u64]| vec!["control=1".to_owned(), format!("sessions={}", server.each)];
        let control = soak(bench, &state, &workerd, &asked)?;
        workerd.stop()?;
        Some(control.growth)
    } else {
        None
    };

    println!("\n{:<26} {:>12} {:>12} {:>12}", "grown after warm-up", "server", "control", "may be");
    let row = |name: &str, of: &dyn Fn(&Growth) -> f64, limit: f64| {
        let control = control.as_ref().map(|control| format!("{:+.1}", of(control)));
        let control = control.as_deref().unwrap_or("-");
        println!("{name:<26} {:>+12.1} {control:>12} {limit:>+12.1}", of(&ours));
    };
    row("JavaScript's heap, kB", &|growth| growth.heap / 1024.0, HEAP / 1024.0);
    row("WebAssembly's memory, kB", &|growth| growth.wasm / 1024.0, WASM / 1024.0);
    row("process, bytes a session", &Growth::each_session, ours.limit());
    let broken = ours.broken(control.as_ref());
    if broken.is_empty() {
        println!("memory: constant over {:.0} sessions", ours.sessions);
        return Ok(());
    }
    bail!("memory is not constant: {}", broken.join("; "))
}

/// Runs what is asked in each round and looks on; a table, and what it comes to.
fn soak(
    bench: &Bench<'_>,
    state: &State,
    workerd: &Workerd,
    asked: &dyn Fn(&[u64]) -> Vec<String>,
) -> Result<Soaked> {
    println!(
        "{:>5} {:>6} {:>9} {:>10} {:>10} {:>11}",
        "round", "s", "sessions", "heap, MB", "wasm, MB", "process, MB"
    );
    let (mut rounds, mut looks) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        if round > 1 {
            thread::sleep(REST);
        }
        let mut command = bench.ask(workerd, state, "soak");
        // Profiles and eUICCs of its own.
        command.arg(format!("first={}", u64::from(round) * 1_000_000)).args(asked(&rounds));
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let before = rounds.iter().sum();
        let summary = watch(bench, (state, workerd), &mut child, (round, before), &mut looks);
        let status = child.wait()?;
        let summary = summary?;
        if !status.success() {
            bail!("the sessions: {status}; see {}", workerd.log().display());
        }
        let of = |name: &str| summary[name].as_f64().with_context(|| format!("no {name}"));
        println!(
            "{round:>5} {:.0} sessions, none failed, {:.0} a second, {:.2} ms CPU each",
            of("sessions")?,
            of("perSecond")?,
            of("cpu")? / 1e3
        );
        rounds.push(of("sessions")? as u64);
    }
    let growth = Growth::of(&looks).context("too short to be judged")?;
    let each = rounds.first().copied().context("no round")?;
    Ok(Soaked { each, growth })
}

/// Looks until the sessions of a round have ended, and what they say in the end.
fn watch(
    bench: &Bench<'_>,
    (state, workerd): (&State, &Workerd),
    child: &mut Child,
    (round, before): (u32, u64),
    looks: &mut Vec<Look>,
) -> Result<Value> {
    let said = BufReader::new(child.stdout.take().context("no output")?);
    let (sessions, summary) = (AtomicU64::new(before), Mutex::new(Value::Null));
    thread::scope(|scope| {
        let reading = scope.spawn(|| -> Result<()> {
            for line in said.lines() {
                match serde_json::from_str(&line?)? {
                    Value::Number(done) => {
                        sessions.store(before + done.as_u64().unwrap_or(0), Ordering::Relaxed)
                    }
                    other => *summary.lock().map_err(|_| anyhow::anyhow!("reading"))? = other,
                }
            }
            Ok(())
        });
        let (begun, mut count) = (Instant::now(), 0_u32);
        while !reading.is_finished() {
            let look = look(bench, state, workerd, (round, sessions.load(Ordering::Relaxed)));
            if look.is_err() {
                // Else its lines would be waited for.
                child.kill()?;
            }
            let look = look?;
            if (count as usize).is_multiple_of(LINE) {
                let mega = |bytes: f64| bytes / 1024.0 / 1024.0;
                println!(
                    "{round:>5} {:>6.0} {:>9} {:>10.2} {:>10.2} {:>11.1}",
                    begun.elapsed().as_secs_f64(),
                    look.sessions,
                    mega(look.heap),
                    mega(look.wasm),
                    mega(look.process)
                );
            }
            looks.push(look);
            count += 1;
            let next = EVERY * count;
            while begun.elapsed() < next && !reading.is_finished() {
                thread::sleep(Duration::from_millis(50));
            }
        }
        reading.join().map_err(|_| anyhow::anyhow!("reading"))??;
        Ok(std::mem::take(&mut *summary.lock().map_err(|_| anyhow::anyhow!("reading"))?))
    })
}

fn look(bench: &Bench<'_>, state: &State, workerd: &Workerd, (round, sessions): (u32, u64)) -> Result<Look> {
    let mut node = bench.kit.command("node");
    node.current_dir(&state.folder).arg(bench.place.e2e().join("bench/memory.mjs"));
    node.arg(workerd.inspector().context("no inspector")?.to_string());
    let said: Value = serde_json::from_str(&process::output(&mut node)?)?;
    let of = |name: &str| said[name].as_f64().with_context(|| format!("no {name}"));
    let status = fs::read_to_string(format!("/proc/{}/status", workerd.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
    Ok(Look {
        round,
        sessions: sessions as f64,
        heap: of("heap")?,
        wasm: of("wasm")?,
        process: resident.parse::<f64>()? * 1024.0,
    })
}

impl Growth {
    /// `None`: there were too few looks.
    fn of(looks: &[Look]) -> Option<Self> {
        let half = |round: u32| {
            let round: Vec<&Look> = looks.iter().filter(|look| look.round == round).collect();
            let middle = (round.first()?.sessions + round.last()?.sessions) / 2.0;
            let half: Vec<&Look> = round.into_iter().filter(|look| look.sessions >= middle).collect();
            (half.len() >= 2).then_some(half)
        };
        let (first, last) = (half(2)?, half(ROUNDS)?);
        let grown = |of: fn(&Look) -> f64| {
            let mean = |part: &[&Look]| part.iter().map(|look| of(look)).sum::<f64>() / part.len() as f64;
            mean(&last) - mean(&first)
        };
        let sessions = grown(|look| look.sessions);
        (sessions >= LEAST).then(|| Self {
            sessions,
            heap: grown(|look| look.heap),
            wasm: grown(|look| look.wasm),
            process: grown(|look| look.process),
        })
    }

    /// Bytes of the process.
    fn each_session(&self) -> f64 {
        self.process / self.sessions
    }

    /// How much more than the control's the process may have grown, in bytes for each session.
    fn limit(&self) -> f64 {
        PROCESS.max(STEPS / self.sessions)
    }

    /// What of it is not constant memory, in the light of the control's if there was one.
    fn broken(&self, control: Option<&Self>) -> Vec<&'static str> {
        let excused = control.map_or(0.0, |control| control.each_session().max(0.0));
        let conditions = [
            ("JavaScript's heap has grown", self.heap <= HEAP),
            ("WebAssembly's memory has grown", self.wasm <= WASM),
            ("the process has grown", self.each_session() - excused <= self.limit()),
        ];
        conditions.into_iter().filter(|(_, kept)| !kept).map(|(what, _)| what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many looks a round, at 1,000 sessions each, by what a session leaves.
    fn looks(each: u32, [heap, wasm, process]: [f64; 3]) -> Vec<Look> {
        let look = |number: u32| {
            let sessions = 1000.0 * f64::from(number + 1);
            // Caches fill in every round anew.
            let caches = 1e8 * f64::from((number % each).min(3));
            Look {
                round: number / each + 1,
                sessions,
                heap: 1.5e6 + heap * sessions,
                wasm: 2e6 + wasm * sessions,
                process: 2e8 + caches + process * sessions,
            }
        };
        (0..each * ROUNDS).map(look).collect()
    }

    fn soaked(left: [f64; 3]) -> Growth {
        Growth::of(&looks(6, left)).unwrap()
    }

    #[test]
    fn what_a_session_leaves_is_seen_after_warming_up() {
        let control = soaked([0.0, 0.0, 300.0]);
        assert_eq!(control, Growth { sessions: 12_000.0, heap: 0.0, wasm: 0.0, process: 3_600_000.0 });
        assert!(soaked([0.0, 0.0, 500.0]).broken(None).is_empty());
        assert!(!soaked([0.0, 0.0, 700.0]).broken(None).is_empty());
        assert!(soaked([0.0, 0.0, 700.0]).broken(Some(&control)).is_empty());
        assert_eq!(soaked([0.0, 0.0, 900.0]).broken(Some(&control)), ["the process has grown"]);
        assert_eq!(soaked([20.0, 0.0, 0.0]).broken(Some(&control)), ["JavaScript's heap has grown"]);
        assert_eq!(soaked([0.0, 20.0, 0.0]).broken(Some(&control)), ["WebAssembly's memory has grown"]);
    }

    /// A step or two of the allocator's say nothing, unless there are more and more of them.
    #[test]
    fn a_step_is_no_slope() {
        let grown = |sessions: f64, process: f64| Growth { sessions, heap: 0.0, wasm: 0.0, process };
        let control = grown(4000.0, 0.0);
        assert!(grown(4000.0, 4e6).broken(Some(&control)).is_empty());
        assert!(!grown(4000.0, 5e6).broken(Some(&control)).is_empty());
        assert!(grown(20_000.0, 10e6).broken(Some(&control)).is_empty());
        assert!(!grown(20_000.0, 11e6).broken(Some(&control)).is_empty());
    }

    #[test]
    fn too_few_looks_and_sessions_say_nothing() {
        let of = |count: u32, each: f64| {
            let mut looks = looks(count, [0.0; 3]);
            looks.iter_mut().for_each(|look| look.sessions *= each / 1000.0);
            Growth::of(&looks)
        };
        assert_eq!(of(0, 1000.0), None);
        assert_eq!(of(2, 2000.0), None);
        assert!(of(6, 1000.0).is_some());
        assert_eq!(of(6, 250.0), None);
        assert!(of(24, 250.0).is_some());
    }
}
