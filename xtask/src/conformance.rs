//! `docs/conformance.toml`: which test shows which case. Read by `cargo xtask lint`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::metadata::Metadata;
use crate::place::Place;

/// What shows a case, or why nothing does.
#[derive(Deserialize)]
#[serde(untagged)]
enum Shown {
    /// Tests by their path, scenarios by `table#title`.
    By(Vec<String>),
    /// Somebody is building it.
    Pending { pending: String },
    /// There is no such case in this chip.
    Not { not: String },
}

/// The areas of the list.
const AREAS: [&str; 7] = ["A", "B", "C", "D", "E", "F", "J"];

/// Where the scenario tables are.
const TABLES: &str = "wasm-euicc/tests/scenarios";

/// Reads the list, and reports names that are nobody's and scenarios that nobody names.
pub(crate) fn check(place: &Place, metadata: &Metadata, findings: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(place.root.join("docs/conformance.toml"))?;
    let tests = tests(metadata)?;
    let scenarios = scenarios(place)?;
    findings.extend(compare(&text, &tests, &scenarios)?);
    Ok(())
}

fn compare(text: &str, tests: &BTreeSet<String>, scenarios: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let list: toml::Table = toml::from_str(text).context("docs/conformance.toml")?;
    let mut named = BTreeSet::new();
    for (case, shown) in &list {
        let mut wrong = |what: &str| findings.push(format!("conformance: {case}: {what}"));
        if !AREAS.iter().any(|area| case.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'))) {
            wrong("it is in no area");
        }
        match shown.clone().try_into() {
            Ok(Shown::By(names)) => {
                if names.is_empty() {
                    wrong("nothing shows it, and there is no reason");
                }
                for name in names {
                    let found = if name.contains('#') { scenarios } else { tests };
                    if !found.contains(&name) {
                        wrong(&format!("there is no {name}"));
                    }
                    named.insert(name);
                }
            }
            Ok(Shown::Pending { pending: because } | Shown::Not { not: because }) => {
                if because.trim().is_empty() {
                    wrong("there is no reason");
                }
            }
            Err(error) => wrong(&error.to_string()),
        }
    }
    for scenario in scenarios.difference(&named) {
        findings.push(format!("conformance: no case names the scenario {scenario}"));
    }
    // One case a line, or a line that begins with it: in order, two branches merge easily.
    let order: Vec<&str> = text.lines().filter(|line| line.starts_with('"')).collect();
    let key = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    for pair in order.windows(2) {
        if key(pair[0]) >= key(pair[1]) {
            findings.push(format!("conformance: {} is not in order", key(pair[1])));
        }
    }
    Ok(findings)
}

/// `table#title` of all scenarios.
fn scenarios(place: &Place) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for (name, file) in crate::build::files(&place.root.join(TABLES))? {
        let table = name.trim_end_matches(".txt").to_owned();
        let text = fs::read_to_string(&file)?;
        found.extend(text.lines().filter_map(|line| Some(format!("{table}#{}", line.strip_prefix("== ")?))));
    }
    Ok(found)
}

/// `member::module::test` of all tests; those of a test target begin with its name after the
/// member's.
fn tests(metadata: &Metadata) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for member in metadata.members() {
        for folder in ["src", "tests"] {
            let root = member.folder().join(folder);
            if !root.is_dir() {
                continue;
            }
            for (name, file) in crate::build::files(&root)? {
                let Some(path) = name.strip_suffix(".rs") else { continue };
                let mut modules = vec![member.name.as_str()];
                modules.extend(path.split('/').filter(|part| !matches!(*part, "lib" | "main" | "mod")));
                found.extend(tests_of(&modules.join("::"), &fs::read_to_string(&file)?));
            }
        }
    }
    Ok(found)
}

/// The tests in a file. Modules inside are known by standing at its edge.
fn tests_of(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut module, mut expected) = (None, false);
    for line in text.lines() {
        if line.ends_with('{')
            && let Some(name) = line.trim_end_matches('{').trim().strip_prefix("mod ")
            && line.starts_with("mod ")
        {
            module = Some(name.to_owned());
        } else if line == "}" {
            module = None;
        }
        let code = line.trim();
        if code == "#[test]" {
            expected = true;
        } else if expected
            && let Some((_, rest)) = code.split_once("fn ")
            && let Some((name, _)) = rest.split_once('(')
        {
            let inside = module.as_ref().map(|module| format!("::{module}")).unwrap_or_default();
            found.push(format!("{path}{inside}::{name}"));
            expected = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_paths() {
        let text = "#[test]\nfn a() {}\nproptest! {\n    #[test]\n    fn b(x in 0..1) {}\n}\nfn none() {}\n\
                    mod tests {\n    #[test]\n    #[ignore]\n    fn c() {}\n}\n";
        assert_eq!(tests_of("m", text), ["m::a", "m::b", "m::tests::c"]);
    }

    #[test]
    fn a_list_that_names_nobody_is_found() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let (tests, scenarios) = (set(&["m::a"]), set(&["t#one", "t#two"]));
        let good =
            "\"A.x\" = [\"m::a\", \"t#one\"]\n\"B.y\" = [\"t#two\"]\n\"D.z\" = { pending = \"why\" }\n";
        assert_eq!(compare(good, &tests, &scenarios).unwrap(), Vec::<String>::new());
        for (bad, expected) in [
            ("\"A.x\" = [\"t#one\", \"t#two\", \"m::b\"]", "there is no m::b"),
            ("\"A.x\" = [\"t#one\"]", "no case names the scenario t#two"),
            ("\"A.x\" = [\"t#one\", \"t#two\", \"t#three\"]", "there is no t#three"),
            ("\"G.x\" = [\"t#one\", \"t#two\"]", "no area"),
            ("\"A.x\" = [\"t#one\", \"t#two\"]\n\"A.y\" = { not = \"\" }", "no reason"),
            ("\"A.x\" = [\"t#one\", \"t#two\"]\n\"A.y\" = []", "no reason"),
            ("\"B.x\" = [\"t#one\", \"t#two\"]\n\"A.y\" = [\"m::a\"]", "not in order"),
        ] {
            let findings = compare(bad, &tests, &scenarios).unwrap();
            assert!(findings.len() == 1 && findings[0].contains(expected), "{bad}: {findings:?}");
        }
    }
}
