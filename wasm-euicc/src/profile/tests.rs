mod every_template;

use rsp::Iccid;
use saip::build::{Authentication, Codes, Subscriber, elements};
use saip::response::PeStatus;
use saip::{AlgoConfiguration, Command, File, FileItem, ProfileElement, Secret, Service, TemplateKind};

use super::*;
use crate::bench::{Bench, hex, install};
use crate::nvm::TornMedium;
use crate::nvm::{MemoryMedium, Store};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TS48: &str = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
const USIM: &str = "00A4040C 0C A0000000871002FF49FF0589";
const MEMORY: usize = 512 * 1024;

/// 3GPP TS 35.208 §4.3, test set 1.
mod set1 {
    pub(super) const K: &str = "465B5CE8B199B49FAA5F0A2EE238A6BC";
    pub(super) const OPC: &str = "CD63CB71954A9F4E48A5994E37A02BAF";
    pub(super) const RAND: &str = "23553CBE9637A89D218AE64DAE47BF35";
    /// SQN FF9BB4D0B607 under AK AA689C648370, AMF B9B9, f1.
    pub(super) const AUTN: &str = "55F328B43577 B9B9 4A9FFAC354DFAFB3";
    pub(super) const RES: &str = "A54211D5E3BA50BF";
    pub(super) const CK: &str = "B40BA9A3C58B2A05BBF0D987B21BF8CB";
    pub(super) const IK: &str = "F769BCD751044604127672711C6D3441";
    pub(super) const AK_STAR: &str = "451E8BECA43B";
}

fn secret(text: &str) -> Secret {
    Secret::new(vectors::bytes(text))
}

fn subscriber() -> Subscriber {
    let iccid = "8944476500001224158".parse().unwrap();
    let imsi = "001010123456789".parse().unwrap();
    let authentication = Authentication::Milenage { k: secret(set1::K), opc: secret(set1::OPC) };
    let mut subscriber = Subscriber::new(iccid, imsi, 2, authentication);
    subscriber.codes = Codes {
        pin1: Some(Secret::new(*b"1234")),
        puk1: Some(Secret::new(*b"12345678")),
        pin2: Some(Secret::new(*b"5678")),
        puk2: Some(Secret::new(*b"87654321")),
        adm1: Some(Secret::new(*b"99999999")),
    };
    subscriber.ims = saip::build::Ims::of_imsi(&subscriber.imsi, 2);
    subscriber
}

/// A medium with the built profile, and the AID of its USIM.
pub(crate) fn built() -> &'static (MemoryMedium, String) {
    static BUILT: std::sync::OnceLock<(MemoryMedium, String)> = std::sync::OnceLock::new();
    BUILT.get_or_init(|| {
        let medium = crate::bench::medium_with(&encode(&elements(&subscriber()).unwrap()));
        (medium, hex(&saip::build::USIM_AID))
    })
}

fn encode(elements: &[ProfileElement]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.encode().unwrap().to_vec()).collect()
}

/// A package of the subscriber's elements after a change.
fn changed(change: impl FnOnce(&mut Vec<ProfileElement>)) -> Vec<u8> {
    let mut elements = elements(&subscriber()).unwrap();
    change(&mut elements);
    encode(&elements)
}

fn try_install(package: &[u8]) -> Result<Installed, Failure> {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, MEMORY).unwrap();
    let result = install(&mut store, &mut medium, SlotId(1), package);
    if result.is_err() {
        assert_eq!(store.free(), MEMORY);
    }
    result
}

/// Status of the last entry, and the element that it names.
#[track_caller]
fn refused(package: &[u8]) -> (u16, &'static str) {
    let failure = try_install(package).unwrap_err();
    assert!(failure.response.profile_installation_aborted.is_some());
    // What is sent is what can be read.
    let bytes = failure.response.encode().unwrap();
    assert_eq!(saip::response::EuiccResponse::decode(&bytes).unwrap(), failure.response);
    (failure.response.pe_status.last().unwrap().status, failure.element)
}

#[test]
fn the_generic_test_profile_installs_and_reads_back() {
    let Some(package) = vectors::read(TS48) else { return };
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, MEMORY).unwrap();
    let installed = install(&mut store, &mut medium, SlotId(1), &package).unwrap();
    assert_eq!(installed.iccid.as_bytes()[..], vectors::bytes("98001032547698103214"));
    assert_eq!(installed.imsi, "001010123456789".parse().ok());
    assert!(installed.only_test_keys);
    assert!(installed.response.is_ok());
    assert_eq!(installed.response.encode().unwrap(), vectors::bytes("3007A0053003800100"));
    assert_eq!(slots(&store), [SlotId(1)]);
    assert_eq!(free_slot(&store), Some(SlotId(2)));
    assert!(store.free() < MEMORY - 10_000);
    let mut tx = store.begin();
    tx.delete_slot(SlotId(1));
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.free(), MEMORY);

    let mut bench = Bench::with_profile(&package);
    bench.play(&[
        ("00A4000C 02 2FE2", "9000"),
        ("00B0000000", "98001032547698103214 9000"),
        (USIM, "9000"),
        ("00A4000C 02 6F07", "9000"),
        ("00B0000009", "080910101032547698 9000"),
    ]);
}

#[test]
fn every_generation_of_the_generic_test_profile_installs() {
    for name in [
        "TS48v3_SAIP2.1_NoBERTLV",
        "TS48v5_SAIP2.1A_NoBERTLV",
        "TS48v5_SAIP2.3_BERTLV_SUCI",
        "TS48v5_SAIP2.3_NoBERTLV",
    ] {
        let Some(package) = vectors::read(&format!("data/ts48/{name}.der")) else { return };
        let installed = try_install(&package).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(installed.imsi, "001010123456063".parse().ok(), "{name}");
        assert!(compare_with_package(&package) > 200, "{name}");
    }
    // The first generation insists on Java Card.
    let Some(package) = vectors::read("data/ts48/TS48v1_A.der") else { return };
    assert_eq!(refused(&package), (PeStatus::FEATURE_NOT_SUPPORTED, "header"));
}

/// Every file that the package describes is there under its path, with its size
/// and with every byte of content that the package gives.
#[test]
fn every_file_of_the_generic_test_profile_reads_back() {
    let Some(package) = vectors::read(TS48) else { return };
    assert_eq!(compare_with_package(&package), 236);
}

fn compare_with_package(package: &[u8]) -> usize {
    let mut bench = Bench::with_profile(package);
    // Temporary identifier of an ADF → AID.
    let mut adfs: Vec<(u16, String)> = Vec::new();
    let mut current = String::new();
    let mut compared = 0;
    for raw in saip::Splitter::split(package).unwrap() {
        match ProfileElement::decode(raw).unwrap() {
            ProfileElement::Template(element) => {
                let first = element.files.first().map(|(_, file)| file);
                if let Some(fcp) = first.and_then(File::fcp)
                    && let Some(aid) = fcp.aid()
                {
                    current = hex(aid);
                    adfs.push((fcp.fid().unwrap(), current.clone()));
                }
                for (number, file) in &element.files {
                    let row = saip::template::row(element.kind, &element.template, *number);
                    for file in file.instances() {
                        let Some(fid) = saip::template::resolve(row, file.fcp()).ok().and_then(|a| a.fid)
                        else {
                            continue;
                        };
                        let of_mf = matches!(
                            element.kind,
                            TemplateKind::Mf | TemplateKind::Cd | TemplateKind::Telecom
                        );
                        let aid = if of_mf { None } else { Some(current.as_str()) };
                        let mut path: Vec<u16> = row.map(|row| row.path.to_vec()).unwrap_or_default();
                        if fid == 0x3F00 || file.fcp().and_then(|fcp| fcp.aid()).is_some() {
                            continue;
                        }
                        path.push(fid);
                        compared += compare(&mut bench, aid, &path, &file);
                    }
                }
            }
            ProfileElement::GenericFileManagement(element) => {
                for commands in &element.commands {
                    let mut base: (Option<String>, Vec<u16>) = (None, Vec::new());
                    let mut files: Vec<(Option<String>, Vec<u16>, File)> = Vec::new();
                    for command in commands {
                        match command {
                            Command::FilePath(path) => {
                                let mut path: Vec<u16> = path
                                    .chunks(2)
                                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                                    .collect();
                                let adf =
                                    path.first().and_then(|fid| adfs.iter().find(|(own, _)| own == fid));
                                if adf.is_some() {
                                    path.remove(0);
                                }
                                base = (adf.map(|(_, aid)| aid.clone()), path);
                            }
                            Command::CreateFcp(fcp) => {
                                let mut path = base.1.clone();
                                path.push(fcp.fid().unwrap());
                                let file = File::new(Some(saip::Fcp::clone(fcp)), &[]);
                                files.push((base.0.clone(), path, file));
                            }
                            Command::FillFileOffset(skip) => {
                                files.last_mut().unwrap().2.items.push(FileItem::FillFileOffset(*skip));
                            }
                            Command::FillFileContent(bytes) => {
                                let content = FileItem::FillFileContent(bytes.clone());
                                files.last_mut().unwrap().2.items.push(content);
                            }
                        }
                    }
                    for (aid, path, file) in files {
                        compared += compare(&mut bench, aid.as_deref(), &path, &file);
                    }
                }
            }
            _ => {}
        }
    }
    compared
}

/// Reads one file by APDU and compares it; returns 1 for an elementary file
/// that the access rules let be read.
fn compare<M: crate::nvm::Medium>(
    bench: &mut Bench<M>,
    aid: Option<&str>,
    path: &[u16],
    file: &File,
) -> usize {
    let what = format!("{aid:?} {path:04X?}");
    let mut bytes: Vec<u8> = path.iter().flat_map(|fid| fid.to_be_bytes()).collect();
    if let Some(aid) = aid {
        bench.ok(&format!("00A4040C{:02X}{aid}", aid.len() / 2));
        bytes.splice(0..0, [0x7F, 0xFF]);
    }
    for (reference, value) in
        [("0A", "3535353535353535"), ("0B", "3636363636363636"), ("81", "39393939FFFFFFFF")]
    {
        bench.send(&format!("002000{reference}08{value}"));
    }
    let (fcp, sw) = bench.send(&format!("00A40804{:02X}{}", bytes.len(), hex(&bytes)));
    assert!(sw == "9000" || sw == "6283", "{what} {sw}");
    let fcp = vectors::bytes(&fcp);
    let fcp = tlv::Tlv::single(&fcp).unwrap();
    let descriptor = fcp.fields().required(tlv::Tag(0x82)).unwrap().value.to_vec();
    let Some(size) = fcp.fields().optional(tlv::Tag(0x80)).unwrap() else { return 0 };
    let size = size.value.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    if let Some(given) = file.fcp().and_then(|fcp| fcp.size().unwrap()) {
        assert_eq!(size, given as usize, "{what}");
    }
    let mut body = Vec::new();
    let mut status = "9000".to_owned();
    match descriptor[..] {
        [_, _, _, len, count] => {
            for record in 1..=count {
                let (data, sw) = bench.send(&format!("00B2{record:02X}04{len:02X}"));
                body.extend(vectors::bytes(&data));
                status = sw;
            }
        }
        [0x79, ..] => return 0,
        _ => {
            while body.len() < size && status == "9000" {
                let len = (size - body.len()).min(255);
                let (data, sw) = bench.send(&format!("00B0{:04X}{len:02X}", body.len()));
                body.extend(vectors::bytes(&data));
                status = sw;
            }
        }
    }
    if status == "6982" {
        // A rule that no PIN of this profile can meet.
        return 0;
    }
    assert_eq!((status.as_str(), body.len()), ("9000", size), "{what}");
    let is_service_table = matches!(path.last(), Some(0x6F38)) || matches!(path, [0x6F07] if size > 9);
    let mut at_most = file.contents().count();
    if let Some(fcp) = file.fcp()
        && at_most == 0
        && let Some(pattern) = fcp.fill_pattern()
    {
        assert!(body.starts_with(&pattern[..pattern.len().min(size)]), "{what}");
        at_most = 1;
    }
    let _ = at_most;
    for (at, content) in file.contents() {
        let own = &body[at..at + content.len()];
        if is_service_table {
            // Services may be taken out, none put in.
            assert!(own.iter().zip(content).all(|(own, given)| own & !given == 0), "{what}");
        } else {
            assert_eq!(own, content, "{what}");
        }
    }
    1
}

#[test]
fn a_built_profile_authenticates_with_published_milenage_vectors() {
    let mut package = changed(|elements| {
        for element in elements {
            if let ProfileElement::AkaParameter(aka) = element {
                // The numbers of the test set jump further than Δ allows.
                aka.sqn_options = 0;
            }
        }
    });
    let mut bench = Bench::with_profile(&package);
    let challenge = format!("0088008122 10{}10{}", set1::RAND, set1::AUTN);
    let select = format!("00A4040C10{}", hex(&saip::build::USIM_AID));
    let select_isim = format!("00A4040C10{}", hex(&saip::build::ISIM_AID));
    bench.ok(&select);
    assert_eq!(bench.sw(&challenge), "6982");
    bench.ok("002000010831323334FFFFFFFF");
    // Without Le: 61 XX first.
    let waiting = bench.raw(&challenge);
    assert!(waiting.starts_with("61"), "{waiting}");
    let answer = bench.raw(&format!("00C00000{}", &waiting[2..]));
    let expected = format!("DB08{}10{}10{}", set1::RES, set1::CK, set1::IK);
    assert!(answer.starts_with(&expected), "{answer}");
    assert!(answer.ends_with("9000"));
    // The same number again, also after a power failure: AUTS with the highest
    // number accepted, under AK*.
    let mut bench = Bench::on(bench.chip.into_env().medium);
    bench.ok(&select);
    bench.ok("002000010831323334FFFFFFFF");
    let auts = bench.ok(&challenge);
    let concealed: Vec<u8> = vectors::bytes("FF9BB4D0B607")
        .iter()
        .zip(vectors::bytes(set1::AK_STAR))
        .map(|(sqn, ak)| sqn ^ ak)
        .collect();
    assert!(auts.starts_with(&format!("DC0E{}", hex(&concealed))), "{auts}");
    // The ISIM has numbers of its own, or those of the USIM when it shares them.
    bench.ok(&select_isim);
    let isim = bench.ok(&challenge);
    assert!(isim.starts_with("DC0E") || isim.starts_with(&expected), "{isim}");

    // With the profile's own rules the jump is refused: nothing accepted yet.
    package = encode(&elements(&subscriber()).unwrap());
    let mut bench = Bench::with_profile(&package);
    bench.ok(&select);
    bench.ok("002000010831323334FFFFFFFF");
    assert!(bench.ok(&challenge).starts_with(&format!("DC0E{}", set1::AK_STAR)));
}

/// What was answered counts: a challenge whose answer got out is never taken
/// again, whenever the power fails.
#[test]
fn power_may_fail_while_the_usim_authenticates() {
    let package = changed(|elements| {
        for element in elements {
            if let ProfileElement::AkaParameter(aka) = element {
                aka.sqn_options = 0;
            }
        }
    });
    let medium = crate::bench::medium_with(&package);
    let challenge = format!("0088008122 10{}10{}", set1::RAND, set1::AUTN);
    let open = |medium: TornMedium| {
        let mut bench = Bench::on(medium);
        bench.raw(&format!("00A4040C10{}", hex(&saip::build::USIM_AID)));
        bench.raw("002000010831323334FFFFFFFF");
        bench
    };
    for at in [0, 1, 2, 10, 17, 18, 40, 200, usize::MAX] {
        let mut bench = open(TornMedium::new(medium.clone(), 0, at));
        assert_eq!(bench.raw(&challenge), "6581", "power failed at byte {at}");
        let torn = bench.chip.into_env().medium;
        assert!(torn.is_dead());
        let mut again = open(TornMedium::new(torn.inner, usize::MAX, 0));
        let answer = again.ok(&challenge);
        assert_eq!(answer.starts_with("DC0E"), at == usize::MAX, "power failed at byte {at}");
    }
}

#[test]
fn an_isim_can_share_what_the_usim_authenticates_with() {
    let package = changed(|elements| {
        let mut seen = 0;
        for element in elements {
            if let ProfileElement::AkaParameter(aka) = element {
                aka.sqn_options = 0;
                seen += 1;
                if seen == 2 {
                    let source = saip::build::USIM_AID.to_vec();
                    aka.configuration = AlgoConfiguration::Mapping { options: 6, source };
                }
            }
        }
        assert_eq!(seen, 2);
    });
    let mut bench = Bench::with_profile(&package);
    let challenge = format!("0088008122 10{}10{}", set1::RAND, set1::AUTN);
    bench.ok(&format!("00A4040C10{}", hex(&saip::build::ISIM_AID)));
    bench.ok("002000010831323334FFFFFFFF");
    assert!(bench.ok(&challenge).starts_with("DB08"));
    bench.ok(&format!("00A4040C10{}", hex(&saip::build::USIM_AID)));
    assert!(bench.ok(&challenge).starts_with("DC0E"));
}

/// A built profile with files of generic file management, each by the content of
/// its `createFCP`, in the MF; their rules are records of EF.ARR as in §9.9 of
/// the package's specification.
fn with_files(fcps: &[&str]) -> Bench<MemoryMedium> {
    let commands: String =
        fcps.iter().map(|fcp| hex(&tlv::encode(tlv::Tag(0x62), &vectors::bytes(fcp)))).collect();
    let list = vectors::bytes(&format!("8000{commands}"));
    let lists = tlv::encode(tlv::Tag(0xA1), &tlv::encode(tlv::Tag::SEQUENCE, &list));
    let inside = [&vectors::bytes("A003810170")[..], &lists].concat();
    let element = ProfileElement::decode(&tlv::encode(tlv::Tag(0xA1), &inside)).unwrap();
    Bench::with_profile(&changed(|elements| {
        let end = elements.len() - 1;
        elements.insert(end, element);
    }))
}

/// ETSI TS 102 221 §11.1.8 on a cyclic file of 3 records under rule 7.
#[test]
fn increase_adds_to_the_last_record() {
    let mut bench = with_files(&["8204 46210003 8302 2FF4 8B03 2F0607 8001 09 A503 C20100"]);
    bench.play(&[
        ("00A40004 02 2FF4", "621A 8205 4621000303 8302 2FF4 8A0105 8B032F0607 80020009 8801A0 9000"),
        ("80320000 03 000005", "6982"),
        ("00200001 08 31323334FFFFFFFF", "9000"),
        ("80320000 03 000005", "000005 000005 9000"),
        ("80320000 03 0000FF", "000104 0000FF 9000"),
        ("00B2010403", "000104 9000"),
        ("00B2020403", "000005 9000"),
        ("00B2030403", "000000 9000"),
        // By short identifier; a shorter number.
        ("00A4000C 02 3F00", "9000"),
        ("80329400 01 01", "000105 01 9000"),
        ("80320000 03 FFFF00", "9850"),
        ("80320000 04 01000000", "9850"),
        ("80320000 04 00000001", "000106 00000001 9000"),
        ("00B2010403", "000106 9000"),
        ("80320001 03 000001", "6A86"),
        ("80329F00 03 000001", "6A86"),
        ("80320000", "6700"),
    ]);
    // Without Le on T=0 the answer waits; it has been added once.
    assert_eq!(bench.raw("8032000003000001"), "6106");
    assert_eq!(bench.raw("00C0000006"), "0001070000019000");
}

/// ETSI TS 102 221 §11.3 on a BER-TLV file of 32 bytes under rule 5.
#[test]
fn objects_of_a_ber_tlv_file_are_set_and_retrieved() {
    let mut bench = with_files(&["8202 7921 8302 2FE6 8B03 2F0605 8001 20"]);
    bench.play(&[
        ("00A40004 02 2FE6", "6217 8202 7921 8302 2FE6 8A0105 8B032F0605 80020020 880130 9000"),
        ("80CB0080 01 80", "6982"),
        ("00200001 08 31323334FFFFFFFF", "9000"),
        ("80CB0080 01 80", "6A88"),
        ("80DB0080 04 80021122", "9000"),
        ("80DB0086 05 5F200133 ", "6700"),
        ("80DB0086 04 5F200133", "9000"),
        ("80CB0080 01 80", "80021122 9000"),
        ("80CB0086 02 5F20", "5F200133 9000"),
        // Replaced, and taken out.
        ("80DB0080 03 800144", "9000"),
        ("80CB0080 01 80", "800144 9000"),
        ("80DB0080 02 8000", "9000"),
        ("80CB0080 01 80", "6A88"),
        ("80DB0080 01 80", "6A88"),
        // No more than the file may take.
        (&format!("80DB0080 21 811F {}", "55".repeat(31)), "6A84"),
        (&format!("80DB0080 1C 811A {}", "55".repeat(26)), "9000"),
        ("80CB0080 02 8000", "6A88"),
        ("80CB0000 01 80", "6A86"),
        ("80CB0080 02 8001", "6A80"),
        // Other commands are for other structures.
        ("00B0000001", "6981"),
        ("00A4000C 02 2FE2", "9000"),
        ("80CB0080 01 80", "6981"),
    ]);
}

/// A file without special file information cannot be used while deactivated.
#[test]
fn a_deactivated_file_is_closed() {
    let mut bench = with_files(&["8202 4121 8302 2FE7 8B03 2F0605 8001 02"]);
    bench.play(&[
        ("00200001 08 31323334FFFFFFFF", "9000"),
        ("0020000A 08 3939393939393939", "9000"),
        ("00040000 02 2FE7", "9000"),
        ("00A4000C 02 2FE7", "6283"),
        ("00B0000002", "6984"),
        ("00D6000002 0102", "6984"),
    ]);
    assert_eq!(bench.raw("00A40004022FE7"), "6119");
    assert!(bench.raw("00C0000019").ends_with("6283"));
    bench.play(&[("00440000", "9000"), ("00B0000002", "FFFF 9000"), ("00440000 02 2FE7", "9000")]);
}

#[test]
fn a_package_in_pieces_of_any_size_gives_the_same_profile() {
    let package = encode(&elements(&subscriber()).unwrap());
    let image = |size: usize| {
        let mut medium = MemoryMedium::new();
        let mut store = Store::open(&mut medium, MEMORY).unwrap();
        let mut installer = Installer::new(SlotId(1));
        let mut tx = store.begin();
        for piece in package.chunks(size) {
            installer.feed(&mut tx, piece).unwrap();
        }
        installer.finish(&mut tx).unwrap();
        tx.commit(&mut medium).unwrap();
        medium.expose_bytes().to_vec()
    };
    let whole = image(usize::MAX);
    for size in [1, 7, 255, 1008] {
        assert!(image(size) == whole, "pieces of {size}");
    }
}

#[test]
fn packages_that_this_chip_cannot_run_are_refused_by_status() {
    use PeStatus as S;
    let header = |change: fn(&mut saip::ProfileHeader)| {
        changed(|elements| {
            if let Some(ProfileElement::Header(header)) = elements.first_mut() {
                change(header);
            }
        })
    };
    let position = |elements: &[ProfileElement], name| {
        elements.iter().position(|element| element.name() == name).unwrap()
    };
    let element = |tag: u32, inside: &str| {
        ProfileElement::decode(&tlv::encode(tlv::Tag(tag), &vectors::bytes(inside))).unwrap()
    };

    assert!(try_install(&changed(|_| {})).unwrap().response.is_ok());
    // Header.
    assert_eq!(refused(&header(|h| h.major = 4)), (S::UNSUPPORTED_PROFILE_VERSION, "header"));
    assert_eq!(refused(&header(|h| h.major = 1)), (S::UNSUPPORTED_PROFILE_VERSION, "header"));
    assert!(try_install(&header(|h| h.minor = 99)).is_ok());
    assert_eq!(
        refused(&header(|h| h.services = h.services.with(Service::JavaCard))),
        (S::FEATURE_NOT_SUPPORTED, "header")
    );
    assert_eq!(
        refused(&header(|h| h.templates.push(saip::template::oid(17, 1)))),
        (S::TEMPLATE_NOT_SUPPORTED, "header")
    );
    assert!(try_install(&header(|h| h.templates.push(saip::template::oid(10, 1)))).is_ok());
    assert_eq!(
        refused(&header(|h| {
            h.mandatory_aids.push(saip::MandatoryAid { aid: vec![0xA0; 7], version: [1, 0] });
        })),
        (S::LIB_NOT_SUPPORTED, "header")
    );
    assert_eq!(refused(&header(|h| h.iccid = Iccid::from_bytes([0x98; 10]))), (S::BAD_VALUES, "end"));
    assert_eq!(refused(&header(|h| h.iccid = Iccid::from_bytes([0xFF; 10]))), (S::BAD_VALUES, "header"));
    // Order.
    let second_header = changed(|elements| {
        let again = elements[0].clone();
        elements.insert(3, again);
    });
    assert_eq!(refused(&second_header), (S::INVALID_REQUEST_FORMAT, "header"));
    assert_eq!(refused(&changed(|e| drop(e.remove(0)))), (S::INVALID_REQUEST_FORMAT, "mf"));
    assert_eq!(refused(&changed(|e| drop(e.pop()))), (S::INVALID_REQUEST_FORMAT, "package"));
    let after_end = changed(|elements| elements.push(element(0xA9, "A003 81017F 8103 510203 8200")));
    assert_eq!(refused(&after_end), (S::INVALID_REQUEST_FORMAT, "nonStandard"));
    assert_eq!(
        refused(&changed(|elements| {
            let at = position(elements, "usim");
            elements.remove(at);
        })),
        (S::INVALID_PARAMETER, "opt-usim")
    );
    assert_eq!(
        refused(&changed(|elements| {
            let at = position(elements, "pukCodes");
            elements.remove(at);
        })),
        (S::PIN_CODE_MISSING, "pinCodes")
    );
    assert_eq!(
        refused(&changed(|elements| {
            let aka = elements.remove(position(elements, "akaParameter"));
            let at = position(elements, "usim");
            elements.insert(at, aka);
        })),
        (S::INVALID_PARAMETER, "akaParameter")
    );
    assert_eq!(
        refused(&changed(|elements| {
            let again = elements[position(elements, "usim")].clone();
            elements.insert(2, again);
        })),
        (S::BAD_VALUES, "usim")
    );
    // Elements that are left out unless they are mandated.
    for (tag, rest, status, name) in [
        (0xA9, "8103 510203 8200", S::PE_NOT_SUPPORTED, "nonStandard"),
        (0xA8, "", S::RUNTIME_NOT_SUPPORTED, "application"),
        (0xBF25, "", S::PE_NOT_SUPPORTED, "unknown"),
    ] {
        let with = |header: &str| {
            let element = element(tag, &format!("{header}{rest}"));
            changed(|elements| elements.insert(2, element))
        };
        let (free, mandated) = ("A003 81017F", "A005 8000 81017F");
        let installed = try_install(&with(free)).unwrap();
        assert_eq!(installed.response.pe_status, [PeStatus::new(S::PE_NOT_SUPPORTED, Some(0x7F))]);
        assert!(installed.response.profile_installation_aborted.is_none());
        assert_eq!(refused(&with(mandated)), (status, name));
    }
}

#[test]
fn files_that_make_no_sense_are_refused() {
    let usim = |number: u8, change: &dyn Fn(&mut File)| {
        changed(|elements| {
            for element in elements {
                if let ProfileElement::Template(element) = element
                    && element.kind == TemplateKind::Usim
                {
                    for (own, file) in &mut element.files {
                        if *own == number {
                            change(file);
                        }
                    }
                }
            }
        })
    };
    const IMSI: u8 = 3;
    let past_end = usim(IMSI, &|file| file.items.push(FileItem::FillFileContent(vec![0; 10])));
    assert_eq!(refused(&past_end), (PeStatus::BAD_VALUES, "usim"));
    let missing = changed(|elements| {
        for element in elements {
            if let ProfileElement::Template(element) = element
                && element.kind == TemplateKind::Usim
            {
                element.files.retain(|(number, _)| *number != IMSI);
            }
        }
    });
    assert_eq!(refused(&missing), (PeStatus::INVALID_REQUEST_FORMAT, "usim"));
    let foreign = changed(|elements| {
        for element in elements {
            if let ProfileElement::Template(element) = element
                && element.kind == TemplateKind::Usim
            {
                element.files.push((99, File::default()));
            }
        }
    });
    assert_eq!(refused(&foreign), (PeStatus::BAD_VALUES, "usim"));
}

#[test]
fn a_chip_that_is_too_small_says_so_and_is_as_before() {
    let package = encode(&elements(&subscriber()).unwrap());
    for memory in [100, 1000, 5000] {
        let mut medium = MemoryMedium::new();
        let mut store = Store::open(&mut medium, memory).unwrap();
        let failure = install(&mut store, &mut medium, SlotId(1), &package).unwrap_err();
        assert_eq!(failure.response.pe_status[0].status, PeStatus::NOT_ENOUGH_MEMORY);
        assert_eq!(store.free(), memory);
        assert!(slots(&store).is_empty());
    }
}

#[test]
fn power_may_fail_while_a_profile_is_installed() {
    let package = encode(&elements(&subscriber()).unwrap());
    // A chip that lives already, so that the install is appended.
    let before = Bench::empty().chip.into_env().medium;
    let len = {
        let mut medium = before.clone();
        let mut store = Store::open(&mut medium, MEMORY).unwrap();
        install(&mut store, &mut medium, SlotId(1), &package).unwrap();
        medium.expose_bytes().len() - before.expose_bytes().len()
    };
    for at in (0..len).step_by(len / 40).chain([len - 1, usize::MAX]) {
        let mut medium = TornMedium::new(before.clone(), 0, at);
        let mut store = Store::open(&mut medium, MEMORY).unwrap();
        let mut installer = Installer::new(SlotId(1));
        let mut tx = store.begin();
        installer.feed(&mut tx, &package).unwrap();
        installer.finish(&mut tx).unwrap();
        assert!(tx.commit(&mut medium).is_err());
        assert!(medium.is_dead());
        let again = Store::open(&mut medium.inner, MEMORY).unwrap();
        let expected = if at >= len { vec![SlotId(1)] } else { Vec::new() };
        assert_eq!(slots(&again), expected, "power failed at byte {at}");
    }
}

mod mutated {
    use proptest::prelude::*;

    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Packages with wrong bytes install or are refused; nothing panics, and
        /// what is refused leaves nothing.
        #[test]
        fn packages_never_panic(
            places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
            shorten in any::<bool>(),
        ) {
            let mut package = encode(&elements(&subscriber()).unwrap());
            for (place, byte) in places {
                let at = place.index(package.len());
                package[at] = byte;
            }
            if shorten {
                package.truncate(cut.index(package.len()));
            }
            let mut medium = MemoryMedium::new();
            let mut store = Store::open(&mut medium, MEMORY).unwrap();
            if let Err(failure) = install(&mut store, &mut medium, SlotId(1), &package) {
                prop_assert!(failure.response.encode().is_ok());
                prop_assert_eq!(store.free(), MEMORY);
            }
        }
    }
}
