//! The card application toolkit, as much of it as the eUICC itself needs:
//! TERMINAL CAPABILITY, TERMINAL PROFILE, FETCH and TERMINAL RESPONSE around a
//! proactive REFRESH (ETSI TS 102 221 §11.1.19, TS 102 223).

use apdu::{Command, StatusWord};
use tlv::{Tag, Tlv, Writer};

/// What the terminal has said about itself since the last reset.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// First byte of the eUICC-related capabilities in TERMINAL CAPABILITY:
    /// bit 1 LUId, bit 2 LPDd, bit 3 LDSd, bit 4 LUIe, and so on.
    pub euicc_capabilities: Option<u8>,
}

impl Terminal {
    pub(super) fn capability(&mut self, command: &Command<'_>) -> Result<(), StatusWord> {
        const TEMPLATE: Tag = Tag(0xA9);
        const EUICC: Tag = Tag(0x83);
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let template = Tlv::single_of(command.data, TEMPLATE).map_err(|_| StatusWord::WRONG_DATA)?;
        let mut reader = template.reader();
        while let Some(object) = reader.next().map_err(|_| StatusWord::WRONG_DATA)? {
            if object.tag == EUICC {
                self.euicc_capabilities = object.value.first().copied();
            }
        }
        Ok(())
    }
}

/// What REFRESH asks the terminal to do (ETSI TS 102 223 §8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// Reset the card.
    UiccReset = 0x04,
    /// Take notice of the change of profile state.
    ProfileStateChange = 0x09,
}

/// How the terminal answered a proactive command: the general result of
/// TERMINAL RESPONSE (ETSI TS 102 223 §8.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// General result: `00`–`0F` performed, `2x` temporary, `3x` permanent problem.
    pub result: u8,
}

impl Answer {
    /// Whether the command was performed, at least in part.
    #[must_use]
    pub const fn performed(self) -> bool {
        self.result < 0x20
    }
}

/// The proactive session between chip and terminal.
#[derive(Debug, Default)]
pub struct Cat {
    /// TERMINAL PROFILE, once it was downloaded.
    profile: Option<Vec<u8>>,
    /// The command that waits for FETCH.
    waiting: Option<Proactive>,
    /// The command that was fetched and is not answered yet.
    ongoing: Option<Proactive>,
    /// Number of the last command.
    number: u8,
}

#[derive(Clone, Debug)]
struct Proactive {
    /// Number, type and qualifier, which the answer repeats.
    details: [u8; 3],
    bytes: Vec<u8>,
}

impl Cat {
    const REFRESH: u8 = 0x01;
    const COMMAND_DETAILS: Tag = Tag(0x01);
    const RESULT: Tag = Tag(0x03);

    /// Whether the terminal has told what it can do, so that proactive commands
    /// reach it.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.profile.is_some()
    }

    /// A bit of TERMINAL PROFILE: byte from 1, bit 1 to 8.
    #[must_use]
    pub fn supports(&self, byte: usize, bit: u32) -> bool {
        let value = self.profile.as_ref().and_then(|profile| profile.get(byte.checked_sub(1)?));
        value.is_some_and(|value| (1..=8).contains(&bit) && value >> (bit - 1) & 1 == 1)
    }

    /// Whether a proactive command waits or is being executed.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.waiting.is_some() || self.ongoing.is_some()
    }

    /// How a terminal is told of a change of the enabled profile: by the mode made for it
    /// where TERMINAL PROFILE announces that (byte 34, bit 6), else by a reset
    /// (ETSI TS 102 223 §5.2, §6.4.7).
    #[must_use]
    pub fn refresh_mode(&self) -> RefreshMode {
        if self.supports(34, 6) { RefreshMode::ProfileStateChange } else { RefreshMode::UiccReset }
    }

    /// Asks the terminal to take notice of a change of the enabled profile; announced by
    /// `91 XX` from now on.
    pub fn refresh(&mut self) {
        self.refresh_with(self.refresh_mode());
    }

    /// Asks the terminal to refresh in this mode.
    pub fn refresh_with(&mut self, mode: RefreshMode) {
        // Without further objects it always fits.
        let _: Option<u8> = self.command(Self::REFRESH, mode as u8, 0x82, &[]);
    }

    /// A proactive command of any type, with the data objects that follow its
    /// device identities; announced by `91 XX` from now on. Returns its number;
    /// none for a command that is longer than `91 XX` can say.
    pub(crate) fn command(&mut self, kind: u8, qualifier: u8, destination: u8, objects: &[u8]) -> Option<u8> {
        let number = self.number % 254 + 1;
        let details = [number, kind, qualifier];
        let bytes = Writer::new()
            .nested(Tag(0xD0), |command| {
                command.tlv(Tag(0x81), &details).tlv(Tag(0x82), &[0x81, destination]).raw(objects);
            })
            .finish();
        if bytes.len() > usize::from(u8::MAX) {
            return None;
        }
        self.number = number;
        self.waiting = Some(Proactive { details, bytes });
        Some(number)
    }

    /// Number of the command that was fetched and is not answered yet.
    pub(super) fn ongoing(&self) -> Option<u8> {
        self.ongoing.as_ref().map(|ongoing| ongoing.details[0])
    }

    /// Number of the command that waits for FETCH.
    pub(super) fn announced(&self) -> Option<u8> {
        self.waiting.as_ref().map(|waiting| waiting.details[0])
    }

    /// Takes back a command that nobody has fetched.
    pub fn withdraw(&mut self) {
        self.waiting = None;
    }

    pub(super) fn waiting_len(&self) -> Option<u8> {
        let len = self.waiting.as_ref().filter(|_| self.is_active())?.bytes.len();
        u8::try_from(len).ok()
    }

    pub(super) fn terminal_profile(&mut self, command: &Command<'_>) -> Result<(), StatusWord> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        if command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.profile = Some(command.data.to_vec());
        Ok(())
    }

    pub(super) fn fetch(&mut self, command: &Command<'_>) -> Result<Vec<u8>, StatusWord> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let waiting = self.waiting.as_ref().filter(|_| self.is_active()).ok_or(StatusWord::CONDITIONS)?;
        let len = waiting.bytes.len();
        if command.le.is_some_and(|le| le < 256 && le as usize != len) {
            return Err(StatusWord::wrong_le(len));
        }
        self.ongoing = self.waiting.take();
        Ok(self.ongoing.as_ref().map(|command| command.bytes.clone()).unwrap_or_default())
    }

    pub(super) fn terminal_response(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let ongoing = self.ongoing.as_ref().ok_or(StatusWord::CONDITIONS)?;
        let wrong = |_| StatusWord::WRONG_DATA;
        let (mut details, mut result) = (None, None);
        let mut reader = tlv::Reader::new(command.data);
        while let Some(object) = reader.next().map_err(wrong)? {
            // Bit 8 of a comprehension tag tells only that it must be understood.
            match Tag(object.tag.0 & 0x7F) {
                Self::COMMAND_DETAILS => details = Some(object.value),
                Self::RESULT => result = object.value.first().copied(),
                _ => {}
            }
        }
        if details != Some(&ongoing.details[..]) {
            return Err(StatusWord::WRONG_DATA);
        }
        let result = result.ok_or(StatusWord::WRONG_DATA)?;
        self.ongoing = None;
        Ok(Answer { result })
    }
}
