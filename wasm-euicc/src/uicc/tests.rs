use crate::bench::{Bench, medium_with};
use crate::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The GSMA generic test profile, TS.48 v7: PIN1 0000 (disabled at first), PIN2
/// 9999, PUK 11111111 and 22222222, ADM1 55555555.
fn ts48() -> Option<Bench<MemoryMedium>> {
    let package = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der")?;
    Some(Bench::with_profile(&package))
}

const USIM: &str = "A0000000871002FF49FF0589";
const ISIM: &str = "A0000000871004FF49FF0589";

#[test]
fn without_a_profile_there_is_a_minimal_file_system() {
    let mut bench = Bench::empty();
    bench.play(&[
        ("00A40004 02 3F00", "6219 8202 7821 8302 3F00 A503800171 8A0105 8B032F0601 C6029000 9000"),
        ("00A40004 02 2F08", "6217 8202 4121 8302 2F08 8A0105 8B032F0601 80020005 880140 9000"),
        ("00B0000000", "3C00000000 9000"),
        ("00B0880005", "3C00000000 9000"),
        ("00D6000001 00", "6982"),
        ("00B0850000", "6A82"),
        ("00A4000C 02 2FE2", "6A82"),
        ("00A4000C 02 2F00", "6A82"),
        (&format!("00A4040C 0C {USIM}"), "6A82"),
        ("00200001 00", "6A88"),
    ]);
}

#[test]
fn file_control_parameters_are_byte_exact() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        // PIN1 disabled, ADM1 and ADM2 enabled.
        (
            "00A40004 02 3F00",
            "6223 8202 7821 8302 3F00 A503800171 8A0105 8B032F0601 C60C 900160 830101 83010A 83010B 9000",
        ),
        // Transparent with special file information and short identifier.
        ("00A40004 02 2FE2", "621C 8202 4121 8302 2FE2 A503C00140 8A0105 8B032F0603 8002000A 880110 9000"),
        // Linear fixed: record length and number of records.
        ("00A40004 02 2F00", "621F 8205 4221002104 8302 2F00 A503C00140 8A0105 8B032F0602 80020084 8801F0 9000"),
        // No short identifier: the object is there, empty.
        ("00A40004 02 2FFB", "621E 8205 4221007C0A 8302 2FFB A503C00140 8A0105 8B032F060E 800204D8 8800 9000"),
        // A directory without special parameters.
        (
            "00A40004 02 7F10",
            "6221 8202 7821 8302 7F10 8A0105 8B032F0601 C60F 9001B0 830181 830101 83010A 83010B 9000",
        ),
        // Cyclic.
        ("00A40004 02 6F44", "6219 8205 4621001A05 8302 6F44 8A0105 8B032F0607 80020082 8800 9000"),
        // An ADF: its AID stands where others have their identifier.
        (
            &format!("00A40404 0C {USIM}"),
            "622B 8202 7821 840C A0000000871002FF49FF0589 8A0105 8B032F0601 C60F 9001B0 830181 830101 83010A 83010B 9000",
        ),
        ("00A40004 02 6F07", "6217 8202 4121 8302 6F07 8A0105 8B036F060A 80020009 880138 9000"),
    ]);
}

#[test]
fn selection_by_identifier_follows_the_search_order() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        // Children of the MF; not of other directories.
        ("00A4000C 02 2FE2", "9000"),
        ("00A4000C 02 6F07", "6A82"),
        // An EF does not change the directory: its siblings are reached.
        ("00A4000C 02 2F05", "9000"),
        ("00A4000C 02 7F10", "9000"),
        // EFs of the MF cannot be reached from below.
        ("00A4000C 02 2FE2", "6A82"),
        ("00A4000C 02 6F06", "9000"),
        ("00A4000C 02 5F3A", "9000"),
        ("00A4000C 02 4F30", "9000"),
        // Own directory, directories beside it, parent.
        ("00A4000C 02 5F3A", "9000"),
        ("00A4000C 02 5F50", "9000"),
        ("00A4000C 02 7F10", "9000"),
        ("00A4000C 02 3F00", "9000"),
        // No application is open; its temporary identifier is nobody's.
        ("00A4000C 02 7FFF", "6A82"),
        ("00A4000C 02 7FD0", "6A82"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00A4000C 02 7FD0", "6A82"),
        ("00A4000C 02 5F3B", "9000"),
        ("00A4000C 02 7FFF", "9000"),
        ("00A4000C 02 6F07", "9000"),
        ("00A4000C 02 3F00", "9000"),
        // The session of the application goes on.
        ("00A4000C 02 7FFF", "9000"),
        ("00A4000C 02 6F07", "9000"),
        // Nothing changed by what was not found.
        ("00A4000C 02 EEEE", "6A82"),
        ("00B0000009", "080910101032547698 9000"),
    ]);
}

#[test]
fn selection_by_path_child_and_parent() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        ("00A4080C 04 7F106F44", "9000"),
        ("00A4080C 06 7F105F3A4F30", "9000"),
        ("00A4090C 02 4F22", "9000"),
        ("00A4080C 02 2FE2", "9000"),
        ("00B0000002", "9800 9000"),
        // Through an elementary file, and to nothing.
        ("00A4080C 04 2FE22FE2", "6A82"),
        ("00A4080C 04 7F106F07", "6A82"),
        ("00A4080C 03 7F106F", "6700"),
        ("00A4080C 04 7FFF6F07", "6A82"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00A4080C 04 7FFF6F07", "9000"),
        ("00B0000009", "080910101032547698 9000"),
        ("00A4090C 04 5F3B4F20", "9000"),
        ("00A4030C", "9000"),
        ("00A4010C 02 5F3B", "9000"),
        ("00A4010C 02 4F20", "6A82"),
        ("00A4030C", "9000"),
        ("00A4030C", "9000"),
        ("00A4030C", "6A82"),
        ("00A4010C 02 7F10", "9000"),
        ("00A4020C 02 7F10", "6A86"),
        ("00A40010 02 3F00", "6A86"),
        ("00A40008 02 3F00", "6A86"),
    ]);
}

#[test]
fn selection_of_applications_by_aid() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        ("80F2000C", "9000"),
        ("80F20001 00", "6985"),
        // Cut off: the first that fits, then the next ones.
        ("00A4040C 05 A000000087", "9000"),
        ("80F20001 00", &format!("840C{USIM} 9000")),
        ("00A4040E 05 A000000087", "9000"),
        ("80F20001 0E", &format!("840C{ISIM} 9000")),
        ("00A4040E 05 A000000087", "6A82"),
        ("00A4040F 05 A000000087", "9000"),
        ("80F20001 00", &format!("840C{USIM} 9000")),
        ("00A4040F 05 A000000087", "6A82"),
        ("00A4040D 05 A000000087", "9000"),
        ("80F20001 00", &format!("840C{ISIM} 9000")),
        ("00A4040C 0D A0000000871002FF49FF058900", "6A82"),
        ("80F20101 00", &format!("840C{ISIM} 9000")),
        ("80F20300 00", "6A86"),
        ("80F20002 00", "6A86"),
        // The end of a session.
        (&format!("00A4044C 0C {ISIM}"), "9000"),
        ("80F20001 00", "6985"),
    ]);
    assert_eq!(bench.raw("80F200010D"), "6985");
    bench.ok(&format!("00A4040C0C{ISIM}"));
    assert_eq!(bench.raw("80F200010D"), "6C0E");
    bench.ok("00A4000C023F00");
    // STATUS gives the FCP of the current directory, also with an EF selected.
    bench.ok("00A4000C022FE2");
    assert!(bench.ok("80F2000000").contains("83023F00"));
    // Le 00 is all there is; too little or too much gets the right one.
    let fcp = bench.ok("80F2000000");
    assert_eq!(bench.raw("80F2000010"), format!("6C{:02X}", fcp.len() / 2));
}

#[test]
fn binary_files_are_read_and_written() {
    let Some(mut bench) = ts48() else { return };
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.play(&[
        // By short identifier, which makes the file current.
        ("00B0870009", "080910101032547698 9000"),
        ("00B0000000", "080910101032547698 9000"),
        ("00B0000502", "3254 9000"),
        ("00B0000703", "7698 9000"),
        ("00B0000900", "6B00"),
        ("00B0010000", "6B00"),
        ("00B0C00000", "6A86"),
        ("00B09F0000", "6A86"),
        ("00B0920001", "00 9000"),
    ]);
    assert_eq!(bench.raw("00B0870703"), "6C02");
    assert_eq!(bench.raw("00B0870000 "), "0809101010325476989000");
    // UPDATE of EF.LOCI with PIN1 (disabled counts as verified).
    bench.play(&[
        ("00D68B00 0B 47D1264A62F21037211E00", "9000"),
        ("00B08B0000", "47D1264A62F21037211E00 9000"),
        ("00D6000A 01 01", "9000"),
        ("00D6000A 02 0101", "6700"),
        ("00D6000B 01 01", "6B00"),
        ("00D60000", "6700"),
        ("00B0000A01", "01 9000"),
        // EF.IMSI needs ADM1.
        ("00D68700 01 08", "6982"),
        // Records are another structure.
        ("00A4000C 02 6F3C", "9000"),
        ("00B0000001", "6981"),
        ("00D6000001 00", "6981"),
        ("00A4000C 02 6F07", "9000"),
        ("00B2010409", "6981"),
        ("00A4000C 02 7FFF", "9000"),
        ("00B0000001", "6986"),
        ("00B2010409", "6986"),
    ]);
}

#[test]
fn records_are_read_and_written_in_every_mode() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        ("00A4000C 02 2F00", "9000"),
        ("00B2010421", "61144F0CA0000000871002FF49FF058950045553494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        // Absolute access leaves the pointer alone.
        ("00B2000421", "6A83"),
        ("00B2000200", "61144F0CA0000000871002FF49FF058950045553494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00B2000200", "61144F0CA0000000871004FF49FF058950044953494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00B2000421", "61144F0CA0000000871004FF49FF058950044953494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00B2000300", "61144F0CA0000000871002FF49FF058950045553494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00B2000300", "6A83"),
        ("00B2050421", "6A83"),
        ("00B2010521", "6A86"),
        ("00B2010221", "6A86"),
        // By short identifier 1E.
        ("00B202F421", "61144F0CA0000000871004FF49FF058950044953494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00DC0104 01 00", "6982"),
    ]);
    assert_eq!(bench.raw("00B2010420"), "6C21");
    // A wrong Le does not move the pointer.
    bench.ok("00A4000C022F00");
    assert_eq!(bench.raw("00B2000210"), "6C21");
    assert!(bench.raw("00B2000221").contains("871002"));
    // From behind.
    bench.ok("00A4000C022F00");
    assert!(bench.ok("00B2000321").starts_with("FFFF"));

    // EF.SMS: linear fixed, written with PIN1.
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.ok("00A4000C026F3C");
    let record = format!("03{}", "AA".repeat(175));
    bench.ok(&format!("00DC0204B0{record}"));
    assert_eq!(bench.ok("00B20204B0"), record);
    assert_eq!(bench.sw("00DC0204AF"), "6700");
    assert_eq!(bench.sw(&format!("00DC0204AF{}", "AA".repeat(175))), "6700");
    assert_eq!(bench.sw(&format!("00DC0004B0{record}")), "6A83");
    bench.ok(&format!("00DC0002B0{record}"));
    assert_eq!(bench.ok("00B20104B0"), record);
}

#[test]
fn cyclic_files_turn_and_increase() {
    let Some(mut bench) = ts48() else { return };
    // EF.LND in DF.TELECOM: five records of 26 bytes.
    bench.ok("00A4080C047F106F44");
    for number in 1..=6 {
        bench.ok(&format!("00DC0003 1A {}", format!("{number:02X}").repeat(26)));
    }
    for (record, number) in [(1, 6), (2, 5), (5, 2)] {
        assert_eq!(bench.ok(&format!("00B2{record:02X}041A")), format!("{number:02X}").repeat(26));
    }
    bench.play(&[
        (&format!("00DC0104 1A {}", "00".repeat(26)), "6A86"),
        (&format!("00DC0003 19 {}", "00".repeat(25)), "6700"),
    ]);
    // The pointer is on the new record; before the first is the last.
    assert_eq!(bench.ok("00B200031A"), "02".repeat(26));
    assert_eq!(bench.ok("00B200021A"), "06".repeat(26));

    // EF.ACM in the USIM counts.
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.ok("00A4000C026F39");
    let before = bench.ok("00B2010403");
    assert_eq!(before, "000000");
    let sw = bench.sw("80320000 03 000005");
    if sw == "9000" {
        assert_eq!(bench.ok("80320000 03 0000FF"), "0001040000FF");
        assert_eq!(bench.ok("00B2010403"), "000104");
        assert_eq!(bench.sw("80320000 03 FFFFFF"), "9850");
        assert_eq!(bench.ok("00B2010403"), "000104");
        assert_eq!(bench.sw("80320000"), "6700");
        assert_eq!(bench.sw("80320100 03 000001"), "6A86");
    } else {
        // No rule of this profile names INCREASE.
        assert_eq!(sw, "6982");
    }
    bench.ok("00A4000C026F07");
    assert_eq!(bench.sw("8032000003000001"), "6982");
}

#[test]
fn records_are_searched() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        ("00A4000C 02 2F00", "9000"),
        ("00A20104 04 55534941", "6282"),
        ("00A20104 04 5553494D", "01 9000"),
        ("00A20104 05 A000000087", "0102 9000"),
        ("00A20405 05 A000000087", "0201 9000"),
        // The pointer is on the first found.
        ("00A20204 05 A000000087", "02 9000"),
        ("00B2000421", "61144F0CA0000000871004FF49FF058950044953494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        // Enhanced: from an offset, after a byte, from the next record.
        ("00A20106 07 0404 A000000087", "0102 9000"),
        ("00A20106 07 0405 A000000087", "6282"),
        ("00A20106 07 0C0C A000000087", "0102 9000"),
        ("00A2000604 0600 4F0C", "02 9000"),
        ("00A2000604 0600 4F0C", "6282"),
        ("00A20107 01 61", "6A86"),
        ("00A20106 01 04", "6700"),
        ("00A20104", "6700"),
        ("00A20504 01 61", "6A83"),
        ("00A4000C 02 2FE2", "9000"),
        ("00A20104 01 61", "6981"),
    ]);
}

#[test]
fn a_pin_lives_its_life() {
    let Some(mut bench) = ts48() else { return };
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.play(&[
        // Disabled at first: files of PIN1 are open, VERIFY is not possible.
        ("00200001", "63C3"),
        ("00200001 08 30303030FFFFFFFF", "6984"),
        ("00260001 08 30303030FFFFFFFF", "6984"),
        ("00240001 10 30303030FFFFFFFF31313131FFFFFFFF", "6984"),
        ("00280001 08 31313131FFFFFFFF", "63C2"),
        ("00280001 08 30303030FFFFFFFF", "9000"),
        ("00280001 08 30303030FFFFFFFF", "6985"),
    ]);
    // FCP of the MF now tells that PIN1 is enabled.
    assert!(bench.ok("00A40004023F00").contains("9001E0830101"));
    bench.chip.reset();
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.play(&[
        ("00B0870009", "6982"),
        ("00880081 22 10 00112233445566778899AABBCCDDEEFF 10 00112233445566778899AABBCCDDEEFF", "6982"),
        ("00200001 07 30303030FFFFFF", "6700"),
        ("00200101 08 30303030FFFFFFFF", "6A86"),
        ("00200005 08 30303030FFFFFFFF", "6A88"),
        ("00200001 08 30303030FFFFFFFF", "9000"),
        ("00B0870009", "080910101032547698 9000"),
        ("00240001 10 30303030FFFFFFFF31323334FFFFFFFF", "9000"),
        ("00240001 08 30303030FFFFFFFF", "6700"),
        ("00240001 10 30303030FFFFFFFF31323334FFFFFFFF", "63C2"),
        // A wrong value takes the access away.
        ("00B0870009", "6982"),
        ("00200001 08 31323334FFFFFFFF", "9000"),
        ("00200001", "63C3"),
        ("00200001 08 30303030FFFFFFFF", "63C2"),
        ("00200001 08 30303030FFFFFFFF", "63C1"),
    ]);
    // The counter survives a power failure.
    let medium = bench.chip.into_env().medium;
    let mut bench = Bench::on(medium);
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.play(&[
        ("00200001", "63C1"),
        ("00200001 08 30303030FFFFFFFF", "6983"),
        ("00200001 08 31323334FFFFFFFF", "6983"),
        ("00200001", "6983"),
        ("00240001 10 31323334FFFFFFFF30303030FFFFFFFF", "6983"),
        ("00260001 08 31323334FFFFFFFF", "6983"),
        ("002C0001", "63CA"),
        ("002C0001 10 313131313131313230303030FFFFFFFF", "63C9"),
        ("002C0001 10 313131313131313130303030FFFFFFFF", "9000"),
        ("002C0001", "63CA"),
        ("00B0870009", "080910101032547698 9000"),
        ("00260001 08 30303030FFFFFFFF", "9000"),
    ]);
    bench.chip.reset();
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.ok("00B0870009");
    // ADM1 has no unblocking PIN, and cannot be disabled.
    bench.play(&[
        ("002C000A 10 313131313131313130303030FFFFFFFF", "6A88"),
        ("0026000A 08 3535353535353535", "6985"),
    ]);
    for left in (0..10).rev() {
        let expected = if left == 0 { "6983".to_owned() } else { format!("63C{left:X}") };
        assert_eq!(bench.sw("0020000A083030303030303030"), expected);
    }
}

#[test]
fn an_unblocking_pin_blocks_for_good() {
    let Some(mut bench) = ts48() else { return };
    for left in (0..10).rev() {
        let expected = if left == 0 { "6983".to_owned() } else { format!("63C{left:X}") };
        assert_eq!(bench.sw("002C0001103030303030303030 30303030FFFFFFFF"), expected);
    }
    assert_eq!(bench.sw("002C0001103131313131313131 30303030FFFFFFFF"), "6983");
}

#[test]
fn pin_2_is_of_its_application_and_goes_with_it() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        // In the MF there is none.
        ("00200081 08 39393939FFFFFFFF", "6A88"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00200081", "63C3"),
        // EF.FDN: update with PIN2.
        ("00A4000C 02 6F3B", "9000"),
        (&format!("00DC0104 1C {}", "FF".repeat(28)), "6982"),
        ("00200081 08 39393939FFFFFFFF", "9000"),
        (&format!("00DC0104 1C {}", "FF".repeat(28)), "9000"),
        // A directory below has the PINs of its application.
        ("00A4000C 02 5F3B", "9000"),
        ("00200081 08 38383838FFFFFFFF", "63C2"),
        ("00200081 08 39393939FFFFFFFF", "9000"),
        // The ISIM has one of its own.
        (&format!("00A4040C 0C {ISIM}"), "9000"),
        ("00200081", "63C3"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00A4000C 02 6F3B", "9000"),
        (&format!("00DC0104 1C {}", "FF".repeat(28)), "6982"),
    ]);
    // While another channel is in the same session, it stays verified.
    bench.ok("0020008108 39393939FFFFFFFF");
    assert_eq!(bench.ok("0070000001"), "01");
    bench.play(&[
        (&format!("01A4040C 0C {USIM}"), "9000"),
        (&format!("00A4040C 0C {ISIM}"), "9000"),
        ("01A4000C 02 6F3B", "9000"),
        (&format!("01DC0104 1C {}", "FF".repeat(28)), "9000"),
        ("00708001", "9000"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00A4000C 02 6F3B", "9000"),
        (&format!("00DC0104 1C {}", "FF".repeat(28)), "6982"),
    ]);
}

#[test]
fn channels_have_selections_of_their_own() {
    let Some(mut bench) = ts48() else { return };
    bench.ok(&format!("00A4040C0C{USIM}"));
    bench.ok("00A4000C026F07");
    assert_eq!(bench.ok("0070000001"), "01");
    bench.play(&[
        ("01B0000001", "6986"),
        ("01A4000C 02 2FE2", "9000"),
        ("00B0000009", "080910101032547698 9000"),
        ("01B0000002", "9800 9000"),
        // Opened from channel 1, where no application is open.
        ("0170000001", "02 9000"),
        ("02A4000C 02 7FFF", "6A82"),
        (&format!("01A4040C 0C {USIM}"), "9000"),
        ("0170000001", "03 9000"),
        ("03A4000C 02 6F07", "9000"),
        ("03B0000001", "08 9000"),
    ]);
}

#[test]
fn files_are_deactivated_and_activated() {
    let Some(mut bench) = ts48() else { return };
    bench.play(&[
        ("00A4000C 02 2F05", "9000"),
        ("00040000", "6982"),
        ("0020000A 08 3535353535353535", "9000"),
        ("0020000B 08 3636363636363636", "9000"),
        ("00A4000C 02 2FE2", "9000"),
        ("00040000", "9000"),
        // Selectable with a warning; this one stays readable (bit 7).
        ("00A4000C 02 2FE2", "6283"),
        ("00B0000002", "9800 9000"),
    ]);
    assert!(bench.send("00A40004022FE2").0.contains("8A0104"));
    bench.play(&[
        ("00440000 02 2FE2", "9000"),
        ("00A4000C 02 2FE2", "9000"),
        ("00440000 02 EEEE", "6A82"),
        ("00440001", "6A86"),
        ("00A4000C 02 3F00", "9000"),
        ("00040000", "6986"),
        // Not readable while deactivated: EF.LOCI-like without bit 7.
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("00A4000C 02 6F42", "9000"),
    ]);
}

/// The test algorithm of TS 34.108 §8.1.2 with K 00..0F, computed by hand:
/// XDOUT = K xor RAND, RES = XDOUT, CK and IK rotated, AK = XDOUT[3..9],
/// MAC = XDOUT[0..8] xor (SQN, AMF), Kc = CK halves xor IK halves.
#[test]
fn the_usim_authenticates_by_the_test_algorithm() {
    let Some(mut bench) = ts48() else { return };
    let rand = vectors::bytes("00112233445566778899AABBCCDDEEFF");
    let xdout: Vec<u8> = rand.iter().zip(0u8..).map(|(byte, k)| byte ^ k).collect();
    let autn = |sqn: [u8; 6], amf: [u8; 2]| {
        let concealed: Vec<u8> = sqn.iter().zip(&xdout[3..9]).map(|(a, b)| a ^ b).collect();
        let cdout = [&sqn[..], &amf].concat();
        let mac: Vec<u8> = cdout.iter().zip(&xdout[..8]).map(|(a, b)| a ^ b).collect();
        [concealed, amf.to_vec(), mac].concat()
    };
    let hex = crate::bench::hex;
    let challenge = |autn: &[u8]| format!("0088008122 10{}10{}", hex(&rand), hex(autn));
    let rotated = |by: usize| [&xdout[by..], &xdout[..by]].concat();
    let good = challenge(&autn([0, 0, 0, 0, 0, 0x21], [0x80, 0]));
    // Not in the MF.
    assert_eq!(bench.sw(&good), "6985");
    bench.ok(&format!("00A4040C0C{USIM}"));
    let answer = bench.ok(&good);
    let expected = format!("DB10{}10{}10{}", hex(&xdout), hex(&rotated(1)), hex(&rotated(2)));
    assert!(answer.starts_with(&expected), "{answer}");
    // Kc is there when EF.UST has service 27.
    let ust = vectors::bytes(&bench.ok("00B0840000"));
    let kc: Vec<u8> =
        (0..8).map(|i| rotated(1)[i] ^ rotated(1)[i + 8] ^ rotated(2)[i] ^ rotated(2)[i + 8]).collect();
    assert_eq!(ust[3] & 0x04, 0x04);
    assert_eq!(answer, format!("{expected}08{}", hex(&kc)));
    // From a directory of the application too.
    bench.ok("00A4000C025F3B");
    assert_eq!(bench.ok(&good), answer);
    // AMF FFFF: AUTS.
    let auts = bench.ok(&challenge(&autn([0, 0, 0, 0, 0, 0x41], [0xFF, 0xFF])));
    assert!(auts.starts_with("DC0E"));
    assert_eq!(auts.len(), 32);
    // A wrong MAC, wrong forms, other contexts.
    let mut bad = autn([0, 0, 0, 0, 0, 0x61], [0x80, 0]);
    bad[15] ^= 1;
    assert_eq!(bench.sw(&challenge(&bad)), "9862");
    bench.play(&[
        ("00880081 01 10", "6700"),
        (&format!("00880081 12 0F{}00", "00".repeat(16)), "6A80"),
        (&format!("00880081 23 10{0}10{0}00", "00".repeat(16)), "6700"),
        (&format!("00880084 11 10{}", "00".repeat(16)), "9864"),
        (&format!("00880083 11 10{}", "00".repeat(16)), "6A86"),
        (&format!("00880181 11 10{}", "00".repeat(16)), "6A86"),
    ]);
    // GSM context: EF.UST has service 38; a directory above is not the USIM's.
    assert_eq!(ust[4] & 0x20, 0x20);
    let gsm = format!("0088008011 10{}", hex(&rand));
    let sres: Vec<u8> = (0..4).map(|i| xdout[i] ^ xdout[i + 4] ^ xdout[i + 8] ^ xdout[i + 12]).collect();
    assert_eq!(bench.ok(&gsm), format!("04{}08{}", hex(&sres), hex(&kc)));
    bench.ok("00A4000C023F00");
    assert_eq!(bench.sw(&gsm), "6985");
}

#[test]
fn a_challenge_is_as_long_as_asked_for() {
    let mut bench = Bench::empty();
    assert_eq!(bench.ok("0084000008").len(), 16);
    assert_ne!(bench.ok("0084000008"), bench.ok("0084000008"));
    assert_eq!(bench.sw("00840000"), "6700");
    assert_eq!(bench.sw("0084010008"), "6A86");
}

/// The table of TS.48 v7 without data download by short message and cell
/// broadcast (28, 29) and the security of VGCS and VBS (64, 65).
#[test]
fn services_that_the_chip_does_not_give_are_not_announced() {
    let Some(mut bench) = ts48() else { return };
    bench.ok(&format!("00A4040C0C{USIM}"));
    let given = vectors::bytes("9EFFBF1DFF3E0083410310010400003E11");
    let own = vectors::bytes(&bench.ok("00B0840000"));
    let services = |table: &[u8]| -> Vec<usize> {
        (0..table.len() * 8).filter(|n| table[n / 8] >> (n % 8) & 1 == 1).map(|n| n + 1).collect()
    };
    let gone: Vec<usize> =
        services(&given).into_iter().filter(|service| !services(&own).contains(service)).collect();
    assert_eq!(gone, [29, 64, 65]);
    assert!(services(&own).iter().all(|service| services(&given).contains(service)));
}

/// IMSI 001010123456789, routing indicator 0, null scheme: what the TS.48
/// profile without SUCI keys gives.
#[test]
fn the_usim_conceals_its_identity() {
    let Some(mut bench) = ts48() else { return };
    assert_eq!(bench.sw("8078000100"), "6985");
    bench.ok(&format!("00A4040C0C{USIM}"));
    assert_eq!(bench.ok("8078000100"), "A10D0100F110F0FF00001032547698");
    assert_eq!(bench.sw("8078000000"), "6A86");
    assert_eq!(bench.sw("0078000100"), "6E00");
}

/// What a terminal sends at start-up, in its order (spec 05 §10).
#[test]
fn a_terminal_starts_up() {
    let Some(mut bench) = ts48() else { return };
    bench.chip.reset();
    assert!(bench.ok("00A40004023F00").starts_with("62"));
    bench.play(&[
        ("80AA0000 0A A9088100820101830107", "9000"),
        ("00A40004 02 2FE2", "621C 8202 4121 8302 2FE2 A503C00140 8A0105 8B032F0603 8002000A 880110 9000"),
        ("00B000000A", "98001032547698103214 9000"),
        ("00A4000C 02 2F00", "9000"),
        ("00B2010421", "61144F0CA0000000871002FF49FF058950045553494D FFFFFFFFFFFFFFFFFFFFFF 9000"),
        ("00A4000C 02 2F05", "9000"),
        ("00B0000000", "656EFFFFFFFF 9000"),
        ("80100000 04 FFFFFFFF", "9000"),
        (&format!("00A4040C 0C {USIM}"), "9000"),
        ("80F2010C", "9000"),
    ]);
    for file in [
        "6FB7", "6F38", "6F56", "6FAD", "6F07", "6F78", "6F46", "6F31", "6F60", "6F7B", "6F7E", "6F40",
        "6F42",
    ] {
        let fcp = bench.ok(&format!("00A4000402{file}"));
        if fcp.contains("82054") {
            bench.ok("00B2010400");
        } else {
            bench.ok("00B0000000");
        }
    }
    bench.ok("00A4000C026F7E");
    bench.ok("00D600000B FFFFFFFF00F1100001FF00");
    bench.ok("00A4000C026FE3");
    bench.ok("00D6000012 0BF600F110000101000000010 0F1100001 00".replace(' ', "").as_str());
}

#[test]
fn power_may_fail_in_every_write_of_commands() {
    use crate::nvm::TornMedium;
    let Some(package) = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der") else { return };
    let medium = medium_with(&package);
    let open = |medium| {
        let mut bench = Bench::on(medium);
        bench.raw(&format!("00A4040C0C{USIM}"));
        bench
    };
    // LOCI, a wrong PIN2, FPLMN: three writes.
    let story = [
        "00D68B000B0102030405060708090A0B",
        "002000810838383838FFFFFFFF",
        "00D68D000C0102030405060708090A0B0C",
    ];
    for write in 0..3 {
        for at in [0, 1, 10, 18, 30, 1000] {
            let mut bench = open(TornMedium::new(medium.clone(), write, at));
            let answers: Vec<String> = story.iter().map(|command| bench.raw(command)).collect();
            assert_eq!(answers[write], "6581", "write {write}");
            let torn = bench.chip.into_env().medium;
            assert!(torn.is_dead());
            let mut again = open(TornMedium::new(torn.inner, usize::MAX, 0));
            let done = |index: usize| index < write || (index == write && at == 1000);
            assert_eq!(again.ok("00B08B000B") == "0102030405060708090A0B", done(0));
            assert_eq!(again.sw("00200081"), if done(1) { "63C2" } else { "63C3" });
            assert_eq!(again.ok("00B08D000C") == "0102030405060708090A0B0C", done(2));
        }
    }
}
