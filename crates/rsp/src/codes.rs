//! Result codes that stand inside ES10 responses. A value that the standard does
//! not name is kept and survives a round trip.

use core::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$code_doc:meta])* $code:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$code_doc])* pub const $code: Self = Self($value);)*

            /// The standard's name of the value, where it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($code)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{}({}, {name})", stringify!($name), self.0),
                    None => write!(f, "{}({})", stringify!($name), self.0),
                }
            }
        }
    };
}

codes! {
    /// Why the eUICC refuses `AuthenticateServer` (`AuthenticateErrorCode`).
    AuthenticateErrorCode {
        /// The certificate or its chain does not verify.
        INVALID_CERTIFICATE = 1,
        /// `serverSignature1` does not verify.
        INVALID_SIGNATURE = 2,
        /// The certificate's curve is not one the eUICC can do.
        UNSUPPORTED_CURVE = 3,
        /// No eUICC challenge was asked for before.
        NO_SESSION_CONTEXT = 4,
        /// The certificate's role is neither DPauth nor DSauth.
        INVALID_OID = 5,
        /// The signed challenge is not the one given out.
        EUICC_CHALLENGE_MISMATCH = 6,
        /// The CI public key is not on the eUICC.
        CI_PK_UNKNOWN = 7,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}

codes! {
    /// Why the eUICC refuses `PrepareDownload` (`DownloadErrorCode`).
    DownloadErrorCode {
        /// CERT.DPpb does not verify, or is of another SM-DP+ than CERT.DPauth.
        INVALID_CERTIFICATE = 1,
        /// `smdpSignature2` does not verify.
        INVALID_SIGNATURE = 2,
        /// The certificate's curve is not one the eUICC can do.
        UNSUPPORTED_CURVE = 3,
        /// The server was not authenticated before.
        NO_SESSION_CONTEXT = 4,
        /// The transaction id is not the session's.
        INVALID_TRANSACTION_ID = 5,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}

codes! {
    /// Why the eUICC refuses `LoadCRL` (`LoadCRLResponseError`).
    LoadCrlError {
        /// The list's signature does not verify.
        INVALID_SIGNATURE = 1,
        /// It is no revocation list that SGP.22 could mean.
        INVALID_CRL_FORMAT = 2,
        /// There is no room for it.
        NOT_ENOUGH_MEMORY_SPACE = 3,
        /// The CI public key that verifies it is not on the eUICC.
        VERIFICATION_KEY_NOT_FOUND = 4,
        /// One with a higher number is loaded.
        FRESHER_CRL_ALREADY_LOADED = 5,
        /// The list that this one only tells the changes of is not loaded.
        BASE_CRL_MISSING = 6,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}

codes! {
    /// Why a session is cancelled (`CancelSessionReason`).
    CancelSessionReason {
        /// The end user said no.
        END_USER_REJECTION = 0,
        /// The end user said later.
        POSTPONED = 1,
        /// The end user did not answer in time.
        TIMEOUT = 2,
        /// The profile's policy rules are not allowed on this eUICC.
        PPR_NOT_ALLOWED = 3,
        /// The package's metadata is not what was shown before.
        METADATA_MISMATCH = 4,
        /// Loading the bound profile package failed.
        LOAD_BPP_EXECUTION_ERROR = 5,
        /// Any other reason.
        UNDEFINED_REASON = 127,
    }
}

codes! {
    /// The part of a bound profile package that was being executed (`BppCommandId`).
    BppCommandId {
        /// ES8+.InitialiseSecureChannel.
        INITIALISE_SECURE_CHANNEL = 0,
        /// ES8+.ConfigureISDP.
        CONFIGURE_ISDP = 1,
        /// ES8+.StoreMetadata.
        STORE_METADATA = 2,
        /// ES8+.StoreMetadata, second sequence.
        STORE_METADATA2 = 3,
        /// ES8+.ReplaceSessionKeys.
        REPLACE_SESSION_KEYS = 4,
        /// ES8+.LoadProfileElements.
        LOAD_PROFILE_ELEMENTS = 5,
    }
}

codes! {
    /// Why an installation failed (`ErrorReason`).
    ErrorReason {
        /// A command holds values that are not allowed.
        INCORRECT_INPUT_VALUES = 1,
        /// `smdpSign` does not verify.
        INVALID_SIGNATURE = 2,
        /// The transaction id is not the session's.
        INVALID_TRANSACTION_ID = 3,
        /// Key type or key length of the control reference template.
        UNSUPPORTED_CRT_VALUES = 4,
        /// `remoteOpId` is not `installBoundProfilePackage`.
        UNSUPPORTED_REMOTE_OPERATION_TYPE = 5,
        /// The profile class is not supported.
        UNSUPPORTED_PROFILE_CLASS = 6,
        /// A protected segment is malformed.
        SCP03T_STRUCTURE_ERROR = 7,
        /// A protected segment's MAC does not verify.
        SCP03T_SECURITY_ERROR = 8,
        /// The ICCID is already on the eUICC.
        ICCID_ALREADY_EXISTS_ON_EUICC = 9,
        /// The profile does not fit.
        INSUFFICIENT_MEMORY_FOR_PROFILE = 10,
        /// The load was interrupted.
        INTERRUPTION = 11,
        /// A profile element was refused; the SIMA response names it.
        PE_PROCESSING_ERROR = 12,
        /// Metadata and files contradict each other.
        DATA_MISMATCH = 13,
        /// A test profile does not hold a test key.
        TEST_PROFILE_INVALID_NAA_KEY = 14,
        /// A profile policy rule is not allowed.
        PPR_NOT_ALLOWED = 15,
        /// Any other reason.
        UNKNOWN_ERROR = 127,
    }
}

codes! {
    /// Result of `EnableProfile` and `DisableProfile`.
    ProfileStateResult {
        /// Done, or pending on REFRESH.
        OK = 0,
        /// No profile with this identifier.
        ICCID_OR_AID_NOT_FOUND = 1,
        /// The profile is not in the state that the change starts from.
        WRONG_STATE = 2,
        /// A profile policy rule forbids it.
        DISALLOWED_BY_POLICY = 3,
        /// While a test profile is enabled only the profile before it may follow.
        WRONG_PROFILE_REENABLING = 4,
        /// A proactive session is ongoing.
        CAT_BUSY = 5,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}

codes! {
    /// Result of `DeleteProfile`.
    DeleteResult {
        /// Deleted.
        OK = 0,
        /// No profile with this identifier.
        ICCID_OR_AID_NOT_FOUND = 1,
        /// The profile is enabled.
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        /// PPR2 forbids it.
        DISALLOWED_BY_POLICY = 3,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}

codes! {
    /// Result of the other ES10 functions that answer with one number: SetNickname,
    /// SetDefaultDpAddress, RemoveNotificationFromList, eUICCMemoryReset.
    FunctionResult {
        /// Done.
        OK = 0,
        /// SetNickname: iccidNotFound; RemoveNotificationFromList and
        /// eUICCMemoryReset: nothingToDelete.
        NOT_FOUND = 1,
        /// eUICCMemoryReset: a proactive session is ongoing.
        CAT_BUSY = 5,
        /// Any other reason.
        UNDEFINED_ERROR = 127,
    }
}
