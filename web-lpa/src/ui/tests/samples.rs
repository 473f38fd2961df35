//! What cards and servers say, as the tests have it.

use rsp::metadata::{
    Icon, IconType, NotificationConfiguration, NotificationEvents, PprIds, ProfileClass, StoreMetadata,
};
use rsp::notification::NotificationMetadata;
use rsp::profiles::{ProfileInfo, ProfileState};

/// Of the profile "Travel" of the operator "Contoso".
pub(super) const ICCID: &str = "8900000000000902317";

pub(super) fn metadata() -> StoreMetadata {
    StoreMetadata {
        iccid: ICCID.parse().unwrap(),
        service_provider_name: "Contoso".into(),
        profile_name: "Travel".into(),
        icon: None,
        profile_class: ProfileClass::Operational,
        notification_configuration: vec![NotificationConfiguration {
            events: NotificationEvents::ALL,
            address: "notify.example.com".into(),
        }],
        profile_owner: None,
        profile_policy_rules: PprIds(0),
    }
}

/// A profile that is off.
pub(super) fn profile(iccid: &str, name: &str, class: ProfileClass) -> ProfileInfo {
    ProfileInfo {
        iccid: Some(iccid.parse().unwrap()),
        state: Some(ProfileState::Disabled),
        service_provider_name: Some("Contoso".into()),
        profile_name: Some(name.into()),
        profile_class: Some(class),
        ..ProfileInfo::default()
    }
}

pub(super) fn notification(seq_number: u32, event: NotificationEvents) -> NotificationMetadata {
    NotificationMetadata {
        seq_number,
        event,
        address: "notify.example.com".into(),
        iccid: Some(ICCID.parse().unwrap()),
    }
}

/// The smallest picture: one pixel.
pub(super) fn png() -> Icon {
    let data = hex::decode(
        "89504E470D0A1A0A0000000D4948445200000001000000010802000000907753DE\
         0000000C4944415408D763F8CFC0000003010100F70341430000000049454E44AE426082",
    );
    Icon { icon_type: IconType::Png, data: data.unwrap() }
}

/// Names that are meant to do harm: markup, signs that turn the order of others, and length.
pub(super) fn hostile_names() -> [String; 4] {
    [
        "<img src=x onerror=alert(1)><script>alert(1)</script>".into(),
        "\"'><b>&lt;&amp;".into(),
        "\u{202E}moc.elpmaxe\u{2066}\u{200F}".into(),
        "W".repeat(20_000),
    ]
}

/// How they may be read: in their order, and otherwise as they are.
pub(super) fn hostile_names_shown() -> [String; 4] {
    let [markup, quotes, _, long] = hostile_names();
    [markup, quotes, "moc.elpmaxe\u{200F}".into(), long]
}
