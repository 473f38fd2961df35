//! Something to try: the bootstrap's subscriber in the network, profiles and an order at the SM-DP+,
//! which tells the network of the others as they are ordered.
//!
//! All of it over the services' public interfaces, as an operator would. What is there
//! already stays as it is, so it does no harm a second time.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use lab::Subscription;
use serde_json::{Value, json};

use crate::stack::{self, Stack};
use crate::state::State;

/// How often it is asked whether the network knows a subscriber.
const ASKS: u32 = 100;
/// How long between two times.
const PAUSE: Duration = Duration::from_millis(100);

/// An order that waits for somebody.
pub(crate) struct Order {
    /// The name of the profile.
    pub(crate) name: String,
    /// What to type into the page.
    pub(crate) activation_code: String,
}

/// The operator, at the doors of a running stack.
struct Operator<D> {
    doors: D,
    /// In front of the names of this start's calls of ES2+: a name that came before gets the
    /// answer that it got then.
    start: u128,
}

/// What takes a request and answers it: status and JSON.
trait Doors {
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)>;
}

/// The doors of a running stack.
struct Http<'a> {
    agent: ureq::Agent,
    base: String,
    token: &'a str,
}

/// Sees to it that the network knows the bootstrap's subscriber, the SM-DP+ the profiles that can be
/// ordered, and that one of them is ordered; `None` when all of them have been used.
pub(crate) fn seed(stack: &Stack, state: &State) -> Result<Option<Order>> {
    let doors = Http { agent: stack::agent(), base: stack.url(), token: state.operator_token() };
    let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let operator = Operator { doors, start };
    let operational = state.operational();
    operator.bootstrap(&state.provisioning())?;
    operator.profiles(&operational)?;
    operator.order(&operational)
}

impl<D: Doors> Operator<D> {
    /// Tells the network of the subscriber that no order makes known: the one that chips are made
    /// with.
    fn bootstrap(&self, subscription: &Subscription) -> Result<()> {
        let known = self.answer("GET", "/network/subscribers", None)?.to_string();
        // Written again its session would end.
        if !known.contains(&format!("\"{}\"", subscription.imsi)) {
            let path = format!("/network/subscribers/{}", subscription.imsi);
            self.answer("PUT", &path, Some(&subscription.network_record()))?;
        }
        Ok(())
    }

    /// Brings the profiles to the SM-DP+.
    fn profiles(&self, operational: &[Subscription]) -> Result<()> {
        for subscription in operational {
            if self.profile(subscription)?.is_none() {
                let path = "/operator/profiles";
                let (status, answer) =
                    self.doors.call("POST", path, Some(&subscription.operator_upload()))?;
                // 409: it is there by now, and ordered.
                if !is_success(status) && status != 409 {
                    bail!("POST {path}: {status} {answer}");
                }
            }
        }
        Ok(())
    }

    /// The order that waits, else a new one (ES2+, SGP.22 §5.3): first of a profile that nobody
    /// has cancelled an order of. An order that was cancelled stays so: the new one has a code of
    /// its own.
    fn order(&self, operational: &[Subscription]) -> Result<Option<Order>> {
        let mut available = Vec::new();
        for subscription in operational {
            let Some(profile) = self.profile(subscription)? else { continue };
            match profile["state"].as_str() {
                Some("Released") if profile["activationCode"].is_string() => return order_of(&profile),
                Some("Available") => available.push((was_cancelled(&profile), subscription)),
                _ => {}
            }
        }
        available.sort_by_key(|(was_cancelled, _)| *was_cancelled);
        let Some((_, subscription)) = available.first() else { return Ok(None) };
        let iccid = subscription.iccid.to_string();
        self.es2("downloadOrder", json!({ "iccid": iccid }))?;
        self.es2("confirmOrder", json!({ "iccid": iccid, "releaseFlag": true }))?;
        order_of(&self.known_to_network(subscription)?)
    }

    /// The profile of an order, once the SM-DP+ has told the network of its subscriber.
    fn known_to_network(&self, subscription: &Subscription) -> Result<Value> {
        for _ in 0..ASKS {
            let profile = self.profile(subscription)?;
            let profile =
                profile.context("the SM-DP+ has confirmed an order of a profile that it has not")?;
            match profile["network"].as_str() {
                Some("pending") => sleep(PAUSE),
                // Kept from a version that did not tell the network: it knows it already.
                Some("fed" | "off") => return Ok(profile),
                _ => bail!(
                    "the network refuses the subscriber of {}: {}",
                    subscription.iccid,
                    profile["events"]
                ),
            }
        }
        bail!("the SM-DP+ has not told the network of the subscriber of {}", subscription.iccid)
    }

    /// What the SM-DP+ says of a subscription's profile, if it has it.
    fn profile(&self, subscription: &Subscription) -> Result<Option<Value>> {
        let path = format!("/operator/orders/{}", subscription.iccid);
        match self.doors.call("GET", &path, None)? {
            (404, _) => Ok(None),
            (status, profile) if is_success(status) => Ok(Some(profile)),
            (status, answer) => bail!("GET {path}: {status} {answer}"),
        }
    }

    fn es2(&self, function: &str, mut request: Value) -> Result<()> {
        request["header"] = json!({
            "functionRequesterIdentifier": "2.999.1",
            "functionCallIdentifier": format!("{:x}-{function}", self.start),
        });
        let answer = self.answer("POST", &format!("/gsma/rsp2/es2plus/{function}"), Some(&request))?;
        let status = &answer["header"]["functionExecutionStatus"];
        if status["status"] != "Executed-Success" {
            bail!("{function}: the SM-DP+ refuses: {status}");
        }
        Ok(())
    }

    /// The answer, or an error with what the service says.
    fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        match self.doors.call(method, path, body)? {
            (status, answer) if is_success(status) => Ok(answer),
            (status, answer) => bail!("{method} {path}: {status} {answer}"),
        }
    }
}

const fn is_success(status: u16) -> bool {
    matches!(status, 200..=299)
}

/// The order of a profile, as the SM-DP+ shows it.
fn order_of(profile: &Value) -> Result<Option<Order>> {
    let text = |name: &str| profile[name].as_str().map(str::to_owned);
    let activation_code = text("activationCode").context("the order has no activation code")?;
    Ok(Some(Order { name: text("profileName").unwrap_or_default(), activation_code }))
}

fn was_cancelled(profile: &Value) -> bool {
    let events = profile["events"].as_array().map_or(&[][..], Vec::as_slice);
    events.iter().any(|event| event["event"] == "orderCancelled")
}

impl Doors for Http<'_> {
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token))
            .header("x-admin-protocol", "gsma/rsp/v2.2.0")
            .header("content-type", "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut response = match method {
            "GET" => self.agent.run(request.body(())?),
            _ => self.agent.run(request.body(body)?),
        }
        .with_context(|| format!("{method} {path}"))?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let answer = match serde_json::from_str(text.trim()) {
            Ok(answer) => answer,
            Err(_) if text.trim().is_empty() => Value::Null,
            // A problem in words; anything else than JSON as an answer is one, too.
            Err(_) if !is_success(status) => Value::String(text.trim().to_owned()),
            Err(error) => {
                return Err(error).with_context(|| format!("{method} {path}: the answer is not JSON"));
            }
        };
        Ok((status, answer))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    /// An SM-DP+ as far as this operator calls it, by the rules of ES2+ and of its own interface:
    /// a call that came before is answered as before.
    #[derive(Default)]
    struct Smdp {
        /// State and number of orders so far, by ICCID.
        profiles: RefCell<BTreeMap<String, (&'static str, u32)>>,
        answered: RefCell<BTreeMap<String, Value>>,
    }

    impl Smdp {
        fn show(&self, iccid: &str) -> (u16, Value) {
            let profiles = self.profiles.borrow();
            let Some((state, orders)) = profiles.get(iccid) else { return (404, Value::Null) };
            let mut profile = json!({
                "iccid": iccid, "state": state, "profileName": "Plan", "network": "fed", "events": [],
            });
            if *state == "Released" {
                profile["activationCode"] = json!(format!("LPA:1$smdp.example${iccid}-{orders}"));
            }
            if *state == "Available" && *orders > 0 {
                profile["events"] = json!([{ "event": "orderCancelled" }]);
            }
            (200, profile)
        }
    }

    impl Doors for &Smdp {
        fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
            if let Some(iccid) = path.strip_prefix("/operator/orders/") {
                return Ok(self.show(iccid));
            }
            let done = json!({ "header": { "functionExecutionStatus": { "status": "Executed-Success" } } });
            let body = body.context("a body")?;
            match (method, path.rsplit('/').next()) {
                // Long after it became more than a page: the first page has none of them.
                ("GET", Some("profiles")) => Ok((200, json!({ "profiles": [], "next": "1.8900" }))),
                ("POST", Some("profiles")) => {
                    let metadata = &body["metadata"]["iccid"];
                    let iccid = metadata.as_str().or_else(|| body["subscriber"]["iccid"].as_str());
                    let iccid = iccid.context("an ICCID")?.to_owned();
                    let before = self.profiles.borrow_mut().insert(iccid, ("Available", 0));
                    Ok((if before.is_none() { 201 } else { 409 }, Value::Null))
                }
                ("POST", Some(function)) => {
                    let id = body["header"]["functionCallIdentifier"].to_string();
                    if let Some(answer) = self.answered.borrow().get(&id) {
                        return Ok((200, answer.clone()));
                    }
                    let iccid = body["iccid"].as_str().context("an ICCID")?;
                    let mut profiles = self.profiles.borrow_mut();
                    let (state, orders) = profiles.get_mut(iccid).context("a profile")?;
                    let (before, after) = match function {
                        "downloadOrder" => ("Available", "Allocated"),
                        _ => ("Allocated", "Released"),
                    };
                    assert_eq!(*state, before, "{function}");
                    *state = after;
                    *orders += u32::from(function == "downloadOrder");
                    self.answered.borrow_mut().insert(id, done.clone());
                    Ok((200, done))
                }
                _ => bail!("{method} {path}"),
            }
        }
    }

    fn start(smdp: &Smdp, number: u128) -> Option<String> {
        let operational = Subscription::operational(&[7; 32]);
        let operator = Operator { doors: smdp, start: number };
        operator.profiles(&operational).unwrap();
        operator.order(&operational).unwrap().map(|order| order.activation_code)
    }

    #[test]
    fn every_start_finds_what_waits_or_orders_something_new() {
        let smdp = Smdp::default();
        let all = Subscription::operational(&[7; 32]).len();
        let first = start(&smdp, 1).unwrap();
        assert_eq!(smdp.profiles.borrow().len(), all);
        assert_eq!(start(&smdp, 2).as_ref(), Some(&first), "it waits");
        // Its order is revoked as often as the laboratory has profiles.
        let mut codes = vec![first];
        for number in 3..=all as u128 + 2 {
            let revoke = |(state, _): &mut (&'static str, u32)| {
                if *state == "Released" {
                    *state = "Available";
                }
            };
            smdp.profiles.borrow_mut().values_mut().for_each(revoke);
            let code = start(&smdp, number).unwrap();
            assert!(!codes.contains(&code), "{code}: revoked");
            codes.push(code);
        }
        // Not one profile was ordered again while another had not been.
        let most = smdp.profiles.borrow().values().map(|(_, orders)| *orders).max();
        assert_eq!(most, Some(2));
        // All of them were used.
        smdp.profiles.borrow_mut().values_mut().for_each(|(state, _)| *state = "Installed");
        assert_eq!(start(&smdp, 100), None);
    }
}
