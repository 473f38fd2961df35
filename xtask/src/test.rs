//! `cargo xtask test`: every test there is, from the unit to the story.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};

use crate::bench;
use crate::build::{self, Profile};
use crate::euicc;
use crate::iwa;
use crate::metadata::Metadata;
use crate::place::Place;
use crate::process;
use crate::seed;
use crate::setup::{self, Kit, Need};
use crate::stack::{self, Stack};
use crate::state::State;
use crate::trouble::Trouble;
use crate::workerd::Workerd;

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only what runs natively, for the edit loop
    #[arg(long)]
    fast: bool,
    /// Only the parts whose name contains this (native, browser, doors, workers, app, stories)
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// What a part of the tests came to.
struct Outcome {
    part: &'static str,
    passed: usize,
    failed: bool,
    /// What its runners said of tests that failed, if only at a first try.
    trouble: Trouble,
    took: String,
}

/// Runs `cargo xtask test`: all parts even if one fails, and a table at the end.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    let start = Instant::now();
    let wanted = |part: &str| options.only.as_deref().is_none_or(|only| part.contains(only));
    let mut outcomes = Vec::new();
    let mut part = |name: &'static str, tests: &dyn Fn(&mut Trouble) -> Result<usize>| {
        println!("\n== test: {name}");
        let start = Instant::now();
        let mut trouble = Trouble::default();
        let result = tests(&mut trouble);
        if let Err(error) = &result {
            println!("{error:#}");
        }
        let took = process::since(start);
        let failed = result.is_err();
        outcomes.push(Outcome { part: name, failed, passed: result.unwrap_or(0), trouble, took });
    };

    let metadata = Metadata::read(place, None)?;
    if options.fast {
        let kit = setup::ensure(place, &[])?;
        part("native", &|trouble| native(&kit, &metadata, trouble));
    } else {
        let mut needs = build::NEEDS.to_vec();
        needs.extend([Need::Browser, Need::PcSc, Need::Firefox, Need::Tshark]);
        let kit = setup::ensure(place, &needs)?;
        if wanted("native") {
            part("native", &|trouble| native(&kit, &metadata, trouble));
        }
        if wanted("browser") {
            part("the same in a browser", &|trouble| browser(place, &kit, &metadata, trouble));
        }
        if wanted("doors") {
            part("the chip's doors", &|trouble| doors(place, &kit, trouble));
        }
        if wanted("workers") || wanted("stories") || wanted("app") {
            part("build", &|_| build::everything(place, &kit, Profile::Release).map(|()| 0));
        }
        if wanted("workers") {
            part("workers in their runtime", &|trouble| workers(place, &kit, trouble));
            part("the SM-DP+ over its objects", &|trouble| objects(place, &kit, &metadata, trouble));
            part("workers under load", &|_| bench::smdp::test(place, &kit));
        }
        if wanted("app") {
            part("the page as an installed app", &|trouble| app(place, &kit, trouble));
        }
        if wanted("stories") {
            part("stories in a browser", &|trouble| stories(place, &kit, &[], trouble));
            part("with certified LPAs only", &|trouble| {
                stories(place, &kit, &["certified.spec.ts"], trouble)
            });
            part("with a network that stops", &|trouble| stopping_stories(place, &kit, trouble));
        }
    }

    println!("\n{:28} {:>8} {:>14}", "part", "passed", "time");
    for Outcome { part, passed, failed, took, .. } in &outcomes {
        let passed = if *failed { "FAILED".to_owned() } else { passed.to_string() };
        println!("{part:28} {passed:>8} {took:>14}");
    }
    let total: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
    println!("{:28} {total:>8} {:>14}", "together", process::since(start));
    for Outcome { part, failed, trouble, .. } in &outcomes {
        if !trouble.lines().is_empty() {
            let what = if *failed { "what failed" } else { "what failed at its first try" };
            println!("\n== {what}: {part}\n{}", trouble.lines().join("\n"));
        }
    }
    if outcomes.iter().any(|outcome| outcome.failed) {
        bail!("some tests failed");
    }
    if total == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// `cargo test` for the members that mean something natively.
fn native(kit: &Kit, metadata: &Metadata, trouble: &mut Trouble) -> Result<usize> {
    let mut cargo = kit.command("cargo");
    cargo.args(["test", "--no-fail-fast"]);
    cargo.args(metadata.natively());
    counted(&mut cargo, trouble, cargo_passed)
}

/// `wasm-pack test` for the chip, and in the same build for every member whose tests are
/// written for a browser too.
fn browser(place: &Place, kit: &Kit, metadata: &Metadata, trouble: &mut Trouble) -> Result<usize> {
    let browser = kit.browser()?;
    let scratch = place.scratch().join("browser-tests");
    fs::create_dir_all(&scratch)?;
    let capabilities = scratch.join("webdriver.json");
    fs::write(&capabilities, browser.capabilities())?;
    let mut pack = kit.wasm_command("wasm-pack");
    match vectors::folder() {
        Some(material) => {
            println!("published material: {}", material.display());
            let path = env::join_paths(
                std::iter::once(started_in(&material, &scratch.join("bin"), kit)?)
                    .chain(env::split_paths(&variable(&pack, "PATH"))),
            )?;
            pack.env("PATH", path);
        }
        None => println!("there is no published material: tests that need it say so and check nothing"),
    }
    pack.args(["test", "--headless", "--chrome", "--chromedriver"]).arg(&browser.driver);
    pack.args(["--mode", "no-install"]).arg(metadata.member("wasm-euicc")?.folder());
    // From here on for cargo, which is asked to build and then to test and must understand
    // them both times. Examples of the documentation are not asked of a browser.
    pack.args(["--lib", "--test", "*", "--features", "wasm-euicc/npm"]);
    for member in metadata.members().filter(|member| member.is_tested_in_browser()) {
        pack.args(["--package", &member.name]);
    }
    pack.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities);
    // In seconds, for all tests of one file together: the chip under power failure takes a minute.
    pack.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    let passed = counted(&mut pack, trouble, cargo_passed)?;
    if passed == 0 {
        bail!("wasm-pack ran no test");
    }
    Ok(passed)
}

/// A folder with the test runner of wasm-bindgen, started in the folder with the published
/// material: its server gives the tests in the browser what lies where it was started.
fn started_in(material: &Path, folder: &Path, kit: &Kit) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    // wasm-pack looks for the one and takes the other from beside it.
    for name in ["wasm-bindgen", "wasm-bindgen-test-runner"] {
        let program = kit.command(name).get_program().to_owned();
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        let script =
            format!("#!/bin/sh\ncd {} && exec {} \"$@\"\n", quoted(material), quoted(Path::new(&program)));
        let path = folder.join(name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder.to_owned())
}

/// A variable as a command would be given it.
fn variable(command: &Command, name: &str) -> OsString {
    let given = command.get_envs().find(|(given, _)| *given == name);
    given.and_then(|(_, value)| value.map(OsString::from)).unwrap_or_default()
}

/// The chip as programs outside see it, and the bridge to PC/SC readers: `e2e/doors/*.test.mjs`
/// under Node's own test runner, which are told where the npm package, the native programs and the
/// browser are.
fn doors(place: &Place, kit: &Kit, trouble: &mut Trouble) -> Result<usize> {
    let program = euicc::program(place, kit)?;
    let package = build::npm(place, kit)?;
    let mut node = tests_in(place, kit, "doors")?;
    if setup::has_pcsc_library() {
        node.env("CARD_BRIDGE", bridge(place, kit)?);
    }
    node.env("EUICC_PACKAGE", package).env("EUICC_PROGRAM", program).env("CHROMIUM", &kit.browser()?.program);
    counted(&mut node, trouble, |line| number_after(line, "ℹ pass "))
}

/// The page as an Isolated Web App: `e2e/app/*.test.mjs` under Node's own test runner, which are told
/// where its bundle and the browser are.
fn app(place: &Place, kit: &Kit, trouble: &mut Trouble) -> Result<usize> {
    const SITE: &str = "https://lab.example";
    let bundle = iwa::pack(place, env!("CARGO_PKG_VERSION"), SITE, None)?;
    let mut node = tests_in(place, kit, "app")?;
    node.env("IWA_BUNDLE", bundle).env("IWA_SITE", SITE).env("CHROMIUM", &kit.browser()?.program);
    counted(&mut node, trouble, |line| number_after(line, "ℹ pass "))
}

/// The bridge to PC/SC readers, built if it is stale.
fn bridge(place: &Place, kit: &Kit) -> Result<PathBuf> {
    let program = ["--package", "card-bridge", "--features", "card-bridge/program", "--bin", "card-bridge"];
    process::run(kit.command("cargo").args(["build", "--quiet"]).args(program))?;
    Ok(place.target.join("debug/card-bridge"))
}

/// A program of testkit's that tests run, built if it is stale.
fn example(place: &Place, kit: &Kit, name: &str) -> Result<PathBuf> {
    let mut cargo = kit.command("cargo");
    process::run(cargo.args(["build", "--quiet", "--package", "testkit", "--example", name]))?;
    Ok(place.target.join("debug/examples").join(name))
}

/// The runtime tests: `e2e/workers/*.test.mjs` under Node's own test runner; they start the
/// workers themselves, with the variables of a fresh laboratory: `LABORATORY`, JSON by the
/// worker's name.
fn workers(place: &Place, kit: &Kit, trouble: &mut Trouble) -> Result<usize> {
    let mut node = tests_in(place, kit, "workers")?;
    let state = fresh(place, "test-workers")?;
    let variables =
        ["edge-smdp", "net-policy-worker", "www"].map(|name| (name.to_owned(), state.variables(name)));
    node.env("LABORATORY", serde_json::Value::from_iter(variables).to_string());
    counted(&mut node, trouble, |line| number_after(line, "ℹ pass "))
}

/// The tests of the SM-DP+'s service, which run over the store in memory as all native tests
/// do, once more over Durable Objects: those of a worker that executes the store's methods.
fn objects(place: &Place, kit: &Kit, metadata: &Metadata, trouble: &mut Trouble) -> Result<usize> {
    let build = build::worker_with(place, kit, SMDP, "self-test")?;
    let state = fresh(place, "test-objects")?;
    let mut workerd = Workerd::start(place, kit, &state, (SMDP, &build), &state.folder.join("workerd"))?;
    let url = workerd.url();
    let suites = stack::agent().get(format!("{url}/self-test")).call()?.body_mut().read_to_string()?;
    if suites != "every promise is kept" {
        bail!("store and cryptography in the runtime: {suites}; see {}", workerd.log().display());
    }
    let mut cargo = kit.command("cargo");
    // The same selection as for the native tests, so that nothing is compiled again.
    cargo.args(["test", "--no-fail-fast"]).args(metadata.natively());
    for name in OVER_OBJECTS {
        cargo.args(["--test", name]);
    }
    let outcome = counted(cargo.env("SMDP_STORE", url), trouble, cargo_passed);
    let stopped = workerd.stop();
    outcome.and_then(|passed| stopped.map(|()| passed + 1))
}

/// The worker whose store is tested.
const SMDP: &str = "edge-smdp";

/// Its tests that are about more than its configuration.
const OVER_OBJECTS: [&str; 11] = [
    "callbacks",
    "cuts",
    "downloads",
    "eligibility",
    "ends",
    "events",
    "operator",
    "races",
    "repeats",
    "scenarios",
    "subscribers",
];

/// Node's test runner on the tests in a folder of `e2e/`.
fn tests_in(place: &Place, kit: &Kit, name: &str) -> Result<Command> {
    let folder = place.e2e().join(name);
    let tests: Vec<_> = build::files(&folder)?
        .into_values()
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        bail!("there are no tests in {}", folder.display());
    }
    let mut node = kit.command("node");
    node.current_dir(place.e2e());
    node.args(["--test", "--test-reporter", "spec", "--test-concurrency", "1"]).args(tests);
    Ok(node)
}

/// The stories: Playwright against everything, freshly started with a fresh memory. Those of
/// certain files are told to an SM-DP+ that serves certified LPAs only.
fn stories(place: &Place, kit: &Kit, certified: &[&str], trouble: &mut Trouble) -> Result<usize> {
    let browser = kit.browser()?;
    let mut state = fresh(place, "test-state")?;
    if !certified.is_empty() {
        state.certify_lpas()?;
    }
    let card = euicc::program(place, kit)?;
    let reader = example(place, kit, "reader")?;
    let smds = example(place, kit, "smds")?;
    let bridge = if setup::has_pcsc_library() { Some(bridge(place, kit)?) } else { None };
    let mut stack = Stack::start(place, kit, &state, stack::free_port()?)?;
    let order = seed::seed(&stack, &state)?.context("a fresh laboratory has no order")?;
    let mut playwright = kit.command("playwright");
    playwright
        .current_dir(place.e2e())
        .arg("test")
        .args(certified)
        .env("CERTIFIED", if certified.is_empty() { "" } else { "1" })
        .env("BASE_URL", stack.url())
        .env("OPERATOR_TOKEN", state.operator_token())
        .env("ACTIVATION_CODE", &order.activation_code)
        .env("HOME_NETWORK_PUBLIC_KEYS", state.home_network_keys().to_string())
        .env("CHROMIUM", &browser.program)
        .env("EUICC_PROGRAM", card)
        .env("READER_PROGRAM", reader)
        .env("SMDS_PROGRAM", smds)
        .env("LABORATORY_STATE", &state.folder)
        .envs(bridge.map(|bridge| ("CARD_BRIDGE", bridge)))
        .envs(process::which("tshark").map(|tshark| ("TSHARK", tshark)));
    match kit.firefox() {
        Some(firefox) => drop(playwright.env("FIREFOX", firefox)),
        None => println!("skipped: the stories in Firefox: it is not here"),
    }
    let outcome = counted(&mut playwright, trouble, playwright_passed);
    let stopped = stack.stop();
    if outcome.is_err() {
        println!("the workers' log: {}", stack.log().display());
    }
    outcome.and_then(|passed| stopped.map(|()| passed))
}

/// The stories of a network that stops: its worker runs in a process of its own, which they end and
/// start again by the command that they are given.
fn stopping_stories(place: &Place, kit: &Kit, trouble: &mut Trouble) -> Result<usize> {
    const NETWORK: [&str; 1] = ["net-policy-worker"];
    let state = fresh(place, "test-state")?;
    let site = stack::free_port()?;
    let mut stack = Stack::start_some(place, kit, &state, site, &["www", SMDP])?;
    let port = stack::free_port()?;
    let mut network = Stack::start_some(place, kit, &state, port, &NETWORK)?;
    let seeded = seed::seed(&stack, &state);
    network.stop()?;
    seeded?;
    let command = stack::command(place, kit, &state, port, &NETWORK)?;
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let given = serde_json::json!({
        "program": text(command.get_program()),
        "arguments": command.get_args().map(text).collect::<Vec<_>>(),
        "environment": command
            .get_envs()
            .filter_map(|(name, value)| Some((text(name), text(value?))))
            .collect::<BTreeMap<_, _>>(),
    });
    let mut playwright = kit.command("playwright");
    playwright
        .current_dir(place.e2e())
        .args(["test", "stopped.spec.ts", "--project", "chromium"])
        .env("BASE_URL", stack.url())
        .env("OPERATOR_TOKEN", state.operator_token())
        .env("CHROMIUM", &kit.browser()?.program)
        .env("NETWORK_COMMAND", given.to_string());
    let outcome = counted(&mut playwright, trouble, playwright_passed);
    let stopped = stack.stop();
    if outcome.is_err() {
        println!("the workers' log: {}", stack.log().display());
    }
    outcome.and_then(|passed| stopped.map(|()| passed))
}

/// A laboratory that remembers nothing, in a folder of the tests' own.
fn fresh(place: &Place, name: &str) -> Result<State> {
    let folder = place.scratch().join(name);
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    State::open(&folder, None)
}

/// Runs a command in the open and adds up what its lines say has passed.
fn counted(
    command: &mut Command,
    trouble: &mut Trouble,
    passed: impl Fn(&str) -> Option<usize>,
) -> Result<usize> {
    let line = process::shown(command);
    println!("$ {}", line.chars().take(200).collect::<String>());
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    let mut total = 0;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            let text = String::from_utf8_lossy(&line);
            total += passed(&text).unwrap_or(0);
            trouble.look(&strip_colours(&text));
            writeln!(io::stdout(), "{text}")?;
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("tests failed ({status})");
    }
    Ok(total)
}

/// `test result: ok. 12 passed; …`
fn cargo_passed(line: &str) -> Option<usize> {
    number_after(line, "test result: ok. ")
}

/// `  12 passed (3.4s)`
fn playwright_passed(line: &str) -> Option<usize> {
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    (words.next() == Some("passed")).then_some(number)
}

fn number_after(line: &str, words: &str) -> Option<usize> {
    let plain = strip_colours(line);
    let rest = plain.trim_start().strip_prefix(words)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A line without the terminal's escape sequences.
fn strip_colours(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_from_what_the_runners_say() {
        assert_eq!(cargo_passed("test result: ok. 12 passed; 0 failed; 0 ignored"), Some(12));
        assert_eq!(cargo_passed("test result: FAILED. 12 passed; 1 failed"), None);
        assert_eq!(cargo_passed("test result: \u{1b}[32mok\u{1b}[m. 3 passed; 0 failed"), Some(3));
        assert_eq!(playwright_passed("  7 passed (12.3s)"), Some(7));
        assert_eq!(playwright_passed("  1 failed"), None);
        assert_eq!(number_after("ℹ pass 5", "ℹ pass "), Some(5));
    }
}
