//! `cargo xtask build`: the page and the chip into `dist/`, the workers into their `build/`.
//!
//! `dist/` is what the site's worker serves:
//!
//! ```text
//! dist/index.html          web-lpa/index.html, with {{app}}, {{chip}} and {{qr}} filled in
//! dist/sw.js               www/sw.js, with {{version}} and {{files}} filled in
//! dist/…                   www/static/…, as it is: what a browser installs the page with
//! dist/app/HASH/           the page's module (web_lpa.js, web_lpa_bg.wasm) and what is loaded later
//!                          of it (__wasm_split.js, split_….wasm), www/shell/boot.js,
//!                          web-lpa/static/…, web-lpa/style/*.css as one style.css
//! dist/chip/HASH/          the chip's module (wasm_euicc.js, wasm_euicc_bg.wasm),
//!                          wasm-euicc/static/…
//! dist/qr/HASH/            the reader of QR codes (qr_reader.js, qr_reader_bg.wasm),
//!                          web-lpa/qr/static/…
//! ```
//!
//! A folder is named by what is in it, so that browsers may keep it for ever, and files in it
//! refer to each other by relative names.
//!
//! `edge-smdp/assets/` is the same for the SM-DP+, by the paths of its own door:
//!
//! ```text
//! operator/console/index.html        edge-smdp/console/index.html, with {{app}} filled in
//! operator/console/app/HASH/         the console's module (smdp_console.js, …_bg.wasm),
//!                                    edge-smdp/console/static/…
//! ```
//!
//! `cargo xtask build --npm` puts the npm package together instead, in `dist-npm/`: the chip's
//! module with the features of the package, and `wasm-euicc/js/`.
//!
//! `cargo xtask build --iwa SITE` makes an Isolated Web App of `dist/` besides ([`crate::iwa`]).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::iwa;
use crate::metadata::Metadata;
use crate::names;
use crate::place::Place;
use crate::process;
use crate::setup::{self, Kit, Need, WASM};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Optimised, as it is shipped
    #[arg(long)]
    release: bool,
    /// The npm package of the chip, into dist-npm/ (always optimised)
    #[arg(long)]
    npm: bool,
    /// The page as an Isolated Web App, too, into dist-iwa/: what it speaks with is at this site
    /// (https://…)
    #[arg(long, value_name = "SITE", conflicts_with = "npm")]
    iwa: Option<String>,
    /// The Ed25519 key that signs it (PKCS#8, PEM) instead of one for tests
    #[arg(long, value_name = "FILE", requires = "iwa")]
    key: Option<PathBuf>,
}

/// How the modules are compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Without wasm-opt: half a minute less for a change.
    Dev,
    /// As it is shipped.
    Release,
}

/// The three workers, the site first: it owns the port.
pub(crate) const WORKERS: [&str; 3] = ["www", "edge-smdp", "net-policy-worker"];

/// The page's member and the chip's.
const PAGE: &str = "web-lpa";
const CHIP: &str = "wasm-euicc";
/// What reads QR codes for the page.
const QR: &str = "qr-reader";
/// The operator's console, which the SM-DP+ serves.
const CONSOLE: &str = "smdp-console";

/// A module that is made of a member.
#[derive(Clone, Copy)]
struct Module {
    member: &'static str,
    /// Beside the member's name, where one member makes several modules.
    variant: &'static str,
    features: &'static str,
}

impl Module {
    const fn of(member: &'static str) -> Self {
        Self { member, variant: "", features: "" }
    }

    /// The folder it is made in, under the profile's.
    fn folder(self) -> String {
        format!("{}{}", self.member, self.variant)
    }
}

/// The chip's module in the npm package.
const NPM: Module = Module { member: CHIP, variant: "-npm", features: "npm" };

/// The same with what the benchmark measures beside it.
const BENCH: Module = Module { member: CHIP, variant: "-bench", features: "bench" };

/// What building needs.
pub(crate) const NEEDS: [Need; 5] =
    [Need::Wasm, Need::WasmTools, Need::WasmSplit, Need::WorkerBuild, Need::Npm];

/// The first version of wasm-opt that is known to keep our modules intact. Debian's 108 exits
/// with success and breaks their tables.
const WASM_OPT: u32 = 116;

/// Cargo's profile for all modules. One for all, so that their dependencies are compiled once;
/// and with link-time optimisation a first build of it is *faster* than a plain one, because
/// nothing is turned into instructions that is not used.
const CARGO_PROFILE: &str = "wasm-release";

/// What rustc's target uses by default, and what wasm-bindgen's `catch` needs.
const FEATURES: [&str; 7] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
    "--enable-exception-handling",
];

/// Runs `cargo xtask build`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    let kit = setup::ensure(place, &NEEDS)?;
    if options.npm {
        let package = npm(place, &kit)?;
        println!("npm package: {} (npm pack there makes the archive)", package.display());
        return Ok(());
    }
    let profile = if options.release { Profile::Release } else { Profile::Dev };
    everything(place, &kit, profile)?;
    sizes(place, &kit, profile)?;
    if let Some(site) = &options.iwa {
        let version = Metadata::read(place, None)?.member(PAGE)?.version.clone();
        iwa::pack(place, &version, site, options.key.as_deref())?;
    }
    Ok(())
}

/// Builds what is stale of everything.
pub(crate) fn everything(place: &Place, kit: &Kit, profile: Profile) -> Result<()> {
    check_wasm_opt(kit)?;
    let metadata = Metadata::read(place, Some(WASM))?;
    let page = module(place, kit, &metadata, Module::of(PAGE), profile)?;
    let chip = module(place, kit, &metadata, Module::of(CHIP), profile)?;
    let qr = module(place, kit, &metadata, Module::of(QR), profile)?;
    assemble(place, kit, &metadata, profile, [&page, &chip, &qr])?;
    let console = module(place, kit, &metadata, Module::of(CONSOLE), profile)?;
    assemble_console(place, &metadata, &console)?;
    for worker in WORKERS {
        build_worker(place, kit, &metadata, worker, profile, "")?;
    }
    Ok(())
}

/// Builds a worker as it is shipped; returns the folder with `index.js` and `index_bg.wasm`.
pub(crate) fn worker(place: &Place, kit: &Kit, worker: &str) -> Result<PathBuf> {
    check_wasm_opt(kit)?;
    let metadata = Metadata::read(place, Some(WASM))?;
    build_worker(place, kit, &metadata, worker, Profile::Release, "")
}

/// The same with a feature that is never shipped, in a folder where nobody takes it for the
/// real one.
pub(crate) fn worker_with(place: &Place, kit: &Kit, worker: &str, feature: &str) -> Result<PathBuf> {
    let metadata = Metadata::read(place, Some(WASM))?;
    build_worker(place, kit, &metadata, worker, Profile::Release, feature)
}

/// How large a worker's module and its JavaScript are together: as they are, with gzip, with
/// brotli.
pub(crate) fn worker_sizes(kit: &Kit, folder: &Path) -> Result<[u64; 3]> {
    let mut sums = [0; 3];
    for line in compressed(kit, &[&folder.join("index_bg.wasm"), &folder.join("index.js")])?.lines() {
        for (sum, number) in sums.iter_mut().zip(line.split_whitespace()) {
            *sum += number.parse::<u64>()?;
        }
    }
    Ok(sums)
}

/// Puts the npm package together; returns its folder.
pub(crate) fn npm(place: &Place, kit: &Kit) -> Result<PathBuf> {
    package(place, kit, NPM, &place.root.join("dist-npm"))
}

/// The same with the benchmark's module, where nobody takes it for the real one.
pub(crate) fn npm_bench(place: &Place, kit: &Kit) -> Result<PathBuf> {
    package(place, kit, BENCH, &place.scratch().join("npm-bench"))
}

fn package(place: &Place, kit: &Kit, module_: Module, target: &Path) -> Result<PathBuf> {
    check_wasm_opt(kit)?;
    let metadata = Metadata::read(place, Some(WASM))?;
    let made = module(place, kit, &metadata, module_, Profile::Release)?;
    clear(target)?;
    copy(&made, target)?;
    let chip = metadata.member(CHIP)?;
    let source = chip.folder().join("js");
    for (name, file) in files(&source)? {
        // This one is in the module's snippets.
        if name != "indexed-db.js" {
            fs::copy(file, target.join(name))?;
        }
    }
    let manifest = target.join("package.json");
    fs::write(&manifest, fs::read_to_string(&manifest)?.replace("{{version}}", &chip.version))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(place.root.join(licence), target.join(licence))?;
    }
    Ok(target.to_owned())
}

/// How large the chip's modules are: before wasm-opt, after, with gzip, with brotli; the
/// page's, and the one of the npm package.
pub(crate) fn chip_sizes(place: &Place, kit: &Kit) -> Result<Vec<(&'static str, [u64; 4])>> {
    let metadata = Metadata::read(place, Some(WASM))?;
    let of = |name: &'static str, kind: Module| {
        let folder = module(place, kit, &metadata, kind, Profile::Release)?;
        let raw = fs::read_to_string(folder.with_extension("raw-size"))?.trim().parse()?;
        let line = compressed(kit, &[&folder.join(format!("{}_bg.wasm", CHIP.replace('-', "_")))])?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next().context("no size")?.context("no size");
        anyhow::Ok((name, [raw, next()?, next()?, next()?]))
    };
    Ok(vec![of("the page's chip", Module::of(CHIP))?, of("npm package", NPM)?])
}

impl Profile {
    /// A name for people and folders.
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "not optimised",
            Self::Release => "optimised",
        }
    }
}

fn check_wasm_opt(kit: &Kit) -> Result<()> {
    let said = process::output(kit.command("wasm-opt").arg("--version"))?;
    match said.split_whitespace().find_map(|word| word.parse::<u32>().ok()) {
        Some(version) if version >= WASM_OPT => Ok(()),
        _ => bail!(
            "wasm-opt must be {WASM_OPT} or newer, older ones break the modules silently; found: {}",
            said.trim()
        ),
    }
}

/// Compiles a member to a module with its JavaScript, in a folder of its own; returns it.
fn module(
    place: &Place,
    kit: &Kit,
    metadata: &Metadata,
    module: Module,
    profile: Profile,
) -> Result<PathBuf> {
    let Module { member, features, .. } = module;
    let folder = place.scratch().join(profile.name()).join(module.folder());
    let stamp = folder.with_extension("stamp");
    let mut inputs = inputs(place, metadata, member, profile)? + features;
    if !features.is_empty() {
        // What only a feature links; cargo's metadata is of the default ones.
        inputs += &self::inputs(place, metadata, "lab", profile)?;
    }
    if folder.is_dir() && fs::read_to_string(&stamp).is_ok_and(|there| there == inputs) {
        return Ok(folder);
    }
    let start = Instant::now();
    let shown = module.folder();
    println!("build: {shown} ({})", profile.name());
    let mut raw = cargo_build(kit, member, features)?;
    let name = member.replace('-', "_");
    clear(&folder)?;
    if member == PAGE {
        raw = split(kit, &raw, &name, &folder)?;
    }
    let mut bindgen = kit.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", &name]);
    if member == PAGE {
        // What is loaded later takes its table and memory from here.
        bindgen.arg("--keep-lld-exports");
    }
    process::output(bindgen.arg("--out-dir").arg(&folder).arg(&raw))?;
    if profile == Profile::Release {
        let module = folder.join(format!("{name}_bg.wasm"));
        let unoptimised = fs::metadata(&module)?.len();
        fs::write(folder.with_extension("raw-size"), unoptimised.to_string())?;
        for (_, module) in files(&folder)?.into_iter().filter(|(name, _)| name.ends_with(".wasm")) {
            let mut opt = kit.command("wasm-opt");
            process::output(opt.arg("-Oz").args(FEATURES).arg(&module).arg("--output").arg(&module))?;
        }
        let script = folder.join(format!("{name}.js"));
        let (bytes, text) = names::shorten(&fs::read(&module)?, &fs::read_to_string(&script)?)
            .with_context(|| format!("the names of {shown}"))?;
        fs::write(module, bytes)?;
        fs::write(script, text)?;
    }
    fs::write(stamp, inputs)?;
    println!("build: {shown} done ({})", process::since(start));
    Ok(folder)
}

/// Takes what is marked to be loaded later out of a module, into a folder where its JavaScript is
/// going to be (`./NAME.js`); returns what is left for wasm-bindgen.
fn split(kit: &Kit, module: &Path, name: &str, folder: &Path) -> Result<PathBuf> {
    let parts = folder.with_extension("parts");
    clear(&parts)?;
    let mut split = kit.command("wasm-split-cli");
    process::output(split.args(["--out-name", name]).arg(module).arg(&parts))?;
    let rest = parts.join(format!("{name}.wasm"));
    for (part, file) in files(&parts)? {
        if file != rest {
            fs::copy(file, folder.join(part))?;
        }
    }
    Ok(rest)
}

/// Runs cargo and returns the module it made.
fn cargo_build(kit: &Kit, member: &str, features: &str) -> Result<PathBuf> {
    let mut cargo = kit.wasm_command("cargo");
    cargo.args(["rustc", "--package", member, "--target", WASM, "--profile", CARGO_PROFILE]);
    // Of this kind only: beside an rlib there is no link-time optimisation.
    cargo.args(["--lib", "--crate-type", "cdylib", "--features", features]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    if member == PAGE {
        // What it is split by.
        cargo.args(["--", "-Clink-arg=--emit-relocs"]);
    }
    let built = cargo.stdout(Stdio::piped()).spawn()?.wait_with_output()?;
    if !built.status.success() {
        bail!("`{}` failed", process::shown(&cargo));
    }
    let library = member.replace('-', "_");
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            let target = message["target"]["name"].as_str();
            message["reason"] == "compiler-artifact" && (target == Some(member) || target == Some(&library))
        })
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .with_context(|| {
            format!("{member} makes no WebAssembly module: it needs `crate-type = [\"cdylib\"]`")
        })
}

/// Puts `dist/` together anew and swaps it in.
fn assemble(
    place: &Place,
    kit: &Kit,
    metadata: &Metadata,
    profile: Profile,
    [page, chip, qr]: [&Path; 3],
) -> Result<()> {
    let small = (profile == Profile::Release).then_some(kit);
    let fresh = place.scratch().join("dist");
    clear(&fresh)?;
    copy(&place.root.join("www/static"), &fresh)?;

    let mut app_parts = vec![page.to_path_buf(), place.root.join("www/shell")];
    app_parts.push(place.root.join(PAGE).join("static"));
    let style = place.scratch().join("style");
    clear(&style)?;
    fs::write(style.join("style.css"), sheet(&place.root.join(PAGE).join("style"))?)?;
    app_parts.push(style);
    let app = named_by_content(&fresh, "app", &app_parts, small)?;
    let chip_parts = [chip.to_path_buf(), place.root.join(CHIP).join("static")];
    let chip = named_by_content(&fresh, "chip", &chip_parts, small)?;
    let qr_static = metadata.member(QR)?.folder().join("static");
    let qr = named_by_content(&fresh, "qr", &[qr.to_path_buf(), qr_static], small)?;

    let template = place.root.join(PAGE).join("index.html");
    let page = fs::read_to_string(&template).with_context(|| format!("reading {}", template.display()))?;
    let parts = [("{{app}}", &app), ("{{chip}}", &chip), ("{{qr}}", &qr)];
    for (wanted, _) in parts {
        if !page.contains(wanted) {
            bail!("{} never says {wanted}: the page cannot find its parts", template.display());
        }
    }
    let page = parts.into_iter().fold(page, |page, (name, path)| page.replace(name, path));
    fs::write(fresh.join("index.html"), page)?;
    let worker = place.root.join("www/sw.js");
    let worker = fs::read_to_string(&worker).with_context(|| format!("reading {}", worker.display()))?;
    fs::write(fresh.join("sw.js"), service_worker(&worker, &fresh)?)?;
    swap(&fresh, &place.dist())
}

/// The service worker of what lies in a folder: it keeps all of it, and its version is a name
/// for all of it.
fn service_worker(template: &str, dist: &Path) -> Result<String> {
    let version = hash_folder(dist)?;
    let paths: Vec<String> = files(dist)?
        .into_keys()
        .map(|name| if name == "index.html" { "/".to_owned() } else { format!("/{name}") })
        .collect();
    for wanted in ["{{version}}", "{{files}}"] {
        if !template.contains(wanted) {
            bail!("www/sw.js never says {wanted}: it would keep nothing, or an old version for ever");
        }
    }
    let list = serde_json::to_string_pretty(&paths)?;
    Ok(template.replace("{{version}}", &version).replace("{{files}}", &list))
}

/// The parts of a style sheet as one, in the order of their names.
fn sheet(folder: &Path) -> Result<String> {
    let parts = files(folder)?.into_values();
    parts.map(|part| fs::read_to_string(&part).context("reading a style sheet")).collect()
}

/// Puts `edge-smdp/assets/` together anew and swaps it in.
fn assemble_console(place: &Place, metadata: &Metadata, module: &Path) -> Result<()> {
    const PATH: &str = "operator/console";
    let source = metadata.member(CONSOLE)?.folder();
    let fresh = place.scratch().join("console");
    clear(&fresh)?;
    let app = named_by_content(
        &fresh,
        &format!("{PATH}/app"),
        &[module.to_path_buf(), source.join("static")],
        None,
    )?;
    let template = source.join("index.html");
    let page = fs::read_to_string(&template).with_context(|| format!("reading {}", template.display()))?;
    if !page.contains("{{app}}") {
        bail!("{} never says {{{{app}}}}: the console cannot find its parts", template.display());
    }
    fs::write(fresh.join(PATH).join("index.html"), page.replace("{{app}}", &app))?;
    swap(&fresh, &metadata.member("edge-smdp")?.folder().join("assets"))
}

/// Moves a folder to where another one of its kind may lie, unless that is the same.
fn swap(fresh: &Path, old: &Path) -> Result<()> {
    if same(fresh, old)? {
        return Ok(());
    }
    if old.is_dir() {
        fs::remove_dir_all(old)?;
    }
    fs::rename(fresh, old).with_context(|| format!("moving {} into place", old.display()))
}

/// Copies folders into one under `dist`, named by its content; returns its path in the site. With
/// a kit, JavaScript and style sheets become small.
fn named_by_content(dist: &Path, kind: &str, parts: &[PathBuf], small: Option<&Kit>) -> Result<String> {
    let unnamed = dist.join(kind).join("unnamed");
    for part in parts {
        copy(part, &unnamed)?;
    }
    if let Some(kit) = small {
        minify(kit, &unnamed)?;
    }
    let hash = hash_folder(&unnamed)?;
    fs::rename(&unnamed, dist.join(kind).join(&hash))?;
    Ok(format!("/{kind}/{hash}"))
}

/// Takes out of JavaScript and style sheets what only people need.
fn minify(kit: &Kit, folder: &Path) -> Result<()> {
    let texts =
        files(folder)?.into_iter().filter(|(name, _)| name.ends_with(".js") || name.ends_with(".css"));
    let mut esbuild = kit.command("esbuild");
    esbuild.args(["--minify", "--allow-overwrite", "--log-level=warning"]);
    for option in ["--outdir=", "--outbase="] {
        let mut option = OsString::from(option);
        option.push(folder);
        esbuild.arg(option);
    }
    process::output(esbuild.args(texts.map(|(_, file)| file))).map(drop)
}

/// Builds a worker where that is stale, with a feature unless it is empty; returns the folder.
fn build_worker(
    place: &Place,
    kit: &Kit,
    metadata: &Metadata,
    worker: &str,
    profile: Profile,
    feature: &str,
) -> Result<PathBuf> {
    let folder = metadata.member(worker)?.folder();
    // worker-build takes no absolute path for what it makes.
    let build = match feature {
        "" => PathBuf::from("build"),
        feature => PathBuf::from(format!("build/{feature}")),
    };
    let out = folder.join(&build);
    let stamp = out.join(".xtask");
    let inputs = inputs(place, metadata, worker, profile)?;
    if out.join("index.js").is_file() && fs::read_to_string(&stamp).is_ok_and(|there| there == inputs) {
        return Ok(out);
    }
    let start = Instant::now();
    let shown = [worker, feature].join(" ").trim().to_owned();
    println!("build: {shown} ({})", profile.name());
    let mut command = kit.wasm_command("worker-build");
    command.current_dir(&folder);
    command.args(["--profile", CARGO_PROFILE]);
    if profile == Profile::Dev {
        // Not `--dev`: the checks that puts into the JavaScript fail on workerd's timers.
        command.arg("--no-opt").env("NO_MINIFY", "1");
    }
    command.arg("--out-dir").arg(&build);
    if !feature.is_empty() {
        command.args([".", "--features", feature]);
    }
    // The `worker` crate's macros look at this; said here too so that cargo's other builds of
    // the same crates (clippy's) can say the same.
    command.env("WASM_BINDGEN_USE_JS_SYS", "1");
    process::run(&mut command)?;
    fs::write(stamp, inputs)?;
    println!("build: {shown} done ({})", process::since(start));
    Ok(out)
}

/// A name for everything a member is built from.
fn inputs(place: &Place, metadata: &Metadata, member: &str, profile: Profile) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(profile.name());
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "e2e/package-lock.json"] {
        hash.update(fs::read(place.root.join(file))?);
    }
    for file in ["build.rs", "names.rs"] {
        hash.update(fs::read(place.root.join("xtask/src").join(file))?);
    }
    for folder in metadata.sources(metadata.member(member)?) {
        for (name, file) in files(&folder)? {
            // Made of something else, or a member of its own.
            let apart = ["build/", "target/", "node_modules/", ".wrangler/", "assets/", "console/", "qr/"];
            if !apart.iter().any(|folder| name.starts_with(folder)) {
                hash.update(name);
                hash.update(fs::read(file)?);
            }
        }
    }
    Ok(hex::encode(hash.finalize()))
}

/// Prints how large everything is.
fn sizes(place: &Place, kit: &Kit, profile: Profile) -> Result<()> {
    let modules = [PAGE, CHIP, QR, CONSOLE].map(|member| {
        let name = member.replace('-', "_");
        let folder = place.scratch().join(profile.name()).join(member);
        let raw = fs::read_to_string(folder.with_extension("raw-size")).ok();
        [
            (format!("{member} wasm"), folder.join(format!("{name}_bg.wasm")), raw),
            (format!("{member} js"), folder.join(format!("{name}.js")), None),
        ]
    });
    let workers = WORKERS.map(|worker| {
        let build = place.root.join(worker).join("build");
        [
            (format!("{worker} wasm"), build.join("index_bg.wasm"), None),
            (format!("{worker} js"), build.join("index.js"), None),
        ]
    });
    let later = place.scratch().join(profile.name()).join(PAGE).join("split_later.wasm");
    let later = [(format!("{PAGE} wasm, later"), later, None)];
    let rows: Vec<_> = modules.into_iter().chain(workers).flatten().chain(later).collect();
    let files: Vec<&Path> = rows.iter().map(|(_, file, _)| file.as_path()).collect();
    let lines = compressed(kit, &files)?;
    println!("\n{:26} {:>10} {:>10} {:>10} {:>10}", "bytes", "before opt", "file", "gzip -9", "brotli");
    for ((name, _, raw), line) in rows.iter().zip(lines.lines()) {
        let mut numbers = line.split(' ');
        let mut next = || numbers.next().unwrap_or_default().to_owned();
        println!(
            "{name:26} {:>10} {:>10} {:>10} {:>10}",
            raw.as_deref().unwrap_or("-"),
            next(),
            next(),
            next()
        );
    }
    Ok(())
}

/// A line for each file: its length, with gzip, with brotli.
fn compressed(kit: &Kit, files: &[&Path]) -> Result<String> {
    let script = "const z = require('zlib'), { readFileSync } = require('fs');
        for (const file of process.argv.slice(1)) { const bytes = readFileSync(file);
        console.log(bytes.length, z.gzipSync(bytes, { level: 9 }).length, z.brotliCompressSync(bytes).length); }";
    let mut node = kit.command("node");
    process::output(node.args(["-e", script]).args(files))
}

/// All files under a folder by their path in it; none if there is no such folder.
pub(crate) fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        if !next.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                let name = path.file_name().unwrap_or_default();
                if name != "node_modules" && name != "target" && name != ".git" {
                    open.push(path);
                }
            } else {
                let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                found.insert(name, path);
            }
        }
    }
    Ok(found)
}

fn hash_folder(folder: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for (name, file) in files(folder)? {
        hash.update(name);
        hash.update(fs::read(file)?);
    }
    Ok(hex::encode(hash.finalize()).chars().take(12).collect())
}

fn same(one: &Path, other: &Path) -> Result<bool> {
    Ok(other.is_dir() && hash_folder(one)? == hash_folder(other)?)
}

fn clear(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for (name, file) in files(from)? {
        let target = to.join(name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(file, target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_worker_keeps_every_file_and_changes_with_each() {
        let folder = std::env::temp_dir().join(format!("xtask-sw-{}", std::process::id()));
        clear(&folder.join("app/0123")).unwrap();
        fs::write(folder.join("index.html"), "page").unwrap();
        fs::write(folder.join("app/0123/boot.js"), "1").unwrap();
        let template = "const V = '{{version}}', F = {{files}};";
        let first = service_worker(template, &folder).unwrap();
        assert!(first.contains("\"/\"") && first.contains("\"/app/0123/boot.js\""), "{first}");
        assert!(!first.contains("index.html") && !first.contains("{{"), "{first}");
        assert_eq!(first, service_worker(template, &folder).unwrap());
        fs::write(folder.join("index.html"), "another page").unwrap();
        assert_ne!(first, service_worker(template, &folder).unwrap());
        assert!(service_worker("{{files}}", &folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
