//! The LPA's procedures (SGP.22 §3) as machines without input or output of their own.
//!
//! ```text
//!             ┌────────────── Procedure ──────────────┐
//!  Answer ───►│ download · enable · delete · list · … │───► Effect
//!             └───────────────────────────────────────┘
//!   Card(response)                                        Card(command)
//!   Server(answer)                                        Server(ES9+ call)
//!   Reply(what the user said)                             Ask(question)
//!   Continue / Stop                                       Progress(step)
//!                                                         Done(outcome or failure)
//! ```
//!
//! The host performs each effect and resumes the procedure with its answer. All
//! effects pass that one place, so trace, time-outs, faults and retries are the
//! host's and written once. Nothing here reads a profile: an LPA forwards bytes
//! that it cannot open.

mod card;
mod certificate;
mod failure;
mod machine;
mod policy;
mod procedure;
mod server;

pub use card::{ISD_R_AIDS, Options};
pub use failure::{Cause, Failure, Retry, Stage};
pub use machine::{
    Answer, CardLost, Effect, HttpAnswer, Procedure, Progress, Question, Reply, ServerCall, ServerLost, Step,
};
pub use procedure::{
    ChipInfo, NotificationReport, Outcome, Refresh, chip_info, delete, disable, download, enable, list,
    memory_reset, notifications, set_nickname,
};

#[cfg(test)]
mod tests;
