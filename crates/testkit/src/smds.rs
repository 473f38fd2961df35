//! A small SM-DS (SGP.22 §3.6, §5.8), as far as an LPA can tell it from a real one: it
//! proves itself, has the eUICC prove itself, and tells it the events under its EID.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use http::{Request, Response};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use rsp::auth::{AuthenticateServerResponse, EuiccInfo1, ServerSigned1};
use rsp::es9::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp::es11::{AuthenticateClientResponse, EventEntry};
use rsp::status::{ResponseHeader, StatusCode};
use rsp::{DataObject, Eid, Raw, TransactionId};
use rsp_crypto::chain::verify_euicc_chain;
use rsp_crypto::issue::Identity;
use rsp_crypto::{Certificate, CiKey, Software, ready, signature};
use serde_json::{Value, json};

/// The root SM-DS, which the chip knows.
pub const SMDS_ADDRESS: &str = "smds.example.com";
/// Another one, which the root may send to.
pub const OTHER_SMDS_ADDRESS: &str = "smds2.example.com";

/// Two SM-DS in one, told apart by the address that is called.
pub struct Smds {
    identity: Identity,
    ci: CiKey,
    provider: Software<ChaCha20Rng>,
    clock: Rc<Cell<u64>>,
    rng: RefCell<ChaCha20Rng>,
    events: RefCell<HashMap<(String, Eid), Vec<EventEntry>>>,
    sessions: RefCell<HashMap<TransactionId, (String, [u8; 16])>>,
}

impl Smds {
    /// Of CERT.DSauth and the CI above it; `clock` counts seconds since 1970.
    #[must_use]
    pub fn new(
        identity: Identity,
        ci: CiKey,
        clock: Rc<Cell<u64>>,
        chance: ChaCha20Rng,
        rng: ChaCha20Rng,
    ) -> Self {
        Self {
            identity,
            ci,
            provider: Software::new(chance),
            clock,
            rng: RefCell::new(rng),
            events: RefCell::default(),
            sessions: RefCell::default(),
        }
    }

    /// ES12.RegisterEvent.
    pub fn register(&self, at: &str, eid: Eid, event_id: &str, rsp_server_address: &str) {
        let (event_id, rsp_server_address) = (event_id.to_owned(), rsp_server_address.to_owned());
        let entry = EventEntry { event_id, rsp_server_address };
        self.events.borrow_mut().entry((at.to_owned(), eid)).or_default().push(entry);
    }

    /// ES12.DeleteEvent.
    pub fn delete(&self, at: &str, eid: Eid, event_id: &str) {
        if let Some(list) = self.events.borrow_mut().get_mut(&(at.to_owned(), eid)) {
            list.retain(|entry| entry.event_id != event_id);
        }
    }

    pub(crate) fn is_at(host: &str) -> bool {
        [SMDS_ADDRESS, OTHER_SMDS_ADDRESS].contains(&host)
    }

    /// Answers a function of ES11 (SGP.22 §5.8) that came to this host.
    pub fn handle(&self, host: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let path = request.uri().path();
        let answer = match path.rsplit('/').next() {
            Some("initiateAuthentication") => self.initiate(host, request.body()),
            Some("authenticateClient") => self.authenticate_client(host, request.body()),
            _ => return answer(404, &Value::Null),
        };
        answer.map_or_else(
            |code| answer_with(&json!({ "header": ResponseHeader::failed(code, "") })),
            |value| answer_with(&value),
        )
    }

    fn initiate(&self, host: &str, body: &[u8]) -> Result<Value, StatusCode> {
        let malformed = StatusCode::PROTOCOL_FORMAT_INVALID;
        let request: InitiateAuthenticationRequest = serde_json::from_slice(body).map_err(|_| malformed)?;
        let info = EuiccInfo1::decode(&request.euicc_info1.0).map_err(|_| malformed)?;
        let euicc_challenge: [u8; 16] =
            request.euicc_challenge.0.as_slice().try_into().map_err(|_| malformed)?;
        if request.smdp_address != host {
            return Err(StatusCode::SMDS_ADDRESS_REFUSED);
        }
        if !info.ci_pk_ids_for_verification.contains(self.ci.id()) {
            return Err(StatusCode::SMDS_NO_CERTIFICATE_FOR_CI);
        }
        if !info.ci_pk_ids_for_signing.contains(self.ci.id()) {
            return Err(StatusCode::SMDS_CI_KEYS_UNSUPPORTED);
        }
        let (mut id, mut server_challenge) = ([0; 16], [0; 16]);
        self.rng.borrow_mut().fill_bytes(&mut id);
        self.rng.borrow_mut().fill_bytes(&mut server_challenge);
        let transaction_id = TransactionId::from_bytes(&id).map_err(|_| malformed)?;
        self.sessions.borrow_mut().insert(transaction_id.clone(), (host.to_owned(), server_challenge));
        let signed = Raw::new(ServerSigned1 {
            transaction_id: transaction_id.clone(),
            euicc_challenge,
            server_address: request.smdp_address,
            server_challenge,
        });
        let by_ds = self.identity.expose_key().sign(&signature::server_signature1(signed.bytes()));
        let answer = InitiateAuthenticationResponse {
            header: ResponseHeader::success(),
            transaction_id: transaction_id.to_string(),
            server_signed1: signed.bytes().to_vec().into(),
            server_signature1: by_ds.to_tlv().into(),
            euicc_ci_pk_id_to_be_used: tlv::encode(tlv::Tag::OCTET_STRING, self.ci.id().as_bytes()).into(),
            server_certificate: self.identity.certificate().der().to_vec().into(),
        };
        serde_json::to_value(answer).map_err(|_| StatusCode::SMDS_EXECUTION_ERROR)
    }

    fn authenticate_client(&self, host: &str, body: &[u8]) -> Result<Value, StatusCode> {
        let malformed = StatusCode::PROTOCOL_FORMAT_INVALID;
        let request: AuthenticateClientRequest = serde_json::from_slice(body).map_err(|_| malformed)?;
        let id: TransactionId = request.transaction_id.parse().map_err(|_| malformed)?;
        let session = self.sessions.borrow_mut().remove(&id);
        let (_, challenge) =
            session.filter(|(at, _)| at == host).ok_or(StatusCode::TRANSACTION_ID_UNKNOWN)?;
        let response = AuthenticateServerResponse::decode(&request.authenticate_server_response.0);
        let AuthenticateServerResponse::Ok(ok) = response.map_err(|_| malformed)? else {
            return Err(StatusCode::EUICC_REFUSED);
        };
        let eum = Certificate::from_der(ok.eum_certificate.der())
            .map_err(|_| StatusCode::EUM_CERTIFICATE_INVALID)?;
        let euicc = Certificate::from_der(ok.euicc_certificate.der())
            .map_err(|_| StatusCode::EUICC_CERTIFICATE_INVALID)?;
        let euicc = ready(verify_euicc_chain(&self.provider, &self.ci, &eum, &euicc, self.clock.get()))
            .map_err(|error| error.status_code().unwrap_or(StatusCode::SMDS_EXECUTION_ERROR))?;
        let covered = signature::euicc_signature1(ok.euicc_signed1.bytes());
        let signed = ready(euicc.signed(&self.provider, &covered, &ok.euicc_signature1));
        if !signed.unwrap_or(false)
            || ok.euicc_signed1.server_challenge != challenge
            || ok.euicc_signed1.transaction_id != id
        {
            return Err(StatusCode::EUICC_SIGNATURE_INVALID);
        }
        let asked = ok.euicc_signed1.ctx_params1.matching_id.as_ref().filter(|id| !id.is_empty());
        let events = self.events.borrow();
        let mut entries = events.get(&(host.to_owned(), *euicc.eid())).cloned().unwrap_or_default();
        if let Some(asked) = asked {
            entries.retain(|entry| entry.event_id == asked.as_str());
            if entries.is_empty() {
                return Err(StatusCode::SMDS_EVENT_UNKNOWN);
            }
        }
        let answer = AuthenticateClientResponse {
            header: ResponseHeader::success(),
            transaction_id: id.to_string(),
            event_entries: entries,
        };
        serde_json::to_value(answer).map_err(|_| StatusCode::SMDS_EXECUTION_ERROR)
    }
}

fn answer_with(body: &Value) -> Response<Vec<u8>> {
    answer(200, body)
}

fn answer(status: u16, body: &Value) -> Response<Vec<u8>> {
    let answer = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL)
        .body(body.to_string().into_bytes());
    answer.unwrap_or_else(|error| unreachable!("a model's answer is sound: {error}"))
}
