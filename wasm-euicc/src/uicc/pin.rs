//! PINs and their unblocking PINs (ETSI TS 102 221 §9.5, §11.1.9 to §11.1.13).
//!
//! References 01 to 08 (application PINs), 0A to 0E (ADM) and 11 (universal)
//! are of the whole UICC and belong to the MF; those with bit 8 set are local:
//! they belong to the ADF or DF whose session is open.

use apdu::{Command, Response, StatusWord};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::file::{MF, Tree};
use super::select::{Selection, Step};
use super::{Error, Uicc};
use crate::nvm::{Key, SlotId, SlotKey, Transaction, View};

/// The value of a PIN or an unblocking PIN, with its counter.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret {
    value: [u8; 8],
    max: u8,
    left: u8,
}

impl Secret {
    /// `retry`: maximum in the high half byte, tries left in the low one.
    pub(crate) const fn new(value: [u8; 8], retry: u8) -> Self {
        Self { value, max: retry >> 4, left: retry & 0x0F }
    }

    fn matches(&self, presented: &[u8]) -> bool {
        self.value.ct_eq(presented).into()
    }

    fn encode(&self) -> [u8; 10] {
        let [a, b, c, d, e, f, g, h] = self.value;
        [a, b, c, d, e, f, g, h, self.max, self.left]
    }

    fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<10>()?;
        let [value @ .., max, left] = *head;
        Some((Self { value, max, left }, rest))
    }
}

/// A PIN.
#[derive(Clone)]
pub(crate) struct Pin {
    pub(crate) secret: Secret,
    /// Reference of the unblocking PIN.
    pub(crate) puk: Option<u8>,
    /// TCA `pinAttributes`: bit 1 enabled at the start, bit 2 can be changed,
    /// bit 3 can be disabled.
    pub(crate) attributes: u8,
    pub(crate) enabled: bool,
}

impl Pin {
    const CHANGEABLE: u8 = 0x02;
    const DISABLABLE: u8 = 0x04;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let tail = [self.puk.unwrap_or(0), self.attributes, u8::from(self.enabled)];
        [&self.secret.encode()[..], &tail].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = Secret::decode(bytes)?;
        let [puk, attributes, enabled] = *rest else { return None };
        Some(Self { secret, puk: (puk != 0).then_some(puk), attributes, enabled: enabled != 0 })
    }
}

/// Writes a PIN of a directory.
pub(crate) fn put_pin(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    context: u16,
    reference: u8,
    pin: &Pin,
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::Pin { context, reference }), pin.encode())
}

/// Writes an unblocking PIN of a directory.
pub(crate) fn put_puk(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    context: u16,
    reference: u8,
    puk: &Secret,
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::Puk { context, reference }), puk.encode().to_vec())
}

/// The PIN that a key reference means on this path, and the directory that it
/// belongs to: for a local one the nearest directory that has it.
pub(super) fn find<V: View + ?Sized>(tree: Tree<'_, V>, path: &[Step], reference: u8) -> Option<(u16, Pin)> {
    const LOCAL: u8 = 0x80;
    let of = |context: u16| {
        // A directory may share the PINs of another one.
        let context = match tree.get(SlotKey::PinShare(context)) {
            Some([high, low]) => u16::from_be_bytes([*high, *low]),
            _ => context,
        };
        let pin = Pin::decode(tree.get(SlotKey::Pin { context, reference })?)?;
        Some((context, pin))
    };
    if reference & LOCAL == 0 { of(MF) } else { path.iter().rev().find_map(|step| of(step.id)) }
}

/// The unblocking PIN of a PIN: in the same directory, else of the UICC.
fn find_puk<V: View + ?Sized>(tree: Tree<'_, V>, context: u16, reference: u8) -> Option<(u16, Secret)> {
    [context, MF].into_iter().find_map(|context| {
        let bytes = tree.get(SlotKey::Puk { context, reference })?;
        Some((context, Secret::decode(bytes)?.0))
    })
}

/// Status of a CHV and of its unblocking CHV as the old SIM tells it: bit 8 initialised, then
/// the tries left (3GPP TS 51.011 §9.2.1); 0 where there is none.
pub(super) fn gsm_status<V: View + ?Sized>(tree: Tree<'_, V>, at: &Selection, reference: u8) -> [u8; 2] {
    const INITIALISED: u8 = 0x80;
    let Some((context, pin)) = find(tree, at.path(), reference) else { return [0, 0] };
    let puk = pin.puk.and_then(|puk| find_puk(tree, context, puk));
    [INITIALISED | pin.secret.left, puk.map_or(0, |(_, puk)| INITIALISED | puk.left)]
}

impl Uicc<'_> {
    /// Whether an access condition on this PIN is met: verified, or disabled.
    pub(super) fn pin_satisfied(&self, selection: &Selection, reference: u8) -> bool {
        find(self.tree(), selection.path(), reference).is_some_and(|(context, pin)| {
            !pin.enabled || self.session.verified.contains(&(context, reference))
        })
    }

    /// Whether a PIN has been verified, switched on or not.
    pub(super) fn pin_verified(&self, selection: &Selection, reference: u8) -> bool {
        find(self.tree(), selection.path(), reference)
            .is_some_and(|(context, _)| self.session.verified.contains(&(context, reference)))
    }

    pub(super) fn verify_pin(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let (context, mut pin) = self.pin_of(selection, command)?;
        match command.data.len() {
            0 => return Err(tries(&pin.secret)),
            8 => {}
            _ => return Err(StatusWord::WRONG_LENGTH),
        }
        if !pin.enabled {
            return Err(StatusWord::DATA_INVALIDATED);
        }
        self.present(context, command.p2, &mut pin, command.data, None)?;
        Ok(StatusWord::OK.into())
    }

    pub(super) fn change_pin(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let (context, mut pin) = self.pin_of(selection, command)?;
        let (old, new) = two_values(command.data)?;
        if !pin.enabled {
            return Err(StatusWord::DATA_INVALIDATED);
        }
        if pin.attributes & Pin::CHANGEABLE == 0 {
            return Err(StatusWord::CONDITIONS);
        }
        self.present(context, command.p2, &mut pin, old, Some(&|pin| pin.secret.value = new))?;
        Ok(StatusWord::OK.into())
    }

    pub(super) fn disable_pin(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let (context, mut pin) = self.pin_of(selection, command)?;
        if command.data.len() != 8 {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if !pin.enabled {
            return Err(StatusWord::DATA_INVALIDATED);
        }
        if pin.attributes & Pin::DISABLABLE == 0 {
            return Err(StatusWord::CONDITIONS);
        }
        self.present(context, command.p2, &mut pin, command.data, Some(&|pin| pin.enabled = false))?;
        Ok(StatusWord::OK.into())
    }

    pub(super) fn enable_pin(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let (context, mut pin) = self.pin_of(selection, command)?;
        if command.data.len() != 8 {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if pin.enabled {
            return Err(StatusWord::CONDITIONS);
        }
        self.present(context, command.p2, &mut pin, command.data, Some(&|pin| pin.enabled = true))?;
        Ok(StatusWord::OK.into())
    }

    pub(super) fn unblock_pin(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let (context, mut pin) = self.pin_of(selection, command)?;
        let reference = pin.puk.ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
        let (puk_context, mut puk) =
            find_puk(self.tree(), context, reference).ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
        if command.data.is_empty() {
            return Err(tries(&puk));
        }
        let (presented, new) = two_values(command.data)?;
        if puk.left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        let right = puk.matches(presented);
        puk.left = if right { puk.max } else { puk.left - 1 };
        if right {
            pin.secret.value = new;
            pin.secret.left = pin.secret.max;
            pin.enabled = true;
        }
        self.commit(|tx, slot| {
            put_puk(tx, slot, puk_context, reference, &puk)?;
            put_pin(tx, slot, context, command.p2, &pin)
        })?;
        if !right {
            return Err(tries(&puk));
        }
        self.session.verified.insert((context, command.p2));
        Ok(StatusWord::OK.into())
    }

    /// The PIN that P2 names.
    fn pin_of(&self, selection: &Selection, command: &Command<'_>) -> Result<(u16, Pin), StatusWord> {
        if command.p1 != 0 {
            // Replacing a PIN by the universal PIN is not offered.
            return Err(StatusWord::WRONG_P1P2);
        }
        find(self.tree(), selection.path(), command.p2).ok_or(StatusWord::REFERENCE_NOT_FOUND)
    }

    /// Compares a presented value. The counter is durable before anything can
    /// be learnt from the answer, and in the same transaction what is to be done
    /// `then`, when it was right.
    fn present(
        &mut self,
        context: u16,
        reference: u8,
        pin: &mut Pin,
        presented: &[u8],
        then: Option<&dyn Fn(&mut Pin)>,
    ) -> Result<(), StatusWord> {
        if pin.secret.left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        let before = pin.secret.left;
        let right = pin.secret.matches(presented);
        pin.secret.left = if right { pin.secret.max } else { before - 1 };
        let then = then.filter(|_| right);
        if let Some(then) = then {
            then(pin);
        }
        if then.is_some() || pin.secret.left != before {
            self.keep(context, reference, pin)?;
        }
        if right {
            self.session.verified.insert((context, reference));
            Ok(())
        } else {
            self.session.verified.remove(&(context, reference));
            Err(tries(&pin.secret))
        }
    }

    fn keep(&mut self, context: u16, reference: u8, pin: &Pin) -> Result<(), StatusWord> {
        self.commit(|tx, slot| put_pin(tx, slot, context, reference, pin))
    }
}

/// `63 CX`, or `6983` when no try is left.
const fn tries(secret: &Secret) -> StatusWord {
    if secret.left == 0 { StatusWord::BLOCKED } else { StatusWord::tries_left(secret.left) }
}

/// An old (or unblocking) value and a new one.
fn two_values(data: &[u8]) -> Result<(&[u8], [u8; 8]), StatusWord> {
    let (old, new) = data.split_at_checked(8).ok_or(StatusWord::WRONG_LENGTH)?;
    Ok((old, new.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?))
}
