//! `vectors-ef.json`: contents and their meaning as pySim's tests have them.

use serde_json::Value as Json;
use words::Language;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{all, entry, find, is_on, read, say};
use crate::Application::{Isim, Uicc, Usim};
use crate::{Node, Value};

fn text(json: &Json) -> String {
    let text = json.as_str().unwrap_or_else(|| panic!("{json}"));
    text.strip_prefix("hex:").map_or_else(|| text.to_owned(), str::to_uppercase)
}

/// `FF…` is not set.
fn same_bytes(nodes: &[Node], name: &str, json: &Json) {
    let wanted = text(json);
    let said = say(nodes, name);
    assert!(
        said == wanted || (said == "not set" && wanted.bytes().all(|byte| byte == b'F')),
        "{name}: {said}"
    );
}

fn same_number(nodes: &[Node], name: &str, json: &Json) {
    assert_eq!(find(nodes, name).value, Value::Number(json.as_u64().unwrap()), "{name}");
}

fn same_text(nodes: &[Node], name: &str, json: &Json) {
    let wanted = text(json);
    let said = say(nodes, name);
    let said = if said == "not set" { String::new() } else { said };
    assert_eq!(said.trim_start_matches('+'), wanted, "{name}");
}

fn same_flags(nodes: &[Node], json: &Json, names: &[(&str, &str)]) {
    for (key, name) in names {
        assert_eq!(is_on(find(nodes, name)), json[key].as_bool().unwrap(), "{name}");
    }
}

/// Type of number as pySim names it; `FF` is not set.
fn same_number_of(nodes: &[Node], name: &str, json: &Json) {
    same_text(nodes, name, &json["dialing_nr"]);
    if find(nodes, name).parts.is_empty() {
        return;
    }
    let kind = text(&json["ton_npi"]["type_of_number"]).replace('_', " ");
    assert_eq!(say(&find(nodes, name).parts, "Type of number"), kind);
}

/// Whether the vector was understood; a file that nobody here knows fails the test.
fn check(module: &str, ef: &str, nodes: &[Node], json: &Json) {
    match (module, ef) {
        (_, "EF_DIR") => {
            for part in json["application_template"].as_array().unwrap() {
                if !part["application_id"].is_null() {
                    same_bytes(nodes, "AID", &part["application_id"]);
                } else if !part["application_label"].is_null() {
                    same_text(nodes, "Label", &part["application_label"]);
                } else {
                    let inner = find(nodes, "Discretionary data");
                    let wanted = text(&part["discretionary_template"]);
                    assert_eq!(inner.range.len() * 2, wanted.len());
                    assert!(!inner.is_wrong());
                }
            }
        }
        (_, "EF_ARR") => {
            let rules = json.as_array().unwrap();
            assert_eq!(rules.len(), nodes.len());
            for (rule, node) in rules.iter().zip(nodes) {
                let name = node.name.say(Language::English);
                match &rule[0]["access_mode"] {
                    Json::Array(modes) => {
                        for mode in modes {
                            let word = match mode.as_str().unwrap() {
                                "read_search_compare" => "read",
                                "update_erase" => "update",
                                "write_append" => "append",
                                "delete_file" => "delete",
                                "terminate_ef" => "terminate",
                                "activate_file_or_record" => "activate",
                                "deactivate_file_or_record" => "deactivate",
                                other => panic!("{other}"),
                            };
                            assert!(name.split(", ").any(|own| own == word), "{name}: {word}");
                        }
                        assert_eq!(name.split(", ").count(), modes.len());
                    }
                    _ => {
                        assert_eq!(rule[0]["command_header"]["INS"], 212);
                        assert_eq!(name, "resize");
                    }
                }
                let condition = node.value.say(Language::English);
                let wanted = match &rule[1] {
                    json if json.get("always").is_some() => "always",
                    json if json.get("never").is_some() => "never",
                    json => json["control_reference_template"].as_str().unwrap(),
                };
                assert_eq!(condition, wanted);
            }
        }
        (_, "EF_UMPC") => {
            same_number(nodes, "Most current (mA)", &json["max_current_mA"]);
            let time = &json["t_op_s"];
            let said = find(nodes, "Time for application start (s)");
            assert!(
                said.value == Value::Number(time.as_u64().unwrap())
                    || (*time == 255 && said.value == Value::Empty)
            );
            let names = [
                ("req_inc_idle_current", "increased idle current"),
                ("support_uicc_suspend", "UICC suspension"),
            ];
            same_flags(nodes, &json["addl_info"], &names);
        }
        (_, "EF_SUCI_Calc_Info") => {
            let schemes = json["prot_scheme_id_list"].as_array().unwrap();
            for (index, scheme) in schemes.iter().enumerate() {
                let node = find(nodes, &format!("Scheme {}", index + 1));
                let words = say(&node.parts, "Scheme");
                let wanted =
                    ["null", "profile A", "profile B"][scheme["identifier"].as_u64().unwrap() as usize];
                assert!(words.starts_with(wanted), "{words}");
                same_number(&node.parts, "Key in the list, 0 for none", &scheme["key_index"]);
            }
            let keys = json["hnet_pubkey_list"].as_array().unwrap();
            let (numbers, values) = (all(nodes, "Key identifier"), all(nodes, "Public key"));
            assert_eq!((numbers.len(), values.len()), (keys.len(), keys.len()));
            for ((key, number), value) in keys.iter().zip(numbers).zip(values) {
                assert_eq!(number.value, Value::Number(key["hnet_pubkey_identifier"].as_u64().unwrap()));
                assert_eq!(value.value.say(Language::English), text(&key["hnet_pubkey"]));
            }
        }
        (_, "EF_HPPLMN") => {
            let steps = json.as_u64().unwrap();
            assert_eq!(say(nodes, "Search period"), format!("{steps} × 6 min = {} min", steps * 6));
        }
        (_, "EF_ECC") => {
            same_text(nodes, "Number", &json["call_code"]);
            // pySim counts from the fire brigade's bit as if it were 3; the standard has it in
            // bit 3, as the two before it: only those are compared.
            same_flags(nodes, &json["service_category"], &[("police", "police"), ("ambulance", "ambulance")]);
        }
        ("ts_31_102", "EF_LOCI") => {
            same_bytes(nodes, "TMSI", &json["tmsi"]);
            same_text(nodes, "PLMN", &json["lai"]["mcc_mnc"]);
            same_bytes(nodes, "LAC", &json["lai"]["lac"]);
            let status = ["updated", "not updated"][json["lu_status"].as_u64().unwrap() as usize];
            assert_eq!(say(nodes, "Status"), status);
        }
        ("ts_31_102", "EF_AD") => {
            assert_eq!(say(nodes, "Operation mode"), text(&json["ms_operation_mode"]).replace('_', " "));
            let names = [
                ("ciphering_indicator", "ciphering indicator"),
                ("csg_display_control", "CSG display control"),
                ("prose_services", "ProSe services"),
                ("extended_drx", "extended DRX"),
            ];
            same_flags(nodes, &json["additional_info"], &names);
            same_number(nodes, "Length of MNC", &json["mnc_len"]);
        }
        (_, "EF_START_HFN") => {
            same_number(nodes, "START, circuit switched", &json["start_cs"]);
            same_number(nodes, "START, packet switched", &json["start_ps"]);
        }
        (_, "EF_THRESHOLD") => same_number(nodes, "Value", &json["max_start"]),
        (_, "EF_ACMmax") => same_number(nodes, "Value", &json["acm_max"]),
        (_, "EF_EHPLMNPI") => {
            let said = say(nodes, "Presentation");
            let wanted = match json["presentation_ind"].as_str().unwrap() {
                "no_preference" => "no preference",
                "display_all" => "all of them",
                other => panic!("{other}"),
            };
            assert_eq!(said, wanted);
        }
        (_, "EF_PWS") => same_flags(
            nodes,
            &json["pws_configuration"],
            &[
                ("ignore_pws_in_hplmn_and_equivalent", "ignore in the home network and equivalent ones"),
                ("ignore_pws_in_vplmn", "ignore in visited networks"),
            ],
        ),
        (_, "EF_ePDGId") => same_text(nodes, "Address", &json["e_pdg_id"]["ePDG_address"]),
        (_, "EF_ePDGSelection") => {
            for (index, wanted) in json["e_pdg_selection"].as_array().unwrap().iter().enumerate() {
                let node = find(nodes, &format!("Network {}", index + 1));
                // pySim reads three digits of `110000` as 001-001 and 011000 as 001-010.
                same_text(&node.parts, "PLMN", &wanted["plmn"]);
                same_number(&node.parts, "Priority", &wanted["epdg_priority"]);
                let name = match wanted["epdg_fqdn_format"].as_str().unwrap() {
                    "operator_identified" => "by the operator",
                    _ => "by the location",
                };
                assert_eq!(say(&node.parts, "Name"), name);
            }
        }
        (_, "EF_EARFCNList") => {
            let wanted: Vec<&Json> = json
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|list| list["earfcn_list_tlv"].as_array().unwrap())
                .collect();
            let mut numbers = Vec::new();
            let mut points = Vec::new();
            for part in wanted {
                if let Some(number) = part["earfcn"].as_u64() {
                    numbers.push(Value::Number(number));
                }
                for point in part["geographical_area"].as_array().into_iter().flatten() {
                    points.push(Value::Number(point["latitude"].as_u64().unwrap()));
                    points.push(Value::Number(point["longitude"].as_u64().unwrap()));
                }
            }
            let own: Vec<Value> = all(nodes, "EARFCN")
                .into_iter()
                .filter(|node| node.parts.is_empty())
                .map(|node| node.value.clone())
                .collect();
            assert_eq!(own, numbers);
            let both = all(nodes, "Latitude").into_iter().zip(all(nodes, "Longitude"));
            let own: Vec<Value> =
                both.flat_map(|(north, east)| [north.value.clone(), east.value.clone()]).collect();
            assert_eq!(own, points);
        }
        (_, "EF_ACSGL" | "EF_OCSGL") => {
            let list = json.get("csg_list").or_else(|| json.get("operator_csg_list")).unwrap();
            for part in list.as_array().unwrap() {
                if part.get("plmn").is_some() {
                    same_text(nodes, "PLMN", &part["plmn"]);
                } else if part.get("csg_information").is_some() {
                    same_number(nodes, "CSG ID", &part["csg_information"]["csg_id"]["id"]);
                } else {
                    assert_eq!(part["csg_display_indicator"], "all_available_csg_ids");
                    assert_eq!(say(nodes, "Display"), "all CSGs");
                }
            }
        }
        (_, "EF_CSGT") => {
            for part in json.as_array().unwrap() {
                if part.get("text_csg_type").is_some() {
                    same_text(nodes, "Text", &part["text_csg_type"]);
                } else {
                    same_text(nodes, "Graphics (URI)", &part["graphics_csg_type_uri"]);
                }
            }
        }
        (_, "EF_HNBN") => same_text(nodes, "Name", &json["hnb_name"]),
        (_, "EF_UAC_AIC") => same_flags(
            nodes,
            &json["uac_access_id_config"],
            &[
                ("multimedia_priority_service", "multimedia priority service (1)"),
                ("mission_critical_service", "mission critical services (2)"),
            ],
        ),
        (_, "EF_IMPI") => same_text(nodes, "Address", &json["nai"]),
        (_, "EF_DOMAIN") => same_text(nodes, "Address", &json["domain"]),
        (_, "EF_IMPU") => same_text(nodes, "Address", &json["impu"]),
        (_, "EF_PCSCF") => same_text(nodes, "Address", &json["pcscf_address"]["address"]),
        (_, "EF_NAFKCA") => same_text(nodes, "Address", &json["naf_key_centre_address"]),
        (_, "EF_ADN" | "EF_MSISDN") => {
            // The one that is given for encoding has the number alone.
            if let Some(number) = json.get("msisdn") {
                let number = number.get(2).unwrap_or(number);
                return same_text(nodes, "Number", number);
            }
            same_text(nodes, "Name", &json["alpha_id"]);
            same_number_of(nodes, "Number", json);
        }
        (_, "EF_SMSP") => {
            if nodes.iter().any(|node| node.name.say(Language::English) == "Name") {
                same_text(nodes, "Name", &json["alpha_id"]);
            }
            let set = say(nodes, "Parameters that are set");
            for (key, name) in [
                ("tp_dest_addr", "destination"),
                ("tp_sc_addr", "service centre"),
                ("tp_pid", "PID"),
                ("tp_dcs", "DCS"),
                ("tp_vp", "validity"),
            ] {
                let there = set.split(", ").any(|own| own == name);
                assert_eq!(there, json["parameter_indicators"][key].as_bool().unwrap(), "{name}");
            }
            same_text(nodes, "Destination", &json["tp_dest_addr"]["call_number"]);
            same_text(nodes, "Service centre", &json["tp_sc_addr"]["call_number"]);
            if json["parameter_indicators"]["tp_vp"] == true {
                assert_eq!(say(nodes, "Validity"), format!("{} min", json["tp_vp_minutes"]));
                same_bytes(nodes, "Protocol identifier", &json["tp_pid"]);
                same_bytes(nodes, "Data coding scheme", &json["tp_dcs"]);
            }
        }
        (_, "EF_LP") => {
            let wanted = json.as_array().unwrap();
            assert_eq!(nodes.len(), wanted.len());
            // A language code that 3GPP TS 23.038 does not give is shown as it is.
            assert_eq!(nodes[0].value.say(Language::English), format!("unknown ({})", text(&wanted[0])));
        }
        (_, "EF_IMSI") => same_text(nodes, "IMSI", &json["imsi"]),
        (_, "EF_PLMNsel") => {
            for (index, wanted) in json.as_array().unwrap().iter().enumerate() {
                let plmn = format!("{}-{}", text(&wanted["mcc"]), text(&wanted["mnc"]));
                assert_eq!(say(nodes, &format!("PLMN {}", index + 1)), plmn);
            }
        }
        (_, "EF_SPN") => {
            same_text(nodes, "Operator name", &json["spn"]);
            let names = [
                ("show_in_hplmn", "show the network in the home network"),
                ("hide_in_oplmn", "hide the operator's name elsewhere"),
            ];
            same_flags(nodes, json, &names);
        }
        (_, "EF_ACC") => {
            let call = json["_call"].as_str().unwrap();
            let list = call.trim_start_matches("acc_list(").trim_end_matches(')');
            let classes: Vec<&str> = list.split(", ").filter(|class| !class.is_empty()).collect();
            for class in 0..16 {
                let on = is_on(find(nodes, &format!("class {class}")));
                assert_eq!(on, classes.contains(&class.to_string().as_str()), "{call} {class}");
            }
        }
        ("ts_51_011", "EF_LOCI") => {
            same_bytes(nodes, "TMSI", &json["tmsi"]);
            let lai = find(nodes, "Location area");
            assert_eq!(lai.range, 4..9);
            assert_eq!(say(nodes, "PLMN"), "228-01");
            assert_eq!(say(nodes, "LAC"), "0978");
            same_text(nodes, "Status", &json["lu_status"]);
        }
        ("ts_51_011", "EF_AD") => {
            assert_eq!(say(nodes, "Operation mode"), text(&json["ms_operation_mode"]));
            assert_eq!(is_on(find(nodes, "ciphering indicator")), json["ofm"].as_bool().unwrap());
        }
        (_, "EF_VGCS") => assert_eq!(say(nodes, "Group 1"), text(&json[0])),
        (_, "EF_VGCSS") => {
            let flags = json["flags"].as_array().unwrap();
            for (index, flag) in flags.iter().enumerate() {
                assert_eq!(is_on(find(nodes, &(index + 1).to_string())), *flag == 1, "{index}");
            }
        }
        (_, "EF_eMLPP" | "EF_AAeM") => {
            let levels = [
                ("A", "level A"),
                ("B", "level B"),
                ("zero", "level 0"),
                ("one", "level 1"),
                ("two", "level 2"),
                ("three", "level 3"),
                ("four", "level 4"),
            ];
            for (key, name) in [
                ("levels", "Priority levels"),
                ("fast_call_setup_cond", "Fast call set-up"),
                ("auto_answer_prio_levels", "Levels answered automatically"),
            ] {
                if json.get(key).is_some() {
                    same_flags(&find(nodes, name).parts, &json[key], &levels);
                }
            }
        }
        (_, "EF_Kc") => {
            assert_eq!(find(nodes, "Kc").value, Value::Secret(8));
            same_number(nodes, "CKSN", &json["cksn"]);
        }
        (_, "EF_LOCIGPRS") => {
            same_bytes(nodes, "P-TMSI", &json["ptmsi"]);
            same_bytes(nodes, "P-TMSI signature", &json["ptmsi_sig"]);
            assert_eq!(say(nodes, "PLMN"), "228-99");
            assert_eq!(say(nodes, "Status"), text(&json["rau_status"]).replace('_', " "));
        }
        (_, "EF_xPLMNwAcT") => {
            for (index, wanted) in json.as_array().unwrap().iter().enumerate() {
                let node = find(nodes, &format!("PLMN {}", index + 1));
                let plmn = format!("{}-{}", text(&wanted["mcc"]), text(&wanted["mnc"]));
                assert_eq!(node.value.say(Language::English), plmn);
                let said = say(&node.parts, "Access technologies");
                let mut said: Vec<&str> = said.split(", ").collect();
                let mut act: Vec<&str> =
                    wanted["act"].as_array().unwrap().iter().map(|act| act.as_str().unwrap()).collect();
                said.sort_unstable();
                act.sort_unstable();
                assert_eq!(said, act);
            }
        }
        (_, "EF_CFIS") => {
            same_number(nodes, "Subscriber profile", &json["msp_number"]);
            let names = [("voice", "voice"), ("fax", "fax"), ("data", "data")];
            same_flags(nodes, &json["cfu_indicator_status"], &names);
            same_number_of(nodes, "Number", json);
        }
        (_, "EF_OPL") => {
            same_text(nodes, "PLMN", &json["lai"]["mcc_mnc"]);
            same_bytes(nodes, "First area", &json["lai"]["lac_min"]);
            same_bytes(nodes, "Last area", &json["lai"]["lac_max"]);
            same_number(nodes, "Record of EF.PNN", &json["pnn_record_id"]);
        }
        (_, "EF_MBI") => {
            for (key, name) in [
                ("mbi_voicemail", "voice mail"),
                ("mbi_fax", "fax"),
                ("mbi_email", "e-mail"),
                ("mbi_other", "other"),
                ("mbi_videocall", "video mail"),
            ] {
                same_number(nodes, name, &json[key]);
            }
        }
        (_, "EF_MWIS") => {
            let flags = [
                ("voicemail", "voice mail"),
                ("fax", "fax"),
                ("email", "e-mail"),
                ("other", "other"),
                ("videomail", "video mail"),
            ];
            same_flags(&find(nodes, "Messages wait").parts, &json["mwi_status"], &flags);
            for (key, name) in flags {
                let wanted = &json[&format!("num_waiting_{key}")];
                let own = nodes.iter().find(|node| node.name.say(Language::English) == name);
                assert_eq!(own.is_some(), !wanted.is_null(), "{name}");
                if let Some(own) = own {
                    assert_eq!(own.value, Value::Number(wanted.as_u64().unwrap()));
                }
            }
        }
        (_, "EF_ICCID") => same_text(nodes, "ICCID", &json["iccid"]),
        (_, "EF_PL") => {
            let wanted = json.as_array().unwrap();
            if wanted.iter().all(Json::is_null) {
                assert_eq!(say(nodes, "Content"), "not set");
                return;
            }
            assert_eq!(nodes.len(), wanted.len());
            for (node, wanted) in nodes.iter().zip(wanted) {
                match wanted {
                    Json::Null => assert_eq!(node.value, Value::Empty),
                    language => assert_eq!(node.value.say(Language::English), text(language)),
                }
            }
        }
        other => panic!("{other:?}: no test of its meaning"),
    }
}

/// Which of our files a file of pySim is.
fn ours(module: &str, ef: &str) -> &'static crate::Entry {
    let name = match ef {
        "EF_SUCI_Calc_Info" | "EF_UAC_AIC" => ef.replacen('_', ".", 1),
        "EF_PCSCF" => "EF.P-CSCF".to_owned(),
        "EF_xPLMNwAcT" => "EF.PLMNwAcT".to_owned(),
        "EF_ADN" if module == "ts_51_011" => return entry(Uicc, "EF.ADN"),
        "EF_START_HFN" => "EF.START-HFN".to_owned(),
        other => other.replacen('_', ".", 1),
    };
    let in_gsm =
        ["EF.LP", "EF.PLMNsel", "EF.LOCIGPRS", "EF.Kc", "EF.VGCS", "EF.VGCSS", "EF.eMLPP", "EF.AAeM"];
    let of_mf = ["EF.ICCID", "EF.PL"];
    match module {
        "ts_102_221" => entry(Uicc, &name),
        "ts_31_103" => entry(Isim, &name),
        "ts_51_011" if in_gsm.contains(&&*name) || of_mf.contains(&&*name) => entry(Uicc, &name),
        "ts_51_011" if ["EF.LOCI", "EF.AD"].contains(&&*name) => entry(Uicc, &name),
        _ => entry(Usim, &name),
    }
}

#[test]
fn every_published_content_means_what_is_said() {
    let Some(all) = vectors::read("vectors-ef.json") else { return };
    let all: Json = serde_json::from_slice(&all).unwrap();
    let mut count = 0;
    for (module, files) in all.as_object().unwrap() {
        for (ef, groups) in files.as_object().into_iter().flatten() {
            for group in groups.as_array().unwrap() {
                for vector in group["vectors"].as_array().unwrap() {
                    let vector = vector.as_array().unwrap();
                    let (hex, json) = (vector[0].as_str().unwrap(), vector.last().unwrap());
                    let nodes = read(ours(module, ef), hex);
                    assert!(!nodes.iter().any(Node::is_wrong), "{ef} {hex}: {nodes:#?}");
                    check(module, ef, &nodes, json);
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 87, "{count}");
}
