//! The file system that is seen while no profile is enabled (SGP.22 §3.4): an
//! MF that tells how much power the chip needs, and no more.

use super::Error;
use super::file::{
    ABOVE_MF, AccessReference, Directory, Elementary, File, Kind, MF, MF_FID, Structure, put_body, put_header,
};
use crate::nvm::{Key, Medium, SlotId, SlotKey, Store, View as _};

/// Makes the default file system where there is none yet.
pub(crate) fn ensure_default(store: &mut Store, medium: &mut dyn Medium) -> Result<(), Error> {
    const EF_ARR: u16 = 0x2F06;
    const EF_UMPC: u16 = 0x2F08;
    /// Read always, everything else never.
    const RULE: [u8; 10] = [0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x5A, 0x97, 0x00];
    /// 60 mA at most, no power-on delay, no further information.
    const UMPC: [u8; 5] = [0x3C, 0x00, 0x00, 0x00, 0x00];

    let slot = SlotId::DEFAULT;
    let marker = Key::Slot(slot, SlotKey::Profile);
    if store.get(marker).is_some() {
        return Ok(());
    }
    let access = Some(AccessReference { arr: EF_ARR, record: 1 });
    let file = |fid, kind| File { fid, kind, deactivated: false, access };
    let elementary = |fid, body, structure, size, sfi| {
        file(fid, Kind::Elementary(Elementary { structure, body, size, sfi, special: 0 }))
    };
    let mut tx = store.begin();
    tx.put(marker, Vec::new())?;
    let mf = file(MF_FID, Kind::Directory(Directory { id: MF, aid: None, pins: Vec::new() }));
    put_header(&mut tx, slot, ABOVE_MF, &mf)?;
    let arr = Structure::LinearFixed(RULE.len() as u8);
    put_header(&mut tx, slot, MF, &elementary(EF_ARR, 1, arr, RULE.len() as u32, Some(6)))?;
    put_body(&mut tx, slot, 1, RULE.to_vec())?;
    let umpc = elementary(EF_UMPC, 2, Structure::Transparent, UMPC.len() as u32, Some(8));
    put_header(&mut tx, slot, MF, &umpc)?;
    put_body(&mut tx, slot, 2, UMPC.to_vec())?;
    tx.commit(medium)
}
