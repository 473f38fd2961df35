use domain::base::iana::OptionCode;
use proptest::prelude::*;

use super::*;

/// A query by hand (RFC 1035 §4.1): header fields, question, and what follows it.
fn message(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let header = [0x1234, flags, counts[0], counts[1], counts[2], counts[3]];
    header.iter().flat_map(|field| field.to_be_bytes()).chain(rest.iter().copied()).collect()
}

fn question(name: &str, kind: u16, class: u16) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut question: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    question.push(0);
    question.extend([kind.to_be_bytes(), class.to_be_bytes()].concat());
    question
}

/// EDNS (RFC 6891 §6.1.2) with options.
fn edns(version: u8, options: &[u8]) -> Vec<u8> {
    let head = [0, 0, 41, 0x04, 0xD0, 0, version, 0, 0];
    [&head, &(options.len() as u16).to_be_bytes()[..], options].concat()
}

const QUERY: u16 = 0x0100;

#[test]
fn what_is_asked() {
    let plain = message(QUERY, [1, 0, 0, 0], &question("Smdp.Example", 28, 1));
    let asked = Asked { name: "Smdp.Example".to_owned(), kind: 28, flaw: None };
    assert_eq!(Asked::read(&plain), Some(asked.clone()));
    let padded = [question("Smdp.Example", 28, 1), edns(0, &[0, 12, 0, 4, 0, 0, 0, 0])].concat();
    assert_eq!(Asked::read(&message(QUERY, [1, 0, 0, 1], &padded)), Some(asked.clone()));
    assert_eq!(Asked::parse("Smdp.Example.", "aaaa"), Some(asked));
    let root = message(QUERY, [1, 0, 0, 0], &question("", 2, 1));
    assert_eq!(Asked::read(&root).map(|asked| (asked.name, asked.flaw)), Some((String::new(), None)));
    // A label with a dot in it is not two labels.
    let dotted = message(QUERY, [1, 0, 0, 0], b"\x0csmdp.example\x00\x00\x01\x00\x01");
    assert_ne!(Asked::read(&dotted).map(|asked| asked.name), Some("smdp.example".to_owned()));
}

#[test]
fn what_is_no_query_is_told_so_in_its_own_codes() {
    let one = question("smdp.example", 1, 1);
    let two = [one.clone(), one.clone()].concat();
    let record = [&one[..], b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x7f\x00\x00\x01"].concat();
    let long = [one.clone(), edns(0, &[&[0, 12, 0x04, 0xB0][..], &[0; 1200]].concat())].concat();
    let cases: &[(Vec<u8>, Flaw, u8)] = &[
        (message(QUERY, [0, 0, 0, 0], &[]), Flaw::Questions, 1),
        (message(QUERY, [2, 0, 0, 0], &two), Flaw::Questions, 1),
        (message(QUERY, [0xFFFF, 0, 0, 0], &one), Flaw::Questions, 1),
        (message(QUERY | 0x8000, [1, 0, 0, 0], &one), Flaw::Response, 1),
        (message(QUERY | 0x0800, [1, 0, 0, 0], &one), Flaw::Opcode, 4),
        (message(QUERY | 0x2800, [1, 0, 0, 0], &one), Flaw::Opcode, 4),
        (message(QUERY | 0x7800, [1, 0, 0, 0], &one), Flaw::Opcode, 4),
        (message(QUERY, [1, 1, 0, 0], &record), Flaw::Records, 1),
        (message(QUERY, [1, 0, 1, 0], &record), Flaw::Records, 1),
        (message(QUERY, [1, 0, 0, 1], &record), Flaw::Records, 1),
        (message(QUERY, [1, 0, 0, 0xFFFF], &one), Flaw::Malformed, 1),
        (message(QUERY, [1, 0, 0, 1], &one), Flaw::Malformed, 1),
        (message(QUERY, [1, 0, 0, 0], &one[..9]), Flaw::Malformed, 1),
        (message(QUERY, [1, 0, 0, 0], b"\xc0\x0c\x00\x01\x00\x01"), Flaw::Malformed, 1),
        (message(QUERY, [1, 0, 0, 0], b"\x41a\x00\x00\x01\x00\x01"), Flaw::Malformed, 1),
        (
            message(QUERY, [1, 0, 0, 2], &[one.clone(), edns(0, &[]), edns(0, &[])].concat()),
            Flaw::Malformed,
            1,
        ),
        (message(QUERY, [1, 0, 0, 1], &[one.clone(), edns(0, &[0, 12, 0, 9])].concat()), Flaw::Malformed, 1),
        (message(QUERY, [1, 0, 0, 1], &long), Flaw::TooLong, 1),
        (message(QUERY, [1, 0, 0, 1], &[one.clone(), edns(1, &[])].concat()), Flaw::Version, 0),
        (message(QUERY, [1, 0, 0, 0], &question("version.bind", 16, 3)), Flaw::Class, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 1, 255)), Flaw::Class, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 1, 0x8001)), Flaw::Class, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 252, 1)), Flaw::Transfer, 5),
        (
            message(QUERY, [1, 0, 1, 0], &[question("smdp.example", 251, 1), record].concat()),
            Flaw::Transfer,
            5,
        ),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 255, 1)), Flaw::Any, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 253, 1)), Flaw::Any, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 254, 1)), Flaw::Any, 5),
        (message(QUERY, [1, 0, 0, 0], &question("smdp.example", 41, 1)), Flaw::Malformed, 1),
    ];
    for (query, flaw, rcode) in cases {
        let asked = Asked::read(query).unwrap();
        assert_eq!(asked.flaw, Some(*flaw), "{}", hex::encode(query));
        let names = Names { code: flaw.code(), addresses: vec![] };
        let answer = answer(query, &names, flaw.words()).unwrap();
        assert_eq!(answer[..2], [0x12, 0x34]);
        assert_eq!(answer[2] & 0x80, 0x80, "a response");
        assert_eq!(answer[3] & 0x0F, *rcode, "{}", hex::encode(query));
        assert_eq!(answer[6..8], [0, 0], "no record");
    }
    for nothing in [&[][..], &[0; 11]] {
        assert_eq!(Asked::read(nothing), None);
    }
}

#[test]
fn who_speaks_edns_is_told_why() {
    let query = message(QUERY, [1, 0, 0, 1], &[question("www.example", 1, 1), edns(0, &[])].concat());
    let told = |code, because| {
        let answer = answer(&query, &Names { code, addresses: vec![] }, because).unwrap();
        let answer = Message::from_octets(answer).unwrap();
        let opt = answer.opt().unwrap();
        let why = opt.opt().extended_error();
        (opt.rcode(answer.header()), why.map(|why| (why.code(), why.text().unwrap().unwrap().to_string())))
    };
    assert_eq!(
        told(Code::Refused, "not yet under contract"),
        (OptRcode::REFUSED, Some((ExtendedErrorCode::PROHIBITED, "not yet under contract".to_owned())))
    );
    assert_eq!(told(Code::NoError, "x"), (OptRcode::NOERROR, None));
    assert_eq!(told(Code::BadVers, "x"), (OptRcode::BADVERS, None));
    // Who does not, is not.
    let query = message(QUERY, [1, 0, 0, 0], &question("www.example", 1, 1));
    let answer = answer(&query, &Names { code: Code::Refused, addresses: vec![] }, "x").unwrap();
    assert!(Message::from_octets(answer).unwrap().opt().is_none());
    assert_eq!(OptionCode::EXTENDED_ERROR.to_int(), 15);
}

#[test]
fn the_gateway_is_beside_the_terminal() {
    let of = |kind, terminal| Asked::parse("smdp.example", kind).unwrap().addresses(terminal);
    assert_eq!(of("AAAA", "fd01:203:405:607::1"), ["fd01:203:405:607::2".parse::<IpAddr>().unwrap()]);
    assert_eq!(of("A", "fd01:203:405:607::1"), ["192.0.0.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(of("MX", "fd01:203:405:607::1"), [] as [IpAddr; 0]);
    assert_eq!(of("AAAA", "nonsense"), [] as [IpAddr; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever comes is read or not, and answered with no more than was asked for.
    #[test]
    fn whatever_comes(
        noise in prop::collection::vec(any::<u8>(), 0..80),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        is_noise in any::<bool>(),
    ) {
        let mut query = message(QUERY, [1, 0, 0, 1], &[question("smdp.example", 28, 1), edns(0, &[])].concat());
        for (at, byte) in flips {
            let at = at.index(query.len());
            query[at] = byte;
        }
        if is_noise {
            query = noise;
        }
        let Some(asked) = Asked::read(&query) else {
            prop_assert!(query.len() < 12);
            return Ok(());
        };
        let code = asked.flaw.map_or(Code::NoError, Flaw::code);
        let addresses = if asked.flaw.is_none() { asked.addresses("fd00::1") } else { vec![] };
        let answer = answer(&query, &Names { code, addresses }, "because").unwrap();
        prop_assert_eq!(&answer[..2], &query[..2]);
        prop_assert!(answer.len() <= query.len() + 64);
        prop_assert!(Message::from_octets(answer).is_ok());
    }
}
