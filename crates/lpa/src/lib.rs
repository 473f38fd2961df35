//! The LPA's procedures (SGP.22 §3) as machines without input or output of their own.
//!
//! ```text
//!             ┌────────────── Procedure ──────────────┐
//!  Answer ───►│ download · enable · delete · list · … │───► Effect
//!             └───────────────────────────────────────┘
//!   Card(response)                                        Card(command)
//!   Server(answer)                                        Server(ES9+ or ES11 call)
//!   Reply(what the user said)                             Ask(question)
//!   Continue / Stop                                       Progress(step)
//!   Continue                                              Keep(checkpoint) · Forget(session)
//!   Continue                                              KeepCancellation(it) · ForgetCancellation(session)
//!   Continue                                              Refresh(how)
//!                                                         Done(outcome or failure)
//! ```
//!
//! The host performs each effect and resumes the procedure with its answer. All
//! effects pass that one place, so trace, time-outs, faults and retries are the
//! host's and written once. Nothing here reads a profile: an LPA forwards bytes
//! that it cannot open.
//!
//! A download that is interrupted leaves a [`Checkpoint`] at the host; [`resume`] finds out
//! from the chip what became of it and goes on. One that is given up while the server does not
//! answer, or while the card is gone, leaves a [`Cancellation`]; [`send_cancellation`] sends it
//! again.

mod cancellation;
mod card;
mod certificate;
mod checkpoint;
mod device;
mod failure;
mod machine;
mod policy;
mod procedure;
mod server;
mod words;

pub use cancellation::{Cancellation, Cancellations, send_cancellation};
pub use card::{ISD_R_AIDS, Options};
pub use checkpoint::{Checkpoint, InvalidCheckpoint};
pub use device::{InvalidDevice, device_digits, device_info};
pub use failure::{Cause, Failure, Function, Retry, Stage};
pub use machine::{
    Answer, CardLost, Effect, HttpAnswer, Interface, Lost, Procedure, Progress, Question, Reply, ServerCall,
    ServerLost, Step,
};
pub use procedure::{
    ChipInfo, Event, MemoryChange, NotificationReport, Outcome, Refresh, ServerCheck, check_server,
    chip_info, delete, disable, discover, download, download_default, download_event, enable, list,
    list_notifications, memory_reset, notifications, remove_notification, resume, send_notification,
    set_default_smdp, set_nickname,
};
pub use words::{
    activation_code_advice, activation_code_words, cancel_words, ci_words, event_words, removal_words,
};

#[cfg(test)]
mod tests;
