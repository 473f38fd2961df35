//! An eUICC and its LPA that were written for the tests of the SM-DP+ and for its benchmark from
//! the messages of SGP.22, apart from the chip: what they send, and how they open what comes.

#![allow(dead_code, reason = "tests and benchmark use their parts")]

use std::cell::Cell;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp::auth::{
    AuthenticateResponseOk, AuthenticateServerResponse, Certificate, CtxParams1, DeviceInfo, EuiccInfo1,
    EuiccInfo2, EuiccSigned1, ExtCardResource, ServerSigned1,
};
use rsp::bpp::{BoundProfilePackage, ConfigureIsdp, InitialiseSecureChannel, ReplaceSessionKeys};
use rsp::cancel::{CancelSessionResponse, EuiccCancelSessionSigned};
use rsp::codes::{BppCommandId, CancelSessionReason, ErrorReason};
use rsp::download::{EuiccSigned2, PrepareDownloadResponse, SmdpSigned2};
use rsp::es9::Base64;
use rsp::metadata::{NotificationEvents, PprIds};
use rsp::notification::{
    FinalResult, NotificationMetadata, OtherSignedNotification, ProfileInstallationResult,
    ProfileInstallationResultData,
};
use rsp::{Aid, CiPkId, DataObject, Eid, Oid, Raw, TransactionId, Version};
use rsp_crypto::bsp::SegmentTag;
use rsp_crypto::confirmation::ConfirmationCodeHash;
use rsp_crypto::issue::{Identity, Pki};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Bsp, OneTimeKeyPair, PublicKey, SessionKeys, Signature, Software, ready, signature};
use serde_json::{Value, json};

pub(crate) type Soft = Software<ChaCha8Rng>;

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn b64(bytes: &[u8]) -> Value {
    serde_json::to_value(Base64(bytes.to_vec())).unwrap()
}

pub(crate) fn unb64(value: &Value) -> Vec<u8> {
    let bytes: Base64 = serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value}"));
    bytes.0
}

/// An eUICC and the LPA beside it.
pub(crate) struct Euicc {
    pub(crate) provider: Soft,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: SigningKey,
    pub(crate) eum: Vec<u8>,
    pub(crate) eid: Eid,
    pub(crate) ci: Vec<CiPkId>,
    pub(crate) info2: EuiccInfo2,
    pub(crate) device: DeviceInfo,
    pub(crate) ci_key: PublicKey,
    pub(crate) seq: Cell<u32>,
    pub(crate) challenge: [u8; 16],
    pub(crate) address: String,
    pub(crate) smdp_oid: String,
}

/// A session after AuthenticateClient.
pub(crate) struct Open {
    pub(crate) transaction_id: String,
    pub(crate) smdp_signed2: SmdpSigned2,
    pub(crate) smdp_signature2: Signature,
    pub(crate) metadata: Vec<u8>,
    pub(crate) dp_pb: rsp_crypto::Certificate,
}

impl Open {
    /// What AuthenticateClient answered; nothing of it is verified here.
    pub(crate) fn read(answer: &Value) -> Self {
        let smdp_signed2 = SmdpSigned2::decode(&unb64(&answer["smdpSigned2"])).unwrap();
        Self {
            transaction_id: smdp_signed2.transaction_id.to_string(),
            smdp_signed2,
            smdp_signature2: Signature::decode(&unb64(&answer["smdpSignature2"])).unwrap(),
            metadata: unb64(&answer["profileMetadata"]),
            dp_pb: rsp_crypto::Certificate::from_der(&unb64(&answer["smdpCertificate"])).unwrap(),
        }
    }
}

impl Euicc {
    pub(crate) fn of(pki: &Pki, identity: &Identity, eid: Eid) -> Self {
        let ci = pki.ci.certificate();
        let ci_id = CiPkId::from_bytes(ci.subject_key_identifier().unwrap().as_bytes()).unwrap();
        Self {
            provider: Software::new(rng(u64::from(eid.as_bytes()[15]))),
            certificate: identity.certificate().der().to_vec(),
            key: identity.expose_key().clone(),
            eum: pki.eum.certificate().der().to_vec(),
            eid,
            ci: vec![ci_id.clone()],
            info2: EuiccInfo2 {
                profile_version: Version([2, 3, 1]),
                svn: Version([2, 2, 2]),
                firmware_version: Version([1, 0, 0]),
                ext_card_resource: ExtCardResource {
                    installed_applications: 0,
                    free_non_volatile_memory: 500_000,
                    free_volatile_memory: 10_000,
                },
                uicc_capability: u32::MAX,
                ts102241_version: None,
                globalplatform_version: None,
                rsp_capability: 0,
                ci_pk_ids_for_verification: vec![ci_id.clone()],
                ci_pk_ids_for_signing: vec![ci_id],
                category: None,
                forbidden_profile_policy_rules: PprIds::default(),
                pp_version: Version([1, 0, 0]),
                sas_accreditation_number: "TEST".into(),
            },
            device: DeviceInfo { tac: [0x35, 0x29, 0x06, 0x11], capabilities: [None; 11], imei: None },
            ci_key: *ci.public_key().unwrap(),
            seq: Cell::new(0),
            challenge: [0xC5; 16],
            address: "smdp.example".into(),
            smdp_oid: "2.999.10".into(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    pub(crate) fn initiate_request(&self) -> Value {
        let info1 = EuiccInfo1 {
            svn: self.info2.svn,
            ci_pk_ids_for_verification: self.ci.clone(),
            ci_pk_ids_for_signing: self.ci.clone(),
        };
        json!({ "smdpAddress": self.address, "euiccChallenge": b64(&self.challenge),
                "euiccInfo1": b64(&info1.encode()) })
    }

    pub(crate) fn signed1(&self, server: &ServerSigned1, matching_id: Option<&str>) -> EuiccSigned1 {
        EuiccSigned1 {
            transaction_id: server.transaction_id.clone(),
            server_address: server.server_address.clone(),
            server_challenge: server.server_challenge,
            euicc_info2: Raw::new(self.info2.clone()),
            ctx_params1: Raw::new(CtxParams1 {
                matching_id: matching_id.map(|id| id.parse().unwrap()),
                device_info: self.device.clone(),
            }),
        }
    }

    pub(crate) fn authenticate_request(&self, id: &str, signed1: EuiccSigned1) -> (Value, Signature) {
        let euicc_signed1 = Raw::new(signed1);
        let signature1 = self.sign(&signature::euicc_signature1(euicc_signed1.bytes()));
        let response = AuthenticateServerResponse::Ok(Box::new(AuthenticateResponseOk {
            euicc_signed1,
            euicc_signature1: signature1,
            euicc_certificate: Certificate::from_der(&self.certificate).unwrap(),
            eum_certificate: Certificate::from_der(&self.eum).unwrap(),
        }));
        (json!({ "transactionId": id, "authenticateServerResponse": b64(&response.encode()) }), signature1)
    }

    pub(crate) fn one_time_key(&self) -> OneTimeKeyPair<Soft> {
        ready(OneTimeKeyPair::generate(&self.provider, self.key.curve())).unwrap()
    }

    pub(crate) fn prepare_download(&self, open: &Open, otpk: &PublicKey, code: Option<&str>) -> Vec<u8> {
        let id: TransactionId = open.transaction_id.parse().unwrap();
        let hash_cc = code.map(|code| {
            let hash = ready(ConfirmationCodeHash::of(&self.provider, code)).unwrap();
            ready(hash.hash_cc(&self.provider, id.as_bytes())).unwrap()
        });
        let euicc_signed2 =
            Raw::new(EuiccSigned2 { transaction_id: id, euicc_otpk: *otpk.as_bytes(), hash_cc });
        let covered = signature::euicc_signature2(euicc_signed2.bytes(), &open.smdp_signature2);
        let euicc_signature2 = self.sign(&covered);
        PrepareDownloadResponse::Ok { euicc_signed2, euicc_signature2 }.encode()
    }

    /// Opens a bound package as SGP.22 §2.5 and §5.5 say; returns metadata and
    /// profile elements.
    pub(crate) fn open(&self, open: &Open, own: &OneTimeKeyPair<Soft>, bpp: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let parts = BoundProfilePackage::decode(bpp).unwrap();
        let isc = InitialiseSecureChannel::decode(&parts.initialise_secure_channel).unwrap();
        assert_eq!(isc.remote_op_id, InitialiseSecureChannel::INSTALL_BOUND_PROFILE_PACKAGE);
        assert_eq!(isc.transaction_id.to_string(), open.transaction_id);
        let covered = signature::smdp_sign(isc.signed_bytes(), own.public());
        assert!(rsp_crypto::software::verify(open.dp_pb.public_key().unwrap(), &covered, &isc.smdp_sign));
        let peer = PublicKey::from_sec1(self.key.curve(), &isc.smdp_otpk).unwrap();
        let secret = ready(own.agree(&self.provider, &peer)).unwrap().unwrap();
        let host = &isc.control_ref_template.host_id;
        let keys = ready(SessionKeys::derive(&self.provider, &secret, host, &self.eid)).unwrap();
        let mut channel = Bsp::new(keys);
        let read = |channel: &mut Bsp, segments: &[Vec<u8>], tag: SegmentTag| {
            let mut plain = Vec::new();
            for segment in segments {
                assert!(segment.len() <= rsp_crypto::bsp::MAX_SEGMENT);
                let (found, payload) = ready(channel.open(&self.provider, segment)).unwrap();
                assert_eq!(found, tag);
                plain.extend_from_slice(&payload);
            }
            plain
        };
        let configure = read(&mut channel, &parts.configure_isdp, SegmentTag::Command);
        ConfigureIsdp::decode(&configure).unwrap();
        let metadata = read(&mut channel, &parts.store_metadata, SegmentTag::Metadata);
        if !parts.replace_session_keys.is_empty() {
            let command = read(&mut channel, &parts.replace_session_keys, SegmentTag::Command);
            let command = ReplaceSessionKeys::decode(&command).unwrap();
            let (mcv, enc, mac) = command.expose_keys();
            channel.replace_session_keys(SessionKeys::new(*mcv, *enc, *mac));
        }
        let elements = read(&mut channel, &parts.profile_elements, SegmentTag::ProfileElements);
        (metadata, elements)
    }

    fn notification(&self, event: NotificationEvents, iccid: Option<&str>) -> NotificationMetadata {
        self.seq.set(self.seq.get() + 1);
        NotificationMetadata {
            seq_number: self.seq.get(),
            event,
            address: "smdp.example".into(),
            iccid: iccid.map(|iccid| iccid.parse().unwrap()),
        }
    }

    /// ProfileInstallationResult: success, or an error with this reason.
    pub(crate) fn installation_result(
        &self,
        open: &Open,
        iccid: Option<&str>,
        error: Option<ErrorReason>,
    ) -> Vec<u8> {
        let final_result = match error {
            None => FinalResult::Success {
                aid: Aid::isd_p(0x10),
                sima_response: vec![0x30, 0x07, 0xA0, 0x05, 0x30, 0x03, 0x80, 0x01, 0x00],
            },
            Some(error_reason) => FinalResult::Error {
                bpp_command_id: BppCommandId::LOAD_PROFILE_ELEMENTS,
                error_reason,
                sima_response: None,
            },
        };
        let data = Raw::new(ProfileInstallationResultData {
            transaction_id: open.transaction_id.parse().unwrap(),
            notification: self.notification(NotificationEvents::INSTALL, iccid),
            smdp_oid: self.smdp_oid.parse().unwrap(),
            final_result,
        });
        let euicc_sign_pir = self.sign(&signature::euicc_sign_pir(data.bytes()));
        ProfileInstallationResult { data, euicc_sign_pir }.encode()
    }

    pub(crate) fn other_notification(&self, event: NotificationEvents, iccid: &str) -> Vec<u8> {
        let tbs = Raw::new(self.notification(event, Some(iccid)));
        let signature = self.sign(&signature::euicc_notification_signature(tbs.bytes()));
        OtherSignedNotification {
            tbs,
            signature,
            euicc_certificate: Certificate::from_der(&self.certificate).unwrap(),
            eum_certificate: Certificate::from_der(&self.eum).unwrap(),
        }
        .encode()
    }

    pub(crate) fn cancel_response(&self, id: &str, reason: CancelSessionReason, oid: &str) -> Vec<u8> {
        let signed = Raw::new(EuiccCancelSessionSigned {
            transaction_id: id.parse().unwrap(),
            smdp_oid: oid.parse::<Oid>().unwrap(),
            reason,
        });
        let signature = self.sign(&signature::euicc_cancel_session_signature(signed.bytes()));
        CancelSessionResponse::Ok { signed, signature }.encode()
    }
}
