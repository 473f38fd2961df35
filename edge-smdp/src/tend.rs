//! What the server does without being asked: orders end, messages leave, packages
//! move under the present key. In the worker by the alarm of the object that holds
//! them.

use std::collections::{BTreeMap, BTreeSet};

use rsp::Iccid;
use rsp::status::StatusCode;
use rsp_crypto::Provider;

use crate::config::url_of;
use crate::environment::random;
use crate::error::{Fault, Trouble};
use crate::outbox::{self, Message, Outgoing, Reply, Settled};
use crate::profile::EventKind;
use crate::seal::Cipher;
use crate::service::feed::{self, Told};
use crate::service::{authenticate, bind};
use crate::store::{MAX_PROFILE_TYPES, Packages, Store};
use crate::{Chance, Clock, Courier, Letter, NetworkCall, SmDp};

/// How much of each is done in one go.
const MOST: usize = 100;
/// How many goes there are for what moves under the present key: it is much at a time,
/// and there is no alarm for it.
const ROUNDS: usize = 20;
/// How long messages are sent in one go, in seconds.
const MOST_TIME: u64 = 60;
/// After how many attempts in vain a peer is left alone for this time.
const MOST_SILENCE: u32 = 2;

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    /// Does what is due at this moment, as much of it as fits into one go; it is called
    /// again for the rest.
    ///
    /// # Errors
    /// The store's fault; what was done by then stays done.
    pub async fn tend(&self) -> Result<(), Fault> {
        // What keeps one of them from being done does not keep the others.
        let ended = self.end_orders().await;
        let delivered = self.deliver().await;
        let resealed = self.reseal().await;
        let templates = self.reseal_templates().await;
        ended.and(delivered).and(resealed).and(templates)
    }

    /// Sends the messages that are due, the most overdue first. It takes no longer than
    /// [`MOST_TIME`] and one answer, and to a peer that does not answer
    /// [`MOST_SILENCE`] answers: the rest waits for the next time.
    async fn deliver(&self) -> Result<(), Fault> {
        let begin = self.clock.now();
        let mut silent: BTreeMap<String, u32> = BTreeMap::new();
        loop {
            let due = self.store.due(begin, MOST).await?;
            let all = due.len();
            // Behind a message to the operator that waits, the profile's others wait.
            let mut waiting = BTreeSet::new();
            for message in due {
                if self.clock.now() > begin + MOST_TIME {
                    return Ok(());
                }
                let for_operator = message.message.is_for_operator();
                if for_operator && waiting.contains(&message.iccid) {
                    continue;
                }
                let peer = self.peer(&message.message);
                let silence = silent.get(&peer).copied().unwrap_or(0);
                let reply = if silence >= MOST_SILENCE {
                    Reply::Later("the peer answers nobody".into())
                } else if message.message.is_for_network() {
                    self.tell_network(&message).await?
                } else {
                    self.send(&message, &peer).await?
                };
                match reply {
                    Reply::Later(_) => {
                        silent.insert(peer, silence + 1);
                        if for_operator {
                            waiting.insert(message.iccid);
                        }
                    }
                    Reply::NotAsked(_) => {}
                    Reply::Done | Reply::Refused(..) => {
                        silent.remove(&peer);
                    }
                }
                self.settle(&message, reply).await?;
            }
            if all < MOST {
                return Ok(());
            }
        }
    }

    /// The URL that a message goes to; empty when there is none.
    fn peer(&self, message: &Message) -> String {
        match message {
            Message::DownloadProgress { .. } | Message::ProfileEvent { .. } => {
                let callback = self.server.operator_callback.as_ref();
                callback.map_or_else(String::new, |to| {
                    format!("{}{}{}", to.base, rsp::es2::PATH, message.function())
                })
            }
            Message::DeleteEvent { smds_address, .. } => {
                let path = format!("{}{}", rsp::es12::PATH, message.function());
                url_of(smds_address, &path)
            }
            Message::FeedSubscriber { .. } | Message::WithdrawSubscriber { .. } => "the network".to_owned(),
        }
    }

    async fn send(&self, message: &Outgoing, url: &str) -> Result<Reply, Fault> {
        if url.is_empty() {
            return Ok(Reply::Later("OPERATOR_CALLBACK is not configured".into()));
        }
        if self.is_registered(&message.message).await? {
            return Ok(Reply::Done);
        }
        let json = message.json(&self.server.oid).map_err(|error| Fault::new(format!("JSON: {error}")))?;
        let callback = self.server.operator_callback.as_ref().filter(|_| message.message.is_for_operator());
        let token = callback.and_then(|callback| callback.token.as_ref()).map(|token| token.as_str());
        let answer = self.courier.post(&Letter { url, token, json: &json }).await;
        let reply = outbox::reply(answer, !message.message.is_for_operator());
        // An event that is not there is deleted.
        Ok(if reply.is(StatusCode::SMDS_EVENT_UNKNOWN) { Reply::Done } else { reply })
    }

    /// Tells the network of a subscriber, unless that is not so any more.
    async fn tell_network(&self, outgoing: &Outgoing) -> Result<Reply, Fault> {
        let (iccid, message) = (&outgoing.iccid, &outgoing.message);
        let stored = self.store.profile(iccid).await?;
        let profile = stored.as_ref().map(|stored| &stored.profile);
        if !feed::is_current(profile, message) {
            // Where it is the last word, what is shown of it comes to rest.
            self.note_told(outgoing, Told::Done { found: false }).await?;
            return Ok(Reply::Done);
        }
        let Some(token) = &self.server.feeder_token else {
            let because = "no network is bound, or FEEDER_TOKEN is not configured";
            return Ok(Reply::NotAsked(because.into()));
        };
        let (imsi, is_first) = match message {
            Message::FeedSubscriber { imsi, is_first, .. } => (imsi, Some(*is_first)),
            Message::WithdrawSubscriber { imsi, .. } => (imsi, None),
            _ => return Ok(Reply::Done),
        };
        let path = format!("/network/subscribers/{imsi}");
        let subscription = profile.and_then(|profile| profile.subscription.as_ref());
        let answer = match (is_first, subscription.and_then(|subscription| subscription.record.as_ref())) {
            (None, _) => {
                let call = NetworkCall { method: "DELETE", path: &path, token, json: None };
                self.courier.ask_network(&call).await
            }
            (Some(_), Some(sealed)) => {
                let (secret, cipher) = (&self.server.secret, &self.server.provider);
                let context = bind::subscriber_context(iccid, imsi);
                // One that does not open keeps no other from being told.
                match secret.expose_sealed(cipher, &context, &sealed.0).await {
                    Err(fault) => return Ok(Reply::NotAsked(fault.to_string())),
                    Ok(record) => {
                        let json = core::str::from_utf8(&record).ok();
                        let call = NetworkCall { method: "PUT", path: &path, token, json };
                        self.courier.ask_network(&call).await
                    }
                }
            }
            (Some(_), None) => return Ok(Reply::NotAsked("there are no keys".into())),
        };
        // Made by an earlier attempt whose answer was lost, it is ours all the same.
        let found = is_first == Some(true) && outgoing.attempts == 0 && matches!(answer, Ok((200, _)));
        let reply = outbox::network_reply(answer, is_first.is_none());
        if reply == Reply::Done {
            self.note_told(outgoing, Told::Done { found }).await?;
        }
        Ok(reply)
    }

    async fn note_told(&self, outgoing: &Outgoing, told: Told) -> Result<(), Fault> {
        let noted = self.change(&outgoing.iccid, async |change| {
            feed::told(&mut change.profile, &outgoing.message, told);
            Ok(())
        });
        no_trouble(noted.await)
    }

    /// Whether an event that is to be deleted is that of an order in force: the one it
    /// was made for after all, or a later one under the same name.
    async fn is_registered(&self, message: &Message) -> Result<bool, Fault> {
        let Message::DeleteEvent { smds_address, eid, event_id, .. } = message else { return Ok(false) };
        let Some(iccid) = self.store.matching_id(event_id).await? else { return Ok(false) };
        let Some(stored) = self.store.profile(&iccid).await? else { return Ok(false) };
        let order = stored.profile.order.as_ref().filter(|_| stored.profile.state.is_open());
        Ok(order.is_some_and(|order| {
            order.smds_address.as_ref() == Some(smds_address)
                && order.eid == Some(*eid)
                && order.matching_id.as_ref() == Some(event_id)
        }))
    }

    /// Notes what became of a message.
    async fn settle(&self, message: &Outgoing, reply: Reply) -> Result<(), Fault> {
        let now = self.clock.now();
        let because = match reply {
            Reply::Done => return self.store.settle(message, &Settled::Acknowledged).await,
            Reply::Later(because) | Reply::NotAsked(because)
                if now < message.message.since() + outbox::PATIENCE =>
            {
                let [chance] = random(&self.chance)?;
                let due = now + outbox::uneven_pause(message.attempts, chance);
                return self.store.settle(message, &Settled::Again { due, because }).await;
            }
            Reply::Later(because) | Reply::NotAsked(because) => format!("given up: {because}"),
            Reply::Refused(_, _, because) => format!("refused: {because}"),
        };
        // Written down first: a word too many is better than one too few.
        let function = message.message.function();
        let noted = self.change(&message.iccid, async |change| {
            let detail = format!("{function} {because}");
            change.profile.note(now, EventKind::Undelivered, Some(detail));
            feed::told(&mut change.profile, &message.message, Told::Refused);
            Ok(())
        });
        no_trouble(noted.await)?;
        self.store.settle(message, &Settled::Acknowledged).await
    }

    /// Orders whose time is over end, and give up what leads to them; after a while also what
    /// tells of that.
    async fn end_orders(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let mut all = Ok(());
        for iccid in self.store.expired(now, MOST).await? {
            let ended = self.change(&iccid, async |change| {
                let profile = &mut change.profile;
                if profile.expires().is_none_or(|expires| expires >= now) {
                    return Ok(());
                }
                if profile.state.is_open() {
                    authenticate::expire(profile, None, now);
                } else if let Some(order) = &mut profile.order {
                    order.over = None;
                }
                Ok(())
            });
            all = all.and(no_trouble(ended.await));
        }
        all
    }

    /// What is sealed under an older key is sealed under the present one.
    async fn reseal(&self) -> Result<(), Fault> {
        let key_id = self.server.secret.key_id();
        let mut all = Ok(());
        for _ in 0..ROUNDS {
            let waiting = self.store.sealed_otherwise(key_id, MOST).await?;
            if waiting.is_empty() || all.is_err() {
                break;
            }
            for iccid in waiting {
                all = all.and(no_trouble(self.reseal_one(&iccid).await));
            }
        }
        all
    }

    /// The same of the templates of profile types; there are [`MAX_PROFILE_TYPES`] at most.
    async fn reseal_templates(&self) -> Result<(), Fault> {
        let key_id = self.server.secret.key_id();
        let mut all = Ok(());
        for name in self.store.templates_sealed_otherwise(key_id, MAX_PROFILE_TYPES).await? {
            all = all.and(self.reseal_template(&name).await);
        }
        all
    }

    async fn reseal_template(&self, name: &str) -> Result<(), Fault> {
        let (secret, cipher) = (&self.server.secret, &self.server.provider);
        let stored = self.store.profile_type(name).await?;
        let Some(before) = stored.and_then(|stored| stored.package) else { return Ok(()) };
        let context = bind::template_context(name);
        let resealed = secret.reseal(cipher, random(&self.chance)?, &context, &before.0).await?;
        let after = resealed.as_ref().unwrap_or(&before.0);
        // Not over one that the operator has put in between: that is under the present key.
        self.store.replace_template(name, &before.0, after, secret.key_id()).await.map(drop)
    }

    async fn reseal_one(&self, iccid: &Iccid) -> Result<(), Trouble> {
        let server = &self.server;
        let (secret, cipher, key_id) = (&server.secret, &server.provider, server.secret.key_id());
        let context = bind::package_context(iccid);
        let resealed = self.change(iccid, async |change| {
            if let Some(order) = &mut change.profile.order
                && let Some(sealed) = &mut order.confirmation_code
            {
                let context = bind::confirmation_context(iccid);
                let new = secret.reseal(cipher, random(&self.chance)?, &context, &sealed.0).await?;
                new.into_iter().for_each(|new| sealed.0 = new);
            }
            if let Some(subscription) = &mut change.profile.subscription
                && let Some(sealed) = &mut subscription.record
            {
                let context = bind::subscriber_context(iccid, &subscription.imsi);
                let new = secret.reseal(cipher, random(&self.chance)?, &context, &sealed.0).await?;
                new.into_iter().for_each(|new| sealed.0 = new);
            }
            let Packages { mut package, mut protected, .. } =
                self.store.packages(iccid).await?.unwrap_or_default();
            if !package.is_empty() {
                let new = secret.reseal(cipher, random(&self.chance)?, &context, &package).await?;
                new.into_iter().for_each(|new| package = new);
            }
            if let Some(protected) = &mut protected {
                bind::reseal_protected(server, random(&self.chance)?, iccid, protected).await?;
            }
            change.packages = Some(Packages { package, protected, key_id: key_id.to_owned() });
            Ok(())
        });
        resealed.await.map(drop)
    }
}

/// Whose turn it is to do what is due: one at a time, and for so long at most. A turn that is
/// never given back, because what had it was ended by the platform, is over by itself.
#[cfg(any(test, all(target_arch = "wasm32", feature = "worker")))]
pub(crate) struct Turn {
    /// When the present turn is over, in seconds since 1970; 0: it is nobody's.
    until: core::cell::Cell<u64>,
}

#[cfg(any(test, all(target_arch = "wasm32", feature = "worker")))]
impl Turn {
    /// How long a turn lasts at most, in seconds: longer than the platform lets an alarm run
    /// (15 minutes), so that it is not over while somebody is still at it. Should two be at
    /// it all the same, nothing breaks: records are compared, messages keep their names.
    const LONGEST: u64 = 16 * 60;

    /// Nobody's.
    pub(crate) const fn new() -> Self {
        Self { until: core::cell::Cell::new(0) }
    }

    /// Takes it; the token to give it back with.
    ///
    /// # Errors
    /// It is somebody else's: until when at the latest.
    pub(crate) fn take(&self, now: u64) -> Result<u64, u64> {
        let until = self.until.get();
        // A clock that went back does not make a turn longer.
        if now < until && until <= now + Self::LONGEST {
            return Err(until);
        }
        self.until.set(now + Self::LONGEST);
        Ok(now + Self::LONGEST)
    }

    /// Gives it back, unless it was over and is somebody else's by now.
    pub(crate) fn give_back(&self, taken: u64) {
        if self.until.get() == taken {
            self.until.set(0);
        }
    }
}

/// What nobody asked for is refused by nobody.
fn no_trouble<T>(result: Result<T, Trouble>) -> Result<(), Fault> {
    match result {
        Ok(_) => Ok(()),
        Err(Trouble::Fault(fault)) => Err(fault),
        Err(Trouble::Refused(refusal)) => Err(Fault::new(refusal.to_string())),
        Err(Trouble::Malformed(malformed)) => Err(Fault::new(malformed.because)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_by_itself() {
        let turn = Turn::new();
        let first = turn.take(1000).unwrap();
        assert_eq!(turn.take(1001), Err(first));
        turn.give_back(first);
        // The next one is ended by the platform and never gives its turn back.
        let lost = turn.take(2000).unwrap();
        assert_eq!(turn.take(lost - 1), Err(lost));
        let third = turn.take(lost).unwrap();
        // Should it have been alive: it does not give back what is another's.
        turn.give_back(lost);
        assert_eq!(turn.take(lost + 1), Err(third));
        turn.give_back(third);
        let fourth = turn.take(lost + 2).unwrap();
        // A clock that goes back.
        assert!(turn.take(10).is_ok());
        turn.give_back(fourth);
        assert!(turn.take(11).is_err());
    }
}
