//! Attach: who it is, as far as that can be read before its owner is asked.

use std::net::IpAddr;

use http::HeaderMap;
use rsp::Imsi;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use suci::Suci;

use super::{Failure, Link, Reply, Router, malformed, no_id, shown};
use crate::identity::{Guti, Identity};
use crate::policy::{Access, PlmnId, Situation, Tac};
use crate::refusal::{Cause, Kind, Refusal};
use crate::service::{self, AttachRequest, Proof};
use crate::store::Store;
use crate::subscriber::Tag;

/// Where the platform says who is at the other end.
const SOURCE: &str = "cf-connecting-ip";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attach {
    imsi: Option<String>,
    guti: Option<String>,
    suci: Option<String>,
    #[serde(default)]
    access: Access,
    apn: Option<String>,
    dnn: Option<String>,
    imei: Option<String>,
    visited_plmn: Option<String>,
}

impl<S: Store, L: Link> Router<S, L> {
    pub(super) async fn attach(&self, headers: &HeaderMap, body: &[u8]) -> Reply {
        let attach: Attach = serde_json::from_slice(body).map_err(|_| {
            malformed(
                "an attach is JSON: one of imsi, guti and suci, and optionally access (eps or 5g), \
                 apn or dnn, imei, visitedPlmn",
            )
        })?;
        let access = attach.access;
        let on_access = |failure| match failure {
            Failure::Refused(refusal) => Failure::Refused(refusal.on(access)),
            broken @ Failure::Broken(_) => broken,
        };
        let request = self.identified(attach, source(headers)).await.map_err(on_access)?;
        let (tag, request) = request;
        self.ask(tag, service::Request::Attach(request)).await.map_err(on_access).and_then(shown)
    }

    /// The owner to ask, and what.
    async fn identified(
        &self,
        attach: Attach,
        source: Option<String>,
    ) -> Result<(Tag, AttachRequest), Failure> {
        let Attach { imsi, guti, suci, access, apn, dnn, imei, visited_plmn } = attach;
        if apn.is_some() && dnn.is_some() {
            return Err(malformed("apn and dnn are the same: one of them"));
        }
        let tac = match imei {
            None => None,
            Some(imei) => Some(Tac::of_imei(&imei).ok_or_else(|| malformed("an IMEI has 14 to 16 digits"))?),
        };
        let plmn = |digits| {
            PlmnId::try_from(digits).map_err(|_| {
                let because = "visitedPlmn is a country and a network code: 5 or 6 digits";
                Refusal::new(Kind::Malformed, because).with_cause(Cause::InvalidMandatoryInformation)
            })
        };
        let mut visited = visited_plmn.map(plmn).transpose()?;
        let (tag, identity) = match (imsi, guti, suci) {
            (Some(imsi), None, None) => {
                let imsi: Imsi = imsi.parse().map_err(|_| malformed("an IMSI has 6 to 15 digits"))?;
                (Tag::of(&imsi), Identity::Imsi(imsi))
            }
            (None, Some(guti), None) => {
                let guti: Guti = guti.parse().map_err(|_| malformed("a GUTI is 10 bytes in hex"))?;
                let tag = self.store.guti(guti).await?.ok_or_else(service::unknown_guti)?;
                (tag, Identity::Guti(guti))
            }
            (None, None, Some(suci)) => {
                if access != Access::FiveG {
                    return Err(malformed("a SUCI comes by the access 5g"));
                }
                let suci: Suci = suci.parse().map_err(|invalid: suci::InvalidSuci| malformed(invalid.0))?;
                let hidden = |hidden: suci::Hidden| {
                    let because = format!("the SUCI stays hidden: {hidden}");
                    // TS 33.501 §6.12.2: the SIDF gives no SUPI, and the terminal is not served.
                    Refusal::new(Kind::Forbidden, because).with_cause(Cause::IllegalUe)
                };
                let revealed = suci.reveal(&self.home_network_keys).map_err(hidden)?;
                let imsi: Imsi =
                    revealed.as_str().parse().map_err(|_| malformed("what the SUCI conceals is no IMSI"))?;
                // How long the network's code is, only a SUCI says.
                let (mcc, mnc) = suci.home_network();
                visited = Some(visited.map_or_else(|| plmn(format!("{mcc}{mnc}")), Ok)?);
                (Tag::of(&imsi), Identity::Imsi(imsi))
            }
            _ => return Err(malformed("an attach names one of imsi, guti and suci")),
        };
        let situation = Situation { access, visited, tac };
        Ok((tag, AttachRequest { identity, situation, apn: apn.or(dnn), source }))
    }

    pub(super) async fn respond(&self, id: &str, body: &[u8]) -> Reply {
        let proof = Proof::from_json(body).ok_or_else(|| {
            malformed("a response is JSON: res, or resStar, or auts, in hex, or failure: mac")
        })?;
        let tag = service::tag_of_attach(id).ok_or_else(no_id)?;
        self.ask(tag, service::Request::Respond { id: id.to_owned(), proof }).await.and_then(shown)
    }
}

/// A digest of the address that a request came from; of IPv6 its first half, which is one
/// connection's (RFC 6177).
fn source(headers: &HeaderMap) -> Option<String> {
    let address: IpAddr = headers.get(SOURCE)?.to_str().ok()?.parse().ok()?;
    let mut digest = Sha256::new_with_prefix("source ");
    match address {
        IpAddr::V4(address) => digest.update(address.octets()),
        IpAddr::V6(address) => digest.update(address.octets().first_chunk::<8>()?),
    }
    digest.finalize().first_chunk::<8>().map(hex::encode)
}
