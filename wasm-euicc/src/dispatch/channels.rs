//! Logical channels: what each has selected, what waits on it.

use apdu::{Channel, Command, Response, StatusWord};
use zeroize::Zeroizing;

use super::MAX_CHAIN;
use crate::uicc::Selection;

/// What a channel's commands go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Application {
    /// The file system and the applications of the enabled profile.
    #[default]
    Uicc,
    Isdr,
    Ecasd,
}

/// The open channels.
pub(super) struct Channels {
    states: [Option<State>; Channel::COUNT],
}

impl Default for Channels {
    fn default() -> Self {
        let mut states = [const { None }; Channel::COUNT];
        states[0] = Some(State::default());
        Self { states }
    }
}

impl Channels {
    /// The state of an open channel; `6881` for a closed one.
    pub(super) fn state(&mut self, channel: Channel) -> Result<&mut State, StatusWord> {
        self.states
            .get_mut(usize::from(channel.number()))
            .and_then(Option::as_mut)
            .ok_or(StatusWord::CHANNEL_NOT_SUPPORTED)
    }

    /// Opens the lowest free channel. It stands where the one it is opened from
    /// stands in the profile; from the basic channel, and from an application of
    /// the eUICC, in the MF.
    pub(super) fn open(&mut self, from: Channel) -> Option<Channel> {
        let selection = match self.states.get(usize::from(from.number())) {
            Some(Some(state)) if from != Channel::BASIC => state.selection.opened_from(),
            _ => Selection::default(),
        };
        let number = self.states.iter().position(Option::is_none)?;
        self.states[number] = Some(State { selection, ..State::default() });
        Channel::new(number as u8)
    }

    pub(super) fn close(&mut self, channel: Channel) {
        if channel != Channel::BASIC
            && let Some(state) = self.states.get_mut(usize::from(channel.number()))
        {
            *state = None;
        }
    }

    /// Closes every channel except the basic one, which starts anew, and
    /// `stays`, which keeps its application unless that was of the profile.
    pub(super) fn close_all_but(&mut self, stays: Channel) {
        for (number, state) in self.states.iter_mut().enumerate() {
            if number == usize::from(stays.number()) {
                if let Some(state) = state {
                    state.selection = Selection::default();
                    state.waiting = None;
                }
            } else {
                *state = (number == 0).then(State::default);
            }
        }
    }

    /// Whether any channel has the ISD-R selected.
    pub(super) fn have_isdr(&self) -> bool {
        self.states.iter().flatten().any(|state| state.application == Application::Isdr)
    }

    /// Whether a channel other than this one has the ISD-R selected.
    pub(super) fn isdr_beside(&self, channel: Channel) -> bool {
        self.states.iter().enumerate().any(|(number, state)| {
            number != usize::from(channel.number())
                && state.as_ref().is_some_and(|state| state.application == Application::Isdr)
        })
    }

    /// AIDs of the profile's applications that other channels have open.
    pub(super) fn applications_beside(&self, channel: Channel) -> Vec<Vec<u8>> {
        self.states
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != usize::from(channel.number()))
            .filter_map(|(_, state)| Some(state.as_ref()?.selection.application()?.aid.clone()))
            .collect()
    }
}

/// One open channel.
#[derive(Default)]
pub(super) struct State {
    pub(super) application: Application,
    pub(super) selection: Selection,
    waiting: Option<Waiting>,
    chain: Option<Chain>,
    blocks: Option<Blocks>,
}

/// Response data that waits for GET RESPONSE, and the status word at its end.
struct Waiting {
    data: Vec<u8>,
    sw: StatusWord,
}

/// Parts of a chained command.
struct Chain {
    ins: u8,
    p1: u8,
    p2: u8,
    data: Zeroizing<Vec<u8>>,
}

/// Blocks of a STORE DATA chain.
struct Blocks {
    next: usize,
    data: Zeroizing<Vec<u8>>,
}

impl State {
    pub(super) fn drop_waiting(&mut self) {
        self.waiting = None;
    }

    /// Another command came between the parts of a chained one.
    pub(super) fn break_chain(&mut self) {
        self.chain = None;
    }

    /// Stands at an application that was just selected: what came in parts for the one
    /// before is not for it.
    pub(super) fn enter(&mut self, application: Application, selection: Selection) {
        self.application = application;
        self.selection = selection;
        self.chain = None;
        self.blocks = None;
    }

    /// Lets data wait for GET RESPONSE.
    pub(super) fn keep_waiting(&mut self, data: Vec<u8>) {
        self.waiting = Some(Waiting { data, sw: StatusWord::OK });
    }

    /// The first of the bytes that wait; those that are not asked for are gone.
    pub(super) fn take_waiting(&mut self, le: Option<u32>) -> Result<Vec<u8>, StatusWord> {
        let waiting = self.waiting.take().ok_or(StatusWord::CONDITIONS)?;
        let le = le.map_or(256, |le| le as usize);
        if le > waiting.data.len() && le < 256 {
            let exact = StatusWord::wrong_le(waiting.data.len());
            self.waiting = Some(waiting);
            return Err(exact);
        }
        let mut data = waiting.data;
        data.truncate(le);
        Ok(data)
    }

    /// GET RESPONSE (ISO 7816-4 §7.6.1).
    pub(super) fn get_response(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let waiting = self.waiting.take().ok_or(StatusWord::CONDITIONS)?;
        let le = command.le.map_or(256, |le| le as usize);
        if le > waiting.data.len() && le < 256 {
            let exact = StatusWord::wrong_le(waiting.data.len());
            self.waiting = Some(waiting);
            return Err(exact);
        }
        Ok(self.hand_out(waiting, le))
    }

    /// Lets the response leave by the rules at the head of this module.
    pub(super) fn deliver(&mut self, command: &Command<'_>, response: Response) -> Response {
        let Response { data, sw } = response;
        if data.is_empty() {
            return sw.into();
        }
        let Some(le) = command.le else {
            let available = StatusWord::available(data.len());
            self.waiting = Some(Waiting { data, sw });
            return available.into();
        };
        let le = le as usize;
        if command.data.is_empty() && le < 256 && le != data.len() {
            return StatusWord::wrong_le(data.len()).into();
        }
        self.hand_out(Waiting { data, sw }, le)
    }

    fn hand_out(&mut self, mut waiting: Waiting, le: usize) -> Response {
        if le >= waiting.data.len() {
            return Response::new(waiting.data, waiting.sw);
        }
        let rest = waiting.data.split_off(le);
        let available = StatusWord::available(rest.len());
        self.waiting = Some(Waiting { data: rest, sw: waiting.sw });
        Response::new(waiting.data, available)
    }

    /// Joins chained commands. `None`: more parts follow. `Some(None)`: the
    /// command was not chained.
    pub(super) fn join(
        &mut self,
        command: &Command<'_>,
        more: bool,
    ) -> Result<Option<Option<Zeroizing<Vec<u8>>>>, StatusWord> {
        let begun = self.chain.take();
        let same = |chain: &Chain| (chain.ins, chain.p1, chain.p2) == (command.ins, command.p1, command.p2);
        if !more && begun.is_none() {
            return Ok(Some(None));
        }
        let mut chain = match begun {
            Some(chain) if same(&chain) => chain,
            // Another command in between: the chain is broken.
            Some(_) if !more => return Ok(Some(None)),
            _ => Chain { ins: command.ins, p1: command.p1, p2: command.p2, data: Zeroizing::default() },
        };
        if chain.data.len() + command.data.len() > MAX_CHAIN {
            return Err(StatusWord::WRONG_LENGTH);
        }
        chain.data.extend_from_slice(command.data);
        if more {
            self.chain = Some(chain);
            Ok(None)
        } else {
            Ok(Some(Some(chain.data)))
        }
    }

    /// Takes one block of STORE DATA. Returns the request when it is whole.
    pub(super) fn block(
        &mut self,
        number: u8,
        data: &[u8],
        last: bool,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StatusWord> {
        // Block 0 begins anew, whatever came before.
        let begun = self.blocks.take().filter(|_| number != 0);
        let mut blocks = begun.unwrap_or_else(|| Blocks { next: 0, data: Zeroizing::default() });
        if usize::from(number) != blocks.next {
            return Err(StatusWord::WRONG_P1P2);
        }
        if blocks.data.len() + data.len() > MAX_CHAIN {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        blocks.data.extend_from_slice(data);
        blocks.next += 1;
        if last {
            return Ok(Some(blocks.data));
        }
        if data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.blocks = Some(blocks);
        Ok(None)
    }
}
