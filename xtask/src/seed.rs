//! Something to try: subscribers in the network, profiles and an order at the SM-DP+.
//!
//! All of it over the services' public interfaces, as an operator would. What is there
//! already stays as it is, so it does no harm a second time.

use anyhow::{Context, Result, bail};
use lab::Subscription;
use serde_json::{Value, json};

use crate::stack::{self, Stack};
use crate::state::State;

/// An order that waits for somebody.
pub(crate) struct Order {
    /// The name of the profile.
    pub(crate) name: String,
    /// What to type into the page.
    pub(crate) activation_code: String,
}

/// The operator, at the doors of a running stack.
struct Operator<'a> {
    agent: ureq::Agent,
    base: String,
    token: &'a str,
}

/// Sees to it that network and SM-DP+ know the laboratory's subscriptions and that one of
/// them is ordered; `None` when all of them have been used.
pub(crate) fn seed(stack: &Stack, state: &State) -> Result<Option<Order>> {
    let operator = Operator { agent: stack::agent(), base: stack.url(), token: state.operator_token() };
    let operational = state.operational();
    operator.subscribers(&operational, &state.provisioning())?;
    operator.profiles(&operational)?;
    operator.order(&operational)
}

impl Operator<'_> {
    /// Tells the network whom it serves.
    fn subscribers(&self, operational: &[Subscription], provisioning: &Subscription) -> Result<()> {
        let known = self.get("/network/subscribers")?.to_string();
        for subscription in operational.iter().chain([provisioning]) {
            // Written again it would start its sequence numbers again.
            if !known.contains(&format!("\"{}\"", subscription.imsi)) {
                let path = format!("/network/subscribers/{}", subscription.imsi);
                self.answer("PUT", &path, Some(&subscription.network_record()))?;
            }
        }
        Ok(())
    }

    /// Brings the profiles to the SM-DP+.
    fn profiles(&self, operational: &[Subscription]) -> Result<()> {
        let known = self.profile_lines()?;
        for subscription in operational {
            if !known.iter().any(|line| line["iccid"] == subscription.iccid) {
                self.answer("POST", "/operator/profiles", Some(&subscription.operator_upload()))?;
            }
        }
        Ok(())
    }

    /// The order that waits, else a new one (ES2+, SGP.22 §5.3).
    fn order(&self, operational: &[Subscription]) -> Result<Option<Order>> {
        let ours = |line: &&Value| operational.iter().any(|subscription| line["iccid"] == subscription.iccid);
        let in_state = |state: &str| -> Result<Option<Value>> {
            let lines = self.profile_lines()?;
            Ok(lines.iter().filter(ours).find(|line| line["state"] == state).cloned())
        };
        if in_state("Released")?.is_none() {
            let Some(available) = in_state("Available")? else { return Ok(None) };
            let iccid = &available["iccid"];
            self.es2("downloadOrder", json!({ "iccid": iccid }))?;
            self.es2("confirmOrder", json!({ "iccid": iccid, "releaseFlag": true }))?;
        }
        let line =
            in_state("Released")?.context("the SM-DP+ has confirmed an order, but does not list it")?;
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let activation_code = text("activationCode").context("the order has no activation code")?;
        Ok(Some(Order { name: text("profileName").unwrap_or_default(), activation_code }))
    }

    fn profile_lines(&self) -> Result<Vec<Value>> {
        let list = self.get("/operator/profiles")?;
        Ok(list["profiles"].as_array().context("the SM-DP+ lists no profiles")?.clone())
    }

    fn es2(&self, function: &str, mut request: Value) -> Result<()> {
        request["header"] = json!({
            "functionRequesterIdentifier": "2.999.1",
            // The same call again gets the same answer: one for each profile and function.
            "functionCallIdentifier": format!("seed-{function}-{}", request["iccid"].as_str().unwrap_or_default()),
        });
        let answer = self.answer("POST", &format!("/gsma/rsp2/es2plus/{function}"), Some(&request))?;
        let status = &answer["header"]["functionExecutionStatus"];
        if status["status"] != "Executed-Success" {
            bail!("{function}: the SM-DP+ refuses: {status}");
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.answer("GET", path, None)
    }

    /// The answer in JSON, or an error with what the service says.
    fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
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
        let text = response.body_mut().read_to_string()?;
        if !response.status().is_success() {
            bail!("{method} {path}: {} {}", response.status(), text.trim());
        }
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path}: the answer is not JSON"))
    }
}
