//! Enable, disable, delete: the checks in the order of the standard, then the
//! change with its notifications (SGP.22 §3.2, §5.7.16 to §5.7.18).

use rsp::codes::{DeleteResult, ProfileStateResult};
use rsp::metadata::{NotificationEvents, PprIds, ProfileClass};
use rsp::profiles::{ProfileIdentifier, ProfileState, StateChange};

use super::Isdp;
use crate::isdr::configuration::Configuration;
use crate::isdr::{keys, notification};
use crate::nvm::{Error, SlotId, Transaction, View};
use crate::profile;

/// A change that was checked; it may wait for REFRESH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The profile of the slot becomes the Enabled Profile.
    Enable(SlotId),
    /// The profile of the slot ceases to be it.
    Disable(SlotId),
}

impl Change {
    /// Checks EnableProfile and DisableProfile (SGP.22 §5.7.16, §5.7.17).
    pub(crate) fn check(
        view: &(impl View + ?Sized),
        change: StateChange,
        id: &ProfileIdentifier,
    ) -> Result<Self, ProfileStateResult> {
        let target = super::find(view, id).ok_or(ProfileStateResult::ICCID_OR_AID_NOT_FOUND)?;
        match (change, target.state(view)) {
            (StateChange::Enable, ProfileState::Disabled) => Self::check_enable(view, &target),
            (StateChange::Disable, ProfileState::Enabled) => Self::check_disable(&target),
            _ => Err(ProfileStateResult::WRONG_STATE),
        }
    }

    fn check_enable(view: &(impl View + ?Sized), target: &Isdp) -> Result<Self, ProfileStateResult> {
        if let Some(current) = super::enabled(view) {
            let back = displaced(view);
            // From a test profile the way leads to another one, or back.
            if current.class() == ProfileClass::Test
                && target.class() != ProfileClass::Test
                && back != Some(target.slot)
            {
                return Err(ProfileStateResult::WRONG_PROFILE_REENABLING);
            }
            // A test or provisioning profile displaces it for a while only, and does not lead
            // around its rule.
            let kept = match current.class() {
                ProfileClass::Operational => Some(current),
                _ => back.and_then(|slot| super::at(view, slot)),
            };
            if let Some(kept) = kept.filter(must_stay_enabled)
                && target.class() == ProfileClass::Operational
                && target.slot != kept.slot
            {
                return Err(ProfileStateResult::DISALLOWED_BY_POLICY);
            }
        }
        Ok(Self::Enable(target.slot))
    }

    fn check_disable(target: &Isdp) -> Result<Self, ProfileStateResult> {
        if must_stay_enabled(target) {
            return Err(ProfileStateResult::DISALLOWED_BY_POLICY);
        }
        Ok(Self::Disable(target.slot))
    }

    /// Makes the change, with the notifications it calls for: disable before
    /// enable. A change whose profile is gone by now does nothing.
    pub(crate) fn apply(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        match self {
            Self::Enable(slot) => enable(tx, slot),
            Self::Disable(slot) => disable(tx, slot),
        }
    }

    /// Puts the change where power failure does not reach it.
    pub(crate) fn store(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let (kind, SlotId(slot)) = match self {
            Self::Enable(slot) => (1, slot),
            Self::Disable(slot) => (0, slot),
        };
        let [high, low] = slot.to_be_bytes();
        tx.put(keys::PENDING_CHANGE, vec![kind, high, low])
    }

    /// The change that waits.
    pub(crate) fn pending(view: &(impl View + ?Sized)) -> Option<Self> {
        match *view.get(keys::PENDING_CHANGE)? {
            [kind, high, low] => {
                let slot = SlotId(u16::from_be_bytes([high, low]));
                Some(if kind == 1 { Self::Enable(slot) } else { Self::Disable(slot) })
            }
            _ => None,
        }
    }
}

/// Whether PPR1 forbids to disable it (SGP.22 §2.9).
fn must_stay_enabled(isdp: &Isdp) -> bool {
    isdp.metadata.profile_policy_rules.contains(PprIds::PPR1)
}

fn enable(tx: &mut Transaction<'_>, slot: SlotId) -> Result<(), Error> {
    let Some(target) = super::at(tx, slot) else { return Ok(()) };
    let current = super::enabled(tx);
    // What comes back: a test profile displaces whatever was enabled, a provisioning profile
    // only what may not be disabled, and neither what another one has displaced already.
    let displaces = |current: &Isdp| match (current.class(), target.class()) {
        (ProfileClass::Operational, ProfileClass::Provisioning) => must_stay_enabled(current),
        (ProfileClass::Operational, ProfileClass::Test) => true,
        (ProfileClass::Provisioning, ProfileClass::Test) => displaced(tx).is_none(),
        _ => false,
    };
    let stays = match target.class() {
        ProfileClass::Operational => false,
        ProfileClass::Test => true,
        ProfileClass::Provisioning => {
            back_to(tx).is_some_and(|back| back.slot != slot && must_stay_enabled(&back))
        }
    };
    let now_displaced = current.as_ref().filter(|current| displaces(current)).map(|current| current.slot);
    match now_displaced {
        Some(slot) => tx.put(keys::DISPLACED, slot.0.to_be_bytes().to_vec())?,
        None if !stays => tx.delete(keys::DISPLACED),
        None => {}
    }
    profile::set_enabled(tx, Some(slot))?;
    if let Some(current) = current {
        notification::of_event(tx, &current, NotificationEvents::DISABLE)?;
    }
    notification::of_event(tx, &target, NotificationEvents::ENABLE)
}

fn disable(tx: &mut Transaction<'_>, slot: SlotId) -> Result<(), Error> {
    let Some(target) = super::at(tx, slot) else { return Ok(()) };
    if profile::enabled(tx) != Some(slot) {
        return Ok(());
    }
    profile::set_enabled(tx, None)?;
    notification::of_event(tx, &target, NotificationEvents::DISABLE)?;
    // The profile that a test profile displaced comes back by itself (SGP.22 §3.2.2).
    let back = back_to(tx).filter(|_| target.class() != ProfileClass::Operational);
    tx.delete(keys::DISPLACED);
    match back.or_else(|| fallback(tx, &target)) {
        Some(back) => enable(tx, back.slot),
        None => Ok(()),
    }
}

/// The provisioning profile that takes the place of `gone` on a chip that was made so. The
/// user who disables the provisioning profile itself wants none.
fn fallback(view: &(impl View + ?Sized), gone: &Isdp) -> Option<Isdp> {
    if gone.class() == ProfileClass::Provisioning || !Configuration::load(view)?.fallback {
        return None;
    }
    super::all(view).into_iter().find(|isdp| isdp.class() == ProfileClass::Provisioning)
}

/// Checks DeleteProfile (SGP.22 §5.7.18).
pub(crate) fn check_delete(
    view: &(impl View + ?Sized),
    id: &ProfileIdentifier,
) -> Result<Isdp, DeleteResult> {
    let target = super::find(view, id).ok_or(DeleteResult::ICCID_OR_AID_NOT_FOUND)?;
    if target.state(view) == ProfileState::Enabled {
        return Err(DeleteResult::PROFILE_NOT_IN_DISABLED_STATE);
    }
    let displaced_for_a_while = displaced(view) == Some(target.slot) && must_stay_enabled(&target);
    if displaced_for_a_while || target.metadata.profile_policy_rules.contains(PprIds::PPR2) {
        return Err(DeleteResult::DISALLOWED_BY_POLICY);
    }
    Ok(target)
}

/// Deletes a profile with its ISD-P, whatever its state and rules.
pub(crate) fn delete(tx: &mut Transaction<'_>, target: &Isdp) -> Result<(), Error> {
    let was_enabled = profile::enabled(tx) == Some(target.slot);
    let back = back_to(tx).filter(|_| was_enabled && target.class() != ProfileClass::Operational);
    tx.delete_slot(target.slot);
    if was_enabled {
        profile::set_enabled(tx, None)?;
    }
    if was_enabled || displaced(tx) == Some(target.slot) {
        tx.delete(keys::DISPLACED);
    }
    if let Some(Change::Enable(slot) | Change::Disable(slot)) = Change::pending(tx)
        && slot == target.slot
    {
        tx.delete(keys::PENDING_CHANGE);
    }
    notification::of_event(tx, target, NotificationEvents::DELETE)?;
    match back.or_else(|| fallback(tx, target)) {
        Some(back) if was_enabled => enable(tx, back.slot),
        _ => Ok(()),
    }
}

/// The profile that comes back when the one that displaced it goes.
fn back_to(view: &(impl View + ?Sized)) -> Option<Isdp> {
    super::at(view, displaced(view)?)
}

fn displaced(view: &(impl View + ?Sized)) -> Option<SlotId> {
    Some(SlotId(u16::from_be_bytes(view.get(keys::DISPLACED)?.try_into().ok()?)))
}
