//! Against the numbers of RFC 9421 (appendix B) and RFC 9530 (appendix B).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use httpsig::{Digest, Draft, Message, Parameters, Signed, Target, content_digest, signatures};
use rsp_crypto::software::{SigningKey, verify};
use rsp_crypto::{Curve, PublicKey, Signature};

/// `test-key-ecc-p256` (RFC 9421 §B.1.3).
const TEST_KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49
AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM
4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END EC PRIVATE KEY-----
";
const TEST_POINT: &str = "04a885586552c2acf6471878cfd7b0935b4ffe0fd2dfc341248ea17bc41e058af031ce2737d2d30ce0617e851e83c61ef5679d15186765764\
                          9035d90a74cd9e85d";

const REQUEST_DIGEST: &str =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
const RESPONSE_DIGEST: &str =
    "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
const CLIENT_CERT: &str = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIElud\
     GVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZ\
     Izj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyM\
     HAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwY\
     BBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6b\
     MjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";

fn key() -> PublicKey {
    PublicKey::from_sec1(Curve::P256, &hex::decode(TEST_POINT).unwrap()).unwrap()
}

fn request(authority: &str) -> Target<'_> {
    let query = Some("param=Value&Pet=dog");
    Target { method: "POST", scheme: "https", authority, path: "/foo", query }
}

/// `test-request` and `test-response` (§B.2).
const REQUEST: [(&str, &str); 4] = [
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", "application/json"),
    ("content-digest", REQUEST_DIGEST),
    ("content-length", "18"),
];
const RESPONSE: [(&str, &str); 4] = [
    ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
    ("content-type", "application/json"),
    ("content-digest", RESPONSE_DIGEST),
    ("content-length", "23"),
];

fn one(input: &str, signature: &str) -> Signed {
    let mut read = signatures(input, signature).unwrap();
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn is_by_test_key(signed: &Signed, base: &str) -> bool {
    verify(&key(), base.as_bytes(), &Signature(signed.signature().try_into().unwrap()))
}

#[test]
fn b_1_3_the_key() {
    assert_eq!(SigningKey::from_pem(TEST_KEY).unwrap().public_key(), key());
}

#[test]
fn b_2_4_signing_a_response_using_ecdsa_p256_sha256() {
    let input = "sig-b24=(\"@status\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"";
    let signature =
        "sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:";
    let signed = one(input, signature);
    assert_eq!(signed.label(), "sig-b24");
    assert_eq!(signed.parameters().created, Some(1_618_884_473));
    assert_eq!(signed.parameters().keyid.as_deref(), Some("test-key-ecc-p256"));
    let message = Message::response(200, &RESPONSE);
    let base = signed.base(&message).unwrap();
    let expected = [
        "\"@status\": 200",
        "\"content-type\": application/json",
        &format!("\"content-digest\": {RESPONSE_DIGEST}"),
        "\"content-length\": 23",
        "\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"",
    ];
    assert_eq!(base, expected.join("\n"));
    assert!(is_by_test_key(&signed, &base));
    assert!(!is_by_test_key(&signed, &base.replace("200", "201")));

    // The same, made here.
    let parameters = Parameters {
        created: Some(1_618_884_473),
        keyid: Some("test-key-ecc-p256".into()),
        ..Parameters::default()
    };
    let components = ["@status", "content-type", "content-digest", "content-length"];
    let draft = Draft::new("sig-b24", &message, &components, &parameters).unwrap();
    assert_eq!(draft.base(), base.as_bytes());
    let own = SigningKey::from_pem(TEST_KEY).unwrap().sign(draft.base());
    let fields = draft.finish(&own.0);
    assert_eq!(fields.signature_input, input);
    let again = one(&fields.signature_input, &fields.signature);
    assert!(is_by_test_key(&again, &again.base(&message).unwrap()));
}

#[test]
fn b_3_a_certificate_passed_on() {
    let input = "ttrp=(\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\");created=1618884473;keyid=\"test-key-ecc-p256\"";
    let signature =
        "ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:";
    let signed = one(input, signature);
    let fields = [("content-type", "application/json"), ("client-cert", CLIENT_CERT)];
    let target = request("service.internal.example");
    let base = signed.base(&Message::request(target, &fields)).unwrap();
    let expected = [
        "\"@path\": /foo",
        "\"@query\": ?param=Value&Pet=dog",
        "\"@method\": POST",
        "\"@authority\": service.internal.example",
        &format!("\"client-cert\": {CLIENT_CERT}"),
        "\"@signature-params\": (\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\");created=1618884473;keyid=\"test-key-ecc-p256\"",
    ];
    assert_eq!(base, expected.join("\n"));
    assert!(is_by_test_key(&signed, &base));
    // The certificate is one (RFC 9440 §2), and is written as it came.
    let der = httpsig::expect_byte_sequence(CLIENT_CERT).unwrap();
    assert!(rsp_crypto::Certificate::from_der(&der).unwrap().signs_data());
    assert_eq!(httpsig::byte_sequence(&der), CLIENT_CERT);
}

/// §B.2.1 to §B.2.3: other algorithms, the same bases.
#[test]
fn b_2_bases_of_other_algorithms() {
    let base = |input: &str| {
        let signed = one(input, &format!("{}=:AA==:", input.split_once('=').unwrap().0));
        signed.base(&Message::request(request("example.com"), &REQUEST)).unwrap()
    };
    assert_eq!(
        base("sig-b21=();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\""),
        "\"@signature-params\": ();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\""
    );
    let full = base(
        "sig-b23=(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
    );
    let expected = [
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT",
        "\"@method\": POST",
        "\"@path\": /foo",
        "\"@query\": ?param=Value&Pet=dog",
        "\"@authority\": example.com",
        "\"content-type\": application/json",
        &format!("\"content-digest\": {REQUEST_DIGEST}"),
        "\"content-length\": 18",
        "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
    ];
    assert_eq!(full, expected.join("\n"));
}

/// §2.2: the examples of derived components.
#[test]
fn derived_components() {
    let value = |target: Target<'_>, name: &str| {
        let message = Message::request(target, &[]);
        let draft = Draft::new("x", &message, &[name], &Parameters::default()).unwrap();
        let base = String::from_utf8(draft.base().to_vec()).unwrap();
        base.lines().next().unwrap().to_owned()
    };
    let target = Target {
        method: "POST",
        scheme: "https",
        authority: "www.example.com",
        path: "/path",
        query: Some("param=value"),
    };
    for (name, expected) in [
        ("@method", "\"@method\": POST"),
        ("@target-uri", "\"@target-uri\": https://www.example.com/path?param=value"),
        ("@authority", "\"@authority\": www.example.com"),
        ("@scheme", "\"@scheme\": https"),
        ("@request-target", "\"@request-target\": /path?param=value"),
        ("@path", "\"@path\": /path"),
        ("@query", "\"@query\": ?param=value"),
    ] {
        assert_eq!(value(target, name), expected);
    }
    let bare = Target { authority: "WWW.Example.com:443", path: "", query: None, ..target };
    assert_eq!(value(bare, "@authority"), "\"@authority\": www.example.com");
    assert_eq!(value(bare, "@path"), "\"@path\": /");
    assert_eq!(value(bare, "@query"), "\"@query\": ?");
    let port = Target { authority: "www.example.com:8443", ..target };
    assert_eq!(value(port, "@authority"), "\"@authority\": www.example.com:8443");
    let plain = Target { scheme: "http", authority: "www.example.com:80", ..target };
    assert_eq!(value(plain, "@target-uri"), "\"@target-uri\": http://www.example.com/path?param=value");
}

/// §2.1: values are trimmed and put together.
#[test]
fn fields_of_several_lines() {
    let fields = [("cache-control", "max-age=60"), ("empty", ""), ("cache-control", "   must-revalidate ")];
    let message = Message::request(request("example.com"), &fields);
    let draft = Draft::new("x", &message, &["cache-control", "empty"], &Parameters::default()).unwrap();
    let expected = "\"cache-control\": max-age=60, must-revalidate\n\"empty\": \n\"@signature-params\": (\"cache-control\" \"empty\")";
    assert_eq!(core::str::from_utf8(draft.base()).unwrap(), expected);
}

#[test]
fn what_is_no_signature() {
    let good = ("a=(\"@method\");created=1", "a=:AA==:");
    assert!(signatures(good.0, good.1).is_ok());
    for (input, signature, because) in [
        ("a", good.1, "no list"),
        ("a=1", good.1, "no list"),
        ("a=(\"@method\"", good.1, "Signature-Input"),
        ("", good.1, "not in the field Signature-Input"),
        (good.0, "", "not in the field Signature"),
        (good.0, "a=1", "byte sequence"),
        (good.0, "a=(:AA==:)", "byte sequence"),
        (good.0, "a=:AA==:, b=:AA==:", "not in the field Signature-Input"),
        ("a=(\"@method\"), b=()", good.1, "not in the field Signature"),
        ("a=(\"@method\"), a=()", good.1, "twice"),
        (good.0, "a=:AA==:, a=:AB==:", "twice"),
        ("a=(\"@method\" \"@method\")", good.1, "twice"),
        ("a=(\"Content-Type\")", good.1, "lower case"),
        ("a=(\"content-digest\";bs)", good.1, "parameters"),
        ("a=(\"@query-param\";name=\"x\")", good.1, "parameters"),
        ("a=(date)", good.1, "not a string"),
        ("a=(\"@method\");created=\"1\"", good.1, "not an integer"),
        ("a=(\"@method\");created=1.5", good.1, "not an integer"),
        ("a=(\"@method\");keyid=1", good.1, "not a string"),
    ] {
        let error = signatures(input, signature).unwrap_err();
        assert!(error.0.contains(because), "{input} {signature}: {error}");
    }
    let message = Message::request(request("example.com"), &REQUEST);
    for name in ["@status", "@nothing", "@signature-params", "x-absent"] {
        let signed = one(&format!("a=(\"{name}\")"), good.1);
        assert!(signed.base(&message).unwrap_err().0.contains(name));
    }
    // A line end would begin another component.
    let fields = [("x", "1\n\"@method\": GET")];
    assert!(one("a=(\"x\")", good.1).base(&Message::request(request("e"), &fields)).is_err());
}

#[test]
fn rfc_9530_digests() {
    let body = b"{\"hello\": \"world\"}\n";
    let sha256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    let sha512 =
        "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";
    assert_eq!(Digest::Sha256.field(body), sha256);
    assert_eq!(Digest::Sha512.field(body), sha512);
    assert_eq!(Digest::Sha256.field(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    // Those of RFC 9421.
    assert_eq!(Digest::Sha512.field(b"{\"hello\": \"world\"}"), REQUEST_DIGEST);
    assert_eq!(Digest::Sha512.field(b"{\"message\": \"good dog\"}"), RESPONSE_DIGEST);
    let both = format!("{sha256}, {sha512}");
    for right in [sha256, sha512, &both, &format!("md5=:AA==:, {sha256}")] {
        content_digest(right, body).unwrap();
        assert!(content_digest(right, b"{\"hello\": \"world\"}").is_err());
    }
    for wrong in [
        "",
        "md5=:AA==:",
        "sha-256",
        "sha-256=1",
        "sha-256=(:AA==:)",
        "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        &format!("{sha256}, sha-512=:AA==:"),
    ] {
        assert!(content_digest(wrong, body).is_err(), "{wrong}");
    }
}

#[test]
fn what_an_lpa_sends() {
    let path = "/gsma/rsp2/es9plus/initiateAuthentication";
    let request = httpsig::lpa::Request::new("SMDP.example", path, b"{}", &[1, 2, 3], 1_618_884_473).unwrap();
    let expected = [
        "\"@method\": POST",
        "\"@authority\": smdp.example",
        "\"@path\": /gsma/rsp2/es9plus/initiateAuthentication",
        "\"content-digest\": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:",
        "\"client-cert\": :AQID:",
        "\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"content-digest\" \"client-cert\");created=1618884473",
    ];
    assert_eq!(core::str::from_utf8(request.base()).unwrap(), expected.join("\n"));
    let fields = request.finish(&[7; 64]);
    assert_eq!(fields.clone().map(|(name, _)| name), httpsig::lpa::FIELDS);
    assert!(signatures(&fields[2].1, &fields[3].1).unwrap()[0].signature() == [7; 64]);
    assert_eq!(
        httpsig::lpa::accept_signature(),
        "lpa=(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"client-cert\");created;alg=\"ecdsa-p256-sha256\""
    );
}

/// Fields come from anybody: whatever is changed in good ones, they are read or refused.
#[test]
fn changed_fields_are_read_or_refused() {
    let input =
        "lpa=(\"@method\" \"@authority\" \"content-digest\");created=1618884473;alg=\"ecdsa-p256-sha256\"";
    let digest = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";
    let signature =
        "lpa=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:";
    let fields = [("content-digest", digest)];
    let message = Message::request(request("example.com"), &fields);
    let good = one(input, signature).base(&message).unwrap();
    let mut same = 0;
    for at in 0..input.len() {
        for byte in 0x20..0x7F {
            let mut changed = input.as_bytes().to_vec();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            let Ok(read) = signatures(&changed, signature) else { continue };
            let Ok(base) = read[0].base(&message) else { continue };
            // What is the same to a reader is the same in the base, and nothing else is.
            same += usize::from(base == good);
            assert!(base != good || changed == input, "{changed}");
        }
        let _short = signatures(&input[..at], signature);
        let _long = signatures(&format!("{input}{}", &input[at..]), signature);
    }
    assert_eq!(same, input.len());
    for at in 0..signature.len() {
        for byte in ['"', ':', ';', ',', '(', ')', '=', ' ', '%', '@', '\u{7f}', '\u{e9}'] {
            let changed: String =
                signature.chars().enumerate().map(|(index, c)| if index == at { byte } else { c }).collect();
            let _read = signatures(input, &changed);
            let _bytes = httpsig::expect_byte_sequence(&changed);
            let changed: String =
                digest.chars().enumerate().map(|(index, c)| if index == at { byte } else { c }).collect();
            assert!(content_digest(&changed, b"{}").is_err() || changed == digest, "{changed}");
        }
    }
    let deep = "(".repeat(100_000);
    assert!(signatures(&deep, signature).is_err());
    assert!(signatures(&format!("a={deep}"), signature).is_err());
}
