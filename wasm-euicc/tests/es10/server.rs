//! The other side: a test PKI and an SM-DP+ that can be told to err.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsp::auth::{
    AuthenticateResponseOk, AuthenticateServerRequest, AuthenticateServerResponse, CtxParams1, DeviceInfo,
    ServerSigned1, Signature, decode_euicc_challenge,
};
use rsp::bpp::{BoundProfilePackage, ConfigureIsdp, ControlRefTemplate, InitialiseSecureChannel, segments};
use rsp::download::{PrepareDownloadRequest, PrepareDownloadResponse, SmdpSigned2};
use rsp::metadata::{NotificationConfiguration, NotificationEvents, PprIds, ProfileClass, StoreMetadata};
use rsp::{CiPkId, DataObject as _, Eid, Iccid, Raw, TransactionId};
use rsp_crypto::bsp::SegmentTag;
use rsp_crypto::issue::{Identity, Pki, Settings, Validity};
use rsp_crypto::software::{OneTimeKey, SigningKey};
use rsp_crypto::{Bsp, Curve, Provider as _, PublicKey, SessionKeys, Software, ready, signature};
use saip::Secret;
use saip::build::{Authentication, Subscriber};
use wasm_euicc::nvm::Medium;

use crate::card::Card;

pub(crate) const ADDRESS: &str = "smdp.example.com";
pub(crate) const OTHER: &str = "notify.example.org";

pub(crate) fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(22)
}

pub(crate) struct Lab {
    pub(crate) pki: Pki,
    pub(crate) eid: Eid,
    /// The CI that the server names, where it is not that of the PKI.
    pub(crate) ci_id: Option<CiPkId>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::on(Curve::P256)
    }

    pub(crate) fn on(curve: Curve) -> Self {
        let eid = "89049032123451234512345678901235".parse().unwrap();
        let settings = Settings {
            curve,
            eid,
            smdp_address: ADDRESS.into(),
            smdp_oid: "2.999.10".parse().unwrap(),
            smds_oid: "2.999.15".parse().unwrap(),
            validity: Validity { not_before: 1_700_000_000, not_after: 2_000_000_000 },
        };
        Self { pki: Pki::generate(&mut rng(), &settings).unwrap(), eid, ci_id: None }
    }
}

impl Lab {
    pub(crate) fn curve(&self) -> Curve {
        self.pki.dp_pb.expose_key().curve()
    }
}

/// A session as the LPA and the server see it.
pub(crate) struct Dialogue {
    pub(crate) transaction_id: TransactionId,
    pub(crate) euicc: Option<Box<AuthenticateResponseOk>>,
    pub(crate) otpk: [u8; 65],
}

pub(crate) fn tid(number: u8) -> TransactionId {
    TransactionId::from_bytes(&[number; 16]).unwrap()
}

pub(crate) fn sign(key: &SigningKey, bytes: &[u8]) -> Signature {
    key.sign(bytes)
}

/// The request that a good server and a good LPA make.
pub(crate) fn authenticate_request(
    lab: &Lab,
    server: &Identity,
    transaction_id: &TransactionId,
    euicc_challenge: [u8; 16],
) -> AuthenticateServerRequest {
    let server_signed1 = Raw::new(ServerSigned1 {
        transaction_id: transaction_id.clone(),
        euicc_challenge,
        server_address: ADDRESS.into(),
        server_challenge: [0x5C; 16],
    });
    let server_signature1 = sign(server.expose_key(), &signature::server_signature1(server_signed1.bytes()));
    AuthenticateServerRequest {
        server_signed1,
        server_signature1,
        ci_pk_id_to_be_used: lab.ci_id.clone().unwrap_or_else(|| lab.pki.ci_key().unwrap().id().clone()),
        server_certificate: rsp::auth::Certificate::from_der(server.certificate().der()).unwrap(),
        ctx_params1: Raw::new(CtxParams1 {
            matching_id: Some("AB-12".parse().unwrap()),
            device_info: DeviceInfo {
                tac: [0x35, 0x29, 0x06, 0x11],
                capabilities: Default::default(),
                imei: None,
            },
        }),
    }
}

pub(crate) fn challenge<M: Medium>(card: &mut Card<M>) -> [u8; 16] {
    decode_euicc_challenge(&card.es10(&[0xBF, 0x2E, 0x00])).unwrap()
}

pub(crate) fn authenticate<M: Medium>(
    card: &mut Card<M>,
    lab: &Lab,
    transaction_id: &TransactionId,
) -> Dialogue {
    let challenge = challenge(card);
    let request = authenticate_request(lab, &lab.pki.dp_auth, transaction_id, challenge);
    match AuthenticateServerResponse::decode(&card.es10(&request.encode())).unwrap() {
        AuthenticateServerResponse::Ok(ok) => {
            Dialogue { transaction_id: transaction_id.clone(), euicc: Some(ok), otpk: [0; 65] }
        }
        AuthenticateServerResponse::Error { code, .. } => panic!("{code}: {:?}", card.trace()),
    }
}

pub(crate) fn prepare_request(
    lab: &Lab,
    dialogue: &Dialogue,
    cc_required: bool,
    bpp_euicc_otpk: Option<[u8; 65]>,
) -> PrepareDownloadRequest {
    let transaction_id = dialogue.transaction_id.clone();
    let smdp_signed2 = Raw::new(SmdpSigned2 { transaction_id, cc_required, bpp_euicc_otpk });
    let signature1 = dialogue.euicc.as_ref().map_or(Signature([1; 64]), |euicc| euicc.euicc_signature1);
    let signed = signature::smdp_signature2(smdp_signed2.bytes(), &signature1);
    PrepareDownloadRequest {
        smdp_signature2: sign(lab.pki.dp_pb.expose_key(), &signed),
        smdp_signed2,
        hash_cc: None,
        smdp_certificate: rsp::auth::Certificate::from_der(lab.pki.dp_pb.certificate().der()).unwrap(),
    }
}

pub(crate) fn prepare<M: Medium>(
    card: &mut Card<M>,
    lab: &Lab,
    dialogue: &mut Dialogue,
    bpp_euicc_otpk: Option<[u8; 65]>,
) {
    let request = prepare_request(lab, dialogue, false, bpp_euicc_otpk);
    match PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap() {
        PrepareDownloadResponse::Ok { euicc_signed2, .. } => dialogue.otpk = euicc_signed2.euicc_otpk,
        PrepareDownloadResponse::Error { code, .. } => panic!("{code}: {:?}", card.trace()),
    }
}

/// Authenticated and prepared.
pub(crate) fn session<M: Medium>(card: &mut Card<M>, lab: &Lab, number: u8) -> Dialogue {
    let mut dialogue = authenticate(card, lab, &tid(number));
    prepare(card, lab, &mut dialogue, None);
    dialogue
}

/// What the server binds; every part may be changed before.
pub(crate) struct Order {
    pub(crate) remote_op_id: u8,
    pub(crate) transaction_id: TransactionId,
    pub(crate) crt: ControlRefTemplate,
    pub(crate) smdp_otpk: Option<[u8; 65]>,
    pub(crate) configure: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
    pub(crate) ppk: bool,
    pub(crate) replace: Vec<u8>,
    pub(crate) package: Vec<u8>,
    pub(crate) segment: usize,
}

impl Order {
    pub(crate) fn new(dialogue: &Dialogue, metadata: &StoreMetadata, package: &[u8]) -> Self {
        Self {
            remote_op_id: 1,
            transaction_id: dialogue.transaction_id.clone(),
            crt: ControlRefTemplate { key_type: 0x88, key_len: 0x10, host_id: vec![0x80; 8] },
            smdp_otpk: None,
            configure: ConfigureIsdp::default().encode(),
            metadata: metadata.encode(),
            ppk: false,
            replace: vectors::bytes(
                "BF2636 8010 33333333333333333333333333333333 8110 44444444444444444444444444444444
                 8210 55555555555555555555555555555555",
            ),
            package: package.to_vec(),
            segment: SegmentTag::ProfileElements.capacity(),
        }
    }

    pub(crate) fn bind(&self, lab: &Lab, dialogue: &Dialogue) -> BoundProfilePackage {
        let provider = Software::new(rng());
        let curve = lab.curve();
        let key = OneTimeKey::from_scalar(curve, &[0x22; 32]).unwrap();
        let peer = PublicKey::from_sec1(curve, &dialogue.otpk).unwrap();
        let public = self.smdp_otpk.unwrap_or_else(|| *key.public_key().as_bytes());
        let mut unsigned = InitialiseSecureChannel::unsigned(&self.transaction_id, &self.crt, &public);
        unsigned[2] = self.remote_op_id;
        let signed = signature::smdp_sign(&unsigned, &peer);
        let signature = sign(lab.pki.dp_pb.expose_key(), &signed);

        let secret = ready(provider.agree(&key, &peer)).unwrap().unwrap();
        let keys = ready(SessionKeys::derive(&provider, &secret, &self.crt.host_id, &lab.eid)).unwrap();
        let mut bsp = Bsp::new(keys);
        let seal = |bsp: &mut Bsp, tag, bytes: &[u8]| ready(bsp.seal_all(&provider, tag, bytes)).unwrap();
        let configure_isdp = seal(&mut bsp, SegmentTag::Command, &self.configure);
        let store_metadata = seal(&mut bsp, SegmentTag::Metadata, &self.metadata);
        let mut replace_session_keys = Vec::new();
        if self.ppk {
            replace_session_keys = seal(&mut bsp, SegmentTag::Command, &self.replace);
            bsp.replace_session_keys(SessionKeys::new([0x33; 16], [0x44; 16], [0x55; 16]));
        }
        let profile_elements = self
            .package
            .chunks(self.segment)
            .flat_map(|part| seal(&mut bsp, SegmentTag::ProfileElements, part))
            .collect();
        BoundProfilePackage {
            initialise_secure_channel: InitialiseSecureChannel::assemble(&unsigned, &signature),
            configure_isdp,
            store_metadata,
            replace_session_keys,
            profile_elements,
        }
    }
}

/// Sends the package in the segments of the standard, as an LPA does: it stops
/// at the first answer.
pub(crate) fn load<M: Medium>(card: &mut Card<M>, package: &[u8]) -> Vec<u8> {
    for segment in segments(package).unwrap() {
        let answer = card.es10(&package[segment.bytes]);
        if !answer.is_empty() {
            return answer;
        }
    }
    panic!("the chip gave no result: {:?}", card.trace())
}

/// A whole download that goes well.
pub(crate) fn install<M: Medium>(card: &mut Card<M>, lab: &Lab, metadata: &StoreMetadata, package: &[u8]) {
    let dialogue = session(card, lab, 1);
    let bound = Order::new(&dialogue, metadata, package).bind(lab, &dialogue);
    let answer = load(card, &bound.encode());
    let result = crate::card::result(&answer, lab.pki.euicc.certificate());
    assert!(
        matches!(result.final_result, rsp::notification::FinalResult::Success { .. }),
        "{:?}: {:?}",
        result.final_result,
        card.trace()
    );
}

/// The ICCID of one subscriber of many.
pub(crate) fn iccid(number: u8) -> Iccid {
    format!("89001010000000000{:03}", number).parse().unwrap()
}

/// Metadata with a server for every event and another one for changes of state.
pub(crate) fn metadata(number: u8) -> StoreMetadata {
    StoreMetadata {
        iccid: iccid(number),
        service_provider_name: "Operator".into(),
        profile_name: format!("Profile {number}"),
        icon: None,
        profile_class: ProfileClass::Operational,
        notification_configuration: vec![
            NotificationConfiguration { events: NotificationEvents::ALL, address: ADDRESS.into() },
            NotificationConfiguration {
                events: NotificationEvents::ENABLE.with(NotificationEvents::DISABLE),
                address: OTHER.into(),
            },
        ],
        profile_owner: None,
        profile_policy_rules: PprIds::default(),
    }
}

/// The package of a subscriber whose key is no test key.
pub(crate) fn package(number: u8) -> Vec<u8> {
    package_with(number, [0x46; 16])
}

pub(crate) fn package_with(number: u8, k: [u8; 16]) -> Vec<u8> {
    let imsi = format!("001010000000{number:03}").parse().unwrap();
    let authentication = Authentication::Milenage { k: Secret::new(k), opc: Secret::new([0; 16]) };
    saip::build::package(&Subscriber::new(iccid(number), imsi, 2, authentication)).unwrap().to_vec()
}
