//! Workers under the bare runtime: `workerd serve`, without the development proxy in front
//! of them, which costs more than the workers themselves.
//!
//! ```text
//! FOLDER/config.capnp     the workers, their variables with their secrets, their objects
//! FOLDER/NAME/index…      a worker's build, copied: JavaScript, and WebAssembly where it has that
//! FOLDER/objects/         the Durable Objects: SQLite files, in a folder for each class
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
use serde_json::Value;

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

/// A worker's name and where its build lies.
pub(crate) type Built<'a> = (&'a str, &'a Path);

/// Running workers in one process; they stop when this is dropped.
pub(crate) struct Workerd {
    child: Child,
    /// Where each listens, by its name; the first is the one that is meant where none is named.
    ports: Vec<(String, u16)>,
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
        worker: Built<'_>,
        folder: &Path,
    ) -> Result<Self> {
        Self::launch(place, kit, state, &[worker], folder, None)
    }

    /// The same of several, each on a port of its own. Those that are bound to each other as
    /// services are so here.
    pub(crate) fn together(
        place: &Place,
        kit: &Kit,
        state: &State,
        workers: &[Built<'_>],
        folder: &Path,
    ) -> Result<Self> {
        Self::launch(place, kit, state, workers, folder, None)
    }

    /// The same under the runtime's inspector, which tells what is in its memory.
    pub(crate) fn inspected(
        place: &Place,
        kit: &Kit,
        state: &State,
        worker: Built<'_>,
        folder: &Path,
    ) -> Result<Self> {
        Self::launch(place, kit, state, &[worker], folder, Some(stack::free_port()?))
    }

    fn launch(
        place: &Place,
        kit: &Kit,
        state: &State,
        workers: &[Built<'_>],
        folder: &Path,
        inspector: Option<u16>,
    ) -> Result<Self> {
        fs::create_dir_all(folder.join("objects"))?;
        let mut ports = Vec::new();
        for (name, build) in workers {
            let own = folder.join(name);
            fs::create_dir_all(&own)?;
            for module in modules(build) {
                fs::copy(build.join(module), own.join(module))
                    .with_context(|| format!("copying {name}/{module}"))?;
            }
            ports.push(((*name).to_owned(), stack::free_port()?));
        }
        let configuration = folder.join("config.capnp");
        let written = self::configuration(place, state, workers, folder, &ports)?;
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
        let mut running = Self { child, ports, inspector, log, started: Duration::ZERO };
        running.wait_until_healthy(begun)?;
        running.started = begun.elapsed();
        Ok(running)
    }

    /// Where it listens; of several the first.
    pub(crate) fn url(&self) -> String {
        self.ports.first().map_or_else(String::new, |(_, port)| at(*port))
    }

    /// Where the worker of that name listens.
    pub(crate) fn url_of(&self, name: &str) -> Result<String> {
        let found = self.ports.iter().find(|(own, _)| own == name);
        found.map(|(_, port)| at(*port)).with_context(|| format!("{name} does not run here"))
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
        let mut open: Vec<String> =
            self.ports.iter().map(|(name, port)| format!("{}{}", at(*port), health(name))).collect();
        while let Some(url) = open.first() {
            if let Some(status) = self.child.try_wait()? {
                let said = process::tail(&self.log, 30).join("\n");
                bail!("workerd stopped ({status}). The end of {}:\n{said}", self.log.display());
            }
            match agent.get(url).call() {
                Ok(answer) if answer.status() == 200 => drop(open.remove(0)),
                Ok(answer) if begun.elapsed() > START => bail!("{url}: {}", answer.status()),
                Err(error) if begun.elapsed() > START => bail!("{url}: {error}"),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(())
    }
}

/// A port of the loopback interface.
fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Where a worker says how it is.
fn health(worker: &str) -> &'static str {
    match worker {
        "net-policy-worker" => "/network/health",
        _ => "/operator/health",
    }
}

/// What there is of a build.
fn modules(build: &Path) -> impl Iterator<Item = &'static str> {
    MODULES.into_iter().filter(|name| build.join(name).is_file())
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

/// The workers as their `wrangler.jsonc` have them, in the words of workerd.
fn configuration(
    place: &Place,
    state: &State,
    workers: &[Built<'_>],
    folder: &Path,
    ports: &[(String, u16)],
) -> Result<String> {
    let names: Vec<&str> = workers.iter().map(|(name, _)| *name).collect();
    let (mut services, mut sockets, mut written) = (String::new(), String::new(), String::new());
    for (at, ((name, build), (_, port))) in workers.iter().zip(ports).enumerate() {
        writeln!(services, "    (name = {}, worker = .worker{at}),", text(name))?;
        writeln!(
            sockets,
            "    (name = {}, address = \"127.0.0.1:{port}\", http = (), service = {}),",
            text(name),
            text(name)
        )?;
        let own = worker(place, state, &names, (name, build))?;
        writeln!(written, "const worker{at} :Workerd.Worker = {own};")?;
    }
    let objects = text(&folder.join("objects").to_string_lossy());
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
{services}    (name = "disk", disk = (path = {objects}, writable = true)) ],
  sockets = [
{sockets}  ] );
{written}"#
    ))
}

/// One of them; `beside` it run those of these names.
fn worker(place: &Place, state: &State, beside: &[&str], (name, build): Built<'_>) -> Result<String> {
    let configuration = stack::configuration(place, name)?;
    let date = configuration["compatibility_date"].as_str().context("compatibility_date")?;
    let array = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let flags: Vec<String> =
        array(&configuration["compatibility_flags"]).iter().filter_map(Value::as_str).map(text).collect();
    let mut variables = configuration["vars"].clone();
    if let Some(own) = state.variables(name).as_object() {
        for (name, value) in own {
            variables[name] = value.clone();
        }
    }
    let mut bindings = String::new();
    for (name, value) in variables.as_object().into_iter().flatten() {
        writeln!(bindings, "    (name = {name:?}, text = {}),", text(value.as_str().unwrap_or_default()))?;
    }
    let of = |binding: &Value, name: &str| {
        binding[name].as_str().map(str::to_owned).with_context(|| format!("binding: {name}"))
    };
    for service in array(&configuration["services"]) {
        let other = of(&service, "service")?;
        if beside.contains(&other.as_str()) {
            let name = text(&of(&service, "binding")?);
            writeln!(bindings, "    (name = {name}, service = {}),", text(&other))?;
        }
    }
    let mut namespaces = String::new();
    for object in array(&configuration["durable_objects"]["bindings"]) {
        let (name, class) = (text(&of(&object, "name")?), text(&of(&object, "class_name")?));
        writeln!(bindings, "    (name = {name}, durableObjectNamespace = {class}),")?;
        writeln!(namespaces, "    (className = {class}, uniqueKey = {class}, enableSql = true),")?;
    }
    let mut embedded = String::new();
    for file in modules(build) {
        let kind = if file.ends_with(".wasm") { "wasm" } else { "esModule" };
        writeln!(embedded, "    (name = {file:?}, {kind} = embed {}),", text(&format!("{name}/{file}")))?;
    }
    Ok(format!(
        r#"(
  modules = [
{embedded}  ],
  compatibilityDate = {date:?},
  compatibilityFlags = [{}],
  bindings = [
{bindings}  ],
  durableObjectNamespaces = [
{namespaces}  ],
  durableObjectStorage = (localDisk = "disk") )"#,
        flags.join(", ")
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
