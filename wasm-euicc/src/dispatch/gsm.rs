//! The class of the old SIM, `A0` (3GPP TS 51.011 §9): on the basic channel only, data of
//! its own announced by `9F XX`.

use apdu::{Channel, Command, Response, StatusWord, ins};

use super::channels::Application;
use super::{Env, Euicc};
use crate::uicc::{self, GsmAnswer, Uicc, gsm_status_word};

/// The class byte.
pub(super) const CLASS: u8 = 0xA0;
/// SLEEP: from the first phones; nothing to do.
const SLEEP: u8 = 0xFA;

impl<E: Env> Euicc<E> {
    pub(super) fn gsm(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        let state = self.channels.state(Channel::BASIC)?;
        if command.ins == ins::GET_RESPONSE {
            if command.p1 != 0 || command.p2 != 0 {
                return Err(StatusWord::WRONG_PARAMETERS);
            }
            let data = state.take_waiting(command.le).map_err(gsm_status_word)?;
            return Ok(Response::new(data, StatusWord::OK));
        }
        state.drop_waiting();
        state.break_chain();
        let answer = match command.ins {
            SLEEP => return Ok(StatusWord::OK.into()),
            ins::FETCH => GsmAnswer::Now(self.toolkit(command)?.data),
            ins::TERMINAL_PROFILE | ins::ENVELOPE | ins::TERMINAL_RESPONSE => {
                GsmAnswer::Waits(self.toolkit(command)?.data)
            }
            _ => {
                let Self { env, store, uicc, channels, .. } = self;
                let state = channels.state(Channel::BASIC)?;
                let was_uicc = state.application == Application::Uicc;
                let mut selection =
                    if was_uicc { state.selection.clone() } else { uicc::Selection::default() };
                let answer = Uicc { env, store, session: uicc }.gsm(&mut selection, command)?;
                // Only a command that is carried out ends what another application was at.
                if !was_uicc {
                    self.leave(Channel::BASIC, Application::Uicc);
                }
                let state = self.channels.state(Channel::BASIC)?;
                if was_uicc {
                    state.selection = selection;
                } else {
                    state.enter(Application::Uicc, selection);
                }
                answer
            }
        };
        Ok(match answer {
            GsmAnswer::Now(data) => Response::new(data, StatusWord::OK),
            GsmAnswer::Waits(data) if data.is_empty() => StatusWord::OK.into(),
            GsmAnswer::Waits(data) => {
                let announced = StatusWord(0x9F00 | data.len().min(255) as u16);
                self.channels.state(Channel::BASIC)?.keep_waiting(data);
                announced.into()
            }
        })
    }
}
