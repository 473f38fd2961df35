//! Changing a few data objects inside others and leaving every other byte as it is.

use tlv::{Reader, Tag, Tlv, Writer};
use zeroize::Zeroizing;

use crate::Error;

/// Bytes that may hold a secret.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// One data object.
pub(super) fn wrap(tag: Tag, value: &[u8]) -> Bytes {
    Zeroizing::new(tlv::encode(tag, value))
}

/// The data objects of `value`, each replaced by what `change` has for it; `None`
/// when it has nothing for any.
pub(super) fn edit<E: From<tlv::Error>>(
    value: &[u8],
    mut change: impl FnMut(&Tlv<'_>) -> Result<Option<Bytes>, E>,
) -> Result<Option<Bytes>, E> {
    let mut changed = false;
    let mut edited = Zeroizing::new(Vec::with_capacity(value.len() + 64));
    let mut reader = Reader::new(value);
    while let Some(tlv) = reader.next()? {
        match change(&tlv)? {
            Some(other) => {
                changed = true;
                edited.extend_from_slice(&other);
            }
            None => edited.extend_from_slice(tlv.raw),
        }
    }
    Ok(changed.then_some(edited))
}

/// As [`edit`], over what is inside a data object, which is returned as a whole.
pub(super) fn edit_inside<E: From<tlv::Error>>(
    tlv: &Tlv<'_>,
    change: impl FnMut(&Tlv<'_>) -> Result<Option<Bytes>, E>,
) -> Result<Option<Bytes>, E> {
    Ok(edit(tlv.value, change)?.map(|value| wrap(tlv.tag, &value)))
}

/// The data object with another value; `None` when it has that value already.
pub(super) fn replace(tlv: &Tlv<'_>, value: &[u8]) -> Option<Bytes> {
    (tlv.value != value).then(|| wrap(tlv.tag, value))
}

/// File control parameters (the components, without a head) that say another size
/// and, where it is given, another record length. Every other component stays.
pub(super) fn resized(fcp: &[u8], size: usize, record_length: Option<u8>) -> Result<Vec<u8>, Error> {
    const FILE_DESCRIPTOR: Tag = Tag(0x82);
    const EF_FILE_SIZE: Tag = Tag(0x80);
    /// Those that stand before the size.
    const BEFORE: [Tag; 5] = [FILE_DESCRIPTOR, Tag(0x83), Tag(0x84), Tag(0x8A), Tag(0x8B)];
    /// A linear fixed file.
    const LINEAR_FIXED: [u8; 2] = [0x42, 0x21];
    let mut writer = Writer::new();
    let descriptor = |writer: &mut Writer, kind: &[u8], length: u8| {
        let [first, second] = kind.first_chunk().copied().unwrap_or(LINEAR_FIXED);
        writer.tlv(FILE_DESCRIPTOR, &[first, second, 0, length]);
    };
    let mut record_length = record_length;
    let mut said = false;
    let mut reader = Reader::new(fcp);
    while let Some(tlv) = reader.next()? {
        if tlv.tag == EF_FILE_SIZE {
            continue;
        }
        if let Some(length) = record_length.take() {
            let own = tlv.tag == FILE_DESCRIPTOR;
            descriptor(&mut writer, if own { tlv.value } else { &LINEAR_FIXED }, length);
            if own {
                continue;
            }
        }
        if !said && !BEFORE.contains(&tlv.tag) {
            writer.tlv(EF_FILE_SIZE, &crate::build::minimal(size));
            said = true;
        }
        writer.raw(tlv.raw);
    }
    if let Some(length) = record_length {
        descriptor(&mut writer, &LINEAR_FIXED, length);
    }
    if !said {
        writer.tlv(EF_FILE_SIZE, &crate::build::minimal(size));
    }
    Ok(writer.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vectors::bytes;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_size_stands_in_its_place() {
        // EF.ACL of TS.48 v7: descriptor, identifier, status, access rule, size, fill pattern.
        let acl = "82024121 83026F57 8A0105 8B036F0601 80";
        let rest = "A507 C00100 C10200FF";
        let other = |size: usize| resized(&bytes(&format!("{acl}01C8 {rest}")), size, None).unwrap();
        assert_eq!(other(0xC9), bytes(&format!("{acl}01C9 {rest}")));
        assert_eq!(other(0x1234), bytes(&format!("{acl}021234 {rest}")));
        // Where none is said, and where nothing is.
        let unsaid = bytes("82024121 83026F07 8801 38");
        assert_eq!(resized(&unsaid, 9, None).unwrap(), bytes("82024121 83026F07 800109 880138"));
        assert_eq!(resized(&[], 9, None).unwrap(), bytes("800109"));
        assert_eq!(resized(&[], 9, Some(3)).unwrap(), bytes("820442210003 800109"));
        assert_eq!(resized(&bytes("83026F04"), 9, Some(3)).unwrap(), bytes("820442210003 83026F04 800109"));
    }

    #[test]
    fn a_record_length_stands_in_its_place() {
        // EF.IMPU of TS.48 v7.
        let impu = bytes("820442210040 83026F04 8A0105 8B036F0601 8001C0 A503C00100");
        let longer = bytes("820442210050 83026F04 8A0105 8B036F0601 8001F0 A503C00100");
        assert_eq!(resized(&impu, 0xF0, Some(0x50)).unwrap(), longer);
    }

    #[test]
    fn what_does_not_change_is_not_written() {
        let value = bytes("8001AA 8181 01BB A2038001CC");
        let nothing = edit::<Error>(&value, |_| Ok(None)).unwrap();
        assert!(nothing.is_none());
        // A length in a longer form than need be stays where nothing changes.
        let inner = edit::<Error>(&value, |tlv| {
            if tlv.tag == Tag(0xA2) { edit_inside(tlv, |tlv| Ok(replace(tlv, &[0xDD]))) } else { Ok(None) }
        });
        assert_eq!(*inner.unwrap().unwrap(), bytes("8001AA 8181 01BB A2038001DD"));
    }
}
