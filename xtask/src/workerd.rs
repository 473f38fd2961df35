//! A worker under the bare runtime: `workerd serve`, without the development proxy in front
//! of it, which costs more than the worker itself.
//!
//! ```text
//! FOLDER/config.capnp     the worker, its variables with their secrets, its objects
//! FOLDER/index…           the worker's build, copied: JavaScript, and WebAssembly where it has that
//! FOLDER/objects/         the Durable Objects: SQLite files
//! FOLDER/workerd.log      what it says
//! ```

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::place::Place;
use crate::process;
use crate::setup::Kit;
use crate::stack;
use crate::state::{State, private};

/// How long the runtime may take to come up on a busy machine.
const START: Duration = Duration::from_secs(60);
/// How long it may take to stop before it is made to.
const STOP: Duration = Duration::from_secs(10);
/// What a build can consist of.
const MODULES: [&str; 2] = ["index.js", "index_bg.wasm"];

/// A running worker; it stops when this is dropped.
pub(crate) struct Workerd {
    child: Child,
    port: u16,
    inspector: Option<u16>,
    log: PathBuf,
    started: Duration,
}

impl Workerd {
    /// Starts a worker on a port of the loopback interface, in a folder that may hold what it
    /// remembers, and waits until it says that it is healthy.
    pub(crate) fn start(
        place: &Place,
        kit: &Kit,
        state: &State,
        worker: (&str, &Path),
        folder: &Path,
    ) -> Result<Self> {
        Self::launch(place, kit, state, worker, folder, None)
    }

    /// The same under the runtime's inspector, which tells what is in its memory.
    pub(crate) fn inspected(
        place: &Place,
        kit: &Kit,
        state: &State,
        worker: (&str, &Path),
        folder: &Path,
    ) -> Result<Self> {
        Self::launch(place, kit, state, worker, folder, Some(stack::free_port()?))
    }

    fn launch(
        place: &Place,
        kit: &Kit,
        state: &State,
        (worker, build): (&str, &Path),
        folder: &Path,
        inspector: Option<u16>,
    ) -> Result<Self> {
        let port = stack::free_port()?;
        fs::create_dir_all(folder.join("objects"))?;
        let modules: Vec<&str> = MODULES.into_iter().filter(|name| build.join(name).is_file()).collect();
        for name in &modules {
            fs::copy(build.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
        }
        let configuration = folder.join("config.capnp");
        let written = self::configuration(place, state, worker, (folder, &modules), port)?;
        private(&configuration, written.as_bytes())?;
        let log = folder.join("workerd.log");
        let output = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        // Not npm's `workerd`: that is a program in JavaScript which starts this one.
        let mut workerd = kit.command(program(place)?);
        workerd.arg("serve").arg(&configuration);
        if let Some(port) = inspector {
            workerd.arg(format!("--inspector-addr=127.0.0.1:{port}"));
        }
        workerd.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begun = Instant::now();
        let child = workerd.spawn().context("cannot start workerd")?;
        let mut running = Self { child, port, inspector, log, started: Duration::ZERO };
        running.wait_until_healthy(begun)?;
        running.started = begun.elapsed();
        Ok(running)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of its inspector, if it has one.
    pub(crate) const fn inspector(&self) -> Option<u16> {
        self.inspector
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// From its start to its first answer.
    pub(crate) const fn started(&self) -> Duration {
        self.started
    }

    /// What it says.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Stops it and waits until it is gone.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn wait_until_healthy(&mut self, begun: Instant) -> Result<()> {
        let agent = stack::agent();
        let url = format!("{}/operator/health", self.url());
        loop {
            if let Some(status) = self.child.try_wait()? {
                let said = process::tail(&self.log, 30).join("\n");
                bail!("workerd stopped ({status}). The end of {}:\n{said}", self.log.display());
            }
            match agent.get(&url).call() {
                Ok(answer) if answer.status() == 200 => return Ok(()),
                Ok(answer) if begun.elapsed() > START => bail!("{url}: {}", answer.status()),
                Err(error) if begun.elapsed() > START => bail!("{url}: {error}"),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("workerd may still run: {error}");
        }
    }
}

/// The native program that npm brings.
fn program(place: &Place) -> Result<PathBuf> {
    let packages = place.e2e().join("node_modules/@cloudflare");
    let names = ["workerd-linux-64", "workerd-linux-arm64"];
    let mut found = names.map(|name| packages.join(name).join("bin/workerd")).into_iter();
    found.find(|path| path.is_file()).with_context(|| format!("no workerd in {}", packages.display()))
}

/// The worker as its `wrangler.jsonc` has it, in the words of workerd.
fn configuration(
    place: &Place,
    state: &State,
    worker: &str,
    (folder, files): (&Path, &[&str]),
    port: u16,
) -> Result<String> {
    let configuration = stack::configuration(place, worker)?;
    let date = configuration["compatibility_date"].as_str().context("compatibility_date")?;
    let mut variables = configuration["vars"].clone();
    if let Some(own) = state.variables(worker).as_object() {
        for (name, value) in own {
            variables[name] = value.clone();
        }
    }
    let mut bindings = String::new();
    for (name, value) in variables.as_object().into_iter().flatten() {
        writeln!(bindings, "    (name = {name:?}, text = {}),", text(value.as_str().unwrap_or_default()))?;
    }
    let mut namespaces = String::new();
    let objects = configuration["durable_objects"]["bindings"].as_array();
    for object in objects.into_iter().flatten() {
        let of = |name: &str| object[name].as_str().map(text).with_context(|| format!("binding: {name}"));
        let (name, class) = (of("name")?, of("class_name")?);
        writeln!(bindings, "    (name = {name}, durableObjectNamespace = {class}),")?;
        writeln!(namespaces, "    (className = {class}, uniqueKey = {class}, enableSql = true),")?;
    }
    let mut modules = String::new();
    for name in files {
        let kind = if name.ends_with(".wasm") { "wasm" } else { "esModule" };
        writeln!(modules, "    (name = {name:?}, {kind} = embed {name:?}),")?;
    }
    let objects = text(&folder.join("objects").to_string_lossy());
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "disk", disk = (path = {objects}, writable = true)) ],
  sockets = [ (name = "http", address = "127.0.0.1:{port}", http = (), service = "main") ] );
const worker :Workerd.Worker = (
  modules = [
{modules}  ],
  compatibilityDate = {date:?},
  bindings = [
{bindings}  ],
  durableObjectNamespaces = [
{namespaces}  ],
  durableObjectStorage = (localDisk = "disk") );
"#
    ))
}

/// A text as a literal of Cap'n Proto: like one of C.
fn text(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_literal() {
        assert_eq!(text("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }
}
