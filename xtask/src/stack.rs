//! The three workers running on this machine, with a memory in a folder.
//!
//! One `wrangler dev` runs all three. It gets configurations of its own, made from the
//! members' `wrangler.jsonc`: absolute paths, and the secrets of this state, each only in
//! the worker it is for.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::build::WORKERS;
use crate::place::Place;
use crate::process;
use crate::setup::Kit;

/// How long the runtime may take to come up on a busy machine.
const START: Duration = Duration::from_secs(120);

/// How long it may take to stop before it is made to.
const STOP: Duration = Duration::from_secs(10);

/// Where it runs and what it remembers.
pub(crate) struct Options {
    /// On the loopback interface.
    pub(crate) port: u16,
    /// The folder of everything that is kept.
    pub(crate) state: PathBuf,
}

/// The running workers; they stop when this is dropped.
pub(crate) struct Stack {
    child: Child,
    port: u16,
    operator_token: String,
    log: PathBuf,
    /// Held while the state is in use.
    _lock: File,
}

impl Stack {
    /// Starts the workers and waits until all of them answer.
    pub(crate) fn start(place: &Place, kit: &Kit, options: &Options) -> Result<Self> {
        let Options { port, state } = options;
        fs::create_dir_all(state).with_context(|| format!("making {}", state.display()))?;
        let state = &state.canonicalize()?;
        let lock = lock(state)?;
        check_port(*port)?;
        let operator_token = operator_token(state)?;
        let mut wrangler = kit.command("wrangler");
        wrangler.arg("dev");
        for worker in WORKERS {
            wrangler.arg("--config").arg(configure(place, state, worker, &operator_token)?);
        }
        let log = state.join("wrangler.log");
        let output = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        wrangler
            .args(["--ip", "127.0.0.1", "--port", &port.to_string()])
            .args(["--inspector-port", &free_port()?.to_string()])
            .args(["--show-interactive-dev-session=false", "--persist-to"])
            .arg(state.join("workers"))
            // Other copies of these workers on this machine are none of its business.
            .env("WRANGLER_REGISTRY_PATH", state.join("registry"))
            .env("WRANGLER_LOG_PATH", state.join("logs"))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Its own group: Ctrl-C is for this program, which then stops all of it.
            .process_group(0);
        let child = wrangler.spawn().context("cannot start wrangler")?;
        let mut stack = Self { child, port: *port, operator_token, log, _lock: lock };
        stack.wait_until_healthy()?;
        Ok(stack)
    }

    /// Where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the operators' surfaces ask for.
    pub(crate) fn operator_token(&self) -> &str {
        &self.operator_token
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

    fn wait_until_healthy(&mut self) -> Result<()> {
        let agent = agent();
        let start = Instant::now();
        // The page, and a path of each service: 503 is the site's word for "not there yet".
        let paths = ["/", "/gsma/", "/network/"];
        let mut open = paths.to_vec();
        while !open.is_empty() {
            self.check()?;
            if start.elapsed() > START {
                bail!(
                    "no answer from {} after {} s; see {}",
                    open.join(" and "),
                    START.as_secs(),
                    self.log.display()
                );
            }
            open.retain(|path| {
                let answer = agent.get(format!("{}{path}", self.url())).call();
                !answer.is_ok_and(|response| response.status() != 503)
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
fn check_port(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow!(
            "port {port} cannot be had ({error}): stop what listens there, or take another with \
             `cargo xtask dev --port {}`",
            free_port().unwrap_or(8788)
        )),
    }
}

/// Only one stack at a time on one memory.
fn lock(state: &Path) -> Result<File> {
    let lock = File::create(state.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => bail!(
            "{} is in use by another `cargo xtask dev`: stop that one, or give this one a memory of its own \
             with `--state DIR`",
            state.display()
        ),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The operator's token of this state, made the first time.
fn operator_token(state: &Path) -> Result<String> {
    let path = state.join("operator-token");
    if let Ok(token) = fs::read_to_string(&path) {
        return Ok(token.trim().to_owned());
    }
    let mut chance = [0; 32];
    std::io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut chance)?;
    let token = hex::encode(Sha256::digest(chance)).chars().take(32).collect::<String>();
    private(&path, &token)?;
    Ok(token)
}

/// Writes a file that only its owner may read.
pub(crate) fn private(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
}

/// Writes a worker's configuration for this state and returns its path.
fn configure(place: &Place, state: &Path, worker: &str, operator_token: &str) -> Result<PathBuf> {
    let folder = place.root.join(worker);
    let source = folder.join("wrangler.jsonc");
    let text = fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
    let mut configuration: Value =
        serde_json::from_str(&plain_json(&text)).with_context(|| format!("reading {}", source.display()))?;
    let absolute = |path: &Value| path.as_str().map(|path| json!(folder.join(path)));
    if let Some(main) = absolute(&configuration["main"]) {
        configuration["main"] = main;
    }
    if let Some(assets) = absolute(&configuration["assets"]["directory"]) {
        configuration["assets"]["directory"] = assets;
    }
    if worker != "www" {
        configuration["vars"]["OPERATOR_TOKEN"] = json!(operator_token);
    }
    let path = state.join("wrangler").join(worker).join("wrangler.json");
    private(&path, &serde_json::to_string_pretty(&configuration)?)?;
    Ok(path)
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
