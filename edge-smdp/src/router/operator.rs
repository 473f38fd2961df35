//! The operator's interface beside ES2+: profiles in, states and time lines out.

use http::{Method, Request, Response, StatusCode as Http};
use rsp_crypto::Provider;
use serde::Serialize;

use super::{MAX_OPERATOR_BODY, SmDp, json, not_allowed, not_posted, read, respond, trouble};
use crate::environment::random;
use crate::error::Trouble;
use crate::profile::{EventKind, Profile};
use crate::seal::Cipher;
use crate::service::{bind, operator};
use crate::store::{Added, JournalQuery, MAX_PAGE, Query, Store};
use crate::wire::operator::{NewProfile, NotificationLine, OrderDetail, ProfileLine};
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier};

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    pub(super) async fn operator(&self, rest: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        if rest == "health" {
            return match *request.method() {
                Method::GET | Method::HEAD => self.health(),
                _ => not_allowed("GET"),
            };
        }
        if let Some(refused) = self.not_authorised(request) {
            return refused;
        }
        let read_only = request.method() == Method::GET;
        match (rest, rest.strip_prefix("orders/")) {
            ("profiles", _) if request.method() == Method::POST => {
                if let Some(refused) = not_posted(request, MAX_OPERATOR_BODY) {
                    return refused;
                }
                self.add_profile(request.body()).await.unwrap_or_else(trouble)
            }
            ("profiles", _) if read_only => respond(self.list_profiles().await),
            ("profiles", _) => not_allowed("GET, POST"),
            ("notifications", _) if read_only => respond(self.list_notifications().await),
            (_, Some(iccid)) if read_only => match self.order_detail(iccid).await {
                Ok(Some(detail)) => respond(Ok(detail)),
                Ok(None) => problem(Http::NOT_FOUND, "No profile has this ICCID."),
                Err(trouble) => respond(Err(trouble)),
            },
            ("notifications", _) | (_, Some(_)) => not_allowed("GET"),
            _ => problem(Http::NOT_FOUND, ""),
        }
    }

    async fn add_profile(&self, body: &[u8]) -> Result<Response<Vec<u8>>, Trouble> {
        let new: NewProfile = read(body)?;
        let package = operator::package(&new)?;
        let metadata = new.metadata.encode(package.iccid, self.server.address())?;
        let chance = random(&self.chance)?;
        let packages = bind::packages(&self.server, chance, &package.iccid, &package.bytes).await?;
        let now = self.clock.now();
        let profile = Profile::new(package.iccid, new.profile_type.clone(), metadata, package.facts, now);
        let status = match self.store.add_profile(&profile, &packages).await? {
            Added::New => Http::CREATED,
            Added::Replaced => Http::OK,
            Added::InUse => {
                let detail = "The profile with this ICCID has been ordered; its package stays as it is.";
                return Ok(problem(Http::CONFLICT, detail));
            }
        };
        let mut response = respond(json(&ProfileLine::new(&profile, self.server.address())));
        *response.status_mut() = status;
        Ok(response)
    }

    async fn list_profiles(&self) -> Result<Vec<u8>, Trouble> {
        #[derive(Serialize)]
        struct Profiles {
            profiles: Vec<ProfileLine>,
        }
        let profiles = self.store.list(&Query { most: MAX_PAGE, ..Query::default() }).await?;
        let profiles = profiles.iter().map(|p| ProfileLine::new(p, self.server.address())).collect();
        json(&Profiles { profiles })
    }

    async fn order_detail(&self, iccid: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let Ok(iccid) = iccid.parse() else { return Ok(None) };
        let Some(stored) = self.store.profile(&iccid).await? else { return Ok(None) };
        let line = ProfileLine::new(&stored.profile, self.server.address());
        let Profile { events, notifications, .. } = &stored.profile;
        json(&OrderDetail { line, events, notifications }).map(Some)
    }

    async fn list_notifications(&self) -> Result<Vec<u8>, Trouble> {
        #[derive(Serialize)]
        struct Notifications {
            notifications: Vec<NotificationLine>,
        }
        let kinds = EventKind::REPORTED.to_vec();
        let query = JournalQuery { kinds, most: MAX_PAGE, ..JournalQuery::default() };
        let found = self.store.journal(&query).await?;
        let notifications = found.into_iter().filter_map(NotificationLine::of).collect();
        json(&Notifications { notifications })
    }

    fn health(&self) -> Response<Vec<u8>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Health<'a> {
            status: &'static str,
            oid: String,
            addresses: &'a [String],
            operator: bool,
            credentials: Vec<CredentialHealth>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct CredentialHealth {
            ci_pk_id: String,
            dp_auth_not_after: u64,
            dp_pb_not_after: u64,
            valid: bool,
        }
        let now = self.clock.now();
        let credentials: Vec<_> = self
            .server
            .credentials
            .iter()
            .map(|set| CredentialHealth {
                ci_pk_id: set.ci.id().to_string(),
                dp_auth_not_after: set.dp_auth.certificate.validity().1,
                dp_pb_not_after: set.dp_pb.certificate.validity().1,
                valid: set.is_valid_at(now),
            })
            .collect();
        let healthy = credentials.iter().any(|credential| credential.valid);
        let mut response = respond(json(&Health {
            status: if healthy { "ok" } else { "no valid certificates" },
            oid: self.server.oid.to_string(),
            addresses: &self.server.addresses,
            operator: self.server.operator_token.is_some(),
            credentials,
        }));
        if !healthy {
            *response.status_mut() = Http::SERVICE_UNAVAILABLE;
        }
        response
    }
}
