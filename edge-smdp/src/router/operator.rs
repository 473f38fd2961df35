//! The operator's interface beside ES2+ (openapi.json): profiles, types and orders in,
//! states and time lines out.

use http::{Method, Request, Response, StatusCode as Http};
use rsp::Iccid;
use rsp::es9::Base64;
use rsp::status::StatusCode;
use rsp_crypto::Provider;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::es2::Caller;
use super::{
    MAX_OPERATOR_BODY, SmDp, empty, json as body_of, not_allowed, not_posted, read, respond, trouble,
};
use crate::access::OperatorProven;
use crate::environment::random;
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::log::Requester;
use crate::profile::{EventKind, Network, Profile, ProfileState, Requirements, Subscription};
use crate::profile_type::{ProfileType, Template};
use crate::seal::Cipher;
use crate::service::package::{self, Package};
use crate::service::{bind, feed, subscriber};
use crate::store::{Added, JournalQuery, Place, Query, Store, StoredProfileType};
use crate::wire::network as wire;
use crate::wire::operator::{
    BatchLine, BatchReport, EventLine, NewOrder, NewProfile, NotificationLine, OrderDetail, OrderResult,
    OutgoingLine, ProfileLine,
};
use crate::wire::problem::problem;
use crate::wire::query::{Page, Parameters};
use crate::wire::subscriber::{Subscriber, from_csv};
use crate::{Chance, Clock, Courier};
use crate::{health, metrics};

/// How many subscribers one request may bring.
const MAX_SUBSCRIBERS: usize = 500;
/// How many orders one request may make: each of them asks objects of the store up to a dozen
/// times, and the platform lets a request do so 1,000 times.
const MAX_ORDERS: usize = 80;
/// How many waiting messages are shown.
const MAX_OUTBOX: usize = 200;

/// What is kept of a profile beside its package.
struct About<'a> {
    profile_type: Option<String>,
    metadata: Vec<u8>,
    requirements: Requirements,
    /// For the network; without one it is not told of the subscriber.
    subscription: Option<&'a wire::Subscription>,
}

/// What the interface answers: a response, or trouble that becomes one.
type Answer = Result<Response<Vec<u8>>, Trouble>;

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    pub(super) async fn operator(&self, rest: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        if matches!(rest, "health" | "openapi.json") {
            return match *request.method() {
                Method::GET | Method::HEAD if rest == "health" => {
                    health::health(&self.server, self.clock.now())
                }
                Method::GET | Method::HEAD => respond(Ok(include_bytes!("../../openapi.json").to_vec())),
                _ => not_allowed("GET, HEAD"),
            };
        }
        if let Some(refused) = self.not_authorised(request) {
            return refused;
        }
        let by_proxy = request.extensions().get::<OperatorProven>().is_some();
        self.called_by(if by_proxy { Requester::Proxy } else { Requester::Token });
        let parts: Vec<&str> = rest.split('/').collect();
        let allowed = match parts[..] {
            ["profiles"] => "GET, POST",
            ["profile-types", _] => "GET, PUT, DELETE",
            ["profiles", _] => "DELETE",
            ["metrics" | "profile-types" | "events" | "notifications" | "outbox"] | ["orders", _] => "GET",
            ["subscribers" | "orders"] | ["orders", _, "release" | "cancel"] => "POST",
            _ => return problem(Http::NOT_FOUND, ""),
        };
        let method = request.method().as_str();
        if !allowed.split(", ").any(|allowed| allowed == method) {
            return not_allowed(allowed);
        }
        let is_csv = parts == ["subscribers"] && is_csv(request);
        if matches!(method, "POST" | "PUT") && !is_csv {
            let has_body = !matches!(parts[..], ["orders", _, "release"]);
            if let Some(refused) = not_posted(request, MAX_OPERATOR_BODY, method).filter(|_| has_body) {
                return refused;
            }
        }
        if request.body().len() > MAX_OPERATOR_BODY {
            return problem(Http::PAYLOAD_TOO_LARGE, "");
        }
        let body = request.body();
        let answer = match (method, &parts[..]) {
            ("GET", ["metrics"]) => self.metrics().await,
            ("GET", ["profiles"]) => self.list_profiles(request).await,
            ("POST", ["profiles"]) => self.add_profile(body).await,
            ("DELETE", ["profiles", iccid]) => self.remove_profile(iccid).await,
            ("POST", ["subscribers"]) => self.add_subscribers(request, is_csv).await,
            ("GET", ["profile-types"]) => self.profile_types().await,
            ("GET", ["profile-types", name]) => self.show_profile_type(&decoded(name)).await,
            ("PUT", ["profile-types", name]) => self.put_profile_type(&decoded(name), body).await,
            ("DELETE", ["profile-types", name]) => self.remove_profile_type(&decoded(name)).await,
            ("POST", ["orders"]) => self.make_orders(body).await,
            ("GET", ["orders", iccid]) => self.order_detail(iccid).await,
            ("POST", ["orders", iccid, "release"]) => {
                self.call_es2(iccid, "releaseProfile", json!({ "iccid": iccid })).await
            }
            ("POST", ["orders", iccid, "cancel"]) => self.cancel(iccid, body).await,
            ("GET", ["events"]) => self.list_events(request).await,
            ("GET", ["notifications"]) => self.list_notifications(request).await,
            ("GET", ["outbox"]) => self.list_outbox().await,
            _ => Ok(problem(Http::NOT_FOUND, "")),
        };
        answer.unwrap_or_else(trouble)
    }

    async fn add_profile(&self, body: &[u8]) -> Answer {
        let new: NewProfile = read(body)?;
        if new.profile_type.as_ref().is_some_and(|name| {
            name.is_empty() || name.len() > crate::profile_type::MAX_NAME || name.contains(char::is_control)
        }) {
            return Err(Malformed::new("profileType", "1 to 64 bytes, no control characters").into());
        }
        let package = match (&new.package, &new.subscriber) {
            (Some(package), None) => package::check(Zeroizing::new(package.0.clone()))?,
            (None, Some(subscriber)) => {
                let template = match new.metadata.profile_class.as_deref() {
                    Some("test") => Template::Test,
                    Some("provisioning") => Template::Provisioning,
                    _ => Template::Operational,
                };
                package::of_template(template, self.subscriber(subscriber)?)?
            }
            _ => return Err(Malformed::new("request", "either package or subscriber is expected").into()),
        };
        let stated = new.metadata.iccid.as_deref().map(str::parse::<Iccid>).transpose();
        if stated.map_err(|e| Malformed::new("metadata.iccid", e))?.is_some_and(|s| s != package.iccid) {
            return Err(Malformed::new("metadata.iccid", "the package has another ICCID").into());
        }
        let metadata = new.metadata.encode(package.iccid, self.server.address())?;
        package.is_of(new.metadata.owner()?.as_ref())?;
        package.may_be(new.metadata.class()?)?;
        new.requirements.check()?;
        let of_subscriber = new.subscriber.as_ref().and_then(|given| given.subscription.as_ref());
        if of_subscriber.is_some() && new.subscription.is_some() {
            return Err(Malformed::new("subscription", "once").into());
        }
        let about = About {
            profile_type: new.profile_type.clone(),
            metadata,
            requirements: new.requirements.clone(),
            subscription: of_subscriber.or(new.subscription.as_ref()),
        };
        let kept = self.keep(package, about);
        let (added, profile) = kept.await?;
        let status = match added {
            Added::New => Http::CREATED,
            Added::Replaced => Http::OK,
            Added::InUse => return Ok(problem(Http::CONFLICT, IN_USE)),
        };
        let mut response = answered(&ProfileLine::new(&profile, self.server.address()))?;
        *response.status_mut() = status;
        Ok(response)
    }

    /// Seals a package and keeps it.
    async fn keep(&self, package: Package, about: About<'_>) -> Result<(Added, Profile), Trouble> {
        let subscription = match about.subscription {
            Some(subscription) => Some(self.sealed(&package, subscription).await?),
            None => None,
        };
        let chance = random(&self.chance)?;
        let packages = bind::packages(&self.server, chance, &package.iccid, &package.bytes).await?;
        let About { profile_type, metadata, requirements, .. } = about;
        let mut profile =
            Profile::new(package.iccid, profile_type, metadata, package.facts, self.clock.now());
        profile.requirements = requirements;
        profile.subscription = subscription;
        profile.attribute(self.causer(&profile).as_deref());
        let added = self.store.add_profile(&profile, &packages).await?;
        Ok((added, profile))
    }

    /// What the network is told of a package's subscriber, sealed.
    async fn sealed(
        &self,
        package: &Package,
        subscription: &wire::Subscription,
    ) -> Result<Subscription, Trouble> {
        let (imsi, record) = feed::record(package, subscription)?;
        let (secret, cipher) = (&self.server.secret, &self.server.provider);
        let context = bind::subscriber_context(&package.iccid, &imsi);
        let sealed = secret.seal(cipher, random(&self.chance)?, &context, &record).await?;
        let record = Some(Base64(sealed));
        Ok(Subscription { imsi, record, network: Network::Off, word: 0, found: false })
    }

    /// A subscriber's data, its secrets opened.
    fn subscriber(&self, given: &Subscriber) -> Result<saip::build::Subscriber, Malformed> {
        let keys = &self.server.transport_keys;
        subscriber::read(given, &|id, wrapped| {
            keys.unwrap(id, wrapped).map_err(|error| Malformed::new("transportKey", error))
        })
    }

    async fn remove_profile(&self, iccid: &str) -> Answer {
        let Ok(iccid) = iccid.parse() else { return Ok(no_profile()) };
        let Some(stored) = self.store.profile(&iccid).await? else { return Ok(no_profile()) };
        let removable = matches!(
            stored.profile.state,
            ProfileState::Available | ProfileState::Unavailable | ProfileState::Deleted | ProfileState::Error
        );
        let conflict = || {
            let detail = "The profile has an order, or is installed: cancel the order first.";
            problem(Http::CONFLICT, detail)
        };
        let order = stored.profile.order.as_ref();
        if stored.profile.may_be_on_an_euicc()
            && (order.is_none() || stored.profile.state == ProfileState::Deleted)
        {
            // Uploaded again, it could be handed out to another eUICC.
            let detail = "A bound package was handed out and may be installed: the record stays.";
            return Ok(problem(Http::CONFLICT, detail));
        }
        if order.is_some_and(|order| order.delivered.are_out()) && stored.profile.state == ProfileState::Error
        {
            let detail =
                "A bound package was handed out and may be installed: cancel the order as Unavailable.";
            return Ok(problem(Http::CONFLICT, detail));
        }
        if !removable {
            return Ok(conflict());
        }
        let removed = self.store.remove(stored.version, &iccid).await?;
        if let Some(id) =
            order.filter(|order| removed && order.over.is_some()).and_then(|o| o.matching_id.as_ref())
        {
            self.store.release_matching_id(id, &iccid).await?;
        }
        Ok(if removed { empty(Http::NO_CONTENT) } else { conflict() })
    }

    async fn add_subscribers(&self, request: &Request<Vec<u8>>, is_csv: bool) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Batch {
            profile_type: String,
            subscribers: Vec<Value>,
        }
        let (name, subscribers) = if is_csv {
            let name = Parameters::of(request).text("profileType");
            let name = name.ok_or_else(|| Malformed::new("profileType", "expected in the query"))?;
            (name, from_csv(request.body(), MAX_SUBSCRIBERS + 1)?)
        } else {
            let mut batch: Batch = read(request.body())?;
            // A row that is no subscriber takes more room than its text.
            batch.subscribers.truncate(MAX_SUBSCRIBERS + 1);
            let row = |value| {
                let expected = "an element is missing, unknown or of a wrong type";
                serde_json::from_value(value).map_err(|_| Malformed::new("subscriber", expected))
            };
            (batch.profile_type, batch.subscribers.into_iter().map(row).collect())
        };
        if subscribers.len() > MAX_SUBSCRIBERS {
            return Err(Malformed::new("subscribers", "at most 500 at once").into());
        }
        let Some((profile_type, template)) = self.profile_type(&name).await? else {
            return Err(Malformed::new("profileType", "there is no such type").into());
        };
        let mut report = BatchReport::default();
        for (at, subscriber) in subscribers.into_iter().enumerate() {
            let made = match subscriber {
                Ok(subscriber) => {
                    self.add_subscriber(
                        &profile_type,
                        template.as_ref().map(|template| &template[..]),
                        &subscriber,
                    )
                    .await
                }
                Err(malformed) => Err(malformed.into()),
            };
            let (iccid, added) = match made {
                Ok((iccid, added)) => (Some(iccid), Ok(added)),
                // Ours: the rest would fare no better.
                Err(Trouble::Fault(fault)) => return Err(fault.into()),
                Err(Trouble::Malformed(malformed)) => (None, Err(malformed.because)),
                Err(Trouble::Refused(refusal)) => (None, Err(refusal.to_string())),
            };
            report.add(BatchLine::new(at + 1, iccid, added));
        }
        answered(&report)
    }

    async fn add_subscriber(
        &self,
        profile_type: &ProfileType,
        template: Option<&[u8]>,
        given: &Subscriber,
    ) -> Result<(Iccid, Added), Trouble> {
        let subscriber = self.subscriber(given)?;
        let package = package::of_type(profile_type, template, &subscriber)?;
        let mut metadata = profile_type
            .metadata
            .clone()
            .unwrap_or_else(|| crate::wire::operator::Metadata::of_class("operational"));
        // What a type does not say of itself is the subscriber's.
        if metadata.service_provider_name.is_empty() {
            subscriber.spn.clone_into(&mut metadata.service_provider_name);
        }
        if metadata.profile_name.is_empty() {
            profile_type.name.clone_into(&mut metadata.profile_name);
        }
        package.is_of(metadata.owner()?.as_ref())?;
        package.may_be(metadata.class()?)?;
        let metadata = metadata.encode(package.iccid, self.server.address())?;
        let iccid = package.iccid;
        let about = About {
            profile_type: Some(profile_type.name.clone()),
            metadata,
            requirements: profile_type.requirements.clone(),
            subscription: given.subscription.as_ref().or(profile_type.subscription.as_ref()),
        };
        let (added, _) = self.keep(package, about).await?;
        Ok((iccid, added))
    }

    /// A profile type by its name, with its template opened.
    async fn profile_type(
        &self,
        name: &str,
    ) -> Result<Option<(ProfileType, Option<Zeroizing<Vec<u8>>>)>, Trouble> {
        if let Some(own) = ProfileType::built_in().into_iter().find(|own| own.name == name) {
            return Ok(Some((own, None)));
        }
        let Some(stored) = self.store.profile_type(name).await? else { return Ok(None) };
        let template = match &stored.package {
            None => None,
            Some(sealed) => {
                let (secret, cipher) = (&self.server.secret, &self.server.provider);
                Some(secret.expose_sealed(cipher, &bind::template_context(name), &sealed.0).await?)
            }
        };
        Ok(Some((read(stored.record.as_bytes())?, template)))
    }

    async fn profile_types(&self) -> Answer {
        let mut all: Vec<Value> = Vec::new();
        for own in ProfileType::built_in() {
            all.push(serde_json::to_value(&own).map_err(|e| Malformed::new("profileType", e))?);
        }
        for stored in self.store.profile_types().await? {
            all.push(read(stored.record.as_bytes())?);
        }
        answered(&json!({ "profileTypes": all }))
    }

    async fn show_profile_type(&self, name: &str) -> Answer {
        if let Some(own) = ProfileType::built_in().into_iter().find(|own| own.name == name) {
            return answered(&own);
        }
        // The template stays closed: it may be under a secret that is gone.
        match self.store.profile_type(name).await? {
            Some(stored) => answered(&read::<ProfileType>(stored.record.as_bytes())?),
            None => Ok(no_type()),
        }
    }

    async fn put_profile_type(&self, name: &str, body: &[u8]) -> Answer {
        let mut new: ProfileType = read(body)?;
        if new.name != name {
            return Err(Malformed::new("name", "not the one in the path").into());
        }
        if ProfileType::built_in().iter().any(|own| own.name == name) {
            return Ok(problem(Http::CONFLICT, "This type is the server's own; take another name."));
        }
        new.built_in = false;
        new.check()?;
        let template = new.package.take();
        new.package_length = template.as_ref().map(|package| package.0.len() as u32);
        let mut sealed = None;
        if let Some(template) = &template {
            let (secret, cipher) = (&self.server.secret, &self.server.provider);
            let context = bind::template_context(name);
            sealed = Some(Base64(secret.seal(cipher, random(&self.chance)?, &context, &template.0).await?));
        }
        let record = String::from_utf8(body_of(&new)?).unwrap_or_default();
        let key_id = if sealed.is_some() { self.server.secret.key_id().to_owned() } else { String::new() };
        let stored = StoredProfileType { name: name.to_owned(), record, package: sealed, key_id };
        let status = match self.store.put_profile_type(&stored).await? {
            Some(true) => Http::CREATED,
            Some(false) => Http::OK,
            None => return Ok(problem(Http::CONFLICT, "There are 200 profile types; remove one first.")),
        };
        let mut response = answered(&new)?;
        *response.status_mut() = status;
        Ok(response)
    }

    async fn remove_profile_type(&self, name: &str) -> Answer {
        if ProfileType::built_in().iter().any(|own| own.name == name) {
            return Ok(problem(Http::CONFLICT, "This type is the server's own."));
        }
        let removed = self.store.remove_profile_type(name).await?;
        Ok(if removed { empty(Http::NO_CONTENT) } else { no_type() })
    }

    async fn list_profiles(&self, request: &Request<Vec<u8>>) -> Answer {
        let parameters = Parameters::of(request);
        let most = parameters.limit()?;
        let search = parameters.text("search").filter(|text| !text.is_empty());
        // No ICCID begins like that: a matching id.
        let matching_id = search.as_ref().filter(|text| !text.bytes().all(|byte| byte.is_ascii_digit()));
        let query = Query {
            state: parameters.parsed("state", ProfileState::from_name)?,
            profile_type: parameters.text("profileType").filter(|name| !name.is_empty()),
            eid: parameters.parsed("eid", |text| text.parse().ok())?,
            iccid_prefix: search.clone().filter(|_| matching_id.is_none()),
            after: parameters.place()?,
            most,
        };
        let (page, is_whole): (Vec<Profile>, bool) = match matching_id {
            Some(text) => {
                let iccid = match text.parse() {
                    Ok(id) => self.store.matching_id(&id).await?,
                    Err(_) => None,
                };
                let found = match iccid {
                    Some(iccid) => self.store.profile(&iccid).await?.map(|stored| stored.profile),
                    None => None,
                };
                (found.into_iter().filter(|profile| query.takes(profile)).collect(), true)
            }
            None => (self.store.list(&query).await?, false),
        };
        let next = page.last().filter(|_| page.len() == most && !is_whole).map(Place::of);
        let profiles = page.iter().map(|p| ProfileLine::new(p, self.server.address())).collect();
        answered(&Page::new("profiles", profiles, next.map(|place| place.to_string())))
    }

    async fn order_detail(&self, iccid: &str) -> Answer {
        let Ok(iccid) = iccid.parse() else { return Ok(no_profile()) };
        let Some(stored) = self.store.profile(&iccid).await? else { return Ok(no_profile()) };
        let line = ProfileLine::new(&stored.profile, self.server.address());
        let Profile { events, notifications, .. } = &stored.profile;
        answered(&OrderDetail { line, events, notifications })
    }

    async fn list_events(&self, request: &Request<Vec<u8>>) -> Answer {
        let parameters = Parameters::of(request);
        let kinds = parameters.parsed("event", EventKind::from_name)?.into_iter().collect();
        self.list_journal(&parameters, kinds, "events", |logged| Some(EventLine::of(logged))).await
    }

    async fn list_notifications(&self, request: &Request<Vec<u8>>) -> Answer {
        let kinds = EventKind::REPORTED.to_vec();
        self.list_journal(&Parameters::of(request), kinds, "notifications", NotificationLine::of).await
    }

    async fn list_journal<L: Serialize>(
        &self,
        parameters: &Parameters,
        kinds: Vec<EventKind>,
        name: &'static str,
        line: impl Fn(crate::store::Logged) -> Option<L>,
    ) -> Answer {
        let most = parameters.limit()?;
        let iccid = parameters.parsed("iccid", |text| text.parse().ok())?;
        let query = JournalQuery { kinds, iccid, after: parameters.journal_place()?, most };
        let found = self.store.journal(&query).await?;
        let next = found.last().filter(|_| found.len() == most).map(|logged| logged.place.to_string());
        answered(&Page::new(name, found.into_iter().filter_map(line).collect(), next))
    }

    async fn list_outbox(&self) -> Answer {
        let waiting = self.store.due(u64::MAX, MAX_OUTBOX).await?;
        let messages: Vec<_> = waiting.iter().map(OutgoingLine::of).collect();
        answered(&json!({ "messages": messages }))
    }

    async fn metrics(&self) -> Answer {
        let tally = self.store.tally(self.server.secret.key_id()).await?;
        let text = metrics::render(&tally, &self.server);
        let mut response = Response::new(text.into_bytes());
        let content_type = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert("content-type", content_type);
        Ok(response)
    }

    async fn make_orders(&self, body: &[u8]) -> Answer {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Orders {
            orders: Vec<NewOrder>,
        }
        let Orders { orders } = read(body)?;
        if !(1..=MAX_ORDERS).contains(&orders.len()) {
            return Err(Malformed::new("orders", "1 to 80").into());
        }
        let mut results = Vec::with_capacity(orders.len());
        let mut broken: Option<Fault> = None;
        // Types of which there is no more: they are not looked for again.
        let mut used_up: Vec<(&str, Refusal)> = Vec::new();
        for order in &orders {
            let by_type = order.profile_type.as_deref().filter(|_| order.iccid.is_none());
            if let Some((_, refusal)) = used_up.iter().find(|(name, _)| Some(*name) == by_type) {
                results.push(OrderResult::refused(None, refusal));
                continue;
            }
            if broken.is_some() {
                results.push(OrderResult::refused(None, &not_done("not tried")));
                continue;
            }
            results.push(match self.make_order(order).await {
                Ok(result) => result,
                Err(Trouble::Refused(refusal)) => {
                    let result = OrderResult::refused(None, &refusal);
                    let none = [StatusCode::PROFILE_TYPE_UNAVAILABLE, StatusCode::PROFILE_TYPE_UNKNOWN];
                    used_up
                        .extend(by_type.filter(|_| none.contains(&refusal.code)).map(|name| (name, refusal)));
                    result
                }
                // A matching id with other letters, and the like.
                Err(trouble) if orders.len() == 1 => return Err(trouble),
                Err(Trouble::Malformed(malformed)) => OrderResult::malformed(malformed),
                // Ours. What was ordered before must be told all the same, or nobody knows of it.
                Err(Trouble::Fault(fault)) if results.is_empty() => return Err(fault.into()),
                Err(Trouble::Fault(fault)) => {
                    broken = Some(fault);
                    OrderResult::refused(None, &not_done("it may have been ordered"))
                }
            });
        }
        let mut response = answered(&json!({ "results": results }))?;
        if let Some(fault) = broken {
            response.extensions_mut().insert(fault);
        }
        Ok(response)
    }

    /// DownloadOrder, ConfirmOrder and ReleaseProfile as one; what was ordered is given
    /// back when it can't be confirmed.
    async fn make_order(&self, order: &NewOrder) -> Result<OrderResult, Trouble> {
        let now = self.clock.now();
        let request = json!({
            "header": self.call_header()?,
            "iccid": order.iccid, "profileType": order.profile_type, "eid": order.eid,
        });
        let ordered: Value = read(&self.download_order(&body_of(&request)?, Caller::Console, now).await?)?;
        let iccid = ordered["iccid"].as_str().unwrap_or_default().to_owned();
        let request = json!({
            "header": self.call_header()?,
            "iccid": iccid, "eid": order.eid, "matchingId": order.matching_id,
            "confirmationCode": order.confirmation_code, "smdsAddress": order.smds_address,
            "releaseFlag": order.release,
        });
        if let Err(trouble) = self.confirm_order(&body_of(&request)?, Caller::Console, now).await {
            let request = json!({
                "header": self.call_header()?, "iccid": iccid, "finalProfileStatusIndicator": "Available",
            });
            self.cancel_order(&body_of(&request)?, Caller::Console, now).await?;
            return Err(trouble);
        }
        self.order_result(&iccid).await
    }

    async fn order_result(&self, iccid: &str) -> Result<OrderResult, Trouble> {
        let unknown = || Trouble::from(StatusCode::ICCID_UNKNOWN);
        let iccid: Iccid = iccid.parse().map_err(|_| unknown())?;
        let stored = self.store.profile(&iccid).await?.ok_or_else(unknown)?;
        Ok(OrderResult::of(&ProfileLine::new(&stored.profile, self.server.address())))
    }

    async fn cancel(&self, iccid: &str, body: &[u8]) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Cancel {
            final_profile_status_indicator: String,
        }
        let cancel: Cancel = read(body)?;
        let indicator = cancel.final_profile_status_indicator;
        let request = json!({ "iccid": iccid, "finalProfileStatusIndicator": indicator });
        self.call_es2(iccid, "cancelOrder", request).await
    }

    /// A function of ES2+ for one profile; its refusal is shown as such.
    async fn call_es2(&self, iccid: &str, function: &str, mut request: Value) -> Answer {
        if !matches!(iccid.parse::<Iccid>(), Ok(iccid) if self.store.profile(&iccid).await?.is_some()) {
            return Ok(no_profile());
        }
        request["header"] = self.call_header()?;
        let (body, now) = (body_of(&request)?, self.clock.now());
        let done = match function {
            "releaseProfile" => self.release_profile(&body, Caller::Console, now).await,
            _ => self.cancel_order(&body, Caller::Console, now).await,
        };
        match done {
            Ok(_) => answered(&self.order_result(iccid).await?),
            Err(Trouble::Refused(refusal)) => {
                let mut response = answered(&OrderResult::refused(Some(iccid), &refusal))?;
                *response.status_mut() = Http::CONFLICT;
                Ok(response)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Every call of the console is one of its own.
    fn call_header(&self) -> Result<Value, Trouble> {
        let id = hex::encode(random::<16>(&self.chance)?);
        Ok(json!({ "functionRequesterIdentifier": self.server.console(), "functionCallIdentifier": id }))
    }
}

const IN_USE: &str = "The profile with this ICCID has been ordered; its package stays as it is.";

fn answered(value: &impl Serialize) -> Answer {
    Ok(respond(Ok(body_of(value)?)))
}

/// Of an order that something of ours has kept from being made.
fn not_done(because: &str) -> Refusal {
    Refusal::new(StatusCode::EXECUTION_ERROR, because)
}

fn no_profile() -> Response<Vec<u8>> {
    problem(Http::NOT_FOUND, "No profile has this ICCID.")
}

fn no_type() -> Response<Vec<u8>> {
    problem(Http::NOT_FOUND, "There is no profile type of this name.")
}

fn is_csv(request: &Request<Vec<u8>>) -> bool {
    let content_type = request.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("text/csv"))
}

/// A part of a path, without its escapes.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}
