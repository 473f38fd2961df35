//! Sockets: WebSockets of pages on this machine's loopback addresses.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use card_bridge::card::Trouble;
use card_bridge::door::{Door, Refusals, is_loopback, shown};
use card_bridge::pairing::LIFETIME;
use card_bridge::protocol::{MAX_QUESTION, SUBPROTOCOL, Tell, Why};
use card_bridge::session::{Desk, Reply, Session, ToReader};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tungstenite::http::{HeaderValue, StatusCode};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Bytes, Error, Message, WebSocket};

use crate::reader::{Desktop, InReader};

/// Connections at a time, paired or not.
const MAX_PAGES: usize = 16;

/// Those that are in their handshake, and those that are not paired: the next one takes the place of
/// the oldest, so that nobody who only waits keeps the page out that a person looks at.
const MAX_WAITING: usize = 4;

/// After a wrong code.
const WRONG: Duration = Duration::from_secs(1);

/// For the request of a connection to have come.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// For a page to be paired. A person has to find the terminal, and perhaps to ask for a code.
const PAIRING: Duration = LIFETIME.saturating_mul(2);

/// For a page to take what it is told.
const WRITE: Duration = Duration::from_secs(5);

/// How often a page that says nothing is asked whether it is there. Browsers answer by themselves.
const PING: Duration = Duration::from_secs(15);

/// How often it may leave that unanswered: then it is frozen, and its card is somebody else's.
/// Questions are counted, not time, in which the machine may have slept.
const UNANSWERED: u8 = 3;

/// How long a page waits for what it has not asked for.
const TICK: Duration = Duration::from_millis(100);

/// How long a chip in the virtual reader waits for its next command, between two looks at what the page
/// says; and how long such a look is.
const NEXT: Duration = Duration::from_millis(20);
const GLANCE: Duration = Duration::from_millis(1);

/// For the virtual reader to take a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// For one look at what a page sends, however much that is: after it, limits are checked.
const SLICE: Duration = Duration::from_millis(200);

/// For a message to be whole, once it has begun.
const MESSAGE: Duration = Duration::from_secs(5);

/// What all connections share.
pub(crate) struct Bridge {
    /// Codes, tokens, and who has which reader.
    pub(crate) desk: Desk,
    /// Changes with readers and cards.
    pub(crate) changes: AtomicU64,
    /// The program ends.
    pub(crate) stop: AtomicBool,
    /// Where the virtual reader is, for a chip of a page.
    virtual_reader: Option<SocketAddr>,
    began: Instant,
    pages: AtomicUsize,
    /// Apart from the other: what the door does not let in, which any site can have, makes nobody
    /// go who is in.
    handshakes: Queue,
    unpaired: Queue,
    refusals: Mutex<Refusals>,
}

impl Bridge {
    pub(crate) fn new(virtual_reader: Option<SocketAddr>) -> Self {
        Self {
            virtual_reader,
            desk: Desk::default(),
            changes: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            began: Instant::now(),
            pages: AtomicUsize::new(0),
            handshakes: Queue::default(),
            unpaired: Queue::default(),
            refusals: Mutex::default(),
        }
    }

    /// Shows a new code on the terminal.
    pub(crate) fn show_code(&self) {
        let code = self.desk.show(&mut rng(), self.now());
        say(format_args!(
            "code: {}   (for one page, within {} minutes; Enter shows another one)",
            code.expose_text(),
            LIFETIME.as_secs() / 60
        ));
    }

    /// Looks after readers and cards, until the program ends.
    pub(crate) fn watch(&self) {
        let mut desktop = Desktop::default();
        while !self.stop.load(Ordering::Relaxed) {
            if desktop.wait() {
                self.changes.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many pages there are.
    pub(crate) fn pages(&self) -> usize {
        self.pages.load(Ordering::Relaxed)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn state(&self) -> (u64, u64) {
        (self.changes.load(Ordering::Relaxed), self.desk.changes())
    }
}

/// Connections that wait for something, the oldest first: set, they are to go.
#[derive(Default)]
struct Queue(Mutex<Vec<Arc<AtomicBool>>>);

impl Queue {
    /// Another one; whether it is to go.
    fn come(&self) -> Arc<AtomicBool> {
        let leave = Arc::new(AtomicBool::new(false));
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Arc::clone(&leave));
        if waiting.len() > MAX_WAITING {
            waiting.remove(0).store(true, Ordering::Relaxed);
        }
        leave
    }

    /// It waits no more.
    fn go(&self, leave: &Arc<AtomicBool>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| !Arc::ptr_eq(other, leave));
    }
}

const fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Binds to an address of this machine that no other machine reaches.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener> {
    if !is_loopback(address.ip()) {
        bail!(
            "--listen {address}: only a loopback address (127.0.0.1, [::1]): whoever reaches the bridge from \
             elsewhere could use the cards of this machine"
        );
    }
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Takes connections, each with a thread of its own.
pub(crate) fn serve(bridge: &Arc<Bridge>, listener: &TcpListener, origins: &[String]) -> Result<()> {
    let door = Arc::new(Door::at(origins.to_vec(), listener.local_addr()?));
    loop {
        let Ok((stream, peer)) = listener.accept() else {
            // Of a connection that is gone already, or for want of descriptors: later ones may do.
            thread::sleep(TICK);
            continue;
        };
        if !is_loopback(peer.ip()) {
            continue;
        }
        bridge.pages.fetch_add(1, Ordering::Relaxed);
        let place = Place { bridge: Arc::clone(bridge), leave: bridge.handshakes.come() };
        // Who has made room for this one is not gone yet: the next one has it.
        if bridge.pages() > MAX_PAGES {
            continue;
        }
        let door = Arc::clone(&door);
        // Without a thread the place is free again.
        let _ = thread::Builder::new().name("page".to_owned()).spawn(move || page(place, &door, stream));
    }
}

/// One of [`MAX_PAGES`].
struct Place {
    bridge: Arc<Bridge>,
    leave: Arc<AtomicBool>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.bridge.handshakes.go(&self.leave);
        self.bridge.unpaired.go(&self.leave);
        self.bridge.pages.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One page, from its handshake to its end. Whatever ends it, its cards are reset and free.
fn page(mut place: Place, door: &Door, stream: TcpStream) {
    let Ok((mut socket, origin)) = welcome(&place, door, stream) else { return };
    place.bridge.handshakes.go(&place.leave);
    place.leave = place.bridge.unpaired.come();
    let bridge = &*place.bridge;
    let mut page = Page {
        session: Session::new(&bridge.desk, &origin),
        desktop: Desktop::default(),
        seen: bridge.state(),
        slot: None,
    };
    // An error is a page that has gone, or is to go: there is nobody to tell.
    let _ = page.serve(&place, &mut socket, &origin);
    let was_paired = page.session.is_paired();
    drop(page);
    if was_paired {
        say(format_args!("gone: {}", shown(&origin)));
    }
}

type Socket = WebSocket<Timed>;

struct Page {
    session: Session<InReader>,
    desktop: Desktop,
    seen: (u64, u64),
    /// The virtual reader, while a chip of the page is in it.
    slot: Option<TcpStream>,
}

impl Page {
    fn serve(&mut self, place: &Place, socket: &mut Socket, origin: &str) -> tungstenite::Result<()> {
        let bridge = &*place.bridge;
        let began = Instant::now();
        let (mut asked, mut unanswered) = (began, 0);
        tell(socket, &[Session::<InReader>::welcome()])?;
        loop {
            let waits = self.session.waits_for_reader();
            socket.get_ref().stream.set_read_timeout(Some(if waits { GLANCE } else { TICK }))?;
            socket.get_mut().time = Time::Slice(Instant::now() + SLICE);
            let read = socket.read();
            let says = read.is_ok();
            if says {
                socket.get_mut().since = None;
            }
            match read {
                Ok(Message::Text(frame)) => self.answer(place, socket, origin, &frame)?,
                Ok(Message::Binary(_)) => {
                    return close(socket, CloseCode::Unsupported, "text frames only");
                }
                // The answers to these are sent with the next thing that is.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                    socket.flush()?;
                }
                Err(Error::Io(error)) if is_pause(&error) => {}
                Err(Error::Capacity(_)) => {
                    return close(socket, CloseCode::Size, "a question is at most 2048 bytes long");
                }
                Err(error) => return Err(error),
            }
            if says {
                (asked, unanswered) = (Instant::now(), 0);
            } else if asked.elapsed() > PING {
                if unanswered == UNANSWERED {
                    return close(socket, CloseCode::Policy, "the page does not answer");
                }
                socket.send(Message::Ping(Bytes::new()))?;
                (asked, unanswered) = (Instant::now(), unanswered + 1);
            }
            if bridge.stop.load(Ordering::Relaxed) {
                return close(socket, CloseCode::Away, "the bridge ends");
            }
            if socket.get_ref().since.is_some_and(|since| since.elapsed() > MESSAGE) {
                return close(socket, CloseCode::Policy, "a message that does not end");
            }
            if !self.session.is_paired() && place.leave.load(Ordering::Relaxed) {
                return close(socket, CloseCode::Policy, "another page is to be paired");
            }
            if !self.session.is_paired() && began.elapsed() > PAIRING {
                return close(socket, CloseCode::Policy, "not paired in time");
            }
            if self.session.waits_for_reader() {
                let reply = self.hear();
                self.carry(place, socket, reply)?;
            }
            let state = bridge.state();
            // Of a service that has gone the cards are told first, and then what the next one has.
            if state != self.seen || self.desktop.lost() {
                self.seen = state;
                tell(socket, &self.session.look(&mut self.desktop))?;
            }
        }
    }

    fn answer(
        &mut self,
        place: &Place,
        socket: &mut Socket,
        origin: &str,
        frame: &str,
    ) -> tungstenite::Result<()> {
        let bridge = &*place.bridge;
        let (was_paired, was_shown) = (self.session.is_paired(), bridge.desk.is_shown(bridge.now()));
        let reply = self.session.answer(frame, &mut self.desktop, &mut rng(), bridge.now());
        if self.session.is_paired() && !was_paired {
            bridge.unpaired.go(&place.leave);
            say(format_args!("paired: {}", shown(origin)));
        } else if was_shown && !bridge.desk.is_shown(bridge.now()) {
            say(format_args!(
                "the code was wrong too often and is good for nothing; Enter shows another one"
            ));
        }
        let is_wrong = reply
            .tell
            .iter()
            .any(|tell| matches!(tell, Tell::Refused { why: Why::WrongCode | Why::NoCode, .. }));
        let is_over = reply.close;
        self.carry(place, socket, reply)?;
        if is_over {
            return close(socket, CloseCode::Policy, "too many failures");
        }
        if is_wrong {
            thread::sleep(WRONG);
        }
        Ok(())
    }

    /// Does what came of a question, or of what the virtual reader said.
    fn carry(&mut self, place: &Place, socket: &mut Socket, reply: Reply) -> tungstenite::Result<()> {
        tell(socket, &reply.tell)?;
        for to_reader in reply.reader {
            match to_reader {
                ToReader::Open => {
                    let opened = virtual_reader(place.bridge.virtual_reader);
                    let outcome = opened.map(|stream| self.slot = Some(stream));
                    if outcome.is_ok() {
                        say(format_args!("a chip of the page is in the virtual reader"));
                    }
                    tell(socket, &self.session.opened(outcome))?;
                }
                ToReader::Say(bytes) => {
                    let said = self.slot.as_mut().is_some_and(|stream| stream.write_all(&bytes).is_ok());
                    if !said {
                        tell(socket, &self.session.heard(&[]).tell)?;
                        self.slot = None;
                    }
                }
                ToReader::Close => self.slot = None,
            }
        }
        Ok(())
    }

    /// What the virtual reader says, if it says something in time.
    fn hear(&mut self) -> Reply {
        let mut buffer = [0; 4096];
        match self.slot.as_mut().map(|stream| stream.read(&mut buffer)) {
            Some(Ok(length)) => self.session.heard(buffer.get(..length).unwrap_or_default()),
            Some(Err(error)) if is_pause(&error) => Reply::default(),
            Some(Err(_)) | None => self.session.heard(&[]),
        }
    }
}

/// A connection to the virtual reader.
fn virtual_reader(address: Option<SocketAddr>) -> Result<TcpStream, Trouble> {
    let no = |text: String| Trouble::new(Why::NoVirtualReader, text);
    let address = address.ok_or_else(|| no("start the bridge with --vpcd".to_owned()))?;
    let open = || -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(NEXT))?;
        stream.set_write_timeout(Some(WRITE))?;
        Ok(stream)
    };
    open().map_err(|error| {
        no(format!("no virtual reader at {address} (Debian: vsmartcard-vpcd, and pcscd running): {error}"))
    })
}

/// The handshake: who may not come in is told so in HTTP.
fn welcome(place: &Place, door: &Door, stream: TcpStream) -> Result<(Socket, String)> {
    let bridge = &*place.bridge;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE))?;
    let time = Time::Handshake(Instant::now() + HANDSHAKE, Arc::clone(&place.leave));
    let timed = Timed { stream, time, since: None };
    let mut origin = String::new();
    // The trait has it so.
    #[expect(clippy::result_large_err, reason = "tungstenite's type")]
    let admit = |request: &Request, mut response: Response| {
        let headers: Vec<(&str, &[u8])> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        match door.admit(request.uri().path_and_query().map_or("", |path| path.as_str()), &headers) {
            Ok(admitted) => {
                origin = admitted;
                let ours = HeaderValue::from_static(SUBPROTOCOL);
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, ours);
                Ok(response)
            }
            Err(refusal) => {
                let said = request.headers().get("origin").map_or(&b""[..], |origin| origin.as_bytes());
                let mut refusals = bridge.refusals.lock().unwrap_or_else(PoisonError::into_inner);
                let told = refusals.tell(&String::from_utf8_lossy(said), refusal, bridge.now());
                drop(refusals);
                if let Some(told) = told {
                    say(format_args!("refused: {told}"));
                }
                let mut response = ErrorResponse::new(Some(format!("{refusal}\n")));
                *response.status_mut() =
                    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
                Err(response)
            }
        }
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        // Somewhat more, so that a question that is a little too long has an answer.
        .max_message_size(Some(2 * MAX_QUESTION))
        .max_frame_size(Some(2 * MAX_QUESTION));
    let mut socket = tungstenite::accept_hdr_with_config(timed, admit, Some(config))
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let timed = socket.get_mut();
    timed.since = None;
    timed.stream.set_read_timeout(Some(TICK))?;
    Ok((socket, origin))
}

fn tell(socket: &mut Socket, tell: &[Tell]) -> tungstenite::Result<()> {
    tell.iter().try_for_each(|tell| socket.send(Message::text(tell.to_json())))
}

fn close(socket: &mut Socket, code: CloseCode, reason: &'static str) -> tungstenite::Result<()> {
    socket.close(Some(CloseFrame { code, reason: reason.into() }))?;
    socket.flush()
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// On the terminal. Where there is none any more, cards are still lent.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A connection that has only so long for its handshake, however slowly it sends, and whose reader
/// comes back from it in time, however fast.
struct Timed {
    stream: TcpStream,
    time: Time,
    /// When the first byte came that no whole message was made of yet.
    since: Option<Instant>,
}

/// Until when it is read from.
enum Time {
    /// It is over then, or when it is to go.
    Handshake(Instant, Arc<AtomicBool>),
    /// There is something else to do then. A library that puts messages together goes on reading
    /// as long as something comes.
    Slice(Instant),
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &self.time {
            Time::Handshake(until, leave) => loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() || leave.load(Ordering::Relaxed) {
                    return Err(ErrorKind::TimedOut.into());
                }
                self.stream.set_read_timeout(Some(left.min(TICK)))?;
                match self.stream.read(buffer) {
                    Err(error) if is_pause(&error) => {}
                    read => break read?,
                }
            },
            Time::Slice(until) if Instant::now() >= *until => return Err(ErrorKind::WouldBlock.into()),
            Time::Slice(_) => self.stream.read(buffer)?,
        };
        if length > 0 {
            self.since.get_or_insert_with(Instant::now);
        }
        Ok(length)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
