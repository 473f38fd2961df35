//! The procedures against a recorded session: a chip and a server that only play
//! back what an independent implementation of both said.

use std::collections::HashMap;

use apdu::{Command, Response, StatusWord, ins};
use rsp::DataObject;
use rsp::activation_code::ActivationCode;
use rsp::auth::DeviceInfo;
use rsp::codes::{CancelSessionReason, ErrorReason};
use rsp::es9::{Base64, Es9Function};
use rsp::status::{ResponseHeader, StatusCode};
use serde_json::{Value, json};

use crate::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const DEVICE: DeviceInfo = DeviceInfo { tac: [0x35, 0x29, 0x06, 0x11], capabilities: [None; 11], imei: None };
const CODE: &str = "1$testsmdpplus1.example.com$TEST-MATCHING-ID";

/// Collects STORE DATA chains and answers by the tag of the request.
#[derive(Default)]
struct PlaybackChip {
    answers: HashMap<u32, Vec<u8>>,
    chain: Vec<u8>,
    pending: Vec<u8>,
    /// What was sent to the ISD-R, chain by chain.
    requests: Vec<Vec<u8>>,
    /// Answers `installation` on the request with this number of the package.
    fail_at_segment: Option<(usize, Vec<u8>)>,
    segments: usize,
    package_ends_with: Vec<u8>,
    closed: bool,
    /// Whether the notification of the answers waits: it comes with the result.
    notifies: bool,
}

impl PlaybackChip {
    fn transmit(&mut self, bytes: &[u8]) -> Vec<u8> {
        let command = Command::parse(bytes).unwrap();
        match command.ins {
            ins::TERMINAL_CAPABILITY => vec![0x6D, 0x00],
            ins::MANAGE_CHANNEL if command.p1 == 0 => vec![1, 0x90, 0x00],
            ins::MANAGE_CHANNEL => {
                self.closed = true;
                vec![0x90, 0x00]
            }
            // Not under the GSMA's AID, as on some removable chips.
            ins::SELECT if command.data[..] == rsp::ids::ISD_R => vec![0x6A, 0x82],
            ins::SELECT => vec![0x61, 0x10],
            ins::GET_RESPONSE => {
                let le = command.le.unwrap() as usize;
                let rest = self.pending.split_off(self.pending.len().min(le));
                let part = std::mem::replace(&mut self.pending, rest);
                let sw = if self.pending.is_empty() {
                    StatusWord::OK
                } else {
                    StatusWord::available(self.pending.len())
                };
                Response::new(part, sw).to_vec()
            }
            ins::STORE_DATA => {
                assert_eq!(command.cla, 0x81);
                self.chain.extend_from_slice(command.data);
                if command.p1 == 0x11 {
                    return vec![0x90, 0x00];
                }
                let request = std::mem::take(&mut self.chain);
                self.pending = self.answer(&request);
                self.requests.push(request);
                if self.pending.is_empty() {
                    vec![0x90, 0x00]
                } else {
                    StatusWord::available(self.pending.len()).0.to_be_bytes().to_vec()
                }
            }
            other => panic!("instruction {other:02X}"),
        }
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let tag = tlv::tag(request).unwrap().unwrap().0;
        if tag == 0xBF28 && !self.notifies {
            return rsp::notification::encode_list_response(&[]);
        }
        if let Some(answer) = self.answers.get(&tag) {
            return answer.clone();
        }
        assert!(matches!(tag, 0xBF36 | 0xA0..=0xA3 | 0x86..=0x88), "request {tag:X}");
        self.segments += 1;
        let result = match &self.fail_at_segment {
            Some((number, result)) if *number == self.segments => result.clone(),
            _ if request.ends_with(&self.package_ends_with) => self.answers[&0xBF37].clone(),
            _ => Vec::new(),
        };
        self.notifies |= !result.is_empty();
        result
    }
}

struct Playback {
    chip: PlaybackChip,
    server: HashMap<Es9Function, Value>,
    calls: Vec<(Es9Function, Value)>,
    replies: Vec<Reply>,
    questions: Vec<Question>,
    steps: Vec<Step>,
    kept: Vec<Checkpoint>,
    cancellations: Cancellations,
    stop_at: Option<Step>,
    /// How often that step passes before it is stopped at.
    let_pass: usize,
}

impl Playback {
    /// `None` without the published session.
    fn new(variant: &str) -> Option<Self> {
        let file = |name: &str| vectors::read(&format!("data/rsp-session/{name}.der"));
        let b64 = |bytes: Vec<u8>| serde_json::to_value(Base64(bytes)).unwrap();
        let ok = || serde_json::to_value(ResponseHeader::success()).unwrap();
        let id = "0102030405060708090A0B0C0D0E0F10";
        let request =
            rsp::auth::AuthenticateServerRequest::decode(&file("AuthenticateServerRequest")?).unwrap();
        let prepare =
            rsp::download::PrepareDownloadRequest::decode(&file("PrepareDownloadRequest")?).unwrap();
        let package = file(&format!("BoundProfilePackage_{variant}"))?;
        let mut chip =
            PlaybackChip { package_ends_with: package[package.len() - 8..].to_vec(), ..Default::default() };
        let pir = file("ProfileInstallationResult_ok")?;
        let pending = rsp::notification::ProfileInstallationResult::decode(&pir).unwrap();
        chip.answers = HashMap::from([
            (0xBF20, file("euiccInfo1")?),
            (0xBF22, file("euiccInfo2")?),
            (0xBF2E, vectors::bytes("bf2e12801000112233445566778899aabbccddeeff")),
            (0xBF38, file("AuthenticateServerResponse")?),
            (0xBF21, file("PrepareDownloadResponse")?),
            (0xBF2D, vectors::bytes("bf2d02a000")),
            (0xBF3E, vectors::bytes("bf3e125a1089049032123451234512345678901235")),
            (0xBF41, file("CancelSessionResponse")?),
            (
                0xBF28,
                rsp::notification::encode_list_response(std::slice::from_ref(&pending.data.notification)),
            ),
            (0xBF2B, rsp::notification::encode_retrieve_response([pir.clone()])),
            (0xBF30, vectors::bytes("bf3003800100")),
            (0xBF37, pir),
        ]);
        let server = HashMap::from([
            (
                Es9Function::InitiateAuthentication,
                json!({"header": ok(), "transactionId": id,
                    "serverSigned1": b64(request.server_signed1.bytes().to_vec()),
                    "serverSignature1": b64(request.server_signature1.to_tlv()),
                    "euiccCiPKIdToBeUsed": b64(tlv::encode(tlv::Tag(4), request.ci_pk_id_to_be_used.as_bytes())),
                    "serverCertificate": b64(request.server_certificate.der().to_vec()), "unknown": 1}),
            ),
            (
                Es9Function::AuthenticateClient,
                json!({"header": ok(), "transactionId": id.to_lowercase(), "profileMetadata": b64(file("profileMetadata")?),
                    "smdpSigned2": b64(prepare.smdp_signed2.bytes().to_vec()),
                    "smdpSignature2": b64(prepare.smdp_signature2.to_tlv()),
                    "smdpCertificate": b64(prepare.smdp_certificate.der().to_vec())}),
            ),
            (
                Es9Function::GetBoundProfilePackage,
                json!({"header": ok(), "transactionId": id, "boundProfilePackage": b64(package)}),
            ),
            (Es9Function::HandleNotification, Value::Null),
            (Es9Function::CancelSession, json!({"header": ok()})),
        ]);
        let replies = vec![Reply::Accept];
        Some(Self {
            chip,
            server,
            replies,
            calls: vec![],
            questions: vec![],
            steps: vec![],
            kept: vec![],
            cancellations: Cancellations::default(),
            stop_at: None,
            let_pass: 0,
        })
    }

    fn refuse(&mut self, function: Es9Function, code: StatusCode) {
        self.server.insert(function, json!({"header": ResponseHeader::failed(code, "")}));
    }

    fn run(&mut self, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(Ok(self.chip.transmit(&command))),
                Effect::Server(call) => {
                    let request = serde_json::from_slice(&call.body).unwrap();
                    assert_eq!(call.address, "testsmdpplus1.example.com");
                    self.calls.push((call.function, request));
                    Answer::Server(match self.server.get(&call.function) {
                        None => Err(ServerLost::said("no network")),
                        Some(Value::Null) => Ok(HttpAnswer { status: 204, body: vec![] }),
                        Some(value) => {
                            Ok(HttpAnswer { status: 200, body: serde_json::to_vec(value).unwrap() })
                        }
                    })
                }
                Effect::Ask(question) => {
                    self.questions.push(question);
                    Answer::Reply(self.replies.remove(0))
                }
                Effect::Progress(progress) => {
                    let here = self.stop_at.as_ref() == Some(&progress.step);
                    let stop = here && self.let_pass == 0;
                    self.let_pass -= usize::from(here && !stop);
                    self.steps.push(progress.step);
                    if stop { Answer::Stop } else { Answer::Continue }
                }
                Effect::Keep(checkpoint) => {
                    self.kept.push(*checkpoint);
                    Answer::Continue
                }
                Effect::Forget(id) => {
                    assert_eq!(self.kept.last().map(Checkpoint::transaction_id), Some(&id));
                    self.kept.clear();
                    Answer::Continue
                }
                Effect::KeepCancellation(cancellation) => {
                    self.cancellations.keep(*cancellation, 1_767_225_600);
                    Answer::Continue
                }
                Effect::ForgetCancellation(id) => {
                    self.cancellations.forget(&id);
                    Answer::Continue
                }
                Effect::Refresh(_) => Answer::Continue,
                Effect::Done(result) => return result,
            };
        }
    }

    fn download(&mut self, code: &str) -> Result<Outcome, Failure> {
        let code: ActivationCode = code.parse().unwrap();
        self.run(download(code, DEVICE, Options::default()))
    }

    fn cancelled(&self) -> Option<CancelSessionReason> {
        let request = self.chip.requests.iter().find(|request| request.starts_with(&[0xBF, 0x41]))?;
        Some(rsp::cancel::CancelSessionRequest::decode(request).unwrap().reason)
    }

    fn functions(&self) -> Vec<&str> {
        self.calls.iter().map(|(function, _)| function.name()).collect()
    }
}

#[test]
fn a_download_takes_the_four_calls_of_the_protocol() {
    for variant in ["session", "ppk"] {
        let Some(mut playback) = Playback::new(variant) else { return };
        let Ok(Outcome::Installed { metadata, notifications, waiting, .. }) = playback.download(CODE) else {
            panic!()
        };
        assert_eq!(metadata.iccid.to_string(), "89000123456789012341");
        assert_eq!((notifications.len(), waiting.len()), (1, 0));
        assert!(playback.kept.is_empty(), "the checkpoint stays");
        assert!(notifications[0].result.is_ok());
        let expected =
            ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage", "handleNotification"];
        assert_eq!(playback.functions(), expected);
        let Question::Consent { confirmation_code_required, strong_consent, .. } = &playback.questions[0]
        else {
            panic!()
        };
        assert!(!confirmation_code_required && !strong_consent);
        assert!(playback.chip.closed, "the channel is left open");
        let removed = playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x30]));
        assert!(removed, "the notification stays though the server has it");
        // The package reaches the chip as it came, and the last progress says so.
        let fed: usize = playback.chip.requests.iter().map(Vec::len).sum();
        let Some(Step::Install { bytes, bytes_done, segments, segments_done, .. }) =
            playback.steps.iter().rfind(|step| matches!(step, Step::Install { .. }))
        else {
            panic!()
        };
        assert!(fed > *bytes && bytes == bytes_done && segments == segments_done);
        assert_eq!(playback.chip.segments, *segments);
    }
}

#[test]
fn what_the_chip_said_reaches_the_server_unchanged() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.download(CODE).unwrap();
    let sent = &playback.calls[1].1["authenticateServerResponse"];
    let expected = serde_json::to_value(Base64(playback.chip.answers[&0xBF38].clone())).unwrap();
    assert_eq!(*sent, expected);
    let authenticate = playback.chip.requests.iter().find(|r| r.starts_with(&[0xBF, 0x38])).unwrap();
    let request = rsp::auth::AuthenticateServerRequest::decode(authenticate).unwrap();
    assert_eq!(request.ctx_params1.matching_id.as_ref().unwrap().as_str(), "TEST-MATCHING-ID");
}

#[test]
fn the_oid_of_the_activation_code_must_be_the_certificate_s() {
    let Some(mut playback) = Playback::new("session") else { return };
    assert!(playback.download(&format!("{CODE}$2.999.10")).is_ok());
    let mut playback = Playback::new("session").unwrap();
    let failure = playback.download(&format!("{CODE}$2.999.11")).unwrap_err();
    assert_eq!(failure.cause, Cause::OidMismatch);
    assert_eq!(playback.functions(), ["initiateAuthentication"]);
}

#[test]
fn a_refusal_of_the_user_is_told_to_chip_and_server() {
    for (reply, reason) in [
        (Reply::Reject, CancelSessionReason::END_USER_REJECTION),
        (Reply::Postpone, CancelSessionReason::POSTPONED),
    ] {
        let Some(mut playback) = Playback::new("session") else { return };
        playback.replies = vec![reply];
        playback.download(CODE).unwrap_err();
        assert_eq!(playback.cancelled(), Some(reason));
        assert_eq!(playback.functions().last(), Some(&"cancelSession"));
    }
}

#[test]
fn every_step_before_the_package_can_be_stopped() {
    for step in [
        Step::ReadChip,
        Step::InitiateAuthentication,
        Step::AuthenticateServer,
        Step::AuthenticateClient,
        Step::PrepareDownload,
        Step::FetchPackage,
    ] {
        let Some(mut playback) = Playback::new("session") else { return };
        playback.stop_at = Some(step.clone());
        assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::Postponed, "{step:?}");
        assert!(!playback.functions().contains(&"getBoundProfilePackage"));
        assert!(playback.chip.closed);
    }
}

#[test]
fn the_package_can_be_given_back_until_the_chip_has_its_first_segment() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.stop_at = Some(Step::FetchPackage);
    playback.let_pass = 1;
    assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::Postponed);
    assert_eq!(playback.chip.segments, 0);
    assert_eq!(playback.cancelled(), Some(CancelSessionReason::POSTPONED));
    assert_eq!(playback.functions().last(), Some(&"cancelSession"));
}

#[test]
fn a_server_s_refusal_keeps_its_codes_and_closes_the_chip_s_session() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.refuse(Es9Function::AuthenticateClient, StatusCode::MATCHING_ID_REFUSED);
    let failure = playback.download(CODE).unwrap_err();
    assert_eq!(failure.stage, Stage::AuthenticateClient);
    assert_eq!(failure.retry(), Retry::Never);
    assert!(failure.codes().contains("8.2.6") && failure.codes().contains("3.8"));
    assert!(playback.cancelled().is_some(), "the chip still has a session");
    assert!(!playback.functions().contains(&"cancelSession"), "the server's is over");
}

#[test]
fn a_lost_answer_to_the_package_does_not_cancel_the_order() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.server.remove(&Es9Function::GetBoundProfilePackage);
    let failure = playback.download(CODE).unwrap_err();
    assert_eq!((failure.stage, failure.retry()), (Stage::FetchPackage, Retry::Again));
    assert_eq!(playback.cancelled(), None);
}

#[test]
fn a_wrong_confirmation_code_is_asked_for_again_and_consent_is_not() {
    let Some(mut playback) = Playback::new("session") else { return };
    let signed = rsp::download::SmdpSigned2 {
        transaction_id: "0102030405060708090A0B0C0D0E0F10".parse().unwrap(),
        cc_required: true,
        bpp_euicc_otpk: None,
    };
    let client = playback.server.get_mut(&Es9Function::AuthenticateClient).unwrap();
    client["smdpSigned2"] = serde_json::to_value(Base64(signed.encode())).unwrap();
    playback.refuse(Es9Function::GetBoundProfilePackage, StatusCode::CONFIRMATION_CODE_REFUSED);
    playback.replies = vec![Reply::Accept, Reply::Code("1234".into()), Reply::Postpone];
    assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::Postponed);
    assert_eq!(playback.questions[1], Question::ConfirmationCode { wrong_before: false, tries_left: None });
    assert_eq!(playback.questions[2], Question::ConfirmationCode { wrong_before: true, tries_left: None });
    let prepare = playback.chip.requests.iter().find(|r| r.starts_with(&[0xBF, 0x21])).unwrap();
    let hash = rsp::download::PrepareDownloadRequest::decode(prepare).unwrap().hash_cc.unwrap();
    // SGP.22 §4.7 with code "1234" and the transaction id above.
    let expected = "94e57b8cdfe3eb0a8510f18898add0b1e67b48fafd39892796d6f65f9ce3cc40";
    assert_eq!(hash[..], vectors::bytes(expected));
}

#[test]
fn other_metadata_in_the_package_is_refused() {
    let Some(mut playback) = Playback::new("session") else { return };
    let other =
        rsp::metadata::StoreMetadata::decode(&vectors::read("data/rsp-session/profileMetadata.der").unwrap());
    let other = rsp::metadata::StoreMetadata { profile_name: "Another".into(), ..other.unwrap() };
    let client = playback.server.get_mut(&Es9Function::AuthenticateClient).unwrap();
    client["profileMetadata"] = serde_json::to_value(Base64(other.encode())).unwrap();
    assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::MetadataMismatch);
    assert_eq!(playback.cancelled(), Some(CancelSessionReason::METADATA_MISMATCH));
    assert_eq!(playback.chip.segments, 0);
}

#[test]
fn loading_stops_at_the_first_result_and_the_server_is_told() {
    let Some(mut playback) = Playback::new("session") else { return };
    let error = vectors::read("data/rsp-session/ProfileInstallationResult_err.der").unwrap();
    playback.chip.fail_at_segment = Some((4, error));
    let failure = playback.download(CODE).unwrap_err();
    let Cause::Install { reason, .. } = &failure.cause else { panic!("{failure}") };
    assert_ne!(*reason, ErrorReason(0));
    assert_eq!(playback.chip.segments, 4);
    assert_eq!(playback.functions().last(), Some(&"handleNotification"));
}

#[test]
fn a_notification_that_is_not_taken_stays_on_the_chip() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.chip.notifies = true;
    playback.server.remove(&Es9Function::HandleNotification);
    let Ok(Outcome::Notifications(reports)) = playback.run(notifications(Options::default())) else {
        panic!()
    };
    assert!(reports[0].result.is_err());
    assert!(!playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x30])));
}

#[test]
fn a_notification_that_the_server_refuses_stays_on_the_chip() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.chip.notifies = true;
    playback.refuse(Es9Function::HandleNotification, StatusCode::EUICC_SIGNATURE_INVALID);
    let Ok(Outcome::Notifications(reports)) = playback.run(notifications(Options::default())) else {
        panic!()
    };
    let Err(Failure { cause: Cause::ServerRefused(data), .. }) = &reports[0].result else {
        panic!("{reports:?}")
    };
    assert_eq!((data.subject_code.as_str(), data.reason_code.as_str()), ("8.1", "6.1"));
    assert!(!playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x30])));
}

#[test]
fn a_busy_chip_is_asked_without_refresh() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.chip.answers.insert(0xBF31, vectors::bytes("bf3103800105"));
    let iccid = "89000123456789012341".parse().unwrap();
    let failure = playback.run(enable(iccid, Options::default())).unwrap_err();
    assert_eq!(failure.cause, Cause::StateChange(rsp::codes::ProfileStateResult::CAT_BUSY));
    let asked = playback.chip.requests.iter().filter(|request| request.starts_with(&[0xBF, 0x31]));
    let flags: Vec<u8> = asked.map(|request| *request.last().unwrap()).collect();
    // Once more when its proactive command has been let through, and no more.
    assert_eq!(flags, [0xFF, 0x00, 0xFF, 0x00]);
}

#[test]
fn small_blocks_carry_the_same_requests() {
    let Some(mut playback) = Playback::new("session") else { return };
    let options = Options { block: 120, ..Options::default() };
    let code = CODE.parse().unwrap();
    assert!(playback.run(download(code, DEVICE, options)).is_ok());
}

#[test]
fn a_procedure_that_is_over_says_so() {
    let mut procedure = list(Options::default());
    assert!(matches!(procedure.resume(Answer::Begin), Effect::Card(_)));
    let Effect::Done(Err(failure)) = procedure.resume(Answer::Continue) else { panic!() };
    assert_eq!(failure.cause, Cause::Misuse);
    assert!(matches!(procedure.resume(Answer::Begin), Effect::Done(Err(_))));
}

#[test]
fn a_chip_without_isd_r_is_named_and_its_channel_closed() {
    let mut chip = PlaybackChip::default();
    let mut procedure = list(Options { isd_r_aids: vec![rsp::ids::ISD_R.to_vec()], block: 255 });
    let mut answer = Answer::Begin;
    let failure = loop {
        match procedure.resume(answer) {
            Effect::Card(command) => answer = Answer::Card(Ok(chip.transmit(&command))),
            Effect::Done(result) => break result.unwrap_err(),
            effect => panic!("{effect:?}"),
        }
    };
    assert_eq!(failure.cause, Cause::NoIsdR);
    assert!(chip.closed);
}

#[test]
fn a_chip_that_does_not_find_what_it_lists_is_asked_by_the_aid() {
    let Some(mut playback) = Playback::new("session") else { return };
    let iccid: rsp::Iccid = "89000123456789012341".parse().unwrap();
    let listed = rsp::profiles::ProfileInfo {
        iccid: Some(iccid),
        isdp_aid: Some(rsp::Aid::isd_p(0x11)),
        ..Default::default()
    };
    let list = rsp::profiles::ProfileInfoListResponse::Ok(vec![listed]).encode();
    playback.chip.answers.insert(0xBF2D, list);
    // iccidOrAidNotFound, whatever is asked.
    playback.chip.answers.insert(0xBF31, vectors::bytes("bf3103800101"));
    let failure = playback.run(enable(iccid, Options::default())).unwrap_err();
    assert_eq!(failure.cause, Cause::StateChange(rsp::codes::ProfileStateResult::ICCID_OR_AID_NOT_FOUND));
    let asked: Vec<_> = playback.chip.requests.iter().filter(|r| r.starts_with(&[0xBF, 0x31])).collect();
    assert_eq!(asked.len(), 2, "bounded");
    assert!(asked[0].windows(2).any(|tag| tag == [0xA0, 0x0C]) && asked[0][5] == 0x5A);
    assert!(asked[1][5] == 0x4F, "{:02X?}", asked[1]);
}

#[test]
fn a_change_that_the_chip_only_claims_is_told() {
    let Some(mut playback) = Playback::new("session") else { return };
    let iccid: rsp::Iccid = "89000123456789012341".parse().unwrap();
    playback.chip.answers.insert(0xBF31, vectors::bytes("bf3103800100"));
    let failure = playback.run(enable(iccid, Options::default())).unwrap_err();
    assert_eq!((failure.stage, failure.cause), (Stage::ReadBack, Cause::NotChanged));
}

#[test]
fn only_204_removes_a_notification() {
    for (status, body) in [(200, "{}"), (200, ""), (202, "<html>"), (301, ""), (500, ""), (204, "body")] {
        let Some(mut playback) = Playback::new("session") else { return };
        playback.chip.notifies = true;
        let mut procedure = notifications(Options::default());
        let mut answer = Answer::Begin;
        let reports = loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(Ok(playback.chip.transmit(&command))),
                Effect::Server(_) => Answer::Server(Ok(HttpAnswer { status, body: body.into() })),
                Effect::Done(Ok(Outcome::Notifications(reports))) => break reports,
                Effect::Progress(_) => Answer::Continue,
                effect => panic!("{effect:?}"),
            };
        };
        let removed = playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x30]));
        assert_eq!((removed, reports[0].result.is_ok()), (status == 204, status == 204), "{status} {body}");
    }
}

#[test]
fn one_notification_is_sent_or_removed_when_the_user_says_so() {
    let seq_of = |playback: &Playback| {
        rsp::notification::decode_list_response(&playback.chip.answers[&0xBF28]).unwrap().unwrap()[0]
            .seq_number
    };
    for (reply, removed) in [(Reply::Accept, true), (Reply::Reject, false)] {
        let Some(mut playback) = Playback::new("session") else { return };
        playback.chip.notifies = true;
        let seq = seq_of(&playback);
        playback.replies = vec![reply];
        let result = playback.run(remove_notification(seq, Options::default()));
        assert_eq!(result.is_ok(), removed);
        assert!(
            matches!(&playback.questions[..], [Question::RemoveNotification(metadata)] if metadata.seq_number == seq)
        );
        let asked = playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x30]));
        assert_eq!((asked, playback.calls.len()), (removed, 0));
    }
    let mut playback = Playback::new("session").unwrap();
    playback.chip.notifies = true;
    let seq = seq_of(&playback);
    let sent = playback.run(send_notification(seq, Options::default())).unwrap();
    assert!(matches!(sent, Outcome::Notifications(reports) if reports[0].result.is_ok()));
    let none = playback.run(send_notification(seq + 1, Options::default())).unwrap_err();
    assert_eq!(none.cause, Cause::NoSuchNotification);
}

#[test]
fn what_waited_before_an_act_is_not_sent_by_it() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.chip.notifies = true;
    let Ok(Outcome::Installed { notifications, waiting, .. }) = playback.download(CODE) else { panic!() };
    // The recording's chip has one notification, before and after.
    assert_eq!((notifications.len(), waiting.len()), (0, 1));
    assert!(!playback.functions().contains(&"handleNotification"));
}

#[test]
fn an_issuer_that_the_chip_does_not_know_is_named_before_the_chip_is_asked() {
    let Some(mut playback) = Playback::new("session") else { return };
    let client = playback.server.get_mut(&Es9Function::InitiateAuthentication).unwrap();
    let theirs = vectors::bytes("041481370f5125d0b1d408d4c3b232e6d25e795bebfb");
    client["euiccCiPKIdToBeUsed"] = serde_json::to_value(Base64(theirs)).unwrap();
    let failure = playback.download(CODE).unwrap_err();
    let Cause::NoCommonCi { server: Some(_), refused: None, .. } = &failure.cause else {
        panic!("{failure}")
    };
    assert!(failure.what().en.contains("GSMA's issuer (live)"), "{failure}");
    assert!(!playback.chip.requests.iter().any(|request| request.starts_with(&[0xBF, 0x38])));
}

#[test]
fn a_question_that_nobody_answers_gives_the_order_back() {
    let Some(mut playback) = Playback::new("session") else { return };
    playback.replies = vec![Reply::Timeout];
    assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::TimedOut);
    assert_eq!(playback.cancelled(), Some(CancelSessionReason::TIMEOUT));
    assert_eq!(playback.functions().last(), Some(&"cancelSession"));
}

/// A cancellation with the recorded word of the chip, as it is kept when the server does not
/// answer.
fn cancellations() -> Option<Cancellations> {
    let mut playback = Playback::new("session")?;
    playback.replies = vec![Reply::Reject];
    playback.server.remove(&Es9Function::CancelSession);
    playback.download(CODE).unwrap_err();
    Some(playback.cancellations)
}

#[test]
fn a_cancellation_that_is_lost_is_kept_in_the_chip_s_own_words() {
    let Some(kept) = cancellations() else { return };
    let [one] = &kept.iter().collect::<Vec<_>>()[..] else { panic!("{kept:?}") };
    assert_eq!(one.address(), "testsmdpplus1.example.com");
    assert_eq!(one.transaction_id().to_string(), "0102030405060708090A0B0C0D0E0F10");
    let id = |text: &str| text.parse::<rsp::MatchingId>().unwrap();
    assert!(one.is_for("TestSMDPplus1.example.com", Some(&id("TEST-MATCHING-ID"))));
    assert!(!one.is_for("testsmdpplus1.example.com", Some(&id("ANOTHER"))));
    assert!(!one.is_for("testsmdpplus1.example.com", None));
    assert!(!one.is_for("elsewhere.example.com", Some(&id("TEST-MATCHING-ID"))));
    // What reaches the server is what the chip signed, byte by byte, whatever the program did.
    let again = Cancellations::decode(&kept.encode()).unwrap();
    assert_eq!(again, kept);
    let mut playback = Playback::new("session").unwrap();
    playback.cancellations = again;
    let sent = playback.run(send_cancellation((*one).clone(), DEVICE, Options::default()));
    assert_eq!(sent, Ok(Outcome::Cancelled(one.reason())));
    assert!(playback.cancellations.is_empty() && playback.chip.requests.is_empty());
    let expected = serde_json::to_value(Base64(playback.chip.answers[&0xBF41].clone())).unwrap();
    assert_eq!(playback.calls[0].1["cancelSessionResponse"], expected);
    // Its activation code is not kept with it.
    let bytes = kept.encode();
    assert!(!bytes.windows(16).any(|window| window == b"TEST-MATCHING-ID"));
}

#[test]
fn a_word_of_the_chip_about_another_session_is_not_passed_on() {
    let Some(mut playback) = Playback::new("session") else { return };
    let recorded = playback.chip.answers[&0xBF41].clone();
    let id = rsp::TransactionId::from_bytes(&vectors::bytes("0102030405060708090a0b0c0d0e0f10")).unwrap();
    let at = recorded.windows(16).position(|window| window == id.as_bytes()).unwrap();
    let mut other = recorded;
    other[at] ^= 1;
    for answer in [other, vectors::bytes("bf4103810105"), vectors::bytes("bf41020000"), Vec::new()] {
        let mut playback = Playback::new("session").unwrap();
        playback.replies = vec![Reply::Reject];
        playback.chip.answers.insert(0xBF41, answer);
        assert_eq!(playback.download(CODE).unwrap_err().cause, Cause::Rejected);
        assert!(playback.cancellations.is_empty());
        assert!(!playback.functions().contains(&"cancelSession"));
    }
    playback.replies = vec![Reply::Reject];
    playback.download(CODE).unwrap_err();
    assert_eq!(playback.functions().last(), Some(&"cancelSession"));
}

#[test]
fn a_few_cancellations_are_kept_and_the_oldest_goes() {
    let Some(kept) = cancellations() else { return };
    let bytes = kept.encode();
    let id = kept.iter().next().unwrap().transaction_id().clone();
    let at = bytes.windows(16).position(|window| window == id.as_bytes()).unwrap();
    let numbered = |number: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = number;
        Cancellations::decode(&bytes).unwrap().iter().next().unwrap().clone()
    };
    let mut list = Cancellations::default();
    for number in 0..=u8::try_from(Cancellations::MOST).unwrap() {
        list.keep(numbered(number), 7);
        list.keep(numbered(number), 8);
    }
    let numbers =
        |list: &Cancellations| list.iter().map(|one| one.transaction_id().as_bytes()[0]).collect::<Vec<_>>();
    assert_eq!(numbers(&list), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(Cancellations::decode(&list.encode()), Ok(list.clone()));
    list.forget(numbered(3).transaction_id());
    assert_eq!(numbers(&list), [1, 2, 4, 5, 6, 7, 8]);
    list.forget_order("testsmdpplus1.example.com", "OTHER".parse().ok().as_ref());
    assert_eq!(list.iter().count(), 7);
    list.forget_order("testsmdpplus1.example.com", "TEST-MATCHING-ID".parse().ok().as_ref());
    assert!(list.is_empty());

    // Cut off anywhere, of a later version, with an address that is none, without end.
    for length in 0..bytes.len() {
        assert!(Cancellations::decode(&bytes[..length]).is_err(), "{length}");
    }
    let at = bytes.windows(3).position(|window| window == [0x80, 0x01, 0x02]).unwrap();
    let mut later = bytes.clone();
    later[at + 2] = 3;
    assert!(Cancellations::decode(&later).is_err());
    // The version before knew no time: E3 81 len, 80 01 version, A1 81 len, ….
    let mut before = bytes.clone();
    let since = before.windows(2).position(|window| window == [0x83, 0x08]).unwrap();
    before.drain(since..since + 10);
    assert_eq!((at, before[1], before[6], before[7]), (3, 0x81, 0xA1, 0x81));
    before[2] -= 10;
    before[at + 2] = 1;
    before[8] -= 10;
    let before = Cancellations::decode(&before).unwrap();
    let [one] = &before.iter().collect::<Vec<_>>()[..] else { panic!("{before:?}") };
    assert_eq!((one.since(), one.transaction_id()), (None, &id));
    let at = bytes.windows(4).position(|window| window == b"test").unwrap();
    let mut address = bytes.clone();
    address[at] = b'/';
    assert!(Cancellations::decode(&address).is_err());
    assert!(Cancellations::decode(&[0xE3, 0x80].repeat(40_000)).is_err());
    assert!(Cancellations::decode(&[0xE3, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
}

#[test]
fn a_chip_that_keeps_its_result_back_is_asked_what_it_has() {
    // The last segment is refused; the list says whether the profile is there.
    for is_listed in [true, false] {
        let Some(mut playback) = Playback::new("session") else { return };
        let iccid: rsp::Iccid = "89000123456789012341".parse().unwrap();
        let listed = rsp::profiles::ProfileInfo { iccid: Some(iccid), ..Default::default() };
        let list = rsp::profiles::ProfileInfoListResponse::Ok(vec![listed]).encode();
        let mut procedure = download(CODE.parse().unwrap(), DEVICE, Options::default());
        let mut answer = Answer::Begin;
        let result = loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => {
                    let had_result = playback.chip.notifies;
                    let answered = playback.chip.transmit(&command);
                    if playback.chip.notifies && !had_result {
                        playback.chip.pending.clear();
                        if is_listed {
                            playback.chip.answers.insert(0xBF2D, list.clone());
                        }
                        Answer::Card(Ok(vec![0x6F, 0x00]))
                    } else {
                        Answer::Card(Ok(answered))
                    }
                }
                Effect::Server(call) => {
                    playback.calls.push((call.function, Value::Null));
                    Answer::Server(Ok(match &playback.server[&call.function] {
                        Value::Null => HttpAnswer { status: 204, body: vec![] },
                        value => HttpAnswer { status: 200, body: serde_json::to_vec(value).unwrap() },
                    }))
                }
                Effect::Ask(_) => Answer::Reply(Reply::Accept),
                Effect::Done(result) => break result,
                _ => Answer::Continue,
            };
        };
        assert_eq!(playback.functions().contains(&"cancelSession"), !is_listed, "{result:?}");
        match result {
            Ok(outcome) => assert!(is_listed && matches!(outcome, Outcome::Installed { .. })),
            Err(failure) => {
                assert!(!is_listed);
                let refused = Cause::CardStatus(StatusWord(0x6F00));
                assert_eq!((failure.stage, failure.cause), (Stage::Install, refused));
            }
        }
    }
}

/// A checkpoint with the recorded package, as it is kept.
fn checkpoint() -> Option<Checkpoint> {
    let mut playback = Playback::new("session")?;
    playback.stop_at = Some(Step::Notify);
    let mut procedure = download(CODE.parse().unwrap(), DEVICE, Options::default());
    let mut answer = Answer::Begin;
    loop {
        let effect = procedure.resume(answer);
        answer = match effect {
            Effect::Keep(checkpoint) if checkpoint.has_package() => return Some(*checkpoint),
            Effect::Keep(_) | Effect::Progress(_) => Answer::Continue,
            Effect::Card(command) => Answer::Card(Ok(playback.chip.transmit(&command))),
            Effect::Ask(_) => Answer::Reply(Reply::Accept),
            Effect::Server(call) => Answer::Server(Ok(HttpAnswer {
                status: 200,
                body: serde_json::to_vec(&playback.server[&call.function]).unwrap(),
            })),
            effect => panic!("{effect:?}"),
        };
    }
}

#[test]
fn a_checkpoint_is_read_as_it_was_written() {
    let Some(checkpoint) = checkpoint() else { return };
    let bytes = checkpoint.encode();
    assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint.clone()));
    assert_eq!(checkpoint.metadata().unwrap().iccid, checkpoint.iccid());
    assert_eq!(checkpoint.address(), "testsmdpplus1.example.com");
    assert!(checkpoint.is_of(&"89049032123451234512345678901235".parse().unwrap()));
    let told = format!("{checkpoint:?}");
    assert!(!told.contains("TEST-MATCHING-ID"), "{told}");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let Some(checkpoint) = checkpoint() else { return };
    let bytes = checkpoint.encode();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert_eq!(Checkpoint::decode(&bytes[..length]), Err(InvalidCheckpoint::Damaged), "{length}");
    }
    for at in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert_eq!(Checkpoint::decode(&changed), Err(InvalidCheckpoint::Damaged), "{at}");
    }
    // Whole, and hostile: a later version, a session that is not the package's, an address
    // that is none.
    let sealed = |mut content: Vec<u8>| {
        use sha2::Digest;
        let check = sha2::Sha256::digest(&content);
        content.extend_from_slice(&check);
        content
    };
    let content = &bytes[..bytes.len() - 32];
    let at = content.windows(3).position(|window| window == [0x80, 0x01, 0x01]).unwrap();
    let mut later = content.to_vec();
    later[at + 2] = 2;
    assert_eq!(Checkpoint::decode(&sealed(later)), Err(InvalidCheckpoint::Version(2)));
    let id = checkpoint.transaction_id().as_bytes();
    let at = content.windows(id.len()).position(|window| window == id).unwrap();
    let mut other = content.to_vec();
    other[at] ^= 1;
    assert_eq!(Checkpoint::decode(&sealed(other)), Err(InvalidCheckpoint::Damaged));
    let at = content.windows(4).position(|window| window == b"test").unwrap();
    let mut address = content.to_vec();
    address[at] = b'/';
    assert_eq!(Checkpoint::decode(&sealed(address)), Err(InvalidCheckpoint::Damaged));
    assert_eq!(
        Checkpoint::decode(&sealed(vec![0xE1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF])),
        Err(InvalidCheckpoint::Damaged)
    );
    assert_eq!(Checkpoint::decode(&sealed([0x30, 0x80].repeat(20_000))), Err(InvalidCheckpoint::Damaged));
}

#[test]
fn a_checkpoint_of_another_chip_is_left_alone() {
    let Some(checkpoint) = checkpoint() else { return };
    let mut playback = Playback::new("session").unwrap();
    playback.chip.answers.insert(0xBF3E, vectors::bytes("bf3e125a1089049032123451234512345678901243"));
    let failure = playback.run(resume(checkpoint, DEVICE, Options::default())).unwrap_err();
    assert_eq!(failure.cause, Cause::OtherChip);
    assert!(playback.calls.is_empty() && playback.chip.segments == 0);
}

#[test]
fn the_aid_that_answered_is_tried_first_the_next_time() {
    let mut options = Options::default();
    let answered = options.isd_r_aids[3].clone();
    options.remember(&answered);
    assert_eq!(options.isd_r_aids[0], answered);
    assert_eq!(options.isd_r_aids.len(), ISD_R_AIDS.len());
    options.remember(b"\xA0another");
    assert_eq!(options.isd_r_aids.len(), ISD_R_AIDS.len() + 1);
}

#[test]
fn texts_of_strangers_turn_no_line_and_hold_no_control() {
    let hostile = "\u{202E}evil\0\u{7}\u{2066}";
    let cause = Cause::AddressMismatch { signed: hostile.into() };
    let failure = Failure { stage: Stage::InitiateAuthentication, cause };
    let data = rsp::status::StatusCodeData {
        subject_code: hostile.into(),
        reason_code: hostile.into(),
        subject_identifier: None,
        message: Some(hostile.repeat(1000)),
    };
    let refused = Failure { stage: Stage::AuthenticateClient, cause: Cause::ServerRefused(data) };
    for failure in [failure, refused] {
        for text in [failure.what().en, failure.what().ja, failure.codes()] {
            assert!(text.contains("evil") && text.len() < 3000, "{text:?}");
            assert!(!text.contains(['\u{202E}', '\u{2066}', '\0', '\u{7}']), "{text:?}");
        }
    }
}

#[test]
fn every_refusal_of_the_chip_before_the_package_is_told() {
    let id: rsp::TransactionId = "0102030405060708090A0B0C0D0E0F10".parse().unwrap();
    for code in (0..=255).map(rsp::codes::AuthenticateErrorCode).filter(|code| code.name().is_some()) {
        let Some(mut playback) = Playback::new("session") else { return };
        let refusal = rsp::auth::AuthenticateServerResponse::Error { transaction_id: id.clone(), code };
        playback.chip.answers.insert(0xBF38, refusal.encode());
        let failure = playback.download(CODE).unwrap_err();
        assert_eq!((failure.stage, &failure.cause), (Stage::AuthenticateServer, &Cause::Authenticate(code)));
        assert!(failure.codes().contains(&code.to_string()));
        // The server has heard of no session yet, and is told nothing by a chip that does not trust it.
        assert_eq!(playback.functions(), ["initiateAuthentication"], "{code}");
        assert!(playback.chip.closed);
    }
    for code in (0..=255).map(rsp::codes::DownloadErrorCode).filter(|code| code.name().is_some()) {
        let Some(mut playback) = Playback::new("session") else { return };
        let refusal = rsp::download::PrepareDownloadResponse::Error { transaction_id: id.clone(), code };
        playback.chip.answers.insert(0xBF21, refusal.encode());
        let failure = playback.download(CODE).unwrap_err();
        assert_eq!((failure.stage, &failure.cause), (Stage::PrepareDownload, &Cause::Download(code)));
        assert_eq!(playback.cancelled(), Some(CancelSessionReason::UNDEFINED_REASON), "{code}");
        assert_eq!(playback.functions().last(), Some(&"cancelSession"), "{code}");
        assert!(playback.kept.is_empty());
    }
}

#[test]
fn every_refusal_of_the_package_is_told_and_delivered() {
    for reason in (0..=255).map(ErrorReason).filter(|reason| reason.name().is_some()) {
        let Some(mut playback) = Playback::new("session") else { return };
        let recorded = rsp::notification::ProfileInstallationResult::decode(&playback.chip.answers[&0xBF37]);
        let mut data = recorded.unwrap().data.into_value();
        data.final_result = rsp::notification::FinalResult::Error {
            bpp_command_id: rsp::codes::BppCommandId::LOAD_PROFILE_ELEMENTS,
            error_reason: reason,
            sima_response: None,
        };
        let result = rsp::notification::ProfileInstallationResult {
            data: rsp::Raw::new(data),
            euicc_sign_pir: rsp::auth::Signature([7; 64]),
        };
        playback.chip.fail_at_segment = Some((5, result.encode()));
        let failure = playback.download(CODE).unwrap_err();
        assert!(
            matches!(&failure.cause, Cause::Install { reason: told, .. } if *told == reason),
            "{failure}"
        );
        let retry = match reason {
            ErrorReason::INTERRUPTION => Retry::Again,
            ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE => Retry::AfterChange,
            _ => Retry::Never,
        };
        assert_eq!(failure.retry(), retry, "{reason}");
        // The result is the chip's last word: it is delivered, and nothing is cancelled.
        assert_eq!((playback.chip.segments, playback.cancelled()), (5, None), "{reason}");
        assert_eq!(playback.functions().last(), Some(&"handleNotification"), "{reason}");
        // What can be tried again can be gone on with.
        assert_eq!(playback.kept.is_empty(), retry == Retry::Never, "{reason}");
    }
}

#[test]
fn an_error_status_in_the_middle_of_the_package_cancels_the_load() {
    let Some(mut playback) = Playback::new("session") else { return };
    let mut procedure = download(CODE.parse().unwrap(), DEVICE, Options::default());
    let mut answer = Answer::Begin;
    let failure = loop {
        answer = match procedure.resume(answer) {
            Effect::Card(command) => {
                let answered = playback.chip.transmit(&command);
                let broken = playback.chip.segments == 4 && playback.cancelled().is_none();
                Answer::Card(Ok(if broken { vec![0x6F, 0x00] } else { answered }))
            }
            Effect::Server(call) => {
                playback.calls.push((call.function, Value::Null));
                let body = serde_json::to_vec(&playback.server[&call.function]).unwrap();
                Answer::Server(Ok(HttpAnswer { status: 200, body }))
            }
            Effect::Ask(_) => Answer::Reply(Reply::Accept),
            Effect::Done(result) => break result.unwrap_err(),
            _ => Answer::Continue,
        };
    };
    assert_eq!((failure.stage, failure.cause), (Stage::Install, Cause::CardStatus(StatusWord(0x6F00))));
    assert_eq!(playback.cancelled(), Some(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR));
    assert!(playback.functions().contains(&"cancelSession"));
}

#[test]
fn every_refusal_of_a_change_is_told() {
    use rsp::codes::{DeleteResult, ProfileStateResult};
    let iccid: rsp::Iccid = "89000123456789012341".parse().unwrap();
    let answer = |tag: u8, code: u8| vec![0xBF, tag, 0x03, 0x80, 0x01, code];
    for code in (1..=127).filter(|&code| ProfileStateResult(code).name().is_some()) {
        for (tag, procedure) in [(0x31, enable as fn(_, _) -> _), (0x32, disable)] {
            let Some(mut playback) = Playback::new("session") else { return };
            playback.chip.answers.insert(0xBF00 | u32::from(tag), answer(tag, code));
            let failure = playback.run(procedure(iccid, Options::default())).unwrap_err();
            assert_eq!(failure.cause, Cause::StateChange(ProfileStateResult(code)));
            assert_eq!(failure.stage, Stage::ChangeState);
        }
    }
    for code in (1..=127).filter(|&code| DeleteResult(code).name().is_some()) {
        let Some(mut playback) = Playback::new("session") else { return };
        playback.chip.answers.insert(0xBF33, answer(0x33, code));
        let failure = playback.run(delete(iccid, Options::default())).unwrap_err();
        assert_eq!(failure.cause, Cause::Delete(DeleteResult(code)));
    }
    for code in [1, 5, 127, 3] {
        for (function, tag, procedure) in [
            (Function::SetNickname, 0x29, set_nickname(iccid, "n", Options::default())),
            (Function::SetDefaultDpAddress, 0x3F, set_default_smdp("a.example", Options::default())),
            (Function::MemoryReset, 0x34, memory_reset(0x8000_0000, Options::default())),
        ] {
            let Some(mut playback) = Playback::new("session") else { return };
            playback.chip.answers.insert(0xBF00 | u32::from(tag), answer(tag, code));
            let failure = playback.run(procedure).unwrap_err();
            assert_eq!(failure.cause, Cause::Refused { function, code });
            assert!(failure.what().ja.ends_with('。') && failure.advice().ja.ends_with('。'));
        }
    }
}

#[test]
fn every_http_status_is_told_and_only_a_missing_answer_to_the_package_leaves_the_session() {
    let functions = [
        (Es9Function::InitiateAuthentication, Stage::InitiateAuthentication),
        (Es9Function::AuthenticateClient, Stage::AuthenticateClient),
        (Es9Function::GetBoundProfilePackage, Stage::FetchPackage),
    ];
    for (function, stage) in functions {
        // 200 and 204: an answer that is none.
        for status in [301, 400, 401, 403, 404, 408, 429, 500, 502, 503, 200, 204] {
            let context = format!("{} {status}", function.name());
            let Some(mut playback) = Playback::new("session") else { return };
            let mut procedure = download(CODE.parse().unwrap(), DEVICE, Options::default());
            let mut answer = Answer::Begin;
            let mut kept = false;
            let failure = loop {
                answer = match procedure.resume(answer) {
                    Effect::Card(command) => Answer::Card(Ok(playback.chip.transmit(&command))),
                    Effect::Server(call) if call.function == function => {
                        Answer::Server(Ok(HttpAnswer { status, body: b"<html>".to_vec() }))
                    }
                    Effect::Server(call) => {
                        let body = serde_json::to_vec(&playback.server[&call.function]).unwrap();
                        Answer::Server(Ok(HttpAnswer { status: 200, body }))
                    }
                    Effect::Ask(_) => Answer::Reply(Reply::Accept),
                    Effect::Done(result) => break result.unwrap_err(),
                    Effect::Keep(_) => {
                        kept = true;
                        Answer::Continue
                    }
                    Effect::Forget(_) => {
                        kept = false;
                        Answer::Continue
                    }
                    _ => Answer::Continue,
                };
            };
            assert_eq!(failure.stage, stage, "{context}");
            match &failure.cause {
                Cause::ServerData(_) => assert!(status < 300, "{context}"),
                Cause::Http { status: told, .. } => assert_eq!(*told, status, "{context}"),
                _ => panic!("{context}: {failure}"),
            }
            let unanswered =
                stage == Stage::FetchPackage && (status >= 500 || status == 429 || status == 408);
            assert_eq!(kept, unanswered, "{context}");
            let expected = (stage != Stage::InitiateAuthentication && !unanswered)
                .then_some(CancelSessionReason::UNDEFINED_REASON);
            assert_eq!(playback.cancelled(), expected, "{context}");
            assert_eq!(
                failure.retry() == Retry::Again,
                status >= 500 || status == 429 || status == 408,
                "{context}"
            );
        }
    }
}
