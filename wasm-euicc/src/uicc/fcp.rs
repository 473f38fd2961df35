//! File control parameters, the answer to SELECT and STATUS
//! (ETSI TS 102 221 §11.1.1.3).

use tlv::{Tag, Writer};

use super::file::{Directory, Elementary, File, Kind, MF_FID};

/// The template `62`. `pin_enabled` tells whether the PIN with a key reference
/// is enabled; it is asked for the PINs of a directory.
pub(super) fn template(file: &File, pin_enabled: impl Fn(u8) -> bool) -> Vec<u8> {
    Writer::new()
        .nested(Tag(0x62), |fcp| match &file.kind {
            Kind::Directory(directory) => of_directory(fcp, file, directory, pin_enabled),
            Kind::Elementary(elementary) => of_elementary(fcp, file, elementary),
        })
        .finish()
}

fn of_directory(fcp: &mut Writer, file: &File, directory: &Directory, pin_enabled: impl Fn(u8) -> bool) {
    fcp.tlv(Tag(0x82), &[0x78, 0x21]);
    match &directory.aid {
        // The identifier of an ADF is not for commands.
        Some(aid) => fcp.tlv(Tag(0x84), aid),
        None => fcp.tlv(Tag(0x83), &file.fid.to_be_bytes()),
    };
    if file.fid == MF_FID {
        // UICC characteristics: clock stop allowed, no preferred level.
        fcp.tlv(Tag(0xA5), &[0x80, 0x01, 0x71]);
    }
    security(fcp, file);
    fcp.nested(Tag(0xC6), |status| {
        let mut enabled = vec![0; directory.pins.len().div_ceil(8)];
        for (index, &reference) in directory.pins.iter().enumerate() {
            if pin_enabled(reference) {
                enabled[index / 8] |= 0x80 >> (index % 8);
            }
        }
        status.tlv(Tag(0x90), &enabled);
        for &reference in &directory.pins {
            if reference == UNIVERSAL_PIN {
                // Usage qualifier: whether the universal PIN is to be verified.
                status.tlv(Tag(0x95), &[if pin_enabled(reference) { 0x08 } else { 0x00 }]);
            }
            status.tlv(Tag(0x83), &[reference]);
        }
    });
}

fn of_elementary(fcp: &mut Writer, file: &File, elementary: &Elementary) {
    let structure = elementary.structure;
    match structure.record_len() {
        None => fcp.tlv(Tag(0x82), &[structure.descriptor(), 0x21]),
        Some(len) => fcp.tlv(Tag(0x82), &[structure.descriptor(), 0x21, 0, len, elementary.records()]),
    };
    fcp.tlv(Tag(0x83), &file.fid.to_be_bytes());
    if elementary.special != 0 {
        fcp.tlv(Tag(0xA5), &[0xC0, 0x01, elementary.special]);
    }
    security(fcp, file);
    let size = elementary.size.to_be_bytes();
    let start = if size[..2] == [0, 0] { 2 } else { 0 };
    fcp.tlv(Tag(0x80), &size[start..]);
    match elementary.sfi {
        Some(sfi) => fcp.tlv(Tag(0x88), &[sfi << 3]),
        None => fcp.tlv(Tag(0x88), &[]),
    };
}

const UNIVERSAL_PIN: u8 = 0x11;

/// Life cycle status and the reference to the access rules.
fn security(fcp: &mut Writer, file: &File) {
    fcp.tlv(Tag(0x8A), &[if file.deactivated { 0x04 } else { 0x05 }]);
    if let Some(access) = file.access {
        let [high, low] = access.arr.to_be_bytes();
        fcp.tlv(Tag(0x8B), &[high, low, access.record]);
    }
}
