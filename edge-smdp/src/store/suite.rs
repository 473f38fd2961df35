//! What every store must do, as one test that runs over any of them: natively
//! over the memory, in the runtime over Durable Objects.

use rsp::{Eid, Iccid, MatchingId, TransactionId};

use super::{Added, Change, Store};
use crate::Fault;
use crate::profile::{EventKind, PackageFacts, Profile, ProfileState};

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
    let facts = PackageFacts { length: 3, major: 2, minor: 3 };
    let profile = |n: u32| -> Result<Profile, Fault> {
        Ok(Profile::new(iccid(n)?, Some(kind.clone()), vec![0xBF, 0x25, 0], facts, 1))
    };
    let (one, two) = (profile(1)?, profile(2)?);

    // Packages, until they are ordered.
    holds(store.profile(&one.iccid).await?.is_none(), "an unknown profile is absent")?;
    holds(store.package(&one.iccid).await?.is_none(), "so is its package")?;
    holds(store.add_profile(&one, b"abc").await? == Added::New, "a new profile is New")?;
    holds(store.add_profile(&one, b"xyz").await? == Added::Replaced, "an unordered one is Replaced")?;
    holds(store.add_profile(&two, &[0, 255, 128]).await? == Added::New, "a second profile is New")?;
    holds(store.package(&one.iccid).await?.as_deref() == Some(b"xyz"), "the later package counts")?;
    holds(store.package(&two.iccid).await?.as_deref() == Some(&[0, 255, 128]), "bytes stay as they are")?;
    holds(store.available(&kind, 10).await?.len() == 2, "both are available")?;
    holds(store.available(&kind, 1).await?.len() == 1, "no more than asked for")?;
    holds(store.available("suite-none", 1).await?.is_empty(), "none of another type")?;

    // Replacing: once per version.
    let read = store.profile(&one.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
    holds(read.profile == one, "a record reads as it was written")?;
    let mut next = read.profile.clone();
    next.state = ProfileState::Allocated;
    next.note(2, EventKind::Ordered, Some("ä \" \\ \u{0}".into()));
    let change = Change { profile: next.clone(), bound: None };
    holds(store.replace(read.version, &change).await?, "the first replacement succeeds")?;
    holds(!store.replace(read.version, &change).await?, "its repeat does not")?;
    let read = store.profile(&one.iccid).await?.ok_or_else(|| Fault::new("the profile is absent"))?;
    holds(read.profile == next, "the replacement is there")?;
    let absent = Change { profile: profile(3)?, bound: None };
    holds(!store.replace(0, &absent).await?, "an absent profile is not replaced")?;
    holds(store.add_profile(&one, b"new").await? == Added::InUse, "an ordered profile is InUse")?;
    holds(store.package(&one.iccid).await?.as_deref() == Some(b"xyz"), "and keeps its package")?;
    holds(store.available(&kind, 10).await? == [two.iccid], "one is available")?;

    // Bound packages.
    holds(store.bound_profile_package(&one.iccid).await?.is_none(), "nothing is bound yet")?;
    let bound = Change { profile: next.clone(), bound: Some(vec![9; 100_000]) };
    holds(store.replace(read.version, &bound).await?, "a bound package is kept")?;
    let kept = Change { profile: next, bound: None };
    holds(store.replace(read.version + 1, &kept).await?, "and a later change")?;
    let there = store.bound_profile_package(&one.iccid).await?;
    holds(there.as_deref() == Some(&[9; 100_000]), "does not lose it")?;
    let listed = store.profiles().await?;
    let ours = listed.iter().filter(|p| p.profile_type.as_ref() == Some(&kind)).count();
    holds(ours == 2, "both are listed")?;
    holds(listed.is_sorted_by_key(|p| p.iccid), "by ICCID")?;

    // Matching ids: the first one has it.
    let id: MatchingId = format!("SUITE-{run}").parse().map_err(|e| Fault::new(format!("{e}")))?;
    holds(store.matching_id(&id).await?.is_none(), "a matching id is free")?;
    holds(store.claim_matching_id(&id, &one.iccid).await? == one.iccid, "the first has it")?;
    holds(store.claim_matching_id(&id, &two.iccid).await? == one.iccid, "the second has not")?;
    holds(store.claim_matching_id(&id, &one.iccid).await? == one.iccid, "a repeat changes nothing")?;
    store.release_matching_id(&id, &two.iccid).await?;
    holds(store.matching_id(&id).await? == Some(one.iccid), "nobody else gives it up")?;
    store.release_matching_id(&id, &one.iccid).await?;
    store.release_matching_id(&id, &one.iccid).await?;
    holds(store.claim_matching_id(&id, &two.iccid).await? == two.iccid, "then it is free again")?;

    // Links.
    let eid: Eid = format!("8904903200000000{run:016}").parse().map_err(|e| Fault::new(format!("{e}")))?;
    holds(store.linked(&eid).await?.is_empty(), "nothing is linked")?;
    for iccid in [&two.iccid, &one.iccid, &two.iccid] {
        store.link(&eid, iccid).await?;
    }
    holds(store.linked(&eid).await? == [two.iccid, one.iccid], "in order, each once")?;
    store.unlink(&eid, &two.iccid).await?;
    store.unlink(&eid, &two.iccid).await?;
    holds(store.linked(&eid).await? == [one.iccid], "until unlinked")?;

    // Calls.
    let call = format!("requester\u{0}call-{run}");
    holds(store.call(&call).await?.is_none(), "a call is unknown")?;
    store.remember_call(&call, &one.iccid, u64::from(u32::MAX)).await?;
    store.remember_call(&call, &two.iccid, u64::from(u32::MAX)).await?;
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
