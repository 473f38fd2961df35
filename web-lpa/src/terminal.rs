//! What a phone's modem does by itself: reset, reading the profile, attaching
//! (3GPP TS 31.102 §5.1, TS 24.301 §5.4.2, ETSI TS 102 223 §6.4.7).

use apdu::{Command, Response, StatusWord, ins};
use leptos::prelude::*;
use lpa::CardLost;

use crate::files::{self, AkaAnswer};
use crate::model::{Card, Model, Radio, Row};
use crate::network::{
    AttachAnswer, AttachRequest, Challenge, NetworkError, Problem, Proof, ServiceRequest, Session, Verdict,
};
use crate::phone::Phone;
use crate::trace::{Party, Step, hex};
use crate::transport::http;

/// TERMINAL PROFILE (ETSI TS 102 223 §5.2): profile download, and REFRESH.
const TERMINAL_PROFILE: [u8; 3] = [0x01, 0x00, 0x80];

/// TERMINAL CAPABILITY (ETSI TS 102 221 §11.1.19): extended channels, additional
/// interfaces, LUId, LPDd and LDSd.
const TERMINAL_CAPABILITY: [u8; 10] = [0xA9, 0x08, 0x81, 0x00, 0x82, 0x01, 0x01, 0x83, 0x01, 0x07];

/// How often a card may ask for its sequence number to be taken over in one attach.
const MAX_RESYNCHRONISATIONS: usize = 2;

/// The modem.
#[derive(Clone, Copy)]
pub(crate) struct Terminal<'a> {
    phone: &'a Phone,
    model: Model,
}

impl<'a> Terminal<'a> {
    pub(crate) const fn new(phone: &'a Phone, model: Model) -> Self {
        Self { phone, model }
    }

    /// Resets the chip, reads the enabled profile and attaches with it.
    pub(crate) async fn power_on(&self) {
        self.model.radio.set(Radio::Searching);
        match self.boot().await {
            Ok(()) => self.attach().await,
            Err(lost) => self.model.radio.set(Radio::NoUsim(lost.0)),
        }
    }

    /// A proactive command waits behind `91 XX`: FETCH, perform, answer; what it asks for
    /// is done by the reset that follows.
    pub(crate) async fn proactive(&self) -> Result<(), CardLost> {
        /// A card that always has one more would never let go.
        const MOST: usize = 8;
        let status = Command::new(0x80, ins::STATUS, 0, 0x0C);
        let mut answer = self.exchange(None, status).await?;
        for _ in 0..MOST {
            let Some(length) = answer.sw.proactive_len() else { return Ok(()) };
            let fetched = self.exchange(None, Command::new(0x80, ins::FETCH, 0, 0).le(length as u32)).await?;
            let details = proactive_details(&fetched.data).unwrap_or([0x01, 0x00, 0x00]);
            /// 00: performed; 30: beyond the terminal's capabilities.
            const REFRESH: u8 = 0x01;
            let result = if details[1] == REFRESH { 0x00 } else { 0x30 };
            let [number, kind, qualifier] = details;
            let response = [0x81, 0x03, number, kind, qualifier, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result];
            let respond = Command::new(0x80, ins::TERMINAL_RESPONSE, 0, 0).data(&response);
            answer = self.exchange(None, respond).await?;
        }
        Ok(())
    }

    /// Attaches with the profile that was read, or tells why not.
    pub(crate) async fn attach(&self) {
        let Some(imsi) = self.model.card.with_untracked(|card| card.imsi.clone()) else { return };
        self.model.radio.set(Radio::Searching);
        let radio = match self.authenticate(&imsi).await {
            Ok(radio) => radio,
            Err(error) => {
                self.model.note(false, format!("attach as {imsi}"), error.because(), error.codes());
                Radio::NoService(error)
            }
        };
        let attached = radio.session().is_some();
        self.model.radio.set(radio);
        self.model.steps.update(|steps| {
            steps.end(Step::Attach, attached);
            steps.end(Step::Switch, attached);
        });
    }

    /// Asks the network whether a service may be used now.
    pub(crate) async fn use_service(&self, kind: &str, to: &str) -> Result<Verdict, NetworkError> {
        let session = self.session()?;
        let path = format!("/network/sessions/{}/service", session.session_id);
        let row = self.model.row(Party::Phone, Party::Network, format!("Service: {kind}"));
        let verdict: Verdict = self.post(row, &path, &ServiceRequest { kind, to }).await?;
        let outcome = format!("{}: {}", verdict.verdict, verdict.because);
        let codes = [verdict.cause.as_ref().map(ToString::to_string), Some(format!("rule {}", verdict.rule))];
        let codes: Vec<String> = codes.into_iter().flatten().collect();
        self.model.note(verdict.permitted(), format!("{kind} to {to}"), outcome, codes.join(" · "));
        Ok(verdict)
    }

    /// The session, or that there is none.
    pub(crate) fn session(&self) -> Result<Session, NetworkError> {
        self.model
            .radio
            .with_untracked(|radio| radio.session().cloned())
            .ok_or_else(|| NetworkError::Lost("the phone has no service".to_owned()))
    }

    /// Reset, then what every terminal reads.
    async fn boot(&self) -> Result<(), CardLost> {
        self.model.card.set(Card::default());
        let atr = self.phone.reset().await?;
        self.model.card.update(|card| card.atr = atr);
        self.exchange(None, Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&[0x3F, 0x00]).le(256)).await?;
        self.exchange(None, Command::new(0x80, ins::TERMINAL_CAPABILITY, 0, 0).data(&TERMINAL_CAPABILITY))
            .await?;
        let iccid = self.read("EF.ICCID", [0x2F, 0xE2]).await?;
        let iccid = iccid.and_then(|content| <[u8; 10]>::try_from(content.get(..10)?).ok());
        self.model.card.update(|card| card.iccid = iccid.map(|raw| rsp::Iccid::from_bytes(raw).to_string()));
        let usim = self.usim().await?;
        self.exchange(None, Command::new(0x80, ins::TERMINAL_PROFILE, 0, 0).data(&TERMINAL_PROFILE)).await?;

        let (Some(_), Some(aid)) = (iccid, usim) else {
            self.model.radio.set(Radio::NoProfile);
            return Ok(());
        };
        let select = Command::new(0x00, ins::SELECT, 0x04, 0x04).data(&aid).le(256);
        let selected = self.exchange(None, select).await?;
        if !selected.sw.is_success() {
            let words = format!("the profile's USIM can't be opened (SW {})", selected.sw);
            self.model.radio.set(Radio::NoUsim(words));
            return Ok(());
        }
        self.exchange(None, Command::new(0x80, ins::STATUS, 0x01, 0x0C)).await?;
        self.read("EF.AD", [0x6F, 0xAD]).await?;
        self.read("EF.UST", [0x6F, 0x38]).await?;
        let spn = self.read("EF.SPN", [0x6F, 0x46]).await?;
        let imsi = self.read("EF.IMSI", [0x6F, 0x07]).await?;
        let imsi = imsi.and_then(|content| rsp::Imsi::from_ef(&content).ok());
        if imsi.is_none() {
            let words = "the profile's IMSI can't be read; it may want its PIN first";
            self.model.radio.set(Radio::NoUsim(words.to_owned()));
        }
        self.model.card.update(|card| {
            card.operator = spn.as_deref().and_then(files::service_provider_name);
            card.imsi = imsi.map(|imsi| imsi.to_string());
        });
        Ok(())
    }

    /// The AID of the USIM, from EF.DIR.
    async fn usim(&self) -> Result<Option<Vec<u8>>, CardLost> {
        /// Applications on one UICC.
        const MOST: u8 = 10;
        let row = self.model.row(Party::Phone, Party::Chip, "Read EF.DIR");
        let select = Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&[0x2F, 0x00]).le(256);
        if !self.exchange(Some(row), select).await?.sw.is_success() {
            return Ok(None);
        }
        for record in 1..=MOST {
            let read = Command::new(0x00, ins::READ_RECORD, record, 0x04).le(256);
            let answer = self.exchange(Some(row), read).await?;
            if !answer.sw.is_success() {
                return Ok(None);
            }
            if let Some(aid) = files::usim_in(&answer.data) {
                return Ok(Some(aid));
            }
        }
        Ok(None)
    }

    /// Selects a transparent file and reads it; `None` when it is not there or not readable.
    async fn read(&self, name: &str, file: [u8; 2]) -> Result<Option<Vec<u8>>, CardLost> {
        let row = self.model.row(Party::Phone, Party::Chip, format!("Read {name}"));
        let select = Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&file).le(256);
        if !self.exchange(Some(row), select).await?.sw.is_success() {
            return Ok(None);
        }
        let answer = self.exchange(Some(row), Command::new(0x00, ins::READ_BINARY, 0, 0).le(256)).await?;
        Ok(answer.sw.is_success().then_some(answer.data))
    }

    /// EPS AKA: who the phone says it is, the network's challenge, the card's answer.
    async fn authenticate(&self, imsi: &str) -> Result<Radio, NetworkError> {
        let apn = self.model.apn.get_untracked();
        let apn = Some(apn.trim()).filter(|apn| !apn.is_empty());
        let row = self.model.row(Party::Phone, Party::Network, "Attach Request");
        let mut challenge: Challenge =
            self.post(row, "/network/attach", &AttachRequest { imsi, apn }).await?;
        for _ in 0..=MAX_RESYNCHRONISATIONS {
            let proof = match self.card_answer(&challenge).await {
                Ok(AkaAnswer::Res(res)) => Proof::Res(hex::encode(res)),
                Ok(AkaAnswer::Synchronisation(auts)) => Proof::Auts(hex::encode(auts)),
                Ok(AkaAnswer::MacFailure) => Proof::Failure("mac"),
                Ok(AkaAnswer::Failed(sw)) => {
                    return Ok(Radio::NoTrust(format!("the chip could not answer the network (SW {sw})")));
                }
                Err(lost) => return Ok(Radio::NoTrust(format!("the chip did not answer: {}", lost.0))),
            };
            let path = format!("/network/attach/{}/response", challenge.attach_id);
            let row = self.model.row(
                Party::Phone,
                Party::Network,
                match proof {
                    Proof::Res(_) => "Authentication Response",
                    Proof::Auts(_) | Proof::Failure(_) => "Authentication Failure",
                },
            );
            match self.post(row, &path, &proof).await? {
                AttachAnswer::Challenge(again) => challenge = again,
                AttachAnswer::Session(session) => {
                    let asked =
                        apn.map_or_else(|| "no APN asked".to_owned(), |apn| format!("APN asked: {apn}"));
                    self.model.note(
                        true,
                        format!("attach as {imsi}, {asked}"),
                        format!("APN given: {} — {}", session.apn.given, session.apn.because),
                        format!("{} · rule {}", session.class, session.apn.rule),
                    );
                    return Ok(Radio::Attached(session));
                }
            }
        }
        Err(NetworkError::Lost("chip and network do not agree on a sequence number".to_owned()))
    }

    async fn card_answer(&self, challenge: &Challenge) -> Result<AkaAnswer, CardLost> {
        let bytes = |text: &str| hex::decode(text).ok().filter(|bytes| bytes.len() == 16);
        let (Some(rand), Some(autn)) = (bytes(&challenge.rand), bytes(&challenge.autn)) else {
            return Err(CardLost("the network's challenge is not 16 and 16 bytes".to_owned()));
        };
        let data = [&[16][..], &rand, &[16], &autn].concat();
        let command = Command::new(0x00, ins::AUTHENTICATE, 0x00, 0x81).data(&data).le(256);
        let answer = self.exchange(None, command).await?;
        Ok(files::aka_answer(&answer.data, answer.sw))
    }

    /// Sends a command and fetches all of the answer.
    async fn exchange(&self, row: Option<Row>, command: Command<'_>) -> Result<Response, CardLost> {
        /// No file is longer.
        const MOST: usize = 0x1_0000;
        let bytes = command.to_vec();
        let row = row.unwrap_or_else(|| self.model.card_row(&bytes));
        let mut answer = self.one(row, &bytes).await?;
        if let Some(le) = answer.sw.exact_le() {
            answer = self.one(row, &command.le(le as u32).to_vec()).await?;
        }
        while let Some(le) = answer.sw.response_available() {
            let fetch = Command::new(command.cla & 0x43, ins::GET_RESPONSE, 0, 0).le(le as u32);
            let more = self.one(row, &fetch.to_vec()).await?;
            let stuck = more.data.is_empty() || answer.data.len() > MOST;
            answer.data.extend(more.data);
            answer.sw = if stuck && more.sw.response_available().is_some() {
                StatusWord::TECHNICAL_PROBLEM
            } else {
                more.sw
            };
        }
        Ok(answer)
    }

    async fn one(&self, row: Row, command: &[u8]) -> Result<Response, CardLost> {
        let bytes = self.phone.transmit(Some(row), command).await?;
        Response::parse(&bytes).ok_or_else(|| CardLost(format!("the chip answered “{}”", hex(&bytes))))
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        row: Row,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, NetworkError> {
        let body = serde_json::to_vec(body).map_err(|error| NetworkError::Lost(error.to_string()))?;
        self.model.on_air.set(Some((Party::Phone, Party::Network)));
        let answer = http::send("POST", path, &[], Some(&body)).await;
        self.model.on_air.set(None);
        let request = format!("POST {path}\n{}", crate::model::pretty(&body));
        let shown = answer.as_ref().map(|answer| (answer.status, &answer.body[..])).map_err(String::as_str);
        self.model.add_http(row, &request, shown, body.len());
        let answer = answer.map_err(NetworkError::Lost)?;
        if answer.status >= 400 {
            return Err(refusal(answer.status, &answer.body));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| NetworkError::Lost(format!("the network's answer can't be read: {error}")))
    }
}

/// What a refusal says; also of a body that is none.
pub(crate) fn refusal(status: u16, body: &[u8]) -> NetworkError {
    let problem = serde_json::from_slice::<Problem>(body).ok().filter(|problem| !problem.because.is_empty());
    NetworkError::Refused(Box::new(problem.unwrap_or_else(|| Problem {
        title: String::new(),
        status,
        because: format!("the network answered with HTTP status {status}"),
        rule: None,
        cause: None,
    })))
}

/// Number, type and qualifier of a proactive command: `D0 { 81 03 … }`.
fn proactive_details(bytes: &[u8]) -> Option<[u8; 3]> {
    let command = tlv::Tlv::single_of(bytes, tlv::Tag(0xD0)).ok()?;
    let details = command.reader().next().ok()??;
    (details.tag.0 & 0x7F == 0x01).then(|| details.array().ok())?
}
