//! PINs and unblocking PINs: `pinCodes`, `pukCodes`.

use saip::PinSource;
use saip::response::PeStatus;

use super::{Installer, Step, refuse};
use crate::nvm::{Key, SlotKey, Transaction, View as _};
use crate::uicc::file::MF;
use crate::uicc::pin::{Pin, Secret, put_pin, put_puk};

impl Installer {
    /// The directory that a PIN or unblocking PIN belongs to: global references
    /// are of the whole UICC wherever they are given.
    const fn context_of(&self, reference: u8) -> u16 {
        const LOCAL: u8 = 0x80;
        if reference & LOCAL == 0 { MF } else { self.context }
    }

    pub(super) fn puk_codes(&self, tx: &mut Transaction<'_>, codes: &saip::PukCodes) -> Step {
        for puk in &codes.codes {
            let Some(value) = puk.value.expose_array() else {
                return refuse(PeStatus::BAD_VALUES, "pukValue");
            };
            let secret = Secret::new(*value, puk.retry.byte());
            let context = self.context_of(puk.key_reference);
            put_puk(tx, self.slot, context, puk.key_reference, &secret)?;
        }
        Ok(())
    }

    pub(super) fn pin_codes(&self, tx: &mut Transaction<'_>, source: &PinSource) -> Step {
        let pins = match source {
            PinSource::SharedWith(path) => {
                let shared = self.directory_at(tx, path)?;
                let key = Key::Slot(self.slot, SlotKey::PinShare(self.context));
                return Ok(tx.put(key, shared.to_be_bytes().to_vec())?);
            }
            PinSource::Pins(pins) => pins,
        };
        for pin in pins {
            let reference = pin.key_reference;
            let context = self.context_of(reference);
            let key = |context, reference| Key::Slot(self.slot, SlotKey::Puk { context, reference });
            if let Some(puk) = pin.unblocking
                && ![context, MF].into_iter().any(|context| tx.get(key(context, puk)).is_some())
            {
                return refuse(PeStatus::PIN_CODE_MISSING, "unblockingPINReference");
            }
            if tx.get(Key::Slot(self.slot, SlotKey::Pin { context, reference })).is_some() {
                return refuse(PeStatus::BAD_VALUES, "a PIN that exists already");
            }
            let Some(value) = pin.value.expose_array() else {
                return refuse(PeStatus::BAD_VALUES, "pinValue");
            };
            let own = Pin {
                secret: Secret::new(*value, pin.retry.byte()),
                puk: pin.unblocking,
                attributes: pin.attributes,
                enabled: pin.enabled(),
            };
            put_pin(tx, self.slot, context, reference, &own)?;
        }
        Ok(())
    }
}
