//! Against what others published: golden encodings of the SGP.22 module, a recorded RSP
//! session, the certificates of SGP.26, examples of ETSI TS 102 221 and 3GPP TS 31.102.

use vectors::{bytes, read};

use crate::{
    Answer, Decoded, Ending, Filter, Interface, Level, Limits, Masks, Message, Node, Party, Request, Secrecy,
    Side, Step, Trace, decode, decode_part, explain, hex_spaced, redacted, segment,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Records an ES10 request in blocks and its answer in pieces, as an LPA with a reader does.
fn es10(trace: &mut Trace, request: &[u8], answer: &[u8]) -> u32 {
    let mut id = 0;
    let blocks: Vec<Vec<u8>> = apdu::store_data(apdu::Channel::new(1).unwrap(), request, 255).collect();
    let mut pieces: Vec<&[u8]> = answer.chunks(256).collect();
    pieces.reverse();
    for (index, block) in blocks.iter().enumerate() {
        let ticket = trace.command(Party::Chip, block, 1.0);
        id = ticket.message;
        let last = index + 1 == blocks.len();
        match pieces.last() {
            Some(piece) if last => {
                trace.answer(ticket, &[0x61, piece.len() as u8], 2.0);
            }
            _ => trace.answer(ticket, &[0x90, 0x00], 2.0),
        }
    }
    while let Some(piece) = pieces.pop() {
        let ticket = trace.command(Party::Chip, &[0x81, 0xC0, 0, 0, piece.len() as u8], 3.0);
        let sw = pieces.last().map_or([0x90, 0x00], |next| [0x61, next.len() as u8]);
        trace.answer(ticket, &[piece, &sw].concat(), 4.0);
    }
    id
}

fn one(request: &[u8], answer: &[u8]) -> Message {
    let mut trace = Trace::default();
    let ticket = trace.command(Party::Chip, request, 0.0);
    trace.answer(ticket, answer, 1.0);
    trace.message(ticket.message).unwrap().clone()
}

fn call(path: &str, request: &[u8], answer: &[u8]) -> Message {
    let mut trace = Trace::default();
    let url = format!("https://smdp.example.com{path}");
    let request = Request { method: "POST", url: &url, headers: &[], body: request };
    let ticket = trace.call(Party::Phone, Party::Smdp, request, 0.0);
    trace.reply(ticket, Answer { status: 200, headers: &[], body: answer }, 1.0);
    trace.message(ticket.message).unwrap().clone()
}

fn faults(side: &Side) -> Vec<&Node> {
    fn gather<'a>(node: &'a Node, into: &mut Vec<&'a Node>) {
        if node.fault {
            into.push(node);
        }
        for child in &node.children {
            gather(child, into);
        }
    }
    let mut found = Vec::new();
    for node in &side.nodes {
        gather(node, &mut found);
    }
    found
}

/// Ranges lie within what is around them.
fn check(decoded: &Decoded) -> usize {
    fn inside(node: &Node, start: usize, end: usize) -> usize {
        assert!(
            start <= node.range.start && node.range.start <= node.range.end && node.range.end <= end,
            "{node:?}"
        );
        1 + node.children.iter().map(|child| inside(child, node.range.start, node.range.end)).sum::<usize>()
    }
    let sides = [Some(&decoded.request), decoded.response.as_ref()];
    sides
        .into_iter()
        .flatten()
        .map(|side| side.nodes.iter().map(|node| inside(node, 0, side.bytes.len())).sum::<usize>())
        .sum()
}

fn value<'a>(side: &'a Side, name: &str) -> &'a str {
    &side.find(name).unwrap_or_else(|| panic!("no {name} in {side:?}")).value
}

#[test]
fn golden_encodings_of_the_module_have_their_names() {
    let Some(file) = read("sgp22-asn1/der-samples.json") else { return };
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let mut named = 0;
    for sample in file["samples"].as_array().unwrap() {
        let kind = sample["type"].as_str().unwrap();
        let der = hex::decode(sample["der"].as_str().unwrap()).unwrap();
        let mut trace = Trace::default();
        // Both as request and as answer: a table is for one of them.
        let id = es10(&mut trace, &der, &der);
        let decoded = decode(trace.message(id).unwrap());
        check(&decoded);
        let response = decoded.response.unwrap();
        let top = [decoded.request.nodes.first(), response.nodes.first()];
        let Some(node) = top.into_iter().flatten().find(|node| node.name.eq_ignore_ascii_case(kind)) else {
            continue;
        };
        named += 1;
        let side = if decoded.request.nodes.first() == Some(node) { &decoded.request } else { &response };
        assert!(faults(side).is_empty(), "{kind}: {:?}", faults(side));
        let mut unknown = false;
        node.walk(&mut |node| unknown |= node.name.starts_with('['));
        assert!(!unknown, "{kind}: {node:#?}");
        assert!(node.section.is_some_and(|section| section.starts_with("SGP.22 §")), "{kind}");
    }
    assert!(named > 35, "only {named}");
}

#[test]
fn a_recorded_session_is_read_to_its_values() {
    let file = |name: &str| read(&format!("data/rsp-session/{name}.der"));
    let (Some(request), Some(answer)) =
        (file("AuthenticateServerRequest"), file("AuthenticateServerResponse"))
    else {
        return;
    };
    let mut trace = Trace::default();
    let id = es10(&mut trace, &request, &answer);
    let message = trace.message(id).unwrap();
    assert_eq!(
        (trace.len(), message.name.as_str(), message.interface),
        (1, "ES10b.AuthenticateServer", Interface::Es10b)
    );
    assert_eq!(message.ending, Ending::Good("9000".into()));
    let decoded = decode(message);
    assert!(check(&decoded) > 100);
    let response = decoded.response.unwrap();
    assert_eq!((&decoded.request.bytes, &response.bytes[..answer.len()]), (&request, &answer[..]));
    assert!(faults(&decoded.request).is_empty() && faults(&response).is_empty(), "{:?}", faults(&response));
    // The values that stand in the session's own notes.
    let session: serde_json::Value =
        serde_json::from_slice(&read("data/rsp-session/session.json").unwrap()).unwrap();
    let text = session.to_string().to_lowercase();
    for name in ["transactionId", "euiccChallenge", "serverChallenge"] {
        let value = value(&decoded.request, name).to_lowercase();
        assert!(text.contains(&value), "{name} {value}");
    }
    let certificate = response.find("euiccCertificate").unwrap();
    let eid = certificate.find("subject").unwrap().find("serialNumber").unwrap();
    assert_eq!((eid.value.len(), eid.secrecy), (32, Secrecy::Identifier));
    assert!(
        certificate
            .find("certificatePolicies")
            .unwrap()
            .find("policyIdentifier")
            .unwrap()
            .value
            .contains("id-rspRole-euicc")
    );
    assert!(value(&response, "uiccCapability").contains("usimSupport"));
    assert_eq!(value(&response, "SW"), "9000 normal ending");
    // What a node says is what stands at its place.
    let node = decoded.request.find("serverSignature1").unwrap();
    assert_eq!(decoded.request.bytes[node.range.start..][..3], [0x5F, 0x37, 0x40]);
    // Each exchange alone, too.
    for part in 0..message.parts.len() {
        check(&decode_part(message, part).unwrap());
    }
    let block = decode_part(message, 0).unwrap().request;
    assert_eq!(value(&block, "CLA"), "81 (ETSI, GlobalPlatform, logical channel 1)");
    assert_eq!(value(&block, "INS"), "E2 STORE DATA");
    assert_eq!(value(&block, "P1"), "11 (more blocks follow)");
}

#[test]
fn all_of_the_session_is_without_a_fault() {
    let names = [
        "PrepareDownloadRequest",
        "PrepareDownloadRequest_cc",
        "CancelSessionRequest",
        "PrepareDownloadResponse",
        "PrepareDownloadResponse_cc",
        "CancelSessionResponse",
        "ProfileInstallationResult_ok",
        "ProfileInstallationResult_err",
        "euiccInfo1",
        "euiccInfo2",
    ];
    for name in names {
        let Some(der) = read(&format!("data/rsp-session/{name}.der")) else { return };
        let mut trace = Trace::default();
        let id = es10(&mut trace, if name.contains("Request") { &der } else { &[0xBF, 0x2E, 0x00] }, &der);
        let decoded = decode(trace.message(id).unwrap());
        check(&decoded);
        let side = if name.contains("Request") { decoded.request } else { decoded.response.unwrap() };
        assert!(faults(&side).is_empty(), "{name}: {:?}", faults(&side));
        let mut unknown = Vec::new();
        for node in &side.nodes {
            node.walk(&mut |node| {
                if node.name.starts_with('[') {
                    unknown.push(node.clone())
                }
            });
        }
        assert!(unknown.is_empty(), "{name}: {unknown:#?}");
    }
}

#[test]
fn a_package_is_one_function_of_many_segments() {
    let Some(package) = read("data/rsp-session/BoundProfilePackage_ppk.der") else { return };
    let result = read("data/rsp-session/ProfileInstallationResult_ok.der").unwrap();
    let mut trace = Trace::default();
    let mut commands = 0;
    // As SGP.22 §2.5.5 cuts it: heads with the first value, then value by value.
    let segments: Vec<Vec<u8>> = rsp::bpp::segments(&package)
        .unwrap()
        .into_iter()
        .map(|segment| package[segment.bytes].to_vec())
        .collect();
    assert!(segments.len() > 4);
    for (number, segment) in segments.iter().enumerate() {
        for block in apdu::store_data(apdu::Channel::new(1).unwrap(), segment, 255) {
            let ticket = trace.command(Party::Chip, &block, 5.0);
            commands += 1;
            let last = number + 1 == segments.len();
            let answer = if last { [&result[..], &[0x90, 0x00]].concat() } else { vec![0x90, 0x00] };
            trace.answer(ticket, &answer, 6.0);
        }
    }
    let message = trace.messages().next().unwrap();
    assert_eq!((trace.len(), message.name.as_str(), message.parts.len()), (1, crate::LOAD, commands));
    assert_eq!(message.interface, Interface::Es8);
    let decoded = decode(message);
    check(&decoded);
    assert_eq!(decoded.request.bytes, package);
    assert!(faults(&decoded.request).is_empty(), "{:?}", faults(&decoded.request));
    assert_eq!(decoded.request.find("profile elements").unwrap().secrecy, Secrecy::Sealed);
    assert!(decoded.request.find("ReplaceSessionKeys").is_some());
    let metadata = decoded.request.find("StoreMetadataRequest").unwrap();
    assert_eq!(metadata.find("iccid").unwrap().secrecy, Secrecy::Identifier);
    for part in &message.parts {
        let block = apdu::Command::parse(&part.request).unwrap();
        assert_eq!(segment(part).is_some(), block.p2 == 0, "{}", hex_spaced(&part.request));
    }
    assert!(explain(message).unwrap().readers.is_some());

    // A package that fails tells why, although the status word is 9000.
    let failed = read("data/rsp-session/ProfileInstallationResult_err.der").unwrap();
    let first = &segments[0][..150];
    let block = apdu::store_data(apdu::Channel::BASIC, first, 255).next().unwrap();
    let message = one(&block, &[&failed[..], &[0x90, 0x00]].concat());
    assert!(message.failed() && message.ending.text().starts_with("errorReason "), "{:?}", message.ending);
}

#[test]
fn certificates_tell_role_and_curve() {
    for (name, role, curve) in [
        ("DPauth/CERT_S_SM_DPauth_ECDSA_NIST", "id-rspRole-dp-auth", "NIST P-256"),
        ("DPpb/CERT_S_SM_DPpb_ECDSA_BRP", "id-rspRole-dp-pb", "brainpoolP256r1"),
        ("EUM/CERT_EUM_ECDSA_NIST", "id-rspRole-eum", "NIST P-256"),
        ("eUICC/CERT_EUICC_ECDSA_NIST", "id-rspRole-euicc", "NIST P-256"),
        ("CertificateIssuer/CERT_CI_ECDSA_NIST", "id-rspRole-ci", "NIST P-256"),
        ("DPtls/CERT_S_SM_DP_TLS_NIST", "id-rspRole-dp-tls", "NIST P-256"),
    ] {
        let Some(der) = read(&format!("data/sgp26-certs/{name}.der")) else { return };
        let json = format!(r#"{{"serverCertificate":"{}"}}"#, base64(&der));
        let decoded = decode(&call("/gsma/rsp2/es9plus/initiateAuthentication", b"{}", json.as_bytes()));
        check(&decoded);
        let side = decoded.response.unwrap();
        assert!(faults(&side).is_empty(), "{name}: {:?}", faults(&side));
        assert!(value(&side, "policyIdentifier").contains(role), "{name}");
        assert!(value(side_of(&side, "subjectPublicKeyInfo"), "algorithm").contains(curve), "{name}");
        assert!(value(&side, "signatureAlgorithm").contains("ecdsa-with-SHA256"), "{name}");
        assert!(value(&side, "notBefore").starts_with("20"), "{name}");
        assert!(side.find("subjectKeyIdentifier").is_some() && side.find("keyUsage").is_some(), "{name}");
    }
}

/// A side of only one node.
fn side_of(side: &Side, name: &str) -> &'static Side {
    let node = side.find(name).unwrap().clone();
    Box::leak(Box::new(Side { bytes: side.bytes.clone(), nodes: vec![node] }))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn templates_and_files_of_ts_102_221() {
    // ../shared/spec/05 §3 and §9.
    let answer = bytes(
        "62 1D 82 02 78 21 83 02 3F 00 A5 03 80 01 71 8A 01 05 8B 03 2F 06 01 C6 06 90 01 80 83 01 01 90 00",
    );
    let message = one(&bytes("00 A4 00 04 02 3F 00"), &answer);
    assert_eq!(message.name, "SELECT MF");
    let side = decode(&message).response.unwrap();
    assert!(faults(&side).is_empty(), "{side:#?}");
    assert_eq!(value(&side, "structure"), "DF or ADF, shareable");
    assert_eq!(value(&side, "file"), "3F00 MF");
    assert_eq!(value(&side, "life cycle status"), "05 activated");
    assert_eq!(value(&side, "key reference"), "01 PIN1");

    let mut trace = Trace::default();
    let select = trace.command(Party::Chip, &bytes("00 A4 08 04 04 7F FF 6F 07"), 0.0);
    trace.answer(
        select,
        &bytes("62 17 82 02 41 21 83 02 6F 07 8A 01 05 8B 03 6F 06 02 80 02 00 09 88 01 38 90 00"),
        1.0,
    );
    let read = trace.command(Party::Chip, &bytes("00 B0 00 00 09"), 2.0);
    trace.answer(read, &bytes("08 09 10 10 10 32 54 76 98 90 00"), 3.0);
    let message = trace.message(read.message).unwrap();
    assert_eq!(message.file, Some(0x6F07));
    let side = decode(message).response.unwrap();
    let imsi = side.find("IMSI").unwrap();
    assert_eq!((imsi.value.as_str(), imsi.secrecy), ("001010123456789", Secrecy::Identifier));
    // By short identifier without a selection.
    let message = one(&bytes("00 B0 87 00 09"), &bytes("08 29 26 10 11 60 84 57 40 90 00"));
    assert_eq!(value(&decode(&message).response.unwrap(), "IMSI"), "262011106487504");
    // Another channel has its own selection.
    let other = trace.command(Party::Chip, &bytes("01 B0 00 00 09"), 4.0);
    assert_eq!(trace.message(other.message).unwrap().file, None);
}

#[test]
fn an_atr_tells_that_the_chip_is_an_euicc() {
    let mut trace = Trace::default();
    let ticket = trace.reset(Party::Chip, 0.0);
    trace.answer(ticket, &bytes("3B 9F 96 80 3F 87 82 80 31 E0 73 FE 21 1F 57 45 43 75 31 30 13 65 02"), 5.0);
    let side = decode(trace.message(ticket.message).unwrap()).response.unwrap();
    assert_eq!(value(&side, "TB3"), "82, UICC global interface byte, eUICC functions");
    assert_eq!(value(&side, "TCK"), "02, right");
    assert!(faults(&side).is_empty());
}

#[test]
fn session_keys_and_pins_are_keys() {
    // ../shared/spec/06 §9, TS 35.208 set 1.
    let command =
        bytes("00 88 00 81 22 10 23553cbe9637a89d218ae64dae47bf35 10 aa689c648370 b9b9 4a9ffac354dfafb3");
    let answer = bytes(
        "DB 08 a54211d5e3ba50bf 10 b40ba9a3c58b2a05bbf0d987b21bf8cb 10 f769bcd751044604127672711c6d3441 90 00",
    );
    let message = one(&command, &answer);
    let decoded = decode(&message);
    check(&decoded);
    assert_eq!(value(&decoded.request, "RAND"), "23553CBE9637A89D218AE64DAE47BF35");
    assert_eq!(value(&decoded.request, "MAC"), "4A9FFAC354DFAFB3");
    let side = decoded.response.unwrap();
    assert_eq!(value(&side, "RES"), "A54211D5E3BA50BF");
    let shown = format!("{:?}", side.nodes).to_lowercase();
    assert!(!shown.contains("b40ba9") && !shown.contains("f769bc"), "{shown}");
    // However they come, whoever asks for it: keys do not leave.
    for level in [Level::KeysOnly, Level::Identifiers] {
        let mut trace = Trace::default();
        let ticket = trace.command(Party::Chip, &command, 0.0);
        trace.answer(ticket, &[0x61, 0x2C], 0.0);
        let ticket = trace.command(Party::Chip, &bytes("00 C0 00 00 2C"), 0.0);
        trace.answer(ticket, &answer, 0.0);
        let ticket = trace.command(Party::Chip, &bytes("00 20 00 01 08 31 32 33 34 FF FF FF FF"), 0.0);
        trace.answer(ticket, &[0x90, 0x00], 0.0);
        let masked = redacted(&trace, level);
        let all: Vec<u8> = masked
            .messages()
            .flat_map(|message| &message.parts)
            .flat_map(|part| [part.request.clone(), part.response.clone().unwrap_or_default()])
            .flatten()
            .collect();
        for secret in ["b40ba9a3c58b", "f769bcd75104", "31323334"] {
            let secret = hex::decode(secret).unwrap();
            assert!(!all.windows(secret.len()).any(|window| window == secret), "{level:?}");
        }
        let res = hex::decode("a54211d5e3ba50bf").unwrap();
        assert!(all.windows(8).any(|window| window == res));
        let message = masked.messages().next().unwrap();
        assert_eq!(value(&decode(message).response.unwrap(), "RES"), "A54211D5E3BA50BF");
    }
}

#[test]
fn functions_have_the_standard_s_names() {
    for (command, name, continues) in [
        ("80 AA 00 00 0A A9 08 81 00 82 01 01 83 01 07", "TERMINAL CAPABILITY", false),
        ("00 70 00 00 01", "MANAGE CHANNEL open", false),
        ("00 70 80 01", "MANAGE CHANNEL close", false),
        ("01 A4 04 00 10 A0 00 00 05 59 10 10 FF FF FF FF 89 00 00 01 00 00", "SELECT ISD-R", false),
        ("81 E2 91 00 03 BF 2E 00 00", "ES10b.GetEUICCChallenge", false),
        ("81 E2 91 01 03 BF 2E 00 00", "STORE DATA", true),
        ("81 E2 91 00 02 A1 05 00", crate::LOAD, true),
        ("81 C0 00 00 20", "GET RESPONSE", true),
        ("80 12 00 00 0B", "FETCH", false),
        ("00 EE 00 00", "INS EE", false),
        ("00", "not an APDU", false),
    ] {
        let named = crate::name::command(&bytes(command));
        assert_eq!((named.name.as_str(), named.continues), (name, continues), "{command}");
    }
    let name = |to, method, url| {
        let (interface, name) = crate::name::call(to, method, url);
        (interface, name)
    };
    assert_eq!(
        name(
            Party::Smdp,
            "POST",
            "/network/sessions/abc/http/smdp.example.com/gsma/rsp2/es9plus/authenticateClient"
        ),
        (Interface::Es9, "ES9+.AuthenticateClient".into())
    );
    assert_eq!(
        name(Party::Smds, "POST", "https://ds.example.com/gsma/rsp2/es9plus/initiateAuthentication"),
        (Interface::Es11, "ES11.InitiateAuthentication".into())
    );
    assert_eq!(name(Party::Network, "POST", "/network/attach"), (Interface::Network, "Attach".into()));
    assert_eq!(name(Party::Network, "GET", "/x?y"), (Interface::Http, "GET /x".into()));
}

#[test]
fn refusals_inside_good_answers_are_failures() {
    // SGP.22 §5.7.16: result 3, disallowedByPolicy.
    let message = one(&bytes("81 E2 91 00 03 BF 31 00 00"), &bytes("BF 31 03 80 01 03 90 00"));
    assert_eq!(message.ending, Ending::Bad("enableResult 3 disallowedByPolicy".into()));
    let answer = br#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"8.2.6","reasonCode":"3.8"}}}}"#;
    let message = call("/gsma/rsp2/es9plus/authenticateClient", b"{}", answer);
    assert_eq!(message.ending, Ending::Bad("Failed 8.2.6/3.8".into()));
    assert_eq!(
        value(&decode(&message).response.unwrap(), "meaning"),
        "the matching id is unknown or used up"
    );
    // An old failure in a list of notifications is none of this function.
    let Some(failed) = read("data/rsp-session/ProfileInstallationResult_err.der") else { return };
    let list = tlv::encode(tlv::Tag(0xBF2B), &tlv::encode(tlv::Tag(0xA0), &failed));
    let message = one(&bytes("81 E2 91 00 03 BF 2B 00 00"), &[&list[..], &[0x90, 0x00]].concat());
    assert!(!message.failed(), "{:?}", message.ending);
}

#[test]
fn a_trace_is_judged_when_somebody_comes_who_can() {
    let mut trace = Trace::unjudged(Limits::default());
    let (enable, refused) = (bytes("81 E2 91 00 03 BF 31 00 00"), bytes("BF 31 03 80 01 03 90 00"));
    let send = |trace: &mut Trace| {
        let ticket = trace.command(Party::Chip, &enable, 0.0);
        trace.answer(ticket, &refused, 1.0);
        trace.message(ticket.message).unwrap().failed()
    };
    assert!(!trace.is_judged() && !send(&mut trace));
    trace.judge(crate::refusal);
    assert!(trace.messages().all(Message::failed));
    assert!(trace.is_judged() && send(&mut trace));
    trace.clear();
    assert!(send(&mut trace));
}

#[test]
fn oldest_go_first_and_are_counted() {
    let mut trace = Trace::new(Limits { messages: 3, bytes: 100_000, parts: 4 });
    for n in 0..10_u8 {
        let ticket = trace.command(Party::Chip, &[0x80, 0xF2, 0, n], f64::from(n));
        trace.answer(ticket, &[0x90, 0x00], f64::from(n));
    }
    assert_eq!((trace.len(), trace.dropped()), (3, 7));
    assert_eq!(trace.messages().map(|message| message.id).collect::<Vec<_>>(), [7, 8, 9]);
    assert!(trace.message(6).is_none() && trace.message(7).is_some());
    // Parts that are too many are counted; a late answer to what went is nothing.
    for n in 0..9_u8 {
        let ticket = trace.command(Party::Chip, &[0x80, 0xE2, 0x11, n + 1, 1, 0], 20.0);
        trace.answer(ticket, &[0x90, 0x00], 21.0);
    }
    let last = trace.messages().next_back().unwrap();
    assert_eq!((last.parts.len(), last.lost), (4, 5));
    let mut small = Trace::new(Limits { messages: 100, bytes: 2_000, parts: 64 });
    for _ in 0..100 {
        let ticket = small.command(Party::Chip, &[0x80, 0xF2, 0, 0], 0.0);
        small.answer(ticket, &[0; 300], 0.0);
        assert!(small.len() == 1 || small.bytes() <= 2_000);
    }
    assert!(small.dropped() > 90);
    assert_eq!(small.bytes(), small.messages().map(Message::size).sum::<usize>());
}

#[test]
fn filters_find_names_bytes_and_values() {
    let mut trace = Trace::default();
    trace.set_step(Some(Step::Install));
    let ticket = trace.command(Party::Watch, &bytes("81 E2 91 00 06 BF 3E 03 5C 01 5A 00"), 0.0);
    trace.answer(ticket, &bytes("BF 3E 12 5A 10 89 04 90 32 12 34 51 23 45 12 34 56 78 90 12 35 90 00"), 1.0);
    let message = trace.message(ticket.message).unwrap();
    let finds = |filter: Filter| filter.passes(message);
    let text = |text: &str| Filter { text: text.into(), ..Filter::default() };
    assert!(
        finds(Filter::default()) && finds(text("geteid")) && finds(text("5c 01 5a")) && finds(text("5C015A"))
    );
    assert!(finds(text("eidValue")) && finds(text("8904903212345123")) && !finds(text("nothing")));
    assert!(finds(Filter { party: Some(Party::Watch), step: Some(Step::Install), ..Filter::default() }));
    assert!(!finds(Filter { party: Some(Party::Chip), ..Filter::default() }));
    assert!(!finds(Filter { errors: true, ..Filter::default() }));
    // What is masked is not found.
    let masked = Masks::of(&trace, Level::Identifiers).message(message);
    assert!(!text("8904903212345123").passes(&masked) && text("89049032").passes(&masked));
}

#[test]
fn masks_keep_lengths_and_tell_equal_from_different() {
    let mut trace = Trace::default();
    // An ICCID and the same one as text in base64 in JSON, another one, a matching id, a token.
    let iccid = bytes("98 10 32 54 76 98 10 32 54 F6");
    let first = [&bytes("BF 31 11 A0 0C 5A 0A")[..], &iccid, &bytes("81 01 FF")].concat();
    es10(&mut trace, &first, &bytes("BF 31 03 80 01 00"));
    let second = bytes("BF 33 0C 5A 0A 98 10 32 54 76 98 10 32 54 F7");
    es10(&mut trace, &second, &bytes("BF 33 03 80 01 00"));
    let inner = base64(&[&bytes("E3 0C 5A 0A")[..], &iccid].concat());
    let json = format!(
        r#"{{"iccid":"8901234567890123456","matchingId":"04386-AGYFT-A74Y8-3F815","x":"{inner}","n":[{{"text":"of 8901234567890123456!"}}]}}"#
    );
    let url = "/network/sessions/0123456789abcdef/http/smdp.example.com/gsma/rsp2/es9plus/cancelSession?m=04386-AGYFT-A74Y8-3F815";
    let headers =
        [("Authorization", "Bearer secret-of-the-operator"), ("x-admin-protocol", "gsma/rsp/v2.2.2")];
    let request = Request { method: "POST", url, headers: &headers, body: json.as_bytes() };
    let ticket = trace.call(Party::Phone, Party::Smdp, request, 3.0);
    trace.fail(ticket, "no answer for 8901234567890123456", 4.0);
    trace.note(ticket.message, "dropped 98 10 32 54 76 98 10 32 54 f6");

    let masked = redacted(&trace, Level::Identifiers);
    assert_eq!(masked.bytes(), trace.bytes());
    for (one, other) in trace.messages().zip(masked.messages()) {
        assert_eq!(
            (one.sent(), one.received(), one.parts.len()),
            (other.sent(), other.received(), other.parts.len())
        );
    }
    let messages: Vec<&Message> = masked.messages().collect();
    let shown = |message: &Message| decode(message).request.find("iccid").unwrap().value.clone();
    let (same, other) = (shown(messages[0]), shown(messages[1]));
    assert!(same.starts_with("890123XXX") && same.ends_with("01") && other.ends_with("02"), "{same} {other}");
    let call = messages[2];
    let http = call.http.as_ref().unwrap();
    assert!(http.url.starts_with("/network/sessions/XXXXXXXXXXXXXX"), "{}", http.url);
    assert!(!http.url.contains("AGYFT") && http.url.contains("?m=XXXXX-XXXXX-XXXXX-XXX"), "{}", http.url);
    assert!(http.request_headers[0].1.starts_with("Bearer XXXXXX-XX-XXX-"), "{:?}", http.request_headers);
    assert_eq!(http.request_headers[1].1, "gsma/rsp/v2.2.2");
    let body: serde_json::Value = serde_json::from_slice(&call.parts[0].request).unwrap();
    assert_eq!(body["iccid"], same);
    assert_eq!(body["n"][0]["text"], format!("of {same}!"));
    assert!(call.ending.text().ends_with(&same), "{:?}", call.ending);
    assert!(call.note.as_ref().unwrap().starts_with("dropped 98 10 32 EE"), "{:?}", call.note);
    // Again, nothing changes; with keys only, nothing here is masked.
    let again = redacted(&masked, Level::Identifiers);
    assert!(again.messages().eq(masked.messages()));
    assert!(redacted(&trace, Level::KeysOnly).messages().eq(trace.messages()));
}

/// By the null scheme a SUCI says what the IMSI says, in text and in a card's half bytes.
#[test]
fn a_suci_that_conceals_nothing_is_masked() {
    let mut trace = Trace::default();
    let attach = |trace: &mut Trace, suci: &str| {
        let json = format!(r#"{{"suci":"{suci}","access":"5g"}}"#);
        let url = "/network/attach";
        let request = Request { method: "POST", url, headers: &[], body: json.as_bytes() };
        let ticket = trace.call(Party::Phone, Party::Network, request, 0.0);
        trace.reply(ticket, Answer { status: 200, headers: &[], body: b"{}" }, 1.0);
    };
    attach(&mut trace, "suci-0-001-01-0-0-0-0123456789");
    let identity = trace.command(Party::Chip, &bytes("80 78 00 01 00"), 2.0);
    trace.answer(identity, &bytes("A1 0D 01 00 F1 10 F0 FF 00 00 10 32 54 76 98 90 00"), 3.0);
    let masked = redacted(&trace, Level::Identifiers);
    let sides: Vec<_> = masked.messages().map(decode).collect();
    let sent = |at: usize| String::from_utf8_lossy(&sides[at].request.bytes).into_owned();
    assert!(sent(0).contains("suci-0-001-01-0-0-0-") && !sent(0).contains("0123456789"), "{}", sent(0));
    let answer = &sides[1].response.as_ref().unwrap().bytes;
    let plain = bytes("10 32 54 76 98");
    assert!(!answer.windows(5).any(|window| window == plain), "{answer:02x?}");
}

#[test]
fn a_value_across_two_blocks_is_masked() {
    let mut trace = Trace::default();
    let iccid = bytes("98 10 32 54 76 98 10 32 54 F6");
    let request = [&bytes("BF 29 11 5A 0A")[..], &iccid, &bytes("90 03 61 62 63")].concat();
    for block in apdu::store_data(apdu::Channel::BASIC, &request, 9) {
        let ticket = trace.command(Party::Chip, &block, 0.0);
        trace.answer(ticket, &[0x90, 0x00], 0.0);
    }
    let masked = redacted(&trace, Level::Identifiers);
    let message = masked.messages().next().unwrap();
    assert_eq!(message.parts.len(), 3);
    let side = decode(message).request;
    assert!(value(&side, "iccid").starts_with("890123XXX"));
    assert_eq!(value(&side, "profileNickname"), "abc");
}

#[test]
fn two_traces_are_compared_by_their_functions() {
    let record = |commands: &[(&str, &str)]| {
        let mut trace = Trace::default();
        for (command, answer) in commands {
            let ticket = trace.command(Party::Chip, &bytes(command), 0.0);
            trace.answer(ticket, &bytes(answer), 0.0);
        }
        trace
    };
    let (select, read, status) = ("00 A4 00 04 02 3F 00", "00 B0 00 00 01", "80 F2 00 00 00");
    let left = record(&[(select, "90 00"), (read, "01 90 00"), (status, "90 00")]);
    let right = record(&[(select, "90 00"), (status, "6A 82"), (read, "02 90 00"), (status, "90 00")]);
    let changes: Vec<crate::Change> =
        crate::diff(&left, &right).into_iter().map(|pair| pair.change).collect();
    use crate::Change::{Added, Bytes, Ending, Removed, Same};
    assert_eq!(changes, [Same, Added, Bytes, Same]);
    let ends = record(&[(select, "6A 82")]);
    let changes: Vec<crate::Change> = crate::diff(&left, &ends).into_iter().map(|pair| pair.change).collect();
    assert_eq!(changes, [Ending, Removed, Removed]);
    let empty = Trace::default();
    assert_eq!(crate::diff(&empty, &left).len(), 3);
    assert!(crate::diff(&empty, &empty).is_empty());
}

/// Numbers for tests that want many.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

#[test]
fn whatever_comes_is_shown_within_bounds() {
    let mut seeds: Vec<Vec<u8>> = [
        "BF 22 80",
        "BF 36 84 FF FF FF FF",
        "30 80 30 80",
        "A0 84 00 00 00 01 FF",
        "1F FF FF FF 00",
        "5F",
        "62 7F 82 00",
        "D0 05 81 03 01 01",
        "DB FF 00",
        "3B FF FF FF FF FF",
        "FF FF FF",
        "30 06 06 01 80 04 01 FF",
    ]
    .map(bytes)
    .into();
    for name in [
        "AuthenticateServerResponse",
        "BoundProfilePackage_session",
        "ProfileInstallationResult_err",
        "OtherSignedNotification",
    ] {
        seeds.extend(
            read(&format!("data/rsp-session/{name}.der")).map(|der| der[..der.len().min(1_500)].to_vec()),
        );
    }
    // Deep: every level is a SEQUENCE.
    seeds.push([0x30, 0x80].repeat(40));
    let mut deep = vec![0x05, 0x00];
    for _ in 0..200 {
        deep = tlv::encode(tlv::Tag(0x30), &deep);
    }
    seeds.push(tlv::encode(tlv::Tag(0xBF35), &deep));
    // Wide: more objects than a tree may have.
    seeds.push(tlv::encode(tlv::Tag(0xBF2D), &tlv::encode(tlv::Tag(0xA0), &[0x5A, 0x00].repeat(20_000))));
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let instructions =
        [0xE2, 0xA4, 0xB0, 0xB2, 0x88, 0xC0, 0x12, 0x14, 0xC2, 0xF2, 0x10, 0xAA, 0x20, 0x70, 0xDC, 0x00];
    let rounds = if cfg!(target_arch = "wasm32") { 200 } else { 600 };
    for round in 0..rounds {
        let mut data = seeds[round % seeds.len()].clone();
        if round >= seeds.len() {
            for _ in 0..1 + chance.below(6) {
                let place = chance.below(data.len());
                match chance.below(4) {
                    0 => data.truncate(place),
                    1 => data.insert(place, chance.next() as u8),
                    _ => {
                        if let Some(byte) = data.get_mut(place) {
                            *byte = chance.next() as u8;
                        }
                    }
                }
            }
        }
        let mut trace = Trace::default();
        let ins = instructions[chance.below(instructions.len())];
        let command = apdu::Command::new(chance.next() as u8, ins, chance.next() as u8, chance.next() as u8)
            .data(&data[..data.len().min(60_000)])
            .to_vec();
        let ticket = trace.command(Party::Chip, &command, 0.0);
        trace.answer(ticket, &[&data[..], &[0x90, 0x00]].concat(), 0.0);
        es10(&mut trace, &data[..data.len().min(4_000)], &data[..data.len().min(4_000)]);
        let ticket = trace.reset(Party::Chip, 0.0);
        trace.answer(ticket, &data, 0.0);
        let ticket = trace.command(Party::Chip, &data, 0.0);
        trace.answer(ticket, &[], 0.0);
        let json = format!(
            r#"{{"authenticateServerResponse":"{}","serverCertificate":"{}","n":{}1{}}}"#,
            base64(&data),
            base64(&data),
            "[".repeat(round % 100),
            "]".repeat(round % 100 + round % 2),
        );
        let mut answer = json.clone().into_bytes();
        let place = chance.below(answer.len());
        answer[place] = chance.next() as u8;
        for (request, answer) in [(json.as_bytes(), &answer[..]), (&data[..], &data[..])] {
            let request =
                Request { method: "POST", url: "/gsma/rsp2/es9plus/x", headers: &[], body: request };
            let ticket = trace.call(Party::Phone, Party::Smdp, request, 0.0);
            trace.reply(ticket, Answer { status: 200, headers: &[], body: answer }, 0.0);
        }
        let masked = redacted(&trace, Level::Identifiers);
        for message in trace.messages().chain(masked.messages()) {
            let decoded = decode(message);
            assert!(check(&decoded) < 40_000);
            for part in 0..message.parts.len() {
                check(&decode_part(message, part).unwrap());
            }
        }
        for (one, other) in trace.messages().zip(masked.messages()).filter(|(one, _)| one.http.is_none()) {
            assert_eq!((one.sent(), one.received()), (other.sent(), other.received()));
        }
    }
}
