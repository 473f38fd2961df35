//! The three workers running on this machine, with a memory in a folder.
//!
//! One `wrangler dev` runs all three. It gets configurations of its own, made from the
//! members' `wrangler.jsonc`: absolute paths, and the secrets of this state, each only in
//! the worker it is for.
//!
//! Some of them may run in a process of their own ([`Stack::start_some`]), which can be stopped while the
//! others go on; their bindings find each other by wrangler's registry, in the state's folder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::build::WORKERS;
use crate::place::Place;
use crate::process;
use crate::setup::Kit;
use crate::state::{State, private};

/// How long the runtime may take to come up on a busy machine.
const START: Duration = Duration::from_secs(120);

/// How long it may take to stop before it is made to.
const STOP: Duration = Duration::from_secs(10);

/// Set by Ctrl-C and by a polite request to end.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// The process group of the runtime, for a person who presses Ctrl-C twice.
static GROUP: AtomicI32 = AtomicI32::new(0);

/// The running workers; they stop when this is dropped.
pub(crate) struct Stack {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Stack {
    /// Starts the workers on a port of the loopback interface and waits until all of them
    /// answer.
    pub(crate) fn start(place: &Place, kit: &Kit, state: &State, port: u16) -> Result<Self> {
        Self::start_some(place, kit, state, port, &WORKERS)
    }

    /// Starts some of the workers, and waits until those answer. The first owns the port.
    pub(crate) fn start_some(
        place: &Place,
        kit: &Kit,
        state: &State,
        port: u16,
        workers: &[&str],
    ) -> Result<Self> {
        check_port(port)?;
        end_in_order()?;
        let mut wrangler = command(place, kit, state, port, workers)?;
        let name = if workers.len() == WORKERS.len() {
            "wrangler.log".to_owned()
        } else {
            format!("{}.log", workers.join("-"))
        };
        let log = state.folder.join(name);
        let output = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        wrangler
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Its own group: Ctrl-C is for this program, which then stops all of it.
            .process_group(0);
        let child = wrangler.spawn().context("cannot start wrangler")?;
        GROUP.store(i32::try_from(child.id())?, Ordering::SeqCst);
        let mut stack = Self { child, port, log };
        stack.wait_until_healthy(workers)?;
        Ok(stack)
    }

    /// Where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the workers and their runtime say.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// An error if it has stopped by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "the runtime of the workers stopped ({status}). The end of {}:\n{}",
                self.log.display(),
                process::tail(&self.log, 30).join("\n")
            ),
        }
    }

    /// Stops it and waits until it is gone.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let group = Pid::from_raw(i32::try_from(self.child.id())?);
        killpg(group, Signal::SIGTERM)?;
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        killpg(group, Signal::SIGKILL)?;
        self.child.wait()?;
        Ok(())
    }

    fn wait_until_healthy(&mut self, workers: &[&str]) -> Result<()> {
        let agent = agent();
        let start = Instant::now();
        // The page, and what each service says of itself.
        let healths = ["/", "/operator/health", "/network/health"];
        let mut open: Vec<(&str, String)> = WORKERS
            .iter()
            .zip(healths)
            .filter(|(worker, _)| workers.contains(worker))
            .map(|(_, path)| (path, "no answer".to_owned()))
            .collect();
        while !open.is_empty() {
            self.check()?;
            if is_stopping() {
                bail!("stopped before the workers were ready");
            }
            if start.elapsed() > START {
                let open: Vec<_> = open.iter().map(|(path, said)| format!("{path}: {said}")).collect();
                bail!(
                    "not healthy after {} s: {}\nsee {}",
                    START.as_secs(),
                    open.join("; "),
                    self.log.display()
                );
            }
            open.retain_mut(|(path, said)| match agent.get(format!("{}{path}", self.url())).call() {
                Ok(response) if response.status() == 200 => false,
                Ok(mut response) => {
                    let text = response.body_mut().read_to_string().unwrap_or_default();
                    *said = format!("{} {text}", response.status());
                    true
                }
                Err(error) => {
                    *said = error.to_string();
                    true
                }
            });
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("the runtime of the workers may still run: {error}");
        }
    }
}

/// What runs some workers on a port, the first of which owns it.
pub(crate) fn command(
    place: &Place,
    kit: &Kit,
    state: &State,
    port: u16,
    workers: &[&str],
) -> Result<Command> {
    let mut wrangler = kit.command("wrangler");
    wrangler.arg("dev");
    for worker in workers {
        wrangler.arg("--config").arg(configure(place, state, worker)?);
    }
    wrangler
        .args(["--ip", "127.0.0.1", "--port", &port.to_string()])
        .args(["--inspector-port", &free_port()?.to_string()])
        .args(["--show-interactive-dev-session=false", "--persist-to"])
        .arg(state.folder.join("workers"))
        // Other copies of these workers on this machine are none of its business.
        .env("WRANGLER_REGISTRY_PATH", state.folder.join("registry"))
        .env("WRANGLER_LOG_PATH", state.folder.join("logs"))
        // Wrangler has it from Node, and hands it to the runtime.
        .envs(state.trusted.as_ref().map(|file| ("NODE_EXTRA_CA_CERTS", file)));
    Ok(wrangler)
}

/// Whether somebody asked this program to end.
pub(crate) fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// From now on Ctrl-C is a request: the runtime is stopped first. A second one is an order.
fn end_in_order() -> Result<()> {
    let asked = || {
        if STOPPING.swap(true, Ordering::SeqCst) {
            let group = GROUP.load(Ordering::SeqCst);
            if group != 0 {
                let _gone_already = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            std::process::exit(130);
        }
    };
    // Also where Ctrl-C is ignored, as of a script's program in the background: `try_set_handler` would take that
    // for a handler, and a polite request would end this program alone.
    match ctrlc::set_handler(asked) {
        // Ours, of a stack before.
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An HTTP client that hands on every answer and waits for none for ever.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

/// A port nobody listens on at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether the port can be had.
pub(crate) fn check_port(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow!(
            "port {port} cannot be had ({error}): stop what listens there, or take another with \
             `cargo xtask dev --port {}`",
            free_port().unwrap_or(8788)
        )),
    }
}

/// Writes a worker's configuration for this state and returns its path.
fn configure(place: &Place, state: &State, worker: &str) -> Result<PathBuf> {
    let folder = place.root.join(worker);
    let mut configuration = configuration(place, worker)?;
    let absolute = |path: &Value| path.as_str().map(|path| json!(folder.join(path)));
    if let Some(main) = absolute(&configuration["main"]) {
        configuration["main"] = main;
    }
    if let Some(assets) = absolute(&configuration["assets"]["directory"]) {
        configuration["assets"]["directory"] = assets;
    }
    if let Some(variables) = state.variables(worker).as_object() {
        for (name, value) in variables {
            configuration["vars"][name] = value.clone();
        }
    }
    let path = state.folder.join("wrangler").join(worker).join("wrangler.json");
    private(&path, serde_json::to_string_pretty(&configuration)?.as_bytes())?;
    Ok(path)
}

/// What a worker's `wrangler.jsonc` says.
pub(crate) fn configuration(place: &Place, worker: &str) -> Result<Value> {
    let source = place.root.join(worker).join("wrangler.jsonc");
    let text = fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
    serde_json::from_str(&plain_json(&text)).with_context(|| format!("reading {}", source.display()))
}

/// JSON with comments and trailing commas, without them.
fn plain_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(c) = rest.next() {
        match (in_string, c, rest.peek()) {
            (true, '\\', Some(_)) => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            (_, '"', _) => in_string = !in_string,
            (false, '/', Some('/')) => {
                while rest.next_if(|&c| c != '\n').is_some() {}
                continue;
            }
            (false, '/', Some('*')) => {
                let mut last = ' ';
                rest.next();
                for c in rest.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            (false, ']' | '}', _) => {
                let end = out.trim_end();
                if end.ends_with(',') {
                    out.truncate(end.len() - 1);
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_go_and_strings_stay() {
        let text = "// first\n{ \"a\": \"http://x, }\", /* b */ \"c\": [1, 2,\n], // end\n}";
        let value: Value = serde_json::from_str(&plain_json(text)).unwrap();
        assert_eq!(value, json!({ "a": "http://x, }", "c": [1, 2] }));
    }

    #[test]
    fn a_taken_port_is_named_with_a_way_out() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let said = check_port(port).unwrap_err().to_string();
        assert!(said.contains(&port.to_string()) && said.contains("--port"), "{said}");
    }
}
