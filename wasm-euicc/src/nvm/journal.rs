//! How transactions stand on the medium.

use zeroize::Zeroizing;

use super::{Error, Key};

const HEAD: &[u8; 8] = b"eUICC-NV";
const VERSION: u16 = 1;
const HEAD_LEN: usize = 10;
const MAGIC: [u8; 2] = [0x4A, 0x52];
/// Magic, length, CRC, sequence number.
const RECORD_HEAD_LEN: usize = 2 + 4 + 4 + 8;

/// One change: a key and its new value, none to delete it.
pub(super) type Change<'a> = (Key, Option<&'a [u8]>);

/// What replay found.
pub(super) struct Replayed {
    /// Sequence number of the last good record; 0 when there is none.
    pub(super) sequence: u64,
    /// Bytes up to the end of the last good record.
    pub(super) good_len: usize,
}

/// The bytes at the start of every medium.
pub(super) fn head() -> Vec<u8> {
    [&HEAD[..], &VERSION.to_be_bytes()].concat()
}

/// One transaction as a record.
pub(super) fn record<'a>(
    sequence: u64,
    changes: impl Iterator<Item = Change<'a>> + Clone,
) -> Zeroizing<Vec<u8>> {
    // Made in one piece, so that no copy of a secret is left behind.
    let payload =
        changes.clone().map(|(key, value)| 1 + key.encoded_len() + 4 + value.map_or(0, <[u8]>::len));
    let mut record = Zeroizing::new(Vec::with_capacity(RECORD_HEAD_LEN + payload.sum::<usize>()));
    record.resize(RECORD_HEAD_LEN, 0);
    for (key, value) in changes {
        let at = record.len();
        record.push(0);
        key.encode(&mut record);
        record[at] = (record.len() - at - 1) as u8;
        let length = value.map_or(0, |value| value.len() as u32 + 1);
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(value.unwrap_or_default());
    }
    let payload_len = (record.len() - RECORD_HEAD_LEN) as u32;
    record[..2].copy_from_slice(&MAGIC);
    record[2..6].copy_from_slice(&payload_len.to_be_bytes());
    record[10..18].copy_from_slice(&sequence.to_be_bytes());
    let crc = crc32fast::hash(&record[10..]);
    record[6..10].copy_from_slice(&crc.to_be_bytes());
    record
}

/// Gives every change of every good record to `apply`, in order.
pub(super) fn replay(bytes: &[u8], mut apply: impl FnMut(Change<'_>)) -> Result<Replayed, Error> {
    let Some(head) = bytes.get(..HEAD_LEN) else {
        // A power failure before the first record was whole.
        return if bytes.len() < HEAD.len() && HEAD.starts_with(bytes) || bytes.get(..HEAD.len()) == Some(HEAD)
        {
            Ok(Replayed { sequence: 0, good_len: 0 })
        } else {
            Err(Error::Foreign)
        };
    };
    if !head.starts_with(HEAD) {
        return Err(Error::Foreign);
    }
    let version = u16::from_be_bytes([head[8], head[9]]);
    if version != VERSION {
        return Err(Error::Version(version));
    }
    let mut good = Replayed { sequence: 0, good_len: HEAD_LEN };
    while let Some((sequence, payload, len)) = next_record(&bytes[good.good_len..]) {
        // After a compaction counting goes on from where it was.
        let expected = good.good_len == HEAD_LEN || sequence == good.sequence.wrapping_add(1);
        let Some(changes) = changes(payload).filter(|_| expected) else { break };
        changes.into_iter().for_each(&mut apply);
        good = Replayed { sequence, good_len: good.good_len + len };
    }
    // Power fails in the middle of one record, the last. The first is written in one piece with
    // the head; and what comes after a record that is broken was written after it.
    let rest = &bytes[good.good_len..];
    let first_is_broken = good.good_len == HEAD_LEN && !rest.is_empty();
    if first_is_broken || ends_in_records(rest, good.sequence) {
        return Err(Error::Damaged);
    }
    Ok(good)
}

/// Whether whole records that are later than `sequence` stand at the end of `bytes`. What only
/// looks like one, in a value that power failure cut off, has another number, or does not end
/// where the medium ends.
fn ends_in_records(bytes: &[u8], sequence: u64) -> bool {
    let starts = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&MAGIC));
    starts.into_iter().any(|mut at| {
        while let Some((_, _, len)) = next_record(&bytes[at..]).filter(|next| next.0 > sequence) {
            at += len;
            if at == bytes.len() {
                return true;
            }
        }
        false
    })
}

/// Sequence number, payload and length of the record at the start of `bytes`.
fn next_record(bytes: &[u8]) -> Option<(u64, &[u8], usize)> {
    let head: &[u8; RECORD_HEAD_LEN] = bytes.get(..RECORD_HEAD_LEN)?.try_into().ok()?;
    let [m0, m1, l0, l1, l2, l3, c0, c1, c2, c3, sequence @ ..] = *head;
    if [m0, m1] != MAGIC {
        return None;
    }
    let payload_len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).ok()?;
    let len = RECORD_HEAD_LEN.checked_add(payload_len)?;
    let covered = bytes.get(10..len)?;
    if crc32fast::hash(covered) != u32::from_be_bytes([c0, c1, c2, c3]) {
        return None;
    }
    Some((u64::from_be_bytes(sequence), &covered[8..], len))
}

fn changes(mut payload: &[u8]) -> Option<Vec<Change<'_>>> {
    let mut changes = Vec::new();
    while let Some((&key_len, rest)) = payload.split_first() {
        let (key, rest) = rest.split_at_checked(usize::from(key_len))?;
        let (length, rest) = rest.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let (value, rest) = match length.checked_sub(1) {
            None => (None, rest),
            Some(length) => {
                let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(value), rest)
            }
        };
        changes.push((Key::decode(key)?, value));
        payload = rest;
    }
    Some(changes)
}
