use super::*;

#[test]
fn the_first_document_is_in_order() {
    let document = Document::of_deployment("sm.provisioning", "smdp.example,lab.example:8443").unwrap();
    assert_eq!(document.examine(), []);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(Document::read(text.as_bytes()), Ok(document));
    assert!(Document::of_deployment("no apn!", "").is_err());
    assert!(Document::of_deployment("sm", "https://smdp.example").is_err());
}
