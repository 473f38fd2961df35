use super::*;

fn allowed() -> SmAddresses {
    SmAddresses::parse("smdp.example, lab.example:8443").unwrap()
}

fn attempt(authority: &str, target: &str) -> Attempt {
    Attempt {
        method: "POST".to_owned(),
        authority: authority.to_owned(),
        target: target.to_owned(),
        declared: None,
        length: 10,
    }
}

const ES9: &str = "/gsma/rsp2/es9plus/initiateAuthentication";

#[test]
fn es9_passes() {
    for (authority, to) in [
        ("smdp.example", "smdp.example"),
        ("smdp.example:443", "smdp.example"),
        ("SMDP.Example", "smdp.example"),
        ("lab.example:8443", "lab.example:8443"),
    ] {
        assert_eq!(
            examine(&attempt(authority, ES9), &allowed()),
            Examined::Es9(to.to_owned()),
            "{authority}"
        );
    }
}

#[test]
fn no_way_around_the_allow_list() {
    let bypasses: &[(&str, &str)] = &[
        // Addresses that a careless parser reads as the SM's, or as somebody else's.
        ("smdp.example@evil.example", ES9),
        ("evil.example@smdp.example", ES9),
        ("user:password@smdp.example", ES9),
        ("smdp.example%40evil.example", ES9),
        ("smdp%2Eexample", ES9),
        ("smdp.example%00", ES9),
        ("smdp.example%2fevil.example", ES9),
        ("smdp.example:443@evil.example", ES9),
        ("smdp.example:443:80", ES9),
        ("smdp.example:", ES9),
        ("smdp.example:0", ES9),
        ("smdp.example:+443", ES9),
        ("smdp.example:65979", ES9),
        ("smdp.example:80", ES9),
        ("smdp.example:8443", ES9),
        ("lab.example", ES9),
        ("smdp.example.", ES9),
        (".smdp.example", ES9),
        ("smdp..example", ES9),
        ("smdp.example\\evil.example", ES9),
        ("smdp.example#evil.example", ES9),
        ("smdp.example evil.example", ES9),
        ("smdp。example", ES9),
        ("ѕmdp.example", ES9),
        ("", ES9),
        // Literals: plain, short, decimal, octal, hexadecimal, IPv6, mapped.
        ("127.0.0.1", ES9),
        ("127.1", ES9),
        ("2130706433", ES9),
        ("0177.0.0.1", ES9),
        ("0x7f.0.0.0x1", ES9),
        ("0x7f000001", ES9),
        ("169.254.169.254", ES9),
        ("10.0.0.1:443", ES9),
        ("[::1]", ES9),
        ("[::ffff:127.0.0.1]:443", ES9),
        ("::1", ES9),
        // Paths out of ES9+.
        ("smdp.example", ""),
        ("smdp.example", "/"),
        ("smdp.example", "/operator/orders"),
        ("smdp.example", "/gsma/rsp2"),
        ("smdp.example", "/gsma/rsp2/"),
        ("smdp.example", "/gsma/rsp2/es9plus"),
        ("smdp.example", "/gsma/rsp2/es9plus/"),
        ("smdp.example", "/gsma/rsp2/es2plus/downloadOrder"),
        ("smdp.example", "/gsma/rsp2/es12/registerEvent"),
        ("smdp.example", "/gsma/rsp2/es9plus/../es2plus/downloadOrder"),
        ("smdp.example", "/GSMA/rsp2/es9plus/x"),
        ("smdp.example", "/gsma/rsp2/../../operator/orders"),
        ("smdp.example", "/gsma/rsp2/es9plus/../../../operator"),
        ("smdp.example", "/gsma/rsp2/es9plus/./x"),
        ("smdp.example", "/gsma/rsp2/es9plus//x"),
        ("smdp.example", "//gsma/rsp2/es9plus/x"),
        ("smdp.example", "/gsma/rsp2/es9plus/%2e%2e/%2e%2e/operator"),
        ("smdp.example", "/gsma/rsp2/es9plus/..%2f..%2foperator"),
        ("smdp.example", "/gsma%2frsp2/es9plus/x"),
        ("smdp.example", "/gsma/rsp2/es9plus/..;/operator"),
        ("smdp.example", "/gsma/rsp2/es9plus/..\\..\\operator"),
        ("smdp.example", "/gsma/rsp2/es9plus/x?next=http://evil.example"),
        ("smdp.example", "/gsma/rsp2/es9plus/x#y"),
        ("smdp.example", "/gsma/rsp2/es9plus/x y"),
        ("smdp.example", "/gsma/rsp2/es9plus/x\r\nHost: evil.example"),
        ("smdp.example", "https://evil.example/gsma/rsp2/es9plus/x"),
    ];
    for (authority, target) in bypasses {
        let examined = examine(&attempt(authority, target), &allowed());
        assert!(matches!(examined, Examined::Refused(_)), "{authority} {target}: {examined:?}");
    }
    let long = format!("/gsma/rsp2/es9plus/{}", "a".repeat(300));
    assert!(matches!(examine(&attempt("smdp.example", &long), &allowed()), Examined::Refused(_)));
}

#[test]
fn other_hosts_are_other_hosts() {
    for authority in
        ["www.example", "smdp.example.evil.example", "xsmdp.example", "example", "xn--smdp-k4d.example"]
    {
        assert_eq!(examine(&attempt(authority, ES9), &allowed()), Examined::Other, "{authority}");
    }
    assert_eq!(examine(&attempt("smdp.example", ES9), &SmAddresses::default()), Examined::Other);
}

#[test]
fn other_methods_are_refused() {
    for method in ["GET", "PUT", "CONNECT", "TRACE", "post", "POST "] {
        let attempt = Attempt { method: method.to_owned(), ..attempt("smdp.example", ES9) };
        assert!(matches!(examine(&attempt, &allowed()), Examined::Refused(_)), "{method}");
    }
}

#[test]
fn bodies_are_bounded_and_as_long_as_they_say() {
    let sized = |declared: Option<&str>, length| Attempt {
        declared: declared.map(str::to_owned),
        length,
        ..attempt("smdp.example", ES9)
    };
    let es9 = Examined::Es9("smdp.example".to_owned());
    assert_eq!(examine(&sized(None, MAX_REQUEST), &allowed()), es9);
    assert_eq!(examine(&sized(Some("10"), 10), &allowed()), es9);
    assert_eq!(examine(&sized(None, MAX_REQUEST + 1), &allowed()), Examined::TooLarge);
    for declared in ["9", "11", "+10", "-10", "10, 0", "0x0a", ""] {
        let examined = examine(&sized(Some(declared), 10), &allowed());
        assert!(matches!(examined, Examined::Refused(_)), "{declared}");
    }
}

#[test]
fn only_what_es9_needs_is_sent_on() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("content-type", "application/json;charset=UTF-8"),
        ("x-admin-protocol", "gsma/rsp/v2.2.0"),
        ("user-agent", "gsma-rsp-lpad"),
        ("authorization", "Bearer operator"),
        ("cookie", "a=b"),
        ("transfer-encoding", "chunked"),
        ("content-length", "3"),
        ("connection", "x-admin-protocol"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let request = outgoing("smdp.example", ES9, &headers, b"{}".to_vec()).unwrap();
    assert_eq!(request.uri(), "https://smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
    let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "host", "user-agent", "x-admin-protocol"]);
    assert_eq!(request.headers()[header::HOST], "smdp.example");
}

#[test]
fn what_an_lpa_signs_is_sent_on_as_it_came() {
    let mut headers = HeaderMap::new();
    let proofs = [
        ("client-cert", ":AQID:"),
        ("content-digest", "sha-256=:AA==:"),
        ("signature-input", "a=(\"@method\");created=1"),
        ("signature-input", "b=();created=1"),
        ("signature", "a=:AA==:, b=:AA==:"),
    ];
    for (name, value) in proofs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // What a proxy might be believed to have added.
    for name in
        ["client-cert-chain", "x-client-cert", "x-ssl-client-verify", "mf-cf-blob", "cf-connecting-ip"]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("SUCCESS"));
    }
    let request = outgoing("smdp.example", ES9, &headers, b"{}".to_vec()).unwrap();
    let sent = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let sent: Vec<_> = sent.filter(|(name, _)| *name != "host").collect();
    assert_eq!(sent, proofs);
}

#[test]
fn an_lpa_is_told_what_the_sm_wants_of_it() {
    let answer = Response::builder()
        .status(401)
        .header("content-type", "application/problem+json")
        .header("www-authenticate", "Signature")
        .header("accept-signature", "lpa=();created")
        .body(vec![])
        .unwrap();
    let passed = incoming(answer).unwrap();
    assert_eq!(passed.status(), 401);
    assert_eq!(passed.headers()["www-authenticate"], "Signature");
    assert_eq!(passed.headers()["accept-signature"], "lpa=();created");
}

#[test]
fn answers_come_back_without_redirects_or_cookies() {
    let answer = |status: u16, body: Vec<u8>| {
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("set-cookie", "a=b")
            .header("location", "https://evil.example/")
            .body(body)
            .unwrap()
    };
    let passed = incoming(answer(200, b"{}".to_vec())).unwrap();
    let mut names: Vec<_> = passed.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-type"]);
    for status in [301, 302, 303, 307, 308] {
        assert!(incoming(answer(status, vec![])).is_err(), "{status}");
    }
    assert!(incoming(answer(200, vec![0; MAX_ANSWER + 1])).is_err());
    assert!(incoming(answer(500, vec![])).is_ok());
}
