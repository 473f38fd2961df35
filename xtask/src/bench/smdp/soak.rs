//! What stays in memory while one download follows another.
//!
//! The server, and if its process has grown a control: a worker in bare JavaScript that keeps as much by
//! as many statements (`e2e/bench/control/index.js`), for as many sessions, in the same runtime, looked
//! at in the same way. A look is what the inspector says after it has had everything collected
//! that can be, and then the size of the process. Without that the process only shows when V8
//! last found a collection worth its while: between two of them it grows by what nobody needs
//! any more, whatever runs in it.
//!
//! Judged is what comes after warming up: a third of the sessions and [`WARM`] at least. The mean of its
//! first third against that of its last, if there is enough between them ([`LEAST`]).
//!
//! What the process grows by until then is SQLite's page caches, 2 MB for each object that keeps
//! profiles. SQLite counts its memory itself (`sqlite3_memory_used`), and in server and control
//! alike that came to a stop after 3,500 sessions, at 16 caches that are full; what the allocator had handed out
//! beside it stayed as it was. The allocator takes memory in huge pages of 2 MiB and keeps what is free, so
//! a process shows steps where there is a slope, and no leak before it is larger than what was free:
//! JavaScript's heap and WebAssembly's memory, in which all that the worker itself keeps must be, are judged
//! much more sharply.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
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

/// Sessions after which the caches are full.
const WARM: f64 = 4000.0;

/// How many sessions must lie between what is compared. With fewer of them [`STEPS`] would hide
/// much in each.
const LEAST: f64 = 4000.0;
/// Sessions that come to [`LEAST`] with certainty, whenever they were looked at: two thirds of what is
/// after warming up, but for a few looks.
const SESSIONS: u64 = 11_000;

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
    sessions: f64,
    /// Bytes.
    heap: f64,
    wasm: f64,
    process: f64,
}

/// What a soak came to.
struct Soaked {
    sessions: u64,
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
    println!("\nserver, {minutes} min");
    let (state, mut workerd) = bench.inspected("soak", &bench.build)?;
    let mut asked = bench.ask(&workerd, &state, "soak");
    asked.arg(format!("seconds={}", 60 * minutes)).arg(format!("sessions={SESSIONS}"));
    let server = soak(bench, &state, &workerd, &mut asked)?;
    workerd.stop()?;
    let ours = server.growth;

    let control = if ours.each_session() > ours.limit() {
        println!("\ncontrol, as many sessions");
        let (state, mut workerd) = bench.inspected("control", &bench.place.e2e().join("bench/control"))?;
        let mut asked = bench.ask(&workerd, &state, "soak");
        asked.arg("control=1").arg(format!("sessions={}", server.sessions));
        let control = soak(bench, &state, &workerd, &mut asked)?;
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

/// Runs what is asked and looks on; a table, and what it comes to.
fn soak(bench: &Bench<'_>, state: &State, workerd: &Workerd, asked: &mut Command) -> Result<Soaked> {
    println!("$ {}", process::shown(asked));
    let mut child = asked.stdout(Stdio::piped()).spawn()?;
    let looks = looks(bench, state, workerd, &mut child);
    let status = child.wait()?;
    let (looks, summary) = looks?;
    if !status.success() {
        bail!("the sessions: {status}; see {}", workerd.log().display());
    }
    let of = |name: &str| summary[name].as_f64().with_context(|| format!("no {name}"));
    println!(
        "{:.0} sessions, none failed, {:.0} a second, {:.2} ms CPU each",
        of("sessions")?,
        of("perSecond")?,
        of("cpu")? / 1e3
    );
    let growth = Growth::of(&looks).context("too short to be judged")?;
    Ok(Soaked { sessions: of("sessions")? as u64, growth })
}

fn looks(
    bench: &Bench<'_>,
    state: &State,
    workerd: &Workerd,
    child: &mut Child,
) -> Result<(Vec<Look>, Value)> {
    let said = BufReader::new(child.stdout.take().context("no output")?);
    let (sessions, summary) = (AtomicU64::new(0), Mutex::new(Value::Null));
    println!("{:>6} {:>9} {:>10} {:>10} {:>11}", "s", "sessions", "heap, MB", "wasm, MB", "process, MB");
    thread::scope(|scope| {
        let reading = scope.spawn(|| -> Result<()> {
            for line in said.lines() {
                match serde_json::from_str(&line?)? {
                    Value::Number(done) => sessions.store(done.as_u64().unwrap_or(0), Ordering::Relaxed),
                    other => *summary.lock().map_err(|_| anyhow::anyhow!("reading"))? = other,
                }
            }
            Ok(())
        });
        let (begun, mut looks) = (Instant::now(), Vec::new());
        while !reading.is_finished() {
            let look = look(bench, state, workerd, sessions.load(Ordering::Relaxed));
            if look.is_err() {
                // Else its lines would be waited for.
                child.kill()?;
            }
            let look = look?;
            if looks.len() % LINE == 0 {
                let mega = |bytes: f64| bytes / 1024.0 / 1024.0;
                println!(
                    "{:>6.0} {:>9} {:>10.2} {:>10.2} {:>11.1}",
                    begun.elapsed().as_secs_f64(),
                    look.sessions,
                    mega(look.heap),
                    mega(look.wasm),
                    mega(look.process)
                );
            }
            looks.push(look);
            let next = EVERY * u32::try_from(looks.len())?;
            while begun.elapsed() < next && !reading.is_finished() {
                thread::sleep(Duration::from_millis(50));
            }
        }
        reading.join().map_err(|_| anyhow::anyhow!("reading"))??;
        let summary = std::mem::take(&mut *summary.lock().map_err(|_| anyhow::anyhow!("reading"))?);
        Ok((looks, summary))
    })
}

fn look(bench: &Bench<'_>, state: &State, workerd: &Workerd, sessions: u64) -> Result<Look> {
    let mut node = bench.kit.command("node");
    node.current_dir(&state.folder).arg(bench.place.e2e().join("bench/memory.mjs"));
    node.arg(workerd.inspector().context("no inspector")?.to_string());
    let said: Value = serde_json::from_str(&process::output(&mut node)?)?;
    let of = |name: &str| said[name].as_f64().with_context(|| format!("no {name}"));
    let status = fs::read_to_string(format!("/proc/{}/status", workerd.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
    Ok(Look {
        sessions: sessions as f64,
        heap: of("heap")?,
        wasm: of("wasm")?,
        process: resident.parse::<f64>()? * 1024.0,
    })
}

impl Growth {
    /// `None`: there were too few looks.
    fn of(looks: &[Look]) -> Option<Self> {
        let all = looks.last()?.sessions;
        let is_warm = |look: &Look| look.sessions >= WARM.max(all / 3.0);
        let warm = looks.get(looks.iter().position(is_warm)?..)?;
        let third = warm.len() / 3;
        let (first, last) = (warm.get(..third)?, warm.get(warm.len() - third..)?);
        let grown = |of: fn(&Look) -> f64| {
            let mean = |part: &[Look]| part.iter().map(of).sum::<f64>() / part.len() as f64;
            mean(last) - mean(first)
        };
        let sessions = grown(|look| look.sessions);
        (third >= 2 && sessions >= LEAST).then(|| Self {
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

    /// Looks at 2,000 sessions each, by what a session leaves.
    fn looks(count: u32, [heap, wasm, process]: [f64; 3]) -> Vec<Look> {
        let look = |at: u32| {
            let sessions = 2000.0 * f64::from(at);
            // Caches fill in the first quarter.
            let caches = 1e8 * f64::from(at.min(3));
            Look {
                sessions,
                heap: 1.5e6 + heap * sessions,
                wasm: 2e6 + wasm * sessions,
                process: 2e8 + caches + process * sessions,
            }
        };
        (1..=count).map(look).collect()
    }

    fn soaked(left: [f64; 3]) -> Growth {
        Growth::of(&looks(12, left)).unwrap()
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
            looks.iter_mut().for_each(|look| look.sessions *= each / 2000.0);
            Growth::of(&looks)
        };
        assert_eq!(of(0, 2000.0), None);
        assert_eq!(of(5, 2000.0), None);
        assert!(of(12, 2000.0).is_some());
        assert_eq!(of(12, 500.0), None);
        assert!(of(24, 500.0).is_some());
    }
}
