//! The network is told of subscribers: when an order of theirs is confirmed, until it is
//! cancelled; again until it has them, and never of what is not so any more.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use common::*;
use edge_smdp::outbox::{PATIENCE, pause};
use edge_smdp::store::Store;
use edge_smdp::{Configuration, Limits, Server, SmDp};
use rsp::metadata::NotificationEvents;
use rsp_crypto::{Software, ready};
use serde_json::{Value, json};

const IMSI: &str = "001010000000001";
const FEEDER: &str = "feeder-token";
// TS 35.208 §4.3, test set 1.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// A network as far as it is told of subscribers: by IMSI what it was told, and how often.
#[derive(Clone, Default)]
struct Played(Rc<RefCell<BTreeMap<String, (Value, u32)>>>);

impl Played {
    fn answer(&self, asked: &Asked) -> Answer {
        assert_eq!(asked.token, FEEDER);
        let imsi = asked.path.strip_prefix("/network/subscribers/").unwrap().to_owned();
        let mut subscribers = self.0.borrow_mut();
        let status = match asked.method {
            "PUT" => {
                let before = subscribers.remove(&imsi);
                let times = before.as_ref().map_or(0, |(_, times)| *times);
                subscribers.insert(imsi, (asked.body.clone(), times + 1));
                if before.is_some() { 200 } else { 201 }
            }
            "DELETE" => match subscribers.remove(&imsi) {
                Some(_) => 204,
                None => 404,
            },
            other => panic!("{other}"),
        };
        Ok((status, Vec::new()))
    }

    fn serves(&self, imsi: &str) -> bool {
        self.0.borrow().contains_key(imsi)
    }
}

/// A server with a network, and that.
fn fed(configure: impl FnOnce(Configuration<'static>) -> Configuration<'static>) -> (World, Played) {
    let world = World::configured(&[], |c| {
        configure(Configuration { network: true, feeder_token: Some(FEEDER), ..c })
    });
    let played = Played::default();
    let network = played.clone();
    world.post.network(move |asked| network.answer(asked));
    (world, played)
}

fn contract() -> Value {
    json!({ "apns": ["internet", "*"], "defaultApn": "internet", "voice": true, "sms": true, "data": true })
}

fn upload(iccid: &str) -> Value {
    json!({
        "metadata": metadata(),
        "subscriber": { "iccid": iccid, "imsi": IMSI, "k": K, "opc": OPC },
        "subscription": { "class": "operational", "contract": contract() },
    })
}

fn network(world: &World) -> String {
    world.operator(&format!("orders/{ICCID}"))["network"].as_str().unwrap().to_owned()
}

/// What the network was asked since this was asked last.
fn asked(world: &World) -> Vec<&'static str> {
    world.tend();
    world.post.asked.take().iter().map(|asked| asked.method).collect()
}

/// What waits, by function.
fn waiting(world: &World) -> Vec<String> {
    let outbox = world.operator("outbox");
    let messages = outbox["messages"].as_array().unwrap();
    messages.iter().map(|message| message["function"].as_str().unwrap().to_owned()).collect()
}

fn cancel(world: &World, status: &str) {
    let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": status });
    assert_success(&world.es2("cancelOrder", body));
}

fn has_keys(world: &World) -> bool {
    let stored = ready(world.smdp.store().profile(&ICCID.parse().unwrap())).unwrap().unwrap();
    stored.profile.subscription.unwrap().record.is_some()
}

fn last_event(world: &World) -> (String, String) {
    let detail = world.operator(&format!("orders/{ICCID}"));
    let last = detail["events"].as_array().unwrap().last().unwrap().clone();
    let text = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
    (text("event"), text("detail"))
}

/// No key is in what can be read of the server.
fn assert_sealed(world: &World) {
    let everything = format!("{}{}", world.smdp.store().snapshot(), world.operator("outbox"));
    let everything = everything.to_lowercase();
    for key in [K, OPC] {
        assert!(!everything.contains(key));
        assert!(!everything.contains(&b64(&hex::decode(key).unwrap()).as_str().unwrap().to_lowercase()));
    }
}

#[test]
fn it_is_told_when_an_order_is_confirmed() {
    let (world, played) = fed(|c| c);
    assert_eq!(world.add(&upload(ICCID)).0, 201);
    assert_eq!((network(&world).as_str(), asked(&world).len()), ("off", 0));
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
    assert_eq!((network(&world).as_str(), asked(&world).len()), ("off", 0), "not confirmed");
    let confirmed = world.es2("confirmOrder", json!({ "iccid": ICCID, "releaseFlag": true }));
    assert_eq!(network(&world), "pending");
    assert_eq!(waiting(&world), ["feedSubscriber"]);
    assert_sealed(&world);

    world.tend();
    let sent = world.post.asked.take();
    let body = json!({ "algorithm": "milenage", "k": K, "opc": OPC, "class": "operational",
                       "contract": contract() });
    let path = format!("/network/subscribers/{IMSI}");
    assert_eq!(sent, [Asked { method: "PUT", path, token: FEEDER.to_owned(), body }]);
    assert_eq!((network(&world).as_str(), waiting(&world).len()), ("fed", 0));
    assert!(played.serves(IMSI) && has_keys(&world), "it may be cancelled and ordered again");

    // On the eUICC it can't be ordered again.
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, confirmed["matchingId"].as_str(), None).unwrap();
    assert!(has_keys(&world));
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(world.state(ICCID), "Installed");
    assert!(!has_keys(&world));
    assert_eq!(world.notify(&euicc.other_notification(NotificationEvents::DELETE, ICCID)).0, 204);
    assert_eq!(world.state(ICCID), "Deleted");
    assert_eq!((asked(&world).len(), network(&world).as_str()), (0, "fed"), "the contract goes on");
    assert_sealed(&world);
}

/// What a contract says of quality and rates reaches the network as it was written, and is what the
/// network's own interface describes.
#[test]
fn quality_and_slices_go_along() {
    let session = json!({
        "apn": "internet", "type": "IPV4",
        "qos": { "qci": 9, "arp": { "priority": 8, "mayPreempt": true, "preemptable": false } },
        "ambr": { "uplink": "50 Mbps", "downlink": "1 Gbps" },
        "addresses": { "ipv4": "10.45.0.7" }, "gateway": { "ipv6": "2001:db8::1" }, "localBreakout": true,
        "rules": [{
            "flows": [{ "direction": "downlink", "description": "permit out 17 from any to assigned" }],
            "qos": { "qci": 1, "arp": { "priority": 1, "mayPreempt": false, "preemptable": false } },
            "mbr": { "uplink": "128 Kbps", "downlink": "128 Kbps" },
            "gbr": { "uplink": "64 Kbps", "downlink": "64 Kbps" },
        }],
    });
    let mut contract = contract();
    contract["roaming"] = json!(false);
    contract["ambr"] = json!({ "uplink": "50 Mbps", "downlink": "1000 Mbps" });
    contract["slices"] = json!([
        { "sst": 2, "sd": "00000A", "default": false, "sessions": [{ "apn": "*" }] },
        { "sst": 1, "default": true, "sessions": [session] },
    ]);
    contract["msisdns"] = json!(["4915112345678"]);
    contract["accessRestriction"] = json!(32);
    contract["periodicUpdateMinutes"] = json!(12);

    let (world, played) = fed(|c| c);
    let mut body = upload(ICCID);
    body["subscription"]["contract"] = contract.clone();
    let (status, answer) = world.add(&body);
    assert_eq!(status, 201, "{answer}");
    world.release(ICCID, json!({}));
    world.tend();
    let sent = played.0.borrow()[IMSI].0.clone();
    assert_eq!(sent["contract"], contract);

    let network = include_str!("../../net-policy-worker/openapi.json");
    let network = openapi_check::Document::parse(network).unwrap();
    let held = |body: &Value| network.request("PUT", &format!("/network/subscribers/{IMSI}"), Some(body));
    held(&sent).unwrap();
    let mut other = sent;
    other["contract"]["slices"][0]["sst"] = json!("one");
    assert!(held(&other).is_err(), "the document says what a slice is");
}

#[test]
fn orders_of_the_other_interface_tell_it_too() {
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    let body = json!({ "orders": [{ "iccid": ICCID }] }).to_string();
    let ask = |path: &str, body: &str| {
        let answer = world.request("POST", &format!("/operator/{path}"), Some(TOKEN), body.as_bytes());
        serde_json::from_slice::<Value>(answer.body()).unwrap()
    };
    assert_eq!(ask("orders", &body)["results"][0]["network"], "pending");
    assert_eq!(asked(&world), ["PUT"]);
    let cancelled = ask(
        &format!("orders/{ICCID}/cancel"),
        &json!({ "finalProfileStatusIndicator": "Available" }).to_string(),
    );
    assert_eq!(cancelled["network"], "pending");
    assert_eq!(asked(&world), ["DELETE"]);
    assert!(!played.serves(IMSI));
    assert_eq!(network(&world), "off");
}

#[test]
fn nothing_is_told_of_who_has_no_subscription() {
    let (world, _) = fed(|c| c);
    let mut body = upload(ICCID);
    body.as_object_mut().unwrap().remove("subscription");
    assert_eq!(world.add(&body).0, 201);
    world.release(ICCID, json!({}));
    assert_eq!((network(&world).as_str(), asked(&world).len()), ("off", 0));
    cancel(&world, "Available");
    assert_eq!((network(&world).as_str(), asked(&world).len()), ("off", 0));
}

#[test]
fn without_a_network_or_its_token_it_is_off_and_says_so() {
    for (network_is_bound, feeder_token, warned) in [
        (false, None, None),
        (true, None, Some("FEEDER_TOKEN is not configured: the network is not fed")),
        (true, Some(""), Some("FEEDER_TOKEN is not configured: the network is not fed")),
        (false, Some(FEEDER), Some("no network is bound (NETWORK): it is not fed")),
    ] {
        let world =
            World::configured(&[], |c| Configuration { network: network_is_bound, feeder_token, ..c });
        let health = world.operator("health");
        assert_eq!(health["feeds"], false);
        let warnings = health["warnings"].as_array().unwrap();
        let warnings: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
        assert_eq!(warnings.iter().find(|text| text.contains("not fed")).copied(), warned);
        world.add(&upload(ICCID));
        world.release(ICCID, json!({}));
        assert_eq!((network(&world).as_str(), waiting(&world).len()), ("off", 0));
        cancel(&world, "Unavailable");
        assert_eq!(asked(&world).len(), 0);
        assert!(!has_keys(&world));
    }
    assert_eq!(fed(|c| c).0.operator("health")["feeds"], true);
}

#[test]
fn an_order_that_is_over_before_the_profile_is_out_is_withdrawn() {
    // Cancelled: before it was told, and after it.
    for is_told in [false, true] {
        for status in ["Available", "Unavailable"] {
            let (world, played) = fed(|c| c);
            world.add(&upload(ICCID));
            world.release(ICCID, json!({}));
            if is_told {
                assert_eq!(asked(&world), ["PUT"]);
            }
            cancel(&world, status);
            assert_eq!(network(&world), "pending");
            assert_eq!(asked(&world), ["DELETE"], "{is_told}: once it may know, it is told");
            assert!(!played.serves(IMSI));
            assert_eq!((network(&world).as_str(), waiting(&world).len()), ("off", 0));
            assert_eq!(has_keys(&world), status == "Available");
        }
    }
    // Its time is over.
    let (world, played) = fed(|c| Configuration { limits: Limits { order: 3600, ..Limits::default() }, ..c });
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    assert_eq!(asked(&world), ["PUT"]);
    world.wait(3602);
    // What follows from it is sent in the same go or the next one.
    let sent = [asked(&world), asked(&world)].concat();
    assert_eq!((world.state(ICCID).as_str(), sent), ("Error", vec!["DELETE"]));
    assert!(!played.serves(IMSI));
}

#[test]
fn who_may_have_the_profile_stays_until_it_is_taken_out_of_use() {
    let (world, played) = fed(|c| Configuration { limits: Limits { order: 3600, ..Limits::default() }, ..c });
    world.add(&upload(ICCID));
    let matching_id = world.release(ICCID, json!({}));
    world.euicc().download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(asked(&world), ["PUT"]);
    world.wait(3602);
    assert_eq!([asked(&world), asked(&world)].concat().len(), 0);
    assert_eq!((world.state(ICCID).as_str(), network(&world).as_str()), ("Error", "fed"));
    cancel(&world, "Unavailable");
    assert!(!has_keys(&world));
    assert_eq!(asked(&world), ["DELETE"]);
    assert!(!played.serves(IMSI));
}

#[test]
fn an_order_that_is_cancelled_while_the_network_is_being_told() {
    // Whether the answer arrives or is lost.
    for is_lost in [false, true] {
        let (world, played) = fed(|c| c);
        world.add(&upload(ICCID));
        world.release(ICCID, json!({}));
        let world = Rc::new(world);
        let (weak, network_of, once): (Weak<World>, _, _) =
            (Rc::downgrade(&world), played.clone(), Cell::new(true));
        world.post.network(move |asked| {
            let answer = network_of.answer(asked);
            if once.take() {
                cancel(&weak.upgrade().unwrap(), "Available");
                if is_lost {
                    return Err("no answer in time".into());
                }
            }
            answer
        });
        world.tend();
        world.wait(60);
        world.tend();
        let methods: Vec<_> = world.post.asked.take().iter().map(|asked| asked.method).collect();
        assert_eq!(methods, ["PUT", "DELETE"], "{is_lost}");
        assert!(!played.serves(IMSI));
        assert_eq!((network(&world).as_str(), waiting(&world).len()), ("off", 0));
    }
}

#[test]
fn a_profile_that_is_ordered_again_is_told_again() {
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    for _ in 0..3 {
        world.release(ICCID, json!({}));
        assert_eq!(asked(&world), ["PUT"]);
        cancel(&world, "Available");
        assert_eq!(asked(&world), ["DELETE"]);
    }
    // Again before the network was told of the end: it is told of the new one alone, and what it
    // counts goes on.
    world.release(ICCID, json!({}));
    assert_eq!(asked(&world), ["PUT"]);
    cancel(&world, "Available");
    world.release(ICCID, json!({}));
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!(played.0.borrow()[IMSI].1, 2, "it was never away");
    assert_eq!((network(&world).as_str(), waiting(&world).len()), ("fed", 0));
    // And is withdrawn all the same.
    cancel(&world, "Available");
    assert_eq!(asked(&world), ["DELETE"]);

    // Uploaded anew with other keys in between: what was said of the old ones is not said.
    world.release(ICCID, json!({}));
    cancel(&world, "Available");
    let mut other = upload(ICCID);
    other["subscriber"]["k"] = json!("00".repeat(16));
    assert_eq!(world.add(&other).0, 200);
    world.release(ICCID, json!({}));
    world.tend();
    world.tend();
    let sent = world.post.asked.take();
    assert_eq!(sent.iter().map(|asked| asked.method).collect::<Vec<_>>(), ["PUT"]);
    assert_eq!(sent[0].body["k"], "00".repeat(16));
    assert_eq!((network(&world).as_str(), waiting(&world).len()), ("fed", 0));
}

#[test]
fn another_subscriber_in_the_place_of_one_that_is_being_withdrawn() {
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    assert_eq!(asked(&world), ["PUT"]);
    cancel(&world, "Available");
    let mut other = upload(ICCID);
    other["subscriber"]["imsi"] = json!("001010000000002");
    assert_eq!(world.add(&other).0, 200);
    world.release(ICCID, json!({}));
    let mut methods = asked(&world);
    methods.sort_unstable();
    assert_eq!(methods, ["DELETE", "PUT"]);
    assert!(!played.serves(IMSI) && played.serves("001010000000002"));
    // Taken away, and still withdrawn.
    cancel(&world, "Available");
    let removed = world.request("DELETE", &format!("/operator/profiles/{ICCID}"), Some(TOKEN), b"");
    assert_eq!(removed.status(), 204);
    assert_eq!(asked(&world), ["DELETE"]);
    assert!(played.0.borrow().is_empty());
    assert_eq!(waiting(&world).len(), 0);
}

#[test]
fn what_the_network_had_before_is_not_withdrawn() {
    let (world, played) = fed(|c| c);
    played.0.borrow_mut().insert(IMSI.to_owned(), (Value::Null, 0));
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!(network(&world), "fed");
    assert_eq!(played.0.borrow()[IMSI].0["k"], K, "the later word counts");
    cancel(&world, "Available");
    assert_eq!(asked(&world).len(), 0);
    assert!(played.serves(IMSI));
    assert_eq!(network(&world), "off");
    assert_eq!(
        last_event(&world),
        (
            "undelivered".to_owned(),
            "withdrawSubscriber not sent: the network had the subscriber before".to_owned()
        )
    );
}

#[test]
fn an_answer_that_was_lost_does_not_make_it_somebody_elses() {
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    let (network_of, once) = (played.clone(), Cell::new(true));
    world.post.network(move |asked| {
        let answer = network_of.answer(asked);
        if once.take() { Err("no answer in time".into()) } else { answer }
    });
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!(network(&world), "pending");
    world.wait(60);
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!(network(&world), "fed");
    // Never where to begin to count: the network goes on with what it has.
    assert_eq!(played.0.borrow()[IMSI].0["sqn"], Value::Null);
    cancel(&world, "Available");
    assert_eq!(asked(&world), ["DELETE"]);
}

#[test]
fn a_network_that_is_away_is_told_when_it_is_back() {
    let answers: [Answer; 7] = [
        Err("no answer in time".into()),
        Ok((503, Vec::new())),
        Ok((500, Vec::new())),
        Ok((302, Vec::new())),
        Ok((429, Vec::new())),
        // Another token is no word on the subscriber.
        Ok((401, Vec::new())),
        Ok((403, Vec::new())),
    ];
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    for (attempt, answer) in answers.into_iter().enumerate() {
        world.post.network(move |_| answer.clone());
        assert_eq!(asked(&world), ["PUT"], "{attempt}");
        assert_eq!((network(&world).as_str(), waiting(&world).len()), ("pending", 1));
        // Not a second too early.
        world.wait(pause(attempt as u32) * 3 / 4 - 1);
        assert_eq!(asked(&world).len(), 0);
        world.wait(pause(attempt as u32) / 2 + 2);
    }
    let network_of = played.clone();
    world.post.network(move |asked| network_of.answer(asked));
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!(network(&world), "fed");
    // The same of a withdrawal.
    world.post.network(|_| Ok((503, Vec::new())));
    cancel(&world, "Available");
    assert_eq!(asked(&world), ["DELETE"]);
    world.wait(60);
    world.post.network(move |asked| played.answer(asked));
    assert_eq!(asked(&world), ["DELETE"]);
    assert_eq!((network(&world).as_str(), waiting(&world).len()), ("off", 0));
}

#[test]
fn what_the_network_refuses_or_never_takes_is_in_the_journal() {
    let (world, played) = fed(|c| c);
    world.add(&upload(ICCID));
    world.release(ICCID, json!({}));
    world.post.network(|_| Ok((400, br#"{"because":"an APN is made of labels"}"#.to_vec())));
    assert_eq!(asked(&world), ["PUT"]);
    assert_eq!((network(&world).as_str(), waiting(&world).len()), ("refused", 0));
    assert_eq!(
        last_event(&world),
        (
            "undelivered".to_owned(),
            "feedSubscriber refused: HTTP status 400 an APN is made of labels".to_owned()
        )
    );
    // It has nothing that is to be withdrawn.
    cancel(&world, "Available");
    assert_eq!((asked(&world).len(), network(&world).as_str()), (0, "off"));

    // Ordered again it is asked again; thirty days of silence.
    world.post.network(|_| Err("no answer in time".into()));
    world.release(ICCID, json!({}));
    let begin = world.clock.get();
    while !waiting(&world).is_empty() {
        world.tend();
        world.wait(3600);
    }
    let lasted = world.clock.get() - begin;
    assert!((PATIENCE..PATIENCE + 2 * 6 * 3600).contains(&lasted), "{lasted}");
    assert_eq!(network(&world), "refused");
    let (event, detail) = last_event(&world);
    assert_eq!(
        (event.as_str(), detail.as_str()),
        ("undelivered", "feedSubscriber given up: no answer in time")
    );
    assert!(has_keys(&world));
    assert!(!played.serves(IMSI));
    assert_sealed(&world);
}

#[test]
fn the_keys_move_under_a_new_secret() {
    let (world, _) = fed(|c| c);
    let restarted = |world: World, secret: &str| {
        let credentials = json!({ "sets": [credential_set(&world.pki)] }).to_string();
        let configuration = Configuration {
            secret,
            credentials: &credentials,
            network: true,
            feeder_token: Some(FEEDER),
            ..base()
        };
        let server = ready(Server::new(Software::new(rng(5)), &configuration)).unwrap();
        let (clock, store) = (Rc::clone(&world.clock), world.smdp.into_store());
        let smdp = SmDp::new(Rc::new(server), store, clock, RefCell::new(rng(6)))
            .with_courier(Rc::clone(&world.post));
        World { smdp, ..world }
    };
    let (old, new) = (base().secret, "ff".repeat(16));
    world.add(&upload(ICCID));
    let world = restarted(world, &format!("{new},{old}"));
    world.tend();
    let world = restarted(world, &new);
    world.release(ICCID, json!({}));
    world.tend();
    assert_eq!(world.post.asked.take()[0].body["k"], K);
    assert_eq!(network(&world), "fed");

    // Keys that do not open keep nobody else from being told.
    cancel(&world, "Available");
    assert_eq!(asked(&world), ["DELETE"]);
    let world = restarted(world, &"ee".repeat(16));
    world.release(ICCID, json!({}));
    let mut other = upload("8900101000000000024");
    other["subscriber"]["imsi"] = json!("001010000000002");
    world.add(&other);
    world.release("8900101000000000024", json!({}));
    // What is sealed under a secret that is gone is told of by the tending itself.
    assert!(ready(world.smdp.tend()).is_err());
    let sent: Vec<String> = world.post.asked.take().into_iter().map(|asked| asked.path).collect();
    assert_eq!(sent, ["/network/subscribers/001010000000002"]);
    assert_eq!(network(&world), "pending");
}

#[test]
fn subscriptions_come_by_row_and_by_type() {
    let (world, played) = fed(|c| c);
    let profile_type = json!({
        "name": "plan", "template": "operational",
        "subscription": { "class": "operational", "contract": { "apns": ["internet"], "data": true } },
    });
    let put = |body: &Value| {
        let path = "/operator/profile-types/plan";
        world.request("PUT", path, Some(TOKEN), body.to_string().as_bytes()).status().as_u16()
    };
    assert_eq!(put(&profile_type), 201);
    let number = |n: u32| (format!("89001010000000000{n}"), format!("0010100000000{n}"));
    let table = |columns: &str, rows: &[(u32, &str)]| {
        let mut text = format!("iccid,imsi,k,opc,{columns}\n");
        for (n, more) in rows {
            let (iccid, imsi) = number(*n);
            text.push_str(&format!("{iccid},{imsi},{K},{OPC},{more}\n"));
        }
        text
    };
    let text = table(
        "class,apns,defaultApn,voice,sms,data,roaming,amf",
        &[
            (21, "operational,internet ims,internet,true,1,true,false,9000"),
            (22, "provisioning,,,,,,,"),
            (23, ",,,,,,,"),
            (24, ",internet,,,,,,"),
            (25, "other,,,,,,,"),
            (26, "operational,a b!,,,,,,"),
            (27, "operational,,,yes,,,,"),
            (28, "operational,,,,,,,90"),
        ],
    );
    let request = http::Request::post("/operator/subscribers?profileType=plan")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "text/csv");
    let answer = ready(world.smdp.handle(request.body(text.into_bytes()).unwrap()));
    let report: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((&report["created"], &report["failed"]), (&json!(3), &json!(5)), "{report}");
    for n in 21..24 {
        world.release(&number(n).0, json!({}));
    }
    world.tend();
    let told = |n: u32| played.0.borrow()[&number(n).1].0.clone();
    let common = |n: u32| {
        let told = told(n);
        assert_eq!((&told["k"], &told["opc"]), (&json!(K), &json!(OPC)));
        (told["class"].clone(), told["contract"].clone(), told["amf"].clone())
    };
    assert_eq!(
        common(21),
        (
            json!("operational"),
            json!({ "apns": ["internet", "ims"], "defaultApn": "internet", "voice": true, "sms": true,
                    "data": true, "roaming": false }),
            json!("9000")
        )
    );
    let nothing = json!({ "apns": [], "voice": false, "sms": false, "data": false });
    assert_eq!(common(22), (json!("provisioning"), nothing, Value::Null));
    let of_type = json!({ "apns": ["internet"], "voice": false, "sms": false, "data": true });
    assert_eq!(common(23), (json!("operational"), of_type, Value::Null));

    // What can't be one is refused, with nothing of the keys in the answer.
    let with = |name: &str, value: Value| {
        let mut contract = contract();
        contract[name] = value;
        json!({ "class": "operational", "contract": contract })
    };
    for (wrong, because) in [
        (json!({}), "subscription.class"),
        (json!({ "class": "other" }), "request"),
        (json!({ "class": "operational", "sqn": "000000000001" }), "request"),
        (json!({ "class": "operational", "contract": { "apns": ["a b"] } }), "subscription.contract.apns"),
        (
            json!({ "class": "operational", "contract": { "apns": vec!["a"; 51] } }),
            "subscription.contract.apns",
        ),
        (
            json!({ "class": "operational", "contract": { "defaultApn": "*" } }),
            "subscription.contract.defaultApn",
        ),
        (json!({ "class": "operational", "amf": "80" }), "subscription.amf"),
        (with("ambr", json!({ "uplink": "50 Mbps", "downlink": "1.5 Gbps" })), "subscription.contract.ambr"),
        (with("ambr", json!({ "uplink": "0 bps", "downlink": "1 Gbps" })), "subscription.contract.ambr"),
        (with("ambr", json!({ "uplink": "50 Mbps" })), "request"),
        (with("msisdns", json!(["+4915112345678"])), "subscription.contract.msisdns"),
        (with("slices", json!([{ "sst": 1, "sessions": [] }])), "subscription.contract.slices"),
        (with("slices", json!([{ "sst": 256, "sessions": [{ "apn": "internet" }] }])), "request"),
        (
            with("slices", json!([{ "sst": 1, "sd": "00001", "sessions": [{ "apn": "internet" }] }])),
            "subscription.contract.slices",
        ),
        (
            with("slices", json!([{ "sst": 1, "default": true, "sessions": [{ "apn": "another" }] }])),
            "subscription.contract.slices",
        ),
        (with("accessRestriction", json!(-1)), "request"),
        (with("quality", json!({})), "request"),
    ] {
        let mut body = upload(ICCID);
        body["subscription"] = wrong.clone();
        let (status, answer) = world.add(&body);
        assert_eq!(status, 400, "{wrong}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with(because) && !detail.contains(K), "{detail}");
        let mut of_type = profile_type.clone();
        of_type["subscription"] = wrong.clone();
        assert_eq!(put(&of_type), 400, "{wrong}");
    }
    let mut twice = upload(ICCID);
    twice["subscriber"]["subscription"] = twice["subscription"].clone();
    assert_eq!(world.add(&twice).0, 400);
}

#[test]
fn the_keys_are_those_of_the_package() {
    let told = |subscriber: Value| {
        let (world, played) = fed(|c| c);
        let mut body = upload(ICCID);
        body["subscriber"] = subscriber;
        let (status, answer) = world.add(&body);
        assert_eq!(status, 201, "{answer}");
        world.release(ICCID, json!({}));
        world.tend();
        let mut told = played.0.borrow()[IMSI].0.clone();
        for known in ["class", "contract"] {
            told.as_object_mut().unwrap().remove(known);
        }
        told
    };
    let subscriber = |more: Value| {
        let mut all = json!({ "iccid": ICCID, "imsi": IMSI, "k": K });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    // OP of the same test set.
    let op = told(subscriber(json!({ "op": "cdc202d5123e20f62b6d676ac72cb318" })));
    assert_eq!(op, json!({ "algorithm": "milenage", "k": K, "opc": OPC }));
    let topc = "ab".repeat(32);
    let tuak = told(subscriber(json!({ "algorithm": "tuak", "opc": topc, "iterations": 2 })));
    assert_eq!(tuak, json!({ "algorithm": "tuak", "k": K, "topc": topc, "iterations": 2 }));
    let xor = told(subscriber(json!({ "algorithm": "testXor" })));
    assert_eq!(xor, json!({ "algorithm": "xor", "k": K, "resBytes": 16 }));

    // A ready-made package.
    let (world, played) = fed(|c| c);
    let body = json!({
        "metadata": metadata(), "package": b64(&package(ICCID)),
        "subscription": { "class": "provisioning" },
    });
    assert_eq!(world.add(&body).0, 201);
    world.release(ICCID, json!({}));
    world.tend();
    let told = played.0.borrow()[IMSI].0.clone();
    assert_eq!((&told["k"], &told["class"]), (&json!("46".repeat(16)), &json!("provisioning")));
}
