//! The functions of ES9+ and ES2+: from the state of an order, a request and the
//! time to the next state and an answer.
//!
//! The functions of the modules below touch no store. [`crate::SmDp`] reads the
//! record, calls them, and keeps what they made of it, again when somebody else
//! was faster.

pub(crate) mod authenticate;
pub(crate) mod bind;
pub(crate) mod cancel;
pub(crate) mod eligibility;
pub(crate) mod end;
pub(crate) mod es2;
pub(crate) mod feed;
pub(crate) mod initiate;
pub(crate) mod notify;
pub(crate) mod package;
pub mod session;
pub(crate) mod subscriber;
