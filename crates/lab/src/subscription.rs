//! The laboratory's subscribers: one bootstrap subscription and a few contracts.

use rsp::DataObject;
use rsp::metadata::{ProfileClass, StoreMetadata};
use saip::build::{Authentication, Class, Subscriber};
use saip::{Secret, build};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::HomeNetwork;

/// One subscriber, as contract, chip and network know it.
#[derive(Clone)]
pub struct Subscription {
    /// 20 digits.
    pub iccid: &'static str,
    /// Home network 001/01, the test network of ITU-T E.212.
    pub imsi: &'static str,
    /// The number, where the contract has one.
    pub msisdn: Option<&'static str>,
    /// The operator's name.
    pub provider: &'static str,
    /// The profile's name.
    pub name: &'static str,
    /// Its class.
    pub class: ProfileClass,
    k: Zeroizing<[u8; 16]>,
    opc: Zeroizing<[u8; 16]>,
    /// The public keys that its USIM conceals by, in the SM-DP+'s words.
    home_network_keys: Option<Value>,
}

impl Subscription {
    /// The bootstrap subscription: for the way to the SM-DP+, nothing else.
    #[must_use]
    pub fn provisioning(seed: &[u8; 32]) -> Self {
        Self::new(
            seed,
            "89000000000000000012",
            "001010000000001",
            None,
            "Bootstrap",
            "Setup",
            ProfileClass::Provisioning,
        )
    }

    /// Contracts that can be ordered.
    #[must_use]
    pub fn operational(seed: &[u8; 32]) -> Vec<Self> {
        let contract = |iccid, imsi, msisdn, provider, name| {
            Self::new(seed, iccid, imsi, Some(msisdn), provider, name, ProfileClass::Operational)
        };
        vec![
            contract(
                "89000000000000001002",
                "001010000001000",
                "+999100000001",
                "Aurora Mobile",
                "Aurora Everyday",
            ),
            contract(
                "89000000000000001010",
                "001010000001001",
                "+999100000002",
                "Aurora Mobile",
                "Aurora Travel",
            ),
            contract(
                "89000000000000002000",
                "001010000002000",
                "+999200000001",
                "Kitsune Telecom",
                "Kitsune Data",
            ),
        ]
    }

    fn new(
        seed: &[u8; 32],
        iccid: &'static str,
        imsi: &'static str,
        msisdn: Option<&'static str>,
        provider: &'static str,
        name: &'static str,
        class: ProfileClass,
    ) -> Self {
        let key = |what: &str| {
            let digest = Sha256::new().chain_update(seed).chain_update(what).chain_update(imsi).finalize();
            let mut key = Zeroizing::new([0; 16]);
            key.copy_from_slice(&digest[..16]);
            key
        };
        // A profile that every new device has says who it is anyway.
        let is_concealed = class == ProfileClass::Operational;
        let home_network_keys = is_concealed.then(|| HomeNetwork::new(seed).public());
        Self { iccid, imsi, msisdn, provider, name, class, k: key("K"), opc: key("OPc"), home_network_keys }
    }

    /// `StoreMetadata` of the profile, without notifications: for a chip that is
    /// made with it.
    #[must_use]
    pub fn metadata(&self) -> Vec<u8> {
        let metadata = StoreMetadata {
            iccid: parsed(self.iccid),
            service_provider_name: self.provider.into(),
            profile_name: self.name.into(),
            icon: None,
            profile_class: self.class,
            notification_configuration: Vec::new(),
            profile_owner: None,
            profile_policy_rules: rsp::metadata::PprIds::default(),
        };
        metadata.encode()
    }

    /// The unprotected profile package.
    #[must_use]
    pub fn package(&self) -> Zeroizing<Vec<u8>> {
        let secret = |key: &[u8; 16]| Secret::new(*key);
        let authentication = Authentication::Milenage { k: secret(&self.k), opc: secret(&self.opc) };
        let class = match self.class {
            ProfileClass::Test => Class::Test,
            ProfileClass::Provisioning => Class::Provisioning,
            ProfileClass::Operational => Class::Operational,
        };
        let mut subscriber =
            Subscriber::new(parsed(self.iccid), parsed(self.imsi), 2, authentication).of_class(class);
        subscriber.spn = self.provider.chars().take(16).collect();
        subscriber.msisdn = self.msisdn.map(str::to_owned);
        build::package(&subscriber)
            .unwrap_or_else(|error| unreachable!("a laboratory's subscriber is sound: {error}"))
    }

    /// Body of `POST /operator/profiles`: the server makes the profile of it, and tells the network
    /// of the subscriber once the profile is ordered.
    #[must_use]
    pub fn operator_upload(&self) -> Value {
        json!({
            "metadata": {
                "serviceProviderName": self.provider,
                "profileName": self.name,
                "profileClass": match self.class {
                    ProfileClass::Test => "test",
                    ProfileClass::Provisioning => "provisioning",
                    ProfileClass::Operational => "operational",
                },
            },
            "subscriber": {
                "iccid": self.iccid,
                "imsi": self.imsi,
                "msisdn": self.msisdn,
                "spn": self.provider,
                "algorithm": "milenage",
                "k": hex::encode(*self.k),
                "opc": hex::encode(*self.opc),
                "homeNetworkKeys": self.home_network_keys.clone().unwrap_or_else(|| json!([])),
            },
            "subscription": { "class": self.network_class(), "contract": self.contract() },
        })
    }

    /// The class in the network's words.
    fn network_class(&self) -> &'static str {
        if self.class == ProfileClass::Operational { "operational" } else { "provisioning" }
    }

    /// What the subscriber and the operator have agreed on, in the network's words.
    fn contract(&self) -> Value {
        match self.class {
            ProfileClass::Operational => json!({
                "apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true,
            }),
            ProfileClass::Provisioning | ProfileClass::Test => json!({}),
        }
    }

    /// Body of `PUT /network/subscribers/{imsi}`.
    #[must_use]
    pub fn network_record(&self) -> Value {
        json!({
            "algorithm": "milenage",
            "k": hex::encode(*self.k),
            "opc": hex::encode(*self.opc),
            "class": self.network_class(),
            "contract": self.contract(),
        })
    }
}

/// The laboratory's own identifiers are literals in this file.
fn parsed<T: core::str::FromStr>(text: &str) -> T
where
    T::Err: core::fmt::Debug,
{
    text.parse().unwrap_or_else(|error| unreachable!("{text}: {error:?}"))
}
