//! T=1 (ISO 7816-3 §11): blocks, and the side that begins.
//!
//! [`Block`] is what both sides speak. [`Host`] is the interface device: it keeps the numbers of
//! the blocks and carries APDUs over whatever carries blocks (`Link`). The card's side is in
//! the reader model and shares no more than the blocks with this one.

use alloc::vec;
use alloc::vec::Vec;

use crate::error::{Error, T1Error};

/// The most bytes of information in a block.
pub const MOST: u8 = 254;

/// The most bytes of a response APDU: 65,536 and the status word.
const LONGEST: usize = 65_538;

/// How a block is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edc {
    /// One byte: exclusive or of all before it.
    Lrc,
    /// Two bytes, a CRC. ISO 7816-3 §11.3.4 refers to ISO/IEC 13239 and leaves the order and
    /// the inversion open; this is what Linux's CCID driver and cards that work with it do:
    /// begun with FFFF, not inverted, high byte first.
    Crc,
}

impl Edc {
    /// Its bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Lrc => 1,
            Self::Crc => 2,
        }
    }

    /// The check of some bytes.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Lrc => vec![bytes.iter().fold(0, |sum, byte| sum ^ byte)],
            Self::Crc => crc(bytes).to_be_bytes().to_vec(),
        }
    }
}

/// Polynomial x¹⁶+x¹²+x⁵+1, bits reflected.
fn crc(bytes: &[u8]) -> u16 {
    let step = |sum: u16, byte: &u8| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0x8408 })
    };
    bytes.iter().fold(0xFFFF, step)
}

/// A block without its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Information.
    I {
        /// N(S).
        number: bool,
        /// M: more of the chain follows.
        more: bool,
        /// 0 to 254 bytes.
        data: Vec<u8>,
    },
    /// The block that is expected.
    R {
        /// N(R).
        number: bool,
        /// What was wrong with the one before.
        error: Fault,
    },
    /// A request, or the response to one.
    S {
        /// What about.
        kind: Supervisory,
        /// Whether it is the response.
        response: bool,
        /// The size of IFS, the multiplier of WTX.
        value: Option<u8>,
    },
}

/// What an R-block says of the block before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it was received well.
    None,
    /// Its check or a parity was wrong.
    Check,
    /// Something else.
    Other,
}

/// What an S-block is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervisory {
    /// RESYNCH: from the beginning.
    Resynch,
    /// IFS: the size of information fields.
    Ifs,
    /// ABORT: the chain is broken off.
    Abort,
    /// WTX: more waiting time.
    Wtx,
}

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// Length or check is wrong.
    Garbled,
    /// A node address, a control byte or a length that may not be.
    Invalid,
}

impl Block {
    /// Reads a whole block.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn parse(bytes: &[u8], edc: Edc) -> Result<Self, BlockError> {
        let (body, check) =
            bytes.len().checked_sub(edc.len()).map(|at| bytes.split_at(at)).ok_or(BlockError::Garbled)?;
        let [nad, pcb, length, data @ ..] = body else { return Err(BlockError::Garbled) };
        if data.len() != usize::from(*length) || edc.of(body) != check {
            return Err(BlockError::Garbled);
        }
        if *nad != 0 || *length > MOST {
            return Err(BlockError::Invalid);
        }
        let pcb = *pcb;
        if pcb & 0x80 == 0 {
            if pcb & 0x1F != 0 {
                return Err(BlockError::Invalid);
            }
            return Ok(Self::I { number: pcb & 0x40 != 0, more: pcb & 0x20 != 0, data: data.to_vec() });
        }
        if pcb & 0x40 == 0 {
            let error = match pcb & 0x2F {
                0 => Fault::None,
                1 => Fault::Check,
                2 => Fault::Other,
                _ => return Err(BlockError::Invalid),
            };
            return if data.is_empty() {
                Ok(Self::R { number: pcb & 0x10 != 0, error })
            } else {
                Err(BlockError::Invalid)
            };
        }
        let kind = match pcb & 0x1F {
            0 => Supervisory::Resynch,
            1 => Supervisory::Ifs,
            2 => Supervisory::Abort,
            3 => Supervisory::Wtx,
            _ => return Err(BlockError::Invalid),
        };
        let has_value = matches!(kind, Supervisory::Ifs | Supervisory::Wtx);
        let value = match (has_value, data) {
            (false, []) => None,
            (true, [value]) => Some(*value),
            _ => return Err(BlockError::Invalid),
        };
        Ok(Self::S { kind, response: pcb & 0x20 != 0, value })
    }

    /// The bytes of the block.
    #[must_use]
    pub fn to_vec(&self, edc: Edc) -> Vec<u8> {
        let (pcb, data) = match self {
            Self::I { number, more, data } => (u8::from(*number) << 6 | u8::from(*more) << 5, &data[..]),
            Self::R { number, error } => {
                let error = match error {
                    Fault::None => 0,
                    Fault::Check => 1,
                    Fault::Other => 2,
                };
                (0x80 | u8::from(*number) << 4 | error, &[][..])
            }
            Self::S { kind, response, value } => {
                let kind = match kind {
                    Supervisory::Resynch => 0,
                    Supervisory::Ifs => 1,
                    Supervisory::Abort => 2,
                    Supervisory::Wtx => 3,
                };
                (
                    0xC0 | u8::from(*response) << 5 | kind,
                    value.as_ref().map_or(&[][..], core::slice::from_ref),
                )
            }
        };
        let data = &data[..data.len().min(usize::from(MOST))];
        let mut bytes = vec![0, pcb, data.len() as u8];
        bytes.extend(data);
        let check = edc.of(&bytes);
        bytes.extend(check);
        bytes
    }
}

/// What carries a block to the card and one back.
pub(crate) trait Link {
    /// Sends a block; `multiplier` is how many times the block waiting time the card has for
    /// its answer, 0 for once.
    async fn exchange(&mut self, block: Vec<u8>, multiplier: u8) -> Result<Vec<u8>, LinkError>;
}

/// Why there is no block.
pub(crate) enum LinkError {
    /// The card did not answer in its time.
    Mute,
    /// What came is garbled.
    Garbled,
    /// It is of no use to try again.
    Broken(Error),
}

/// The interface device's side: numbers and sizes that live as long as the card has power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    edc: Edc,
    /// N(S) of our next I-block.
    send: bool,
    /// N(S) of the card's next one.
    expect: bool,
    /// The most that the card takes.
    ifsc: u8,
    /// The most that what carries the blocks has room for.
    room: u8,
}

/// Transmissions of one block before the other side is given up (§11.6.3.2, rule 7.4).
const TRIES: u8 = 3;

/// Extensions of the waiting time in one exchange: with all of them a card that is given
/// a second each time works for a quarter of an hour.
const EXTENSIONS: u16 = 1_000;

/// Blocks in one exchange: more than the longest APDUs have in blocks of one byte.
const BLOCKS: u32 = 200_000;

impl Host {
    /// As after the answer to reset.
    #[must_use]
    pub const fn new(edc: Edc, ifsc: u8) -> Self {
        Self { edc, send: false, expect: false, ifsc, room: MOST }
    }

    /// Over what carries no more than so many bytes of information in one block.
    pub(crate) fn within(self, room: u8) -> Self {
        Self { room: room.clamp(1, MOST), ..self }
    }

    /// The most bytes of information that the card takes.
    #[must_use]
    pub const fn ifsc(&self) -> u8 {
        self.ifsc
    }

    /// Tells the card how much it may send in one block: S(IFS request), from 1 to 254. A card
    /// that does not answer it keeps to 32 bytes.
    pub(crate) async fn offer(&self, link: &mut impl Link, ifsd: u8) -> Result<bool, Error> {
        let request = Block::S { kind: Supervisory::Ifs, response: false, value: Some(ifsd) };
        self.supervise(link, request, Block::S { kind: Supervisory::Ifs, response: true, value: Some(ifsd) })
            .await
    }

    /// S(RESYNCH request): both begin anew.
    async fn resynchronise(&mut self, link: &mut impl Link) -> Result<bool, Error> {
        let block = |response| Block::S { kind: Supervisory::Resynch, response, value: None };
        let in_step = self.supervise(link, block(false), block(true)).await?;
        if in_step {
            (self.send, self.expect) = (false, false);
        }
        Ok(in_step)
    }

    /// Sends an S(request) until its response comes (rule 7.3).
    async fn supervise(&self, link: &mut impl Link, request: Block, response: Block) -> Result<bool, Error> {
        for _ in 0..TRIES {
            match link.exchange(request.to_vec(self.edc), 0).await {
                Ok(bytes) if Block::parse(&bytes, self.edc).as_ref() == Ok(&response) => return Ok(true),
                Ok(_) | Err(LinkError::Mute | LinkError::Garbled) => {}
                Err(LinkError::Broken(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Carries a command APDU to the card and its response back.
    pub(crate) async fn transmit(&mut self, link: &mut impl Link, command: &[u8]) -> Result<Vec<u8>, Error> {
        match self.carry(link, command).await {
            Err(Error::T1(T1Error::Lost)) => {
                // Rule 7.4: three failures, then RESYNCH; the command is not sent again, since
                // the card may have done it.
                let error = match self.resynchronise(link).await? {
                    true => T1Error::Resynchronised,
                    false => T1Error::Lost,
                };
                Err(error.into())
            }
            result => result,
        }
    }

    async fn carry(&mut self, link: &mut impl Link, command: &[u8]) -> Result<Vec<u8>, Error> {
        let mut rest = command;
        let mut response = Vec::new();
        let (mut failures, mut extensions, mut multiplier) = (0_u8, 0_u16, 0_u8);
        // Taken anew for each block: the card may change its IFSC in the middle of a chain.
        let mut sent = self.information(&mut rest);
        let mut out = sent.clone();
        // What the last information block was is known until it is acknowledged.
        let mut acknowledged = false;
        let mut begun = false;
        for _ in 0..BLOCKS {
            let answer = link.exchange(out.to_vec(self.edc), core::mem::take(&mut multiplier)).await;
            let was_begun = core::mem::replace(&mut begun, true);
            let fault = match answer {
                Ok(bytes) => match Block::parse(&bytes, self.edc) {
                    Ok(block) => match self.next(block, &sent, &mut acknowledged, &mut response)? {
                        Next::Send(block) => {
                            failures = 0;
                            out = block;
                            continue;
                        }
                        Next::Extend(block, times) => {
                            failures = 0;
                            extensions += 1;
                            if extensions > EXTENSIONS {
                                return Err(T1Error::Endless.into());
                            }
                            (out, multiplier) = (block, times);
                            continue;
                        }
                        Next::More => {
                            failures = 0;
                            sent = self.information(&mut rest);
                            acknowledged = false;
                            out = sent.clone();
                            continue;
                        }
                        Next::Again => {
                            failures += 1;
                            if failures >= TRIES {
                                return Err(T1Error::Lost.into());
                            }
                            out = sent.clone();
                            continue;
                        }
                        Next::Done => return Ok(response),
                        Next::Abort => return Err(self.abort(link).await?),
                        Next::Refuse(fault) => fault,
                    },
                    Err(BlockError::Garbled) => Fault::Check,
                    Err(BlockError::Invalid) => Fault::Other,
                },
                Err(LinkError::Mute) => Fault::Other,
                Err(LinkError::Garbled) => Fault::Check,
                // A part of the command is at the card, which would take the next command for its
                // rest: RESYNCH, or the end.
                Err(LinkError::Broken(error)) if was_begun && !error.ends_connection() => {
                    return Err(T1Error::Lost.into());
                }
                Err(LinkError::Broken(error)) => return Err(error),
            };
            failures += 1;
            if failures >= TRIES {
                return Err(T1Error::Lost.into());
            }
            // Rules 7.1 and 7.2: ask for the block that is expected.
            out = Block::R { number: self.expect, error: fault };
        }
        Err(T1Error::Endless.into())
    }

    /// Agrees to the end of a chain; the card then gives the right to send back by an R-block
    /// that says which number is next (rule 9).
    async fn abort(&mut self, link: &mut impl Link) -> Result<Error, Error> {
        let reply = Block::S { kind: Supervisory::Abort, response: true, value: None };
        match link.exchange(reply.to_vec(self.edc), 0).await {
            Ok(bytes) => match Block::parse(&bytes, self.edc) {
                Ok(Block::R { number, .. }) => {
                    self.send = number;
                    Ok(T1Error::Aborted.into())
                }
                _ => Ok(T1Error::Lost.into()),
            },
            Err(LinkError::Mute | LinkError::Garbled) => Ok(T1Error::Lost.into()),
            Err(LinkError::Broken(error)) => Err(error),
        }
    }

    /// The next I-block of the command.
    fn information(&self, rest: &mut &[u8]) -> Block {
        let (now, later) = rest.split_at(rest.len().min(usize::from(self.ifsc.min(self.room))));
        *rest = later;
        Block::I { number: self.send, more: !later.is_empty(), data: now.to_vec() }
    }

    fn next(
        &mut self,
        block: Block,
        sent: &Block,
        acknowledged: &mut bool,
        response: &mut Vec<u8>,
    ) -> Result<Next, Error> {
        let &Block::I { more: ours_go_on, .. } = sent else { return Ok(Next::Refuse(Fault::Other)) };
        Ok(match block {
            // All of ours has arrived and part of the answer is here: there is nothing of ours
            // that the card could want.
            Block::R { .. } if *acknowledged => Next::Refuse(Fault::Other),
            // Rules 2.2 and 7.1: N(R) tells which block the card wants.
            Block::R { number, .. } if number == self.send => Next::Again,
            Block::R { .. } if ours_go_on => {
                self.send = !self.send;
                Next::More
            }
            Block::R { .. } => Next::Refuse(Fault::Other),
            Block::I { number, more, data } => {
                // An answer before our chain has ended, or a block that was had already.
                if number != self.expect || (ours_go_on && !*acknowledged) {
                    return Ok(Next::Refuse(Fault::Other));
                }
                if !*acknowledged {
                    *acknowledged = true;
                    self.send = !self.send;
                }
                self.expect = !self.expect;
                if response.len() + data.len() > LONGEST {
                    return Err(T1Error::TooLong.into());
                }
                response.extend(data);
                if more {
                    Next::Send(Block::R { number: self.expect, error: Fault::None })
                } else {
                    Next::Done
                }
            }
            Block::S { kind: Supervisory::Wtx, response: false, value } => {
                let reply = Block::S { kind: Supervisory::Wtx, response: true, value };
                Next::Extend(reply, value.unwrap_or(1))
            }
            Block::S { kind: Supervisory::Ifs, response: false, value: Some(size) }
                if (1..=MOST).contains(&size) =>
            {
                self.ifsc = size;
                Next::Extend(Block::S { kind: Supervisory::Ifs, response: true, value: Some(size) }, 0)
            }
            Block::S { kind: Supervisory::Abort, response: false, .. } => Next::Abort,
            Block::S { .. } => Next::Refuse(Fault::Other),
        })
    }
}

enum Next {
    /// This.
    Send(Block),
    /// This, and the card has so much more time.
    Extend(Block, u8),
    /// The next block of the command.
    More,
    /// The same block again.
    Again,
    /// The response is whole.
    Done,
    /// The chain is broken off.
    Abort,
    /// The block is not what it should be.
    Refuse(Fault),
}
