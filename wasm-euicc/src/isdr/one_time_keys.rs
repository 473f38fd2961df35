//! One-time keys that outlive their session: an SM-DP+ that has bound a package
//! to one may hand that package out again (SGP.22 §3.1.3.2, `bppEuiccOtpk`).

use rsp::Oid;
use rsp_crypto::software::OneTimeKey;
use rsp_crypto::{Curve, PublicKey};
use tlv::{Reader, Tag, Writer};
use zeroize::Zeroizing;

use super::keys;
use crate::ecasd::{curve_of, key_tag};
use crate::nvm::{Error, Transaction, View};

/// As many are kept; the oldest goes.
const MOST: usize = 4;
const SMDP: Tag = Tag(0x80);

/// The key whose public half is `public`, made for this SM-DP+.
pub(super) fn find(view: &impl View, smdp: &Oid, public: &PublicKey) -> Option<OneTimeKey> {
    kept(view)
        .into_iter()
        .filter(|kept| kept.smdp == smdp.der_contents())
        .filter_map(|kept| kept.key())
        .find(|key| key.public_key() == *public)
}

/// Keeps a key.
pub(super) fn keep(tx: &mut Transaction<'_>, smdp: &Oid, key: &OneTimeKey) -> Result<(), Error> {
    let mut list = kept(tx);
    let new = Kept { smdp: smdp.der_contents().to_vec(), curve: key.curve(), scalar: key.expose_scalar() };
    if list.iter().any(|kept| kept.curve == new.curve && kept.scalar == new.scalar) {
        return Ok(());
    }
    list.push(new);
    let surplus = list.len().saturating_sub(MOST);
    list.drain(..surplus);
    store(tx, &list)
}

/// Forgets a key: it was used, or will not be. Keys are told apart by their secrets, which costs
/// nothing; to derive their public halves would cost as much as a signature each.
pub(super) fn forget(tx: &mut Transaction<'_>, key: &OneTimeKey) -> Result<(), Error> {
    let mut list = kept(tx);
    let before = list.len();
    let scalar = key.expose_scalar();
    list.retain(|kept| kept.curve != key.curve() || kept.scalar != scalar);
    if list.len() == before { Ok(()) } else { store(tx, &list) }
}

struct Kept {
    smdp: Vec<u8>,
    curve: Curve,
    scalar: Zeroizing<[u8; 32]>,
}

impl Kept {
    fn key(&self) -> Option<OneTimeKey> {
        OneTimeKey::from_scalar(self.curve, &self.scalar)
    }
}

fn kept(view: &impl View) -> Vec<Kept> {
    let mut list = Vec::new();
    let mut reader = Reader::new(view.get(keys::ONE_TIME_KEYS).unwrap_or_default());
    while let (Ok(smdp), Ok(Some(secret))) = (reader.expect(SMDP), reader.next()) {
        let (Some(curve), Ok(scalar)) = (curve_of(secret.tag), secret.array()) else { break };
        list.push(Kept { smdp: smdp.value.to_vec(), curve, scalar: Zeroizing::new(scalar) });
    }
    list
}

fn store(tx: &mut Transaction<'_>, list: &[Kept]) -> Result<(), Error> {
    if list.is_empty() {
        tx.delete(keys::ONE_TIME_KEYS);
        return Ok(());
    }
    let mut w = Writer::new();
    for kept in list {
        w.tlv(SMDP, &kept.smdp).tlv(key_tag(kept.curve), &kept.scalar[..]);
    }
    tx.put(keys::ONE_TIME_KEYS, w.finish())
}
