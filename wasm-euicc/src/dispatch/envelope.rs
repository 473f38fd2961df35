//! ENVELOPE (ETSI TS 102 221 §11.2.2): data download by SMS-PP, and what comes of
//! it: the proof of receipt, and the notice of changed files.

use std::collections::VecDeque;

use apdu::{Command, Response, StatusWord};
use ota::sms::{self, Deliver, Download, Reassembly};
use tlv::{Tag, Tlv, Writer};

use super::Euicc;
use crate::Env;
use crate::uicc::remote::{self, Changed};

/// What is volatile of over-the-air management.
#[derive(Default)]
pub(super) struct Ota {
    reassembly: Reassembly,
    /// Proactive commands that wait until the terminal is free.
    queue: VecDeque<Proactive>,
    /// Number of the last proactive command from here.
    asked: Option<u8>,
}

struct Proactive {
    kind: u8,
    qualifier: u8,
    destination: u8,
    objects: Vec<u8>,
}

/// Commands and bits of TERMINAL PROFILE (ETSI TS 102 223 §5.2, §9.4).
const REFRESH: u8 = 0x01;
const REFRESH_BIT: (usize, u32) = (3, 8);
const SEND_SHORT_MESSAGE: u8 = 0x13;
const SEND_SHORT_MESSAGE_BIT: (usize, u32) = (4, 2);
const TERMINAL: u8 = 0x82;
const NETWORK: u8 = 0x83;

impl<E: Env> Euicc<E> {
    pub(super) fn envelope(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        if command.p1 != 0 || command.p2 != 0 || command.data.is_empty() {
            return Err(StatusWord::WRONG_P1P2);
        }
        let object = Tlv::single(command.data).map_err(|_| StatusWord::WRONG_DATA)?;
        if object.tag != Download::TAG {
            // No toolkit application listens to any other envelope.
            return Ok(StatusWord::OK.into());
        }
        if self.cat.is_active() && self.cat.is_busy() {
            return Err(StatusWord::BUSY);
        }
        let download = Download::decode(command.data).map_err(|_| StatusWord::WRONG_DATA)?;
        // A message that is none, or not for the card's own applications, is taken
        // and dropped: the terminal could not make it better.
        let Ok(message) = Deliver::decode(download.tpdu) else { return Ok(StatusWord::OK.into()) };
        let originator = message.originator.clone();
        let Ok(Some(packet)) = self.ota.reassembly.take(message) else {
            return Ok(StatusWord::OK.into());
        };
        let received = remote::receive(&mut self.env, &mut self.store, &packet)?;
        let mut data = Vec::new();
        match received.receipt {
            Some(receipt) if received.by_submit => {
                self.submit(&originator, download.service_centre, &receipt);
            }
            Some(receipt) => data = receipt,
            None => {}
        }
        self.announce(&received.changed);
        self.next_proactive();
        Ok(Response::new(data, StatusWord::OK))
    }

    /// The terminal has answered the command with this number; whether it was one
    /// from here.
    pub(super) fn ota_answered(&mut self, number: Option<u8>) -> bool {
        let own = number.is_some() && self.ota.asked == number;
        if own {
            // Numbers come round again.
            self.ota.asked = None;
        }
        self.next_proactive();
        own
    }

    /// The profile that all this was for is not enabled any more.
    pub(super) fn forget_ota(&mut self) {
        self.ota.reassembly = Reassembly::default();
        self.ota.queue.clear();
        // One that was fetched is still answered, and known by its number.
        if self.ota.asked.is_some() && self.cat.announced() == self.ota.asked {
            self.cat.withdraw();
            self.ota.asked = None;
        }
    }

    fn next_proactive(&mut self) {
        while !self.cat.is_busy()
            && let Some(Proactive { kind, qualifier, destination, objects }) = self.ota.queue.pop_front()
        {
            self.ota.asked = self.cat.command(kind, qualifier, destination, &objects);
        }
    }

    fn ask(&mut self, (byte, bit): (usize, u32), proactive: Proactive) {
        // Nobody would hear it, or understand it.
        if self.cat.is_active() && self.cat.supports(byte, bit) {
            self.ota.queue.push_back(proactive);
        }
    }

    fn submit(&mut self, to: &[u8], service_centre: Option<&[u8]>, receipt: &[u8]) {
        let Ok(tpdu) = sms::submit(to, receipt) else { return };
        let mut objects = Writer::new();
        objects.optional(Tag(0x86), service_centre).tlv(Tag(0x8B), &tpdu);
        let objects = objects.finish();
        self.ask(
            SEND_SHORT_MESSAGE_BIT,
            Proactive { kind: SEND_SHORT_MESSAGE, qualifier: 0, destination: NETWORK, objects },
        );
    }

    /// REFRESH with the files that were changed (ETSI TS 102 223 §6.4.7).
    fn announce(&mut self, changed: &Changed) {
        const FULL_CHANGE: u8 = 0x00;
        const FILE_CHANGE: u8 = 0x01;
        /// Room for paths in a command of at most 255 bytes.
        const MOST_PATHS: usize = 180;
        if changed.paths.is_empty() {
            return;
        }
        let mut objects = Writer::new();
        let paths = changed.paths.concat();
        let listed = paths.len() <= MOST_PATHS;
        if listed {
            objects.tlv(Tag(0x92), &[&[changed.paths.len() as u8][..], &paths].concat());
            objects.optional(Tag(0xAF), changed.aid.as_deref());
        }
        let qualifier = if listed { FILE_CHANGE } else { FULL_CHANGE };
        let objects = objects.finish();
        self.ask(REFRESH_BIT, Proactive { kind: REFRESH, qualifier, destination: TERMINAL, objects });
    }
}
