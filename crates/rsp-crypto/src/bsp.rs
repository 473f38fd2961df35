//! The secure channel of a bound profile package: BSP, the profile of SCP03t in
//! SGP.22 §2.6.4 and §5.5.2.
//!
//! ```text
//!   87, 86   tag ‖ length ‖ AES-CBC(S-ENC, ICV, plaintext ‖ 80 00…) ‖ MAC
//!   88       tag ‖ length ‖ plaintext                               ‖ MAC
//!
//!   ICV = AES(S-ENC, counter)      the counter runs over all segments
//!   MAC = first 8 bytes of M = AES-CMAC(S-MAC, MCV ‖ tag ‖ length ‖ body)
//!   MCV of the next segment = M
//! ```

use core::fmt;

use subtle::ConstantTimeEq;
use tlv::Tag;
use zeroize::{Zeroize, Zeroizing};

use crate::{Fault, Provider, SessionKeys};

/// The longest segment that is made: tag, length, body and MAC, in bytes
/// (SGP.22 §2.5.3).
pub const MAX_SEGMENT: usize = 1020;
/// The longest segment that is taken. Some servers split a package into 1008
/// bytes of plaintext, which make one block of padding more than
/// [`MAX_SEGMENT`] leaves room for.
pub const MAX_RECEIVED_SEGMENT: usize = 1036;

const MAC_LEN: usize = 8;
/// Tag, and a length of three bytes.
const MAX_HEAD_LEN: usize = 4;

/// The three tags of segments: what they carry and how they protect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentTag {
    /// `87`: `ConfigureISDPRequest` or `ReplaceSessionKeysRequest`, encrypted.
    Command,
    /// `88`: `StoreMetadataRequest`, readable for the LPA.
    Metadata,
    /// `86`: a part of the profile package, encrypted.
    ProfileElements,
}

impl SegmentTag {
    /// The tag on the wire.
    #[must_use]
    pub const fn tag(self) -> Tag {
        match self {
            Self::Command => Tag(0x87),
            Self::Metadata => Tag(0x88),
            Self::ProfileElements => Tag(0x86),
        }
    }

    /// The kind with this tag.
    #[must_use]
    pub const fn from_tag(tag: Tag) -> Option<Self> {
        match tag.0 {
            0x87 => Some(Self::Command),
            0x88 => Some(Self::Metadata),
            0x86 => Some(Self::ProfileElements),
            _ => None,
        }
    }

    /// How many bytes fit into one segment of [`MAX_SEGMENT`].
    #[must_use]
    pub const fn capacity(self) -> usize {
        let body = MAX_SEGMENT - MAX_HEAD_LEN - MAC_LEN;
        match self {
            // Whole blocks, and at least one byte of padding.
            Self::Command | Self::ProfileElements => body / 16 * 16 - 1,
            Self::Metadata => body,
        }
    }

    const fn is_encrypted(self) -> bool {
        !matches!(self, Self::Metadata)
    }
}

/// Why a segment was refused or could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BspError {
    /// The MAC is wrong, or the channel is closed after a refused segment:
    /// `scp03tSecurityError` (8).
    Security,
    /// The segment or its padding is malformed: `scp03tStructureError` (7).
    Structure,
    /// The payload does not fit into one segment.
    TooLong,
    /// The provider failed.
    Fault(Fault),
}

impl fmt::Display for BspError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Security => f.write_str("segment is not authentic"),
            Self::Structure => f.write_str("segment is malformed"),
            Self::TooLong => f.write_str("payload does not fit into a segment"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for BspError {}

impl From<Fault> for BspError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One end of the channel: seals segments at the server, opens them at the
/// eUICC. One value does one of the two, in the order of the package.
pub struct Bsp {
    /// `None` once a segment was refused: nobody gets a second guess at a MAC.
    state: Option<State>,
}

struct State {
    keys: SessionKeys,
    mcv: [u8; 16],
    counter: u64,
}

impl State {
    fn new(keys: SessionKeys) -> Self {
        Self { mcv: *keys.expose()[0], keys, counter: 1 }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.mcv.zeroize();
    }
}

impl Bsp {
    /// The beginning of a channel.
    #[must_use]
    pub fn new(keys: SessionKeys) -> Self {
        Self { state: Some(State::new(keys)) }
    }

    /// `ReplaceSessionKeys` (SGP.22 §5.5.4): goes on under profile protection
    /// keys, from their chaining value and counter 1. A closed channel stays
    /// closed.
    pub fn replace_session_keys(&mut self, keys: SessionKeys) {
        if let Some(state) = &mut self.state {
            *state = State::new(keys);
        }
    }

    /// Makes one segment.
    ///
    /// # Errors
    /// [`BspError::TooLong`] for more than [`SegmentTag::capacity`] bytes,
    /// [`BspError::Fault`], and [`BspError::Security`] on a closed channel. After
    /// a fault the channel is closed.
    pub async fn seal(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
        payload: &[u8],
    ) -> Result<Vec<u8>, BspError> {
        if payload.len() > tag.capacity() {
            return Err(BspError::TooLong);
        }
        let mut segments = self.seal_parts(provider, tag, &[payload]).await?;
        segments.pop().ok_or(BspError::Structure)
    }

    /// Splits `payload` over as many segments as it needs; none when it is
    /// empty.
    ///
    /// # Errors
    /// As [`Bsp::seal`].
    pub async fn seal_all(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
        payload: &[u8],
    ) -> Result<Vec<Vec<u8>>, BspError> {
        let parts: Vec<&[u8]> = payload.chunks(tag.capacity()).collect();
        self.seal_parts(provider, tag, &parts).await
    }

    async fn seal_parts(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
        parts: &[&[u8]],
    ) -> Result<Vec<Vec<u8>>, BspError> {
        // Taken out, and put back when all went well: a future that is dropped
        // half-way leaves a closed channel, not one out of step.
        let mut state = self.state.take().ok_or(BspError::Security)?;
        let segments = state.seal(provider, tag, parts).await?;
        self.state = Some(state);
        Ok(segments)
    }

    /// Checks one segment (the whole data object, as received) and returns its
    /// tag and payload.
    ///
    /// # Errors
    /// [`BspError::Security`] and [`BspError::Structure`] by blame; whatever the
    /// error, the channel is closed after it.
    pub async fn open(
        &mut self,
        provider: &impl Provider,
        segment: &[u8],
    ) -> Result<(SegmentTag, Zeroizing<Vec<u8>>), BspError> {
        let mut state = self.state.take().ok_or(BspError::Security)?;
        let opened = state.open(provider, segment).await?;
        self.state = Some(state);
        Ok(opened)
    }
}

impl State {
    /// One segment for each part. First all bodies, which do not depend on each other, then
    /// all MACs, each of which depends on the one before.
    async fn seal(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
        parts: &[&[u8]],
    ) -> Result<Vec<Vec<u8>>, BspError> {
        let vectors = self.next_icvs(provider, tag, parts.len()).await?;
        let [_, enc, mac] = self.keys.expose();
        let mut bodies = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            let mut body = Vec::with_capacity(part.len() + 16);
            body.extend_from_slice(part);
            let Some(icv) = vectors.get(at) else {
                bodies.push(([0; 16], body));
                continue;
            };
            body.push(0x80);
            body.resize(body.len().next_multiple_of(16), 0);
            bodies.push((*icv, body));
        }
        if tag.is_encrypted() {
            provider.cbc_encrypt_each(enc, &mut bodies).await?;
        }
        let made = |(_, body): ([u8; 16], Vec<u8>)| {
            tlv::Writer::new().head(tag.tag(), body.len() + MAC_LEN).raw(&body).finish()
        };
        let mut segments: Vec<Vec<u8>> = bodies.into_iter().map(made).collect();
        let macs = provider.cmac_chain(mac, &self.mcv, &segments).await?;
        for (segment, full) in segments.iter_mut().zip(&macs) {
            segment.extend_from_slice(&full[..MAC_LEN]);
        }
        if let Some(last) = macs.last() {
            self.mcv = *last;
        }
        Ok(segments)
    }

    async fn open(
        &mut self,
        provider: &impl Provider,
        segment: &[u8],
    ) -> Result<(SegmentTag, Zeroizing<Vec<u8>>), BspError> {
        if segment.len() > MAX_RECEIVED_SEGMENT {
            return Err(BspError::Structure);
        }
        let parsed = tlv::Tlv::single(segment).map_err(|_| BspError::Structure)?;
        let tag = SegmentTag::from_tag(parsed.tag).ok_or(BspError::Structure)?;
        let body_len = parsed.value.len().checked_sub(MAC_LEN).ok_or(BspError::Structure)?;
        let (maced, received) = segment.split_at(segment.len() - MAC_LEN);
        let body = &parsed.value[..body_len];

        let icv = self.next_icv(provider, tag).await?;
        let [_, enc, mac] = self.keys.expose();
        let full = provider.cmac(mac, &[&self.mcv, maced].concat()).await?;
        if !bool::from(full[..MAC_LEN].ct_eq(received)) {
            return Err(BspError::Security);
        }
        self.mcv = full;

        let mut payload = Zeroizing::new(body.to_vec());
        if let Some(icv) = icv {
            if body.is_empty() || body.len() % 16 != 0 {
                return Err(BspError::Structure);
            }
            provider.cbc_decrypt(enc, &icv, &mut payload).await?;
            let end = payload.iter().rposition(|&byte| byte != 0).ok_or(BspError::Structure)?;
            if payload[end] != 0x80 || payload.len() - end > 16 {
                return Err(BspError::Structure);
            }
            payload.truncate(end);
        }
        Ok((tag, payload))
    }

    /// Takes the next value of the counter, which advances for segments without
    /// encryption too, and makes the initial chaining vector of it.
    async fn next_icv(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
    ) -> Result<Option<[u8; 16]>, BspError> {
        Ok(self.next_icvs(provider, tag, 1).await?.pop())
    }

    /// The same for `count` segments; none when they are not encrypted.
    async fn next_icvs(
        &mut self,
        provider: &impl Provider,
        tag: SegmentTag,
        count: usize,
    ) -> Result<Vec<[u8; 16]>, BspError> {
        let first = self.counter;
        self.counter = first.checked_add(count as u64).ok_or(BspError::Structure)?;
        if !tag.is_encrypted() {
            return Ok(Vec::new());
        }
        let block = |counter: u64| ([0; 16], [[0; 8], counter.to_be_bytes()].concat());
        let mut blocks: Vec<([u8; 16], Vec<u8>)> = (first..self.counter).map(block).collect();
        // One block under a zero vector is the block cipher itself.
        provider.cbc_encrypt_each(self.keys.expose()[1], &mut blocks).await?;
        let icv = |(_, block): ([u8; 16], Vec<u8>)| block.try_into().map_err(|_| BspError::Structure);
        blocks.into_iter().map(icv).collect()
    }
}
