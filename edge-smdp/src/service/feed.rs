//! What the network is told of a profile's subscriber, and when: fed with the confirmation of an
//! order, withdrawn when the order ends without the profile having got onto an eUICC.
//!
//! ```text
//!  Off ─order confirmed─► Feeding ─acknowledged─► Fed
//!                         Feeding ─refused, given up─► Refused ─order over─► Off
//!  Feeding, Fed ─order over, profile not out; Unavailable─► Withdrawing ─acknowledged─► Off
//!  Withdrawing ─order confirmed─► Feeding
//! ```
//!
//! A sequence number is never fed: the network goes on with its own count, and a card that is
//! ahead of it says so (3GPP TS 33.102 §6.3.5).

use rsp::Imsi;
use saip::{AlgoParameter, AlgorithmId, DEFAULT_ROTATION, DEFAULT_XORING};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::Malformed;
use crate::outbox::Message;
use crate::profile::{EventKind, Network, Profile, ProfileState};
use crate::service::package::Package;
use crate::wire::network::{Class, Contract, Subscription};

/// Of the options of the test algorithm: RES has 128 bits (TS.48).
const LONG_RES: u8 = 0x02;
/// How much room the record's keys and constants take at most, in bytes.
const ROOM: usize = 1024;

/// `PUT /network/subscribers/{imsi}`, as the network takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    algorithm: &'static str,
    k: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    opc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotations: Option<[u8; 5]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iterations: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    res_bytes: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amf: Option<&'a str>,
    class: Class,
    contract: &'a Contract,
}

/// The subscriber of a package, and what the network is to know of it: the keys are those that
/// the card will have.
pub(crate) fn record(
    package: &Package,
    subscription: &Subscription,
) -> Result<(Imsi, Zeroizing<Vec<u8>>), Malformed> {
    subscription.check()?;
    let malformed = |because: &str| Malformed::new("subscription", because);
    let class = subscription.class.ok_or_else(|| malformed("class"))?;
    let read = saip::Package::decode(&package.bytes).map_err(|error| Malformed::new("package", error))?;
    let imsi = read.imsi().ok_or_else(|| malformed("the package has no IMSI"))?;
    let algorithm = read.aka().find_map(saip::AkaParameter::algorithm);
    let algorithm = algorithm.ok_or_else(|| malformed("the package has no keys of a USIM"))?;
    let secret = |secret: &saip::Secret| Zeroizing::new(hex::encode(secret.expose_secret()));
    let (k, opc) = (secret(&algorithm.key), secret(&algorithm.opc));
    let AlgoParameter { options, rotation, xoring, number_of_keccak, .. } = algorithm;
    let mut record = Record {
        algorithm: "milenage",
        k: &k,
        opc: None,
        topc: None,
        rotations: None,
        xors: None,
        iterations: None,
        res_bytes: None,
        amf: subscription.amf.as_deref(),
        class,
        contract: &subscription.contract,
    };
    match algorithm.algorithm {
        AlgorithmId::Milenage => {
            record.opc = Some(&opc);
            record.rotations = (*rotation != DEFAULT_ROTATION).then_some(*rotation);
            record.xors = (*xoring != DEFAULT_XORING).then(|| xoring.chunks(16).map(hex::encode).collect());
        }
        AlgorithmId::Tuak => {
            record.algorithm = "tuak";
            record.topc = Some(&opc);
            record.iterations = Some(*number_of_keccak);
        }
        AlgorithmId::UsimTest => {
            record.algorithm = "xor";
            record.res_bytes = Some(if options & LONG_RES != 0 { 16 } else { 8 });
        }
        AlgorithmId::Other(_) => return Err(malformed("the network does not know the package's algorithm")),
    }
    // All the room at once: a text that grows leaves copies of the keys behind.
    let contract = serde_json::to_string(&subscription.contract).unwrap_or_default();
    let mut json = Zeroizing::new(Vec::with_capacity(ROOM + contract.len()));
    serde_json::to_writer(&mut *json, &record).map_err(|error| malformed(&error.to_string()))?;
    Ok((imsi, json))
}

/// What a change of a profile means for the network, if there is one: the change gets the
/// message that tells it. Keys that are of no use any more go.
pub(crate) fn follow(before: &Profile, after: &mut Profile, has_network: bool, now: u64) {
    let (was, is) = (before.is_served(), after.is_served());
    let is_final = after.is_final();
    let Some(subscription) = &mut after.subscription else { return };
    let (at, imsi) = (now, subscription.imsi.clone());
    // Also above those of an earlier record of this profile.
    let word = now.max(subscription.word + 1);
    let mut left = false;
    match subscription.network {
        Network::Off | Network::Refused | Network::Withdrawing
            if is && !was && has_network && subscription.record.is_some() =>
        {
            // Of one that is being withdrawn nobody knows whether the network has it.
            let is_first = subscription.network != Network::Withdrawing;
            subscription.network = Network::Feeding;
            subscription.word = word;
            after.pending.messages.push(Message::FeedSubscriber { at, imsi, word, is_first });
        }
        Network::Feeding | Network::Fed if !is && !subscription.found => {
            subscription.network = Network::Withdrawing;
            subscription.word = word;
            after.pending.messages.push(Message::WithdrawSubscriber { at, imsi, word });
        }
        Network::Feeding | Network::Fed if !is => {
            subscription.network = Network::Off;
            subscription.found = false;
            left = true;
        }
        Network::Refused if !is => subscription.network = Network::Off,
        _ => {}
    }
    if is_final && subscription.network != Network::Feeding {
        subscription.record = None;
    }
    if left {
        after.note(now, EventKind::Undelivered, Some(LEFT.to_owned()));
    }
}

/// Of a subscriber that the network had before.
const LEFT: &str = "withdrawSubscriber not sent: the network had the subscriber before";

/// What became of what the network was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It has done it.
    Done {
        /// With a subscriber that it had before.
        found: bool,
    },
    /// It will not do it.
    Refused,
}

/// Notes what became of a message; of one that another has overtaken, only what is known from it
/// of the network.
pub(crate) fn told(profile: &mut Profile, message: &Message, told: Told) {
    let Some(subscription) = &mut profile.subscription else { return };
    let (Message::FeedSubscriber { imsi, word, .. } | Message::WithdrawSubscriber { imsi, word, .. }) =
        message
    else {
        return;
    };
    if subscription.imsi != *imsi {
        return;
    }
    subscription.found |= told == Told::Done { found: true };
    if subscription.word != *word {
        return;
    }
    subscription.network = match (subscription.network, told) {
        (Network::Feeding, Told::Done { .. }) => Network::Fed,
        (Network::Feeding, Told::Refused) => Network::Refused,
        (Network::Withdrawing, _) => Network::Off,
        (other, _) => other,
    };
    if subscription.network == Network::Off {
        subscription.found = false;
    }
}

/// Whether a message still says what is so.
pub(crate) fn is_current(profile: Option<&Profile>, message: &Message) -> bool {
    let subscription = profile.and_then(|profile| profile.subscription.as_ref());
    match message {
        Message::FeedSubscriber { imsi, word, .. } => subscription.is_some_and(|subscription| {
            subscription.network == Network::Feeding
                && subscription.imsi == *imsi
                && subscription.word == *word
        }),
        // Also of a record that was taken away or replaced since.
        Message::WithdrawSubscriber { imsi, .. } => subscription.is_none_or(|subscription| {
            let is_wanted = matches!(subscription.network, Network::Feeding | Network::Fed);
            subscription.imsi != *imsi || !(is_wanted || subscription.found)
        }),
        _ => true,
    }
}

impl Profile {
    /// Whether it can't be ordered again.
    const fn is_final(&self) -> bool {
        matches!(self.state, ProfileState::Installed | ProfileState::Deleted | ProfileState::Unavailable)
    }
}
