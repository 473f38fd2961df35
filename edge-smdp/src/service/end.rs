//! The end of an order, however it came: what leads to it is given up, and its event
//! at an SM-DS is deleted (SGP.22 §3.1.6, §3.6.3). Of one that came by itself the matching id
//! is kept for a while, so that whoever comes with it is told.

use rsp::{Eid, MatchingId};

use crate::outbox::Message;
use crate::profile::{Order, Profile};

/// What led to an order that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) matching_id: Option<MatchingId>,
    pub(crate) eids: Vec<Eid>,
}

/// What has ended with a change of a profile. If there is an event at an SM-DS, the
/// change gets the message that deletes it.
pub(crate) fn of(before: &Profile, after: &mut Profile, now: u64) -> Option<Ended> {
    let order = before.order.as_ref()?;
    let told = |order: Option<&Order>| order.is_some_and(|order| order.over.is_some());
    let is_told = told(after.order.as_ref());
    if told(before.order.as_ref()) && !is_told && after.order.is_some() {
        // It ended before; now that is not told any more.
        return Some(Ended { matching_id: order.matching_id.clone(), eids: Vec::new() });
    }
    let over = after.order.is_none() || !after.state.is_open();
    if !over || (after.order.is_some() && !before.state.is_open()) {
        return None;
    }
    if let (Some(smds_address), Some(eid), Some(event_id)) =
        (&order.smds_address, order.eid, &order.matching_id)
    {
        after.pending.messages.push(Message::DeleteEvent {
            at: now,
            not_before: now,
            smds_address: smds_address.clone(),
            eid,
            event_id: event_id.clone(),
        });
    }
    // An eUICC that only came with the code was never written down beside it.
    let linked = |order: &Order| order.eid.filter(|_| order.linked);
    let mut eids: Vec<Eid> = linked(order).into_iter().collect();
    if let Some(order) = &mut after.order {
        order.smds_address = None;
        eids.extend(linked(order).filter(|eid| !eids.contains(eid)));
    }
    Some(Ended { matching_id: order.matching_id.clone().filter(|_| !is_told), eids })
}
