//! Finding messages.

use crate::decode;
use crate::node::Node;
use crate::record::{Interface, Message, Party, Step};

/// Which messages are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of the name, the decoded names and values, headers, notes; or bytes in hexadecimal, with
    /// spaces or without. Upper and lower case are the same.
    pub text: String,
    /// One of the two parties.
    pub party: Option<Party>,
    /// The interface.
    pub interface: Option<Interface>,
    /// The step.
    pub step: Option<Step>,
    /// Only what failed.
    pub errors: bool,
}

impl Filter {
    /// Whether all are wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a message is wanted. Give it a masked message to find only what is shown.
    #[must_use]
    pub fn passes(&self, message: &Message) -> bool {
        self.party.is_none_or(|party| message.from == party || message.to == party)
            && self.interface.is_none_or(|interface| message.interface == interface)
            && self.step.is_none_or(|step| message.step == Some(step))
            && (!self.errors || message.failed())
            && self.says(message)
    }

    fn says(&self, message: &Message) -> bool {
        let wanted = self.text.trim().to_lowercase();
        if wanted.is_empty() {
            return true;
        }
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        if has(&message.name)
            || has(message.interface.name())
            || has(message.ending.text())
            || message.note.as_deref().is_some_and(has)
        {
            return true;
        }
        if let Some(http) = &message.http {
            let headers = http.request_headers.iter().chain(&http.response_headers);
            if has(&http.url) || headers.into_iter().any(|(name, value)| has(name) || has(value)) {
                return true;
            }
        }
        let digits: String = wanted.split_whitespace().collect();
        let bytes = if digits.len() >= 2 { hex::decode(&digits).ok() } else { None };
        let in_bytes = |side: &[u8]| {
            let text = wanted.as_bytes();
            let plain = text.len() <= side.len()
                && text.len() > 2
                && side.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text));
            plain
                || bytes.as_ref().is_some_and(|bytes| side.windows(bytes.len()).any(|window| window == bytes))
        };
        let decoded = decode(message);
        let sides = [Some(&decoded.request), decoded.response.as_ref()];
        sides
            .into_iter()
            .flatten()
            .any(|side| in_bytes(&side.bytes) || side.nodes.iter().any(|node| names(node, &wanted)))
            || message.parts.iter().any(|part| {
                in_bytes(&part.request) || part.response.as_ref().is_some_and(|response| in_bytes(response))
            })
    }
}

fn names(node: &Node, wanted: &str) -> bool {
    node.name.to_lowercase().contains(wanted)
        || node.value.to_lowercase().contains(wanted)
        || node.children.iter().any(|child| names(child, wanted))
}
