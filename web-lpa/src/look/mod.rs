//! Looking at a trace, as far as it needs no page: which messages are shown, what a row says,
//! trees and bytes that point at each other, JSON for people.

pub mod address;
pub mod certificates;
pub mod dump;
pub mod json;
pub mod row;
pub mod scene;
pub mod sift;
pub mod tree;
