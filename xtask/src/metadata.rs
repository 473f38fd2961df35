//! The workspace as cargo sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::place::Place;
use crate::process;
use crate::setup;

/// What `cargo metadata` tells, as far as the tasks ask.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    workspace_default_members: BTreeSet<String>,
    resolve: Option<Resolve>,
}

/// A package of the workspace or of a registry.
#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// What a manifest asks for.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
}

/// A library, program, example or test of a package.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    /// Asks cargo; `triple` keeps only what that target would link.
    pub(crate) fn read(place: &Place, triple: Option<&str>) -> Result<Self> {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&place.root).args(["metadata", "--format-version", "1"]);
        if let Some(triple) = triple {
            cargo.args(["--filter-platform", triple]);
        }
        serde_json::from_str(&process::output(&mut cargo)?).context("cargo metadata's answer")
    }

    /// The members of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Whether a member means something natively (a default member of the workspace).
    fn is_native(&self, package: &Package) -> bool {
        self.workspace_default_members.contains(&package.id)
    }

    /// Arguments that choose the members which mean something natively, with the chip's
    /// command line, and the bridge's where it can be linked.
    pub(crate) fn natively(&self) -> Vec<&str> {
        let others = self.members().filter(|member| !self.is_native(member));
        let features = if setup::has_pcsc_library() {
            "wasm-euicc/cli,edge-smdp/self-test,card-bridge/program"
        } else {
            println!("without the program card-bridge: there is no libpcsclite (Debian: libpcsclite-dev)");
            "wasm-euicc/cli,edge-smdp/self-test"
        };
        let all = ["--workspace", "--features", features];
        all.into_iter().chain(others.flat_map(|member| ["--exclude", &member.name])).collect()
    }

    /// A member by name.
    pub(crate) fn member(&self, name: &str) -> Result<&Package> {
        self.members()
            .find(|package| package.name == name)
            .with_context(|| format!("the workspace has no member {name}"))
    }

    /// Everything a member links, by name; without what only its tests and build scripts need.
    pub(crate) fn linked(&self, member: &Package) -> BTreeSet<&str> {
        let edges: BTreeMap<&str, Vec<&str>> = self
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| {
                let normal = node.deps.iter().filter(|edge| edge.dep_kinds.iter().any(|k| k.kind.is_none()));
                (node.id.as_str(), normal.map(|edge| edge.pkg.as_str()).collect())
            })
            .collect();
        let mut seen = BTreeSet::new();
        let mut open = vec![member.id.as_str()];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(edges.get(id).into_iter().flatten());
            }
        }
        seen.remove(member.id.as_str());
        self.packages.iter().filter(|p| seen.contains(p.id.as_str())).map(|p| p.name.as_str()).collect()
    }

    /// The folders of a member and of all workspace members it is built from.
    pub(crate) fn sources(&self, member: &Package) -> BTreeSet<PathBuf> {
        let linked = self.linked(member);
        self.members()
            .filter(|package| package.name == member.name || linked.contains(package.name.as_str()))
            .map(Package::folder)
            .collect()
    }
}

impl Package {
    /// The folder its manifest lies in.
    pub(crate) fn folder(&self) -> PathBuf {
        self.manifest_path.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// Whether a module for browsers or the edge is made of it.
    pub(crate) fn makes_module(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "cdylib"))
    }

    /// Whether its tests are written for a browser too.
    pub(crate) fn is_tested_in_browser(&self) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == "wasm-bindgen-test")
    }

    /// Whether it has a target of that kind and name.
    pub(crate) fn has(&self, kind: &str, name: &str) -> bool {
        self.targets.iter().any(|target| target.name == name && target.kind.iter().any(|k| k == kind))
    }
}
