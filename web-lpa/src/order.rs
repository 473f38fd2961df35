//! What an operator does to have a profile to hand out: the profile at the SM-DP+, with what the
//! network is to know of its subscriber, and an order. The SM-DP+ tells the network when the order is
//! confirmed. Requests and answers as JSON; who sends them is elsewhere.

use serde::Deserialize;
use serde_json::{Value, json};

/// A profile that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The profile's name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// A code that the operator gives apart from the activation code.
    pub confirmation_code: Option<String>,
    /// Policy rules: it can't be switched off (PPR1), it can't be deleted (PPR2).
    pub rules: [bool; 2],
    /// The only chip that gets it.
    pub eid: Option<String>,
}

/// The class of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// With a contract.
    #[default]
    Operational,
    /// For tests; the network serves it as one with a contract.
    Test,
    /// For the way to the SM-DP+ only.
    Provisioning,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Operational, Self::Test, Self::Provisioning];

    /// Its name in the services' interfaces.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Test => "test",
            Self::Provisioning => "provisioning",
        }
    }
}

/// The operator's name in profiles that are ordered here.
pub const PROVIDER: &str = "Playground";

/// Bytes of chance that a subscriber is made of.
pub const CHANCE: usize = 40;

/// A request to one of the services.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The path on this site.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// What it takes to have a profile to hand out.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// Brings the profile.
    pub profile: Request,
    /// Orders it, when it is there.
    pub order: Request,
    /// How the order stands afterwards ([`standing`]).
    pub standing: Request,
    /// The subscriber as the network was told of it: for who wants to tell it otherwise.
    pub subscriber: Request,
}

/// The requests, made of a wish and of chance.
#[must_use]
pub fn requests(wish: &Wish, chance: &[u8; CHANCE]) -> Requests {
    let (keys, number) = chance.split_at(32);
    let (k, opc) = keys.split_at(16);
    let number = number.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) % 10_000_000_000;
    // Home network 001/01, the test network of ITU-T E.212.
    let imsi = format!("00101{number:010}");
    let iccid = with_check_digit(&format!("890000000{number:010}"));
    let (k, opc) = (hex::encode(k), hex::encode(opc));
    let contract = match wish.class {
        Class::Provisioning => json!({}),
        Class::Operational | Class::Test => json!({
            "apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true,
        }),
    };
    let class = if wish.class == Class::Provisioning { "provisioning" } else { "operational" };
    let mut metadata = json!({
        "serviceProviderName": PROVIDER,
        "profileName": wish.name,
        "profileClass": wish.class.word(),
    });
    let rules: Vec<&str> =
        ["ppr1", "ppr2"].into_iter().zip(wish.rules).filter_map(|(rule, on)| on.then_some(rule)).collect();
    if !rules.is_empty() {
        metadata["profilePolicyRules"] = json!(rules);
        // Who may bring rules is told by the owner (SGP.22 §2.9.2.1).
        metadata["profileOwner"] = json!({ "mcc": "001", "mnc": "01" });
    }
    let mut order = json!({ "iccid": iccid });
    if let Some(code) = &wish.confirmation_code {
        order["confirmationCode"] = json!(code);
    }
    if let Some(eid) = &wish.eid {
        order["eid"] = json!(eid);
    }
    Requests {
        profile: Request {
            method: "POST",
            path: "/operator/profiles".to_owned(),
            body: json!({
                "metadata": metadata,
                "subscriber": {
                    "iccid": iccid, "imsi": imsi, "spn": PROVIDER,
                    "algorithm": "milenage", "k": k, "opc": opc,
                },
                "subscription": { "class": class, "contract": contract },
            }),
        },
        order: Request {
            method: "POST",
            path: "/operator/orders".to_owned(),
            body: json!({ "orders": [order] }),
        },
        standing: Request { method: "GET", path: format!("/operator/orders/{iccid}"), body: Value::Null },
        subscriber: Request {
            method: "PUT",
            path: format!("/network/subscribers/{imsi}"),
            body: json!({
                "algorithm": "milenage", "k": k, "opc": opc, "class": class, "contract": contract,
            }),
        },
    }
}

/// Digits with the check digit of ISO/IEC 7812-1 behind them.
fn with_check_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit.wrapping_sub(b'0'));
            match value * if place % 2 == 0 { 2 } else { 1 } {
                twice if twice > 9 => twice - 9,
                value => value,
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Whether the network has the subscriber of an order by now, by the answer to
/// [`Requests::standing`].
///
/// # Errors
/// Why it never will.
pub fn standing(body: &[u8]) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct Answer {
        network: String,
        events: Vec<Event>,
    }
    #[derive(Deserialize)]
    struct Event {
        event: String,
        detail: Option<String>,
    }
    let Answer { network, events } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match network.as_str() {
        "fed" => Ok(true),
        "pending" => Ok(false),
        "off" => Err("the SM-DP+ does not tell the network of subscribers".to_owned()),
        _ => {
            let why = events.into_iter().rev().find(|event| event.event == "undelivered");
            let why = why.and_then(|event| event.detail);
            Err(why.unwrap_or_else(|| "the network refuses the subscriber".to_owned()))
        }
    }
}

/// The activation code in the answer to [`Requests::order`].
///
/// # Errors
/// Why there is none: codes of SGP.22 where the order was refused.
pub fn activation_code(body: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Answer {
        results: Vec<Outcome>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outcome {
        activation_code: Option<String>,
        refused: Option<Refused>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Refused {
        subject_code: String,
        reason_code: String,
        message: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let outcome = answer.results.into_iter().next().ok_or("the answer holds no order")?;
    if let Some(Refused { subject_code, reason_code, message }) = outcome.refused {
        return Err(format!("{subject_code}/{reason_code} {}", message.unwrap_or_default())
            .trim()
            .to_owned());
    }
    outcome.activation_code.ok_or_else(|| "the order has no activation code".to_owned())
}

/// What a service says that did not do it.
#[must_use]
pub fn because(status: u16, body: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        title: String,
        detail: String,
        because: String,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let said = [problem.detail, problem.because, problem.title].into_iter().find(|text| !text.is_empty());
    match said {
        Some(said) => format!("HTTP {status}: {said}"),
        None => format!("HTTP {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn wish() -> Wish {
        Wish {
            name: "Trial".into(),
            class: Class::Operational,
            confirmation_code: None,
            rules: [false; 2],
            eid: None,
        }
    }

    #[test]
    fn network_and_server_are_told_of_the_same_subscriber() {
        let chance = std::array::from_fn(|index| index as u8);
        let Requests { subscriber, profile, order, standing } = requests(&wish(), &chance);
        let told = &profile.body["subscriber"];
        for key in ["k", "opc"] {
            assert_eq!(subscriber.body[key], told[key]);
            assert_eq!(told[key].as_str().unwrap().len(), 32);
        }
        assert_ne!(told["k"], told["opc"]);
        assert_eq!(subscriber.path, format!("/network/subscribers/{}", told["imsi"].as_str().unwrap()));
        for what in ["class", "contract"] {
            assert_eq!(subscriber.body[what], profile.body["subscription"][what]);
        }
        assert_eq!(order.body["orders"][0], json!({ "iccid": told["iccid"] }));
        assert_eq!(standing.path, format!("/operator/orders/{}", told["iccid"].as_str().unwrap()));
        assert_eq!(profile.body["metadata"]["profilePolicyRules"], Value::Null);
        let digits = |text: &Value, length| {
            text.as_str().unwrap().len() == length
                && text.as_str().unwrap().bytes().all(|c| c.is_ascii_digit())
        };
        assert!(digits(&told["iccid"], 20) && digits(&told["imsi"], 15), "{told}");
        assert!(told["spn"].as_str().unwrap().len() <= 16);
        // Other chance, another subscriber.
        let other = requests(&wish(), &[0xFF; CHANCE]);
        assert_ne!(other.profile.body["subscriber"]["iccid"], told["iccid"]);
    }

    #[test]
    fn every_option_is_in_the_request_it_belongs_to() {
        let wish = Wish {
            class: Class::Provisioning,
            confirmation_code: Some("1234".into()),
            rules: [true, true],
            eid: Some("8".repeat(32)),
            ..wish()
        };
        let Requests { profile, order, .. } = requests(&wish, &[7; CHANCE]);
        assert_eq!(profile.body["subscription"], json!({ "class": "provisioning", "contract": {} }));
        let metadata = &profile.body["metadata"];
        assert_eq!(metadata["profilePolicyRules"], json!(["ppr1", "ppr2"]));
        assert_eq!(metadata["profileOwner"]["mcc"], "001");
        assert_eq!(metadata["profileClass"], "provisioning");
        let order = &order.body["orders"][0];
        assert_eq!((&order["confirmationCode"], &order["eid"]), (&json!("1234"), &json!("8".repeat(32))));
    }

    // ITU-T E.118 takes the check digit of ISO/IEC 7812-1; its best known example is Annex B's.
    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        assert_eq!(with_check_digit("7992739871"), "79927398713");
    }

    #[test]
    fn an_order_is_a_code_or_a_reason() {
        let code = r#"{"results":[{"iccid":"89","state":"Released","activationCode":"LPA:1$a$B"}]}"#;
        assert_eq!(activation_code(code.as_bytes()), Ok("LPA:1$a$B".to_owned()));
        let refused =
            r#"{"results":[{"refused":{"subjectCode":"8.2.1","reasonCode":"3.9","message":"no"}}]}"#;
        assert_eq!(activation_code(refused.as_bytes()), Err("8.2.1/3.9 no".to_owned()));
        for odd in ["", "{}", r#"{"results":[]}"#, r#"{"results":[{}]}"#, "[1]"] {
            assert!(activation_code(odd.as_bytes()).is_err(), "{odd}");
        }
        let stands = |text: &str| standing(text.as_bytes());
        assert_eq!(stands(r#"{"network":"pending","events":[]}"#), Ok(false));
        assert_eq!(stands(r#"{"network":"fed","events":[]}"#), Ok(true));
        let refused = r#"{"network":"refused","events":[{"at":1,"event":"undelivered","detail":"no"},
                          {"at":2,"event":"released"}]}"#;
        assert_eq!(stands(refused), Err("no".to_owned()));
        for odd in ["", "{}", r#"{"network":"off","events":[]}"#, r#"{"network":"","events":[]}"#] {
            assert!(stands(odd).is_err(), "{odd}");
        }
        assert_eq!(because(409, br#"{"title":"Conflict","detail":"taken"}"#), "HTTP 409: taken");
        assert_eq!(because(502, b"<html>"), "HTTP 502");
    }
}
