//! What every store must do, as one test that runs over any of them: natively
//! over the memory, in the runtime over Durable Objects.

use rsp::status::{FunctionExecutionStatus, StatusCode};
use rsp::{Eid, Iccid, Imsi, MatchingId, TransactionId};

use super::{
    Added, Change, JournalQuery, Link, MAX_LINKS, MAX_WAITING_OF_ONE, Packages, Place, Query, Standing,
    Store, StoredProfileType, Tally,
};
use crate::Fault;
use crate::outbox::{Message, Outgoing, Settled};
use crate::profile::{
    EventKind, FunctionCall, Network, Order, PackageFacts, Pending, Profile, ProfileState, Subscription,
};

/// The key that packages are said to be sealed under.
const KEY: &str = "suite";
/// More than there are.
const MANY: usize = 1 << 20;

fn sealed(package: &[u8]) -> Packages {
    Packages { package: package.to_vec(), protected: None, key_id: KEY.into() }
}

fn kept(profile: &Profile) -> Profile {
    Profile { pending: Pending::default(), ..profile.clone() }
}

fn eid_of(run: u32, n: u32) -> Result<Eid, Fault> {
    format!("8904903200{run:011}{n:011}").parse().map_err(|e| Fault::new(format!("{e}")))
}

/// Runs the test. `run` makes its identifiers its own, so that a store that was
/// used before can be tested again.
///
/// # Errors
/// The promise that is broken, or the store's fault.
pub async fn run(store: &impl Store, run: u32) -> Result<(), Fault> {
    let iccid = |n: u32| -> Result<Iccid, Fault> {
        format!("8999{run:08}{n:08}").parse().map_err(|e| Fault::new(format!("{e}")))
    };
    let kind = format!("suite-{run}");
    let facts = PackageFacts { length: 3, major: 2, minor: 3, ..PackageFacts::default() };
    let profile = |n: u32| -> Result<Profile, Fault> {
        Ok(Profile::new(iccid(n)?, Some(kind.clone()), vec![0xBF, 0x25, 0], facts, 1))
    };
    let (one, two) = (profile(1)?, profile(2)?);

    // Packages, until they are ordered.
    holds(store.profile(&one.iccid).await?.is_none(), "an unknown profile is absent")?;
    holds(store.packages(&one.iccid).await?.is_none(), "so is its package")?;
    let mut called = one.clone();
    called.remember_call(FunctionCall { id: "call".into(), digest: vec![7].into(), answer: "{}".into() });
    holds(store.add_profile(&called, &sealed(b"abc")).await? == Added::New, "a new profile is New")?;
    holds(
        store.add_profile(&one, &sealed(b"xyz")).await? == Added::Replaced,
        "an unordered one is Replaced",
    )?;
    let both = Packages { protected: Some(vec![1, 0]), ..sealed(&[0, 255, 128]) };
    holds(store.add_profile(&two, &both).await? == Added::New, "a second profile is New")?;
    holds(store.packages(&one.iccid).await? == Some(sealed(b"xyz")), "the later package counts")?;
    holds(store.packages(&two.iccid).await? == Some(both), "bytes stay as they are")?;
    holds(store.available(&kind, 7, 10).await?.len() == 2, "both are available")?;
    holds(store.available(&kind, 255, 1).await?.len() == 1, "no more than asked for")?;
    holds(store.available("suite-none", 0, 1).await?.is_empty(), "none of another type")?;
    holds(store.has_type(&kind).await? && !store.has_type("suite-none").await?, "types are known")?;

    // Replacing: once per version.
    let read = store.profile(&one.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
    let mut written = kept(&one);
    written.succeed(kept(&called));
    holds(read.profile == written, "a record reads as it was written, behind what it replaces")?;
    holds(read.profile.call("call").is_some(), "a call was executed, whatever is uploaded after it")?;
    holds(read.profile.events.len() == 2, "both uploads happened")?;
    let mut next = read.profile.clone();
    next.state = ProfileState::Allocated;
    next.note(2, EventKind::Ordered, Some("ä \" \\ \u{0}".into()));
    let change = Change::of(next.clone());
    holds(store.replace(read.version, &change).await?, "the first replacement succeeds")?;
    holds(!store.replace(read.version, &change).await?, "its repeat does not")?;
    let read = store.profile(&one.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
    next.pending = Pending::default();
    holds(read.profile == next, "the replacement is there")?;
    let absent = Change::of(profile(3)?);
    holds(!store.replace(0, &absent).await?, "an absent profile is not replaced")?;
    holds(store.add_profile(&one, &sealed(b"new")).await? == Added::InUse, "an ordered profile is InUse")?;
    holds(store.packages(&one.iccid).await? == Some(sealed(b"xyz")), "and keeps its package")?;
    holds(store.available(&kind, 0, 10).await? == [two.iccid], "one is available")?;

    // Bound packages.
    holds(store.bound_profile_package(&one.iccid).await?.is_none(), "nothing is bound yet")?;
    next.state = ProfileState::Downloaded;
    let order = Order { eid: Some(eid_of(run, 9)?), expires: 50, ..Order::default() };
    next.order = Some(order);
    let bound = Change { bound: Some(vec![9; 100_000]), ..Change::of(next.clone()) };
    holds(store.replace(read.version, &bound).await?, "a bound package is kept")?;
    let change = Change::of(next.clone());
    holds(store.replace(read.version + 1, &change).await?, "and a later change")?;
    let there = store.bound_profile_package(&one.iccid).await?;
    holds(there.as_deref() == Some(&[9; 100_000]), "does not lose it")?;

    // Lists: the latest change first, by page.
    let of_kind = Query { profile_type: Some(kind.clone()), most: 10, ..Query::default() };
    let iccids = |page: Vec<Profile>| page.into_iter().map(|profile| profile.iccid).collect::<Vec<_>>();
    holds(iccids(store.list(&of_kind).await?) == [one.iccid, two.iccid], "both are listed")?;
    let first = Query { most: 1, ..of_kind.clone() };
    holds(iccids(store.list(&first).await?) == [one.iccid], "a page of one")?;
    let second = Query { after: Some(Place::of(&next)), ..of_kind.clone() };
    holds(iccids(store.list(&second).await?) == [two.iccid], "and the next")?;
    let in_state = |state| Query { state: Some(state), ..of_kind.clone() };
    holds(iccids(store.list(&in_state(ProfileState::Downloaded)).await?) == [one.iccid], "by state")?;
    holds(store.list(&in_state(ProfileState::Error)).await?.is_empty(), "of another state")?;
    let eid = next.order.as_ref().and_then(|order| order.eid);
    holds(iccids(store.list(&Query { eid, ..of_kind.clone() }).await?) == [one.iccid], "by eUICC")?;
    let prefix = |text: String| Query { iccid_prefix: Some(text), most: 10, ..Query::default() };
    let whole = prefix(two.iccid.to_string());
    holds(iccids(store.list(&whole).await?) == [two.iccid], "by the whole ICCID")?;
    let begun = prefix(format!("8999{run:08}"));
    holds(iccids(store.list(&begun).await?) == [one.iccid, two.iccid], "by how it begins")?;

    // The journal, and how much there is.
    let of_one = JournalQuery { iccid: Some(one.iccid), most: 10, ..JournalQuery::default() };
    let journal = store.journal(&of_one).await?;
    let events: Vec<EventKind> = journal.iter().map(|logged| logged.event.event).collect();
    holds(
        events == [EventKind::Ordered, EventKind::Added, EventKind::Added],
        "what happened is written down",
    )?;
    let behind = JournalQuery { after: journal.first().map(|logged| logged.place.clone()), ..of_one.clone() };
    holds(store.journal(&behind).await?.len() == 2, "page by page")?;
    let ordered = JournalQuery { kinds: vec![EventKind::Ordered], ..of_one };
    holds(store.journal(&ordered).await?.len() == 1, "by kind")?;
    let before = store.tally(KEY).await?;
    let three = profile(4)?;
    store.add_profile(&three, &sealed(b"3")).await?;
    let after = store.tally(KEY).await?;
    let grown = |tally: &Tally| {
        let of = |map: Option<&u64>| map.copied().unwrap_or(0);
        (of(tally.states.get(&ProfileState::Available)), of(tally.events.get(&EventKind::Added)))
    };
    let ((states, added), (states_then, added_then)) = (grown(&before), grown(&after));
    holds((states + 1, added + 1) == (states_then, added_then), "everything is counted")?;
    let stored = store.profile(&three.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
    holds(!store.remove(stored.version + 1, &three.iccid).await?, "another version is not forgotten")?;
    holds(store.remove(stored.version, &three.iccid).await?, "a profile is forgotten")?;
    holds(!store.remove(stored.version, &three.iccid).await?, "once")?;
    holds(store.profile(&three.iccid).await?.is_none(), "and is absent then")?;
    holds(store.packages(&three.iccid).await?.is_none(), "with its package")?;
    // The same ICCID again is another profile: who holds the old one has lost.
    for _ in 0..2 {
        holds(store.add_profile(&three, &sealed(b"4")).await? == Added::New, "an ICCID can come again")?;
        for version in 0..=stored.version {
            let change = Change::of(three.clone());
            holds(!store.replace(version, &change).await?, "a version never comes again")?;
            holds(!store.remove(version, &three.iccid).await?, "nor is it forgotten by an old one")?;
        }
        let again = store.profile(&three.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
        holds(again.version > stored.version, "versions go on")?;
        holds(store.remove(again.version, &three.iccid).await?, "and it is forgotten again")?;
    }

    // What is due.
    holds(store.expired(51, MANY).await?.contains(&one.iccid), "an order has its time")?;
    holds(!store.expired(50, MANY).await?.contains(&one.iccid), "and that is kept")?;
    let otherwise = store.sealed_otherwise("another", MANY).await?;
    holds(otherwise.contains(&one.iccid) && otherwise.contains(&two.iccid), "keys are known")?;
    holds(!store.sealed_otherwise(KEY, MANY).await?.contains(&one.iccid), "by their names")?;
    let version = store.profile(&one.iccid).await?.map_or(0, |stored| stored.version);
    let told = |point| Message::DownloadProgress {
        at: 2,
        point,
        status: FunctionExecutionStatus::failed(StatusCode::ORDER_EXPIRED, "ä"),
        eid,
        profile_type: None,
        result_data: Some(rsp::es9::Base64(vec![0, 255])),
    };
    let event = Message::DeleteEvent {
        at: 2,
        not_before: 98,
        smds_address: "smds.example".into(),
        eid: eid_of(run, 9)?,
        event_id: format!("EVENT-{run}").parse().map_err(|e| Fault::new(format!("{e}")))?,
    };
    let (message, message_2, message_3) = (told(1), told(2), told(3));
    next.pending.messages = vec![message.clone(), message_2.clone()];
    let told = Change { packages: Some(sealed(b"again")), ..Change::of(next.clone()) };
    holds(store.replace(version, &told).await?, "messages are kept")?;
    holds(store.packages(&one.iccid).await? == Some(sealed(b"again")), "and packages with them")?;
    let ours = |due: Vec<Outgoing>| due.into_iter().filter(|m| m.iccid == one.iccid).collect::<Vec<_>>();
    holds(ours(store.due(1, MANY).await?).is_empty(), "not before their time")?;
    let due = ours(store.due(2, MANY).await?);
    let [first, second] = &due[..] else { return holds(false, "two messages are due") };
    holds(first.message == message && second.message == message_2, "in their order")?;
    holds(first.attempts == 0 && first.last_error.is_none(), "not sent yet")?;
    store.settle(first, &Settled::Again { due: 50, because: "busy".into() }).await?;
    holds(ours(store.due(49, MANY).await?).is_empty(), "behind one that waits the others wait")?;
    let due = ours(store.due(50, MANY).await?);
    let order: Vec<&Message> = due.iter().map(|m| &m.message).collect();
    holds(order == [&message, &message_2], "and keep their order")?;
    store.settle(first, &Settled::Acknowledged).await?;
    store.settle(second, &Settled::Again { due: 100, because: "busy".into() }).await?;
    holds(ours(store.due(99, MANY).await?).is_empty(), "one is gone, one waits")?;
    next.pending = Pending { messages: vec![message_3, event], ..Pending::default() };
    holds(store.replace(version + 1, &Change::of(next.clone())).await?, "more messages")?;
    let due = ours(store.due(99, MANY).await?);
    let [deleted] = &due[..] else { return holds(false, "an SM-DS does not wait for the operator") };
    holds(matches!(deleted.message, Message::DeleteEvent { .. }), "as it was put")?;
    holds(ours(store.due(97, MANY).await?).is_empty(), "it has a time of its own")?;
    store.settle(deleted, &Settled::Acknowledged).await?;
    let due = ours(store.due(100, MANY).await?);
    let [_, third] = &due[..] else { return holds(false, "two wait for the operator") };
    store.settle(third, &Settled::Acknowledged).await?;
    let due = ours(store.due(u64::MAX, MANY).await?);
    let [again] = &due[..] else { return holds(false, "one message") };
    let waits = (again.attempts, again.due, again.last_error.as_deref()) == (1, 100, Some("busy"));
    holds(waits && again.id == second.id, "and says why")?;
    store.settle(again, &Settled::Acknowledged).await?;
    store.settle(again, &Settled::Acknowledged).await?;
    // What the network is told waits for nobody, and nobody for it.
    let imsi: Imsi = "001010000000001".parse().map_err(|e| Fault::new(format!("{e}")))?;
    let feed = Message::FeedSubscriber { at: 2, imsi: imsi.clone(), word: 7, is_first: true };
    let withdraw = Message::WithdrawSubscriber { at: 2, imsi: imsi.clone(), word: 8 };
    let record = Some(rsp::es9::Base64(vec![0, 255]));
    next.subscription = Some(Subscription { imsi, record, network: Network::Feeding, word: 7, found: false });
    next.pending = Pending { messages: vec![feed.clone(), withdraw.clone()], ..Pending::default() };
    holds(store.replace(version + 2, &Change::of(next.clone())).await?, "the network is told")?;
    next.pending = Pending::default();
    let read = store.profile(&one.iccid).await?;
    holds(read.is_some_and(|read| read.profile == next), "of a subscriber that is kept")?;
    let due = ours(store.due(2, MANY).await?);
    let [first, second] = &due[..] else { return holds(false, "two messages for the network") };
    holds(first.message == feed && second.message == withdraw, "as they were put")?;
    store.settle(first, &Settled::Again { due: 50, because: "busy".into() }).await?;
    let due = ours(store.due(49, MANY).await?);
    holds(due.len() == 1 && due[0].message == withdraw, "one that waits keeps no other")?;
    store.settle(first, &Settled::Acknowledged).await?;
    store.settle(second, &Settled::Acknowledged).await?;
    holds(ours(store.due(u64::MAX, MANY).await?).is_empty(), "and both are gone")?;
    // An eUICC may report without end: what waits of one profile has its end all the same.
    let (most, reporter) = (MAX_WAITING_OF_ONE as u64, eid_of(run, 9)?);
    let reported =
        |at| Message::ProfileEvent { at, event: EventKind::Enabled, eid: reporter, profile_type: None };
    next.pending.messages = core::iter::once(withdraw.clone()).chain((0..most + 2).map(reported)).collect();
    holds(store.replace(version + 3, &Change::of(next.clone())).await?, "too much is told")?;
    next.pending = Pending::default();
    let due = ours(store.due(u64::MAX, MANY).await?);
    let waits: Vec<&Message> = due.iter().map(|m| &m.message).collect();
    holds(waits.len() == MAX_WAITING_OF_ONE + 1, "no more is kept of one profile")?;
    holds(
        waits.contains(&&withdraw) && waits.contains(&&reported(2)),
        "but the latest, and what is no report",
    )?;
    holds(!waits.contains(&&reported(1)), "the oldest go first")?;
    for message in &due {
        store.settle(message, &Settled::Acknowledged).await?;
    }

    // The end.
    next.state = ProfileState::Unavailable;
    holds(store.replace(version + 4, &Change::of(next)).await?, "the last change")?;
    holds(store.bound_profile_package(&one.iccid).await?.is_none(), "erases what is bound")?;
    holds(store.packages(&one.iccid).await?.is_none(), "and the package")?;
    holds(!store.expired(MANY as u64, MANY).await?.contains(&one.iccid), "and nothing ends any more")?;

    // Profile types.
    let name = format!("suite-{run}");
    let template = Some(rsp::es9::Base64(vec![0, 1, 255]));
    let profile_type =
        StoredProfileType { name: name.clone(), record: "{}".into(), package: template, key_id: KEY.into() };
    holds(store.profile_type(&name).await?.is_none(), "a type is unknown")?;
    holds(store.put_profile_type(&profile_type).await? == Some(true), "then new")?;
    holds(store.put_profile_type(&profile_type).await? == Some(false), "then replaced")?;
    holds(store.profile_type(&name).await?.as_ref() == Some(&profile_type), "and as it was put")?;
    let listed = store.profile_types().await?.into_iter().find(|listed| listed.name == name);
    let bare = StoredProfileType { package: None, ..profile_type.clone() };
    holds(listed == Some(bare.clone()), "it is listed")?;
    let otherwise = store.templates_sealed_otherwise("another", MANY).await?;
    holds(otherwise.contains(&name), "a template has its key")?;
    holds(!store.templates_sealed_otherwise(KEY, MANY).await?.contains(&name), "by its name")?;
    let count = async |key_id| Ok::<_, Fault>(store.tally(key_id).await?.templates_sealed_otherwise);
    let before = (count(KEY).await?, count("another").await?);
    holds(!store.replace_template(&name, b"other", b"new", "another").await?, "another is not replaced")?;
    holds(
        !store.replace_template("suite-none", &[0, 1, 255], b"new", "another").await?,
        "nor an absent one",
    )?;
    holds(store.profile_type(&name).await?.as_ref() == Some(&profile_type), "nothing changed")?;
    holds(store.replace_template(&name, &[0, 1, 255], b"new", "another").await?, "a template is replaced")?;
    holds(!store.replace_template(&name, &[0, 1, 255], b"new", "another").await?, "once")?;
    holds((count(KEY).await?, count("another").await?) == (before.0 + 1, before.1 - 1), "and counted")?;
    let moved = StoredProfileType {
        package: Some(rsp::es9::Base64(b"new".to_vec())),
        key_id: "another".into(),
        ..profile_type
    };
    holds(store.profile_type(&name).await? == Some(moved), "and has its new key")?;
    holds(store.put_profile_type(&bare).await? == Some(false), "a type without a template")?;
    holds(!store.templates_sealed_otherwise("another", MANY).await?.contains(&name), "has none to seal")?;
    holds(store.remove_profile_type(&name).await?, "and forgotten")?;
    holds(!store.remove_profile_type(&name).await?, "once")?;

    // Matching ids: the first one has it.
    // One that the operator chose, and some as long as those that the server draws.
    let drawn = (0..4).map(|n| format!("SUITE-{run:015}-{n}"));
    for id in core::iter::once(format!("SUITE-{run}")).chain(drawn) {
        let id: MatchingId = id.parse().map_err(|e| Fault::new(format!("{e}")))?;
        holds(store.matching_id(&id).await?.is_none(), "a matching id is free")?;
        holds(store.claim_matching_id(&id, &one.iccid).await? == one.iccid, "the first has it")?;
        holds(store.claim_matching_id(&id, &two.iccid).await? == one.iccid, "the second has not")?;
        holds(store.claim_matching_id(&id, &one.iccid).await? == one.iccid, "a repeat changes nothing")?;
        store.release_matching_id(&id, &two.iccid).await?;
        holds(store.matching_id(&id).await? == Some(one.iccid), "nobody else gives it up")?;
        store.release_matching_id(&id, &one.iccid).await?;
        store.release_matching_id(&id, &one.iccid).await?;
        holds(store.matching_id(&id).await?.is_none(), "until it is given up")?;
        holds(store.claim_matching_id(&id, &two.iccid).await? == two.iccid, "then it is free again")?;
    }

    // Links.
    let eid: Eid = format!("8904903200000000{run:016}").parse().map_err(|e| Fault::new(format!("{e}")))?;
    let linked = |page: &[Link]| page.iter().map(|link| link.iccid).collect::<Vec<_>>();
    holds(store.linked(&eid, 0).await?.is_empty(), "nothing is linked")?;
    for iccid in [&two.iccid, &one.iccid, &two.iccid] {
        store.link(&eid, iccid).await?;
    }
    let page = store.linked(&eid, 0).await?;
    holds(linked(&page) == [two.iccid, one.iccid], "in order, each once")?;
    let [first, second] = &page[..] else { return holds(false, "two links") };
    holds(store.linked(&eid, first.number).await? == [*second], "page by page")?;
    holds(store.linked(&eid, second.number).await?.is_empty(), "to the end")?;
    store.unlink(&eid, &two.iccid).await?;
    store.unlink(&eid, &two.iccid).await?;
    holds(store.linked(&eid, first.number).await? == [*second], "also behind one that is gone")?;
    for n in 100..100 + MAX_LINKS as u32 {
        store.link(&eid, &iccid(n)?).await?;
    }
    let page = store.linked(&eid, 0).await?;
    holds(page.len() == MAX_LINKS && page.first() == Some(second), "no page is longer")?;
    let last = store.linked(&eid, page.last().map_or(0, |link| link.number)).await?;
    holds(linked(&last) == [iccid(99 + MAX_LINKS as u32)?], "and none is left out")?;
    for n in 100..100 + MAX_LINKS as u32 {
        store.unlink(&eid, &iccid(n)?).await?;
    }
    holds(linked(&store.linked(&eid, 0).await?) == [one.iccid], "until unlinked")?;

    // How what is linked stands, wherever it is kept.
    let order = |matching_id: &str| -> Result<Option<Order>, Fault> {
        let matching_id = matching_id.parse().map_err(|e| Fault::new(format!("{e}")))?;
        Ok(Some(Order {
            eid: Some(eid),
            matching_id: Some(matching_id),
            expires: u64::from(u32::MAX),
            ..Order::default()
        }))
    };
    let mut expected = Vec::new();
    for n in 400..420 {
        let mut profile = profile(n)?;
        store.add_profile(&profile, &sealed(b"standing")).await?;
        (profile.state, profile.order) = match n % 3 {
            0 => (ProfileState::Released, order("")?),
            1 => (ProfileState::Confirmed, order("A-CODE")?),
            _ => (ProfileState::Available, None),
        };
        let version = store.profile(&profile.iccid).await?.map_or(0, |stored| stored.version);
        holds(store.replace(version, &Change::of(kept(&profile))).await?, "an order is written")?;
        expected.push(Standing { iccid: profile.iccid, state: profile.state, is_led_to: n % 3 == 0 });
    }
    let asked: Vec<Iccid> = (399..421).map(iccid).collect::<Result<_, _>>()?;
    let mut standing = store.standing(&eid, &asked).await?;
    standing.sort_by_key(|standing| standing.iccid);
    expected.sort_by_key(|standing: &Standing| standing.iccid);
    holds(standing == expected, "all that there are stand as they were written")?;
    let other = store.standing(&eid_of(run, 7)?, &asked).await?;
    holds(other.iter().all(|standing| !standing.is_led_to), "for the eUICC alone")?;
    holds(store.standing(&eid, &[]).await?.is_empty(), "of none there is nothing")?;

    // Calls.
    let call = format!("requester\u{0}call-{run}");
    holds(store.call(&call).await?.is_none(), "a call is unknown")?;
    let end = u64::from(u32::MAX);
    let (first, second) = (&one.iccid, &two.iccid);
    holds(store.remember_call(&call, first, None, end).await? == *first, "it chooses")?;
    holds(store.remember_call(&call, second, None, end).await? == *first, "once")?;
    holds(store.remember_call(&call, first, Some(second), end).await? == *first, "as long as")?;
    holds(store.remember_call(&call, second, Some(first), end).await? == *second, "it is not given up")?;
    holds(store.call(&call).await? == Some(two.iccid), "the later profile counts")?;

    // Sessions: each id once.
    let session = |n: u32| {
        let bytes = [&run.to_be_bytes()[..], &n.to_be_bytes(), b"suite"].concat();
        TransactionId::from_bytes(&bytes).map_err(|e| Fault::new(format!("{e}")))
    };
    let (first, second) = (session(1)?, session(2)?);
    let later = u64::from(u32::MAX);
    holds(store.session(&first).await?.is_none(), "a session is unknown")?;
    holds(store.begin_session(&first, Some(&one.iccid), later).await?, "an id is used once")?;
    holds(!store.begin_session(&first, Some(&two.iccid), later).await?, "not twice")?;
    holds(store.session(&first).await? == Some(one.iccid), "by the first")?;
    holds(store.begin_session(&second, None, later).await?, "a session for no profile")?;
    holds(store.session(&second).await?.is_none(), "has none")?;
    holds(!store.begin_session(&second, None, later).await?, "and is used all the same")
}

fn holds(it: bool, promise: &str) -> Result<(), Fault> {
    if it { Ok(()) } else { Err(Fault::new(format!("broken: {promise}"))) }
}
