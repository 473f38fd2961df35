use saip::ProfileElement;
use saip::response::PeStatus;

use super::*;
use crate::bench::{Bench, install};
use crate::nvm::{MemoryMedium, Store};

const TS48: &str = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
const USIM: &str = "00A4040C 0C A0000000871002FF49FF0589";

#[test]
fn the_generic_test_profile_installs_and_reads_back() {
    let Some(package) = vectors::read(TS48) else { return };
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 512 * 1024).unwrap();
    let free = store.free();
    let installed = install(&mut store, &mut medium, SlotId(1), &package).unwrap();
    assert_eq!(installed.iccid[..], vectors::bytes("98001032547698103214"));
    assert_eq!(installed.imsi.as_deref(), Some("001010123456789"));
    assert!(installed.only_test_keys);
    assert!(installed.response.is_ok());
    assert_eq!(installed.response.encode().unwrap(), vectors::bytes("3007A0053003800100"));
    assert!(store.free() < free);
    let mut tx = store.begin();
    tx.delete_slot(SlotId(1));
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.free(), free);

    let mut bench = Bench::with_profile(&package);
    bench.play(&[
        ("00A4000C 02 2FE2", "9000"),
        ("00B0000000", "98001032547698103214 9000"),
        (USIM, "9000"),
        ("00A4000C 02 6F07", "9000"),
        ("00B0000009", "080910101032547698 9000"),
    ]);
}
