//! What is recorded: the bytes of every message as they were on the wire, grouped into the
//! functions of the standard. Nothing is decoded here that is not needed for the grouping.

use std::collections::VecDeque;

use crate::name;

/// A party of the system, in the order in which messages pass through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The eUICC of the phone.
    Chip,
    /// The eUICC of a second device, which the phone serves.
    Watch,
    /// A real card: in a reader or a modem.
    Card,
    /// The phone with its LPA and its modem.
    Phone,
    /// The network.
    Network,
    /// The SM-DP+.
    Smdp,
    /// The SM-DS.
    Smds,
    /// The operator's customer system, which orders profiles.
    Operator,
}

impl Party {
    /// All of them, from the chip outwards.
    pub const ALL: [Self; 8] = [
        Self::Chip,
        Self::Watch,
        Self::Card,
        Self::Phone,
        Self::Network,
        Self::Smdp,
        Self::Smds,
        Self::Operator,
    ];

    /// A short word for it in files and style sheets: `chip`, `smdp` …
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chip => "chip",
            Self::Watch => "watch",
            Self::Card => "card",
            Self::Phone => "phone",
            Self::Network => "network",
            Self::Smdp => "smdp",
            Self::Smds => "smds",
            Self::Operator => "operator",
        }
    }

    /// The party of a [`Party::word`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.word() == word)
    }

    /// Whether it is an eUICC, which is spoken to in APDUs.
    #[must_use]
    pub const fn is_card(self) -> bool {
        matches!(self, Self::Chip | Self::Watch | Self::Card)
    }
}

/// The four steps of getting and using a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// 1: the phone attaches with the profile that is on.
    Attach,
    /// 2: the LPA reaches the SM-DP+.
    Contact,
    /// 3: eUICC and SM-DP+ authenticate each other; the profile is installed.
    Install,
    /// 4: another profile is switched on, and the phone attaches with it.
    Switch,
}

impl Step {
    /// All four in order.
    pub const ALL: [Self; 4] = [Self::Attach, Self::Contact, Self::Install, Self::Switch];

    /// 1 to 4.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The step of a [`Step::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.number() == number)
    }
}

/// The interface that a function belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    /// Commands of ISO 7816-4, ETSI TS 102 221 and 3GPP TS 31.102.
    Apdu,
    /// Phone and eUICC: addresses.
    Es10a,
    /// Phone and eUICC: download and notifications.
    Es10b,
    /// Phone and eUICC: profiles.
    Es10c,
    /// SM-DP+ and eUICC, sealed, through the phone: the bound profile package.
    Es8,
    /// Phone and SM-DP+.
    Es9,
    /// Phone and SM-DS.
    Es11,
    /// Operator and SM-DP+.
    Es2,
    /// SM-DP+ and SM-DS.
    Es12,
    /// Phone and network: attach (AKA), session, services.
    Network,
    /// HTTP that is none of these.
    Http,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Apdu,
        Self::Es10a,
        Self::Es10b,
        Self::Es10c,
        Self::Es8,
        Self::Es9,
        Self::Es11,
        Self::Es2,
        Self::Es12,
        Self::Network,
        Self::Http,
    ];

    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apdu => "APDU",
            Self::Es10a => "ES10a",
            Self::Es10b => "ES10b",
            Self::Es10c => "ES10c",
            Self::Es8 => "ES8+",
            Self::Es9 => "ES9+",
            Self::Es11 => "ES11",
            Self::Es2 => "ES2+",
            Self::Es12 => "ES12",
            Self::Network => "Network",
            Self::Http => "HTTP",
        }
    }

    /// The interface of an [`Interface::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interface| interface.name() == name)
    }

    /// Whether its messages are APDUs.
    #[must_use]
    pub const fn is_card(self) -> bool {
        matches!(self, Self::Apdu | Self::Es10a | Self::Es10b | Self::Es10c | Self::Es8)
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not.
    Open,
    /// Well, with what the receiver said: `9000`, `HTTP 200`.
    Good(String),
    /// Badly, with what the receiver said or why there is no answer.
    Bad(String),
}

impl Ending {
    /// What was said; empty while it is open.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Open => "",
            Self::Good(text) | Self::Bad(text) => text,
        }
    }
}

/// One exchange on the wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// A command APDU, or the body of a request. Of a reset: empty.
    pub request: Vec<u8>,
    /// A response APDU with its status word, or the body of an answer; of a reset the ATR.
    /// `None` when none came (yet).
    pub response: Option<Vec<u8>>,
    /// When the request was sent, in milliseconds of the clock that [`Message::at`] has.
    pub at: f64,
    /// How long the answer took, in milliseconds.
    pub took: f64,
}

impl Part {
    fn size(&self) -> usize {
        self.request.len() + self.response.as_ref().map_or(0, Vec::len)
    }
}

/// Names and values of HTTP headers, in the order of the wire.
pub type Headers = Vec<(String, String)>;

/// What an HTTP exchange has besides its bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// `POST` …
    pub method: String,
    /// The URL, absolute or from `/`.
    pub url: String,
    /// Headers of the request.
    pub request_headers: Headers,
    /// The status; `None` when no answer came (yet).
    pub status: Option<u16>,
    /// Headers of the answer.
    pub response_headers: Headers,
}

/// One function, called by one party of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Counts up in a trace.
    pub id: u32,
    /// When it began, in milliseconds; the clock is the recorder's (the page's: since it was opened).
    pub at: f64,
    /// From its beginning to the last answer, in milliseconds.
    pub took: f64,
    /// Who calls.
    pub from: Party,
    /// Who answers.
    pub to: Party,
    /// The interface.
    pub interface: Interface,
    /// The function, in the standard's words: `ES10b.GetEUICCChallenge`, `SELECT`.
    pub name: String,
    /// The step it belongs to.
    pub step: Option<Step>,
    /// The exchanges on the wire: STORE DATA blocks, GET RESPONSE, segments of a package.
    pub parts: Vec<Part>,
    /// Exchanges that are not in `parts`, because there were too many.
    pub lost: u32,
    /// Of a message over HTTP.
    pub http: Option<Http>,
    /// Of an APDU: the file identifier of the elementary file it works on, where the trace has
    /// seen which one was selected.
    pub file: Option<u16>,
    /// How it ended.
    pub ending: Ending,
    /// What the bench has done to it, such as `the answer was dropped`.
    pub note: Option<String>,
}

impl Message {
    /// Whether it failed.
    #[must_use]
    pub const fn failed(&self) -> bool {
        matches!(self.ending, Ending::Bad(_))
    }

    /// Bytes sent, headers of HTTP not counted.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.parts.iter().map(|part| part.request.len()).sum()
    }

    /// Bytes received, headers of HTTP not counted.
    #[must_use]
    pub fn received(&self) -> usize {
        self.parts.iter().filter_map(|part| part.response.as_ref()).map(Vec::len).sum()
    }

    /// What it costs to keep.
    pub(crate) fn size(&self) -> usize {
        // Two texts each, however short they are.
        let header = |(name, value): &(String, String)| name.len() + value.len() + 2 * size_of::<String>();
        let headers = |headers: &Headers| headers.iter().map(header).sum();
        let http = self.http.as_ref().map_or(0, |http| {
            let (request, response): (usize, usize) =
                (headers(&http.request_headers), headers(&http.response_headers));
            http.url.len() + request + response
        });
        self.parts.iter().map(Part::size).sum::<usize>()
            + http
            + self.name.len()
            + 64 * self.parts.len()
            + 128
    }
}

/// How much a trace keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages.
    pub messages: usize,
    /// Bytes of all messages together.
    pub bytes: usize,
    /// Exchanges of one message.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { messages: 5_000, bytes: 16 << 20, parts: 2_048 }
    }
}

/// A request that has been sent; what is given back when its answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ticket {
    /// The message.
    pub message: u32,
    part: usize,
}

/// An HTTP request to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST` …
    pub method: &'a str,
    /// The URL, absolute or from `/`; a call through the bearer of a network session is
    /// recognised by its path.
    pub url: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// An HTTP answer to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// Finds the refusal inside an answer whose status word says that all is well: [`crate::refusal`].
pub type Judge = fn(&Message) -> Option<String>;

/// What has passed, oldest first.
#[derive(Clone, Debug)]
pub struct Trace {
    limits: Limits,
    messages: VecDeque<Message>,
    next: u32,
    bytes: usize,
    dropped: u64,
    revision: u64,
    step: Option<Step>,
    cards: Vec<Line>,
    judge: Option<Judge>,
}

impl Default for Trace {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// What is known of a card's logical channel.
#[derive(Clone, Debug)]
struct Line {
    card: Party,
    channel: u8,
    /// The last function on it.
    message: u32,
    /// The elementary file that is selected.
    file: Option<u16>,
}

/// Most channels that are remembered: those of two cards.
const LINES: usize = 2 * apdu::Channel::COUNT;

/// Looks for a refusal in a message that ended well by its status word.
fn judged(message: &mut Message, judge: Judge) {
    if message.interface.is_card()
        && message.interface != Interface::Apdu
        && let Some(refusal) = judge(message)
    {
        message.ending = Ending::Bad(refusal);
    }
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { judge: Some(crate::decode::refusal), ..Self::unjudged(limits) }
    }

    /// An empty trace that takes a status word for all that an answer says: a program that uses no
    /// other does without the tables that answers are read by. See [`Self::judge`].
    #[must_use]
    pub fn unjudged(limits: Limits) -> Self {
        Self {
            limits,
            messages: VecDeque::new(),
            next: 0,
            bytes: 0,
            dropped: 0,
            revision: 0,
            step: None,
            cards: Vec::new(),
            judge: None,
        }
    }

    /// Whether answers are read for refusals.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        self.judge.is_some()
    }

    /// Reads answers for refusals from now on, and those that are there.
    pub fn judge(&mut self, judge: Judge) {
        self.judge = Some(judge);
        for message in &mut self.messages {
            if matches!(message.ending, Ending::Good(_)) {
                judged(message, judge);
            }
        }
        self.revision += 1;
    }

    /// A trace of messages that are there already; their ids are given anew when they do not
    /// count up. What is too much is dropped as always.
    #[must_use]
    pub fn from_messages(limits: Limits, messages: impl IntoIterator<Item = Message>, dropped: u64) -> Self {
        let mut trace = Self { dropped, ..Self::new(limits) };
        for message in messages {
            trace.append(message);
        }
        trace
    }

    /// A message that is complete comes behind the others; its id is given anew when it does not count up.
    pub(crate) fn append(&mut self, message: Message) {
        let id = message.id.max(self.next);
        self.push(Message { id, ..message });
    }

    /// So many messages went before those that are here.
    pub(crate) const fn forget(&mut self, messages: u64) {
        self.dropped = self.dropped.saturating_add(messages);
    }

    /// The same trace with other messages in the places of its own.
    pub(crate) fn changed(&self, change: impl Fn(&Message) -> Message) -> Self {
        let messages: VecDeque<Message> = self.messages.iter().map(change).collect();
        let bytes = messages.iter().map(Message::size).sum();
        Self { messages, bytes, cards: Vec::new(), ..self.clone() }
    }

    /// Changes one message.
    pub(crate) fn amend(&mut self, id: u32, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.place(id).and_then(|place| self.messages.get_mut(place)) {
            let before = message.size();
            change(message);
            self.bytes = (self.bytes + message.size()).saturating_sub(before);
            self.revision += 1;
        }
    }

    /// How much it keeps.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator + Clone {
        self.messages.iter()
    }

    /// The message with this id.
    #[must_use]
    pub fn message(&self, id: u32) -> Option<&Message> {
        self.place(id).and_then(|place| self.messages.get(place))
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.messages.binary_search_by_key(&id, |message| message.id).ok()
    }

    /// How many messages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many old messages went, so that new ones have room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes that are kept.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Another number after every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Forgets all messages. Ids go on.
    pub fn clear(&mut self) {
        self.messages.clear();
        (self.bytes, self.dropped) = (0, 0);
        self.revision += 1;
    }

    /// The step that messages which begin from now on belong to.
    pub const fn set_step(&mut self, step: Option<Step>) {
        self.step = step;
    }

    /// A card is reset. Its answer is the ATR.
    pub fn reset(&mut self, card: Party, at: f64) -> Ticket {
        self.cards.retain(|line| line.card != card);
        let (interface, name) = (Interface::Apdu, "RESET".to_owned());
        self.begin(Message { ..self.blank(Party::Phone, card, interface, name, at) }, &[])
    }

    /// A command APDU is sent to a card. It begins a function, or goes on with the one before
    /// on its channel.
    pub fn command(&mut self, card: Party, command: &[u8], at: f64) -> Ticket {
        let named = name::command(command);
        let channel = named.channel;
        let line = self.cards.iter().find(|line| line.card == card && line.channel == channel).cloned();
        if let (true, Some(line)) = (named.continues, &line)
            && let Some(place) = self.place(line.message)
            && let Some(message) = self.messages.get_mut(place)
            && (named.name != name::LOAD || message.name == name::LOAD)
            && (named.name == "GET RESPONSE" || message.parts.first().is_some_and(is_store_data))
        {
            message.ending = Ending::Open;
            let part = Part { request: command.to_vec(), response: None, at, took: 0.0 };
            let ticket = Ticket { message: message.id, part: message.parts.len() };
            if message.parts.len() < self.limits.parts {
                self.bytes += part.size() + 64;
                message.parts.push(part);
            } else {
                message.lost += 1;
            }
            self.revision += 1;
            self.shrink();
            return ticket;
        }
        let selected = line.and_then(|line| line.file);
        let file = name::file(command).or(if named.of_file { selected } else { None });
        let blank = self.blank(Party::Phone, card, named.interface, named.name, at);
        let ticket = self.begin(Message { file, ..blank }, command);
        self.cards.retain(|line| line.card != card || line.channel != channel);
        if self.cards.len() >= LINES {
            self.cards.remove(0);
        }
        self.cards.push(Line { card, channel, message: ticket.message, file: selected });
        ticket
    }

    /// A request is sent over HTTP.
    pub fn call(&mut self, from: Party, to: Party, request: Request<'_>, at: f64) -> Ticket {
        let (interface, name) = name::call(to, request.method, request.url);
        let http = Http {
            method: request.method.to_owned(),
            url: request.url.to_owned(),
            request_headers: owned(request.headers),
            ..Http::default()
        };
        let blank = self.blank(from, to, interface, name, at);
        self.begin(Message { http: Some(http), ..blank }, request.body)
    }

    /// The answer of a card, with its status word; the ATR after a reset.
    pub fn answer(&mut self, ticket: Ticket, response: &[u8], at: f64) {
        let Some(message) = self.place(ticket.message).and_then(|place| self.messages.get(place)) else {
            return;
        };
        let reset = message.name == "RESET";
        let ending = if reset { Ending::Good("ATR".to_owned()) } else { name::ending(response) };
        let (card, name) = (message.to, message.name.clone());
        let request = message.parts.get(ticket.part).map(|part| part.request.clone()).unwrap_or_default();
        // Which file is selected now: what READ, UPDATE … are about.
        if name.starts_with("SELECT")
            && matches!(ending, Ending::Good(_))
            && let Some(line) =
                self.cards.iter_mut().find(|line| line.card == card && line.message == ticket.message)
        {
            line.file = match request.get(1) {
                // The answer of a SELECT that is fetched.
                Some(&apdu::ins::GET_RESPONSE) => line.file,
                _ => name::selected(&request),
            };
        }
        let done = matches!(response, [.., 0x90, 0x00] | [.., 0x91, _]);
        self.end(ticket, Some(response), ending, at);
        // Functional errors of ES10 stand inside the answer (SGP.22 §5.7.1).
        if done
            && let Some(place) = self.place(ticket.message)
            && let Some(message) = self.messages.get_mut(place)
            && let Some(judge) = self.judge
        {
            judged(message, judge);
        }
    }

    /// The answer over HTTP.
    pub fn reply(&mut self, ticket: Ticket, answer: Answer<'_>, at: f64) {
        let ending = name::outcome(answer.status, answer.body);
        self.amend(ticket.message, |message| {
            if let Some(http) = &mut message.http {
                http.status = Some(answer.status);
                http.response_headers = owned(answer.headers);
            }
        });
        self.end(ticket, Some(answer.body), ending, at);
    }

    /// No answer comes, in words why.
    pub fn fail(&mut self, ticket: Ticket, because: &str, at: f64) {
        self.end(ticket, None, Ending::Bad(because.to_owned()), at);
    }

    /// Notes what was done to a message, after what is noted already.
    pub fn note(&mut self, message: u32, note: &str) {
        if let Some(message) = self.place(message).and_then(|place| self.messages.get_mut(place)) {
            match &mut message.note {
                Some(notes) if notes.len() < 1024 => {
                    notes.push_str("; ");
                    notes.push_str(note);
                }
                Some(_) => {}
                none => *none = Some(note.to_owned()),
            }
            self.revision += 1;
        }
    }

    fn blank(&self, from: Party, to: Party, interface: Interface, name: String, at: f64) -> Message {
        Message {
            id: self.next,
            at,
            took: 0.0,
            from,
            to,
            interface,
            name,
            step: self.step,
            parts: Vec::new(),
            lost: 0,
            http: None,
            file: None,
            ending: Ending::Open,
            note: None,
        }
    }

    fn begin(&mut self, mut message: Message, request: &[u8]) -> Ticket {
        let ticket = Ticket { message: message.id, part: 0 };
        message.parts.push(Part { request: request.to_vec(), response: None, at: message.at, took: 0.0 });
        self.push(message);
        ticket
    }

    fn push(&mut self, message: Message) {
        self.next = message.id.saturating_add(1);
        self.bytes += message.size();
        self.messages.push_back(message);
        self.revision += 1;
        self.shrink();
    }

    fn end(&mut self, ticket: Ticket, response: Option<&[u8]>, ending: Ending, at: f64) {
        let Some(message) = self.place(ticket.message).and_then(|place| self.messages.get_mut(place)) else {
            return;
        };
        message.took = (at - message.at).max(0.0);
        message.ending = ending;
        if let Some(part) = message.parts.get_mut(ticket.part) {
            // Of the part alone: a message may have thousands.
            let before = part.size();
            part.took = (at - part.at).max(0.0);
            part.response = response.map(<[u8]>::to_vec);
            self.bytes = (self.bytes + part.size()).saturating_sub(before);
        }
        self.revision += 1;
        self.shrink();
    }

    /// Oldest go first; the last one stays, whatever its size.
    fn shrink(&mut self) {
        while self.messages.len() > 1
            && (self.messages.len() > self.limits.messages || self.bytes > self.limits.bytes)
        {
            if let Some(oldest) = self.messages.pop_front() {
                self.bytes = self.bytes.saturating_sub(oldest.size());
                self.dropped += 1;
            }
        }
    }
}

fn is_store_data(part: &Part) -> bool {
    part.request.get(1) == Some(&apdu::ins::STORE_DATA)
}

fn owned(headers: &[(&str, &str)]) -> Headers {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
