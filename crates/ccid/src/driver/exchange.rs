//! One command and its answer.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Reader, Report, is_busy};
use crate::error::{Error, MessageError, SlotError};
use crate::machine::{Incoming, Recipient, RequestKind, Setup};
use crate::message::{CommandOutcome, Icc, Message, Start, kind, request};

/// What the reader may take for what it does without the card.
const READER: Duration = Duration::from_secs(5);
/// Answers to something else that are dropped while one is waited for.
const STALE: usize = 64;
/// Transfers that bring nothing, while bytes are waited for.
const EMPTY: usize = 16;
/// Time extensions of one procedure: readers send one in a second or so, of which a card that
/// installs a profile needs a hundred.
const EXTENSIONS: u32 = 1_000;
/// What each further transfer of a message may take that the reader has begun to send.
const REST: Duration = Duration::from_secs(2);
/// Transfers of one message that bring less than was asked for: without a clock here, this is
/// what keeps a message from taking its patience over and over.
const SHORT: usize = 500;
/// How often a reader that is busy with itself is asked again.
const BUSY: usize = 20;

impl Reader {
    /// Sends a command and waits for its answer, as long as readers take by themselves.
    pub(super) async fn ask(
        &self,
        slot: u8,
        kind: u8,
        specific: [u8; 3],
        data: Vec<u8>,
    ) -> Result<Message, Error> {
        self.ask_for(slot, kind, specific, data, READER).await
    }

    /// The same, with another patience.
    pub(super) async fn ask_for(
        &self,
        slot: u8,
        kind: u8,
        specific: [u8; 3],
        data: Vec<u8>,
        patience: Duration,
    ) -> Result<Message, Error> {
        let (mut tries, mut aborted) = (0, false);
        loop {
            let result = self.command(slot, kind, specific, data.clone(), patience).await;
            match result {
                Err(error) if is_busy(&error) && tries < BUSY => {
                    self.io.wait(Duration::from_millis(100)).await?;
                    tries += 1;
                }
                // A command that nobody waits for any more, or half an abort of one: of a program
                // before this one.
                Err(error @ Error::Refused { code: SlotError::SLOT_BUSY | SlotError::ABORTED, .. })
                    if !aborted =>
                {
                    aborted = true;
                    self.abort(slot, Some(error)).await?;
                    // What belongs to the session has ended with it.
                    if !stands_alone(kind) {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }

    async fn command(
        &self,
        slot: u8,
        kind: u8,
        specific: [u8; 3],
        data: Vec<u8>,
        patience: Duration,
    ) -> Result<Message, Error> {
        if self.slot(slot)?.outstanding {
            self.abort(slot, None).await?;
        }
        let (endpoint, pause) = {
            let state = self.state.borrow();
            (state.interface.bulk_out, state.quirks.pause)
        };
        if pause > Duration::ZERO {
            self.io.wait(pause).await?;
        }
        let sequence = self.next_sequence();
        let message = Message { kind, slot, sequence, specific, data };
        // Until the answer is here: a procedure may be dropped wherever it waits.
        self.slot(slot)?.outstanding = true;
        self.send(&message, endpoint.address, endpoint.packet).await?;
        let result = self.answer(&message, patience).await;
        match result {
            // Without its answer the command still runs.
            Err(
                error @ (Error::Timeout
                | Error::Cancelled
                | Error::Stall(_)
                | Error::Endless
                | Error::Message(_)),
            ) => {
                // Who gave up knows why there is no session.
                self.abort(slot, (error != Error::Cancelled).then_some(error)).await?;
                Err(error)
            }
            // The reader cannot be told anything any more, or has told all there is.
            result => {
                self.slot(slot)?.outstanding = false;
                result
            }
        }
    }

    /// Counts a time extension.
    fn extended(&self) -> u32 {
        let mut state = self.state.borrow_mut();
        state.extensions = state.extensions.saturating_add(1);
        state.extensions
    }

    fn next_sequence(&self) -> u8 {
        let mut state = self.state.borrow_mut();
        let sequence = state.sequence;
        state.sequence = sequence.wrapping_add(1);
        sequence
    }

    async fn send(&self, message: &Message, endpoint: u8, packet: u16) -> Result<(), Error> {
        let bytes = message.to_vec();
        let ends_full = bytes.len().is_multiple_of(usize::from(packet.max(1)));
        let zero_length = self.state.borrow().quirks.zero_length_packet && ends_full;
        self.io.bulk_out(endpoint, bytes).await?;
        if zero_length {
            self.io.bulk_out(endpoint, Vec::new()).await?;
        }
        Ok(())
    }

    /// Waits for the answer to a command; drops what is not.
    async fn answer(&self, command: &Message, patience: Duration) -> Result<Message, Error> {
        let (mut stale, mut empty) = (0, 0);
        loop {
            let message = self.receive(patience, &mut empty).await?;
            if message.slot != command.slot || message.sequence != command.sequence {
                stale += 1;
                if stale > STALE {
                    return Err(Error::Endless);
                }
                self.io.report(Report::Stale { slot: message.slot, sequence: message.sequence }).await?;
                continue;
            }
            match message.outcome() {
                CommandOutcome::TimeExtension(multiplier) => {
                    if self.extended() > EXTENSIONS {
                        return Err(Error::Endless);
                    }
                    self.io.report(Report::TimeExtension { slot: message.slot, multiplier }).await?;
                }
                CommandOutcome::Done => return Ok(message),
                CommandOutcome::Failed(code) => return Err(self.failed(command, &message, code)?),
            }
        }
    }

    /// What a refusal means: that there is no card goes before all else.
    fn failed(&self, command: &Message, answer: &Message, code: SlotError) -> Result<Error, Error> {
        let mut slot = self.slot(command.slot)?;
        let was_connected = slot.session.is_some();
        let error = match answer.icc() {
            Icc::Absent if was_connected => Error::CardRemoved,
            Icc::Absent if command.kind != kind::ESCAPE => Error::NoCard,
            Icc::Inactive if was_connected && command.kind == kind::XFR_BLOCK => Error::CardReset,
            _ => return Ok(Error::Refused { command: command.kind, code }),
        };
        slot.session = None;
        slot.ended = Some(error);
        Ok(error)
    }

    /// The next message, whatever it answers. The patience is for its beginning; `empty` counts
    /// the transfers that brought nothing.
    async fn receive(&self, patience: Duration, empty: &mut usize) -> Result<Message, Error> {
        let mut short = 0;
        loop {
            let (endpoint, wanted, patience) = {
                let mut state = self.state.borrow_mut();
                let longest = usize::try_from(state.interface.reader.max_message).unwrap_or(usize::MAX);
                let missing = match Message::parse(&state.incoming, longest) {
                    Ok(Start::Whole(message, length)) => {
                        state.incoming.drain(..length);
                        return Ok(message);
                    }
                    Ok(Start::Part(missing)) => missing,
                    Err(error) => {
                        // Nobody knows where the next one begins.
                        state.incoming.clear();
                        return Err(error.into());
                    }
                };
                let packet = usize::from(state.interface.bulk_in.packet.max(1));
                // Whole packets and not more than the message has: a reader whose message ends
                // with a full packet sends a zero-length one behind it, or does not. Asked for
                // more, the transfer would end with the first reader and hang with the second.
                let patience = if state.incoming.is_empty() { patience } else { patience.min(REST) };
                (state.interface.bulk_in.address, missing.div_ceil(packet) * packet, patience)
            };
            match self.io.bulk_in(endpoint, wanted, patience).await {
                Ok(Incoming::Bytes(bytes)) if bytes.is_empty() => {
                    *empty += 1;
                    if *empty > EMPTY {
                        return Err(Error::Endless);
                    }
                }
                Ok(Incoming::Bytes(bytes)) => {
                    short += usize::from(bytes.len() < wanted);
                    if short > SHORT {
                        self.state.borrow_mut().incoming.clear();
                        return Err(Error::Endless);
                    }
                    let bytes = &bytes[..bytes.len().min(wanted)];
                    self.state.borrow_mut().incoming.extend_from_slice(bytes);
                }
                Ok(Incoming::Timeout) => {
                    self.state.borrow_mut().incoming.clear();
                    return Err(Error::Timeout);
                }
                Err(error) => {
                    self.state.borrow_mut().incoming.clear();
                    return Err(error);
                }
            }
        }
    }

    /// Aborts the command of a slot (CCID Rev 1.1 §5.3.1): the request on the control endpoint
    /// and the message on the bulk endpoint, in any order, and then everything is dropped until
    /// the answer to the second comes. The card is in the middle of something, or is not: its
    /// session ends, by `error` where that was nobody's wish.
    async fn abort(&self, slot: u8, error: Option<Error>) -> Result<(), Error> {
        self.io.report(Report::Aborting { slot }).await?;
        {
            let mut slot = self.slot(slot)?;
            // Until the reader has answered: with half an abort it refuses everything.
            slot.outstanding = true;
            if slot.session.take().is_some() {
                slot.ended = error;
            }
        }
        self.state.borrow_mut().incoming.clear();
        let sequence = self.next_sequence();
        let (number, endpoint) = {
            let state = self.state.borrow();
            (state.interface.number, state.interface.bulk_out)
        };
        let setup = Setup {
            kind: RequestKind::Class,
            recipient: Recipient::Interface,
            request: request::ABORT,
            value: u16::from_be_bytes([sequence, slot]),
            index: u16::from(number),
        };
        match self.io.control_out(setup).await {
            // Many readers do not know it.
            Ok(()) | Err(Error::Stall(_) | Error::Timeout) => {}
            Err(error) => return Err(error),
        }
        let message = Message { kind: kind::ABORT, slot, sequence, specific: [0; 3], data: Vec::new() };
        self.send(&message, endpoint.address, endpoint.packet).await?;
        let mut empty = 0;
        for _ in 0..STALE {
            match self.receive(READER, &mut empty).await {
                Ok(answer) if answer.slot != slot || answer.sequence != sequence => {}
                Err(Error::Message(_) | Error::Stall(_)) => {}
                // Its answer; or nothing more is to be had, and the next command is answered or not.
                Ok(_) | Err(Error::Timeout) => {
                    self.slot(slot)?.outstanding = false;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Endless)
    }

    /// That an answer is of the right kind.
    #[expect(clippy::unused_self, reason = "reads as part of the exchange")]
    pub(super) fn expect(&self, answer: &Message, kind: u8) -> Result<(), Error> {
        if answer.kind == kind { Ok(()) } else { Err(MessageError::Kind(answer.kind).into()) }
    }
}

/// Whether a command may be sent to a card of which nothing is known.
const fn stands_alone(kind: u8) -> bool {
    matches!(kind, kind::GET_SLOT_STATUS | kind::ICC_POWER_ON | kind::ICC_POWER_OFF | kind::ESCAPE)
}
