use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Every row against the transcription of the format's Annex A that lies beside
/// the repository.
#[test]
fn rows_are_those_of_annex_a() {
    let Some(text) = vectors::read("saip-templates.json") else { return };
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let templates = json["templates"].as_array().unwrap();
    assert_eq!(templates.len(), TEMPLATES.len());
    for expected in templates {
        let dotted = expected["oid"].as_str().unwrap();
        let arcs: Vec<u8> = dotted
            .strip_prefix("2.23.143.1.2.")
            .unwrap()
            .split('.')
            .map(|arc| arc.parse().unwrap())
            .collect();
        let template = by_number(arcs[0], arcs.get(1).copied().unwrap_or(1)).expect(dotted);
        assert_eq!(template.oid().to_string(), dotted);
        assert_eq!(by_oid(&template.oid()).unwrap().oid(), template.oid());
        assert_eq!(template.kind.name(), expected["pe"].as_str().unwrap());
        assert_eq!(template.created_by_default, expected["created_by_default"].as_bool().unwrap());
        let files = expected["files"].as_array().unwrap();
        assert_eq!(template.rows().count(), files.len(), "{dotted}");
        let base = files[0]["fid"].as_str().filter(|_| files[0]["type"] == "DF");
        for file in files {
            compare(template, file, base);
        }
    }
}

fn compare(template: &Template, file: &serde_json::Value, base: Option<&str>) {
    let what = format!("{} {}", template.oid(), file["pe"]);
    let row = template.row(number(&file["ctx"]).unwrap() as u8).expect(&what);
    assert_eq!(row.name, file["name"].as_str().unwrap(), "{what}");
    let fid = |value: &serde_json::Value| value.as_str().map(|text| u16::from_str_radix(text, 16).unwrap());
    assert_eq!(row.fid, fid(&file["fid"]), "{what}");
    assert_eq!(row.fid_last, fid(&file["fid_last"]).or(row.fid), "{what}");
    assert_eq!(u64::from(row.arr), number(&file["arr"]).unwrap(), "{what}");
    assert_eq!(row.sfi.map(u64::from), number(&file["sfi"]), "{what}");
    assert_eq!(row.high_update, file["high_update"].as_bool().unwrap(), "{what}");

    // The transcription leaves the template's own DF out of most paths.
    let mut path: Vec<&str> = file["path"].as_str().unwrap().split('/').filter(|df| !df.is_empty()).collect();
    match base {
        Some(_) if row.number == 2 => path.clear(),
        Some(base) if path.first() != Some(&base) => path.insert(0, base),
        _ => {}
    }
    let path: Vec<u16> = path.iter().map(|df| u16::from_str_radix(df, 16).unwrap()).collect();
    assert_eq!(row.path, path, "{what}");

    let size = number(&file["size"]).map(|size| size as u32);
    let small = |key: &str| number(&file[key]).map(|n| n as u8);
    let (records, length) = (small("nrec"), small("reclen"));
    let kind = match file["type"].as_str().unwrap() {
        "MF" | "DF" | "ADF" => RowKind::Directory,
        "TR" => RowKind::Transparent { size },
        "BT" => RowKind::BerTlv { size },
        "LF" => RowKind::LinearFixed { records, length },
        "CY" => RowKind::Cyclic { records, length },
        other => panic!("{other}"),
    };
    assert_eq!(row.kind, kind, "{what}");
    if kind != RowKind::Directory {
        assert_eq!(row.content_required, file["content_required"].as_bool().unwrap(), "{what}");
    }
    let must_give = file["must_give"].as_array().unwrap();
    assert_eq!(row.sfi_required, must_give.iter().any(|key| key == "sfi"), "{what}");
    compare_content(row, file, &what);
    compare_services(row, &file["service"], &what);
}

fn compare_content(row: &Row, file: &serde_json::Value, what: &str) {
    let Some(text) = file["default"].as_str() else {
        assert_eq!(row.content, Content::None, "{what}");
        return;
    };
    // The sizes of the transcription, and twelve bytes where it has none.
    let (size, record) = match row.kind {
        RowKind::Transparent { size } => (size.unwrap_or(12) as usize, None),
        RowKind::LinearFixed { records, length } | RowKind::Cyclic { records, length } => {
            let length = usize::from(length.unwrap_or(12));
            (length * usize::from(records.unwrap_or(2)), Some(length))
        }
        _ => panic!("{what} has content"),
    };
    let one = record.unwrap_or(size);
    let expected = match text.split_once("...") {
        None if file["repeat"] == true => vectors::bytes(text).into_iter().cycle().take(one).collect(),
        None => vectors::bytes(text),
        Some((before, after)) => {
            let (mut bytes, after) = (vectors::bytes(before), vectors::bytes(after));
            let repeated = *bytes.last().unwrap();
            assert_eq!(after[0], repeated, "{what}");
            bytes.resize(one - (after.len() - 1), repeated);
            [&bytes, &after[1..]].concat()
        }
    };
    let body = row.default_records(size, record.map(|length| length as u16));
    assert_eq!(body.len(), size, "{what}");
    for record in body.chunks(one) {
        assert_eq!(hex::encode(record), hex::encode(&expected), "{what}");
    }
}

fn compare_services(row: &Row, expected: &serde_json::Value, what: &str) {
    let numbers = |list: &serde_json::Value| -> Vec<u16> {
        list.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as u16).collect()
    };
    match row.services {
        Services::None => assert!(expected.is_null(), "{what}"),
        Services::OfNaa { usim, isim } => {
            assert_eq!(
                (expected["usim"].as_u64(), expected["isim"].as_u64()),
                (Some(usim.into()), Some(isim.into()))
            );
        }
        Services::Any(any) => assert_eq!(any, numbers(expected), "{what}"),
        Services::All(all) if expected[0].is_array() => assert_eq!(all, numbers(&expected[0]), "{what}"),
        Services::All(all) => assert_eq!(all, numbers(expected), "{what}"),
    }
}

fn number(value: &serde_json::Value) -> Option<u64> {
    value.as_u64()
}

#[test]
fn overlay_changes_what_it_names_and_nothing_else() {
    let usim = by_number(4, 1).unwrap();
    let ust = usim.row(8).unwrap();
    let plain = resolve(Some(ust), None).unwrap();
    assert_eq!((plain.fid, plain.size, plain.sfi), (Some(0x6F38), Some(14), Some(4)));
    assert_eq!(plain.access, Some(SecurityAttributes::Record(2)));
    // TS.48 gives EF.UST 17 bytes.
    let longer = Fcp { ef_file_size: Some(vec![17].into()), ..Fcp::default() };
    let longer = resolve(Some(ust), Some(&longer)).unwrap();
    assert_eq!(longer, Attributes { size: Some(17), ..plain });

    let sms = usim.row(10).unwrap();
    let three = Fcp { ef_file_size: Some(vec![0x02, 0x10].into()), ..Fcp::default() };
    assert_eq!(resolve(Some(sms), Some(&three)).unwrap().records(), 3);
    let uneven = Fcp { ef_file_size: Some(vec![0x02, 0x11].into()), ..Fcp::default() };
    assert_eq!(resolve(Some(sms), Some(&uneven)), Err(Error::Value("efFileSize")));
    let transparent = Fcp { file_descriptor: Some(vec![0x41, 0x21].into()), ..Fcp::default() };
    assert_eq!(resolve(Some(sms), Some(&transparent)), Err(Error::Value("fileDescriptor")));
    assert_eq!(resolve(None, None), Err(Error::Value("fileDescriptor")));
}

#[test]
fn bodies_take_pattern_default_and_content() {
    let sms = by_number(4, 1).unwrap().row(10).unwrap();
    let attributes = resolve(Some(sms), None).unwrap();
    let body = attributes.body(Some(sms), &File::default()).unwrap();
    assert_eq!(body.len(), 1760);
    assert!(body.chunks(176).all(|record| record[0] == 0 && record[1..].iter().all(|&byte| byte == 0xFF)));
    let written = attributes.body(Some(sms), &File::new(None, &[1, 2])).unwrap();
    assert_eq!((&written[..3], &written[3..]), (&[1, 2, 0xFF][..], &body[3..]));
    let past = attributes.body(Some(sms), &File::new(None, &[0; 1761]));
    assert_eq!(past, Err(Error::Value("fillFileContent")));
    let huge = Attributes { size: Some(MAX_FILE_SIZE + 1), ..attributes };
    assert_eq!(huge.body(None, &File::default()), Err(Error::TooLarge));
}

/// The records of section 9.9 of the format, and that they are data objects.
#[test]
fn default_access_rules() {
    let expected = [
        "8001019000 800102A406830101950108 800158A40683010A950108",
        "800101A406830101950108 80015AA40683010A950108",
        "80015BA40683010A950108",
        "8001019000 80011A9700 800140A40683010A950108",
        "800103A406830101950108 800158A40683010A950108",
        "800111A406830101950108 80014AA40683010A950108",
        "800103A406830101950108 800158A40683010A950108 840132A406830101950108",
        "800101A406830101950108 800102A406830181950108 800158A40683010A950108",
        "8001019000 80011AA406830101950108 800140A40683010A950108",
        "8001019000 80015AA40683010A950108",
        "8001019000 800118A40683010A950108 8001429700",
        "800101A406830101950108 80015A9700",
        "800113A406830101950108 800148A40683010A950108",
        "80015EA40683010A950108",
    ];
    for (record, expected) in DEFAULT_ARR.iter().zip(expected) {
        assert_eq!(*record, vectors::bytes(expected));
        let mut reader = tlv::Reader::new(record);
        while reader.next().unwrap().is_some() {}
    }
}
