//! The recorded session of `data/rsp-session`, byte for byte from PrepareDownload
//! on: there the answers depend on nothing but keys, chance and the peer. (The
//! answer to AuthenticateServer holds EUICCInfo2, which is another chip's.)

use rsp::auth::{AuthenticateServerRequest, AuthenticateServerResponse, Signature};
use rsp::bpp::segments;
use rsp::{DataObject as _, Raw};
use rsp_crypto::chain::verify_server_chain;
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, CiKey, Role, ready, software};

use super::session::{Authenticated, State};
use super::*;
use crate::factory::{Factory, Identity};
use crate::isdp;
use crate::nvm::{Medium, MemoryMedium, View as _};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A world that gives out what was recorded instead of chance.
struct Recorded {
    medium: MemoryMedium,
    chance: Vec<Vec<u8>>,
    trace: Vec<String>,
}

impl Env for Recorded {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        let value = self.chance.remove(0);
        bytes.copy_from_slice(&value);
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.medium
    }

    fn trace(&mut self, event: core::fmt::Arguments<'_>) {
        self.trace.push(event.to_string());
    }
}

struct Bench {
    env: Recorded,
    store: Store,
    session: Session,
    cat: Cat,
}

fn file(name: &str) -> Option<Vec<u8>> {
    vectors::read(&format!("data/rsp-session/{name}.der"))
}

fn recorded_session() -> Option<serde_json::Value> {
    Some(serde_json::from_slice(&vectors::read("data/rsp-session/session.json")?).unwrap())
}

impl Bench {
    /// The chip of the recorded session.
    fn new(memory: u32) -> Option<Self> {
        let session = recorded_session()?;
        let chance = |name: &str| vectors::bytes(session["inputs"][name].as_str().unwrap());
        let AuthenticateServerResponse::Ok(ok) =
            AuthenticateServerResponse::decode(&file("AuthenticateServerResponse")?).unwrap()
        else {
            unreachable!("the recorded answer")
        };
        let key = vectors::read("data/sgp26-certs/eUICC/SK_EUICC_ECDSA_NIST.pem")?;
        let identity = Identity {
            key: SigningKey::from_pem(&String::from_utf8(key).unwrap()).unwrap(),
            euicc_certificate: ok.euicc_certificate.der().to_vec(),
            eum_certificate: ok.eum_certificate.der().to_vec(),
        };
        let eid = session["inputs"]["EID"].as_str().unwrap().parse().unwrap();
        let ci = vectors::read("data/sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_NIST.der")?;
        let mut factory = Factory::new(eid, identity, vec![ci]);
        factory.memory = memory;
        let env = Recorded { medium: MemoryMedium::new(), chance: Vec::new(), trace: Vec::new() };
        let mut env = factory.manufacture(env).unwrap().into_env();
        env.chance = vec![chance("euiccChallenge"), chance("otSK_EUICC")];
        let store = Store::open(&mut env.medium, memory as usize).unwrap();
        Some(Self { env, store, session: Session::default(), cat: Cat::default() })
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut IsdrContext<'_>) -> T) -> T {
        act(&mut IsdrContext {
            env: &mut self.env,
            store: &mut self.store,
            session: &mut self.session,
            options: &Options::default(),
            terminal: &Terminal::default(),
            cat: &mut self.cat,
            effects: Effects::default(),
        })
    }

    fn es10(&mut self, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
        self.with(|context| store_data(context, request))
    }

    /// The session as it was after the recorded AuthenticateServer.
    fn authenticated(&mut self) -> Option<()> {
        self.es10(&vectors::bytes("BF2E00")).unwrap();
        let request = AuthenticateServerRequest::decode(&file("AuthenticateServerRequest")?).unwrap();
        let ci = vectors::read("data/sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_NIST.der")?;
        let ci = CiKey::from_certificate(&Certificate::from_der(&ci).unwrap()).unwrap();
        let certificate = Certificate::from_der(request.server_certificate.der()).unwrap();
        let provider = crate::ecasd::provider(&mut self.env);
        let server = ready(verify_server_chain(&provider, &ci, &certificate, &[Role::DpAuth], None)).unwrap();
        self.session.state = State::Authenticated(Box::new(Authenticated {
            transaction_id: request.server_signed1.transaction_id.clone(),
            server,
            server_address: request.server_signed1.server_address.clone(),
            euicc_signature1: Signature::decode(&file("euiccSignature1_TLV")?).unwrap(),
        }));
        Some(())
    }

    fn load(&mut self, package: &[u8]) -> Vec<u8> {
        let list = segments(package).unwrap();
        let (last, first) = list.split_last().unwrap();
        for segment in first {
            assert_eq!(self.es10(&package[segment.bytes.clone()]), Ok(Vec::new()), "{:?}", self.env.trace);
        }
        self.es10(&package[last.bytes.clone()]).unwrap()
    }
}

#[test]
fn authenticate_server_answers_as_recorded() {
    let Some(mut bench) = Bench::new(512 * 1024) else { return };
    let Some(request) = file("AuthenticateServerRequest") else { return };
    let Some(recorded) = file("AuthenticateServerResponse") else { return };
    let challenge = bench.es10(&vectors::bytes("BF2E00")).unwrap();
    assert_eq!(challenge, vectors::bytes("BF2E12 8010 00112233445566778899AABBCCDDEEFF"));
    let answer = bench.es10(&request).unwrap();
    let (AuthenticateServerResponse::Ok(own), AuthenticateServerResponse::Ok(recorded)) = (
        AuthenticateServerResponse::decode(&answer).unwrap(),
        AuthenticateServerResponse::decode(&recorded).unwrap(),
    ) else {
        unreachable!("{:?}", bench.env.trace)
    };
    assert_eq!(own.euicc_certificate, recorded.euicc_certificate);
    assert_eq!(own.eum_certificate, recorded.eum_certificate);
    let mut expected = recorded.euicc_signed1.clone().into_value();
    expected.euicc_info2 = own.euicc_signed1.euicc_info2.clone();
    assert_eq!(own.euicc_signed1.bytes(), Raw::new(expected).bytes());
    let certificate = Certificate::from_der(own.euicc_certificate.der()).unwrap();
    assert!(software::verify(
        certificate.public_key().unwrap(),
        own.euicc_signed1.bytes(),
        &own.euicc_signature1
    ));
    // What is the same for every chip under this CI.
    let info = &recorded.euicc_signed1.euicc_info2;
    assert_eq!(own.euicc_signed1.euicc_info2.svn, info.svn);
    assert_eq!(own.euicc_signed1.euicc_info2.ci_pk_ids_for_signing, info.ci_pk_ids_for_signing);
    assert_eq!(Ok(file("euiccInfo1").unwrap()), bench.es10(&vectors::bytes("BF2000")));
}

#[test]
fn the_recorded_packages_install_as_recorded() {
    for package in ["BoundProfilePackage_session", "BoundProfilePackage_ppk"] {
        let Some(mut bench) = Bench::new(512 * 1024) else { return };
        let Some(package) = file(package) else { return };
        bench.authenticated().unwrap();
        let answer = bench.es10(&file("PrepareDownloadRequest").unwrap()).unwrap();
        assert_eq!(answer, file("PrepareDownloadResponse").unwrap());
        let result = bench.load(&package);
        assert_eq!(result, file("ProfileInstallationResult_ok").unwrap(), "{:?}", bench.env.trace);

        // It is there, disabled, and the result waits for delivery.
        let all = isdp::all(&bench.store);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].metadata.bytes(), file("profileMetadata").unwrap());
        let listed = bench.es10(&vectors::bytes("BF2B00")).unwrap();
        assert!(listed.windows(result.len()).any(|window| window == result));
        assert!(matches!(bench.session.state, State::Idle));
        assert_eq!(bench.store.get(keys::LOADING), None);
        assert_eq!(bench.store.get(keys::ONE_TIME_KEYS), None);

        // Its enable notification too is the recorded one.
        let answer = bench.es10(&vectors::bytes("BF3111 A00C5A0A98001032547698103214 810100")).unwrap();
        assert_eq!(answer, vectors::bytes("BF3103800100"));
        let retrieved = bench.es10(&vectors::bytes("BF2B05A003800102")).unwrap();
        let recorded = file("OtherSignedNotification").unwrap();
        assert!(retrieved.ends_with(&recorded), "{retrieved:02x?}");
    }
}

#[test]
fn a_confirmation_code_is_signed_as_recorded() {
    let Some(mut bench) = Bench::new(512 * 1024) else { return };
    bench.authenticated().unwrap();
    let answer = bench.es10(&file("PrepareDownloadRequest_cc").unwrap()).unwrap();
    assert_eq!(answer, file("PrepareDownloadResponse_cc").unwrap());
}

#[test]
fn a_session_is_cancelled_as_recorded() {
    let Some(mut bench) = Bench::new(512 * 1024) else { return };
    bench.authenticated().unwrap();
    // Another transaction id.
    assert_eq!(bench.es10(&vectors::bytes("BF4106 800101 810100")), Ok(vectors::bytes("BF4103 810105")));
    let request = file("CancelSessionRequest").unwrap();
    assert_eq!(bench.es10(&request), Ok(file("CancelSessionResponse").unwrap()));
    assert_eq!(bench.es10(&request), Ok(vectors::bytes("BF4103 810105")));
}
