//! ES2+ (SGP.22 §5.3): the operator orders, confirms, releases, cancels.

use rsp::status::StatusCode;
use rsp::{Eid, MatchingId};

use crate::error::Refusal;
use crate::profile::{EventKind, Order, Profile, ProfileState, Withdrawn};

/// Alphabet of generated matching ids: no letter that looks like a digit.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// ES2+.DownloadOrder: reserves an available profile.
pub(crate) fn download_order(
    profile: &mut Profile,
    eid: Option<Eid>,
    profile_type: Option<&str>,
    expires: u64,
    now: u64,
) -> Result<(), Refusal> {
    if profile_type.is_some_and(|wanted| profile.profile_type.as_deref() != Some(wanted)) {
        let because = "the profile is of another type";
        return Err(Refusal::new(StatusCode::ICCID_INVALID_ASSOCIATION, because));
    }
    match profile.state {
        ProfileState::Available => {}
        ProfileState::Unavailable | ProfileState::Error | ProfileState::Deleted => {
            return Err(Refusal::new(StatusCode::ICCID_NOT_ALLOWED, format!("{:?}", profile.state)));
        }
        state => return Err(Refusal::new(StatusCode::ICCID_IN_USE, format!("{state:?}"))),
    }
    profile.state = if eid.is_some() { ProfileState::Linked } else { ProfileState::Allocated };
    profile.order = Some(Order { eid, linked: false, expires, ..Order::default() });
    profile.note(now, EventKind::Ordered, None);
    Ok(())
}

/// What ES2+.ConfirmOrder sets.
pub(crate) struct Confirmation {
    pub(crate) eid: Option<Eid>,
    pub(crate) matching_id: MatchingId,
    /// SHA-256 of the confirmation code, sealed.
    pub(crate) confirmation_code: Option<Vec<u8>>,
    /// Where the event of the order is registered.
    pub(crate) smds_address: Option<String>,
    pub(crate) release: bool,
}

/// Whether ES2+.ConfirmOrder may come now, with this EID; returns the EID that the
/// order then has.
pub(crate) fn may_confirm(profile: &Profile, eid: Option<Eid>) -> Result<Option<Eid>, Refusal> {
    let order = match (&profile.order, profile.state) {
        (Some(order), ProfileState::Allocated | ProfileState::Linked) => order,
        (_, state) => return Err(invalid_transition(state)),
    };
    match (order.eid, eid) {
        (Some(linked), Some(given)) if linked != given => Err(StatusCode::EID_INVALID_ASSOCIATION.into()),
        (linked, given) => Ok(linked.or(given)),
    }
}

/// ES2+.ConfirmOrder.
pub(crate) fn confirm_order(
    profile: &mut Profile,
    confirmation: Confirmation,
    now: u64,
) -> Result<(), Refusal> {
    let eid = may_confirm(profile, confirmation.eid)?;
    if let Some(order) = &mut profile.order {
        order.eid = eid;
        order.linked = eid.is_some() && confirmation.matching_id.is_empty();
        order.matching_id = Some(confirmation.matching_id);
        order.confirmation_code = confirmation.confirmation_code.map(Into::into);
        order.smds_address = confirmation.smds_address;
    }
    profile.state = ProfileState::Confirmed;
    profile.note(now, EventKind::Confirmed, None);
    if confirmation.release {
        release_profile(profile, now)?;
    }
    Ok(())
}

/// ES2+.ReleaseProfile.
pub(crate) fn release_profile(profile: &mut Profile, now: u64) -> Result<(), Refusal> {
    if profile.state != ProfileState::Confirmed {
        return Err(invalid_transition(profile.state));
    }
    profile.state = ProfileState::Released;
    profile.note(now, EventKind::Released, None);
    Ok(())
}

/// What becomes of a profile whose order is cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FinalStatus {
    Available,
    Unavailable,
}

/// ES2+.CancelOrder. A profile that was handed out, and was not reported back as
/// not installed, cannot become available again: the next eUICC would get what
/// the first one may have.
pub(crate) fn cancel_order(
    profile: &mut Profile,
    eid: Option<Eid>,
    matching_id: Option<&MatchingId>,
    status: FinalStatus,
    now: u64,
) -> Result<(), Refusal> {
    let state = profile.state;
    let Some(order) = &profile.order else {
        return Err(invalid_transition(state));
    };
    if matches!(state, ProfileState::Installed | ProfileState::Deleted | ProfileState::Unavailable) {
        return Err(invalid_transition(state));
    }
    if eid.is_some() && eid != order.eid {
        return Err(StatusCode::EID_INVALID_ASSOCIATION.into());
    }
    if matching_id.is_some() && matching_id != order.matching_id.as_ref() {
        return Err(StatusCode::MATCHING_ID_INVALID_ASSOCIATION.into());
    }
    if status == FinalStatus::Available && order.delivered.are_out() {
        let because = "a bound package was handed out and may be installed; only Unavailable is possible";
        return Err(Refusal::new(StatusCode::ICCID_INVALID_TRANSITION, because));
    }
    profile.withdrawn = Withdrawn::of(order);
    profile.order = None;
    profile.state = match status {
        FinalStatus::Available => ProfileState::Available,
        FinalStatus::Unavailable => ProfileState::Unavailable,
    };
    profile.note(now, EventKind::OrderCancelled, None);
    Ok(())
}

fn invalid_transition(state: ProfileState) -> Refusal {
    Refusal::new(StatusCode::ICCID_INVALID_TRANSITION, format!("the profile is {state:?}"))
}

/// A matching id of 100 random bits: `XXXXX-XXXXX-XXXXX-XXXXX`.
pub(crate) fn matching_id(random: [u8; 20]) -> MatchingId {
    let mut text = String::with_capacity(23);
    for (index, byte) in random.iter().enumerate() {
        if index % 5 == 0 && index > 0 {
            text.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte & 0x1F)).copied().unwrap_or(b'A');
        text.push(char::from(letter));
    }
    text.parse().unwrap_or_else(|_| unreachable!("letters, digits and hyphens"))
}
