//! The data objects of SGP.22: ES10a, ES10b, ES10c and the package of ES8+. Names, tags and
//! values are those of its ASN.1 module `RSPDefinitions` (SGP.22 Annex H).

use crate::der::{Field, Kind, f, fs};
use crate::x509::{CERTIFICATE, CRL};

const CERT: Kind = Kind::Seq(&CERTIFICATE);

/// Requests, by tag.
pub(crate) static REQUESTS: [Field; 24] = [
    fs(0xBF20, "GetEuiccInfo1Request", Kind::Seq(&INFO1), "SGP.22 §5.7.8"),
    fs(0xBF21, "PrepareDownloadRequest", Kind::Seq(&PREPARE), "SGP.22 §5.7.5"),
    fs(0xBF22, "GetEuiccInfo2Request", Kind::Seq(&INFO2), "SGP.22 §5.7.8"),
    fs(0xBF28, "ListNotificationRequest", Kind::Seq(&EVENTS), "SGP.22 §5.7.9"),
    fs(0xBF29, "SetNicknameRequest", Kind::Seq(&METADATA), "SGP.22 §5.7.21"),
    fs(0xBF2B, "RetrieveNotificationsListRequest", Kind::Seq(&RETRIEVE), "SGP.22 §5.7.10"),
    fs(0xBF2D, "ProfileInfoListRequest", Kind::Seq(&LIST), "SGP.22 §5.7.15"),
    fs(0xBF2E, "GetEuiccChallengeRequest", Kind::Seq(&[]), "SGP.22 §5.7.7"),
    fs(0xBF30, "NotificationSentRequest", Kind::Seq(&SEQUENCE_NUMBER), "SGP.22 §5.7.11"),
    fs(0xBF31, "EnableProfileRequest", Kind::Seq(&STATE), "SGP.22 §5.7.16"),
    fs(0xBF32, "DisableProfileRequest", Kind::Seq(&STATE), "SGP.22 §5.7.17"),
    fs(0xBF33, "DeleteProfileRequest", Kind::Seq(&PROFILE), "SGP.22 §5.7.18"),
    fs(0xBF34, "EuiccMemoryResetRequest", Kind::Seq(&RESET), "SGP.22 §5.7.19"),
    fs(0xBF35, "LoadCRLRequest", Kind::Seq(&LOAD_CRL), "SGP.22 §5.7.12"),
    fs(0xBF36, "BoundProfilePackage", Kind::Seq(&PACKAGE), "SGP.22 §5.7.6"),
    fs(0xBF38, "AuthenticateServerRequest", Kind::Seq(&AUTHENTICATE), "SGP.22 §5.7.13"),
    fs(0xBF3C, "EuiccConfiguredAddressesRequest", Kind::Seq(&[]), "SGP.22 §5.7.3"),
    fs(0xBF3E, "GetEuiccDataRequest", Kind::Seq(&EUICC_DATA_REQUEST), "SGP.22 §5.7.20"),
    fs(0xBF3F, "SetDefaultDpAddressRequest", Kind::Seq(&DEFAULT_ADDRESS), "SGP.22 §5.7.4"),
    fs(0xBF41, "CancelSessionRequest", Kind::Seq(&CANCEL), "SGP.22 §5.7.14"),
    fs(0xBF42, "LpaeActivationRequest", Kind::Seq(&LPAE), "SGP.22 §5.7.1"),
    fs(0xBF43, "GetRatRequest", Kind::Seq(&[]), "SGP.22 §5.7.22"),
    // What stands alone elsewhere: in JSON of ES9+, in the chip's messages.
    fs(0xBF25, "StoreMetadataRequest", Kind::Seq(&METADATA), "SGP.22 §5.5.3"),
    fs(0xBF37, "ProfileInstallationResult", Kind::Seq(&INSTALLATION_RESULT), "SGP.22 §2.5.6"),
];

/// Responses, by tag.
pub(crate) static RESPONSES: [Field; 26] = [
    fs(0xBF20, "EUICCInfo1", Kind::Seq(&INFO1), "SGP.22 §5.7.8"),
    fs(0xBF21, "PrepareDownloadResponse", Kind::Seq(&PREPARED), "SGP.22 §5.7.5"),
    fs(0xBF22, "EUICCInfo2", Kind::Seq(&INFO2), "SGP.22 §5.7.8"),
    fs(0xBF27, "ProfileInstallationResultData", Kind::Seq(&RESULT_DATA), "SGP.22 §2.5.6"),
    fs(0xBF28, "ListNotificationResponse", Kind::Seq(&NOTIFICATIONS), "SGP.22 §5.7.9"),
    fs(0xBF29, "SetNicknameResponse", Kind::Seq(&NICKNAMED), "SGP.22 §5.7.21"),
    fs(0xBF2B, "RetrieveNotificationsListResponse", Kind::Seq(&RETRIEVED), "SGP.22 §5.7.10"),
    fs(0xBF2D, "ProfileInfoListResponse", Kind::Seq(&LISTED), "SGP.22 §5.7.15"),
    fs(0xBF2E, "GetEuiccChallengeResponse", Kind::Seq(&CHALLENGE), "SGP.22 §5.7.7"),
    fs(0xBF2F, "NotificationMetadata", Kind::Seq(&NOTIFICATION), "SGP.22 §5.7.9"),
    fs(0xBF30, "NotificationSentResponse", Kind::Seq(&SENT), "SGP.22 §5.7.11"),
    fs(0xBF31, "EnableProfileResponse", Kind::Seq(&ENABLED), "SGP.22 §5.7.16"),
    fs(0xBF32, "DisableProfileResponse", Kind::Seq(&DISABLED), "SGP.22 §5.7.17"),
    fs(0xBF33, "DeleteProfileResponse", Kind::Seq(&DELETED), "SGP.22 §5.7.18"),
    fs(0xBF34, "EuiccMemoryResetResponse", Kind::Seq(&RESET_DONE), "SGP.22 §5.7.19"),
    fs(0xBF35, "LoadCRLResponse", Kind::Seq(&LOADED_CRL), "SGP.22 §5.7.12"),
    fs(0xBF37, "ProfileInstallationResult", Kind::Seq(&INSTALLATION_RESULT), "SGP.22 §2.5.6"),
    fs(0xBF38, "AuthenticateServerResponse", Kind::Seq(&AUTHENTICATED), "SGP.22 §5.7.13"),
    fs(0xBF3C, "EuiccConfiguredAddressesResponse", Kind::Seq(&ADDRESSES), "SGP.22 §5.7.3"),
    fs(0xBF3E, "GetEuiccDataResponse", Kind::Seq(&EUICC_DATA), "SGP.22 §5.7.20"),
    fs(0xBF3F, "SetDefaultDpAddressResponse", Kind::Seq(&ADDRESS_SET), "SGP.22 §5.7.4"),
    fs(0xBF41, "CancelSessionResponse", Kind::Seq(&CANCELLED), "SGP.22 §5.7.14"),
    fs(0xBF42, "LpaeActivationResponse", Kind::Seq(&LPAE_DONE), "SGP.22 §5.7.1"),
    fs(0xBF43, "GetRatResponse", Kind::Seq(&RAT), "SGP.22 §5.7.22"),
    f(0x30, "OtherSignedNotification", Kind::Seq(&OTHER_NOTIFICATION)),
    fs(0xBF25, "StoreMetadataRequest", Kind::Seq(&METADATA), "SGP.22 §5.5.3"),
];

const EVENT: &str = "notificationInstall|notificationEnable|notificationDisable|notificationDelete";
const PPR: &str = "pprUpdateControl|ppr1|ppr2|ppr3";
const CLASS: &str = "0 test|1 provisioning|2 operational";
const ICON: &str = "0 jpg|1 png";
const UICC: &str = "contactlessSupport|usimSupport|isimSupport|csimSupport|akaMilenage|akaCave|akaTuak128|akaTuak256|rfu1|rfu2|gbaAuthenUsim|gbaAuthenISim|mbmsAuthenUsim|eapClient|javacard|multos|multipleUsimSupport|multipleIsimSupport|multipleCsimSupport|berTlvFileSupport|dfLinkSupport|catTp|getIdentity|profile-a-x25519|profile-b-p256|suciCalculatorApi|dns-resolution|scp11ac|scp11c-authorization-mechanism|s16mode|eaka|iotminimal";
const RSP: &str = "additionalProfile|crlSupport|rpmSupport|testProfileSupport|deviceInfoExtensibilitySupport|serviceSpecificDataSupport";

static PKIDS: [Field; 1] = [f(0x04, "SubjectKeyIdentifier", Kind::Hex)];
static INFO1: [Field; 3] = [
    f(0x82, "svn", Kind::Version),
    f(0xA9, "euiccCiPKIdListForVerification", Kind::Of(&PKIDS)),
    f(0xAA, "euiccCiPKIdListForSigning", Kind::Of(&PKIDS)),
];
static INFO2: [Field; 22] = [
    f(0x81, "profileVersion", Kind::Version),
    f(0x82, "svn", Kind::Version),
    f(0x83, "euiccFirmwareVer", Kind::Version),
    f(0x84, "extCardResource", Kind::Inside(&RESOURCES)),
    f(0x85, "uiccCapability", Kind::Bits(UICC)),
    f(0x86, "ts102241Version", Kind::Version),
    f(0x87, "globalplatformVersion", Kind::Version),
    f(0x88, "rspCapability", Kind::Bits(RSP)),
    f(0xA9, "euiccCiPKIdListForVerification", Kind::Of(&PKIDS)),
    f(0xAA, "euiccCiPKIdListForSigning", Kind::Of(&PKIDS)),
    f(0x8B, "euiccCategory", Kind::Enum("0 other|1 basicEuicc|2 mediumEuicc|3 contactlessEuicc")),
    fs(0x99, "forbiddenProfilePolicyRules", Kind::Bits(PPR), "SGP.22 §2.9"),
    f(0x04, "ppVersion", Kind::Version),
    f(0x0C, "sasAcreditationNumber", Kind::Text),
    f(0xAC, "certificationDataObject", Kind::Seq(&CERTIFICATION)),
    f(0x8D, "treProperties", Kind::Bits("isDiscrete|isIntegrated|usesRemoteMemory")),
    f(0x8E, "treProductReference", Kind::Text),
    f(0xAF, "additionalEuiccProfilePackageVersions", Kind::Of(&VERSIONS)),
    f(0x90, "lpaMode", Kind::Enum("0 lpad|1 lpae")),
    f(0xB1, "euiccCiPKIdListForSigningV3", Kind::Of(&PKIDS)),
    f(0x92, "additionalEuiccInfo", Kind::Hex),
    f(0x93, "highestSvn", Kind::Version),
];
static RESOURCES: [Field; 3] = [
    f(0x81, "installed applications", Kind::Unsigned),
    f(0x82, "free non-volatile memory (bytes)", Kind::Unsigned),
    f(0x83, "free volatile memory (bytes)", Kind::Unsigned),
];
static VERSIONS: [Field; 1] = [f(0x04, "VersionType", Kind::Version)];
static CERTIFICATION: [Field; 2] =
    [f(0x80, "platformLabel", Kind::Text), f(0x81, "discoveryBaseURL", Kind::Text)];

const TRANSACTION: Field = f(0x80, "transactionId", Kind::Hex);

static AUTHENTICATE: [Field; 5] = [
    f(0x30, "serverSigned1", Kind::Seq(&SERVER_SIGNED1)),
    f(0x5F37, "serverSignature1", Kind::Signature),
    f(0x04, "euiccCiPKIdToBeUsed", Kind::Hex),
    fs(0x30, "serverCertificate", CERT, "SGP.22 §4.5.2"),
    f(0xA0, "ctxParams1", Kind::Seq(&CONTEXT)),
];
pub(crate) static SERVER_SIGNED1: [Field; 4] = [
    TRANSACTION,
    f(0x81, "euiccChallenge", Kind::Hex),
    f(0x83, "serverAddress", Kind::Text),
    f(0x84, "serverChallenge", Kind::Hex),
];
static CONTEXT: [Field; 2] = [
    fs(0x80, "matchingId", Kind::Token, "SGP.22 §4.1.1"),
    fs(0xA1, "deviceInfo", Kind::Seq(&DEVICE), "SGP.22 §4.2"),
];
static DEVICE: [Field; 3] = [
    f(0x80, "tac", Kind::Tac),
    f(0xA1, "deviceCapabilities", Kind::Seq(&CAPABILITIES)),
    f(0x82, "imei", Kind::Imei),
];
static CAPABILITIES: [Field; 11] = [
    f(0x80, "gsmSupportedRelease", Kind::Version),
    f(0x81, "utranSupportedRelease", Kind::Version),
    f(0x82, "cdma2000onexSupportedRelease", Kind::Version),
    f(0x83, "cdma2000hrpdSupportedRelease", Kind::Version),
    f(0x84, "cdma2000ehrpdSupportedRelease", Kind::Version),
    f(0x85, "eutranEpcSupportedRelease", Kind::Version),
    f(0x86, "contactlessSupportedRelease", Kind::Version),
    f(0x87, "rspCrlSupportedVersion", Kind::Version),
    f(0x88, "nrEpcSupportedRelease", Kind::Version),
    f(0x89, "nr5gcSupportedRelease", Kind::Version),
    f(0x8A, "eutran5gcSupportedRelease", Kind::Version),
];
static AUTHENTICATED: [Field; 2] = [
    f(0xA0, "authenticateResponseOk", Kind::Seq(&AUTHENTICATED_OK)),
    f(0xA1, "authenticateResponseError", Kind::Seq(&AUTHENTICATE_ERROR)),
];
static AUTHENTICATED_OK: [Field; 4] = [
    f(0x30, "euiccSigned1", Kind::Seq(&EUICC_SIGNED1)),
    f(0x5F37, "euiccSignature1", Kind::Signature),
    fs(0x30, "euiccCertificate", CERT, "SGP.22 §4.5.2"),
    fs(0x30, "eumCertificate", CERT, "SGP.22 §4.5.2"),
];
static EUICC_SIGNED1: [Field; 5] = [
    TRANSACTION,
    f(0x83, "serverAddress", Kind::Text),
    f(0x84, "serverChallenge", Kind::Hex),
    f(0xBF22, "euiccInfo2", Kind::Seq(&INFO2)),
    f(0xA0, "ctxParams1", Kind::Seq(&CONTEXT)),
];
static AUTHENTICATE_ERROR: [Field; 2] = [
    TRANSACTION,
    f(
        0x81,
        "authenticateErrorCode",
        Kind::Enum(
            "1 invalidCertificate|2 invalidSignature|3 unsupportedCurve|4 noSessionContext|5 invalidOid|6 euiccChallengeMismatch|7 ciPKUnknown|127 undefinedError",
        ),
    ),
];

static PREPARE: [Field; 4] = [
    f(0x30, "smdpSigned2", Kind::Seq(&SMDP_SIGNED2)),
    f(0x5F37, "smdpSignature2", Kind::Signature),
    fs(0x04, "hashCc", Kind::SecretHash, "SGP.22 §4.7"),
    fs(0x30, "smdpCertificate", CERT, "SGP.22 §4.5.2"),
];
pub(crate) static SMDP_SIGNED2: [Field; 3] =
    [TRANSACTION, f(0x01, "ccRequiredFlag", Kind::Bool), f(0x5F49, "bppEuiccOtpk", Kind::Point)];
static PREPARED: [Field; 2] = [
    f(0xA0, "downloadResponseOk", Kind::Seq(&PREPARED_OK)),
    f(0xA1, "downloadResponseError", Kind::Seq(&PREPARE_ERROR)),
];
static PREPARED_OK: [Field; 2] =
    [f(0x30, "euiccSigned2", Kind::Seq(&EUICC_SIGNED2)), f(0x5F37, "euiccSignature2", Kind::Signature)];
static EUICC_SIGNED2: [Field; 3] =
    [TRANSACTION, f(0x5F49, "euiccOtpk", Kind::Point), f(0x04, "hashCc", Kind::SecretHash)];
static PREPARE_ERROR: [Field; 2] = [
    TRANSACTION,
    f(
        0x81,
        "downloadErrorCode",
        Kind::Enum(
            "1 invalidCertificate|2 invalidSignature|3 unsupportedCurve|4 noSessionContext|5 invalidTransactionId|127 undefinedError",
        ),
    ),
];

const REASON: Kind = Kind::Enum(
    "0 endUserRejection|1 postponed|2 timeout|3 pprNotAllowed|4 metadataMismatch|5 loadBppExecutionError|127 undefinedReason",
);
static CANCEL: [Field; 2] = [TRANSACTION, f(0x81, "reason", REASON)];
static CANCELLED: [Field; 2] = [
    f(0xA0, "cancelSessionResponseOk", Kind::Seq(&CANCELLED_OK)),
    f(0x81, "cancelSessionResponseError", Kind::Enum("5 invalidTransactionId|127 undefinedError")),
];
static CANCELLED_OK: [Field; 2] = [
    f(0x30, "euiccCancelSessionSigned", Kind::Seq(&CANCEL_SIGNED)),
    f(0x5F37, "euiccCancelSessionSignature", Kind::Signature),
];
static CANCEL_SIGNED: [Field; 3] = [TRANSACTION, f(0x81, "smdpOid", Kind::Oid), f(0x82, "reason", REASON)];

/// The bound profile package and its segments.
static PACKAGE: [Field; 5] = [
    fs(0xBF23, "initialiseSecureChannelRequest", Kind::Seq(&SECURE_CHANNEL), "SGP.22 §5.5.1"),
    fs(0xA0, "firstSequenceOf87", Kind::Of(&SEALED87), "SGP.22 §5.5.2"),
    fs(0xA1, "sequenceOf88", Kind::Of(&MACED88), "SGP.22 §5.5.3"),
    fs(0xA2, "secondSequenceOf87", Kind::Of(&KEYS87), "SGP.22 §5.5.4"),
    fs(0xA3, "sequenceOf86", Kind::Of(&SEALED86), "SGP.22 §5.5.5"),
];
static SECURE_CHANNEL: [Field; 5] = [
    f(0x82, "remoteOpId", Kind::Enum("1 installBoundProfilePackage")),
    TRANSACTION,
    f(0xA6, "controlRefTemplate", Kind::Seq(&CONTROL)),
    f(0x5F49, "smdpOtpk", Kind::Point),
    f(0x5F37, "smdpSign", Kind::Signature),
];
static CONTROL: [Field; 3] =
    [f(0x80, "keyType", Kind::Hex), f(0x81, "keyLen", Kind::Hex), f(0x84, "hostId", Kind::Hex)];
static SEALED87: [Field; 1] = [fs(0x87, "ConfigureISDP", Kind::Sealed, "SGP.22 §5.5.2")];
static KEYS87: [Field; 1] = [fs(0x87, "ReplaceSessionKeys", Kind::Sealed, "SGP.22 §5.5.4")];
static MACED88: [Field; 1] = [fs(0x88, "StoreMetadata", Kind::Maced(&METADATA_TLV), "SGP.22 §5.5.3")];
static SEALED86: [Field; 1] = [fs(0x86, "profile elements", Kind::Sealed, "SGP.22 §5.5.5")];
static METADATA_TLV: [Field; 1] = [f(0xBF25, "StoreMetadataRequest", Kind::Seq(&METADATA))];

/// The segments of a package as requests of their own.
pub(crate) static SEGMENTS: [Field; 8] = [
    fs(0xBF36, "BoundProfilePackage", Kind::Seq(&PACKAGE), "SGP.22 §5.7.6"),
    fs(0xA0, "firstSequenceOf87", Kind::Of(&SEALED87), "SGP.22 §5.5.2"),
    fs(0xA1, "sequenceOf88", Kind::Of(&MACED88), "SGP.22 §5.5.3"),
    fs(0xA2, "secondSequenceOf87", Kind::Of(&KEYS87), "SGP.22 §5.5.4"),
    fs(0xA3, "sequenceOf86", Kind::Of(&SEALED86), "SGP.22 §5.5.5"),
    fs(0x87, "sealed segment", Kind::Sealed, "SGP.22 §2.6.4"),
    fs(0x88, "StoreMetadata", Kind::Maced(&METADATA_TLV), "SGP.22 §5.5.3"),
    fs(0x86, "profile elements", Kind::Sealed, "SGP.22 §5.5.5"),
];

/// StoreMetadataRequest; SetNickname has two of its fields.
pub(crate) static METADATA: [Field; 11] = [
    f(0x5A, "iccid", Kind::Iccid),
    f(0x90, "profileNickname", Kind::Text),
    f(0x91, "serviceProviderName", Kind::Text),
    f(0x92, "profileName", Kind::Text),
    f(0x93, "iconType", Kind::Enum(ICON)),
    f(0x94, "icon", Kind::Picture),
    f(0x95, "profileClass", Kind::Enum(CLASS)),
    f(0xB6, "notificationConfigurationInfo", Kind::Of(&CONFIGURATIONS)),
    f(0xB7, "profileOwner", Kind::Seq(&OPERATOR)),
    fs(0x99, "profilePolicyRules", Kind::Bits(PPR), "SGP.22 §2.9.2.1"),
    f(0xBF76, "refArDo", Kind::Of(&ACCESS_RULES)),
];
static CONFIGURATIONS: [Field; 1] = [f(0x30, "notificationConfiguration", Kind::Seq(&CONFIGURATION))];
static CONFIGURATION: [Field; 2] =
    [f(0x80, "profileManagementOperation", Kind::Bits(EVENT)), f(0x81, "notificationAddress", Kind::Text)];
static OPERATOR: [Field; 3] =
    [f(0x80, "mccMnc", Kind::Plmn), f(0x81, "gid1", Kind::Hex), f(0x82, "gid2", Kind::Hex)];
static ACCESS_RULES: [Field; 1] = [f(0xE2, "RefArDo", Kind::Seq(&ACCESS_RULE))];
static ACCESS_RULE: [Field; 2] = [f(0xE1, "refDo", Kind::Seq(&REF_DO)), f(0xE3, "arDo", Kind::Seq(&AR_DO))];
static REF_DO: [Field; 2] = [f(0xC1, "deviceAppIdRefDo", Kind::Hex), f(0xCA, "pkgRefDo", Kind::Text)];
static AR_DO: [Field; 1] = [f(0xDB, "permArDo", Kind::Hex)];

static INSTALLATION_RESULT: [Field; 2] = [
    f(0xBF27, "profileInstallationResultData", Kind::Seq(&RESULT_DATA)),
    f(0x5F37, "euiccSignPIR", Kind::Signature),
];
static RESULT_DATA: [Field; 4] = [
    TRANSACTION,
    f(0xBF2F, "notificationMetadata", Kind::Seq(&NOTIFICATION)),
    f(0x06, "smdpOid", Kind::Oid),
    f(0xA2, "finalResult", Kind::Seq(&FINAL)),
];
static FINAL: [Field; 2] =
    [f(0xA0, "successResult", Kind::Seq(&SUCCESS)), f(0xA1, "errorResult", Kind::Seq(&ERROR_RESULT))];
static SUCCESS: [Field; 2] =
    [f(0x4F, "aid", Kind::Aid), f(0x04, "simaResponse", Kind::Inside(&EUICC_RESPONSE))];
static ERROR_RESULT: [Field; 3] = [
    f(
        0x80,
        "bppCommandId",
        Kind::Enum(
            "0 initialiseSecureChannel|1 configureISDP|2 storeMetadata|3 storeMetadata2|4 replaceSessionKeys|5 loadProfileElements",
        ),
    ),
    f(
        0x81,
        "errorReason",
        Kind::Enum(
            "1 incorrectInputValues|2 invalidSignature|3 invalidTransactionId|4 unsupportedCrtValues|5 unsupportedRemoteOperationType|6 unsupportedProfileClass|7 scp03tStructureError|8 scp03tSecurityError|9 installFailedDueToIccidAlreadyExistsOnEuicc|10 installFailedDueToInsufficientMemoryForProfile|11 installFailedDueToInterruption|12 installFailedDueToPEProcessingError|13 installFailedDueToDataMismatch|14 testProfileInstallFailedDueToInvalidNaaKey|15 pprNotAllowed|127 installFailedDueToUnknownError",
        ),
    ),
    f(0x82, "simaResponse", Kind::Inside(&EUICC_RESPONSE)),
];
/// TCA Interoperable Profile Format, `EUICCResponse`.
static EUICC_RESPONSE: [Field; 1] = [f(0x30, "EUICCResponse", Kind::Seq(&RESPONSE))];
static RESPONSE: [Field; 3] = [
    f(0xA0, "peStatus", Kind::Of(&PE_STATUSES)),
    f(0x81, "profileInstallationAborted", Kind::Hex),
    f(0x82, "statusMessage", Kind::Text),
];
static PE_STATUSES: [Field; 1] = [f(0x30, "PEStatus", Kind::Seq(&PE_STATUS))];
static PE_STATUS: [Field; 4] = [
    f(
        0x80,
        "status",
        Kind::Enum(
            "0 ok|1 pe-not-supported|2 memory-failure|3 bad-values|4 not-enough-memory|5 invalid-request-format|6 invalid-parameter|7 runtime-not-supported|8 lib-not-supported|9 template-not-supported|10 feature-not-supported|11 pin-code-missing|31 unsupported-profile-version",
        ),
    ),
    f(0x81, "identificationNumber", Kind::Int),
    f(0x82, "additional-information", Kind::Int),
    f(0x83, "offset", Kind::Int),
];

static NOTIFICATION: [Field; 4] = [
    f(0x80, "seqNumber", Kind::Int),
    f(0x81, "profileManagementOperation", Kind::Bits(EVENT)),
    f(0x0C, "notificationAddress", Kind::Text),
    f(0x5A, "iccid", Kind::Iccid),
];
static EVENTS: [Field; 1] = [f(0x81, "profileManagementOperation", Kind::Bits(EVENT))];
static NOTIFICATIONS: [Field; 2] = [
    f(0xA0, "notificationMetadataList", Kind::Of(&NOTIFICATION_LIST)),
    f(0x81, "listNotificationsResultError", Kind::Enum("127 undefinedError")),
];
static NOTIFICATION_LIST: [Field; 1] = [f(0xBF2F, "NotificationMetadata", Kind::Seq(&NOTIFICATION))];
static RETRIEVE: [Field; 1] = [f(0xA0, "searchCriteria", Kind::Seq(&CRITERIA))];
static CRITERIA: [Field; 2] =
    [f(0x80, "seqNumber", Kind::Int), f(0x81, "profileManagementOperation", Kind::Bits(EVENT))];
static RETRIEVED: [Field; 2] = [
    f(0xA0, "notificationList", Kind::Of(&PENDING)),
    f(0x81, "notificationsListResultError", Kind::Enum("1 noResultAvailable|127 undefinedError")),
];
/// PendingNotification.
pub(crate) static PENDING: [Field; 2] = [
    fs(0xBF37, "profileInstallationResult", Kind::Seq(&INSTALLATION_RESULT), "SGP.22 §2.5.6"),
    f(0x30, "otherSignedNotification", Kind::Seq(&OTHER_NOTIFICATION)),
];
static OTHER_NOTIFICATION: [Field; 4] = [
    f(0xBF2F, "tbsOtherNotification", Kind::Seq(&NOTIFICATION)),
    f(0x5F37, "euiccNotificationSignature", Kind::Signature),
    fs(0x30, "euiccCertificate", CERT, "SGP.22 §4.5.2"),
    fs(0x30, "eumCertificate", CERT, "SGP.22 §4.5.2"),
];
static SEQUENCE_NUMBER: [Field; 1] = [f(0x80, "seqNumber", Kind::Int)];
static SENT: [Field; 1] =
    [f(0x80, "deleteNotificationStatus", Kind::Enum("0 ok|1 nothingToDelete|127 undefinedError"))];

static LIST: [Field; 2] = [f(0xA0, "searchCriteria", Kind::Seq(&SEARCH)), f(0x5C, "tagList", Kind::Tags)];
static SEARCH: [Field; 3] = [
    f(0x4F, "isdpAid", Kind::Aid),
    f(0x5A, "iccid", Kind::Iccid),
    f(0x95, "profileClass", Kind::Enum(CLASS)),
];
static LISTED: [Field; 2] = [
    f(0xA0, "profileInfoListOk", Kind::Of(&PROFILES)),
    f(0x81, "profileInfoListError", Kind::Enum("1 incorrectInputValues|127 undefinedError")),
];
static PROFILES: [Field; 1] = [f(0xE3, "ProfileInfo", Kind::Seq(&PROFILE_INFO))];
static PROFILE_INFO: [Field; 14] = [
    f(0x5A, "iccid", Kind::Iccid),
    f(0x4F, "isdpAid", Kind::Aid),
    f(0x9F70, "profileState", Kind::Enum("0 disabled|1 enabled")),
    f(0x90, "profileNickname", Kind::Text),
    f(0x91, "serviceProviderName", Kind::Text),
    f(0x92, "profileName", Kind::Text),
    f(0x93, "iconType", Kind::Enum(ICON)),
    f(0x94, "icon", Kind::Picture),
    f(0x95, "profileClass", Kind::Enum(CLASS)),
    f(0xB6, "notificationConfigurationInfo", Kind::Of(&CONFIGURATIONS)),
    f(0xB7, "profileOwner", Kind::Seq(&OPERATOR)),
    f(0xB8, "dpProprietaryData", Kind::Seq(&DP_DATA)),
    fs(0x99, "profilePolicyRules", Kind::Bits(PPR), "SGP.22 §2.9.2.1"),
    f(0xBF76, "refArDo", Kind::Of(&ACCESS_RULES)),
];
static DP_DATA: [Field; 1] = [f(0x06, "dpOid", Kind::Oid)];
static STATE: [Field; 2] =
    [f(0xA0, "profileIdentifier", Kind::Seq(&PROFILE)), f(0x81, "refreshFlag", Kind::Bool)];
static PROFILE: [Field; 2] = [f(0x4F, "isdpAid", Kind::Aid), f(0x5A, "iccid", Kind::Iccid)];
static ENABLED: [Field; 1] = [f(
    0x80,
    "enableResult",
    Kind::Enum(
        "0 ok|1 iccidOrAidNotFound|2 profileNotInDisabledState|3 disallowedByPolicy|4 wrongProfileReenabling|5 catBusy|127 undefinedError",
    ),
)];
static DISABLED: [Field; 1] = [f(
    0x80,
    "disableResult",
    Kind::Enum(
        "0 ok|1 iccidOrAidNotFound|2 profileNotInEnabledState|3 disallowedByPolicy|5 catBusy|127 undefinedError",
    ),
)];
static DELETED: [Field; 1] = [f(
    0x80,
    "deleteResult",
    Kind::Enum(
        "0 ok|1 iccidOrAidNotFound|2 profileNotInDisabledState|3 disallowedByPolicy|127 undefinedError",
    ),
)];
static RESET: [Field; 1] = [f(
    0x82,
    "resetOptions",
    Kind::Bits("deleteOperationalProfiles|deleteFieldLoadedTestProfiles|resetDefaultSmdpAddress"),
)];
static RESET_DONE: [Field; 1] =
    [f(0x80, "resetResult", Kind::Enum("0 ok|1 nothingToDelete|5 catBusy|127 undefinedError"))];
static NICKNAMED: [Field; 1] =
    [f(0x80, "setNicknameResult", Kind::Enum("0 ok|1 iccidNotFound|127 undefinedError"))];
static EUICC_DATA_REQUEST: [Field; 1] = [f(0x5C, "tagList", Kind::Tags)];
static EUICC_DATA: [Field; 1] = [f(0x5A, "eidValue", Kind::Eid)];
static CHALLENGE: [Field; 1] = [f(0x80, "euiccChallenge", Kind::Hex)];
static ADDRESSES: [Field; 2] =
    [f(0x80, "defaultDpAddress", Kind::Text), f(0x81, "rootDsAddress", Kind::Text)];
static DEFAULT_ADDRESS: [Field; 1] = [f(0x80, "defaultDpAddress", Kind::Text)];
static ADDRESS_SET: [Field; 1] =
    [f(0x80, "setDefaultDpAddressResult", Kind::Enum("0 ok|127 undefinedError"))];
static LPAE: [Field; 1] = [f(0x80, "lpaeOption", Kind::Bits("activateCatBasedLpae|activateScwsBasedLpae"))];
static LPAE_DONE: [Field; 1] = [f(0x80, "lpaeActivationResult", Kind::Enum("0 ok|1 notSupported"))];
static RAT: [Field; 1] = [f(0xA0, "rat", Kind::Of(&RULES))];
static RULES: [Field; 1] = [fs(0x30, "ProfilePolicyAuthorisationRule", Kind::Seq(&RULE), "SGP.22 §2.9.3")];
static RULE: [Field; 3] = [
    f(0x80, "pprIds", Kind::Bits(PPR)),
    f(0xA1, "allowedOperators", Kind::Of(&OPERATORS)),
    f(0x82, "pprFlags", Kind::Bits("consentRequired")),
];
static OPERATORS: [Field; 1] = [f(0x30, "OperatorId", Kind::Seq(&OPERATOR))];
static LOAD_CRL: [Field; 1] = [f(0x30, "crl", Kind::Seq(&CRL))];
static LOADED_CRL: [Field; 2] = [
    f(0xA0, "loadCRLResponseOk", Kind::Seq(&MISSING)),
    f(
        0x81,
        "loadCRLResponseError",
        Kind::Enum(
            "1 invalidSignature|2 invalidCRLFormat|3 notEnoughMemorySpace|4 verificationKeyNotFound|5 fresherCrlAlreadyLoaded|6 baseCrlMissing|127 undefinedError",
        ),
    ),
];
static MISSING: [Field; 1] = [f(0xA0, "missingParts", Kind::Of(&[]))];

/// Answer to SELECT of an application (GlobalPlatform §11.9, SGP.22 §5.7.1).
pub(crate) static FCI: [Field; 3] = [
    f(0x84, "DF name", Kind::Aid),
    f(0xA5, "proprietary information", Kind::Seq(&FCI_PROPRIETARY)),
    fs(0xE0, "ISDRProprietaryApplicationTemplate", Kind::Seq(&ISDR), "SGP.22 §5.7.1"),
];
static FCI_PROPRIETARY: [Field; 2] = [
    f(0x9F65, "maximum length of command data", Kind::Int),
    f(0x73, "security domain management data", Kind::Hex),
];
static ISDR: [Field; 2] = [
    f(0x82, "svn", Kind::Version),
    f(0x03, "lpaeSupport", Kind::Bits("lpaeUsingCat|lpaeUsingScws|enabledProfile|lpaeUsingE4E")),
];

/// Results that tell a failure although the status word is `9000`: the first of these nodes
/// with another value than `0 ok`.
pub(crate) static RESULTS: [&str; 19] = [
    "authenticateErrorCode",
    "downloadErrorCode",
    "cancelSessionResponseError",
    "errorReason",
    "listNotificationsResultError",
    "notificationsListResultError",
    "deleteNotificationStatus",
    "profileInfoListError",
    "enableResult",
    "disableResult",
    "deleteResult",
    "resetResult",
    "setNicknameResult",
    "setDefaultDpAddressResult",
    "lpaeActivationResult",
    "loadCRLResponseError",
    "initiateAuthenticationError",
    "authenticateClientError",
    "cancelSessionError",
];
