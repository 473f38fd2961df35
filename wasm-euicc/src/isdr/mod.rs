//! The ISD-R: local profile management and remote SIM provisioning (SGP.22 §2.4).
//!
//! ```text
//!   store_data ─► Es10Command::parse ─► es10a · es10b · es10c ─┬─► isdp   profiles
//!        └──────► load (a bound profile package) ──────────────┼─► notification
//!                                                              ├─► crl    revocation
//!                                                              └─► ecasd  signatures
//! ```
//!
//! `dispatch` hands each STORE DATA chain here as one request and takes the
//! answer; a change of the enabled profile is told back in [`Effects`].

mod command;
pub(crate) mod configuration;
mod crl;
mod es10a;
mod es10b;
mod es10c;
pub(crate) mod keys;
mod load;
pub(crate) mod notification;
mod one_time_keys;
mod session;

pub(crate) use load::check_against_metadata;
pub use session::Session;

use apdu::StatusWord;
use rsp::DataObject as _;
use rsp::bpp::BOUND_PROFILE_PACKAGE;
use tlv::{Tag, Writer};

use crate::dispatch::{Answer, Cat, Terminal};
use crate::isdp::switch::Change;
use crate::nvm::{Error, Store};
use crate::{Env, Options};
use command::Es10Command;
use session::State;

/// What the ISD-R works with during one command.
pub struct IsdrContext<'a> {
    /// Chance and the medium.
    pub env: &'a mut dyn Env,
    /// The memory.
    pub store: &'a mut Store,
    /// The RSP session.
    pub session: &'a mut Session,
    /// How the chip was made.
    pub options: &'a Options,
    /// What the terminal can do.
    pub terminal: &'a Terminal,
    /// Proactive commands.
    pub cat: &'a mut Cat,
    /// What the dispatcher has to do afterwards.
    pub effects: Effects,
}

/// What the dispatcher has to do after a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Another profile, or none, is enabled now: other channels are closed,
    /// selections and verified PINs are forgotten.
    pub profile_switched: bool,
}

/// Executes one ES10 request, or takes one segment of a bound profile package.
/// Returns response data, possibly none.
///
/// # Errors
/// The status word for what is not a request of ES10; functional errors are
/// answers.
pub fn store_data(context: &mut IsdrContext<'_>, payload: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let answer = request(context, payload);
    if let Err(word) = answer {
        let because = match word {
            StatusWord::REFERENCE_NOT_FOUND => "names no function of this chip",
            StatusWord::WRONG_DATA => "is malformed",
            StatusWord::CONDITIONS => "comes at a time when it may not",
            _ => "meets a memory that failed",
        };
        let begin = payload.get(..payload.len().min(3)).unwrap_or_default();
        context.env.trace(format_args!("STORE DATA: {word}: a request beginning {begin:02X?} {because}"));
    }
    answer
}

fn request(context: &mut IsdrContext<'_>, payload: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if let State::Loading(load) = &context.session.state
        && !Es10Command::is_one(payload)
    {
        // Between two parts of a package a request that nobody knows is told from its next part.
        if load.is_between_parts() && Es10Command::is_unknown_one(payload) {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }
        return load::feed(context, payload);
    }
    let head = tlv::head(payload).map_err(|_| StatusWord::WRONG_DATA)?;
    if head.is_none() && tlv::tag(payload) != Ok(Some(BOUND_PROFILE_PACKAGE)) {
        return Err(StatusWord::WRONG_DATA);
    }
    match head.map(|head| head.tag) {
        None | Some(BOUND_PROFILE_PACKAGE) => load::feed(context, payload),
        // Segments of a package that nobody began, or that has failed.
        Some(Tag(0x86..=0x88 | 0xA0..=0xA3)) => Err(StatusWord::CONDITIONS),
        Some(_) => execute(context, Es10Command::parse(payload)?),
    }
}

fn execute(context: &mut IsdrContext<'_>, command: Es10Command) -> Result<Vec<u8>, StatusWord> {
    match command {
        Es10Command::GetEuiccConfiguredAddresses => es10a::configured_addresses(context),
        Es10Command::SetDefaultDpAddress(request) => es10a::set_default_dp_address(context, &request),
        Es10Command::GetEuiccInfo1 => es10b::euicc_info1(context),
        Es10Command::GetEuiccInfo2 => {
            es10b::euicc_info2(context.store).map(|info| info.encode()).ok_or(StatusWord::CONDITIONS)
        }
        Es10Command::GetEuiccChallenge => es10b::euicc_challenge(context),
        Es10Command::AuthenticateServer(request) => es10b::authenticate_server(context, &request),
        Es10Command::PrepareDownload(request) => es10b::prepare_download(context, &request),
        Es10Command::CancelSession(request) => es10b::cancel_session(context, &request),
        Es10Command::LoadCrl(request) => crl::load_crl(context, &request),
        Es10Command::ListNotification(events) => Ok(es10b::list_notification(context, events)),
        Es10Command::RetrieveNotificationsList(filter) => Ok(es10b::retrieve_notifications(context, filter)),
        Es10Command::RemoveNotificationFromList(number) => es10b::remove_notification(context, number),
        Es10Command::GetRat => es10b::rules_authorisation_table(context),
        Es10Command::GetProfilesInfo(request) => Ok(es10c::profiles_info(context, request.as_ref()).encode()),
        Es10Command::ChangeState(request) => es10c::change_state(context, &request),
        Es10Command::DeleteProfile(request) => es10c::delete_profile(context, &request),
        Es10Command::MemoryReset(request) => es10c::memory_reset(context, request),
        Es10Command::SetNickname(request) => es10c::set_nickname(context, &request),
        Es10Command::GetEid => es10c::eid(context),
    }
}

/// The terminal answered a proactive command of the ISD-R: the profile change
/// that waited for it takes place, or does not (SGP.22 §3.2.1).
pub fn proactive_answered(context: &mut IsdrContext<'_>, answer: Answer) {
    /// General results from here on are permanent problems.
    const PERMANENT: u8 = 0x30;
    if answer.performed() {
        perform_pending(context);
    } else if answer.result >= PERMANENT {
        let mut tx = context.store.begin();
        tx.delete(keys::PENDING_CHANGE);
        // Should the medium fail the change waits on.
        let _: Result<(), Error> = tx.commit(context.env.medium());
    }
}

/// The channel on which the ISD-R was selected is closed: a load that was going
/// on is interrupted.
pub fn deselected(context: &mut IsdrContext<'_>) {
    // Should the medium fail the next power-up makes up for it.
    let _: Result<(), StatusWord> = load::interrupt(context);
}

/// The chip is being reset or powered up: what was only waiting for it happens
/// now, and what was cut off is told.
pub fn reset(context: &mut IsdrContext<'_>) {
    perform_pending(context);
    context.session.state = State::Idle;
    // Should the medium fail it is tried again at the next reset.
    let _: Result<(), Error> = load::recover(context);
}

fn perform_pending(context: &mut IsdrContext<'_>) {
    let Some(change) = Change::pending(context.store) else { return };
    let mut tx = context.store.begin();
    tx.delete(keys::PENDING_CHANGE);
    let done = change.apply(&mut tx);
    if done.and_then(|()| tx.commit(context.env.medium())).is_ok() {
        context.effects.profile_switched = true;
    }
}

/// The status word for a memory that did not do what it was asked to.
fn memory_problem(error: Error) -> StatusWord {
    match error {
        Error::Full => StatusWord::NOT_ENOUGH_MEMORY,
        _ => StatusWord::MEMORY_PROBLEM,
    }
}

/// Answer to SELECT of the ISD-R (SGP.22 §5.7.1, GlobalPlatform §11.9.3.1).
#[must_use]
pub fn fci(options: &Options) -> Vec<u8> {
    Writer::new()
        .nested(Tag(0x6F), |fci| {
            fci.tlv(Tag(0x84), &options.isdr_aid)
                .nested(Tag(0xA5), |proprietary| {
                    proprietary.tlv(Tag(0x9F65), &[0xFF]);
                })
                .nested(Tag(0xE0), |template| {
                    template.tlv(Tag(0x82), &options.svn);
                });
        })
        .finish()
}

/// Answer to SELECT of the ECASD.
#[must_use]
pub fn ecasd_fci() -> Vec<u8> {
    Writer::new()
        .nested(Tag(0x6F), |fci| {
            fci.tlv(Tag(0x84), &rsp::ids::ECASD).nested(Tag(0xA5), |proprietary| {
                proprietary.tlv(Tag(0x9F65), &[0xFF]);
            });
        })
        .finish()
}

#[cfg(test)]
mod tests;
