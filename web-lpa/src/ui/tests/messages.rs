//! The messages between the parties: the list, the diagram, and the one that is opened.

use std::collections::HashSet;

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use trace::{Answer, Party, Request, Step};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{DataTransfer, Event, File, HtmlInputElement};
use words::Language;

use super::super::trace::Messages;
use super::{Page, is_checked, said};
use crate::record::Record;

/// That of SGP.02 §2.2.2, with its check digits.
const EID: &str = "89044045930000000000001495328899";
const IMSI: &str = "001010123456789";

const CHALLENGE: &str = "80E2910003BF2E00";
const LIST: &str = ".messages li.message";
const DETAIL: &str = "[data-testid=message-detail]";

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

/// Five messages: three to the chip, the second of which tells its EID and the third of which
/// fails, one to the network, one to the SM-DP+.
fn talk(record: Record) {
    record.set_step(Some(Step::Attach));
    let ticket = record.command(Party::Chip, &bytes(CHALLENGE));
    record.answer(ticket, &bytes("BF2E048002ABCD9000"));
    let ticket = record.command(Party::Chip, &bytes("80E2910006BF3E035C015A00"));
    record.answer(ticket, &bytes(&format!("BF3E125A10{EID}9000")));
    let ticket = record.command(Party::Chip, &bytes("00A40004023F0000"));
    record.answer(ticket, &bytes("6A82"));
    let body = format!(r#"{{"imsi":"{IMSI}"}}"#);
    call(
        record,
        Party::Network,
        "/network/attach",
        &body,
        200,
        r#"{"attachId":"a","rand":"00","autn":"11"}"#,
    );
    record.set_step(Some(Step::Contact));
    let url = "https://smdp.example.com/gsma/rsp2/es9plus/initiateAuthentication";
    call(record, Party::Smdp, url, r#"{"smdpAddress":"<b>smdp</b>"}"#, 500, "no");
}

fn call(record: Record, to: Party, url: &str, body: &str, status: u16, answer: &str) {
    let headers = [("content-type", "application/json"), ("x-note", "<script>alert(1)</script>")];
    let request = Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
    let ticket = record.call(to, request);
    record.reply(ticket, Answer { status, headers: &headers, body: answer.as_bytes() });
}

async fn page() -> Page {
    let page = Page::show(|context| {
        talk(context.model.record);
        view! { <Messages/> }
    })
    .await;
    page.until("the list", |page| page.all(LIST).len() == 5).await;
    page
}

/// The functions that are shown.
fn functions(page: &Page) -> Vec<String> {
    let first = |line: String| line.split_whitespace().next().unwrap_or_default().to_owned();
    page.say(".messages li.message .function").into_iter().map(first).collect()
}

async fn open(page: &Page, function: &str) {
    let at = functions(page).iter().position(|one| one == function).expect(function);
    page.all(".messages li.message a")[at].click();
    page.until("the message", |page| {
        page.all("[data-testid=message-detail] h3").first().is_some_and(|head| said(head) == function)
    })
    .await;
}

#[test]
async fn each_message_has_a_line() {
    let page = page().await;
    let functions = functions(&page);
    assert_eq!(functions[..2], ["GetEUICCChallenge", "GetEID"]);
    assert_eq!(functions[4], "InitiateAuthentication");
    let lines = page.all(LIST);
    let failed: Vec<_> = lines.iter().map(|line| line.class_list().contains("failed")).collect();
    assert_eq!(failed, [false, false, true, false, true]);
    assert!(said(&lines[2]).contains("6A82"), "{}", said(&lines[2]));
    assert_eq!(page.says("[data-testid=message-count]"), "5 messages");
    page.speak(Language::Japanese).await;
    assert_eq!(page.says("[data-testid=message-count]"), "5 件");
}

#[test]
async fn the_list_grows_with_the_trace() {
    let page = page().await;
    let record = page.context.model.record;
    let ticket = record.command(Party::Watch, &bytes(CHALLENGE));
    page.until("its line", |page| page.all(LIST).len() == 6).await;
    assert!(page.say(LIST)[5].contains("under way"));
    record.answer(ticket, &bytes("6F00"));
    page.until("its end", |page| page.say(LIST)[5].contains("6F00")).await;
    record.clear();
    page.until("nothing", |page| page.all(LIST).is_empty()).await;
    assert!(page.text().contains("No messages yet."));
}

#[test]
async fn it_is_sought_by_party_by_error_and_by_word() {
    let page = page().await;
    page.choose("select[aria-label=Party]", "network").await;
    page.until("those of the network", |page| page.all(LIST).len() == 1).await;
    assert_eq!(page.says("[data-testid=message-count]"), "1 of 5 shown");
    page.choose("select[aria-label=Party]", "").await;
    page.until("all", |page| page.all(LIST).len() == 5).await;

    let errors = page.one(".messages .bar label.check input");
    errors.click();
    page.until("those that failed", |page| page.all(LIST).len() == 2).await;
    assert_eq!(functions(&page)[1], "InitiateAuthentication");
    page.choose("select[aria-label=Party]", "chip").await;
    page.until("those of the chip that failed", |page| page.all(LIST).len() == 1).await;
    page.press("Show all").await;
    page.until("all", |page| page.all(LIST).len() == 5).await;
    assert!(!is_checked(&errors));

    page.type_in(".messages input[type=search]", "challenge").await;
    page.until("what has this word", |page| page.all(LIST).len() == 1).await;
    assert_eq!(functions(&page), ["GetEUICCChallenge"]);
    page.type_in(".messages input[type=search]", "nothing has this").await;
    page.until("nothing", |page| page.all(LIST).is_empty()).await;
    assert!(page.text().contains("No message fits"));
}

#[test]
async fn numbers_are_masked_until_somebody_wants_them() {
    let page = page().await;
    let shows = |page: &Page, number: &str| {
        let text = page.text();
        let spaced = number.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned());
        text.contains(number) || text.contains(&spaced.collect::<Vec<_>>().join(" "))
    };
    open(&page, "GetEID").await;
    assert!(!shows(&page, EID), "{}", page.says(DETAIL));
    assert!(page.says(DETAIL).contains("Numbers are hidden in what is copied, too."));
    page.context.hidden.set(false);
    page.until("the number", |page| shows(page, EID)).await;
    assert!(
        page.says("[data-testid=message-detail] [role=tree][aria-label='Fields: Response']").contains(EID)
    );
    page.context.hidden.set(true);
    page.until("the mask", |page| !shows(page, EID)).await;

    let network = functions(&page)[3].clone();
    open(&page, &network).await;
    assert!(!page.says(DETAIL).contains(IMSI), "{}", page.says(DETAIL));
    page.context.hidden.set(false);
    page.until("the number", |page| page.says(DETAIL).contains(IMSI)).await;
}

#[test]
async fn a_field_and_its_bytes_stand_out_together() {
    let page = page().await;
    open(&page, "GetEUICCChallenge").await;
    let response = "section[data-side=Response]";
    assert!(page.all(&format!("{response} mark")).is_empty(), "nothing is chosen");
    let line = |page: &Page, name: &str| {
        let lines = page.all(&format!("{response} [role=treeitem]"));
        lines.into_iter().find(|line| said(line).contains(name)).expect(name)
    };
    line(&page, "euiccChallenge").click();
    page.settle().await;
    let chosen = line(&page, "euiccChallenge");
    assert_eq!(chosen.get_attribute("aria-selected").as_deref(), Some("true"));
    assert_eq!(chosen.get_attribute("aria-level").as_deref(), Some("2"), "it is in another");
    let marked = page.says(&format!("{response} .hex mark"));
    assert!(marked.ends_with("AB CD") && !marked.contains("90"), "{marked}");
    assert!(page.says(&format!("{response} .told-field")).contains("SGP.22 §5.7.7"));

    // And back: from the bytes to their field, by keys.
    let dump = page.one(&format!("{response} .dump"));
    page.key(&dump, "End").await;
    page.until("the status word", |page| page.says(&format!("{response} .hex mark")) == "90 00").await;
    let chosen = page.one(&format!("{response} [aria-selected=true]"));
    assert!(!said(&chosen).contains("euiccChallenge"), "{}", said(&chosen));
    page.key(&dump, "Home").await;
    page.until("the object", |page| page.says(&format!("{response} .hex mark")).starts_with("BF 2E")).await;
}

#[test]
async fn one_may_go_elsewhere_before_the_next_frame() {
    let page = page().await;
    open(&page, "GetEUICCChallenge").await;
    talk(page.context.model.record);
    let line = page.one("section[data-side=Response] [role=treeitem][aria-level='1']:first-child");
    page.key(&line, "ArrowDown").await;
    page.all(".messages li.message a")[1].click();
    leptos::task::tick().await;
    page.close().await;
}

#[test]
async fn what_peers_say_is_text() {
    let page = page().await;
    open(&page, "InitiateAuthentication").await;
    let detail = page.says(DETAIL);
    assert!(detail.contains("<b>smdp</b>") && detail.contains("<script>alert(1)</script>"), "{detail}");
    assert!(page.all(".messages :is(script, b)").is_empty());
    page.press("Close the message").await;
    page.until("the list alone", |page| page.one(DETAIL).has_attribute("hidden")).await;
}

#[test]
async fn an_answer_that_did_not_come_is_told() {
    let page = page().await;
    let record = page.context.model.record;
    let ticket = record.command(Party::Chip, &bytes(CHALLENGE));
    record.fail(ticket, "the card was pulled");
    page.until("its line", |page| page.all(LIST).len() == 6).await;
    page.all(".messages li.message a")[5].click();
    page.until("the message", |page| page.says(DETAIL).contains("None came.")).await;
    assert!(page.says(DETAIL).contains("the card was pulled"));
}

#[test]
async fn the_diagram_has_an_arrow_for_each_message() {
    let page = page().await;
    page.press("Diagram").await;
    page.until("the arrows", |page| page.all(".messages svg.arrow").len() == 5).await;
    assert_eq!(page.say(".heads .head"), ["Chip", "Phone", "Network", "SM-DP+"]);
    // From the phone, that is second of four, to the others: in hundredths of the width.
    let ends = |at: usize, class: &str| {
        let line = page.all(LIST)[at].query_selector(&format!("line.{class}")).unwrap().unwrap();
        ["x1", "x2"].map(|name| line.get_attribute(name).unwrap())
    };
    assert_eq!(ends(0, "call"), ["37.5%", "12.5%"], "to the chip");
    assert_eq!(ends(0, "answer"), ["12.5%", "37.5%"], "and back");
    assert_eq!(ends(3, "call"), ["37.5%", "62.5%"], "to the network");
    assert_eq!(ends(4, "call"), ["37.5%", "87.5%"], "to the SM-DP+");
    let titles = page.say(".messages li.title");
    assert_eq!(titles.len(), 2, "a title for each step: {titles:?}");
    assert!(titles[0].contains("Attach") && titles[1].contains("Reach the operator’s server"));
    // Who cannot see it hears the same.
    assert!(page.say(LIST)[4].contains("Phone to SM-DP+"), "{}", page.say(LIST)[4]);

    let ticket = page.context.model.record.command(Party::Watch, &bytes(CHALLENGE));
    page.until("a line for the watch", |page| page.say(".heads .head").contains(&"Watch".to_owned())).await;
    assert!(page.all(LIST)[5].query_selector("line.answer").unwrap().is_none(), "it is under way");
    page.context.model.record.answer(ticket, &bytes("9000"));
    page.speak(Language::Japanese).await;
    page.until("Japanese", |page| page.say(".heads .head").contains(&"時計".to_owned())).await;
}

#[test]
async fn the_diagram_is_kept() {
    let page = page().await;
    page.press("Diagram").await;
    drop(page);
    let again = Page::show_again(|context| {
        talk(context.model.record);
        view! { <Messages/> }
    })
    .await;
    again.until("the arrows", |page| page.all(".messages svg.arrow").len() == 5).await;
}

/// A file is chosen in the field that opens one.
fn choose(page: &Page, name: &str, content: &str) {
    let parts = Array::of1(&Uint8Array::from(content.as_bytes()));
    let file = File::new_with_u8_array_sequence(&parts, name).unwrap();
    let chosen = DataTransfer::new().unwrap();
    chosen.items().add_with_file(&file).unwrap();
    let input: HtmlInputElement = page.one(".messages input[type=file]").unchecked_into();
    input.set_files(chosen.files().as_ref());
    input.dispatch_event(&Event::new("change").unwrap()).unwrap();
}

/// A saved trace of at least so many bytes.
fn saved(size: usize) -> (String, usize) {
    let part =
        "{\"at\":0,\"request\":\"80E2910003BF2E00\",\"response\":\"BF2E048002ABCD9000\"},\n".repeat(12);
    let message = format!(
        "{{\"id\":0,\"at\":1,\"from\":\"phone\",\"to\":\"chip\",\"interface\":\"ES10b\",\"name\":\"Saved\",\
         \"ending\":{{\"good\":\"9000\"}},\"parts\":[{}]}},\n",
        part.trim_end_matches(",\n")
    );
    let count = size / message.len() + 1;
    let messages = message.repeat(count);
    let messages = messages.trim_end_matches(",\n");
    (format!("{{\"format\":\"esim-trace\",\"version\":1,\"messages\":[\n{messages}\n]}}"), count)
}

const READING: &str = "[data-testid=reading-trace]";
const SAVED: &str = "[data-testid=saved-trace]";

#[test]
async fn the_page_answers_while_a_large_file_is_opened() {
    let page = page().await;
    let (file, count) = saved(4 << 20);
    choose(&page, "large.json", &file);
    page.until("that it is read", |page| !page.all(READING).is_empty()).await;
    assert!(page.says(READING).contains("Opening “large.json”…"), "{}", page.says(READING));
    let mut steps = HashSet::new();
    page.press("Diagram").await;
    assert_eq!(page.button("Diagram").get_attribute("aria-pressed").as_deref(), Some("true"));
    assert_eq!(page.all(".messages svg.arrow").len(), 5, "the live ones are shown meanwhile");
    while let [bar] = &page.all(&format!("{READING} progress"))[..] {
        steps.insert(bar.get_attribute("value"));
        page.settle().await;
    }
    assert!(steps.len() > 4, "{steps:?}");
    page.until("the file", |page| !page.all(SAVED).is_empty()).await;
    assert!(page.says(SAVED).contains(&format!("“large.json” ({count})")), "{}", page.says(SAVED));
    page.press("List").await;
    // What is to be masked is learned beside, and then it is shown.
    page.until("lines", |page| !page.all(".messages li.message a").is_empty()).await;
    page.all(".messages li.message a")[0].click();
    page.until("the message", |page| page.all(&format!("{DETAIL} .side")).len() == 2).await;
    page.close().await;
}

#[test]
async fn opening_a_file_can_be_stopped() {
    let page = page().await;
    choose(&page, "unwanted.json", &saved(6 << 20).0);
    page.until("that it is read", |page| !page.all(READING).is_empty()).await;
    page.press("Stop").await;
    assert!(page.all(READING).is_empty());
    // A smaller one that comes after it is not disturbed by it, and nothing of it comes late.
    let (small, count) = saved(1_000);
    choose(&page, "wanted.json", &small);
    page.until("the other file", |page| !page.all(SAVED).is_empty()).await;
    for _ in 0..20 {
        page.settle().await;
    }
    assert!(page.says(SAVED).contains(&format!("“wanted.json” ({count})")), "{}", page.says(SAVED));
    page.close().await;
}

#[test]
async fn a_broken_file_tells_where_it_is_wrong() {
    let page = page().await;
    let file = saved(300_000).0;
    let half = file[..file.len() / 2].rfind("\"at\":0").unwrap();
    let broken = format!("{}\"at\"; 0{}", &file[..half], &file[half + 6..]);
    let line = file[..half].matches('\n').count() + 1;
    choose(&page, "broken.json", &broken);
    page.until("the trouble", |page| !page.all(".saved.trouble").is_empty()).await;
    let told = page.says(".saved.trouble");
    assert!(told.contains("“broken.json” can’t be shown."), "{told}");
    assert!(told.contains(&format!("The file is damaged in line {line}, column 6")), "{told}");
    assert!(page.all(READING).is_empty() && page.all(SAVED).is_empty());
    assert_eq!(page.all(LIST).len(), 5);
    page.close().await;
}
