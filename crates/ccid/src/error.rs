//! What went wrong, sorted by blame, and in words.

use alloc::string::String;
use core::fmt;

use words::{Text, text};

use crate::atr::AtrError;
use crate::message::kind;

/// Why a procedure ended without what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The reader was unplugged.
    Unplugged,
    /// An endpoint stalled, and its halt is cleared.
    Stall(Pipe),
    /// The reader did not answer in time; the command was aborted.
    Timeout,
    /// The person gave up; the command was aborted.
    Cancelled,
    /// The reader's descriptors cannot be used.
    Descriptor(DescriptorError),
    /// The reader passes single characters only.
    CharacterLevel,
    /// The reader refused a command, or failed in it.
    Refused {
        /// `bMessageType` of the command.
        command: u8,
        /// Why.
        code: SlotError,
    },
    /// The reader's answer cannot be read.
    Message(MessageError),
    /// The reader sends without end, and never what is waited for.
    Endless,
    /// There is no such slot.
    NoSuchSlot,
    /// There is no card in the slot.
    NoCard,
    /// The card was taken out.
    CardRemoved,
    /// The card lost its power since it was connected: pulled and put back, or reset by the
    /// reader.
    CardReset,
    /// The card does not answer.
    Mute,
    /// The card's answer to reset cannot be read.
    Atr(AtrError),
    /// Card and reader have no protocol in common.
    NoProtocol,
    /// The card breaks off T=1, or what comes from it cannot be read however often it is asked.
    T1(T1Error),
    /// The card's answer has no status word.
    NoStatusWord,
    /// The command APDU is none.
    Apdu,
    /// The command APDU is longer than reader and protocol can carry.
    ApduTooLong {
        /// The most bytes of command data.
        most: usize,
    },
    /// No card is connected in this slot.
    NotConnected,
    /// Another procedure of the same reader has not ended.
    Busy,
    /// The transport answered with an event that does not belong to the effect, or resumed
    /// what was over.
    Misuse,
}

/// Where an endpoint leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// Endpoint 0.
    Control,
    /// Commands.
    BulkOut,
    /// Answers.
    BulkIn,
    /// Notices.
    Interrupt,
}

/// Why descriptors cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// They end too early.
    Truncated,
    /// One has a length that its type does not have.
    Length,
    /// Another type was expected here.
    Unexpected,
    /// The interface has no smart card class descriptor.
    NoClassDescriptor,
    /// The interface has no bulk endpoints, one in each direction.
    NoBulkEndpoints,
    /// `dwMaxCCIDMessageLength` leaves no room for a message.
    MessageLength,
    /// There is no interface of a reader.
    NoReader,
}

/// Why an answer of the reader cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// It says that it is longer than any may be.
    TooLong,
    /// It is of another kind than answers to this command.
    Kind(u8),
    /// Its data are fewer than its kind has.
    Data,
    /// `bChainParameter` does not fit what went before.
    Chain(u8),
}

/// How T=1 came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum T1Error {
    /// Three times nothing that can be read, and then no answer to S(RESYNCH request) either.
    Lost,
    /// In step again by S(RESYNCH), and the command's fate is unknown.
    Resynchronised,
    /// The card aborted the chain.
    Aborted,
    /// The card asks for more time without end.
    Endless,
    /// The card's answer is longer than any may be.
    TooLong,
}

/// `bError` of an answer (CCID Rev 1.1 Table 6.2-2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotError(pub u8);

impl SlotError {
    /// The command is not supported.
    pub const NOT_SUPPORTED: Self = Self(0x00);
    /// `dwLength` is wrong.
    pub const BAD_LENGTH: Self = Self(0x01);
    /// There is no such slot.
    pub const BAD_SLOT: Self = Self(0x05);
    /// Byte 7 is wrong: of IccPowerOn the voltage.
    pub const BAD_PARAMETER_7: Self = Self(0x07);
    /// Byte 8 is wrong: of XfrBlock the level parameter.
    pub const BAD_PARAMETER_8: Self = Self(0x08);
    /// Busy with another command of this slot.
    pub const SLOT_BUSY: Self = Self(0xE0);
    /// PIN entry was cancelled.
    pub const PIN_CANCELLED: Self = Self(0xEF);
    /// PIN entry took too long.
    pub const PIN_TIMEOUT: Self = Self(0xF0);
    /// Busy with what the reader does by itself.
    pub const BUSY_WITH_AUTO_SEQUENCE: Self = Self(0xF2);
    /// The protocol was deactivated.
    pub const DEACTIVATED_PROTOCOL: Self = Self(0xF3);
    /// A procedure byte of T=0 that is none.
    pub const PROCEDURE_BYTE_CONFLICT: Self = Self(0xF4);
    /// The class is not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0xF5);
    /// The card's protocol is not supported.
    pub const PROTOCOL_NOT_SUPPORTED: Self = Self(0xF6);
    /// TCK of the ATR is wrong.
    pub const BAD_ATR_TCK: Self = Self(0xF7);
    /// TS of the ATR is wrong.
    pub const BAD_ATR_TS: Self = Self(0xF8);
    /// Overcurrent, or another fault of the hardware.
    pub const HARDWARE: Self = Self(0xFB);
    /// The card sent more than there is room for.
    pub const OVERRUN: Self = Self(0xFC);
    /// Parity is wrong.
    pub const PARITY: Self = Self(0xFD);
    /// The card does not answer.
    pub const MUTE: Self = Self(0xFE);
    /// Aborted, as asked for.
    pub const ABORTED: Self = Self(0xFF);

    /// The standard's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "CMD_NOT_SUPPORTED",
            0x01..=0x7F => "BAD_PARAMETER",
            0xE0 => "CMD_SLOT_BUSY",
            0xEF => "PIN_CANCELLED",
            0xF0 => "PIN_TIMEOUT",
            0xF2 => "BUSY_WITH_AUTO_SEQUENCE",
            0xF3 => "DEACTIVATED_PROTOCOL",
            0xF4 => "PROCEDURE_BYTE_CONFLICT",
            0xF5 => "ICC_CLASS_NOT_SUPPORTED",
            0xF6 => "ICC_PROTOCOL_NOT_SUPPORTED",
            0xF7 => "BAD_ATR_TCK",
            0xF8 => "BAD_ATR_TS",
            0xFB => "HW_ERROR",
            0xFC => "XFR_OVERRUN",
            0xFD => "XFR_PARITY_ERROR",
            0xFE => "ICC_MUTE",
            0xFF => "CMD_ABORTED",
            0x81..=0xC0 => "USER_DEFINED",
            _ => "RESERVED",
        }
    }

    /// What it means.
    #[must_use]
    pub fn words(self) -> Text<String> {
        let code = self.0;
        let words = match code {
            0x00 => Text::new(
                "The reader does not know this command.",
                "リーダーはこのコマンドに対応していません。",
            ),
            0x05 => Text::new("The reader has no such slot.", "リーダーにこのスロットはありません。"),
            0x01..=0x7F => {
                return text!(
                    "The reader does not accept byte {code} of the command.",
                    "リーダーはコマンドの {code} バイト目を受け付けません。"
                );
            }
            0xE0 => Text::new(
                "The reader is still busy with another command.",
                "リーダーは別のコマンドを処理中です。",
            ),
            0xEF => Text::new(
                "PIN entry at the reader was cancelled.",
                "リーダーでの PIN 入力が取り消されました。",
            ),
            0xF0 => Text::new(
                "PIN entry at the reader took too long.",
                "リーダーでの PIN 入力が時間切れになりました。",
            ),
            0xF2 => Text::new(
                "The reader is busy with starting the card by itself.",
                "リーダーはカードの起動処理中です。",
            ),
            0xF3 => Text::new(
                "The protocol of the card was switched off.",
                "カードのプロトコルが無効になっています。",
            ),
            0xF4 => Text::new(
                "The card answered out of order (procedure byte).",
                "カードの応答手順が正しくありません（プロシージャバイト）。",
            ),
            0xF5 => Text::new(
                "The reader does not support the card's class.",
                "リーダーはこのカードのクラスに対応していません。",
            ),
            0xF6 => Text::new(
                "The reader does not support the card's protocol.",
                "リーダーはこのカードのプロトコルに対応していません。",
            ),
            0xF7 => Text::new(
                "The check byte of the card's answer to reset is wrong. Clean the contacts and put the card in again.",
                "カードのリセット応答のチェックバイトが正しくありません。端子を拭いて入れ直してください。",
            ),
            0xF8 => Text::new(
                "The card's answer to reset does not begin as it should. Is the card the right way up?",
                "カードのリセット応答の先頭が正しくありません。カードの向きを確認してください。",
            ),
            0xFB => Text::new(
                "The reader found a fault of its hardware, such as a short circuit.",
                "リーダーがハードウェアの異常（短絡など）を検出しました。",
            ),
            0xFC => Text::new(
                "The card sent more than the reader has room for.",
                "カードの応答がリーダーの容量を超えました。",
            ),
            0xFD => Text::new(
                "What the card sent was garbled. Clean the contacts and put the card in again.",
                "カードの応答が壊れていました。端子を拭いて入れ直してください。",
            ),
            0xFE => Text::new("The card does not answer.", "カードが応答しません。"),
            0xFF => Text::new("The command was aborted.", "コマンドは中止されました。"),
            _ => {
                return text!(
                    "The reader reports error {code:02X}, which only its maker can explain.",
                    "リーダーがエラー {code:02X} を報告しました（意味は製造元だけが定めています）。"
                );
            }
        };
        words.owned()
    }
}

impl fmt::Debug for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:02X})", self.name(), self.0)
    }
}

impl Error {
    /// What happened, and what can be done about it.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        let words = match self {
            Self::Unplugged => Text::new(
                "The reader was unplugged. Plug it in again and go on: what the card had finished is kept.",
                "リーダーが取り外されました。接続し直して続けてください。カードが完了した処理は失われません。",
            ),
            Self::Stall(_) => Text::new(
                "The reader refused a transfer. Try again; if it happens again, unplug it and plug it in.",
                "リーダーが転送を拒否しました。再試行し、続くようなら抜き差ししてください。",
            ),
            Self::Timeout => Text::new(
                "The reader did not answer in time. The command was aborted; whether the card did it is not known.",
                "リーダーが時間内に応答しませんでした。コマンドは中止されましたが、カードが実行したかどうかは不明です。",
            ),
            Self::Cancelled => Text::new(
                "Given up as you wished. Whether the card did the last command is not known.",
                "ご指示により中止しました。最後のコマンドをカードが実行したかどうかは不明です。",
            ),
            Self::Descriptor(error) => return error.words().owned(),
            Self::CharacterLevel => Text::new(
                "This reader passes single characters to the card and leaves all timing to the computer (character level). Over USB from a browser the timing cannot be kept. Use a reader that exchanges TPDUs or APDUs, or this one through the local bridge.",
                "このリーダーはカードと 1 文字ずつやり取りし、タイミングをすべてコンピューターに任せます（キャラクターレベル）。ブラウザーの USB では間に合いません。TPDU か APDU 単位のリーダーを使うか、ローカルブリッジ経由で使ってください。",
            ),
            Self::Refused { command, code } => {
                let command = kind::name(*command);
                let head = text!("{command} failed.", "{command} に失敗しました。");
                return head.with(code.words());
            }
            Self::Message(error) => return error.words(),
            Self::Endless => Text::new(
                "The reader keeps sending, but not what it was asked for. Unplug it and plug it in again.",
                "リーダーが要求と無関係なデータを送り続けています。抜き差ししてください。",
            ),
            Self::NoSuchSlot => {
                Text::new("The reader has no such slot.", "リーダーにこのスロットはありません。")
            }
            Self::NoCard => Text::new(
                "There is no card in the reader. Put one in.",
                "リーダーにカードがありません。カードを入れてください。",
            ),
            Self::CardRemoved => Text::new(
                "The card was taken out. Put it in again and go on.",
                "カードが抜かれました。入れ直して続けてください。",
            ),
            Self::CardReset => Text::new(
                "The card was taken out and put in again, or lost its power. It must be connected anew.",
                "カードが抜き差しされたか、電源が切れました。接続し直してください。",
            ),
            Self::Mute => Text::new(
                "The card does not answer. Clean the contacts, check which way it lies, and put it in again.",
                "カードが応答しません。端子を拭き、向きを確かめて入れ直してください。",
            ),
            Self::Atr(error) => return error.words().owned(),
            Self::NoProtocol => Text::new(
                "Card and reader have no protocol in common. Use another reader.",
                "カードとリーダーに共通のプロトコルがありません。別のリーダーを使ってください。",
            ),
            Self::T1(error) => return error.words().owned(),
            Self::NoStatusWord => Text::new(
                "The card's answer has no status word.",
                "カードの応答にステータスワードがありません。",
            ),
            Self::Apdu => Text::new("This is no command APDU.", "コマンド APDU として正しくありません。"),
            Self::ApduTooLong { most } => {
                return text!(
                    "The command is too long: this reader and this card take at most {most} bytes of data in one.",
                    "コマンドが長すぎます。このリーダーとカードが一度に扱えるデータは {most} バイトまでです。"
                );
            }
            Self::NotConnected => Text::new("No card is connected.", "カードに接続していません。"),
            Self::Busy => Text::new(
                "The reader is busy with something else of this program.",
                "このプログラムの別の処理がリーダーを使用中です。",
            ),
            Self::Misuse => Text::new(
                "The program drives the reader in a wrong way: a mistake in it.",
                "プログラムのリーダー制御に誤りがあります（不具合）。",
            ),
        };
        words.owned()
    }

    /// Whether the slot must be connected anew before anything else can be done.
    #[must_use]
    pub const fn ends_connection(&self) -> bool {
        !matches!(
            self,
            Self::Apdu
                | Self::ApduTooLong { .. }
                | Self::Busy
                | Self::NoSuchSlot
                | Self::T1(T1Error::Aborted | T1Error::Resynchronised)
        )
    }
}

impl DescriptorError {
    fn words(self) -> Text {
        match self {
            Self::Truncated | Self::Length | Self::Unexpected | Self::MessageLength => Text::new(
                "What the device says of itself does not add up. Its firmware may be faulty.",
                "デバイスの自己記述（ディスクリプター）に矛盾があります。ファームウェアの不具合かもしれません。",
            ),
            Self::NoClassDescriptor => Text::new(
                "The device does not describe itself as a CCID reader.",
                "このデバイスは CCID リーダーとしての記述を持っていません。",
            ),
            Self::NoBulkEndpoints => Text::new(
                "The device has no bulk endpoints; it may be a token that is spoken to in another way.",
                "バルク転送の口がありません。別の方式のトークンかもしれません。",
            ),
            Self::NoReader => Text::new(
                "The device is no smart card reader.",
                "このデバイスはスマートカードリーダーではありません。",
            ),
        }
    }
}

impl MessageError {
    fn words(self) -> Text<String> {
        match self {
            Self::TooLong => Text::new(
                "The reader announces an answer that is longer than any can be.",
                "リーダーがありえない長さの応答を予告しました。",
            )
            .owned(),
            Self::Kind(kind) => text!(
                "The reader answers with a message ({kind:02X}) that does not belong to the command.",
                "リーダーがコマンドに合わないメッセージ（{kind:02X}）を返しました。"
            ),
            Self::Data => {
                Text::new("The reader's answer is shorter than it must be.", "リーダーの応答が短すぎます。")
                    .owned()
            }
            Self::Chain(parameter) => text!(
                "The parts of the reader's answer do not fit together ({parameter:02X}).",
                "リーダーの分割応答がつながりません（{parameter:02X}）。"
            ),
        }
    }
}

impl T1Error {
    const fn words(self) -> Text {
        match self {
            Self::Lost => Text::new(
                "The connection to the card is too bad: nothing that it sends can be read. Clean the contacts and put it in again.",
                "カードとの接続が悪く、応答を読み取れません。端子を拭いて入れ直してください。",
            ),
            Self::Resynchronised => Text::new(
                "Reader and card had lost step. They are in step again, but whether the last command was done is not known.",
                "リーダーとカードの同期が失われ、回復しました。最後のコマンドが実行されたかどうかは不明です。",
            ),
            Self::Aborted => {
                Text::new("The card broke off the exchange.", "カードがやり取りを打ち切りました。")
            }
            Self::Endless => Text::new(
                "The card asks for more time without end.",
                "カードが際限なく時間延長を求めています。",
            ),
            Self::TooLong => Text::new(
                "The card's answer is longer than any can be.",
                "カードの応答がありえない長さです。",
            ),
        }
    }
}

/// English, for logs.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl core::error::Error for Error {}

impl From<DescriptorError> for Error {
    fn from(error: DescriptorError) -> Self {
        Self::Descriptor(error)
    }
}

impl From<MessageError> for Error {
    fn from(error: MessageError) -> Self {
        Self::Message(error)
    }
}

impl From<AtrError> for Error {
    fn from(error: AtrError) -> Self {
        Self::Atr(error)
    }
}

impl From<T1Error> for Error {
    fn from(error: T1Error) -> Self {
        Self::T1(error)
    }
}
