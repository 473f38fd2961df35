//! JSON on the wire to types and back.

pub mod network;
pub mod operator;
pub mod problem;
pub(crate) mod query;
pub mod subscriber;
pub(crate) mod text;
