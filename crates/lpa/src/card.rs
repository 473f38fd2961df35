//! The way to the ISD-R: a logical channel, STORE DATA blocks, GET RESPONSE.

use apdu::{Channel, Command, Response, StatusWord, ins};
use rsp::DataObject;
use tlv::Error;

use crate::failure::{Cause, Failure, Stage};
use crate::machine::Io;

/// AIDs under which an ISD-R is looked for, in order: the GSMA's, then those of
/// removable eUICCs that are known to differ.
pub const ISD_R_AIDS: [&[u8]; 8] = [
    &rsp::ids::ISD_R,
    &[0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0, 0, 0, 0, 0x89, 0, 0, 3, 0],
    &[0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, 5, 5, 0],
    &[0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, 0, 1, 0x77],
    b"\xA0\x00\x00\x05\x59\x10Linksfield",
    b"\xA0estkme\xFF\xFFISD-R 0",
    b"\xA0estkme\xFF\xFFISD-R 1",
    b"\xA0estkme\xFF\xFF\xFF\xFFISD-R",
];

/// How the chip is spoken to. A procedure works on one logical channel from its first
/// request to its last: a package that is fed stays on the channel that it was begun on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// AIDs to try, in order.
    pub isd_r_aids: Vec<Vec<u8>>,
    /// Data bytes of one STORE DATA command, 1 to 255: 255 for readers, less for
    /// modems with small buffers.
    pub block: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { isd_r_aids: ISD_R_AIDS.iter().map(|aid| aid.to_vec()).collect(), block: apdu::MAX_BLOCK }
    }
}

impl Options {
    /// Puts the AID that a chip answered under ([`crate::ChipInfo::isd_r_aid`]) before the
    /// others, so that the next procedure selects it at once.
    pub fn remember(&mut self, aid: &[u8]) {
        self.isd_r_aids.retain(|other| other != aid);
        self.isd_r_aids.insert(0, aid.to_vec());
    }
}

/// An open channel on which the ISD-R is selected.
pub(crate) struct IsdR<'a> {
    io: &'a Io,
    channel: Channel,
    block: usize,
    aid: Vec<u8>,
}

/// A response and whether a proactive command waits behind it.
pub(crate) struct CardAnswer {
    pub(crate) data: Vec<u8>,
    pub(crate) proactive: bool,
}

impl<'a> IsdR<'a> {
    /// Announces the LPA (ETSI TS 102 221 §11.1.19), opens a channel and selects
    /// the first ISD-R that is there.
    pub(crate) async fn open(io: &'a Io, options: &Options) -> Result<Self, Failure> {
        let stage = Stage::OpenChip;
        // Cards that do not know the command answer with an error: no matter.
        let capability = [0xA9, 0x08, 0x81, 0x00, 0x82, 0x01, 0x01, 0x83, 0x01, 0x07];
        let announce = Command::new(0x80, ins::TERMINAL_CAPABILITY, 0, 0).data(&capability);
        io.card(stage, announce.to_vec()).await?;

        let open = Command::new(0x00, ins::MANAGE_CHANNEL, 0, 0).le(1);
        let response = exchange(io, stage, Channel::BASIC, open).await?;
        if !response.sw.is_success() {
            return Err(Failure::new(stage, Cause::CardStatus(response.sw)));
        }
        let channel = response.data.first().and_then(|&number| Channel::new(number));
        let channel = channel.ok_or_else(|| Failure::new(stage, Cause::CardData(Error::Truncated)))?;

        for aid in &options.isd_r_aids {
            let select = Command::new(channel.interindustry(), ins::SELECT, 0x04, 0x00).data(aid);
            let response = exchange(io, stage, channel, select).await?;
            if response.sw.is_success() {
                return Ok(Self { io, channel, block: options.block, aid: aid.clone() });
            }
        }
        Self { io, channel, block: options.block, aid: Vec::new() }.close().await;
        Err(Failure::new(stage, Cause::NoIsdR))
    }

    /// Closes the channel; a chip that was reset meanwhile has none to close.
    pub(crate) async fn close(self) {
        close_channel(self.io, self.channel.number()).await;
    }

    /// The number of the logical channel.
    pub(crate) const fn channel(&self) -> u8 {
        self.channel.number()
    }

    /// The AID that the ISD-R answered under.
    pub(crate) fn aid(&self) -> &[u8] {
        &self.aid
    }

    /// Sends one ES10 request and returns the answer.
    pub(crate) async fn call(&self, stage: Stage, request: &[u8]) -> Result<CardAnswer, Failure> {
        let mut answer = Response::from(StatusWord::OK);
        for block in apdu::store_data(self.channel, request, self.block) {
            let response = self.io.card(stage, block).await?;
            answer = collect(self.io, stage, self.channel, response).await?;
            if !answer.sw.is_success() {
                return Err(Failure::new(stage, Cause::CardStatus(answer.sw)));
            }
            if !answer.data.is_empty() {
                // An answer before the last block: the chip has decided already.
                break;
            }
        }
        Ok(CardAnswer { proactive: answer.sw.proactive_len().is_some(), data: answer.data })
    }

    /// Sends one ES10 request and reads the answer as a data object.
    pub(crate) async fn read<T: DataObject>(&self, stage: Stage, request: &[u8]) -> Result<T, Failure> {
        self.read_with(stage, request, T::decode).await
    }

    /// Sends one ES10 request and reads the answer with a function.
    pub(crate) async fn read_with<T>(
        &self,
        stage: Stage,
        request: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let answer = self.call(stage, request).await?;
        read(&answer.data).map_err(|error| Failure::new(stage, Cause::CardData(error)))
    }
}

/// Closes a logical channel if it is open.
pub(crate) async fn close_channel(io: &Io, number: u8) {
    let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, number);
    let _ = io.card(Stage::OpenChip, close.to_vec()).await;
}

async fn exchange(
    io: &Io,
    stage: Stage,
    channel: Channel,
    command: Command<'_>,
) -> Result<Response, Failure> {
    let response = io.card(stage, command.to_vec()).await?;
    let parsed = parse(stage, &response)?;
    if let Some(le) = parsed.sw.exact_le() {
        let again = io.card(stage, command.le(le as u32).to_vec()).await?;
        return collect(io, stage, channel, again).await;
    }
    collect(io, stage, channel, response).await
}

/// Fetches what the card announces by `61 XX`.
async fn collect(io: &Io, stage: Stage, channel: Channel, response: Vec<u8>) -> Result<Response, Failure> {
    /// No ES10 answer comes near this.
    const MOST: usize = 0x1_0000;
    let mut whole = parse(stage, &response)?;
    while let Some(le) = whole.sw.response_available() {
        let fetch = Command::new(channel.interindustry(), ins::GET_RESPONSE, 0, 0).le(le as u32);
        let part = parse(stage, &io.card(stage, fetch.to_vec()).await?)?;
        if part.sw.response_available().is_some() && (part.data.is_empty() || whole.data.len() > MOST) {
            return Err(Failure::new(stage, Cause::CardStatus(part.sw)));
        }
        whole.data.extend(part.data);
        whole.sw = part.sw;
    }
    Ok(whole)
}

fn parse(stage: Stage, response: &[u8]) -> Result<Response, Failure> {
    Response::parse(response).ok_or_else(|| Failure::new(stage, Cause::CardData(Error::Truncated)))
}
