//! Calls of ES2+ that were executed: a repeat gets the answer of the first, however late, or none.

use rsp::es9::Base64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Profile;

/// How many calls of ES2+ can be repeated.
const MAX_CALLS: usize = 8;
/// Of how many earlier ones it is known that they were executed.
const MAX_OLD_CALLS: usize = 120;

/// A call of ES2+ and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Requester and identifier.
    pub id: String,
    /// MAC over function and request.
    pub digest: Base64,
    /// The JSON that was answered.
    pub answer: String,
}

/// What an executed call is known by when its answer is gone: 8 bytes, so that hundreds fit into a record.
fn mark_of(call: &str) -> Base64 {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(call).into();
    Base64(vec![a, b, c, d, e, f, g, h])
}

impl Profile {
    /// The answer to an earlier call with this identifier.
    #[must_use]
    pub fn call(&self, id: &str) -> Option<&FunctionCall> {
        self.calls.iter().find(|call| call.id == id)
    }

    /// Remembers the answer to a call.
    pub fn remember_call(&mut self, call: FunctionCall) {
        if self.calls.len() >= MAX_CALLS {
            let oldest = self.calls.remove(0);
            if self.old_calls.len() >= MAX_OLD_CALLS {
                self.old_calls.remove(0);
            }
            self.old_calls.push(mark_of(&oldest.id));
        }
        self.calls.push(call);
    }

    /// Whether the call with this identifier was executed so long ago that its answer is not kept.
    #[must_use]
    pub fn is_old_call(&self, id: &str) -> bool {
        self.old_calls.contains(&mark_of(id))
    }
}
