//! Challenges that are kept by who is challenged.
//!
//! Anybody who knows an IMSI can ask for a challenge, so nothing of it is kept here: the attach
//! id holds all that is needed to judge the answer, under a MAC whose key is made of the
//! subscriber's own. So nobody can fill a subscriber's memory, nor push out a challenge that
//! somebody else is about to answer. What is kept is which ones were answered, until they are
//! out of time.
//!
//! ```text
//!  attach id = tag (16) . base64url(context) . MAC (32)         characters
//! ```
//!
//! The sequence number stays hidden as AUTN hides it: a stranger who asks twice cannot tell how
//! often the subscriber was asked in between.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Timestamp;
use crate::policy::Situation;
use crate::subscriber::{Subscriber, Tag};

/// Longest attach id that is read: the longest context with room to spare.
pub(super) const MAX_ID: usize = 4096;

/// What a challenge was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Context {
    /// RAND in hex.
    pub(super) rand: String,
    /// `SQN ⊕ AK` in hex.
    pub(super) concealed: String,
    /// The record that it was made for: one that was written later knows nothing of it.
    pub(super) epoch: u64,
    #[serde(rename = "until")]
    pub(super) expires: Timestamp,
    /// Where and with what it was asked.
    pub(super) situation: Situation,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) requested: Option<String>,
    /// Whose failure a wrong answer is.
    pub(super) lane: String,
    /// The number of this challenge is already the card's own.
    pub(super) resynchronised: bool,
}

/// What of an attach id tells it from every other: the bytes of its MAC, however they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Mark(String);

impl Mark {
    fn of(mac: [u8; 16]) -> Self {
        Self(hex::encode(mac))
    }
}

/// The attach id of `context`.
pub(super) fn seal(subscriber: &Subscriber, context: &Context) -> Option<String> {
    let context = URL_SAFE_NO_PAD.encode(serde_json::to_vec(context).ok()?);
    let tag = Tag::of(&subscriber.imsi);
    let mac = mac(subscriber, &context)?;
    Some(format!("{tag}.{context}.{}", hex::encode(mac)))
}

/// The context of an attach id that this subscriber was given, in the letters it was given in.
pub(super) fn open(subscriber: &Subscriber, id: &str) -> Option<(Context, Mark)> {
    let mut parts = id.split('.');
    let (Some(_), Some(context), Some(mac), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if mac.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut sent = [0; 16];
    hex::decode_to_slice(mac, &mut sent).ok()?;
    if !bool::from(self::mac(subscriber, context)?.ct_eq(&sent)) {
        return None;
    }
    let context = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(context).ok()?).ok()?;
    Some((context, Mark::of(sent)))
}

/// Who is asked with an attach id.
pub(crate) fn tag(id: &str) -> Option<Tag> {
    let plausible = id.len() <= MAX_ID
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let (tag, rest) = id.split_once('.')?;
    if plausible && rest.contains('.') { Tag::parse(tag) } else { None }
}

fn mac(subscriber: &Subscriber, context: &str) -> Option<[u8; 16]> {
    // The record has the subscriber's K: nobody else can make this key.
    let mut mac = Hmac::<Sha256>::new_from_slice(subscriber.expose_record().as_bytes()).ok()?;
    mac.update(b"attach id, version 1 ");
    mac.update(context.as_bytes());
    mac.finalize().into_bytes().first_chunk::<16>().copied()
}
