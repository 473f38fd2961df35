//! Orders to make, from what the person entered.

use std::collections::BTreeSet;

use rsp::{Eid, Iccid, MatchingId};

use crate::api::{MAX_ORDERS, NewOrder};
use crate::words::count;

/// The form as it was filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// By ICCID instead of by profile type.
    pub by_iccid: bool,
    /// A name; when not by ICCID.
    pub profile_type: String,
    /// When by ICCID: one or several, apart by anything but digits.
    pub iccids: String,
    /// None, one or several.
    pub eids: String,
    /// How many, without EIDs.
    pub count: String,
    /// Which matching id.
    pub matching: Matching,
    /// The operator's own matching id.
    pub matching_id: String,
    /// Empty: none is asked for.
    pub confirmation_code: String,
    /// Whether a discovery event is registered.
    pub discovery: bool,
    /// Where; empty: the root SM-DS.
    pub smds_address: String,
    /// Whether they can be downloaded at once.
    pub release: bool,
}

/// Where the matching id comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// The server makes one.
    #[default]
    Generated,
    /// The operator gives one.
    Given,
    /// There is none: the order is found by EID.
    None,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its name in the form.
    pub field: &'static str,
    /// What to do.
    pub words: String,
}

fn wrong<T>(field: &'static str, words: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field, words: words.into() })
}

/// The orders that the form asks for, at most [`MAX_ORDERS`].
///
/// # Errors
/// The first field that can't be taken, in the order of the form.
pub fn orders(form: &Form) -> Result<Vec<NewOrder>, Wrong> {
    let iccids = if form.by_iccid { iccids(&form.iccids)? } else { Vec::new() };
    if !form.by_iccid && form.profile_type.is_empty() {
        return wrong("type", "Choose a profile type.");
    }
    let eids = eids(&form.eids)?;
    let number = match (form.by_iccid, eids.len()) {
        (true, 0) => iccids.len(),
        (true, given) if given == iccids.len() => given,
        (true, given) => {
            return wrong(
                "eids",
                format!(
                    "There are {} and {}: give one EID for each ICCID, in the same order, or none.",
                    count(iccids.len(), "ICCID"),
                    count(given, "EID")
                ),
            );
        }
        (false, 0) => match form.count.trim().parse() {
            Ok(number @ 1..=MAX_ORDERS) => number,
            _ => return wrong("count", format!("Enter a number from 1 to {MAX_ORDERS}.")),
        },
        (false, given) => given,
    };
    if number > MAX_ORDERS {
        let field = if form.by_iccid { "iccids" } else { "eids" };
        return wrong(
            field,
            format!("At most {MAX_ORDERS} orders are made at once; order the rest afterwards."),
        );
    }
    let matching_id = match form.matching {
        Matching::Generated => None,
        Matching::None if eids.is_empty() => {
            return wrong("matching", "Without a matching id the order is found by EID: enter the EID.");
        }
        Matching::None => Some(String::new()),
        Matching::Given => Some(matching_id(form.matching_id.trim(), number)?),
    };
    let code = form.confirmation_code.trim();
    let smds_address = form.smds_address.trim();
    if form.discovery && eids.is_empty() {
        return wrong("smds", "The SM-DS finds a device by its EID: enter the EID.");
    }
    if form.discovery && !smds_address.is_empty() && !rsp::activation_code::is_address(smds_address) {
        return wrong("smds", "Enter a host name, with a port if it needs one, and no https:// before it.");
    }
    let order = |index: usize| NewOrder {
        iccid: iccids.get(index).cloned(),
        profile_type: (!form.by_iccid).then(|| form.profile_type.clone()),
        eid: eids.get(index).cloned(),
        matching_id: matching_id.clone(),
        confirmation_code: (!code.is_empty()).then(|| code.to_owned()),
        smds_address: form.discovery.then(|| smds_address.to_owned()),
        release: form.release,
    };
    Ok((0..number).map(order).collect())
}

fn matching_id(text: &str, orders: usize) -> Result<String, Wrong> {
    if text.is_empty() {
        return wrong("matching", "Enter the matching id, or have one made.");
    }
    if orders > 1 {
        return wrong("matching", "A matching id names one order: have them made, or order one at a time.");
    }
    if text.parse::<MatchingId>().is_err() || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return wrong("matching", "Capital letters, digits and hyphens only, at most 255.");
    }
    Ok(text.to_owned())
}

/// Words of a list that people paste: lines, commas, semicolons, tabs.
fn items(text: &str) -> impl Iterator<Item = String> {
    // A long number is often written in groups: a single blank does not end it.
    let ends = |c: char| matches!(c, '\n' | '\r' | ',' | ';' | '\t');
    text.split(ends)
        .map(|item| item.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>())
        .filter(|item| !item.is_empty())
}

/// EIDs from a text.
///
/// # Errors
/// Names the first one that is none, or that comes twice.
pub fn eids(text: &str) -> Result<Vec<String>, Wrong> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (index, item) in items(text).enumerate() {
        let Ok(eid) = item.parse::<Eid>() else {
            let what =
                format!("Number {} is no EID: it has 32 digits, this one has {}.", index + 1, shape(&item));
            return wrong("eids", what);
        };
        if !seen.insert(eid) {
            return wrong("eids", format!("The EID of line {} is there twice: remove one.", index + 1));
        }
        found.push(eid.to_string());
    }
    Ok(found)
}

/// How many of the EIDs break the check digits (SGP.29 §4.2): allowed, since test EIDs do, and
/// worth a look.
#[must_use]
pub fn unchecked(eids: &[String]) -> usize {
    let breaks = |eid: &&String| eid.parse::<Eid>().is_ok_and(|eid| !eid.has_valid_check_digits());
    eids.iter().filter(breaks).count()
}

fn iccids(text: &str) -> Result<Vec<String>, Wrong> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (index, item) in items(text).enumerate() {
        let Ok(iccid) = item.parse::<Iccid>() else {
            let what = format!(
                "Number {} is no ICCID: it has 18 to 20 digits, this one has {}.",
                index + 1,
                shape(&item)
            );
            return wrong("iccids", what);
        };
        if !seen.insert(iccid) {
            return wrong("iccids", format!("The ICCID of line {} is there twice: remove one.", index + 1));
        }
        found.push(iccid.to_string());
    }
    if found.is_empty() {
        return wrong("iccids", "Enter the ICCID of the profile.");
    }
    Ok(found)
}

/// How long a text is, and whether that is all that is wrong.
fn shape(item: &str) -> String {
    let length = item.chars().count();
    if item.chars().all(|c| c.is_ascii_digit()) {
        length.to_string()
    } else {
        format!("{length} characters, not all of them digits")
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    // EIDs of SGP.29 and SGP.26; their check digits are right.
    const EIDS: [&str; 2] = ["89049032123451234512345678901235", "89044047116722026822023080001077"];

    fn form() -> Form {
        Form { profile_type: "operational".into(), count: "1".into(), release: true, ..Form::default() }
    }

    fn field(form: &Form) -> &'static str {
        orders(form).unwrap_err().field
    }

    #[test]
    fn several_orders_of_a_type_differ_in_nothing() {
        let made = orders(&Form { count: " 3 ".into(), ..form() }).unwrap();
        assert_eq!(made.len(), 3);
        assert!(made.iter().all(|order| *order == made[0]));
        assert_eq!(made[0].profile_type.as_deref(), Some("operational"));
        assert_eq!((made[0].matching_id.as_ref(), made[0].release), (None, true));
        for count in ["0", "201", "", "-1", "x", "99999999999999999999"] {
            assert_eq!(field(&Form { count: count.into(), ..form() }), "count");
        }
    }

    #[test]
    fn each_eid_of_a_list_gets_an_order() {
        let text = format!("{}\r\n  8904 9032 1234 5123 4512 3456 7890 1235 ;\n", EIDS[1]);
        let made = orders(&Form { eids: text, discovery: true, matching: Matching::None, ..form() }).unwrap();
        let given: Vec<_> = made.iter().map(|order| order.eid.as_deref().unwrap()).collect();
        assert_eq!(given, [EIDS[1], EIDS[0]]);
        assert_eq!(made[0].matching_id.as_deref(), Some(""));
        assert_eq!(made[0].smds_address.as_deref(), Some(""));
        assert_eq!(unchecked(&eids(EIDS[0]).unwrap()), 0);
        assert_eq!(unchecked(&["1".repeat(32)]), 1);

        assert_eq!(field(&Form { eids: "8904".into(), ..form() }), "eids");
        assert_eq!(field(&Form { eids: format!("{0},{0}", EIDS[0]), ..form() }), "eids");
        let many: Vec<String> = (0..201).map(|n| format!("{n:032}")).collect();
        assert_eq!(field(&Form { eids: many.join("\n"), ..form() }), "eids");
    }

    #[test]
    fn profiles_are_ordered_by_iccid_with_or_without_eids() {
        let by_iccid =
            Form { by_iccid: true, iccids: "8900000000000000001, 8900000000000000002".into(), ..form() };
        let made = orders(&by_iccid).unwrap();
        assert_eq!(made[1].iccid.as_deref(), Some("8900000000000000002"));
        assert_eq!(made[1].profile_type, None);
        let made = orders(&Form { eids: EIDS.join("\n"), ..by_iccid.clone() }).unwrap();
        assert_eq!(made[1].eid.as_deref(), Some(EIDS[1]));
        assert_eq!(field(&Form { eids: EIDS[0].into(), ..by_iccid.clone() }), "eids");
        assert_eq!(field(&Form { iccids: "89000".into(), ..by_iccid.clone() }), "iccids");
        assert_eq!(field(&Form { iccids: String::new(), ..by_iccid }), "iccids");
    }

    #[test]
    fn what_needs_an_eid_says_so() {
        assert_eq!(field(&Form { matching: Matching::None, ..form() }), "matching");
        assert_eq!(field(&Form { discovery: true, ..form() }), "smds");
        let url = "https://smds.example".to_owned();
        assert_eq!(
            field(&Form { eids: EIDS[0].into(), discovery: true, smds_address: url, ..form() }),
            "smds"
        );
        assert_eq!(field(&Form { profile_type: String::new(), ..form() }), "type");
    }

    #[test]
    fn a_given_matching_id_names_one_order() {
        let given = |text: &str| Form { matching: Matching::Given, matching_id: text.into(), ..form() };
        assert_eq!(orders(&given(" A-1 ")).unwrap()[0].matching_id.as_deref(), Some("A-1"));
        for bad in ["", "a-1", "A_1", "Ä"] {
            assert_eq!(field(&given(bad)), "matching");
        }
        assert_eq!(field(&Form { count: "2".into(), ..given("A-1") }), "matching");
    }
}
