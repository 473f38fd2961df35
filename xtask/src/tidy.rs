//! The rules of ARCHITECTURE.md that no compiler holds, held by reading the workspace.
//!
//! Rules about code look at code: comments and strings are blanked first.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::metadata::{Metadata, Package};
use crate::place::Place;
use crate::process;

/// I1 and the arrows of the map: what a member may depend on of ours (tests apart).
const MAY_DEPEND: [(&str, &[&str]); 29] = [
    ("tlv", &[]),
    ("aka", &[]),
    ("suci", &[]),
    ("httpsig", &[]),
    ("vectors", &[]),
    ("openapi-check", &[]),
    ("apdu", &["tlv"]),
    ("at", &["apdu"]),
    ("card-bridge", &["apdu", "lpac", "vpcd"]),
    ("vpcd", &["apdu"]),
    ("lpac", &["apdu"]),
    ("rsp", &["tlv"]),
    ("rsp-crypto", &["rsp", "tlv"]),
    ("ota", &["tlv"]),
    ("saip", &["rsp", "tlv"]),
    ("words", &[]),
    ("ccid", &["words"]),
    ("lpa", &["rsp", "apdu", "tlv", "words"]),
    ("trace", &["rsp", "apdu", "tlv", "words"]),
    ("ef", &["apdu", "tlv", "words"]),
    // The laboratory for the command line and the npm package; see `linked` for the page.
    (
        "wasm-euicc",
        &["apdu", "at", "lpac", "vpcd", "rsp", "rsp-crypto", "saip", "aka", "suci", "ota", "tlv", "lab"],
    ),
    (
        "web-lpa",
        &["lpa", "trace", "ef", "words", "apdu", "rsp", "tlv", "httpsig", "at", "card-bridge", "ccid"],
    ),
    // The page knows it as a worker at an address, not as a crate.
    ("qr-reader", &[]),
    ("edge-smdp", &["rsp", "rsp-crypto", "saip", "aka", "suci", "tlv", "httpsig"]),
    // The server's JSON is what it is documented to be, not a type that both share.
    ("smdp-console", &["rsp"]),
    ("net-policy-worker", &["aka", "suci", "rsp"]),
    ("www", &[]),
    ("lab", &["rsp-crypto", "saip", "suci", "rsp", "tlv"]),
    ("xtask", &["lab", "vectors"]),
];

/// Members that exist for tests only and may depend on everything.
const DEV_ONLY: [&str; 4] = ["fuzz", "openapi-check", "testkit", "vectors"];

/// I1: these meet only in bytes and HTTP.
const PARTIES: [&str; 5] = ["wasm-euicc", "web-lpa", "edge-smdp", "smdp-console", "net-policy-worker"];

/// I2: what a crate below the members must not depend on; its tests may, and what of it is a
/// program, by a feature.
const WORLDLY_CRATES: [&str; 11] = [
    "wasm-bindgen",
    "wasm-bindgen-test",
    "wasm-bindgen-futures",
    "web-sys",
    "js-sys",
    "worker",
    "tokio",
    "getrandom",
    "leptos",
    "ureq",
    "console_error_panic_hook",
];

/// I2 and I4: names by which the world is reached.
const WORLDLY_NAMES: [&str; 16] = [
    "wasm_bindgen",
    "web_sys",
    "js_sys",
    "worker::",
    "tokio::",
    "getrandom",
    "SystemTime::now",
    "Instant::now",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "ToSocketAddrs",
    "std::env",
    "std::process",
    "std::thread",
    "OsRng",
];

/// I4: where a member may touch the platform, as paths under its `src/`; members that are not
/// listed may anywhere, crates below the members nowhere.
const PLATFORM: [(&str, &[&str]); 4] = [
    ("card-bridge", &["bin/"]),
    ("wasm-euicc", &["wasm.rs", "wasm/", "nvm/medium.rs", "bin/"]),
    (
        "edge-smdp",
        &["worker.rs", "worker/", "store/durable.rs", "store/shard.rs", "store/shard/", "crypto.rs"],
    ),
    ("net-policy-worker", &["worker.rs", "worker/", "store/durable.rs", "store/durable/"]),
];

/// Reads the workspace and reports every rule that is broken.
pub(crate) fn check(place: &Place, metadata: &Metadata) -> Result<()> {
    let mut findings = Vec::new();
    dependencies(metadata, &mut findings);
    linked(metadata, &mut findings)?;
    manifests(metadata, &mut findings)?;
    platform(place, metadata, &mut findings)?;
    browser_tests(place, metadata, &mut findings)?;
    texts(place, &mut findings)?;
    versions(place, metadata, &mut findings)?;
    for worker in crate::build::WORKERS {
        findings.extend(logs(worker, &crate::stack::configuration(place, worker)?));
    }
    crate::conformance::check(place, metadata, &mut findings)?;
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    println!("{} members, every rule holds", metadata.members().count());
    Ok(())
}

/// I1: the arrows of the map.
fn dependencies(metadata: &Metadata, findings: &mut Vec<String>) {
    let ours: BTreeSet<&str> = metadata.members().map(|member| member.name.as_str()).collect();
    for member in metadata.members() {
        if DEV_ONLY.contains(&member.name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_DEPEND.iter().find(|(name, _)| *name == member.name) else {
            findings
                .push(format!("I1: {} is not in the map: say in tidy.rs what it may depend on", member.name));
            continue;
        };
        for dependency in &member.dependencies {
            let (name, for_tests) = (dependency.name.as_str(), dependency.kind.as_deref() == Some("dev"));
            if !ours.contains(name) || (for_tests && !PARTIES.contains(&name)) {
                continue;
            }
            if !allowed.contains(&name) {
                findings.push(format!("I1: {} must not depend on {name}", member.name));
            }
        }
    }
}

/// I2 and I3: what ends up linked.
fn linked(metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    for member in
        metadata.members().filter(|member| is_crate(member) && !DEV_ONLY.contains(&member.name.as_str()))
    {
        for dependency in member.dependencies.iter().filter(|d| d.kind.is_none() && !d.optional) {
            if WORLDLY_CRATES.contains(&dependency.name.as_str()) {
                findings.push(format!("I2: {} must not depend on {}", member.name, dependency.name));
            }
        }
    }
    if metadata.linked(metadata.member("wasm-euicc")?).contains("lab") {
        findings.push("the page's chip links lab; it is given its identity".to_owned());
    }
    for name in ["web-lpa", "lpa"] {
        if metadata.linked(metadata.member(name)?).contains("rsp-crypto") {
            findings.push(format!("I3: {name} links rsp-crypto; an LPA reads no profile"));
        }
    }
    Ok(())
}

/// What every manifest says: the workspace's licence, lints, and versions.
fn manifests(metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    for member in metadata.members() {
        if member.license.as_deref() != Some("Apache-2.0 OR MIT") {
            findings.push(format!("licence: {} is not `Apache-2.0 OR MIT`", member.name));
        }
        let text = fs::read_to_string(&member.manifest_path)?;
        findings.extend(manifest(&member.name, &text));
    }
    Ok(())
}

fn manifest(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let (mut section, mut lints) = (String::new(), false);
    let own_version = |dependency: &str| {
        format!("versions: {name} gives {dependency} a version of its own; the workspace has them")
    };
    // A table `[dependencies.name]` takes the workspace's version on one of its lines.
    let mut table: Option<(String, bool)> = None;
    let close = |table: &mut Option<(String, bool)>, findings: &mut Vec<String>| {
        if let Some((dependency, false)) = table.take() {
            findings.push(own_version(&dependency));
        }
    };
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with('[') && line.ends_with(']') {
            close(&mut table, &mut findings);
            line.trim_matches(['[', ']']).clone_into(&mut section);
            table = section.split_once("dependencies.").map(|(_, dependency)| (dependency.to_owned(), false));
        } else if let Some((_, from_workspace)) = &mut table {
            *from_workspace |= line == "workspace = true";
        } else if section == "lints" {
            lints |= line == "workspace = true";
        } else if section.ends_with("dependencies") && line.contains('=') {
            let (dependency, value) = line.split_once('=').unwrap_or((line, ""));
            // Tests may ask the member itself for its features.
            let itself = dependency.trim() == name && value.contains("path = \".\"");
            if !dependency.trim().ends_with(".workspace") && !value.contains("workspace = true") && !itself {
                findings.push(own_version(dependency.trim()));
            }
        }
    }
    close(&mut table, &mut findings);
    if !lints {
        findings.push(format!("lints: {name} does not take the workspace's"));
    }
    findings
}

/// I2 and I4: who names the world.
fn platform(place: &Place, metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    for member in metadata.members() {
        let source = member.folder().join("src");
        let (rule, doors): (&str, &[&str]) = if DEV_ONLY.contains(&member.name.as_str()) {
            continue;
        } else if let Some((_, doors)) = PLATFORM.iter().find(|(name, _)| *name == member.name) {
            ("I4", doors)
        } else if is_crate(member) {
            ("I2", &[])
        } else {
            continue;
        };
        for (name, file) in crate::build::files(&source)? {
            let is_test = name == "tests.rs" || name.contains("tests/") || name.ends_with("/tests.rs");
            if !name.ends_with(".rs") || is_test || doors.iter().any(|door| name.starts_with(door)) {
                continue;
            }
            let shown = file.strip_prefix(&place.root).unwrap_or(&file).display().to_string();
            let text = fs::read_to_string(&file)?;
            for (line, word) in names(&text, &WORLDLY_NAMES) {
                findings.push(format!(
                    "{rule}: {shown}:{line}: {word} is the platform's; it comes in as an argument"
                ));
            }
        }
    }
    Ok(())
}

/// Where one of the words stands in the code of a file, its test module apart.
fn names<'a>(text: &str, words: &[&'a str]) -> Vec<(usize, &'a str)> {
    let code = code_of(text);
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        // By custom the tests are the last module of a file.
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        for word in words {
            let whole = line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            });
            if whole {
                found.push((index + 1, *word));
            }
        }
    }
    found
}

/// Tests of a member that is tested in a browser too are all meant for it: without their
/// other name they would be compiled there and never run.
fn browser_tests(place: &Place, metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    for member in metadata.members().filter(|member| member.is_tested_in_browser()) {
        for folder in ["src", "tests"].map(|name| member.folder().join(name)) {
            if !folder.is_dir() {
                continue;
            }
            for (name, file) in crate::build::files(&folder)? {
                if name.ends_with(".rs") && only_native(&fs::read_to_string(&file)?) {
                    let shown = file.strip_prefix(&place.root).unwrap_or(&file).display();
                    findings.push(format!("tests: {shown}: on wasm32, {IN_BROWSER}"));
                }
            }
        }
    }
    Ok(())
}

/// What makes a file's `#[test]` one of the browser's.
const IN_BROWSER: &str = "use wasm_bindgen_test::wasm_bindgen_test as test;";

/// What a file of tests says that is meant for no browser; why is told beside it.
const NATIVE: &str = "#![cfg(not(target_arch = \"wasm32\"))] // ";

/// Whether a file has tests that no browser would run, and does not say so.
fn only_native(text: &str) -> bool {
    let code = code_of(text);
    let says_so = text.lines().any(|line| line.starts_with(NATIVE));
    code.lines().any(|line| line.trim() == "#[test]") && !code.contains(IN_BROWSER) && !says_so
}

/// The text with comments and the insides of strings blanked, line by line the same.
fn code_of(text: &str) -> String {
    #[derive(PartialEq)]
    enum In {
        Code,
        Comment,
        Block(u32),
        Text,
        Raw(usize),
    }
    let bytes: Vec<char> = text.chars().collect();
    let at = |index: usize| bytes.get(index).copied().unwrap_or('\0');
    let (mut state, mut out, mut i) = (In::Code, String::with_capacity(text.len()), 0);
    while i < bytes.len() {
        let c = at(i);
        let mut skip = 1;
        let keep = match state {
            In::Code => {
                if c == '/' && at(i + 1) == '/' {
                    state = In::Comment;
                } else if c == '/' && at(i + 1) == '*' {
                    (state, skip) = (In::Block(1), 2);
                } else if c == '"' {
                    state = In::Text;
                } else if c == 'r'
                    && matches!(at(i + 1), '"' | '#')
                    && !at(i.wrapping_sub(1)).is_alphanumeric()
                {
                    let hashes = (i + 1..).take_while(|&j| at(j) == '#').count();
                    if at(i + 1 + hashes) == '"' {
                        (state, skip) = (In::Raw(hashes), hashes + 2);
                    }
                } else if c == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
                    // A character, not a lifetime.
                    skip = (i + 2..).find(|&j| at(j) == '\'' || at(j) == '\0').unwrap_or(i) + 1 - i;
                }
                state == In::Code
            }
            In::Comment => {
                if c == '\n' {
                    state = In::Code;
                }
                false
            }
            In::Block(depth) => {
                if c == '*' && at(i + 1) == '/' {
                    (state, skip) = (if depth == 1 { In::Code } else { In::Block(depth - 1) }, 2);
                } else if c == '/' && at(i + 1) == '*' {
                    (state, skip) = (In::Block(depth + 1), 2);
                }
                false
            }
            In::Text => {
                if c == '\\' {
                    skip = 2;
                } else if c == '"' {
                    state = In::Code;
                }
                false
            }
            In::Raw(hashes) => {
                if c == '"' && (1..=hashes).all(|j| at(i + j) == '#') {
                    (state, skip) = (In::Code, hashes + 1);
                }
                false
            }
        };
        for j in i..(i + skip).min(bytes.len()) {
            out.push(match at(j) {
                '\n' => '\n',
                c if keep => c,
                _ => ' ',
            });
        }
        i += skip;
    }
    out
}

/// What no file of the repository may say.
fn texts(place: &Place, findings: &mut Vec<String>) -> Result<()> {
    // Put together here so that this file does not find itself.
    let unfinished = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let machine = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/tm", "p/"),
        concat!("/Us", "ers/"),
    ];
    let mut git = Command::new("git");
    git.current_dir(&place.root).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for name in process::output(&mut git)?.lines() {
        // Written by tools, or binary.
        if name.ends_with(".lock") || name.ends_with("package-lock.json") {
            continue;
        }
        let Ok(text) = fs::read_to_string(place.root.join(name)) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in unfinished.iter().filter(|word| contains_word(line, word)) {
                findings.push(format!("unfinished: {name}:{}: {word}", index + 1));
            }
            for path in machine.iter().filter(|path| contains_path(line, path)) {
                findings.push(format!("machine path: {name}:{}: {path}", index + 1));
            }
        }
    }
    Ok(())
}

fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joined(before) && (word.ends_with(':') || !joined(after))
    })
}

/// Whether a line names a folder of somebody's machine: the path starts there and goes on.
fn contains_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '/'))
            && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
    })
}

/// Pins that stand in two places.
fn versions(place: &Place, metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    let version = |name: &str| metadata.packages.iter().find(|p| p.name == name).map(|p| p.version.clone());
    let bindgen = version("wasm-bindgen").context("no wasm-bindgen in the lock file")?;
    let tools = fs::read_to_string(place.root.join("xtask/tools/Cargo.toml"))?;
    if !tools.contains(&format!("wasm-bindgen-cli = {{ version = \"={bindgen}\"")) {
        findings
            .push(format!("versions: xtask/tools must have wasm-bindgen-cli ={bindgen}, as the lock file"));
    }
    let worker = version("worker").context("no worker in the lock file")?;
    let setup = fs::read_to_string(place.root.join("xtask/src/setup/tools.rs"))?;
    if !setup.contains(&format!("WORKER_BUILD: &str = \"{worker}\"")) {
        findings.push(format!("versions: the set-up must install worker-build {worker}, as the lock file"));
    }
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "rust-toolchain.toml", "Cargo.lock"] {
        if !place.root.join(file).is_file() {
            findings.push(format!("{file} is missing"));
        }
    }
    Ok(())
}

/// What a worker's `wrangler.jsonc` says of logs: its own lines are kept, and the platform's own of
/// every request are not, which hold URLs, and those ICCIDs and IMSIs.
fn logs(worker: &str, configuration: &serde_json::Value) -> Vec<String> {
    let logs = &configuration["observability"]["logs"];
    let mut findings = Vec::new();
    // Left out it is on.
    if logs["invocation_logs"] != false {
        findings.push(format!("logs: {worker}/wrangler.jsonc keeps lines of the platform with whole URLs"));
    }
    if logs["enabled"] != true || configuration["observability"]["enabled"] != true {
        findings.push(format!("logs: {worker}/wrangler.jsonc keeps no lines at all"));
    }
    findings
}

/// Whether a member is one of the crates below the programs.
fn is_crate(member: &Package) -> bool {
    member.folder().parent().and_then(Path::file_name).is_some_and(|folder| folder == "crates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_is_neither_comment_nor_string() {
        let text = "let a = \"std::fs\"; // std::fs\n/* std::fs /* nested */ std::fs */ use std::fs;\n\
                    let b = r#\"std::env \" std::env\"#; let c = '\"'; std::env;\nfn f<'a>(x: &'a str) {}";
        let code = code_of(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(names(text, &["std::fs", "std::env"]), [(2, "std::fs"), (3, "std::env")]);
        assert!(code.contains("fn f<'a>(x: &'a str) {}"));
    }

    #[test]
    fn names_are_whole_and_tests_may_say_them() {
        assert_eq!(names("my_worker::x; worker::y;", &["worker::"]), [(1, "worker::")]);
        assert_eq!(names("my_worker::x;", &["worker::"]), []);
        assert_eq!(names("#[cfg(test)]\nmod tests { use std::fs; }", &["std::fs"]), []);
    }

    #[test]
    fn tests_without_their_other_name_are_found() {
        assert!(only_native("#[test]\nfn a() {}"));
        assert!(!only_native(&format!("{IN_BROWSER}\n#[test]\nfn a() {{}}")));
        assert!(only_native(&format!("// {IN_BROWSER}\n    #[test]\nfn a() {{}}")));
        assert!(!only_native("// #[test]\nfn a() {}"));
        assert!(!only_native(&format!("{NATIVE}too long\n#[test]\nfn a() {{}}")));
        assert!(only_native("#![cfg(not(target_arch = \"wasm32\"))]\n#[test]\nfn a() {}"));
    }

    #[test]
    fn a_manifest_takes_versions_and_lints_from_the_workspace() {
        let good = "[lints]\nworkspace = true\n[dependencies]\nrsp.workspace = true\n\
                    web-sys = { workspace = true, features = [\"Usb\"] }\n\
                    [dependencies.js-sys]\nworkspace = true\nfeatures = [\n\"a\",\n]\n";
        assert_eq!(manifest("m", good), Vec::<String>::new());
        let bad = "[dependencies]\nrsp = \"1\"\n[dev-dependencies.x]\nversion = \"1\"\n";
        // A version, a table with one, no lints.
        assert_eq!(manifest("m", bad).len(), 3);
    }

    #[test]
    fn no_worker_keeps_lines_with_urls() {
        let place = Place::find().unwrap();
        for worker in crate::build::WORKERS {
            let configuration = crate::stack::configuration(&place, worker).unwrap();
            assert_eq!(logs(worker, &configuration), Vec::<String>::new());
        }
        let found =
            |observability| logs("w", &serde_json::json!({ "observability": observability })).join(" ");
        for on in [
            serde_json::json!({ "enabled": true }),
            serde_json::json!({ "enabled": true, "logs": { "enabled": true } }),
            serde_json::json!({ "enabled": true, "logs": { "enabled": true, "invocation_logs": true } }),
        ] {
            assert!(found(on).contains("whole URLs"));
        }
        let off =
            serde_json::json!({ "enabled": false, "logs": { "enabled": true, "invocation_logs": false } });
        assert!(found(off).contains("no lines at all"));
        assert!(logs("w", &serde_json::json!({})).len() == 2);
    }

    #[test]
    fn words_and_paths_are_found_where_they_stand_alone() {
        let word = concat!("TO", "DO");
        assert!(contains_word(&format!("// {word}: later"), word));
        assert!(!contains_word(&format!("{word}S"), word));
        let path = concat!("/ho", "me/");
        assert!(contains_path(&format!("see {path}me/file"), path));
        assert!(!contains_path(&format!("https://example.com{path}page"), path));
    }
}
