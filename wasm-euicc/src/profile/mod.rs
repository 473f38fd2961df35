//! Profiles as a whole: which one is enabled, which slots are taken, and the
//! interpreter that builds one from its package.

mod csim;
mod install;

pub use install::{Failure, Installed, Installer, services};

use crate::nvm::{Error, Key, SlotId, SlotKey, Transaction, View};

/// The slot of the Enabled Profile.
#[must_use]
pub fn enabled(view: &(impl View + ?Sized)) -> Option<SlotId> {
    let value = view.get(Key::Enabled)?;
    Some(SlotId(u16::from_be_bytes(value.try_into().ok()?)))
}

/// Makes the profile of a slot the enabled one, or none. Tell the dispatcher
/// afterwards by [`crate::isdr::Effects`].
///
/// # Errors
/// [`Error::Full`] when not even this fits.
pub fn set_enabled(tx: &mut Transaction<'_>, slot: Option<SlotId>) -> Result<(), Error> {
    match slot {
        Some(SlotId(number)) => tx.put(Key::Enabled, number.to_be_bytes().to_vec()),
        None => {
            tx.delete(Key::Enabled);
            Ok(())
        }
    }
}

/// A slot that holds nothing; `None` when all are taken.
#[must_use]
pub fn free_slot(view: &(impl View + ?Sized)) -> Option<SlotId> {
    (1..=u16::MAX)
        .map(SlotId)
        .find(|&slot| view.keys_from(Key::Slot(slot, SlotKey::Profile), slot).is_empty())
}

/// The slots that hold something, the default file system left out.
#[must_use]
pub fn slots(view: &(impl View + ?Sized)) -> Vec<SlotId> {
    view.slots().into_iter().filter(|&slot| slot != SlotId::DEFAULT).collect()
}

#[cfg(test)]
pub(crate) mod tests;
