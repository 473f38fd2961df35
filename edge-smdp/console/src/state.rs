//! The states of a profile at the SM-DP+ (SGP.22 §3.1.6): what they mean, and what may
//! be done.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the standard's names")]
pub enum ProfileState {
    Available,
    Allocated,
    Linked,
    Confirmed,
    Released,
    Downloaded,
    Installed,
    Deleted,
    Error,
    Unavailable,
    /// One that this console does not know.
    #[serde(other)]
    Other,
}

impl ProfileState {
    /// All that can be asked for.
    pub const ALL: [Self; 10] = [
        Self::Available,
        Self::Allocated,
        Self::Linked,
        Self::Confirmed,
        Self::Released,
        Self::Downloaded,
        Self::Installed,
        Self::Deleted,
        Self::Error,
        Self::Unavailable,
    ];

    /// The standard's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Allocated => "Allocated",
            Self::Linked => "Linked",
            Self::Confirmed => "Confirmed",
            Self::Released => "Released",
            Self::Downloaded => "Downloaded",
            Self::Installed => "Installed",
            Self::Deleted => "Deleted",
            Self::Error => "Error",
            Self::Unavailable => "Unavailable",
            Self::Other => "Unknown",
        }
    }

    /// By the standard's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// What the next thing to do is, and whose.
    #[must_use]
    pub const fn next(self) -> &'static str {
        match self {
            Self::Available => "Nobody has ordered it. Make an order to give it to a subscriber.",
            Self::Allocated | Self::Linked => {
                "The order is not confirmed. Confirm it with ES2+ ConfirmOrder, or revoke it and make a new order."
            }
            Self::Confirmed => {
                "It waits for its release. Press Release when the subscription works in the network."
            }
            Self::Released => {
                "It can be downloaded. Give the activation code to the subscriber; the device does the rest."
            }
            Self::Downloaded => {
                "A device has the package, and its eUICC has not said yet that it is installed. Wait for the \
                 notification; the same device may download again."
            }
            Self::Installed => "It is on the eUICC. Nothing is left to do.",
            Self::Deleted => {
                "The subscriber deleted it from the eUICC. For a new device, make an order for another profile."
            }
            Self::Error => {
                "The order came to an end. The time line says why; make a new order with another profile, or \
                 revoke this one to make it available again."
            }
            Self::Unavailable => {
                "It was taken out of use. Delete it here when you no longer need its history."
            }
            Self::Other => {
                "This console does not know the state. Reload the page: the server may be newer than it."
            }
        }
    }

    /// What kind of state it is, for its colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Available => Tone::Idle,
            Self::Allocated | Self::Linked | Self::Confirmed => Tone::Waiting,
            Self::Released | Self::Downloaded => Tone::Open,
            Self::Installed => Tone::Good,
            Self::Deleted | Self::Unavailable | Self::Other => Tone::Over,
            Self::Error => Tone::Bad,
        }
    }

    /// Whether it can be released (ES2+.ReleaseProfile).
    #[must_use]
    pub const fn may_be_released(self) -> bool {
        matches!(self, Self::Confirmed)
    }

    /// Whether there is an order that can be revoked (ES2+.CancelOrder); an installed profile's
    /// can't.
    #[must_use]
    pub const fn may_be_revoked(self) -> bool {
        matches!(
            self,
            Self::Allocated
                | Self::Linked
                | Self::Confirmed
                | Self::Released
                | Self::Downloaded
                | Self::Error
        )
    }

    /// Whether the server forgets it when asked.
    #[must_use]
    pub const fn may_be_deleted(self) -> bool {
        matches!(self, Self::Available | Self::Unavailable | Self::Deleted | Self::Error)
    }

    /// Whether there is an order whose activation code is, or will be, of use.
    #[must_use]
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Allocated | Self::Linked | Self::Confirmed | Self::Released | Self::Downloaded)
    }

    /// Whether a device can use the activation code.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Released | Self::Downloaded)
    }
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a state looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing goes on.
    Idle,
    /// Waits for the operator.
    Waiting,
    /// Waits for a device.
    Open,
    /// As it should end.
    Good,
    /// Ended.
    Over,
    /// Ended as it should not.
    Bad,
}

impl Tone {
    /// A name for the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Good => "good",
            Self::Over => "over",
            Self::Bad => "bad",
        }
    }
}

/// A step on the way from `Available` to `Installed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state it stands for.
    pub state: ProfileState,
    /// Where the profile is seen from it.
    pub place: Place,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind the profile.
    Done,
    /// Where the profile is.
    Now,
    /// Not reached.
    Ahead,
    /// The profile left the way; the last entry.
    Left,
}

impl Place {
    /// In words, and for the style sheet.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Ahead => "ahead",
            Self::Left => "ended",
        }
    }
}

/// The way of a profile. `linked`: the order is for a certain eUICC. `reached`: how far it came
/// before a state that is not on the way; where that is not known, nothing is claimed to be
/// done.
#[must_use]
pub fn way(state: ProfileState, linked: bool, reached: Option<ProfileState>) -> Vec<Step> {
    let second = if linked { ProfileState::Linked } else { ProfileState::Allocated };
    let stations = [
        ProfileState::Available,
        second,
        ProfileState::Confirmed,
        ProfileState::Released,
        ProfileState::Downloaded,
        ProfileState::Installed,
    ];
    let place_of = |state: ProfileState| match state {
        ProfileState::Allocated | ProfileState::Linked => Some(1),
        other => stations.iter().position(|station| *station == other),
    };
    let step = |(index, station): (usize, ProfileState), at: usize, now: Place| {
        let place = match index.cmp(&at) {
            core::cmp::Ordering::Less => Place::Done,
            core::cmp::Ordering::Equal => now,
            core::cmp::Ordering::Greater => Place::Ahead,
        };
        Step { state: station, place }
    };
    if let Some(at) = place_of(state) {
        return stations.into_iter().enumerate().map(|station| step(station, at, Place::Now)).collect();
    }
    let reached = if state == ProfileState::Deleted { Some(ProfileState::Installed) } else { reached };
    let done = reached.and_then(place_of).map_or(0, |at| at + 1);
    let mut steps: Vec<Step> =
        stations.into_iter().take(done).map(|station| Step { state: station, place: Place::Done }).collect();
    steps.push(Step { state, place: Place::Left });
    steps
}

/// The furthest state that the events of an order tell of.
#[must_use]
pub fn reached<'a>(events: impl Iterator<Item = &'a str>) -> Option<ProfileState> {
    // A cancelled order starts again.
    events.fold(None, |before, event| match event {
        "added" | "orderCancelled" => Some(ProfileState::Available),
        "ordered" => Some(ProfileState::Allocated),
        "confirmed" => Some(ProfileState::Confirmed),
        "released" => Some(ProfileState::Released),
        "downloaded" => Some(ProfileState::Downloaded),
        "installed" => Some(ProfileState::Installed),
        _ => before,
    })
}

/// Who caused what happened, in words: as the interface names it, or the OID or EID itself.
#[must_use]
pub fn causer(by: &str) -> String {
    match by {
        "operator-token" => "By the operator, here or at this interface".to_owned(),
        "access-proxy" => "By an operator whom the access proxy let in".to_owned(),
        _ if by.parse::<rsp::Eid>().is_ok() => format!("By eUICC {by}"),
        _ => format!("By {by}, over ES2+"),
    }
}

/// What looks mistyped in an order, in words.
#[must_use]
pub fn warning(name: &str) -> Option<&'static str> {
    match name {
        "iccidCheckDigit" => Some(
            "The check digit of the ICCID is wrong. Test profiles have such; else look at the digits again.",
        ),
        "eidCheckDigits" => Some(
            "The check digits of the EID are wrong. Test devices have such; else look at the digits again.",
        ),
        _ => None,
    }
}

/// An event of the server's log: its words and its colour.
#[must_use]
pub fn event(name: &str) -> (&str, Tone) {
    match name {
        "added" => ("Profile added", Tone::Idle),
        "ordered" => ("Ordered", Tone::Waiting),
        "confirmed" => ("Order confirmed", Tone::Waiting),
        "released" => ("Released for download", Tone::Open),
        "orderCancelled" => ("Order revoked", Tone::Over),
        "authenticated" => ("Device authenticated", Tone::Open),
        "refused" => ("Device refused", Tone::Bad),
        "confirmationFailed" => ("Wrong confirmation code", Tone::Bad),
        "downloaded" => ("Package handed out", Tone::Open),
        "sessionCancelled" => ("Device cancelled", Tone::Waiting),
        "sessionFailed" => ("Session failed", Tone::Bad),
        "installed" => ("Installed on the eUICC", Tone::Good),
        "installationFailed" => ("Installation failed", Tone::Bad),
        "enabled" => ("Enabled", Tone::Good),
        "disabled" => ("Disabled", Tone::Idle),
        "deleted" => ("Deleted from the eUICC", Tone::Over),
        "failed" => ("Ended in error", Tone::Bad),
        "expired" => ("Expired", Tone::Over),
        other => (other, Tone::Idle),
    }
}

/// All events that can be asked for.
pub const EVENTS: [&str; 17] = [
    "added",
    "ordered",
    "confirmed",
    "released",
    "orderCancelled",
    "authenticated",
    "refused",
    "confirmationFailed",
    "downloaded",
    "sessionCancelled",
    "sessionFailed",
    "installed",
    "installationFailed",
    "enabled",
    "disabled",
    "deleted",
    "failed",
];

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn places(state: ProfileState, linked: bool, reached: Option<ProfileState>) -> String {
        let steps = way(state, linked, reached);
        steps.iter().map(|step| format!("{}:{} ", step.state, step.place.name())).collect()
    }

    #[test]
    fn the_way_shows_where_a_profile_is() {
        assert_eq!(
            places(ProfileState::Confirmed, true, None),
            "Available:done Linked:done Confirmed:now Released:ahead Downloaded:ahead Installed:ahead "
        );
        assert_eq!(
            places(ProfileState::Available, false, None),
            "Available:now Allocated:ahead Confirmed:ahead Released:ahead Downloaded:ahead Installed:ahead "
        );
        assert!(places(ProfileState::Installed, false, None).ends_with("Downloaded:done Installed:now "));
    }

    #[test]
    fn a_way_that_was_left_claims_no_more_than_is_known() {
        assert_eq!(places(ProfileState::Error, false, None), "Error:ended ");
        assert_eq!(
            places(ProfileState::Error, false, Some(ProfileState::Released)),
            "Available:done Allocated:done Confirmed:done Released:done Error:ended "
        );
        assert!(places(ProfileState::Deleted, true, None).ends_with("Installed:done Deleted:ended "));
        assert_eq!(
            places(ProfileState::Unavailable, false, Some(ProfileState::Available)),
            "Available:done Unavailable:ended "
        );
    }

    #[test]
    fn events_tell_how_far_an_order_came() {
        let came = |events: &[&str]| reached(events.iter().copied());
        assert_eq!(
            came(&["added", "ordered", "confirmed", "released", "refused", "failed"]),
            Some(ProfileState::Released)
        );
        assert_eq!(came(&["added", "ordered", "orderCancelled"]), Some(ProfileState::Available));
        assert_eq!(came(&[]), None);
    }

    #[test]
    fn every_event_has_words_and_every_state_a_name() {
        for name in EVENTS {
            assert_ne!(event(name).0, name);
        }
        assert_eq!(event("thawed").0, "thawed");
        for state in ProfileState::ALL {
            assert_eq!(ProfileState::from_name(state.name()), Some(state));
            assert!(!state.next().is_empty());
            // An installed profile's order can't be revoked, a revoked one may be forgotten.
            assert!(!(state.is_open() && state.may_be_deleted()));
        }
    }
}
