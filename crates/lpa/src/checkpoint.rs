//! What a download leaves behind so that it outlives the program that runs it.

use core::fmt;

use rsp::bpp::{self, BoundProfilePackage, InitialiseSecureChannel};
use rsp::metadata::StoreMetadata;
use rsp::{DataObject, Eid, Iccid, MatchingId, Oid, TransactionId};
use sha2::{Digest, Sha256};
use tlv::{Tag, Tlv, Writer};

/// The newest version that is written and read.
const VERSION: u32 = 1;

/// The longest encoding that is read: more than the longest package (4 MiB at the gateway).
const MAX_LEN: usize = 8 << 20;

/// `{ version, chip, address, matching id?, OID?, ICCID, transaction id, channel, package? }`,
/// behind it the SHA-256 of it.
const CHECKPOINT: Tag = Tag(0xE1);
const VERSION_TAG: Tag = Tag(0x80);
const CHIP: Tag = Tag(0x81);
const ADDRESS: Tag = Tag(0x82);
const MATCHING_ID: Tag = Tag(0x83);
const OID: Tag = Tag(0x84);
const ICCID: Tag = Tag(0x85);
const TRANSACTION_ID: Tag = Tag(0x86);
const CHANNEL: Tag = Tag(0x87);
const PACKAGE: Tag = Tag(0xA8);

/// A download that has come so far that the server counts the profile as handed out. It
/// holds the activation code and the bound package, which only this chip can open: it is
/// to be kept where the user's other things are, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub(crate) chip: [u8; 32],
    pub(crate) order: Order,
    pub(crate) iccid: Iccid,
    pub(crate) transaction_id: TransactionId,
    /// The logical channel that the package was fed on.
    pub(crate) channel: u8,
    pub(crate) package: Option<Vec<u8>>,
}

/// Where an order is and how it is found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) address: String,
    /// Absent for a default SM-DP+, which finds the order by the EID.
    pub(crate) matching_id: Option<MatchingId>,
    pub(crate) oid: Option<Oid>,
}

/// Why bytes are not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCheckpoint {
    /// Of a version that this program does not know.
    Version(u32),
    /// Cut off, changed, or something else altogether.
    Damaged,
}

impl fmt::Display for InvalidCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "a checkpoint of version {version}, which is not known"),
            Self::Damaged => f.write_str("not a whole checkpoint"),
        }
    }
}

impl core::error::Error for InvalidCheckpoint {}

impl From<tlv::Error> for InvalidCheckpoint {
    fn from(_: tlv::Error) -> Self {
        Self::Damaged
    }
}

impl Checkpoint {
    /// Names the chip without telling its EID.
    pub(crate) fn chip_of(eid: &Eid) -> [u8; 32] {
        Sha256::digest(eid.as_bytes()).into()
    }

    /// Whether it is of this chip.
    #[must_use]
    pub fn is_of(&self, eid: &Eid) -> bool {
        self.chip == Self::chip_of(eid)
    }

    /// The session in which the package was bound.
    #[must_use]
    pub const fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    /// The profile.
    #[must_use]
    pub const fn iccid(&self) -> Iccid {
        self.iccid
    }

    /// The SM-DP+ that it comes from.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.order.address
    }

    /// Whether it is of the order that a code or an event names.
    #[must_use]
    pub fn is_for(&self, address: &str, matching_id: &MatchingId) -> bool {
        let ours = self.order.matching_id.as_ref();
        self.order.address.eq_ignore_ascii_case(address)
            && ours.map_or_else(|| matching_id.as_str().is_empty(), |ours| ours == matching_id)
    }

    /// Whether the package has arrived.
    #[must_use]
    pub const fn has_package(&self) -> bool {
        self.package.is_some()
    }

    /// What the package says of the profile, for people; `None` before it has arrived.
    #[must_use]
    pub fn metadata(&self) -> Option<StoreMetadata> {
        let package = BoundProfilePackage::decode(self.package.as_deref()?).ok()?;
        StoreMetadata::decode(&bpp::readable_metadata(&package).ok()?).ok()
    }

    /// As bytes, to be kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(CHECKPOINT, |w| {
            w.unsigned(VERSION_TAG, VERSION);
            w.tlv(CHIP, &self.chip);
            w.tlv(ADDRESS, self.order.address.as_bytes());
            w.optional(MATCHING_ID, self.order.matching_id.as_ref().map(|id| id.as_str().as_bytes()));
            w.optional(OID, self.order.oid.as_ref().map(Oid::der_contents));
            w.tlv(ICCID, self.iccid.as_bytes());
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.unsigned(CHANNEL, self.channel.into());
            w.optional(PACKAGE, self.package.as_deref());
        });
        let mut bytes = w.finish();
        let check = Sha256::digest(&bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// Reads what was kept. Nothing in it is trusted beyond its form: the chip is asked
    /// what became of it, and the server has the last word.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`].
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidCheckpoint> {
        use InvalidCheckpoint::Damaged;
        if bytes.len() > MAX_LEN {
            return Err(Damaged);
        }
        let (content, check) = bytes.len().checked_sub(32).map(|at| bytes.split_at(at)).ok_or(Damaged)?;
        if Sha256::digest(content)[..] != *check {
            return Err(Damaged);
        }
        let mut fields = Tlv::single_of(content, CHECKPOINT)?.fields();
        let version = fields.required(VERSION_TAG)?.unsigned()?;
        if version != VERSION {
            return Err(InvalidCheckpoint::Version(version));
        }
        let chip = fields.required(CHIP)?.value.try_into().map_err(|_| Damaged)?;
        let address = fields.required(ADDRESS)?.text()?.to_owned();
        if !rsp::activation_code::is_address(&address) {
            return Err(Damaged);
        }
        let matching_id = fields.optional(MATCHING_ID)?;
        let matching_id = matching_id.map(|tlv| tlv.text()?.parse().map_err(|_| Damaged)).transpose()?;
        let oid = fields.optional(OID)?;
        let oid = oid.map(|tlv| Oid::from_der_contents(tlv.value)).transpose().map_err(|_| Damaged)?;
        let iccid = Iccid::from_bytes(fields.required(ICCID)?.value.try_into().map_err(|_| Damaged)?);
        let transaction_id = fields.required(TRANSACTION_ID)?;
        let transaction_id = TransactionId::from_bytes(transaction_id.value).map_err(|_| Damaged)?;
        let channel = u8::try_from(fields.required(CHANNEL)?.unsigned()?).map_err(|_| Damaged)?;
        let package = fields.optional(PACKAGE)?.map(|tlv| tlv.value.to_vec());
        let order = Order { address, matching_id, oid };
        let checkpoint = Self { chip, order, iccid, transaction_id, channel, package };
        if checkpoint.package.is_some() && !checkpoint.agrees_with_its_package() {
            return Err(Damaged);
        }
        Ok(checkpoint)
    }

    /// Whether the package is of the session and the profile that are named beside it.
    fn agrees_with_its_package(&self) -> bool {
        let package = self.package.as_deref().and_then(|bytes| BoundProfilePackage::decode(bytes).ok());
        let channel =
            package.and_then(|p| InitialiseSecureChannel::decode(&p.initialise_secure_channel).ok());
        channel.is_some_and(|channel| channel.transaction_id == self.transaction_id)
            && self.metadata().is_some_and(|metadata| metadata.iccid == self.iccid)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The code and the package are not for logs.
        f.debug_struct("Checkpoint")
            .field("transaction_id", &self.transaction_id)
            .field("iccid", &self.iccid)
            .field("package", &self.package.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}
