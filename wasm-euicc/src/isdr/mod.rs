//! The ISD-R: local profile management and remote SIM provisioning (SGP.22 §2.4).
//!
//! `dispatch` hands each STORE DATA chain here as one request and takes the
//! answer; a change of the enabled profile is told back in [`Effects`].

use apdu::StatusWord;
use tlv::{Tag, Writer};

use crate::dispatch::{Answer, Cat, Terminal};
use crate::nvm::Store;
use crate::{Env, Options};

/// What of the RSP session does not survive a reset.
#[derive(Default)]
pub struct Session {}

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
pub fn store_data(_context: &mut IsdrContext<'_>, payload: &[u8]) -> Result<Vec<u8>, StatusWord> {
    match tlv::head(payload) {
        Ok(Some(_)) => Err(StatusWord::REFERENCE_NOT_FOUND),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

/// The terminal answered a proactive command of the ISD-R.
pub fn proactive_answered(_context: &mut IsdrContext<'_>, _answer: Answer) {}

/// The channel on which the ISD-R was selected is closed.
pub fn deselected(_context: &mut IsdrContext<'_>) {}

/// The chip is being reset: what was only waiting for it happens now.
pub fn reset(_context: &mut IsdrContext<'_>) {}

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
                    template.tlv(Tag(0x82), &[2, 2, 2]);
                });
        })
        .finish()
}

/// Answer to SELECT of the ECASD.
#[must_use]
pub fn ecasd_fci() -> Vec<u8> {
    Writer::new()
        .nested(Tag(0x6F), |fci| {
            fci.tlv(Tag(0x84), &Options::ECASD_AID).nested(Tag(0xA5), |proprietary| {
                proprietary.tlv(Tag(0x9F65), &[0xFF]);
            });
        })
        .finish()
}
