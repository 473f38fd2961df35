//! The door of the chip: class byte → logical channel → selected application;
//! chaining, GET RESPONSE and proactive status words once for all commands.
//!
//! How response data leaves (ISO 7816-4 §5.3.4, ETSI TS 102 221 §7.3.1):
//!
//! | the command has | answer |
//! | --- | --- |
//! | no Le | `61 XX`, the data waits for GET RESPONSE |
//! | Le 256 or more (`00`) | the data up to Le at once, `61 XX` if more is left |
//! | Le, no command data (case 2) | the data if there is exactly Le of it, else `6C XX` |
//! | Le and command data (case 4) | the data up to Le at once, `61 XX` if more is left |
//!
//! Data that waits is dropped by the next other command on the same channel.

mod cat;
mod channels;
mod envelope;
mod gsm;

pub use cat::{Answer, Cat, RefreshMode, Terminal};

use apdu::{Channel, Class, Command, Response, StatusWord, ins};
use zeroize::Zeroizing;

use crate::nvm::{Error, Store};
use crate::uicc::{self, Uicc};
use crate::{Env, Options, isdr};
use channels::{Application, Channels};

/// The most command data that chained commands may carry together: the 256
/// blocks of 255 bytes that P2 of STORE DATA can count.
const MAX_CHAIN: usize = 256 * 255;

/// A chip.
pub struct Euicc<E> {
    env: E,
    options: Options,
    store: Store,
    channels: Channels,
    cat: Cat,
    terminal: Terminal,
    uicc: uicc::Session,
    isdr: isdr::Session,
    ota: envelope::Ota,
}

impl<E: Env> Euicc<E> {
    /// Powers up the chip that lives in the medium of `env`; an empty medium
    /// becomes a new chip without profiles.
    ///
    /// # Errors
    /// When the medium cannot be read or written, or holds something else.
    pub fn new(mut env: E, options: Options) -> Result<Self, Error> {
        let mut store = Store::open(env.medium(), options.memory)?;
        uicc::ensure_default(&mut store, env.medium())?;
        let mut chip = Self {
            env,
            options,
            store,
            channels: Channels::default(),
            cat: Cat::default(),
            terminal: Terminal::default(),
            uicc: uicc::Session::default(),
            isdr: isdr::Session::default(),
            ota: envelope::Ota::default(),
        };
        // Loss of power is a reset too.
        chip.with_isdr(isdr::reset);
        Ok(chip)
    }

    /// Cold or warm reset: everything volatile is lost, and a profile change
    /// that waited for it takes place. Returns the answer to reset.
    pub fn reset(&mut self) -> Vec<u8> {
        self.with_isdr(isdr::reset);
        self.clear_volatile();
        self.terminal = Terminal::default();
        self.cat = Cat::default();
        self.isdr = isdr::Session::default();
        self.ota = envelope::Ota::default();
        self.options.atr.clone()
    }

    /// Executes one command APDU. Returns response data and status word: at
    /// least two bytes, whatever comes in.
    pub fn transmit(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.response(bytes).unwrap_or_else(Response::from).to_vec()
    }

    /// Bytes of non-volatile memory that are free.
    pub fn free_memory(&self) -> usize {
        crate::nvm::View::free(&self.store)
    }

    /// A copy of everything the chip keeps, keys and PINs included, for a medium
    /// to hold: a chip on that medium is this one after a power failure. No real
    /// chip allows it.
    #[must_use]
    pub fn expose_snapshot(&self) -> Zeroizing<Vec<u8>> {
        self.store.expose_image()
    }

    /// The world the chip runs in.
    pub const fn env(&self) -> &E {
        &self.env
    }

    /// The same, to change it.
    pub const fn env_mut(&mut self) -> &mut E {
        &mut self.env
    }

    /// Ends the power: gives the world back.
    pub fn into_env(self) -> E {
        self.env
    }

    fn response(&mut self, bytes: &[u8]) -> Result<Response, StatusWord> {
        let command = Command::parse(bytes)?;
        if command.cla == gsm::CLASS {
            let response = self.gsm(&command)?;
            return Ok(self.finish(response));
        }
        let class = Class::parse(command.cla)?;
        let state = self.channels.state(class.channel)?;
        if command.ins == ins::GET_RESPONSE {
            let response = state.get_response(&command)?;
            return Ok(self.finish(response));
        }
        state.drop_waiting();

        // Command chaining: the parts are one command (ISO 7816-4 §5.3.3).
        let joined = state.join(&command, class.chained)?;
        let Some(joined) = joined else { return Ok(StatusWord::OK.into()) };
        let command = Command { data: joined.as_ref().map_or(command.data, |data| &data[..]), ..command };

        let response = self.execute(&command, class)?;
        // The channel may be gone: a profile change closes all but one.
        let response = match self.channels.state(class.channel) {
            Ok(state) => state.deliver(&command, response),
            Err(_) => response.sw.into(),
        };
        Ok(self.finish(response))
    }

    /// `9000` becomes `91 XX` while a proactive command waits for FETCH.
    fn finish(&self, mut response: Response) -> Response {
        if response.sw == StatusWord::OK
            && let Some(len) = self.cat.waiting_len()
        {
            response.sw = StatusWord::proactive(len);
        }
        response
    }

    fn execute(&mut self, command: &Command<'_>, class: Class) -> Result<Response, StatusWord> {
        match (command.ins, class.proprietary) {
            (ins::SELECT, false) => self.select(command, class.channel),
            (ins::MANAGE_CHANNEL, false) => self.manage_channel(command, class.channel),
            (ins::TERMINAL_CAPABILITY, true) => {
                self.terminal.capability(command)?;
                Ok(StatusWord::OK.into())
            }
            (ins::TERMINAL_PROFILE | ins::ENVELOPE | ins::FETCH | ins::TERMINAL_RESPONSE, true) => {
                if class.channel != Channel::BASIC {
                    return Err(StatusWord::CHANNEL_NOT_SUPPORTED);
                }
                self.toolkit(command)
            }
            _ => match self.channels.state(class.channel)?.application {
                Application::Isdr => match (command.ins, class.proprietary) {
                    (ins::STORE_DATA, true) => self.store_data(command, class.channel),
                    (ins::STORE_DATA, false) => Err(StatusWord::CLASS_NOT_SUPPORTED),
                    _ => Err(StatusWord::INS_NOT_SUPPORTED),
                },
                Application::Ecasd => Err(StatusWord::INS_NOT_SUPPORTED),
                Application::Uicc => {
                    let Self { env, store, uicc, channels, .. } = self;
                    let state = channels.state(class.channel)?;
                    Uicc { env, store, session: uicc }.execute(
                        &mut state.selection,
                        command,
                        class.proprietary,
                    )
                }
            },
        }
    }

    fn select(&mut self, command: &Command<'_>, channel: Channel) -> Result<Response, StatusWord> {
        if let Some((application, fci)) = self.euicc_application(command) {
            self.leave(channel, application);
            self.channels.state(channel)?.enter(application, uicc::Selection::default());
            let no_data = command.p2 & 0x0C == 0x0C;
            return Ok(Response::new(if no_data { Vec::new() } else { fci }, StatusWord::OK));
        }
        let others_on = self.channels.applications_beside(channel);
        let Self { env, store, uicc, channels, .. } = self;
        let mut selection = channels.state(channel)?.selection.clone();
        let response = Uicc { env, store, session: uicc }.select(&mut selection, command, &others_on)?;
        if self.channels.state(channel)?.application != Application::Uicc {
            self.leave(channel, Application::Uicc);
        }
        self.channels.state(channel)?.enter(Application::Uicc, selection);
        Ok(response)
    }

    /// The application of the eUICC itself that a SELECT by AID means, and its
    /// answer. A profile has no say in these AIDs.
    fn euicc_application(&self, command: &Command<'_>) -> Option<(Application, Vec<u8>)> {
        const BY_AID: u8 = 0x04;
        /// A shorter beginning could mean any application of the issuer.
        const LEAST: usize = 10;
        let first_occurrence = command.p2 & 0x03 == 0;
        let whole = self.options.isdr_aid == command.data;
        if command.p1 != BY_AID || !first_occurrence || command.data.len() < LEAST && !whole {
            return None;
        }
        if self.options.isdr_aid.starts_with(command.data) {
            Some((Application::Isdr, isdr::fci(&self.options)))
        } else if rsp::ids::ECASD.starts_with(command.data) {
            Some((Application::Ecasd, isdr::ecasd_fci()))
        } else {
            None
        }
    }

    /// The channel turns from what it had selected to something else. The ISD-R
    /// learns when no channel has it selected any more.
    fn leave(&mut self, channel: Channel, to: Application) {
        self.leave_uicc_application(channel);
        let was_isdr = self.channels.state(channel).is_ok_and(|state| state.application == Application::Isdr);
        if was_isdr && to != Application::Isdr && !self.channels.isdr_beside(channel) {
            self.with_isdr(isdr::deselected);
        }
    }

    /// The PINs of an application that no channel has open any more are no
    /// longer verified (ETSI TS 102 221 §9.5.1).
    fn leave_uicc_application(&mut self, channel: Channel) {
        let others_on = self.channels.applications_beside(channel);
        if let Ok(state) = self.channels.state(channel)
            && let Some(left) = state.selection.application()
            && !others_on.contains(&left.aid)
        {
            self.uicc.end_application(left.directory);
        }
    }

    fn manage_channel(&mut self, command: &Command<'_>, on: Channel) -> Result<Response, StatusWord> {
        match (command.p1, command.p2) {
            (0x00, 0x00) => {
                if !command.data.is_empty() || command.le.is_some_and(|le| le != 1 && le < 256) {
                    return Err(StatusWord::wrong_le(1));
                }
                // ETSI TS 102 221 §11.1.17.
                let opened = self.channels.open(on).ok_or(StatusWord::FUNCTION_NOT_SUPPORTED)?;
                Ok(Response::new(vec![opened.number()], StatusWord::OK))
            }
            (0x80, number) => {
                let channel = Channel::new(number)
                    .filter(|&channel| channel != Channel::BASIC)
                    .ok_or(StatusWord::WRONG_P1P2)?;
                self.channels.state(channel)?;
                self.close(channel);
                Ok(StatusWord::OK.into())
            }
            _ => Err(StatusWord::WRONG_P1P2),
        }
    }

    fn close(&mut self, channel: Channel) {
        self.leave(channel, Application::Uicc);
        self.channels.close(channel);
    }

    /// GlobalPlatform §11.11: blocks of one request, P2 counts them from 0.
    fn store_data(&mut self, command: &Command<'_>, channel: Channel) -> Result<Response, StatusWord> {
        const LAST: u8 = 0x80;
        // BER-TLV data, no encryption; bit 1 tells case 4, which both have.
        if command.p1 & !(LAST | 0x01) != 0x10 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let last = command.p1 & LAST != 0;
        let Some(request) = self.channels.state(channel)?.block(command.p2, command.data, last)? else {
            return Ok(StatusWord::OK.into());
        };
        let (data, effects) = self.with_isdr(|context| {
            let data = isdr::store_data(context, &request);
            (data, core::mem::take(&mut context.effects))
        });
        if effects.profile_switched {
            self.profile_switched(channel);
        }
        Ok(Response::new(data?, StatusWord::OK))
    }

    fn toolkit(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        match command.ins {
            ins::TERMINAL_PROFILE => {
                self.cat.terminal_profile(command)?;
                Ok(StatusWord::OK.into())
            }
            ins::FETCH => Ok(Response::new(self.cat.fetch(command)?, StatusWord::OK)),
            ins::TERMINAL_RESPONSE => {
                let number = self.cat.ongoing();
                let answer = self.cat.terminal_response(command)?;
                if self.ota_answered(number) {
                    return Ok(StatusWord::OK.into());
                }
                let effects = self.with_isdr(|context| {
                    isdr::proactive_answered(context, answer);
                    core::mem::take(&mut context.effects)
                });
                if effects.profile_switched {
                    self.profile_switched(Channel::BASIC);
                }
                Ok(StatusWord::OK.into())
            }
            _ => self.envelope(command),
        }
    }

    /// Another profile is enabled from now on: all channels but the one in use
    /// are closed, what was selected and verified in the old one is gone.
    fn profile_switched(&mut self, stays: Channel) {
        let had_isdr = self.channels.have_isdr();
        self.channels.close_all_but(stays);
        self.forget_ota();
        self.uicc = uicc::Session::default();
        if had_isdr && !self.channels.have_isdr() {
            self.with_isdr(isdr::deselected);
        }
    }

    fn clear_volatile(&mut self) {
        self.channels = Channels::default();
        self.uicc = uicc::Session::default();
    }

    fn with_isdr<T>(&mut self, act: impl FnOnce(&mut isdr::IsdrContext<'_>) -> T) -> T {
        let Self { env, options, store, cat, terminal, isdr, .. } = self;
        act(&mut isdr::IsdrContext {
            env,
            store,
            session: isdr,
            options,
            terminal,
            cat,
            effects: isdr::Effects::default(),
        })
    }
}

#[cfg(test)]
mod tests;
