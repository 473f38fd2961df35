//! Hostile peers at every door: cards, servers, bodies, commands, activation codes and metadata
//! that nobody who means well would send. They are refused, nothing changes, and no key is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use common::{detail, device, download, installed, ordered, profiles};
use http::Method;
use lpa::{Answer, Cause, Effect, HttpAnswer, Options, Outcome, Reply};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rsp::ActivationCode;
use rsp::ids::Iccid;
use serde_json::{Value, json};
use testkit::{Exchange, Party, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn metadata_that_changed_after_consent_is_cancelled_by_the_lpa() {
    let mut world = World::new(125);
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.change_answers(move |target, answer| {
        if target.ends_with("authenticateClient") {
            let mut json: Value = serde_json::from_slice(answer).unwrap();
            let mut shown: rsp::es9::Base64 =
                serde_json::from_value(json["profileMetadata"].clone()).unwrap();
            // The first letter of the service provider's name.
            let at = shown.0.iter().position(|&byte| byte == 0x91).unwrap() + 2;
            shown.0[at] ^= 1;
            json["profileMetadata"] = serde_json::to_value(shown).unwrap();
            *answer = json.to_string().into_bytes();
        }
    });
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(failure.cause, Cause::MetadataMismatch);
    assert_eq!(profiles(&mut world).len(), 1);
    assert_eq!(detail(&world, &order.iccid)["state"], "Error");
}

/// What a card answers to a command.
type Card = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// Answers of a card to an LPA, without end.
fn cards() -> Vec<(&'static str, Card)> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut noise = move |_: &[u8]| {
        let mut bytes = vec![0; (rng.next_u32() % 300) as usize];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let mut flip = false;
    vec![
        ("61 00 for ever, one byte each", Box::new(|_| vec![0x00, 0x61, 0x00])),
        ("61 FF for ever, nothing with it", Box::new(|_| vec![0x61, 0xFF])),
        ("6C for ever", Box::new(|_| vec![0x6C, 0x10])),
        ("nothing at all", Box::new(|_| vec![])),
        ("half a status word", Box::new(|_| vec![0x90])),
        ("always well", Box::new(|_| vec![0x90, 0x00])),
        ("always channel one", Box::new(|_| vec![0x01, 0x90, 0x00])),
        ("a length of 4 GiB", Box::new(|_| vec![0x01, 0xBF, 0x20, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00])),
        ("more than a short response", Box::new(|_| [vec![0x01; 70_000], vec![0x90, 0x00]].concat())),
        ("nested without end", Box::new(|_| [[0x30, 0x80].repeat(30_000), vec![0x90, 0x00]].concat())),
        ("a proactive command for ever", Box::new(|_| vec![0x91, 0x10])),
        ("a warning for ever", Box::new(|_| vec![0x62, 0x00])),
        (
            "channel, then 61 for ever",
            Box::new(move |_| {
                flip = !flip;
                if flip { vec![0x01, 0x90, 0x00] } else { vec![0xAA, 0x61, 0x01] }
            }),
        ),
        ("noise", Box::new(move |command| [noise(command), vec![0x90, 0x00]].concat())),
    ]
}

#[test]
fn a_hostile_card_ends_every_procedure_of_the_lpa() {
    let code: ActivationCode = "1$smdp.example.com$A".parse().unwrap();
    let iccid: Iccid = "89000123456789012341".parse().unwrap();
    for index in 0..cards().len() {
        let options = Options::default;
        let procedures = [
            download(&code),
            lpa::enable(iccid, options()),
            lpa::disable(iccid, options()),
            lpa::delete(iccid, options()),
            lpa::list(options()),
            lpa::chip_info(options()),
            lpa::notifications(options()),
            lpa::memory_reset(7, options()),
            lpa::set_nickname(iccid, "\u{202E}name\0", options()),
            lpa::set_default_smdp("smdp.example.com", options()),
            lpa::download_default(Some("smdp.example.com".into()), device(), options()),
            lpa::discover(None, device(), options()),
            lpa::check_server("smdp.example.com".into(), device(), options()),
            lpa::list_notifications(options()),
            lpa::send_notification(1, options()),
            lpa::remove_notification(1, options()),
        ];
        for (number, mut procedure) in procedures.into_iter().enumerate() {
            let (name, mut card) = cards().remove(index);
            let mut answer = Answer::Begin;
            let mut effects = 0;
            loop {
                answer = match procedure.resume(answer) {
                    Effect::Card(command) => Answer::Card(Ok(card(&command))),
                    Effect::Server(_) => Answer::Server(Ok(HttpAnswer { status: 200, body: b"{}".to_vec() })),
                    Effect::Ask(_) => Answer::Reply(Reply::Accept),
                    Effect::Progress(_)
                    | Effect::Keep(_)
                    | Effect::Forget(_)
                    | Effect::KeepCancellation(_)
                    | Effect::ForgetCancellation(_)
                    | Effect::Refresh(_) => Answer::Continue,
                    Effect::Done(result) => {
                        assert!(result.is_err() || name == "noise", "{name} {number}: {result:?}");
                        break;
                    }
                };
                effects += 1;
                assert!(effects < 300_000, "{name}: procedure {number} does not end");
            }
        }
    }
}

#[test]
fn changed_answers_of_the_server_install_nothing_that_was_not_signed() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    for round in 0..60_u64 {
        let mut world = World::new(108);
        world.attach(None).unwrap();
        let order = ordered(&world);
        let function =
            ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage"][(round % 3) as usize];
        let (kind, at, with) = (round / 3 % 4, rng.next_u32(), rng.next_u32() as u8);
        world.change_answers(move |target, answer| {
            if !target.ends_with(function) || answer.is_empty() {
                return;
            }
            let at = at as usize % answer.len();
            match kind {
                0 => answer[at] ^= with | 1,
                1 => answer.truncate(at),
                2 => answer[at] = 0,
                _ => *answer = ["[".repeat(50_000).into_bytes(), answer.clone()].concat(),
            }
        });
        let first = world.download(&order.code);
        world.mend();
        let list = profiles(&mut world);
        if first.is_err() {
            assert_eq!(list.len(), 1, "{round}");
        }
        world.attach(None).unwrap();
        // Not blocked: the chip takes the order, unless the server has closed it.
        let state = detail(&world, &order.iccid)["state"].as_str().unwrap().to_owned();
        if matches!(state.as_str(), "Released" | "Downloaded") {
            world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
            world.download(&order.code).unwrap_or_else(|failure| panic!("{round} {state}: {failure}"));
        }
    }
}

/// Bodies that no server likes.
fn bodies() -> Vec<Vec<u8>> {
    let deep = |open: &str| open.repeat(30_000).into_bytes();
    let long = "A".repeat(60_000);
    let mut all = vec![
        vec![],
        b"\0".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"\"\\ud800\"".to_vec(),
        b"\xFF\xFE{}".to_vec(),
        b"{\"a\":\"\xC3\x28\"}".to_vec(),
        b"1e999999".to_vec(),
        deep("["),
        deep("{\"header\":"),
        vec![b'{'; 2_000_000],
    ];
    let fields = [
        "transactionId",
        "smdpAddress",
        "euiccChallenge",
        "euiccInfo1",
        "authenticateServerResponse",
        "prepareDownloadResponse",
        "pendingNotification",
        "cancelSessionResponse",
        "iccid",
        "eid",
        "imsi",
        "matchingId",
        "profileType",
        "package",
        "metadata",
        "subscriber",
        "apn",
        "res",
        "auts",
        "kind",
        "to",
        "confirmationCode",
        "finalProfileStatusIndicator",
        "k",
        "opc",
        "class",
    ];
    let values = [
        json!(long),
        json!("\0"),
        json!("\u{202E}"),
        json!(-1),
        json!(1e308),
        json!([]),
        json!({}),
        Value::Null,
        json!("===="),
        json!("MIT/////"),
        json!("vyCE/////w=="),
        json!("MIAwgDCAMIAwgDCAMIAwgDCAMIAwgDCA"),
    ];
    for value in &values {
        let mut body = serde_json::Map::new();
        let header = json!({ "functionRequesterIdentifier": "2.999.1", "functionCallIdentifier": "c" });
        body.insert("header".into(), header);
        for field in fields {
            body.insert(field.into(), value.clone());
        }
        all.push(Value::Object(body).to_string().into_bytes());
    }
    all
}

#[test]
fn hostile_bodies_at_every_door_are_answered_and_change_nothing() {
    let (world, order) = installed(109);
    let everything = |world: &World| {
        (
            world.ask_smdp(Method::GET, "/operator/profiles", None),
            world.ask_smdp(Method::GET, "/operator/notifications", None),
            detail(world, &order.iccid),
            world.ask_network(Method::GET, "/network/subscribers", None),
        )
    };
    let before = everything(&world);
    let imsi = world.operational[0].imsi;
    let network = [
        "/network/attach".to_owned(),
        format!("/network/attach/{}/response", "0".repeat(48)),
        format!("/network/sessions/{}/service", "0".repeat(48)),
        format!("/network/sessions/{}/http/smdp.example.com/gsma/rsp2/es9plus/x", "0".repeat(48)),
        format!("/network/subscribers/{imsi}"),
    ];
    let mut smdp = vec!["/operator/profiles".to_owned()];
    for function in ["downloadOrder", "confirmOrder", "releaseProfile", "cancelOrder", "nonsense"] {
        smdp.push(format!("/gsma/rsp2/es2plus/{function}"));
    }
    for function in [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "cancelSession",
        "handleNotification",
        "nonsense",
    ] {
        smdp.push(format!("/gsma/rsp2/es9plus/{function}"));
    }
    for body in bodies() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        for path in &network {
            let method = if path.contains("subscribers") { Method::PUT } else { Method::POST };
            let (status, _) = world.send_network(method, path, body.clone());
            assert!((400..500).contains(&status), "{path} {shown}: {status}");
        }
        for path in &smdp {
            let (status, answer) = world.send_smdp(Method::POST, path, body.clone());
            let failed = serde_json::from_slice::<Value>(&answer)
                .is_ok_and(|answer| answer["header"]["functionExecutionStatus"]["status"] == "Failed");
            assert!((400..500).contains(&status) || status == 200 && failed, "{path} {shown}: {status}");
            assert!(answer.len() < 2_000, "{path} {shown}: quotes its input");
        }
    }
    assert_eq!(everything(&world), before);
}

#[test]
fn changed_requests_at_the_server_are_refused_and_change_nothing() {
    let (world, order) = installed(110);
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let before = detail(&world, &order.iccid);
    let log = world.log();
    let requests: Vec<&Exchange> = log
        .iter()
        .filter(|e| e.party == Party::Smdp && e.target.contains("es9plus"))
        .filter(|e| !e.target.ends_with("initiateAuthentication"))
        .collect();
    for _ in 0..600 {
        let exchange = requests[rng.next_u32() as usize % requests.len()];
        let mut body = exchange.request.clone();
        for _ in 0..=rng.next_u32() % 3 {
            let at = rng.next_u32() as usize % body.len();
            match rng.next_u32() % 3 {
                0 => body[at] = rng.next_u32() as u8,
                1 => drop(body.remove(at)),
                _ => body.insert(at, b'A'),
            }
        }
        let path = exchange.target.trim_start_matches("POST ");
        let (status, _) = world.send_smdp(Method::POST, path, body);
        assert!(matches!(status, 200 | 204 | 400), "{path} {status}");
        assert_eq!(detail(&world, &order.iccid), before, "{path}");
    }
}

#[test]
fn changed_commands_break_no_chip() {
    let (mut world, order) = installed(111);
    let log: Vec<Vec<u8>> =
        world.log().into_iter().filter(|e| e.party == Party::Chip).map(|e| e.request).collect();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let mut world_b = World::new(111);
    world_b.terminal_profile();
    for round in 0..4000 {
        let mut command = log[rng.next_u32() as usize % log.len()].clone();
        match rng.next_u32() % 6 {
            0 => {
                let at = rng.next_u32() as usize % command.len();
                command[at] = rng.next_u32() as u8;
            }
            1 => command.truncate(rng.next_u32() as usize % command.len()),
            2 => command.extend(std::iter::repeat_n(0xFF, rng.next_u32() as usize % 300)),
            3 => {
                command = vec![0; rng.next_u32() as usize % 12];
                rng.fill_bytes(&mut command);
            }
            4 if command.len() > 7 => {
                // A length inside the data.
                let at = 5 + rng.next_u32() as usize % (command.len() - 5).min(8);
                command[at] = [0x80, 0x84, 0xFF, 0x7F, 0x00][rng.next_u32() as usize % 5];
            }
            _ => {}
        }
        let free = world_b.free_memory();
        let answer = world_b.transmit(&command).unwrap();
        assert!(answer.len() >= 2 && answer.len() <= 65_538, "{round}");
        assert!(matches!(answer[answer.len() - 2], 0x60..=0x6F | 0x90..=0x9F), "{round} {answer:02x?}");
        assert!(world_b.free_memory() + 70_000 > free);
        if round % 500 == 499 {
            world_b.power_cycle();
            assert!(!profiles(&mut world_b).is_empty());
        }
    }
    // The other chip still works, of course, and so does this one.
    assert_eq!(profiles(&mut world).len(), 2);
    drop(order);
    world_b.power_cycle();
    assert_eq!(world_b.imsi().unwrap(), world_b.provisioning.imsi);
    world_b.attach(None).unwrap();
}

#[test]
fn keys_are_in_no_answer_and_in_no_request_of_a_terminal() {
    let (mut world, order) = installed(118);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap();
    world.refresh();
    world.attach(None).unwrap();
    world.ask_network(Method::GET, "/network/subscribers", None);
    world.ask_smdp(Method::GET, "/operator/profiles", None);
    detail(&world, &order.iccid);
    let mut secrets = Vec::new();
    for subscription in world.operational.iter().chain([&world.provisioning]) {
        let record = subscription.network_record();
        for name in ["k", "opc", "topc"] {
            secrets.extend(record[name].as_str().map(str::to_owned));
        }
    }
    assert!(secrets.len() >= 4);
    for exchange in world.log() {
        let mut seen = exchange.answer.unwrap_or_default();
        if !exchange.target.contains("subscribers") && !exchange.target.contains("operator/profiles") {
            seen.extend(exchange.request);
        }
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        for secret in &secrets {
            assert!(!text.contains(secret), "{}", exchange.target);
            let raw = hex::decode(secret).unwrap();
            assert!(!seen.windows(raw.len()).any(|window| window == raw), "{}", exchange.target);
        }
    }
}

#[test]
fn hostile_activation_codes_are_refused_or_harmless() {
    let long = "1$a$".to_owned() + &"A".repeat(300);
    let huge = "LPA:1$".to_owned() + &"a.".repeat(1_000_000);
    for text in [
        "",
        "LPA:",
        "LPA:1",
        "LPA:1$",
        "1$$",
        "2$a$b",
        "LPA:1$evil@host$A",
        "LPA:1$host/path$A",
        "LPA:1$host:0$A",
        "LPA:1$host:99999$A",
        "LPA:1$host:443:443$A",
        "LPA:1$[::1]$A",
        "LPA:1$ho%73t$A",
        "LPA:1$host$A B?",
        "LPA:1$host$A$not-an-oid",
        "LPA:1$host$A$1.3.6.1$2",
        "LPA:1$host$A$$1$x",
        "LPA:1$ho\0st$A",
        "LPA:1$h\u{202E}ost$A",
        "LPA:1$hоst$A",
        "LPA:1$-host$A",
        "LPA:1$host-$A",
        "LPA:1$.host$A",
        "LPA:1$host..$A",
        "é\u{301}PA:1$host$A",
        &long,
        &huge,
    ] {
        let shown: String = text.chars().take(40).collect();
        assert!(text.parse::<ActivationCode>().is_err(), "{shown:?}");
    }
    // What is read is written so that it reads the same.
    for text in [
        "LPA:1$host$\u{FF21}",
        "LPA:1$host$",
        "1$host$A$1.3.6.1.4.1$1",
        "lpa:1$HOST:8443$a-b$$1",
        " LPA:1$h\nost$A ",
    ] {
        let code: ActivationCode = text.parse().unwrap();
        assert_eq!(code.to_string().parse::<ActivationCode>().unwrap(), code);
    }
    // A code of a server that the network does not let through.
    let mut world = World::new(119);
    world.attach(None).unwrap();
    for text in
        ["1$localhost$A", "1$127.0.0.1$A", "1$smdp.example.com:8443$A", "1$smdp.example.com.evil.example$A"]
    {
        let failure = world.download(&text.parse().unwrap()).unwrap_err();
        assert!(matches!(failure.cause, Cause::Http { status: 403, .. }), "{text}: {failure}");
    }
    assert_eq!(world.calls_of("initiateAuthentication"), 0);
}

#[test]
fn hostile_metadata_is_refused_or_shown_as_it_is() {
    use base64::Engine;
    let mut world = World::new(120);
    let package = world.operational[0].package();
    let package = base64::engine::general_purpose::STANDARD.encode(&*package);
    let upload = |world: &World, name: &str, provider: &str| {
        world.ask_smdp(Method::POST, "/operator/profiles", Some(&json!({
            "metadata": { "serviceProviderName": provider, "profileName": name, "profileClass": "operational" },
            "package": package,
        })))
    };
    let before = detail(&world, world.operational[0].iccid);
    assert_eq!(upload(&world, &"n".repeat(65), "p").0, 400);
    assert_eq!(upload(&world, "n", &"p".repeat(33)).0, 400);
    assert_eq!(upload(&world, &"\u{202E}".repeat(22), "p").0, 400, "66 bytes");
    for control in ["n\0", "\u{7}n", "n\r\nn", "\u{9B}n"] {
        assert_eq!(upload(&world, control, "p").0, 400, "{control:?}");
        assert_eq!(upload(&world, "n", control).0, 400, "{control:?}");
    }
    assert_eq!(detail(&world, world.operational[0].iccid), before);
    let (name, provider) = ("\u{202E}<script>\u{1F600}", "\u{200F}'\"&;--");
    assert!(upload(&world, name, provider).0 < 300);
    world.attach(None).unwrap();
    let order = ordered(&world);
    let Ok(Outcome::Installed { metadata, .. }) = world.download(&order.code) else { panic!() };
    assert_eq!((metadata.profile_name.as_str(), metadata.service_provider_name.as_str()), (name, provider));
    let list = profiles(&mut world);
    assert!(list.iter().any(|info| info.profile_name.as_deref() == Some(name)));
}
