//! The chip for programs that are not written in Rust: on standard input and output, in a
//! virtual PC/SC reader, or in a modem. `cargo xtask euicc` runs it; `npx wasm-euicc` is the same in Node.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use at::{Habits, Modem};
use clap::{Args, Parser, Subcommand};
use wasm_euicc::host::Card;
use wasm_euicc::host::line::{Format, Lines};
use wasm_euicc::host::vpcd::{PORT, Vpcd};
use wasm_euicc::nvm::{FileMedium, Medium, MediumError, MemoryMedium};
use wasm_euicc::wish::{ReadFile, Wish};
use wasm_euicc::{Env, Euicc, power_up, resident};

/// How long apart the reader is tried for.
const PAUSE: Duration = Duration::from_secs(1);

/// An eUICC for tests: SGP.22, all in software, test certificates only.
#[derive(Parser)]
#[command(bin_name = "euicc", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    door: Door,
}

#[derive(Subcommand)]
enum Door {
    /// One command APDU in hexadecimal a line in, one response APDU a line out; the line `reset`
    /// answers the ATR; lines of lpac's stdio JSON are answered in JSON
    Stdio {
        /// Take lpac's JSON only
        #[arg(long)]
        lpac: bool,
        #[command(flatten)]
        chip: ChipOptions,
    },
    /// A card in a virtual PC/SC reader: connects to vpcd (Debian: `apt-get install pcscd
    /// vsmartcard-vpcd`) and stays until stopped
    Vpcd {
        /// Where pcscd with vpcd runs
        #[arg(long, default_value = "127.0.0.1")]
        host: String,
        /// 35963 is vpcd's first slot, 35964 its second
        #[arg(long, default_value_t = PORT)]
        port: u16,
        #[command(flatten)]
        chip: ChipOptions,
    },
    /// A card in a modem: AT commands in, their answers out (3GPP TS 27.007, `AT+CCHO`, `AT+CGLA`,
    /// `AT+CCHC`, `AT+CSIM`); for a serial port, `socat PTY,link=modem EXEC:"euicc modem"`
    Modem {
        /// Refuse `AT+CCHO` and its kin, as modems that know `AT+CSIM` only
        #[arg(long)]
        plain: bool,
        #[command(flatten)]
        chip: ChipOptions,
    },
}

#[derive(Args)]
struct ChipOptions {
    /// Keep the chip in this file between runs; it holds the chip's secrets
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Give a new chip the identity of GSMA's published test certificates (SGP.26, NIST P-256) in
    /// this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["factory", "eid", "seed"])]
    sgp26: Option<PathBuf>,
    /// Make a new chip as this JSON says (such as /lab/chip.json of `cargo xtask dev`)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["eid", "seed"])]
    factory: Option<PathBuf>,
    /// The EID of a new chip: 32 digits
    #[arg(long)]
    eid: Option<String>,
    /// What the certificates and keys of a new chip are made from: 64 hexadecimal digits or any text
    #[arg(long)]
    seed: Option<String>,
    /// Memory of a new chip, in bytes
    #[arg(long, value_name = "BYTES")]
    memory: Option<u32>,
    /// AID of a new chip's ISD-R, in hexadecimal
    #[arg(long, value_name = "HEX")]
    isdr_aid: Option<String>,
    /// Give a new chip a bootstrap profile, enabled
    #[arg(long)]
    bootstrap: bool,
    /// Show every APDU and what the chip has to say on standard error; APDUs can hold PINs and keys
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().door {
        Door::Stdio { lpac, chip } => {
            start(&chip).and_then(|mut card| stdio(if lpac { Format::Lpac } else { Format::Any }, &mut card))
        }
        Door::Vpcd { host, port, chip } => start(&chip).and_then(|mut card| vpcd(&host, port, &mut card)),
        Door::Modem { plain, chip } => start(&chip).and_then(|card| modem(plain, card)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Lines on standard input and output, until there are no more.
fn stdio(format: Format, card: &mut dyn Card) -> Result<()> {
    let mut door = Lines::new(format);
    through(|input| if input.is_empty() { door.finish(card) } else { door.feed(input, card) })
}

/// A modem on standard input and output, until there is no more.
fn modem(plain: bool, card: Running) -> Result<()> {
    let habits = Habits { sessions: !plain, ..Habits::default() };
    let mut modem = Modem::new(InModem::new(card), habits);
    through(|input| modem.write(input))
}

/// The card, and what a modem does with it by itself: it tells that it can refresh, and refreshes.
struct InModem(Running);

impl InModem {
    /// TERMINAL PROFILE (ETSI TS 102 223 §5.2): profile download, and REFRESH.
    const PROFILE: [u8; 8] = [0x80, 0x10, 0x00, 0x00, 0x03, 0x01, 0x00, 0x80];
    /// Type of command (ETSI TS 102 223 §9.4).
    const REFRESH: u8 = 0x01;

    fn new(card: Running) -> Self {
        let mut modem = Self(card);
        modem.switch_on();
        modem
    }

    fn switch_on(&mut self) {
        self.0.reset();
        self.0.transmit(&Self::PROFILE);
    }

    /// Fetches what the card wants and does it (ETSI TS 102 223 §6.4.7), or says that it can't.
    fn serve(&mut self, length: u8) {
        let command = self.0.transmit(&[0x80, 0x12, 0x00, 0x00, length]);
        // The details come first (ETSI TS 102 223 §6.6).
        let ([0xD0, 0x81, _, within @ ..] | [0xD0, _, within @ ..]) = &command[..] else { return };
        let &[0x01 | 0x81, 0x03, number, kind, qualifier, ..] = within else { return };
        let result = if kind == Self::REFRESH { 0x00 } else { 0x30 };
        let done = [0x81, 0x03, number, kind, qualifier, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result];
        self.0.transmit(&[&[0x80, 0x14, 0x00, 0x00, 0x0C], &done[..]].concat());
        if kind == Self::REFRESH {
            self.switch_on();
        }
    }
}

impl at::Card for InModem {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let response = self.0.transmit(command);
        if let [.., 0x91, length] = response[..] {
            self.serve(length);
        }
        response
    }
}

/// What comes on standard input is answered on standard output; nothing comes at the end.
fn through(mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = vec![0; 64 * 1024];
    let mut go_on = || -> io::Result<()> {
        loop {
            let length = match input.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            output.write_all(&answer(&buffer[..length]))?;
            output.flush()?;
            if length == 0 {
                return Ok(());
            }
        }
    };
    match go_on() {
        // Who asked has gone.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("standard input and output"),
    }
}

/// The card in the reader; when the reader goes it is waited for.
fn vpcd(host: &str, port: u16, card: &mut dyn Card) -> Result<()> {
    let mut told = false;
    loop {
        match TcpStream::connect((host, port)) {
            Ok(stream) => {
                eprintln!("in the reader at {host}:{port}");
                let gone = in_reader(stream, card);
                eprintln!(
                    "out of the reader: {}",
                    gone.map_or_else(|error| error.to_string(), |()| "it closed".into())
                );
                // Pulled out of a reader, a card loses its power.
                card.reset();
                told = false;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                if !told {
                    eprintln!(
                        "no reader at {host}:{port}: start pcscd with vpcd (Debian: `apt-get install pcscd \
                         vsmartcard-vpcd`, `systemctl start pcscd`); waiting for it"
                    );
                    told = true;
                }
            }
            Err(error) => return Err(error).with_context(|| format!("--host {host} --port {port}")),
        }
        std::thread::sleep(PAUSE);
    }
}

fn in_reader(mut stream: TcpStream, card: &mut dyn Card) -> io::Result<()> {
    let mut door = Vpcd::new();
    let mut buffer = vec![0; 64 * 1024];
    stream.set_nodelay(true)?;
    loop {
        // The reader sends length and message apart and waits for the length to be
        // acknowledged: a delayed acknowledgement would cost 40 ms for each command. The
        // kernel forgets the wish after a while.
        #[cfg(target_os = "linux")]
        std::os::linux::net::TcpStreamExt::set_quickack(&stream, true)?;
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        stream.write_all(&door.feed(&buffer[..length], card))?;
    }
}

/// The chip that is kept, else a new one.
fn start(options: &ChipOptions) -> Result<Running> {
    let wish = options.wish()?;
    let (mut storage, lock) = match &options.state {
        Some(path) => {
            let lock = Lock::take(path)?;
            (Storage::File { medium: FileMedium::new(path), path: path.clone() }, Some(lock))
        }
        None => (Storage::Memory(MemoryMedium::new()), None),
    };
    let there = resident(&mut storage).map_err(|error| options.refuse(&error))?;
    let world =
        World { storage, chance: File::open("/dev/urandom").context("no randomness")?, trace: options.trace };
    let euicc = match there {
        Some(there) => {
            if let Some(wished) = wish.eid()?
                && wished != there
            {
                bail!(
                    "{} holds the chip {there}: leave out --eid, or name another file with --state",
                    options.state.as_deref().unwrap_or_else(|| Path::new("")).display()
                );
            }
            power_up(world).map_err(|error| options.refuse(&error))?
        }
        None => {
            let mut read =
                options.sgp26.as_ref().map(|folder| move |name: &str| fs::read(folder.join(name)).ok());
            let factory = wish.factory(read.as_mut().map(|read| read as ReadFile<'_>))?;
            factory.manufacture(world).map_err(|error| anyhow!("the chip can't be made: {error}"))?
        }
    };
    Ok(Running { euicc, trace: options.trace, _lock: lock })
}

impl ChipOptions {
    fn wish(&self) -> Result<Wish> {
        let factory = match &self.factory {
            None => None,
            Some(path) => {
                let text = fs::read(path).with_context(|| format!("--factory {}", path.display()))?;
                let json = serde_json::from_slice(&text)
                    .with_context(|| format!("--factory {}: not a factory's JSON", path.display()))?;
                Some(json)
            }
        };
        Ok(Wish {
            eid: self.eid.clone(),
            seed: self.seed.clone(),
            memory: self.memory,
            isdr_aid: self.isdr_aid.clone(),
            bootstrap: self.bootstrap,
            factory,
        })
    }

    fn refuse(&self, error: &dyn fmt::Display) -> anyhow::Error {
        let path = self.state.as_deref().unwrap_or_else(|| Path::new("")).display();
        anyhow!(
            "--state {path}: {error}; it was left as it is. Name a file of this chip's, or one that is not there yet"
        )
    }
}

/// The chip, shown at work where that is asked for.
struct Running {
    euicc: Euicc<World>,
    trace: bool,
    _lock: Option<Lock>,
}

impl Card for Running {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        if !self.trace {
            return self.euicc.transmit(command);
        }
        eprintln!("> {}", hex::encode_upper(command));
        let start = Instant::now();
        let response = self.euicc.transmit(command);
        eprintln!("< {} ({:.1} ms)", hex::encode_upper(&response), start.elapsed().as_secs_f64() * 1e3);
        response
    }

    fn reset(&mut self) -> Vec<u8> {
        let atr = self.euicc.reset();
        if self.trace {
            eprintln!("= {}", hex::encode_upper(&atr));
        }
        atr
    }
}

struct World {
    storage: Storage,
    chance: File,
    trace: bool,
}

impl Env for World {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        // A chip without chance must not go on.
        if let Err(error) = self.chance.read_exact(bytes) {
            eprintln!("error: no randomness: {error}");
            std::process::exit(1);
        }
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.storage
    }

    fn trace(&mut self, event: fmt::Arguments<'_>) {
        if self.trace {
            eprintln!("# {event}");
        }
    }
}

enum Storage {
    Memory(MemoryMedium),
    File { medium: FileMedium, path: PathBuf },
}

impl Storage {
    /// The chip tells its terminal of a failure by a status word; here is why.
    fn told<T>(
        &mut self,
        act: impl FnOnce(&mut dyn Medium) -> Result<T, MediumError>,
    ) -> Result<T, MediumError> {
        match self {
            Self::Memory(medium) => act(medium),
            Self::File { medium, path } => {
                let done = act(medium);
                if let Some(error) = medium.take_failure() {
                    eprintln!("error: --state {}: {error}", path.display());
                }
                done
            }
        }
    }
}

impl Medium for Storage {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.told(|medium| medium.load())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.told(|medium| medium.append(bytes))
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.told(|medium| medium.replace(bytes))
    }
}

/// Keeps a second program away from a state: `FILE.lock` holds the number of the process
/// that has it. The npm package's command line keeps to the same rule.
struct Lock(PathBuf);

impl Lock {
    fn take(state: &Path) -> Result<Self> {
        let mut name = state.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        // The second time round after a program that was killed.
        for _ in 0..2 {
            match File::options().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    writeln!(file, "{}", std::process::id()).with_context(|| path.display().to_string())?;
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::clear(&path, state)?,
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("--state {}: its folder must be there and writable", state.display())
                    });
                }
            }
        }
        bail!("{} is in use by another program", state.display());
    }

    /// Removes the lock of a process that is no more.
    fn clear(path: &Path, state: &Path) -> Result<()> {
        let held = fs::read_to_string(path).unwrap_or_default();
        let in_use = |process: &str| {
            anyhow!(
                "--state {}: in use by process {process}: stop it, or name another file (if there is no such \
                 process, remove {})",
                state.display(),
                path.display()
            )
        };
        let process: i32 = held.trim().parse().map_err(|_| in_use(held.trim()))?;
        let alive = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), None)
            != Err(nix::errno::Errno::ESRCH);
        if alive {
            return Err(in_use(held.trim()));
        }
        // Moved, not removed: of two that see the same dead process one gets it.
        let aside = path.with_extension(format!("dead-{}", std::process::id()));
        if fs::rename(path, &aside).is_ok() {
            let taken = fs::read_to_string(&aside).unwrap_or_default();
            if taken != held {
                // Another was faster, and this is its lock.
                fs::rename(&aside, path)?;
                return Err(in_use(taken.trim()));
            }
            fs::remove_file(&aside)?;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What is left of it is cleared away by the next program.
        let _ = fs::remove_file(&self.0);
    }
}
