//! What a phone's modem does by itself: reset, reading the profile, attaching
//! (3GPP TS 31.102 §5.1, TS 24.301 §5.4.2, ETSI TS 102 223 §6.4.7).

use apdu::{Command, Response, StatusWord, ins};
use ef::AkaAnswer;
use leptos::prelude::*;
use lpa::CardLost;
use trace::{Party, Step};
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};
use zeroize::Zeroizing;

use crate::five_g;
use crate::model::{Card, Model, Radio, Slot};
use crate::network::{
    Access, AttachAnswer, AttachRequest, Challenge, Identity, NetworkError, Problem, Proof, ServiceRequest,
    Session, Verdict,
};
use crate::phone::{Phone, Service};
use crate::said;
use crate::transport::http::HttpResponse;
use crate::transport::{later, mac, once};
use crate::units::hex;

/// TERMINAL PROFILE (ETSI TS 102 223 §5.2): profile download, and REFRESH.
const TERMINAL_PROFILE: [u8; 3] = [0x01, 0x00, 0x80];

/// TERMINAL CAPABILITY (ETSI TS 102 221 §11.1.19): extended channels, additional
/// interfaces, LUId, LPDd and LDSd.
const TERMINAL_CAPABILITY: [u8; 10] = [0xA9, 0x08, 0x81, 0x00, 0x82, 0x01, 0x01, 0x83, 0x01, 0x07];

/// How often a card may ask for its sequence number to be taken over in one attach.
const MAX_RESYNCHRONISATIONS: usize = 2;

/// How long a phone that leaves waits for the network, in milliseconds: as long as one that is switched off
/// tries to say so (3GPP TS 24.301 §5.5.2.2.1).
const DETACH_PATIENCE: u32 = 5_000;

const NO_ANSWER: Text = Text::new("the chip did not answer: {}", "チップが応答しませんでした: {}");

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

    /// Resets the chip, reads the enabled profile and attaches with it. A subscriber that is attached is
    /// detached first: after the reset there may be another one (ETSI TS 102 223 §6.4.7.1, 3GPP TS 24.301
    /// §5.5.2.1).
    pub(crate) async fn power_on(&self) {
        self.leave(Radio::Searching).await;
        self.model.radio.set(Radio::Searching);
        match self.boot().await {
            Ok(()) => self.attach().await,
            Err(CardLost(because)) => {
                self.model.radio.set(Radio::NoCard(said::with(NO_ANSWER, &because)));
            }
        }
    }

    /// A proactive command waits behind `91 XX`: FETCH, perform, answer; what it asks for
    /// is done by the reset that follows. Whether there was one.
    pub(crate) async fn proactive(&self) -> Result<bool, CardLost> {
        /// A card that always has one more would never let go.
        const MOST: usize = 8;
        let status = Command::new(0x80, ins::STATUS, 0, 0x0C);
        let mut answer = self.exchange(status).await?;
        for done in 0..MOST {
            let Some(length) = answer.sw.proactive_len() else { return Ok(done > 0) };
            let fetched = self.exchange(Command::new(0x80, ins::FETCH, 0, 0).le(length as u32)).await?;
            let details = proactive_details(&fetched.data).unwrap_or([0x01, 0x00, 0x00]);
            /// 00: performed; 30: beyond the terminal's capabilities.
            const REFRESH: u8 = 0x01;
            let result = if details[1] == REFRESH { 0x00 } else { 0x30 };
            let [number, kind, qualifier] = details;
            let response = [0x81, 0x03, number, kind, qualifier, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result];
            let respond = Command::new(0x80, ins::TERMINAL_RESPONSE, 0, 0).data(&response);
            answer = self.exchange(respond).await?;
        }
        Ok(true)
    }

    /// Attaches with the profile that was read, or tells why not.
    pub(crate) async fn attach(&self) {
        let Some(imsi) = self.model.card.with_untracked(|card| card.imsi.clone()) else { return };
        self.model.radio.set(Radio::Searching);
        let mut tried = self.authenticate(&imsi).await;
        if matches!(&tried, Err(error) if error.is_guti_unknown())
            && self.model.guti.try_update(Option::take).flatten().is_some()
        {
            tried = self.authenticate(&imsi).await;
        }
        let radio = match tried {
            Ok(radio) => radio,
            Err(error) => {
                self.model.note(
                    false,
                    text!("attach as {imsi}", "{imsi} としてアタッチ"),
                    error.words(),
                    error.codes(),
                );
                Radio::NoService(error)
            }
        };
        let attached = radio.session().is_some();
        self.model.radio.set(radio);
        self.model.end_step(Step::Attach, attached);
        self.model.end_step(Step::Switch, attached);
    }

    /// Asks the network whether a service may be used now.
    pub(crate) async fn use_service(&self, service: Service, to: &str) -> Result<Verdict, NetworkError> {
        let wish = ServiceRequest { kind: service.word(), to };
        let path = |session: &Session| format!("/network/sessions/{}/service", session.session_id);
        let session = self.session()?;
        let verdict: Verdict = match self.post(&path(&session), &wish).await {
            Err(error) if self.phone.has_run_out(&session, &error) => {
                self.attach().await;
                self.post(&path(&self.session()?), &wish).await?
            }
            answer => answer?,
        };
        let Text { en, ja } = verdict.words();
        let outcome = if verdict.permitted() {
            text!("permitted: {en}", "許可: {ja}")
        } else {
            text!("refused: {en}", "拒否: {ja}")
        };
        self.model.note(verdict.permitted(), service.tried(to), outcome, verdict.codes());
        Ok(verdict)
    }

    /// Lets the session go, and says so to the network.
    pub(crate) async fn detach(&self) {
        let Ok(session) = self.session() else { return };
        self.let_go(&session).await;
        // Whatever the network says: the phone does not use it any more.
        self.model.radio.set(Radio::Detached);
    }

    /// The same before the card is reset or the power goes: a network that does not answer is not waited
    /// for any longer than [`DETACH_PATIENCE`], and is told all the same. Meanwhile the modem stands as
    /// `standing` says: one that is being switched off looks for nothing.
    pub(crate) async fn leave(&self, standing: Radio) {
        let Ok(session) = self.session() else { return };
        self.model.radio.set(standing);
        let phone = *self.phone;
        let (told, answered) = once::channel();
        spawn_local(async move {
            phone.terminal().let_go(&session).await;
            told.send(());
        });
        let _ = later::within(answered, self.phone.wait(DETACH_PATIENCE)).await;
    }

    async fn let_go(&self, session: &Session) {
        let path = format!("/network/sessions/{}", session.session_id);
        let what = text!("detach {}", "{} をデタッチ", session.imsi);
        let answer = self.phone.request("DELETE", Party::Network, &path, &path, &[], Vec::new()).await;
        let error = match answer {
            Ok(answer) if answer.status < 400 => None,
            Ok(answer) => Some(refusal(answer.status, &answer.body)),
            Err(because) => Some(NetworkError::Lost(because)),
        };
        match error {
            None => self.model.note(
                true,
                what,
                Text::new("the session is over", "セッションは終了しました"),
                Text::<String>::default(),
            ),
            Some(error) => self.model.note(false, what, error.words(), error.codes()),
        }
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
        let atr = self.phone.reset(Slot::Phone).await?;
        self.model.card.update(|card| card.atr = atr);
        self.exchange(Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&[0x3F, 0x00]).le(256)).await?;
        self.exchange(Command::new(0x80, ins::TERMINAL_CAPABILITY, 0, 0).data(&TERMINAL_CAPABILITY)).await?;
        let iccid = self.read([0x2F, 0xE2]).await?;
        let iccid = iccid.and_then(|content| <[u8; 10]>::try_from(content.get(..10)?).ok());
        self.model.card.update(|card| card.iccid = iccid.map(|raw| rsp::Iccid::from_bytes(raw).to_string()));
        let usim = self.usim().await?;
        self.exchange(Command::new(0x80, ins::TERMINAL_PROFILE, 0, 0).data(&TERMINAL_PROFILE)).await?;

        let (Some(_), Some(aid)) = (iccid, usim) else {
            self.model.radio.set(Radio::NoProfile);
            return Ok(());
        };
        let select = Command::new(0x00, ins::SELECT, 0x04, 0x04).data(&aid).le(256);
        let selected = self.exchange(select).await?;
        if !selected.sw.is_success() {
            let words = text!(
                "the profile's USIM can't be opened (SW {})",
                "プロファイルの USIM を開けません (SW {})",
                selected.sw
            );
            self.model.radio.set(Radio::NoUsim(words));
            return Ok(());
        }
        self.exchange(Command::new(0x80, ins::STATUS, 0x01, 0x0C)).await?;
        let administrative = self.read([0x6F, 0xAD]).await?.unwrap_or_default();
        let services = self.read([0x6F, 0x38]).await?.unwrap_or_default();
        let spn = self.read([0x6F, 0x46]).await?;
        let imsi = self.read([0x6F, 0x07]).await?;
        let imsi = imsi.and_then(|content| rsp::Imsi::from_ef(&content).ok());
        if imsi.is_none() {
            let words = Text::new(
                "the profile's IMSI can't be read; it may want its PIN first",
                "プロファイルの IMSI を読めません。先に PIN が必要かもしれません",
            );
            self.model.radio.set(Radio::NoUsim(words.owned()));
        }
        self.model.card.update(|card| {
            card.operator = spn.as_deref().and_then(ef::service_provider_name);
            card.imsi = imsi.map(|imsi| imsi.to_string());
            (card.usim, card.services, card.administrative) = (aid, services, administrative);
        });
        Ok(())
    }

    /// The AID of the USIM, from EF.DIR.
    async fn usim(&self) -> Result<Option<Vec<u8>>, CardLost> {
        /// Applications on one UICC.
        const MOST: u8 = 10;
        let select = Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&[0x2F, 0x00]).le(256);
        if !self.exchange(select).await?.sw.is_success() {
            return Ok(None);
        }
        for record in 1..=MOST {
            let read = Command::new(0x00, ins::READ_RECORD, record, 0x04).le(256);
            let answer = self.exchange(read).await?;
            if !answer.sw.is_success() {
                return Ok(None);
            }
            if let Some(aid) = ef::usim_in(&answer.data) {
                return Ok(Some(aid));
            }
        }
        Ok(None)
    }

    /// Selects a transparent file and reads it; `None` when it is not there or not readable.
    async fn read(&self, file: [u8; 2]) -> Result<Option<Vec<u8>>, CardLost> {
        let select = Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&file).le(256);
        if !self.exchange(select).await?.sw.is_success() {
            return Ok(None);
        }
        let answer = self.exchange(Command::new(0x00, ins::READ_BINARY, 0, 0).le(256)).await?;
        Ok(answer.sw.is_success().then_some(answer.data))
    }

    /// The concealed identity, or why there is none: of the USIM where that conceals, else of the null
    /// scheme (TS 33.501 §6.12.2).
    async fn suci(&self, imsi: &str) -> Result<String, Text<String>> {
        /// GET IDENTITY, SUCI context (TS 31.102 §7.5).
        const GET_IDENTITY: (u8, u8) = (0x78, 0x01);
        let lost = |CardLost(because): CardLost| said::with(NO_ANSWER, &because);
        let card = self.model.card.get_untracked();
        let may = |service| five_g::has_service(&card.services, service);
        if !may(five_g::SUCI_CALCULATION) {
            return null_scheme(imsi, &card, &[]);
        }
        if may(five_g::SUCI_BY_USIM) {
            let (ins, p2) = GET_IDENTITY;
            let answer = self.exchange(Command::new(0x80, ins, 0, p2).le(256)).await.map_err(lost)?;
            return five_g::concealed(&answer.data).filter(|_| answer.sw.is_success()).ok_or_else(|| {
                text!(
                    "the chip did not conceal its subscriber (SW {})",
                    "チップが加入者識別子を秘匿できませんでした (SW {})",
                    answer.sw
                )
            });
        }
        let (mut info, mut routing) = (None, None);
        let select = Command::new(0x00, ins::SELECT, 0x00, 0x04).data(&[0x5F, 0xC0]).le(256);
        if self.exchange(select).await.map_err(lost)?.sw.is_success() {
            info = self.read([0x4F, 0x07]).await.map_err(lost)?;
            routing = self.read([0x4F, 0x0A]).await.map_err(lost)?;
        }
        // Back to the USIM, which is to authenticate.
        let select = Command::new(0x00, ins::SELECT, 0x04, 0x04).data(&card.usim).le(256);
        self.exchange(select).await.map_err(lost)?;
        if !five_g::wants_null_scheme(&info.unwrap_or_default()) {
            return Err(Text::new(
                "this profile wants its identity concealed by the phone, and this phone can’t",
                "このプロファイルは電話による識別子の秘匿を求めていますが、この電話は対応していません",
            )
            .owned());
        }
        null_scheme(imsi, &card, &routing.unwrap_or_default())
    }

    /// Who the phone says it is: in 5G once by the concealed identity, from then on by the temporary one.
    async fn identity(&self, access: Access, imsi: &str) -> Result<Identity, Text<String>> {
        if access == Access::Eps {
            return Ok(Identity::Imsi(imsi.to_owned()));
        }
        let known = self.model.guti.get_untracked().filter(|(own, _)| own == imsi);
        match known {
            Some((_, guti)) => Ok(Identity::Guti(guti)),
            None => self.suci(imsi).await.map(Identity::Suci),
        }
    }

    /// EPS AKA or 5G AKA: who the phone says it is, the network's challenge, the card's answer.
    async fn authenticate(&self, imsi: &str) -> Result<Radio, NetworkError> {
        let apn = self.model.apn.get_untracked();
        let apn = Some(apn.trim()).filter(|apn| !apn.is_empty());
        let access = self.model.access.get_untracked();
        let who = match self.identity(access, imsi).await {
            Ok(who) => who,
            Err(words) => return Ok(Radio::NoTrust(words)),
        };
        let request = AttachRequest { who: &who, access, apn };
        let mut challenge: Challenge = self.post("/network/attach", &request).await?;
        for _ in 0..=MAX_RESYNCHRONISATIONS {
            let proof = match self.card_answer(&challenge).await {
                Ok(AkaAnswer::Success { res, keys }) => match &challenge.serving_network {
                    None => Proof::Res(hex::encode(res)),
                    Some(network) => {
                        let Some(keys) = keys else {
                            return Ok(Radio::NoTrust(
                                Text::new(
                                    "the chip gave no keys for 5G",
                                    "チップが 5G 用の鍵を返しませんでした",
                                )
                                .owned(),
                            ));
                        };
                        let rand = hex::decode(&challenge.rand).unwrap_or_default();
                        let text = five_g::res_star_text(network, &rand, &res);
                        let key = Zeroizing::new([keys.expose_ck(), keys.expose_ik()].concat());
                        let made = mac::hmac(&key, &text).await.map_err(NetworkError::Lost)?;
                        Proof::ResStar(hex::encode(made.get(16..).unwrap_or_default()))
                    }
                },
                Ok(AkaAnswer::Synchronisation(auts)) => {
                    self.model.note(
                        true,
                        text!("challenge to the card of {imsi}", "{imsi} のカードへのチャレンジ"),
                        Text::new(
                            "the network’s sequence number is not above the card’s: the card sends its own (AUTS)",
                            "ネットワークの連番がカードより進んでいないため、カードが自分の連番を送ります (AUTS)",
                        ),
                        Text::same("SQN · AUTS"),
                    );
                    Proof::Auts(hex::encode(auts))
                }
                Ok(AkaAnswer::MacFailure) => Proof::Failure("mac"),
                Ok(AkaAnswer::Failed(sw)) => {
                    return Ok(Radio::NoTrust(text!(
                        "the chip could not answer the network (SW {sw})",
                        "チップはネットワークに応答できませんでした (SW {sw})"
                    )));
                }
                Err(CardLost(because)) => {
                    return Ok(Radio::NoTrust(said::with(NO_ANSWER, &because)));
                }
            };
            let path = format!("/network/attach/{}/response", challenge.attach_id);
            match self.post(&path, &proof).await? {
                AttachAnswer::Challenge(again) => challenge = again,
                AttachAnswer::Session(session) => {
                    if access == Access::FiveG {
                        self.model.guti.set(session.guti.clone().map(|guti| (imsi.to_owned(), guti)));
                    }
                    let what = match apn {
                        None => {
                            text!("attach as {who}, no APN asked", "{who} としてアタッチ、APN の要求なし")
                        }
                        Some(apn) => text!(
                            "attach as {who}, APN asked: {apn}",
                            "{who} としてアタッチ、要求した APN: {apn}"
                        ),
                    };
                    let Text { en, ja } = session.apn.words();
                    let given = &session.apn.given;
                    self.model.note(
                        true,
                        what,
                        text!("APN given: {given} — {en}", "与えられた APN: {given} — {ja}"),
                        text!("{} · rule {}", "{} · ルール {}", session.class, session.apn.rule),
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
            return Err(CardLost(said::words("the network's challenge is not 16 and 16 bytes")));
        };
        let data = [&[16][..], &rand, &[16], &autn].concat();
        let command = Command::new(0x00, ins::AUTHENTICATE, 0x00, 0x81).data(&data).le(256);
        let answer = self.exchange(command).await?;
        Ok(ef::aka_answer(&answer.data, answer.sw))
    }

    /// Sends a command and fetches all of the answer.
    async fn exchange(&self, command: Command<'_>) -> Result<Response, CardLost> {
        /// No file is longer.
        const MOST: usize = 0x1_0000;
        let bytes = command.to_vec();
        let mut answer = self.one(&bytes).await?;
        if let Some(le) = answer.sw.exact_le() {
            answer = self.one(&command.le(le as u32).to_vec()).await?;
        }
        while let Some(le) = answer.sw.response_available() {
            let fetch = Command::new(command.cla & 0x43, ins::GET_RESPONSE, 0, 0).le(le as u32);
            let more = self.one(&fetch.to_vec()).await?;
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

    async fn one(&self, command: &[u8]) -> Result<Response, CardLost> {
        let bytes = self.phone.transmit(Slot::Phone, command).await?;
        Response::parse(&bytes)
            .ok_or_else(|| CardLost(said::words(&format!("the chip answered “{}”", hex(&bytes)))))
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, NetworkError> {
        let body = serde_json::to_vec(body).map_err(|error| NetworkError::Lost(error.to_string()))?;
        let answer = self.phone.send(Party::Network, path, path, &[], body).await;
        answered(&answer.map_err(NetworkError::Lost)?)
    }
}

/// What the network answers, or that it refuses.
pub(crate) fn answered<T: serde::de::DeserializeOwned>(answer: &HttpResponse) -> Result<T, NetworkError> {
    if answer.status >= 400 {
        return Err(refusal(answer.status, &answer.body));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| NetworkError::Lost(format!("the network's answer can't be read: {error}")))
}

/// The SUCI of the null scheme, by what the USIM says of its network and its routing indicator.
fn null_scheme(imsi: &str, card: &Card, routing: &[u8]) -> Result<String, Text<String>> {
    let mnc_len = five_g::mnc_len(&card.administrative);
    five_g::null_scheme(imsi, mnc_len, &five_g::routing(routing)).ok_or_else(|| {
        Text::new("the profile’s IMSI is too short", "プロファイルの IMSI が短すぎます").owned()
    })
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

#[cfg(test)]
mod tests;
