//! Two traces side by side, by the functions that were called.

use crate::record::{Message, Trace};

/// How a pair of messages differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same bytes and the same ending.
    Same,
    /// The same function with other bytes: another challenge, another signature.
    Bytes,
    /// The same function, which ended otherwise.
    Ending,
    /// Only in the first trace.
    Removed,
    /// Only in the second trace.
    Added,
}

/// A line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Id in the first trace.
    pub left: Option<u32>,
    /// Id in the second trace.
    pub right: Option<u32>,
    /// How they differ.
    pub change: Change,
}

/// Most comparisons of one with another; what is longer is compared in pieces.
const MOST: usize = 1 << 21;

/// Compares two traces: the longest common sequence of functions, and what stands between.
#[must_use]
pub fn diff(left: &Trace, right: &Trace) -> Vec<Pair> {
    let left: Vec<&Message> = left.messages().collect();
    let right: Vec<&Message> = right.messages().collect();
    let mut pairs = Vec::with_capacity(left.len().max(right.len()));
    let (mut one, mut other) = (&left[..], &right[..]);
    // Long traces are cut where both are cut alike, so that the table stays small.
    while one.len().saturating_mul(other.len()) > MOST {
        let (a, b) = (one.split_at(one.len().min(1_024)), other.split_at(other.len().min(1_024)));
        align(a.0, b.0, &mut pairs);
        (one, other) = (a.1, b.1);
    }
    align(one, other, &mut pairs);
    pairs
}

fn alike(one: &Message, other: &Message) -> bool {
    one.name == other.name && one.from == other.from && one.to == other.to
}

fn align(left: &[&Message], right: &[&Message], pairs: &mut Vec<Pair>) {
    // lengths[i][j]: the longest common sequence of what begins at i and j.
    let width = right.len() + 1;
    let mut lengths = vec![0_u32; (left.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, one) in left.iter().enumerate().rev() {
        for (j, other) in right.iter().enumerate().rev() {
            let length = if alike(one, other) {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (left.get(i), right.get(j)) {
            (Some(one), Some(other)) if alike(one, other) => {
                let change = if one.ending != other.ending {
                    Change::Ending
                } else if same_bytes(one, other) {
                    Change::Same
                } else {
                    Change::Bytes
                };
                pairs.push(Pair { left: Some(one.id), right: Some(other.id), change });
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other) if other.is_none() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) => {
                pairs.push(Pair { left: Some(one.id), right: None, change: Change::Removed });
                i += 1;
            }
            (_, Some(other)) => {
                pairs.push(Pair { left: None, right: Some(other.id), change: Change::Added });
                j += 1;
            }
            _ => return,
        }
    }
}

fn same_bytes(one: &Message, other: &Message) -> bool {
    one.parts.len() == other.parts.len()
        && one
            .parts
            .iter()
            .zip(&other.parts)
            .all(|(one, other)| one.request == other.request && one.response == other.response)
}
