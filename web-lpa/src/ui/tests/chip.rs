//! A chip made of answers, in a worker as the page's chip is.

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use rsp::DataObject;
use rsp::notification::{NotificationMetadata, encode_list_response};
use rsp::profiles::{ProfileInfo, ProfileInfoListResponse};
use web_sys::{Blob, BlobPropertyBag, Url};

use super::Page;
use crate::model::Slot;
use crate::transport::chip::ChipState;

/// What it says at first, and to what is not the ISD-R's.
const SCRIPT: &str = r"
postMessage({state: 'durable', because: 'in files (OPFS)'});
const bytes = hex => Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16));
const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('').toUpperCase();
const answer = apdu => {
  switch (apdu[1]) {
    case 0x70: return apdu[2] === 0 ? '019000' : '9000';
    case 0xA4: return apdu[2] === 4 ? '9000' : '6A82';
    case 0xAA: return '9000';
    case 0xE2: return (ANSWERS[hex(apdu.slice(5, 7))] ?? '') + '9000';
    default: return '6D00';
  }
};
let memory = Uint8Array.of(1);
onmessage = ({data: {id, apdu, reset, trap, snapshot, restore}}) => {
  if (snapshot) postMessage({id, rsp: memory});
  else if (restore) { memory = restore; postMessage({id, rsp: bytes('3B9F96801FC7')}); }
  else if (reset) postMessage({id, rsp: bytes('3B9F96801FC7')});
  else if (apdu) postMessage({id, rsp: bytes(answer(apdu))});
};
";

/// What the ISD-R of a chip answers to functions, by their tags in hexadecimal.
pub(super) struct Answers(Vec<(&'static str, Vec<u8>)>);

impl Answers {
    /// Of a chip with these profiles and notifications, to which every act is done.
    pub(super) fn new(profiles: &[ProfileInfo], waiting: &[NotificationMetadata]) -> Self {
        let done = |tag: u8| vec![0xBF, tag, 0x03, 0x80, 0x01, 0x00];
        Self(vec![
            ("BF2D", ProfileInfoListResponse::Ok(profiles.to_vec()).encode()),
            ("BF28", encode_list_response(waiting)),
            ("BF30", done(0x30)),
            ("BF31", done(0x31)),
            ("BF32", done(0x32)),
            ("BF33", done(0x33)),
        ])
    }

    /// The same, but for one function.
    pub(super) fn but(mut self, tag: &'static str, answer: &[u8]) -> Self {
        self.0.push((tag, answer.to_vec()));
        self
    }

    /// The program of such a chip: an address for one worker.
    pub(super) fn program(&self) -> String {
        let table = self.0.iter().map(|(tag, answer)| format!("{tag}: '{}'", hex::encode_upper(answer)));
        program(&format!("const ANSWERS = {{{}}};{SCRIPT}", table.collect::<Vec<_>>().join(", ")))
    }
}

/// A program for a worker.
pub(super) fn program(source: &str) -> String {
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let parts = Array::of1(&Uint8Array::from(source.as_bytes()));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

/// Puts such a chip into the phone, and waits until it is read.
pub(super) async fn insert(page: &Page, answers: &Answers) {
    page.context.phone.start(&answers.program());
    let model = page.context.model;
    page.until("the chip is read", |_| {
        let chip = model.chip(Slot::Phone);
        chip.state.with_untracked(ChipState::answers)
            && chip.profiles.with_untracked(Option::is_some)
            && model.task.with_untracked(Option::is_none)
    })
    .await;
}

/// What was asked of a chip by a function's name, the last time.
pub(super) fn asked(page: &Page, function: &str) -> Option<Vec<u8>> {
    page.context.model.record.with_untracked(|trace| {
        let mut messages = trace.messages().rev();
        let message = messages.find(|message| message.name.ends_with(function))?;
        Some(trace::decode(message).request.bytes)
    })
}
