//! PC/SC readers for a page in a browser, over a WebSocket on this machine only; and for other
//! LPAs on standard input and output. See `docs/card-bridge.md`.

mod reader;
mod serve;

use std::io::{self, BufRead as _, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use card_bridge::card::Readers as _;
use card_bridge::door::{is_loopback, is_origin};
use card_bridge::line::Lines;
use card_bridge::protocol::{PORT, State};
use clap::Parser;

use crate::reader::Desktop;
use crate::serve::{Bridge, say};

/// Whence `cargo xtask dev` serves the page.
const ORIGINS: [&str; 2] = ["http://127.0.0.1:8787", "http://localhost:8787"];

/// Where vpcd waits for the card of its first slot ([`vpcd::PORT`]).
const VIRTUAL_READER: &str = "127.0.0.1:35963";

/// How long pages have at the end to give their cards back.
const FAREWELL: Duration = Duration::from_secs(5);

/// Gives the PC/SC readers of this machine to a page in a browser on the same machine
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// A page that may use the readers, as its origin (https://lpa.example); can be said more than
    /// once [default: http://127.0.0.1:8787 http://localhost:8787]
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// A loopback address and port to listen on; can be said more than once
    /// [default: 127.0.0.1:7816 [::1]:7816]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Where a chip of the page may be put into a virtual reader (vsmartcard's vpcd), for the programs
    /// of this machine: a loopback address and port [without a value: 127.0.0.1:35963]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = VIRTUAL_READER)]
    vpcd: Option<SocketAddr>,
    /// Show the readers and what is in them, and end
    #[arg(long, conflicts_with_all = ["origin", "listen", "vpcd", "stdio"])]
    list: bool,
    /// Instead of listening, answer the lines of JSON in which lpac (LPAC_APDU=stdio) asks for a
    /// card, on standard input and output
    #[arg(long, conflicts_with_all = ["origin", "listen", "vpcd"])]
    stdio: bool,
    /// With --stdio: the reader to use [default: the first one with a card]
    #[arg(long, value_name = "NAME", requires = "stdio")]
    reader: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.list {
        list()
    } else if arguments.stdio {
        stdio(arguments.reader)
    } else {
        bridge(&arguments)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<()> {
    let readers = Desktop::default().list()?;
    for reader in &readers {
        let state = match reader.state {
            State::Empty => "no card",
            State::Card => "a card",
            State::Mute => "a card that does not answer",
            State::Taken | State::Yours => "a card that another program has",
        };
        let atr = reader.atr.as_ref().map_or_else(String::new, |atr| format!(" ({atr})"));
        println!("{}: {state}{atr}", reader.name);
    }
    if readers.is_empty() {
        println!("no reader");
    }
    Ok(())
}

/// Lines on standard input and output, until there are no more.
fn stdio(reader: Option<String>) -> Result<()> {
    let mut door = Lines::new(Desktop::default(), reader);
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = [0; 4096];
    let mut go_on = || -> io::Result<()> {
        loop {
            let length = match input.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let out = if length == 0 { door.finish() } else { door.feed(&buffer[..length]) };
            output.write_all(&out)?;
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

fn bridge(arguments: &Arguments) -> Result<()> {
    let origins = match &arguments.origin[..] {
        [] => ORIGINS.map(str::to_owned).to_vec(),
        given => given.to_vec(),
    };
    if let Some(no) = origins.iter().find(|origin| !is_origin(origin)) {
        bail!("--origin {no}: not an origin; say it as https://lpa.example, without a path");
    }
    let listeners = match &arguments.listen[..] {
        [] => {
            let first = serve::bind((Ipv4Addr::LOCALHOST, PORT).into())?;
            // A machine without IPv6 goes on.
            let second = serve::bind((Ipv6Addr::LOCALHOST, PORT).into());
            std::iter::once(first).chain(second).collect()
        }
        given => given.iter().map(|&address| serve::bind(address)).collect::<Result<Vec<_>>>()?,
    };

    if let Some(address) = arguments.vpcd.filter(|address| !is_loopback(address.ip())) {
        bail!("--vpcd {address}: only a loopback address (127.0.0.1, [::1]): the chip is for this machine");
    }
    let bridge = Arc::new(Bridge::new(arguments.vpcd));
    let (ends, end) = mpsc::channel();
    let signal = ends.clone();
    ctrlc::set_handler(move || drop(signal.send(Ok(())))).context("cannot wait for signals")?;
    for listener in listeners {
        say(format_args!("listening: ws://{}/", listener.local_addr()?));
        let (bridge, origins, ends) = (Arc::clone(&bridge), origins.clone(), ends.clone());
        thread::spawn(move || {
            let served = serve::serve(&bridge, &listener, &origins);
            drop(ends.send(served));
        });
    }
    say(format_args!("for pages of: {}", origins.join(" ")));
    if let Err(trouble) = Desktop::default().list() {
        say(format_args!("{trouble}"));
    }
    let watching = Arc::clone(&bridge);
    thread::spawn(move || watching.watch());
    bridge.show_code();
    let asking = Arc::clone(&bridge);
    thread::spawn(move || {
        // A line is a wish for a code, whatever it says. Without a terminal there is the first code.
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while input.by_ref().take(1024).read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            line.clear();
            asking.show_code();
        }
    });

    let ended = end.recv().map_err(|_| anyhow!("nothing listens any more"))?;
    bridge.stop.store(true, Ordering::Relaxed);
    // A card in the middle of a command is waited for.
    let began = Instant::now();
    while bridge.pages() > 0 && began.elapsed() < FAREWELL {
        thread::sleep(Duration::from_millis(20));
    }
    ended
}
