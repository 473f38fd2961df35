//! Decoders against contents that other people published, and against anything.

mod card;
mod contents;
mod hostile;
mod parameters;
mod published;

use words::Language;

use crate::{Entry, Hints, Node, Value, decode, entries};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The file with a name, in the group whose application and path have these names.
fn entry(application: crate::Application, name: &str) -> &'static Entry {
    let mut list = entries().filter(|(own, _, entry)| *own == application && entry.name == name);
    list.next().map(|(_, _, entry)| entry).unwrap_or_else(|| panic!("{application:?} {name}"))
}

fn read(entry: &Entry, hex: &str) -> Vec<Node> {
    decode(Some(entry), &vectors::bytes(hex), &Hints::default())
}

fn find<'a>(nodes: &'a [Node], name: &str) -> &'a Node {
    nodes.iter().find_map(|node| node.find(name)).unwrap_or_else(|| panic!("{name} in {nodes:#?}"))
}

/// What a node says, in English.
fn say(nodes: &[Node], name: &str) -> String {
    find(nodes, name).value.say(Language::English)
}

/// All nodes with this name, in their order.
fn all<'a>(nodes: &'a [Node], name: &str) -> Vec<&'a Node> {
    let mut list = Vec::new();
    for node in nodes {
        if node.name.say(Language::English) == name {
            list.push(node);
        }
        list.extend(all(&node.parts, name));
    }
    list
}

fn is_on(node: &Node) -> bool {
    match node.value {
        Value::Flag(on) => on,
        _ => panic!("{node:?} is no flag"),
    }
}
