//! Why no code came in, and what to do: a message for each.

use rsp::activation_code::InvalidActivationCode;
use words::{Text, text};

use super::scan::Foreign;

/// Why no code came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// What was typed or pasted is no activation code.
    Code(InvalidActivationCode),
    /// A QR code has an activation code that is wrong; and its beginning, safe to show.
    WrongCode(InvalidActivationCode, String),
    /// The QR code is about something else.
    Foreign(Foreign),
    /// There are so many QR codes, and none is an activation code.
    SeveralForeign(usize),
    /// There is no QR code in the picture.
    NoQr,
    /// There is a QR code that can't be read.
    Unreadable,
    /// What was given is no picture that the browser can open.
    NotAPicture,
    /// The picture is too large to open.
    TooLarge,
    /// A picture was dragged here from another page: there is only its address, which is not
    /// followed.
    OnlyAnAddress,
    /// Nothing that a code could be in.
    Nothing,
    /// The reader of QR codes does not work. In words: why.
    Reader(String),
    /// The camera does not show anything.
    Camera(CameraProblem),
}

/// Why the camera does not show anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraProblem {
    /// Browsers give cameras to pages over https only.
    Insecure,
    /// There is none.
    Missing,
    /// The person, the browser or the system does not allow it.
    Denied,
    /// Another program has it.
    InUse,
    /// It was there, and stopped.
    Lost,
    /// Something else. In words.
    Other(String),
}

impl CameraProblem {
    /// What an error of `getUserMedia` means, by its name (W3C Media Capture and Streams
    /// §10.2.1).
    #[must_use]
    pub fn of(name: &str, message: &str) -> Self {
        match name {
            "NotAllowedError" | "PermissionDeniedError" | "SecurityError" => Self::Denied,
            "NotFoundError" | "DevicesNotFoundError" | "OverconstrainedError" => Self::Missing,
            "NotReadableError" | "TrackStartError" | "AbortError" => Self::InUse,
            _ => Self::Other(format!("{name}: {message}")),
        }
    }
}

impl Problem {
    /// Whether it is about a code, not about a picture or a camera.
    #[must_use]
    pub const fn is_about_text(&self) -> bool {
        matches!(self, Self::Code(_))
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        self.what().with(self.advice().owned())
    }

    fn what(&self) -> Text<String> {
        match self {
            Self::Code(error) => lpa::activation_code_words(*error).owned(),
            Self::WrongCode(error, shown) => {
                let what = lpa::activation_code_words(*error);
                Text::new(
                    format!("The QR code says “{shown}”. {}", what.en),
                    format!("QR コードの内容は「{shown}」です。{}", what.ja),
                )
            }
            Self::Foreign(Foreign { kind, shown }) => {
                let kind = kind.words();
                match shown {
                    Some(shown) => Text::new(
                        format!("The QR code holds {} (“{shown}”), not an activation code.", kind.en),
                        format!(
                            "この QR コードは{}（「{shown}」）で、アクティベーションコードではありません。",
                            kind.ja
                        ),
                    ),
                    None => Text::new(
                        format!("The QR code holds {}, not an activation code.", kind.en),
                        format!("この QR コードは{}で、アクティベーションコードではありません。", kind.ja),
                    ),
                }
            }
            Self::SeveralForeign(number) => text!(
                "There are {number} QR codes in the picture, and none is an activation code.",
                "画像には QR コードが {number} 個ありますが、アクティベーションコードはありません。"
            ),
            Self::NoQr => {
                Text::new("There is no QR code in the picture.", "画像に QR コードが見つかりません。").owned()
            }
            Self::Unreadable => Text::new(
                "There is a QR code in the picture, but it can’t be read.",
                "画像に QR コードはありますが、読み取れません。",
            )
            .owned(),
            Self::NotAPicture => Text::new(
                "This file is not a picture that the browser can open.",
                "このファイルは、ブラウザーで開ける画像ではありません。",
            )
            .owned(),
            Self::TooLarge => {
                Text::new("The picture is too large to be read here.", "画像が大きすぎて読み取れません。")
                    .owned()
            }
            Self::OnlyAnAddress => Text::new(
                "Only the picture’s address came here, and this page does not follow it.",
                "届いたのは画像のアドレスだけです。このページはアドレスを開きません。",
            )
            .owned(),
            Self::Nothing => {
                Text::new("There is neither text nor a picture in it.", "文字も画像も含まれていません。")
                    .owned()
            }
            Self::Reader(because) => text!(
                "The reader of QR codes does not work: {because}.",
                "QR コードの読み取り機能が動作しません: {because}。"
            ),
            Self::Camera(problem) => problem.what(),
        }
    }

    const fn advice(&self) -> Text {
        match self {
            Self::Code(error) => lpa::activation_code_advice(*error),
            Self::WrongCode(..) => Text::new(
                "A QR code can’t be mended by hand: ask the operator for a new one.",
                "QR コードは手では直せません。事業者に新しいコードを依頼してください。",
            ),
            Self::Foreign(_) | Self::SeveralForeign(_) => Text::new(
                "Use the QR code that the operator gave you for the eSIM.",
                "事業者から eSIM 用に受け取った QR コードを使ってください。",
            ),
            Self::NoQr => Text::new(
                "Use a picture that shows all of the code with a light edge around it.",
                "コード全体と、そのまわりの余白まで写った画像を使ってください。",
            ),
            Self::Unreadable => Text::new(
                "Use a sharper picture, taken straight from the front, with nothing over the code.",
                "正面から撮った、ぼけやかぶりのない画像を使ってください。",
            ),
            Self::NotAPicture => Text::new(
                "Use a PNG, JPEG, WebP or GIF, or a screenshot.",
                "PNG、JPEG、WebP、GIF、またはスクリーンショットを使ってください。",
            ),
            Self::TooLarge => Text::new(
                "Cut out the part with the code, or make a screenshot of it.",
                "コードの部分を切り抜くか、スクリーンショットを撮ってください。",
            ),
            Self::OnlyAnAddress => Text::new(
                "Copy the picture itself, or save it and choose the file.",
                "画像そのものをコピーするか、保存してからファイルを選んでください。",
            ),
            Self::Nothing => Text::new(
                "Bring a picture of the QR code, or the code as text.",
                "QR コードの画像か、コードの文字列を使ってください。",
            ),
            Self::Reader(_) => {
                Text::new("Try it again, or type the code.", "もう一度試すか、コードを入力してください。")
            }
            Self::Camera(problem) => problem.advice(),
        }
    }
}

impl CameraProblem {
    fn what(&self) -> Text<String> {
        match self {
            Self::Insecure => Text::new(
                "Browsers give the camera to pages over https only.",
                "ブラウザーがカメラの使用を許可するのは、https のページだけです。",
            ),
            Self::Missing => Text::new("There is no camera.", "カメラが見つかりません。"),
            Self::Denied => Text::new(
                "The camera is not allowed for this page.",
                "このページではカメラの使用が許可されていません。",
            ),
            Self::InUse => Text::new(
                "The camera can’t be opened: another program may be using it.",
                "カメラを開けません。ほかのアプリが使用している可能性があります。",
            ),
            Self::Lost => Text::new("The camera has stopped.", "カメラが停止しました。"),
            Self::Other(words) => {
                return text!("The camera can’t be opened ({words}).", "カメラを開けません（{words}）。");
            }
        }
        .owned()
    }

    const fn advice(&self) -> Text {
        match self {
            Self::Insecure => Text::new(
                "Open the page by its https address, or choose a picture of the code.",
                "https のアドレスでページを開くか、コードの画像を選んでください。",
            ),
            Self::Missing => Text::new(
                "Choose a picture of the code, or type it.",
                "コードの画像を選ぶか、コードを入力してください。",
            ),
            Self::Denied => Text::new(
                "Allow it in the browser’s settings for this page, then try again; or choose a picture of the code.",
                "ブラウザーのこのページの設定でカメラを許可してから、もう一度試してください。コードの画像を選ぶこともできます。",
            ),
            Self::InUse => Text::new(
                "Close the other program and try again, or choose a picture of the code.",
                "ほかのアプリを閉じてもう一度試すか、コードの画像を選んでください。",
            ),
            Self::Lost => Text::new(
                "Check that it is connected and try again, or choose a picture of the code.",
                "接続を確認してもう一度試すか、コードの画像を選んでください。",
            ),
            Self::Other(_) => Text::new(
                "Try again, or choose a picture of the code.",
                "もう一度試すか、コードの画像を選んでください。",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::Kind;
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_problem_has_words_of_its_own_in_each_language() {
        let foreign =
            |kind, shown: Option<&str>| Problem::Foreign(Foreign { kind, shown: shown.map(str::to_owned) });
        let cameras = [
            CameraProblem::Insecure,
            CameraProblem::Missing,
            CameraProblem::Denied,
            CameraProblem::InUse,
            CameraProblem::Lost,
            CameraProblem::Other("why".into()),
        ];
        let mut all: Vec<Problem> = vec![
            Problem::WrongCode(InvalidActivationCode::Oid, "LPA:1$h$A$x".into()),
            foreign(Kind::Link, Some("example.com")),
            foreign(Kind::Wifi, None),
            Problem::SeveralForeign(3),
            Problem::NoQr,
            Problem::Unreadable,
            Problem::NotAPicture,
            Problem::TooLarge,
            Problem::OnlyAnAddress,
            Problem::Nothing,
            Problem::Reader("why".into()),
        ];
        all.extend(cameras.into_iter().map(Problem::Camera));
        all.extend(InvalidActivationCode::ALL.into_iter().map(Problem::Code));
        let texts: Vec<_> = all.iter().map(Problem::words).collect();
        for (at, text) in texts.iter().enumerate() {
            assert!(text.en.ends_with('.') && text.ja.ends_with('。'), "{text:?}");
            assert!(!texts[..at].iter().any(|other| other.en == text.en || other.ja == text.ja), "{text:?}");
        }
    }

    #[test]
    fn errors_of_browsers_are_told_apart() {
        for (name, problem) in [
            ("NotAllowedError", CameraProblem::Denied),
            ("SecurityError", CameraProblem::Denied),
            ("NotFoundError", CameraProblem::Missing),
            ("OverconstrainedError", CameraProblem::Missing),
            ("NotReadableError", CameraProblem::InUse),
            ("AbortError", CameraProblem::InUse),
            ("TypeError", CameraProblem::Other("TypeError: x".into())),
        ] {
            assert_eq!(CameraProblem::of(name, "x"), problem, "{name}");
        }
    }
}
