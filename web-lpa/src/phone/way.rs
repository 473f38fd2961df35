//! The one way out: to the chips and to the network, past the bench and into the trace.

use leptos::prelude::*;
use lpa::{CardLost, HttpAnswer, ServerCall, ServerLost};
use trace::Party;
use words::{Text, text};

use super::Phone;
use crate::bench::{Fate, Passing};
use crate::model::Slot;
use crate::said;
use crate::terminal::refusal;
use crate::transport::card::CardChannel;
use crate::transport::chip::ChipState;
use crate::transport::http::{self, HttpResponse};

/// `X-Admin-Protocol` and `User-Agent` have to name the protocol's version and the LPA
/// (SGP.22 §6.5.1); a browser sets its own `User-Agent`.
const ADMIN_PROTOCOL: (&str, &str) = ("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL);

impl Phone {
    /// Resets a chip; returns the answer to reset.
    pub(crate) async fn reset(&self, slot: Slot) -> Result<Vec<u8>, CardLost> {
        let record = self.model.record;
        let ticket = record.reset(slot.party());
        let answer = match self.link(slot) {
            Ok(link) => link.reset().await,
            Err(lost) => Err(lost),
        };
        match &answer {
            Ok(atr) => record.answer(ticket, atr),
            Err(lost) => record.fail(ticket, &lost.0.en),
        }
        answer
    }

    /// Sends a command to a chip and records it.
    pub(crate) async fn transmit(&self, slot: Slot, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        let (record, card) = (self.model.record, slot.party());
        let mut command = command.to_vec();
        // A real card is not for breaking.
        let fate = match slot {
            Slot::Card => Fate::GoesOn(None),
            Slot::Phone | Slot::Watch => self.bench.pass(Passing::Command { card, apdu: &mut command }).await,
        };
        let ticket = record.command(card, &command);
        let lost = |because: String| {
            record.note(ticket, &because);
            record.fail(ticket, &because);
            Err(CardLost(said::notes(&because)))
        };
        match fate {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let answer = match self.link(slot) {
            Ok(link) => self.bench.carry(&link, &command).await,
            Err(lost) => Err(lost),
        };
        let mut response = match answer {
            Ok(response) => response,
            Err(lost) => {
                record.fail(ticket, &lost.0.en);
                return Err(lost);
            }
        };
        let fate = match slot {
            Slot::Card => Fate::GoesOn(None),
            Slot::Phone | Slot::Watch => self.bench.pass(Passing::Response { apdu: &mut response }).await,
        };
        match fate {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        record.answer(ticket, &response);
        Ok(response)
    }

    /// Posts to somebody beyond the site and records it: `url` is what the trace shows,
    /// `path` the way there.
    pub(crate) async fn send(
        &self,
        to: Party,
        url: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<HttpResponse, String> {
        self.request("POST", to, url, path, headers, body).await
    }

    /// As [`Self::send`], by any method; an empty body is none.
    pub(crate) async fn request(
        &self,
        method: &str,
        to: Party,
        url: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<HttpResponse, String> {
        let record = self.model.record;
        let mut body = body;
        let fate = self.bench.pass(Passing::Request { to, url, body: &mut body }).await;
        let shown = [headers, &[("content-type", "application/json")]].concat();
        let request = trace::Request { method, url, headers: &shown, body: &body };
        let ticket = record.call(to, request);
        let lost = |because: String| {
            record.note(ticket, &because);
            record.fail(ticket, &because);
            Err(because)
        };
        match fate {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let mut answer = match http::send(method, path, headers, (method == "POST").then_some(&body)).await {
            Ok(answer) => answer,
            Err(because) => {
                record.fail(ticket, &because);
                return Err(because);
            }
        };
        let reply = Passing::Reply { to, url, status: &mut answer.status, body: &mut answer.body };
        match self.bench.pass(reply).await {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let headers = [("content-type", &answer.media_type[..])];
        record.reply(ticket, trace::Answer { status: answer.status, headers: &headers, body: &answer.body });
        Ok(answer)
    }

    pub(super) fn link(&self, slot: Slot) -> Result<CardChannel, CardLost> {
        // A worker that has no chip yet, or none any more, would let everybody wait for ever.
        let there = |state: &ChipState| state.answers() || state.can_be_replaced();
        if !self.model.chip(slot).state.with_untracked(there) {
            return Err(CardLost(said::words("the chip is not here")));
        }
        let link = self.inside().links[slot as usize].borrow().clone();
        link.ok_or_else(|| CardLost(said::words("there is no chip")))
    }

    /// An ES9+ call, through the bearer of the session. A session that is over is opened
    /// again, once.
    pub(super) async fn call(&self, call: ServerCall) -> Result<HttpAnswer, ServerLost> {
        let mut attached_anew = false;
        loop {
            let session = match self.terminal().session() {
                Ok(session) => session,
                // It ended while nobody used it.
                Err(_) if self.has_lost_session() && !attached_anew => {
                    attached_anew = true;
                    self.terminal().attach().await;
                    continue;
                }
                Err(error) => return Err(ServerLost(error.words())),
            };
            let place = format!("{}{}", call.address, call.path());
            let path = format!("/network/sessions/{}/http/{place}", session.session_id);
            let url = format!("https://{place}");
            let proof = place.strip_prefix(&call.address).unwrap_or_default();
            let proof = self.signatures.fields(&call.address, proof, &call.body).await;
            let proof = proof.map_err(|why| ServerLost(said::words(&why)))?;
            let mut headers = vec![ADMIN_PROTOCOL];
            headers.extend(proof.iter().map(|(name, value)| (*name, value.as_str())));
            let server = match call.interface {
                lpa::Interface::Es11 => Party::Smds,
                lpa::Interface::Es9Plus => Party::Smdp,
            };
            let answer = self.send(server, &url, &path, &headers, call.body.clone()).await;
            let answer = answer.map_err(|because| ServerLost(said::notes(&because)))?;
            if answer.status == 401 && proof.is_empty() && self.signatures.demanded(&call.address).await {
                continue;
            }
            // The SM-DP+ speaks JSON of its own; a problem is the network's word.
            if answer.media_type == "application/problem+json" {
                let error = refusal(answer.status, &answer.body);
                if error.is_session_gone() && !attached_anew {
                    attached_anew = true;
                    self.terminal().attach().await;
                    continue;
                }
                self.model.note(
                    false,
                    text!("data to {}", "データ通信 → {}", call.address),
                    error.words(),
                    error.codes(),
                );
                // A verdict is an answer, also that there is no way to this server; anything else
                // is a network that does not work.
                if answer.status == 403 || error.is_unlisted() {
                    return Ok(HttpAnswer { status: 403, body: answer.body });
                }
                let codes = error.codes();
                let because = error.words();
                return Err(ServerLost(Text::new(
                    format!("{} ({})", because.en, codes.en),
                    format!("{} ({})", because.ja, codes.ja),
                )));
            }
            return Ok(HttpAnswer { status: answer.status, body: answer.body });
        }
    }
}
