//! For tests: a chip on a bench, spoken to in hexadecimal.

use crate::nvm::{Medium, MemoryMedium, SlotId, Store};
use crate::profile::{self, Failure, Installed, Installer};
use crate::{Env, Euicc, Options};

/// A world without chance whose medium may be any.
pub(crate) struct BenchEnv<M> {
    pub(crate) medium: M,
    seed: u8,
}

impl<M> BenchEnv<M> {
    pub(crate) fn new(medium: M) -> Self {
        Self { medium, seed: 0 }
    }
}

impl<M: Medium> Env for BenchEnv<M> {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.seed = self.seed.wrapping_mul(29).wrapping_add(17);
            *byte = self.seed;
        }
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.medium
    }
}

/// A chip with a log of what was said.
pub(crate) struct Bench<M> {
    pub(crate) chip: Euicc<BenchEnv<M>>,
}

impl Bench<MemoryMedium> {
    /// A chip without profiles.
    pub(crate) fn empty() -> Self {
        Self::on(MemoryMedium::new())
    }

    /// A chip with this profile in slot 1, enabled.
    pub(crate) fn with_profile(package: &[u8]) -> Self {
        Self::on(medium_with(package))
    }
}

impl<M: Medium> Bench<M> {
    pub(crate) fn on(medium: M) -> Self {
        let chip = Euicc::new(BenchEnv::new(medium), Options::default()).unwrap();
        Self { chip }
    }

    /// Sends a command; returns data and status word in hexadecimal.
    pub(crate) fn raw(&mut self, command: &str) -> String {
        hex(&self.chip.transmit(&vectors::bytes(command)))
    }

    /// As a terminal does: fetches `61 XX` and repeats after `6C XX`. Returns
    /// data and the last status word.
    pub(crate) fn send(&mut self, command: &str) -> (String, String) {
        let mut answer = self.raw(command);
        let mut data = String::new();
        if let Some(le) = answer.strip_prefix("6C").filter(|le| le.len() == 2) {
            let mut bytes = vectors::bytes(command);
            bytes.truncate(4);
            answer = self.raw(&format!("{}{le}", hex(&bytes)));
        }
        let class = &command.trim()[..2];
        loop {
            let at = answer.len() - 4;
            data.push_str(&answer[..at]);
            let sw = answer[at..].to_owned();
            match sw.strip_prefix("61") {
                Some(le) => answer = self.raw(&format!("{class}C00000{le}")),
                None => return (data, sw),
            }
        }
    }

    /// Sends a command that must end with 9000; returns its data.
    #[track_caller]
    pub(crate) fn ok(&mut self, command: &str) -> String {
        let (data, sw) = self.send(command);
        assert_eq!(sw, "9000", "{command}");
        data
    }

    /// Sends a command; returns the status word.
    pub(crate) fn sw(&mut self, command: &str) -> String {
        self.send(command).1
    }

    /// Plays a table of commands and expected answers (data and status word,
    /// after fetching).
    #[track_caller]
    pub(crate) fn play(&mut self, table: &[(&str, &str)]) {
        for (step, (command, expected)) in table.iter().enumerate() {
            let (data, sw) = self.send(command);
            let expected: String = expected.split_whitespace().collect();
            assert_eq!(format!("{data}{sw}"), expected, "step {step}: {command}");
        }
    }
}

/// A medium with this profile in slot 1, enabled.
pub(crate) fn medium_with(package: &[u8]) -> MemoryMedium {
    let mut medium = Bench::empty().chip.into_env().medium;
    let mut store = Store::open(&mut medium, Options::default().memory).unwrap();
    install(&mut store, &mut medium, SlotId(1), package).unwrap();
    let mut tx = store.begin();
    profile::set_enabled(&mut tx, Some(SlotId(1))).unwrap();
    tx.commit(&mut medium).unwrap();
    medium
}

/// Installs a package, fed in pieces as a bound profile package brings them.
pub(crate) fn install(
    store: &mut Store,
    medium: &mut dyn Medium,
    slot: SlotId,
    package: &[u8],
) -> Result<Installed, Failure> {
    let mut installer = Installer::new(slot);
    let mut draft = crate::nvm::Draft::default();
    for piece in package.chunks(1008) {
        let mut tx = store.resume(draft);
        installer.feed(&mut tx, piece)?;
        draft = tx.suspend();
    }
    let mut tx = store.resume(draft);
    let installed = installer.finish(&mut tx)?;
    tx.commit(medium).unwrap();
    Ok(installed)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}
