//! Ways around the allow-list, as they come over the wire: none of them leads anywhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use http::{HeaderName, HeaderValue, Request, Response};
use net_policy_worker::gateway::{MAX_ANSWER, MAX_REQUEST, Way};
use serde_json::json;

use super::world::{Card, OPERATIONAL, PROVISIONING, World};

const PATH: &str = "/gsma/rsp2/es9plus/initiateAuthentication";

/// What stands after `/http/`, and what of it would be somebody else's.
const TARGETS: &[(&str, &[&str])] = &[
    (
        "user information",
        &[
            "smdp.example@evil.example",
            "evil.example@smdp.example",
            "a:b@smdp.example",
            "smdp.example:443@evil.example:443",
            "smdp.example%40evil.example",
            "@smdp.example",
            "smdp.example@",
        ],
    ),
    (
        "ports",
        &[
            "smdp.example:80",
            "smdp.example:8443",
            "smdp.example:",
            "smdp.example:0",
            "smdp.example:443:443",
            "smdp.example:00443x",
            "smdp.example:65979",
            "smdp.example:-443",
            "smdp.example:%34%34%33",
            "lab.example",
            "lab.example:443",
            "rsp.operator.example:8443",
        ],
    ),
    (
        "homographs",
        &[
            "xn--smdp-k4d.example",
            "smdp.xn--example-9ua",
            "smdp%E3%80%82example",
            "%D1%95mdp.example",
            "smdp.example.",
            "smdp.example..",
            ".smdp.example",
            "smdp.example.evil.example",
            "evil-smdp.example",
            "smdp-example",
            "example",
            "SMDP.EXAMPLE.",
            "smdp.ex%61mple",
            "smdp.example%00.evil.example",
            "smdp.example%0d%0aHost:%20evil.example",
            "sm\u{ad}dp.example",
            "ｓｍｄｐ.example",
        ],
    ),
    (
        "address literals",
        &[
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "017700000001",
            "0177.0.0.01",
            "0x7f.0.0.1",
            "0x7f000001",
            "0X7F000001",
            "0x7f.1",
            "10.0.0.1",
            "169.254.169.254",
            "192.168.0.1:443",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::1]:443",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[fe80::1%25eth0]",
            "[fd00::1]",
            "::1",
            "127.0.0.1.",
            "localhost",
            "localhost.",
            "127.0.0.1.nip.io",
        ],
    ),
    (
        "other hosts",
        &[
            "evil.example",
            "smdp.example,evil.example",
            "smdp.example;evil.example",
            "smdp.example\\evil.example",
            "https:",
            "",
        ],
    ),
];

/// Paths of an SM that are not an LPA's.
const PATHS: &[&str] = &[
    "",
    "/",
    "/operator/orders",
    "/gsma",
    "/gsma/rsp2/",
    "/gsma/rsp2/es9plus",
    "/gsma/rsp2/es9plus/",
    "/gsma/rsp2/es2plus/downloadOrder",
    "/gsma/rsp2/es12/registerEvent",
    "/GSMA/RSP2/ES9PLUS/initiateAuthentication",
    "/gsma/rsp2/es9plusx/initiateAuthentication",
    "/gsma/rsp2/es9plus/../es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/../../../operator/orders",
    "/gsma/rsp2/es9plus/./initiateAuthentication",
    "/gsma/rsp2/es9plus//initiateAuthentication",
    "//gsma/rsp2/es9plus/initiateAuthentication",
    "/gsma/rsp2/es9plus/x/",
    "/gsma/rsp2/es9plus/%2e%2e/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/%2E%2E%2Fes2plus/downloadOrder",
    "/gsma/rsp2/es9plus/%252e%252e/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/%c0%ae%c0%ae/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/%e0%80%ae%e0%80%ae/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/%uff0e%uff0e/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/..%5c..%5coperator",
    "/gsma/rsp2/es9plus/..;/es2plus/downloadOrder",
    "/gsma/rsp2/es9plus/x;y",
    "/gsma%2frsp2%2fes9plus/initiateAuthentication",
    "/%67sma/rsp2/es9plus/initiateAuthentication",
    "/gsma/rsp2/es9plus/initiateAuthentication%00",
    "/gsma/rsp2/es9plus/initiateAuthentication%0d%0aX-Admin:%201",
    "/gsma/rsp2/es9plus/initiateAuthentication?x=1",
    "/gsma/rsp2/es9plus/initiateAuthentication?",
    "/gsma/rsp2/es9plus/initiateAuthentication%3fx=1",
    "/gsma/rsp2/es9plus/initiateAuthentication%23x",
    "/gsma/rsp2/es9plus/initiate+Authentication",
    "/gsma/rsp2/es9plus/initiate~1",
    "/https://evil.example/gsma/rsp2/es9plus/x",
];

/// The network, and a session of each kind in it.
fn sessions() -> (World, [String; 2]) {
    let world = World::new();
    let sessions = [PROVISIONING, OPERATIONAL].map(|imsi| world.session(&mut Card::new(), imsi));
    (world, sessions)
}

fn post(session: &str, rest: &str) -> Request<Vec<u8>> {
    let uri = format!("/network/sessions/{session}/http/{rest}");
    Request::post(uri).header("content-type", "application/json").body(b"{}".to_vec()).unwrap()
}

#[test]
fn no_address_but_those_of_the_list() {
    let (world, sessions) = sessions();
    for (what, authorities) in TARGETS {
        for authority in *authorities {
            let uri = format!("/network/sessions/{}/http/{authority}{PATH}", sessions[0]);
            // What is no URI never comes so far.
            let Ok(request) = Request::post(uri).body(vec![]) else { continue };
            let reply = world.send(request);
            assert_eq!(reply.status, 403, "{what}: {authority}: {reply:?}");
            // With a contract some of these are permitted, and lead nowhere.
            let reply = world.send(post(&sessions[1], &format!("{authority}{PATH}")));
            assert!(matches!(reply.status, 403 | 502), "{what}: {authority}: {reply:?}");
        }
    }
    assert_eq!(world.sm.seen.borrow().len(), 0);
}

#[test]
fn no_path_but_those_of_an_lpa() {
    let (world, sessions) = sessions();
    for session in &sessions {
        for sm in ["smdp.example", "lab.example:8443", "rsp.operator.example"] {
            for path in PATHS {
                let reply = world.send(post(session, &format!("{sm}{path}")));
                assert_eq!(reply.status, 403, "{sm}{path}: {reply:?}");
            }
        }
    }
    // Too long to be one.
    for length in [300, 60_000] {
        let long = format!("smdp.example{PATH}{}", "a".repeat(length));
        assert_eq!(world.send(post(&sessions[0], &long)).status, 403);
    }
    // Out of the gateway altogether.
    for rest in ["smdp.example/../../../../subscribers", "../../../subscribers"] {
        assert_eq!(world.send(post(&sessions[0], rest)).status, 403, "{rest}");
    }
    assert_eq!(world.sm.seen.borrow().len(), 0);
}

#[test]
fn no_method_but_post() {
    let (world, [session, _]) = sessions();
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "post", "POSTX"] {
        let mut request = post(&session, &format!("smdp.example{PATH}"));
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(world.send(request).status, 403, "{method}");
    }
    assert_eq!(world.sm.seen.borrow().len(), 0);
}

#[test]
fn no_header_makes_another_request_of_it() {
    let (world, [session, _]) = sessions();
    let refused: &[&[(&str, &str)]] = &[
        &[("transfer-encoding", "chunked"), ("content-length", "2")],
        &[("transfer-encoding", "gzip, chunked")],
        &[("content-length", "2"), ("content-length", "2")],
        &[("content-length", "2"), ("content-length", "0")],
        &[("content-length", "2, 2")],
        &[("content-length", "+2")],
        &[("content-length", "0x2")],
        &[("content-length", "1")],
        &[("content-length", "99999999999999999999999")],
        &[("content-encoding", "gzip")],
        &[("content-encoding", "identity, gzip")],
        &[("connection", "x-admin-protocol")],
        &[("connection", "content-type, keep-alive")],
        &[("connection", "upgrade"), ("upgrade", "h2c")],
        &[("upgrade", "websocket")],
        &[("x-http-method-override", "DELETE")],
        &[("x-http-method", "DELETE")],
        &[("x-method-override", "DELETE")],
        &[("x-original-url", "/operator/orders")],
        &[("x-rewrite-url", "/operator/orders")],
        &[("host", "a.example"), ("host", "b.example")],
        &[("x-admin-protocol", "gsma/rsp/v2.2.0"), ("x-admin-protocol", "gsma/rsp/v3.0.0")],
    ];
    for lines in refused {
        let mut request = post(&session, &format!("smdp.example{PATH}"));
        for (name, value) in *lines {
            let name = HeaderName::try_from(*name).unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let reply = world.send(request);
        assert_eq!((reply.status, &reply.body["rule"]), (403, &json!("gateway")), "{lines:?}");
    }
    let mut long = post(&session, &format!("smdp.example{PATH}"));
    long.headers_mut().insert("client-cert", "a".repeat(20_000).parse().unwrap());
    assert_eq!(world.send(long).status, 403);
    assert_eq!(world.sm.seen.borrow().len(), 0);

    // What is only for programs on the way here stays here.
    let mut request = post(&session, &format!("rsp.operator.example{PATH}"));
    for name in [
        "host",
        "x-forwarded-host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "cookie",
        "authorization",
        "proxy-authorization",
        "origin",
        "referer",
        "via",
        "range",
        "expect",
        "te",
        "trailer",
        "keep-alive",
        "proxy-connection",
        "alt-used",
        "if-none-match",
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static("evil.example"));
    }
    assert_eq!(world.send(request).status, 200);
    let sent = world.sm.seen.borrow_mut().pop().unwrap();
    assert_eq!(world.sm.ways.borrow().last(), Some(&Way::Outside));
    let mut names: Vec<_> = sent.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "content-type", "host", "user-agent"]);
    assert_eq!(sent.headers()["host"], "rsp.operator.example");
    assert_eq!(sent.uri(), &format!("https://rsp.operator.example{PATH}")[..]);
    // And these can't be written at all (RFC 9110 §5.5).
    for value in ["a\r\nHost: evil.example", "a\nb", "a\rb", "a\0b"] {
        assert!(HeaderValue::from_str(value).is_err());
    }
}

#[test]
fn nothing_is_longer_than_it_may_be() {
    let (world, [session, _]) = sessions();
    let mut large = post(&session, &format!("smdp.example{PATH}"));
    *large.body_mut() = vec![b' '; MAX_REQUEST + 1];
    assert_eq!(world.send(large).status, 413);
    assert_eq!(world.sm.seen.borrow().len(), 0);
    let answers = [
        Response::builder().body(vec![0; MAX_ANSWER + 1]),
        // A bomb: little here, much when somebody opens it.
        Response::builder().header("content-encoding", "gzip").body(vec![0x1F, 0x8B]),
        Response::builder().header("content-encoding", "zstd").body(vec![]),
    ];
    for answer in answers {
        *world.sm.next.borrow_mut() = Some(Ok(answer.unwrap()));
        assert_eq!(world.send(post(&session, &format!("smdp.example{PATH}"))).status, 502);
    }
}

#[test]
fn no_redirect_leads_out() {
    let (world, [session, _]) = sessions();
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        for location in [
            "https://evil.example/",
            "//evil.example/",
            "/operator/orders",
            "es2plus/downloadOrder",
            "https://smdp.example:8443/gsma/rsp2/es9plus/x",
            "http://smdp.example/gsma/rsp2/es9plus/x",
            "http://169.254.169.254/latest/meta-data/",
            "https://smdp.example/gsma/rsp2/es9plus/x",
        ] {
            let redirect = Response::builder().status(status).header("location", location).body(vec![]);
            *world.sm.next.borrow_mut() = Some(Ok(redirect.unwrap()));
            let before = world.sm.seen.borrow().len();
            let reply = world.send(post(&session, &format!("smdp.example{PATH}")));
            assert_eq!(reply.status, 502, "{status} {location}");
            assert!(!reply.raw.headers().contains_key("location"));
            assert_eq!(world.sm.seen.borrow().len(), before + 1, "followed: {status} {location}");
        }
    }
}
