//! Random walks: two honest eUICCs that both know every code, an operator who does anything at any
//! time, answers that get lost, reports that come late and twice. Whatever happens, at most one of the
//! two may have the profile, or come to have it (SGP.22 §2.4.1: an ICCID is on one eUICC).

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;

use common::*;
use edge_smdp::Limits;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rsp::codes::{CancelSessionReason, ErrorReason};
use rsp::metadata::NotificationEvents;
use serde_json::{Value, json};

/// How many walks there are, and how long each is.
const WALKS: u64 = 40;
const STEPS: usize = 150;
/// How long an order lasts, in seconds.
const ORDER: u64 = 20_000;

/// What an eUICC and its LPA know.
#[derive(Default)]
struct Device {
    /// The one session that the eUICC keeps; a new one ends it.
    session: Option<Session>,
    /// The profile is there.
    has: bool,
    /// Reports that nobody has acknowledged yet, in their order.
    reports: VecDeque<Vec<u8>>,
    /// Those that were acknowledged, and may come again.
    reported: Vec<Vec<u8>>,
}

enum Session {
    Open(Open),
    /// With its bound package, which can be loaded at any time.
    Ready(Open),
}

struct Walk {
    world: World,
    euiccs: [Euicc; 2],
    devices: [Device; 2],
    codes: Vec<String>,
    rng: RefCell<ChaCha8Rng>,
    trail: Vec<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let limits = Limits { order: ORDER, download_attempts: 32, ..Limits::default() };
        let world = World::with(edge_smdp::Protection::SessionKeys, limits, &[]);
        let euiccs = [world.euicc(), Euicc::new(&world.pki, OTHER_EID)];
        let rng = RefCell::new(rng(900_060 + seed));
        Self { world, euiccs, devices: Default::default(), codes: Vec::new(), rng, trail: Vec::new() }
    }

    fn any(&self, of: usize) -> usize {
        self.rng.borrow_mut().next_u32() as usize % of
    }

    fn state(&self) -> String {
        let path = format!("/operator/orders/{ICCID}");
        let response = self.world.request("GET", &path, Some(TOKEN), b"");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        body["state"].as_str().unwrap_or("none").to_owned()
    }

    /// An eUICC may come to have the profile: it has it, or a package that it can load.
    fn may_have(&self, who: usize) -> bool {
        let device = &self.devices[who];
        device.has || matches!(device.session, Some(Session::Ready(_)))
    }

    fn step(&mut self) {
        match self.any(20) {
            0..=5 => self.operator(),
            6 => {
                let seconds = [1, 60, 1000, Limits::default().session + 1][self.any(4)];
                self.world.wait(seconds);
                self.world.tend();
            }
            7 if self.any(10) == 0 => {
                self.world.wait(ORDER + 1);
                self.world.tend();
                self.trail.push("the order's time is over".to_owned());
            }
            _ => {
                let who = self.any(2);
                self.euicc(who);
            }
        }
    }

    fn operator(&mut self) {
        let eid = [None, None, Some(EID), Some(OTHER_EID)][self.any(4)];
        let before = self.state();
        // Mostly what leads on from here.
        let what = match (self.any(3) != 0, before.as_str()) {
            (true, "none") => 0,
            (true, "Available") => 2,
            (true, "Allocated" | "Linked") => 3,
            (true, "Confirmed") => 4,
            (true, "Released" | "Downloaded" | "Installed") => return,
            (true, "Error") => 5,
            (true, _) => 7,
            (false, _) => self.any(8),
        };
        let (name, answer) = match what {
            0 | 1 => {
                let body = json!({ "metadata": metadata(), "package": b64(&package(ICCID)) });
                ("uploads", self.world.add(&body).0.to_string())
            }
            2 => {
                let answer = self.world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": eid }));
                ("orders", code_of(&answer))
            }
            3 => {
                let by_eid = eid.is_some() && self.any(2) == 0;
                let mut body = json!({ "iccid": ICCID, "eid": eid, "releaseFlag": self.any(4) != 0 });
                if by_eid {
                    body["matchingId"] = json!("");
                }
                let answer = self.world.es2("confirmOrder", body);
                self.codes
                    .extend(answer["matchingId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned));
                ("confirms", code_of(&answer))
            }
            4 => ("releases", code_of(&self.world.es2("releaseProfile", json!({ "iccid": ICCID })))),
            5 | 6 => {
                let status = ["Available", "Unavailable"][usize::from(self.any(4) == 0)];
                let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": status });
                (["cancels", "cancels for good"][usize::from(status == "Unavailable")], {
                    code_of(&self.world.es2("cancelOrder", body))
                })
            }
            _ => {
                let path = format!("/operator/profiles/{ICCID}");
                let answer = self.world.request("DELETE", &path, Some(TOKEN), b"");
                if answer.status().is_success() {
                    // With the record the server forgets which reports of it there were.
                    self.devices.iter_mut().for_each(|device| device.reported.clear());
                }
                ("removes", answer.status().as_u16().to_string())
            }
        };
        let after = self.state();
        self.trail.push(format!("the operator {name}: {answer}, {before} → {after}"));
        let allowed = match (name, answer.as_str()) {
            ("uploads", "200" | "201") => ("none Available", "Available"),
            ("orders", "") => ("Available", "Allocated Linked"),
            ("confirms", "") => ("Allocated Linked", "Confirmed Released"),
            ("releases", "") => ("Confirmed", "Released"),
            ("cancels", "") => ("Allocated Linked Confirmed Released Error", "Available"),
            ("cancels for good", "") => {
                ("Allocated Linked Confirmed Released Downloaded Error", "Unavailable")
            }
            ("removes", "204") => ("Available Unavailable Deleted Error", "none"),
            _ => (before.as_str(), before.as_str()),
        };
        let is_allowed = |states: &str, state: &str| states.split(' ').any(|allowed| allowed == state);
        let trail = self.trail.join("\n");
        assert!(is_allowed(allowed.0, &before) && is_allowed(allowed.1, &after), "{trail}");
    }

    fn euicc(&mut self, who: usize) {
        let lost = self.any(4) == 0;
        let name = format!("eUICC {who}{}", if lost { ", answer lost" } else { "" });
        let euicc = &self.euiccs[who];
        let world = &self.world;
        let device = &self.devices[who];
        let what = match (self.any(2), &device.session) {
            (0, None) if device.has => 6 + self.any(2),
            (0, None) => [0, 7][usize::from(self.any(4) == 0)],
            (0, Some(Session::Open(_))) => 2,
            (0, Some(Session::Ready(_))) => 4,
            _ => self.any(8),
        };
        let said = match what {
            0 | 1 => {
                let by_code = !self.codes.is_empty() && self.any(5) != 0;
                let code = by_code.then(|| {
                    let recent = self.codes.len().min(2);
                    self.codes[self.codes.len() - 1 - self.any(recent)].clone()
                });
                // A new challenge ends what was there.
                let opened = euicc.authenticate(world, code.as_deref());
                let said = format!("authenticates itself: {}", opened.as_ref().err().map_or("", |code| code));
                self.devices[who].session = opened.ok().filter(|_| !lost).map(Session::Open);
                said
            }
            2 | 3 => {
                let Some(Session::Open(open) | Session::Ready(open)) = &self.devices[who].session else {
                    return;
                };
                let prepared = euicc.prepare_download(open, euicc.one_time_key().public(), None);
                let bound = euicc.package(world, open, &prepared);
                if bound.is_ok() {
                    assert!(!self.may_have(1 - who), "handed out to both: {}", self.trail.join("\n"));
                }
                let said = format!("asks for the package: {}", bound.as_ref().err().map_or("", |code| code));
                if bound.is_ok() && !lost {
                    let Some(Session::Open(open) | Session::Ready(open)) = self.devices[who].session.take()
                    else {
                        return;
                    };
                    self.devices[who].session = Some(Session::Ready(open));
                }
                said
            }
            4 => {
                let Some(Session::Ready(open)) = self.devices[who].session.take() else { return };
                let error = match self.any(6) {
                    _ if self.devices[who].has => Some(ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC),
                    0 => Some(ErrorReason::INTERRUPTION),
                    1 => Some(ErrorReason::UNSUPPORTED_PROFILE_CLASS),
                    _ => None,
                };
                self.devices[who].has |= error.is_none();
                let report = euicc.installation_result(&open, Some(ICCID), error);
                self.devices[who].reports.push_back(report);
                format!("loads it: {error:?}")
            }
            5 => {
                let Some(Session::Open(open) | Session::Ready(open)) = self.devices[who].session.take()
                else {
                    return;
                };
                let reasons = [
                    CancelSessionReason::POSTPONED,
                    CancelSessionReason::TIMEOUT,
                    CancelSessionReason::END_USER_REJECTION,
                ];
                let reason = reasons[self.any(3)];
                if self.any(4) != 0 {
                    euicc.cancel(world, &open, reason, "2.999.10");
                }
                format!("cancels: {reason:?}")
            }
            6 => {
                if !self.devices[who].has {
                    return;
                }
                let events = [NotificationEvents::DELETE, NotificationEvents::ENABLE];
                let deletes = self.any(2) == 0;
                let report = euicc.other_notification(events[usize::from(!deletes)], ICCID);
                self.devices[who].has &= !deletes;
                self.devices[who].reports.push_back(report);
                (if deletes { "deletes it" } else { "enables it" }).to_owned()
            }
            _ => {
                let again = self.any(5) == 0 && !self.devices[who].reported.is_empty();
                let report = if again {
                    let at = self.any(self.devices[who].reported.len());
                    self.devices[who].reported[at].clone()
                } else {
                    let Some(report) = self.devices[who].reports.front() else { return };
                    report.clone()
                };
                let before = self.state();
                let status = world.notify(&report).0;
                assert!(matches!(status, 200 | 204), "{status}");
                if !again && !lost {
                    let report = self.devices[who].reports.pop_front().unwrap();
                    self.devices[who].reported.push(report);
                }
                format!("reports{}, {before} → {}", if again { " again" } else { "" }, self.state())
            }
        };
        self.trail.push(format!("{name}: {said}"));
    }
}

impl Walk {
    /// Once every report has arrived the server knows who has the profile.
    fn all_is_reported(&mut self, seed: u64) {
        for who in 0..2 {
            for report in self.devices[who].reports.drain(..) {
                assert!(matches!(self.world.notify(&report).0, 200 | 204));
            }
        }
        let (state, trail) = (self.state(), self.trail.join("\n"));
        let has = [0, 1].map(|who| self.devices[who].has);
        if has.contains(&true) {
            assert!(matches!(state.as_str(), "Installed" | "Unavailable"), "walk {seed}: {state}:\n{trail}");
            let path = format!("/operator/profiles/{ICCID}");
            assert_eq!(self.world.request("DELETE", &path, Some(TOKEN), b"").status(), 409, "walk {seed}");
        } else {
            assert_ne!(state, "Installed", "walk {seed}:\n{trail}");
        }
    }
}

#[test]
fn two_euiccs_never_have_one_profile() {
    let (mut installed, mut deleted) = (0, 0);
    for seed in 0..WALKS {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
            let had = [0, 1].map(|who| walk.devices[who].has);
            assert!(had != [true, true], "walk {seed}: both have it:\n{}", walk.trail.join("\n"));
        }
        walk.all_is_reported(seed);
        let trail = walk.trail.join("\n");
        installed += u64::from(trail.contains("→ Installed"));
        deleted += u64::from(trail.contains("→ Deleted"));
    }
    let enough = installed > WALKS / 3 && deleted > WALKS / 10;
    assert!(enough, "nothing comes of them: {installed} installed, {deleted} deleted");
}
