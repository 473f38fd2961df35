//! Scenario tables: what is said to the chip and what it answers, as data.
//!
//! A table is a text file of `../scenarios`. Its head, lines that begin with `#`, names
//! the sections of the standards that it shows. Then come scenarios, each on a chip of
//! its own:
//!
//! ```text
//! == title, unique in the file; docs/conformance.toml names it
//! @ two                        the chip it starts with: see `Start`
//! > 00A4040C ({isdr})          a command APDU; `<` is its whole response
//! < 9000
//! >> 00A40404 ({isdr})         as a terminal on T=0: repeats after 6C, fetches after 61
//! open                         opens channel 1 and selects the ISD-R there
//! block 120                    how long the blocks of STORE DATA are from here on
//! es10 BF2E00                  STORE DATA on channel 1; `<` is all data and the last SW
//! < BF2E [80 [{challenge:16}]] 9000
//! reset                        `<` is the answer to reset
//! power                        the power goes and comes back
//! server AuthenticateServer    the SM-DP+'s next request becomes `{AuthenticateServer}`
//! load {BoundProfilePackage}   in the segments of SGP.22 §2.5.5, until there is an answer
//! ```
//!
//! Bytes are hexadecimal. `[…]` puts the BER length of what is inside in front of it,
//! `(…)` the one byte of Lc. `{name}` stands for bytes known by that name. In an expected
//! answer `..` is any byte, `*` any bytes, `{name:4}` any four that are called `name` from
//! here on. A line that begins with `#` inside a scenario is a remark.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rsp::DataObject as _;
use rsp::metadata::{NotificationConfiguration, NotificationEvents, OperatorId, PprIds, ProfileClass};
use wasm_euicc::Factory;
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, factory, hex};
use crate::management::enable;
use crate::server::*;
use crate::subject::{install_rich, set1};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! tables {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            play(stringify!($name), include_str!(concat!("../scenarios/", stringify!($name), ".txt")));
        }
    )* };
}

tables! {
    aka
    authenticate_server
    boot_lpa
    boot_shell
    boot_terminal
    cancel_session
    card_door
    cat
    delete_profile
    disable_profile
    enable_profile
    get_eid
    get_euicc_challenge
    get_euicc_configured_addresses
    get_euicc_info
    get_profiles_info
    get_rat
    list_notification
    load_bound_profile_package
    memory_reset
    other_functions
    pin
    prepare_download
    refresh
    remove_notification
    retrieve_notifications_list
    set_default_dp_address
    set_nickname
    store_data
    uicc_data
    uicc_files
    uicc_records
    uicc_select
}

/// One byte of a pattern, or what stands for some.
#[derive(Clone, Debug)]
enum Atom {
    Byte(u8),
    Any,
    Capture(String, usize),
    Rest,
}

type Names = BTreeMap<String, Vec<u8>>;

/// Reads hexadecimal digits with the signs of above.
fn parse(text: &str, names: &Names) -> Result<Vec<Atom>, String> {
    let mut chars = text.chars().filter(|c| !c.is_whitespace()).peekable();
    let mut open: Vec<(char, Vec<Atom>)> = Vec::new();
    let mut now = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '[' | '(' => open.push((c, core::mem::take(&mut now))),
            ']' | ')' => {
                let (kind, before) = open.pop().ok_or("a bracket is not open")?;
                let mut len = 0;
                for atom in &now {
                    len += match atom {
                        Atom::Byte(_) | Atom::Any => 1,
                        Atom::Capture(_, len) => *len,
                        Atom::Rest => return Err("`*` has no length".into()),
                    };
                }
                // Of the data object 00 that has this length.
                let head = tlv::encode(tlv::Tag(0), &vec![0; len]);
                let head = if kind == '[' { head[1..head.len() - len].to_vec() } else { vec![len as u8] };
                let inside = core::mem::replace(&mut now, before);
                now.extend(head.into_iter().map(Atom::Byte).chain(inside));
            }
            '*' => now.push(Atom::Rest),
            '.' if chars.next_if_eq(&'.').is_some() => now.push(Atom::Any),
            '{' => {
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                match name.split_once(':') {
                    Some((name, len)) => {
                        let len = len.parse().map_err(|_| format!("{{{name}}} has no length"))?;
                        now.push(Atom::Capture(name.into(), len));
                    }
                    None => {
                        let known = names.get(&name).ok_or_else(|| format!("{{{name}}} is not known"))?;
                        now.extend(known.iter().copied().map(Atom::Byte));
                    }
                }
            }
            high => {
                let digits: String = [high, chars.next().unwrap_or(' ')].iter().collect();
                let byte = u8::from_str_radix(&digits, 16).map_err(|_| format!("{digits:?} is no byte"))?;
                now.push(Atom::Byte(byte));
            }
        }
    }
    if open.is_empty() { Ok(now) } else { Err("a bracket is left open".into()) }
}

/// Bytes that are to be sent.
fn exact(text: &str, names: &Names) -> Result<Vec<u8>, String> {
    let atoms = parse(text, names)?;
    let byte = |atom: &Atom| if let Atom::Byte(byte) = atom { Ok(*byte) } else { Err("not to be sent") };
    Ok(atoms.iter().map(byte).collect::<Result<_, _>>()?)
}

/// Whether the bytes are those of the pattern; what was captured.
fn fits(pattern: &[Atom], bytes: &[u8], names: &mut Names) -> bool {
    match pattern {
        [] => bytes.is_empty(),
        [Atom::Rest, rest @ ..] => (0..=bytes.len()).any(|skip| fits(rest, &bytes[skip..], names)),
        [Atom::Capture(name, len), rest @ ..] => {
            let Some((value, tail)) = bytes.split_at_checked(*len) else { return false };
            let fit = fits(rest, tail, names);
            if fit {
                names.insert(name.clone(), value.to_vec());
            }
            fit
        }
        [Atom::Any, rest @ ..] => !bytes.is_empty() && fits(rest, &bytes[1..], names),
        [Atom::Byte(byte), rest @ ..] => bytes.first() == Some(byte) && fits(rest, &bytes[1..], names),
    }
}

/// How chips are made that scenarios start with, and what is on them.
#[derive(Clone)]
struct Start {
    made: Rc<Factory>,
    medium: MemoryMedium,
}

struct Bench {
    lab: Lab,
    starts: BTreeMap<String, Start>,
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench { lab: Lab::new(), starts: BTreeMap::new() });
}

impl Bench {
    /// A chip that is the same for all scenarios that ask for it.
    fn start(&mut self, name: &str) -> Start {
        if let Some(start) = self.starts.get(name) {
            return start.clone();
        }
        let start = self.make(name);
        self.starts.insert(name.into(), start.clone());
        start
    }

    fn make(&self, name: &str) -> Start {
        use ProfileClass::{Operational, Provisioning, Test};
        let lab = &self.lab;
        let mut made = factory(lab);
        made.root_ds_address = "ds.example.com".into();
        // (number, class, rules): installed in this order, all disabled.
        let plain: &[(u8, ProfileClass, u32)] = match name {
            // No profile; the same with a default SM-DP+ from the factory; with an SM-DS
            // address that is empty; one that forbids PPR2.
            "blank" | "born" | "forbidding" => &[],
            // Profiles with a PIN, files for every command, USIM and ISIM: see `subject`.
            "rich" => &[],
            "one" | "told" | "addressed" => &[(1, Operational, 0)],
            "two" => &[(1, Operational, 0), (2, Operational, 0)],
            "classes" => &[(1, Operational, 0), (2, Test, 0), (3, Provisioning, 0)],
            "tests" => &[(1, Operational, 0), (2, Operational, 0), (3, Test, 0), (4, Test, 0)],
            "ppr1" => {
                &[(1, Operational, PprIds::PPR1.0), (2, Operational, 0), (3, Test, 0), (4, Provisioning, 0)]
            }
            "ppr2" => &[(1, Operational, PprIds::PPR2.0)],
            other => panic!("there is no chip {other:?}"),
        };
        match name {
            "born" => made.default_dp_address = Some("dp.example.com".into()),
            "forbidding" => made.forbidden_rules = PprIds::PPR2,
            _ => {}
        }
        let mut card = Card::made_by(&made);
        for &(number, class, rules) in plain {
            let mut metadata = metadata(number);
            metadata.profile_class = class;
            metadata.profile_policy_rules = PprIds(rules);
            metadata.profile_owner = Some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
            if name == "addressed" {
                metadata.notification_configuration = [
                    (NotificationEvents::INSTALL, ADDRESS),
                    (NotificationEvents::INSTALL, "a.example"),
                    (NotificationEvents::ENABLE, "b.example"),
                    (NotificationEvents::DISABLE.with(NotificationEvents::DELETE), "c.example"),
                ]
                .map(|(events, address)| NotificationConfiguration { events, address: address.into() })
                .to_vec();
            }
            install(&mut card, lab, &metadata, &package_with(number, [0; 16]));
        }
        if name == "rich" {
            install_rich(&mut card, lab, 1, |_| {});
            install_rich(&mut card, lab, 2, |_| {});
            assert_eq!(enable(&mut card, 1), 0);
        }
        if !["told", "addressed"].contains(&name) {
            card.forget_notifications();
        }
        Start { made: Rc::new(made), medium: card.chip.into_env().medium }
    }
}

/// What every table knows by name.
fn names(lab: &Lab) -> Names {
    let mut names = Names::new();
    let mut name = |name: &str, value: &[u8]| {
        names.insert(name.to_owned(), value.to_vec());
    };
    name("isdr", &rsp::ids::ISD_R);
    name("ecasd", &rsp::ids::ECASD);
    name("usim", &saip::build::USIM_AID);
    name("isim", &saip::build::ISIM_AID);
    name("atr", &wasm_euicc::Options::ATR);
    name("eid", &vectors::bytes(&lab.eid.to_string()));
    name("ci", lab.pki.ci_key().unwrap().id().as_bytes());
    name("cert.euicc", lab.pki.euicc.certificate().der());
    name("cert.eum", lab.pki.eum.certificate().der());
    name("tid", tid(1).as_bytes());
    name("rand", &vectors::bytes(set1::RAND));
    name("autn", &vectors::bytes(set1::AUTN));
    for number in 1..=9 {
        name(&format!("iccid{number}"), iccid(number).as_bytes());
        let aid = format!("A0000005591010FFFFFFFF89{:04X}{:02X}00", 0, 0x0F + number);
        name(&format!("aid{number}"), &vectors::bytes(&aid));
    }
    for text in ["smdp.example.com", "notify.example.org", "ds.example.com", "dp.example.com"] {
        name(text, text.as_bytes());
    }
    names
}

/// One scenario while it is played.
struct Play<'a> {
    bench: &'a mut Bench,
    start: Option<Start>,
    card: Option<Card<MemoryMedium>>,
    names: Names,
    answer: Option<Vec<u8>>,
    dialogue: Option<Dialogue>,
    transaction_id: rsp::TransactionId,
}

impl Play<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if verb != "<" && self.answer.is_some() && verb != "server" {
            return Err("the answer before was not looked at".into());
        }
        if verb == "@" {
            let start = self.bench.start(rest);
            let mut card = Card::on(&start.made, start.medium.clone());
            card.chip.reset();
            (self.start, self.card) = (Some(start), Some(card));
            return Ok(());
        }
        if verb == "server" {
            return self.server(rest);
        }
        let card = self.card.as_mut().ok_or("there is no chip yet")?;
        match verb {
            ">" => self.answer = Some(card.chip.transmit(&exact(rest, &self.names)?)),
            ">>" => self.answer = Some(fetched(card, &exact(rest, &self.names)?)),
            "open" => card.open(),
            "block" => card.block = rest.parse().map_err(|_| "no length")?,
            "reset" => self.answer = Some(card.chip.reset()),
            "power" => {
                let start = self.start.as_ref().ok_or("no chip")?;
                let medium = self.card.take().ok_or("no chip")?.chip.into_env().medium;
                let mut card = Card::on(&start.made, medium);
                card.chip.reset();
                self.card = Some(card);
            }
            "es10" => {
                let (mut data, sw) = card.store_data(&exact(rest, &self.names)?);
                data.extend(sw.to_be_bytes());
                self.heard(&data);
                self.answer = Some(data);
            }
            "load" => {
                let package = exact(rest, &self.names)?;
                let mut answer = Vec::new();
                for segment in rsp::bpp::segments(&package).map_err(|_| "no package")? {
                    let (data, sw) = card.store_data(&package[segment.bytes]);
                    if sw != 0x9000 || !data.is_empty() {
                        answer = [&data[..], &sw.to_be_bytes()].concat();
                        break;
                    }
                }
                self.answer = Some(answer);
            }
            "<" => {
                let answer = self.answer.take().ok_or("nothing was said")?;
                let pattern = parse(rest, &self.names)?;
                if !fits(&pattern, &answer, &mut self.names) {
                    return Err(format!("it was {} ({:?})", hex(&answer), card.trace()));
                }
            }
            other => return Err(format!("{other:?} is no verb")),
        }
        Ok(())
    }

    /// The server takes notice of what it needs for its next request.
    fn heard(&mut self, answer: &[u8]) {
        use rsp::auth::AuthenticateServerResponse;
        use rsp::download::PrepareDownloadResponse;
        let bytes = &answer[..answer.len() - 2];
        if let Ok(AuthenticateServerResponse::Ok(ok)) = AuthenticateServerResponse::decode(bytes) {
            let transaction_id = self.transaction_id.clone();
            self.dialogue = Some(Dialogue { transaction_id, euicc: Some(ok), otpk: [0; 65] });
        }
        if let (Ok(PrepareDownloadResponse::Ok { euicc_signed2, .. }), Some(dialogue)) =
            (PrepareDownloadResponse::decode(bytes), &mut self.dialogue)
        {
            dialogue.otpk = euicc_signed2.euicc_otpk;
            self.names.insert("otpk".into(), dialogue.otpk.to_vec());
        }
    }

    /// `server FUNCTION option…`: a request as the SM-DP+ makes it, with the faults that
    /// are asked for.
    fn server(&mut self, words: &str) -> Result<(), String> {
        let mut words = words.split_whitespace();
        let function = words.next().ok_or("no function")?;
        let names = self.names.clone();
        let lab = &self.bench.lab;
        let bytes = |text: &str| exact(text, &names);
        let small = |value: Result<Vec<u8>, String>| value.map(|bytes| bytes.first().copied().unwrap_or(0));
        let request = match function {
            "AuthenticateServer" => {
                let challenge = names.get("challenge").map(|bytes| bytes[..].try_into().unwrap());
                let mut server = &lab.pki.dp_auth;
                let (mut bad_signature, mut bad_ci, mut noise) = (false, false, false);
                let mut challenge: [u8; 16] = challenge.unwrap_or([0; 16]);
                for word in words {
                    match word.split_once('=').unwrap_or((word, "")) {
                        ("as", "DPpb") => server = &lab.pki.dp_pb,
                        ("as", "TLS") => server = &lab.pki.dp_tls,
                        ("as", "DSauth") => server = &lab.pki.ds_auth,
                        ("as", "EUICC") => server = &lab.pki.euicc,
                        ("certificate", "3000") => noise = true,
                        ("signature", "bad") => bad_signature = true,
                        ("ci", "unknown") => bad_ci = true,
                        ("challenge", value) => {
                            challenge = bytes(value)?.try_into().map_err(|_| "challenge")?
                        }
                        ("tid", value) => {
                            let value = rsp::TransactionId::from_bytes(&bytes(value)?);
                            self.transaction_id = value.map_err(|_| "tid")?;
                            let tid = self.transaction_id.as_bytes().to_vec();
                            self.names.insert("tid".into(), tid);
                        }
                        other => return Err(format!("{other:?} is no option")),
                    }
                }
                let mut request = authenticate_request(lab, server, &self.transaction_id, challenge);
                if bad_signature {
                    request.server_signature1.0[63] ^= 1;
                }
                if bad_ci {
                    request.ci_pk_id_to_be_used = rsp::CiPkId::from_bytes(&[1; 20]).unwrap();
                }
                if noise {
                    request.server_certificate = rsp::auth::Certificate::from_der(&[0x30, 0x00]).unwrap();
                }
                request.encode()
            }
            "PrepareDownload" => {
                let mut none =
                    Dialogue { transaction_id: self.transaction_id.clone(), euicc: None, otpk: [0; 65] };
                let dialogue = self.dialogue.as_mut().unwrap_or(&mut none);
                let before = dialogue.transaction_id.clone();
                let (mut cc, mut hash, mut otpk, mut bad, mut certificate) = (false, None, None, false, None);
                for word in words {
                    match word.split_once('=').unwrap_or((word, "")) {
                        ("ccRequired", "") => cc = true,
                        ("hashCc", value) => hash = Some(bytes(value)?.try_into().map_err(|_| "hashCc")?),
                        ("otpk", value) => otpk = Some(bytes(value)?.try_into().map_err(|_| "otpk")?),
                        ("signature", "bad") => bad = true,
                        ("certificate", "DPauth") => certificate = Some(lab.pki.dp_auth.certificate().der()),
                        ("tid", value) => {
                            let value = rsp::TransactionId::from_bytes(&bytes(value)?);
                            dialogue.transaction_id = value.map_err(|_| "tid")?;
                        }
                        other => return Err(format!("{other:?} is no option")),
                    }
                }
                let mut request = prepare_request(lab, dialogue, cc, otpk);
                dialogue.transaction_id = before;
                request.hash_cc = hash;
                if bad {
                    request.smdp_signature2.0[0] ^= 1;
                }
                if let Some(der) = certificate {
                    request.smdp_certificate = rsp::auth::Certificate::from_der(der).unwrap();
                }
                request.encode()
            }
            "BoundProfilePackage" => {
                let dialogue = self.dialogue.as_ref().ok_or("no session")?;
                let number = words.next().and_then(|word| word.parse().ok()).ok_or("no number")?;
                let mut metadata = metadata(number);
                let mut order = Order::new(dialogue, &metadata, &package(number));
                let (mut sign, mut raw_metadata) = (false, None);
                let mut flip = None;
                for word in words {
                    match word.split_once('=').unwrap_or((word, "")) {
                        ("remoteOpId", value) => order.remote_op_id = small(bytes(value))?,
                        ("keyType", value) => order.crt.key_type = small(bytes(value))?,
                        ("keyLen", value) => order.crt.key_len = small(bytes(value))?,
                        ("tid", value) => {
                            let value = rsp::TransactionId::from_bytes(&bytes(value)?);
                            order.transaction_id = value.map_err(|_| "tid")?;
                        }
                        ("smdpSign", "bad") => sign = true,
                        ("otPK.DP", value) => {
                            order.smdp_otpk = Some(bytes(value)?.try_into().map_err(|_| "otPK")?);
                        }
                        ("configure", value) => order.configure = bytes(value)?,
                        ("metadata", value) => raw_metadata = Some(bytes(value)?),
                        ("ppk", "") => order.ppk = true,
                        ("segment", value) => order.segment = value.parse().map_err(|_| "segment")?,
                        ("package", value) => order.package = bytes(value)?,
                        ("class", value) => {
                            metadata.profile_class = match value {
                                "test" => ProfileClass::Test,
                                "provisioning" => ProfileClass::Provisioning,
                                _ => return Err("no class".into()),
                            };
                        }
                        ("ppr", value) => {
                            let rule = if value == "1" { PprIds::PPR1 } else { PprIds::PPR2 };
                            metadata.profile_policy_rules = rule;
                        }
                        ("owner", value) => {
                            let mcc_mnc = bytes(value)?.try_into().map_err(|_| "owner")?;
                            metadata.profile_owner = Some(OperatorId { mcc_mnc, gid1: None, gid2: None });
                        }
                        ("flip", part) => flip = Some(part.to_owned()),
                        other => return Err(format!("{other:?} is no option")),
                    }
                }
                order.metadata = raw_metadata.unwrap_or_else(|| metadata.encode());
                let mut bound = order.bind(lab, dialogue);
                if sign {
                    *bound.initialise_secure_channel.last_mut().unwrap() ^= 1;
                }
                if let Some(part) = flip {
                    let segment = match &part[..] {
                        "87" => &mut bound.configure_isdp[0],
                        "88" => &mut bound.store_metadata[0],
                        "87/2" => bound.replace_session_keys.first_mut().ok_or("no keys")?,
                        "86" => &mut bound.profile_elements[0],
                        _ => return Err("no such segment".into()),
                    };
                    *segment.last_mut().unwrap() ^= 1;
                }
                bound.encode()
            }
            other => return Err(format!("the server has no {other}")),
        };
        self.names.insert(function.into(), request);
        Ok(())
    }
}

/// What a terminal on T=0 makes of a command: the whole answer.
fn fetched(card: &mut Card<MemoryMedium>, command: &[u8]) -> Vec<u8> {
    let mut answer = card.chip.transmit(command);
    if let [0x6C, le] = answer[..] {
        answer = card.chip.transmit(&[&command[..4], &[le]].concat());
    }
    let mut data = Vec::new();
    loop {
        let (part, sw) = answer.split_at(answer.len() - 2);
        data.extend_from_slice(part);
        match *sw {
            [0x61, len] => answer = card.chip.transmit(&[command[0], 0xC0, 0x00, 0x00, len]),
            _ => return [&data[..], sw].concat(),
        }
    }
}

/// Plays a table.
fn play(table: &str, text: &str) {
    let head: String = text.lines().take_while(|line| !line.starts_with("==")).collect();
    assert!(head.contains('§'), "{table} does not say which sections it shows");
    let mut scenarios: Vec<(&str, Vec<(usize, &str)>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix("== ") {
            assert!(scenarios.iter().all(|(other, _)| *other != title), "{table}: {title:?} twice");
            scenarios.push((title, Vec::new()));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (_, lines) =
                scenarios.last_mut().unwrap_or_else(|| panic!("{table}: in no scenario: {line}"));
            lines.push((index + 1, line));
        }
    }
    assert!(!scenarios.is_empty(), "{table} has no scenario");
    let mut failures = Vec::new();
    BENCH.with_borrow_mut(|bench| {
        let names = names(&bench.lab);
        for (title, lines) in scenarios {
            assert!(lines.iter().any(|(_, line)| line.starts_with('<')), "{table}: {title} expects nothing");
            let mut play = Play {
                bench,
                start: None,
                card: None,
                names: names.clone(),
                answer: None,
                dialogue: None,
                transaction_id: tid(1),
            };
            for (number, line) in lines {
                if let Err(because) = play.line(line) {
                    failures.push(format!("{table}.txt:{number}: {title}: {line}\n  {because}"));
                    break;
                }
            }
            if play.answer.is_some() && failures.is_empty() {
                failures.push(format!("{table}.txt: {title}: the last answer is not looked at"));
            }
        }
    });
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
