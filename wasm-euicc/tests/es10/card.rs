//! A chip on the bench, and the LPA's half of the APDU protocol.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use rsp::DataObject as _;
use rsp::auth::EuiccInfo2;
use rsp::metadata::StoreMetadata;
use rsp::notification::{ProfileInstallationResult, ProfileInstallationResultData};
use rsp::profiles::{ProfileInfo, ProfileInfoListResponse};
use rsp_crypto::{Certificate, signature, software};
use wasm_euicc::factory::{Identity, Preloaded};
use wasm_euicc::nvm::{Medium, MemoryMedium};
use wasm_euicc::{Env, Euicc, Factory};

use crate::server::Lab;

/// A world with seeded chance, and whoever listens to the trace.
pub(crate) struct BenchEnv<M> {
    pub(crate) medium: M,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) trace: Vec<String>,
}

impl<M: Medium> Env for BenchEnv<M> {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.medium
    }

    fn trace(&mut self, event: std::fmt::Arguments<'_>) {
        self.trace.push(event.to_string());
    }
}

pub(crate) fn env<M: Medium>(medium: M) -> BenchEnv<M> {
    BenchEnv { medium, rng: ChaCha8Rng::seed_from_u64(7), trace: Vec::new() }
}

/// How the lab makes a chip.
pub(crate) fn factory(lab: &Lab) -> Factory {
    let identity = Identity {
        key: lab.pki.euicc.expose_key().clone(),
        euicc_certificate: lab.pki.euicc.certificate().der().to_vec(),
        eum_certificate: lab.pki.eum.certificate().der().to_vec(),
    };
    Factory::new(lab.eid, identity, vec![lab.pki.ci.certificate().der().to_vec()])
}

/// A profile that the chip leaves the factory with.
pub(crate) fn preloaded(metadata: &StoreMetadata, package: &[u8], enabled: bool) -> Preloaded {
    Preloaded { metadata: metadata.encode(), package: package.to_vec().into(), enabled }
}

pub(crate) struct Card<M> {
    pub(crate) chip: Euicc<BenchEnv<M>>,
    pub(crate) block: usize,
    /// Every command of STORE DATA chains and their answers' fetching.
    pub(crate) log: Vec<Vec<u8>>,
}

impl Card<MemoryMedium> {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self::made_by(&factory(lab))
    }

    pub(crate) fn made_by(factory: &Factory) -> Self {
        Self::on(factory, MemoryMedium::new())
    }

    /// The power goes and comes back.
    pub(crate) fn power_cycle(self, factory: &Factory) -> Self {
        Self::on(factory, self.chip.into_env().medium)
    }
}

impl<M: Medium> Card<M> {
    pub(crate) fn on(factory: &Factory, medium: M) -> Self {
        let mut card = Self { chip: factory.manufacture(env(medium)).unwrap(), block: 255, log: Vec::new() };
        card.open();
        card
    }

    /// Opens channel 1 and selects the ISD-R there.
    pub(crate) fn open(&mut self) {
        self.chip.transmit(&[0x00, 0x70, 0x00, 0x00, 0x01]);
        let mut select = vec![0x01, 0xA4, 0x04, 0x0C, 0x10];
        select.extend_from_slice(&rsp::ids::ISD_R);
        assert_eq!(self.chip.transmit(&select), [0x90, 0x00]);
    }

    pub(crate) fn reset(&mut self) {
        self.chip.reset();
        self.open();
    }

    /// One command, written down.
    pub(crate) fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.log.push(command.to_vec());
        self.chip.transmit(command)
    }

    /// One STORE DATA chain; the whole answer and its status word.
    pub(crate) fn store_data(&mut self, payload: &[u8]) -> (Vec<u8>, u16) {
        let blocks: Vec<&[u8]> = payload.chunks(self.block).collect();
        let mut answer = Vec::new();
        for (number, block) in blocks.iter().enumerate() {
            let last = number + 1 == blocks.len();
            let mut command =
                vec![0x81, 0xE2, if last { 0x91 } else { 0x11 }, number as u8, block.len() as u8];
            command.extend_from_slice(block);
            answer = self.transmit(&command);
            if !last && answer != [0x90, 0x00] {
                break;
            }
        }
        let mut data = Vec::new();
        loop {
            let (part, sw) = answer.split_at(answer.len() - 2);
            data.extend_from_slice(part);
            match *sw {
                [0x61, len] => answer = self.transmit(&[0x81, 0xC0, 0x00, 0x00, len]),
                [a, b] => return (data, u16::from_be_bytes([a, b])),
                _ => unreachable!(),
            }
        }
    }

    /// An ES10 function that is answered.
    pub(crate) fn es10(&mut self, request: &[u8]) -> Vec<u8> {
        let (data, sw) = self.store_data(request);
        assert!(sw == 0x9000 || sw >> 8 == 0x91, "{request:02X?}: {sw:04X}, {:?}", self.trace());
        data
    }

    pub(crate) fn es10_hex(&mut self, request: &str) -> String {
        hex(&self.es10(&vectors::bytes(request)))
    }

    pub(crate) fn trace(&self) -> &[String] {
        &self.chip.env().trace
    }

    pub(crate) fn profiles(&mut self) -> Vec<ProfileInfo> {
        match ProfileInfoListResponse::decode(&self.es10(&[0xBF, 0x2D, 0x00])).unwrap() {
            ProfileInfoListResponse::Ok(list) => list,
            ProfileInfoListResponse::Error(code) => panic!("GetProfilesInfo: {code}"),
        }
    }

    /// Free memory, as the chip tells it.
    pub(crate) fn free(&mut self) -> u32 {
        let info = EuiccInfo2::decode(&self.es10(&[0xBF, 0x22, 0x00])).unwrap();
        info.ext_card_resource.free_non_volatile_memory
    }

    /// Sequence number, event and address of all notifications that wait.
    pub(crate) fn notifications(&mut self) -> Vec<(u32, &'static str, String)> {
        let list = rsp::notification::decode_list_response(&self.es10(&[0xBF, 0x28, 0x00])).unwrap().unwrap();
        list.into_iter().map(|item| (item.seq_number, item.event.name().unwrap(), item.address)).collect()
    }

    pub(crate) fn forget_notifications(&mut self) {
        for (number, ..) in self.notifications() {
            let answer = self.es10(&rsp::notification::encode_notification_sent(number));
            assert_eq!(hex(&answer), "BF3003800100");
        }
    }
}

/// Reads a ProfileInstallationResult and checks its signature.
pub(crate) fn result(bytes: &[u8], euicc: &Certificate) -> ProfileInstallationResultData {
    let result = ProfileInstallationResult::decode(bytes).unwrap();
    let signed = signature::euicc_sign_pir(result.data.bytes());
    assert!(software::verify(euicc.public_key().unwrap(), &signed, &result.euicc_sign_pir));
    result.data.into_value()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}
