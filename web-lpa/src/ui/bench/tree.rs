//! A decoded message as nested lists.

use leptos::prelude::*;
use trace::{Node, Secrecy};
use words::Text;

use crate::ui::{Context, context};

/// Most lines that are shown.
const LINES: usize = 400;
/// Longest value that is shown, in characters.
const VALUE: usize = 120;

#[component]
pub(super) fn Tree(nodes: Vec<Node>, label: Text) -> impl IntoView {
    let Context { say, hidden, .. } = context();
    move || {
        let mut left = LINES;
        let lines = list(&nodes, hidden.get(), &mut left);
        let cut = left == 0;
        view! {
            <div class="decoded" tabindex="0" role="group" aria-label=say.of(label)>
                {lines}
                {cut.then(|| view! {
                    <p class="help">{say.of(Text::new("What comes after is not shown.", "これ以降は省略しています。"))}</p>
                })}
            </div>
        }
    }
}

fn list(nodes: &[Node], hidden: bool, left: &mut usize) -> AnyView {
    let say = context().say;
    let mut items = Vec::new();
    for node in nodes {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let value = trace::spoken(&node.name, &shown(node, hidden));
        let name = node.name.to_string();
        let fault = node.fault;
        let children = if node.children.is_empty() { None } else { Some(list(&node.children, hidden, left)) };
        items.push(view! {
            <li class:wrong=fault><span class="field">{name}</span>" "<code>{say.of(value)}</code>{children}</li>
        });
    }
    view! { <ul>{items}</ul> }.into_any()
}

fn shown(node: &Node, hidden: bool) -> String {
    let letters = node.value.chars().count();
    if hidden && node.secrecy != Secrecy::Open && letters > 0 {
        let end: String = match node.secrecy {
            Secrecy::Identifier => node.value.chars().skip(letters.saturating_sub(6)).collect(),
            _ => String::new(),
        };
        return format!("…{end}");
    }
    if letters > VALUE {
        let start: String = node.value.chars().take(VALUE).collect();
        return format!("{start}…");
    }
    node.value.clone()
}
