//! Everything that the fuzzer has found so far, and what it began with, once more.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;

/// The inputs of `corpus/TARGET`, by name.
fn kept(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

fn replay(target: &str) {
    let (_, run) = fuzz::targets::ALL.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = fuzz::seeds::of(target);
    let kept = kept(target);
    assert!(!seeds.is_empty() && !kept.is_empty(), "{target} has no corpus");
    for (name, bytes) in seeds.into_iter().chain(kept) {
        // Says which one it was, should it fail.
        println!("{target}: {name}");
        run(&bytes);
    }
    // The smallest inputs.
    run(&[]);
    run(&[0]);
}

#[test]
fn apdu() {
    replay("apdu");
}

#[test]
fn at() {
    replay("at");
}

#[test]
fn bound() {
    replay("bound");
}

#[test]
fn bridge() {
    replay("bridge");
}

#[test]
fn ccid_card() {
    replay("ccid_card");
}

#[test]
fn ccid_driver() {
    replay("ccid_driver");
}

#[test]
fn ccid_reader() {
    replay("ccid_reader");
}

#[test]
fn elements() {
    replay("elements");
}

#[test]
fn httpsig() {
    replay("httpsig");
}

#[test]
fn ota() {
    replay("ota");
}

#[test]
fn segments() {
    replay("segments");
}

#[test]
fn store_data() {
    replay("store_data");
}

/// Writes what a corpus begins with into the folder that `FUZZ_SEEDS` names.
#[test]
#[ignore = "writes the seeds into the folder that FUZZ_SEEDS names"]
fn seeds() {
    let folder = std::env::var_os("FUZZ_SEEDS").unwrap();
    for (target, _) in fuzz::targets::ALL {
        let folder = Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in fuzz::seeds::of(target) {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
