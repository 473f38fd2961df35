use super::*;
use crate::policy::Document;
use crate::policy::document::SmEntry;

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
        suspicion: None,
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
            Examined::Sm(to.to_owned(), Way::Binding),
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
    let es9 = Examined::Sm("smdp.example".to_owned(), Way::Binding);
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
        ("user-agent", "Mozilla/5.0"),
        ("accept-encoding", "gzip"),
        ("authorization", "Bearer operator"),
        ("cookie", "a=b"),
        ("transfer-encoding", "chunked"),
        ("content-length", "3"),
        ("connection", "x-admin-protocol"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let request = outgoing("POST", "smdp.example", ES9, &headers, b"{}".to_vec()).unwrap();
    assert_eq!(request.uri(), "https://smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
    let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "content-type", "host", "user-agent", "x-admin-protocol"]);
    assert_eq!(request.headers()[header::HOST], "smdp.example");
    // SGP.22 §6.5.1.3: an LPA in a device says this and no more.
    assert_eq!(request.headers()[header::USER_AGENT], "gsma-rsp-lpad");
    assert_eq!(request.headers()[header::ACCEPT_ENCODING], "identity");
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
    let request = outgoing("POST", "smdp.example", ES9, &headers, b"{}".to_vec()).unwrap();
    let sent = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let own = ["host", "user-agent", "accept-encoding"];
    let sent: Vec<_> = sent.filter(|(name, _)| !own.contains(name)).collect();
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

/// A browser shows a page that it is sent, and asks for a password where it is told to.
#[test]
fn an_answer_is_no_page_and_asks_for_no_password() {
    let passed = |name: &str, value: &str| {
        incoming(Response::builder().status(401).header(name, value).body(b"<script>".to_vec()).unwrap())
            .unwrap()
    };
    for (media_type, shown) in [
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/json, text/html", "application/octet-stream"),
        ("application/json;charset=UTF-8", "application/json;charset=UTF-8"),
        ("Application/Problem+JSON", "Application/Problem+JSON"),
    ] {
        assert_eq!(passed("content-type", media_type).headers()["content-type"], shown);
    }
    let asks = passed("www-authenticate", "Signature realm=\"ES9+\"");
    assert_eq!(asks.headers()["www-authenticate"], "Signature realm=\"ES9+\"");
    for scheme in ["Basic realm=\"x\"", "Negotiate", "Digest nonce=1", "Signature, Basic realm=x"] {
        let passed = passed("www-authenticate", scheme);
        assert!(!passed.headers().contains_key("www-authenticate"), "{scheme}");
        assert_eq!(
            passed.headers()["content-type"],
            "application/octet-stream",
            "what says nothing is guessed at"
        );
    }
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
    // Whose length nobody here can know.
    for coding in ["gzip", "br", "zstd", "deflate", "identity, gzip"] {
        let mut compressed = answer(200, vec![]);
        compressed.headers_mut().insert("content-encoding", coding.parse().unwrap());
        assert!(incoming(compressed).is_err(), "{coding}");
    }
    assert!(incoming(answer(500, vec![])).is_ok());
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn headers_that_could_be_read_in_two_ways() {
    use Suspicion::*;
    let long = "a".repeat(MAX_HEADERS + 1);
    type Lines<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Lines<'_>, Option<Suspicion>)] = &[
        (&[], None),
        (&[("content-type", "application/json;charset=UTF-8"), ("content-length", "2")], None),
        (&[("connection", "keep-alive"), ("te", "trailers"), ("transfer-encoding", "chunked")], None),
        (&[("connection", "Keep-Alive, TE"), ("content-encoding", "identity")], None),
        (&[("signature-input", "a=()"), ("signature-input", "b=(), c=()")], None),
        (&[("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")], None),
        (&[("transfer-encoding", "chunked"), ("content-length", "2")], Some(Framing)),
        (&[("transfer-encoding", "gzip, chunked")], Some(Framing)),
        (&[("transfer-encoding", "identity")], Some(Framing)),
        (&[("transfer-encoding", "xchunked")], Some(Framing)),
        (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], Some(Framing)),
        (&[("content-encoding", "gzip")], Some(Coding)),
        (&[("content-encoding", "identity"), ("content-encoding", "br")], Some(Coding)),
        (&[("connection", "upgrade")], Some(Connection)),
        (&[("connection", "close, x-admin-protocol")], Some(Connection)),
        (&[("connection", "")], Some(Connection)),
        (&[("upgrade", "websocket")], Some(Connection)),
        (&[("http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA")], Some(Connection)),
        (&[("x-http-method-override", "GET")], Some(Override)),
        (&[("x-http-method", "DELETE")], Some(Override)),
        (&[("x-method-override", "PUT")], Some(Override)),
        (&[("x-original-url", "/operator/orders")], Some(Override)),
        (&[("x-rewrite-url", "/operator/orders")], Some(Override)),
        (&[("content-length", "2"), ("content-length", "2")], Some(Duplicate)),
        (&[("content-length", "2, 2")], Some(Duplicate)),
        (&[("host", "smdp.example"), ("host", "evil.example")], Some(Duplicate)),
        (&[("content-type", "application/json, text/html")], Some(Duplicate)),
        (&[("x-admin-protocol", "a"), ("x-admin-protocol", "b")], Some(Duplicate)),
        (&[("client-cert", &long)], Some(TooLong)),
    ];
    for (lines, expected) in cases {
        assert_eq!(Suspicion::of(&headers(lines)), *expected, "{lines:?}");
        if let Some(suspicion) = expected {
            let attempt = Attempt { suspicion: Some(*suspicion), ..attempt("smdp.example", ES9) };
            assert_eq!(examine(&attempt, &allowed()), Examined::Refused(suspicion.words()));
        }
    }
}

fn document() -> Document {
    Document::of_deployment("sm.provisioning", "").unwrap()
}

#[test]
fn an_entry_is_read_strictly() {
    let read = |json: &str| serde_json::from_str::<SmEntry>(json).ok()?.entry();
    let plain = read(r#"{"host": "SMDP.example"}"#).unwrap();
    assert_eq!(plain, Entry::of_lpa(SmAddress::parse("smdp.example").unwrap(), Way::Binding));
    let whole = r#"{"host":"smdp.example","port":8443,"paths":["/gsma/rsp2/"],"methods":["POST","GET"],"outside":true}"#;
    let entry = read(whole).unwrap();
    assert_eq!((entry.way(), entry.address().to_string()), (Way::Outside, "smdp.example:8443".to_owned()));
    for broken in [
        r#"{}"#,
        r#"{"host":""}"#,
        r#"{"host":"smdp.example:443"}"#,
        r#"{"host":"smdp.example","port":0}"#,
        r#"{"host":"smdp.example","port":65536}"#,
        r#"{"host":"*.example"}"#,
        r#"{"host":"smdp..example"}"#,
        r#"{"host":"-smdp.example"}"#,
        r#"{"host":"smdp.example","more":1}"#,
        r#"{"host":"smdp.example","paths":["/"]}"#,
        r#"{"host":"smdp.example","paths":["gsma/"]}"#,
        r#"{"host":"smdp.example","paths":["/gsma"]}"#,
        r#"{"host":"smdp.example","paths":["/gsma/../"]}"#,
        r#"{"host":"smdp.example","paths":["/gsma//"]}"#,
        r#"{"host":"smdp.example","paths":["/%67sma/"]}"#,
        r#"{"host":"smdp.example","methods":["CONNECT"]}"#,
        r#"{"host":"smdp.example","methods":["TRACE"]}"#,
        r#"{"host":"smdp.example","methods":["post"]}"#,
    ] {
        assert_eq!(read(broken), None, "{broken}");
    }
}

#[test]
fn paths_and_methods_are_those_of_the_entry() {
    let json = r#"[{"host":"smdp.example","paths":["/gsma/rsp2/","/crl/"],"methods":["POST","GET"]},
        {"host":"rsp.operator.example","outside":true}]"#;
    let entries: Vec<SmEntry> = serde_json::from_str(json).unwrap();
    let list: SmAddresses = entries.iter().filter_map(SmEntry::entry).collect();
    let examined = |method: &str, authority: &str, target: &str| {
        let attempt = Attempt { method: method.to_owned(), ..attempt(authority, target) };
        examine(&attempt, &list)
    };
    let (binding, outside) = (
        Examined::Sm("smdp.example".to_owned(), Way::Binding),
        Examined::Sm("rsp.operator.example".to_owned(), Way::Outside),
    );
    assert_eq!(examined("GET", "smdp.example", "/crl/ci.crl"), binding);
    assert_eq!(examined("POST", "smdp.example", "/gsma/rsp2/es12/registerEvent"), binding);
    assert_eq!(examined("POST", "rsp.operator.example", ES9), outside);
    for (method, authority, target) in [
        ("PUT", "smdp.example", "/crl/ci.crl"),
        ("GET", "smdp.example", "/crls/ci.crl"),
        ("GET", "smdp.example", "/crl/"),
        ("GET", "smdp.example", "/crl"),
        ("GET", "rsp.operator.example", ES9),
        ("POST", "rsp.operator.example", "/gsma/rsp2/es2plus/downloadOrder"),
        ("POST", "rsp.operator.example:8443", ES9),
    ] {
        assert!(
            matches!(examined(method, authority, target), Examined::Refused(_)),
            "{method} {authority} {target}"
        );
    }
}

/// Names and numbers that a gateway on the Internet must not lead to, whoever lists them:
/// RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what WHATWG's URL takes for an IPv4 address.
#[test]
fn nothing_private_is_outside() {
    for host in [
        "localhost",
        "localhost:9443",
        "sm",
        "api.localhost",
        "printer.local",
        "metadata.google.internal",
        "sm.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "sm.lan",
        "sm.corp",
        "sm.intranet",
        "hidden.onion",
        "sm.alt",
        "sm.test",
        "sm.invalid",
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1:443",
        "169.254.169.254",
        "203.0.113.10",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "a.0x1",
        "a.1",
    ] {
        assert!(document().with_outside(host, false).is_err(), "{host}");
        // Listed by a document, it is refused when it is used.
        let address = SmAddress::parse(host).unwrap();
        let list = SmAddresses::from_iter([Entry::of_lpa(address.clone(), Way::Outside)]);
        assert!(matches!(examine(&attempt(host, ES9), &list), Examined::Refused(_)), "{host}");
        // In a laboratory it is permitted.
        let list = list.permit_private(true);
        assert!(document().with_outside(host, true).is_ok(), "{host}");
        assert_eq!(
            examine(&attempt(host, ES9), &list),
            Examined::Sm(address.to_string(), Way::Outside),
            "{host}"
        );
    }
    for host in ["rsp.operator.com", "lpa.ds.gsma.com", "smdp.example:8443", "xn--nxasmq6b.com", "0x7f.com"] {
        let list = document().with_outside(host, false).unwrap().sm_access.addresses();
        assert!(matches!(examine(&attempt(host, ES9), &list), Examined::Sm(_, Way::Outside)), "{host}");
    }
    for broken in ["[::1]", "a@b.com", "https://a.com", "a.com/", "*.com", "a.com:0"] {
        assert!(document().with_outside(broken, true).is_err(), "{broken}");
    }
    assert_eq!(document().with_outside("", false), Ok(document()));
}
