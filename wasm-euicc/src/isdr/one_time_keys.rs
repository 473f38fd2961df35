//! One-time keys that outlive their session: an SM-DP+ that has bound a package
//! to one may hand that package out again (SGP.22 §3.1.3.2, `bppEuiccOtpk`).

use rsp::Oid;
use rsp_crypto::PublicKey;
use rsp_crypto::software::OneTimeKey;
use tlv::{Reader, Tag, Writer};
use zeroize::Zeroizing;

use super::keys;
use crate::nvm::{Error, Transaction, View};

/// As many are kept; the oldest goes.
const MOST: usize = 4;
const SMDP: Tag = Tag(0x80);
const SECRET: Tag = Tag(0x81);

/// The key whose public half is `public`, made for this SM-DP+.
pub(super) fn find(view: &impl View, smdp: &Oid, public: &[u8; 65]) -> Option<OneTimeKey> {
    kept(view)
        .into_iter()
        .filter(|(owner, _)| owner == smdp.der_contents())
        .filter_map(|(_, scalar)| OneTimeKey::from_scalar(&scalar))
        .find(|key| key.public_key().as_bytes() == public)
}

/// Keeps a key.
pub(super) fn keep(tx: &mut Transaction<'_>, smdp: &Oid, key: &OneTimeKey) -> Result<(), Error> {
    let mut list = kept(tx);
    let scalar = key.expose_scalar();
    if list.iter().any(|(_, other)| *other == scalar) {
        return Ok(());
    }
    list.push((smdp.der_contents().to_vec(), scalar));
    let surplus = list.len().saturating_sub(MOST);
    list.drain(..surplus);
    store(tx, &list)
}

/// Forgets a key: it was used, or will not be.
pub(super) fn forget(tx: &mut Transaction<'_>, public: &PublicKey) -> Result<(), Error> {
    let mut list = kept(tx);
    let before = list.len();
    list.retain(|(_, scalar)| OneTimeKey::from_scalar(scalar).is_some_and(|key| key.public_key() != *public));
    if list.len() == before { Ok(()) } else { store(tx, &list) }
}

type Kept = (Vec<u8>, Zeroizing<[u8; 32]>);

fn kept(view: &impl View) -> Vec<Kept> {
    let mut list = Vec::new();
    let mut reader = Reader::new(view.get(keys::ONE_TIME_KEYS).unwrap_or_default());
    while let (Ok(smdp), Ok(secret)) = (reader.expect(SMDP), reader.expect(SECRET)) {
        let Ok(scalar) = secret.array() else { break };
        list.push((smdp.value.to_vec(), Zeroizing::new(scalar)));
    }
    list
}

fn store(tx: &mut Transaction<'_>, list: &[Kept]) -> Result<(), Error> {
    if list.is_empty() {
        tx.delete(keys::ONE_TIME_KEYS);
        return Ok(());
    }
    let mut w = Writer::new();
    for (smdp, scalar) in list {
        w.tlv(SMDP, smdp).tlv(SECRET, &scalar[..]);
    }
    tx.put(keys::ONE_TIME_KEYS, w.finish())
}
