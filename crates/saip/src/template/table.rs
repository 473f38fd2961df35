//! Annex A of the format (section 9 tables): one row a file, in the order of the
//! context tags. Facts transcribed from the tables of the TCA format as Osmocom's
//! pySim has them, file identifiers checked against the TS.48 profiles; a test
//! compares every row with that transcription. Uncertain there: the service and
//! size of EF.eAKA, the identifier of EF.MuDMiDConfigData.

use super::Row;
use super::rows::{bt, cy, df, lf, tr};

/// Files at MF.
pub(super) const MF: &[Row] = &[
    df(2, "MF", Some(0x3F00), 14),
    tr(3, "EF.PL", 0x2F05, Some(2), 1).sfi(5).filled(0xFF),
    tr(4, "EF.ICCID", 0x2FE2, Some(10), 11).content_required(),
    lf(5, "EF.DIR", 0x2F00, None, None, 10).sfi(30).content_required(),
    lf(6, "EF.ARR", 0x2F06, None, None, 10).content_required(),
    tr(7, "EF.UMPC", 0x2F08, Some(5), 10).sfi(8),
];

/// Files at DF.CD.
pub(super) const CD: &[Row] = &[
    df(2, "DF.CD", Some(0x7F11), 14),
    tr(3, "EF.LAUNCHPAD", 0x6F01, None, 2).below(&[0x7F11]).content_required(),
    tr(4, "EF.ICON", 0x6F40, None, 2).to(0x6F7E).below(&[0x7F11]).content_required(),
];

/// Files at DF.TELECOM.
pub(super) const TELECOM: &[Row] = &[
    df(2, "DF.TELECOM", Some(0x7F10), 14),
    lf(3, "EF.ARR", 0x6F06, None, None, 10).below(&[0x7F10]).content_required(),
    lf(4, "EF.RMA", 0x6F53, None, None, 3).below(&[0x7F10]).content_required(),
    tr(5, "EF.SUME", 0x6F54, Some(22), 3).below(&[0x7F10]).content_required(),
    lf(6, "EF.ICE_DN", 0x6FE0, Some(50), Some(24), 9).below(&[0x7F10]).filled(0xFF),
    lf(7, "EF.ICE_FF", 0x6FE1, None, None, 9).below(&[0x7F10]).filled(0xFF),
    lf(8, "EF.PSISMSC", 0x6FE5, None, None, 5).below(&[0x7F10]).content_required().services(&[12, 91]),
    df(9, "DF.GRAPHICS", Some(0x5F50), 14).below(&[0x7F10]),
    lf(10, "EF.IMG", 0x4F20, None, None, 2).below(&[0x7F10, 0x5F50]).filled_between(&[0x00], 0xFF, &[]),
    tr(11, "EF.IIDF", 0x4F40, None, 2).to(0x4F7F).below(&[0x7F10, 0x5F50]).filled(0xFF),
    bt(12, "EF.ICE_GRAPHICS", 0x4F21, None, 9).below(&[0x7F10, 0x5F50]),
    tr(13, "EF.LAUNCH_SCWS", 0x4F01, None, 10).below(&[0x7F10, 0x5F50]).content_required(),
    tr(14, "EF.ICON", 0x4F80, None, 10).to(0x4FBF).below(&[0x7F10, 0x5F50]).content_required(),
    df(15, "DF.PHONEBOOK", Some(0x5F3A), 14).below(&[0x7F10]),
    lf(16, "EF.PBR", 0x4F30, None, None, 2).below(&[0x7F10, 0x5F3A]).content_required(),
    lf(17, "EF.EXT1", 0x4F38, None, Some(13), 5).to(0x4F3F).below(&[0x7F10, 0x5F3A]).filled_between(&[0x00], 0xFF, &[]).sfi_required(),
    lf(18, "EF.AAS", 0x4F40, None, None, 5).to(0x4F47).below(&[0x7F10, 0x5F3A]).filled(0xFF),
    lf(19, "EF.GAS", 0x4F48, None, None, 5).to(0x4F4F).below(&[0x7F10, 0x5F3A]).filled(0xFF),
    tr(20, "EF.PSC", 0x4F22, Some(4), 5).below(&[0x7F10, 0x5F3A]).value(&[0x00, 0x00, 0x00, 0x00]).sfi_required(),
    tr(21, "EF.CC", 0x4F23, Some(2), 5).below(&[0x7F10, 0x5F3A]).value(&[0x00, 0x00]).high_update().sfi_required(),
    tr(22, "EF.PUID", 0x4F24, Some(2), 5).below(&[0x7F10, 0x5F3A]).value(&[0x00, 0x00]).high_update().sfi_required(),
    lf(23, "EF.IAP", 0x4F50, None, None, 5).to(0x4F57).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    lf(24, "EF.ADN", 0x4F58, None, None, 5).to(0x4F5F).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    lf(25, "EF.PBC", 0x4F60, None, Some(2), 5).to(0x4F67).below(&[0x7F10, 0x5F3A]).filled(0x00).sfi_required(),
    lf(26, "EF.ANR", 0x4F68, None, None, 5).to(0x4F6F).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    lf(27, "EF.PURI", 0x4F70, None, None, 5).to(0x4F77).below(&[0x7F10, 0x5F3A]).content_required().sfi_required(),
    lf(28, "EF.EMAIL", 0x4F78, None, None, 5).to(0x4F7F).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    lf(29, "EF.SNE", 0x4F80, None, None, 5).to(0x4F87).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    lf(30, "EF.UID", 0x4F88, None, Some(2), 5).to(0x4F8F).below(&[0x7F10, 0x5F3A]).value(&[0x00, 0x00]).sfi_required(),
    lf(31, "EF.GRP", 0x4F90, None, None, 5).to(0x4F97).below(&[0x7F10, 0x5F3A]).filled(0x00).sfi_required(),
    lf(32, "EF.CCP1", 0x4F98, None, None, 5).to(0x4F9F).below(&[0x7F10, 0x5F3A]).filled(0xFF).sfi_required(),
    df(33, "DF.MULTIMEDIA", Some(0x5F3B), 14).below(&[0x7F10]).services(&[67]),
    bt(34, "EF.MML", 0x4F47, None, 5).below(&[0x7F10, 0x5F3B]).services(&[67]),
    bt(35, "EF.MMDF", 0x4F48, None, 5).below(&[0x7F10, 0x5F3B]).services(&[67]),
    df(36, "DF.MMSS", Some(0x5F3C), 14).below(&[0x7F10]),
    tr(37, "EF.MLPL", 0x4F20, None, 2).below(&[0x7F10, 0x5F3C]).sfi(1).content_required(),
    tr(38, "EF.MSPL", 0x4F21, None, 2).below(&[0x7F10, 0x5F3C]).sfi(2).content_required(),
    tr(39, "EF.MMSSMODE", 0x4F22, Some(1), 2).below(&[0x7F10, 0x5F3C]).sfi(3).content_required(),
    df(40, "DF.MCS", Some(0x5F3D), 14).below(&[0x7F10]).naa_services(109, 15).since(2),
    tr(41, "EF.MST", 0x4F01, None, 2).below(&[0x7F10, 0x5F3D]).sfi(1).content_required().naa_services(109, 15).since(2),
    bt(42, "EF.MCS_CONFIG", 0x4F02, None, 2).below(&[0x7F10, 0x5F3D]).sfi(2).content_required().naa_services(109, 15).since(2),
    df(43, "DF.V2X", Some(0x5F3E), 14).below(&[0x7F10]).services(&[119]).since(2),
    tr(44, "EF.VST", 0x4F01, None, 2).below(&[0x7F10, 0x5F3E]).sfi(1).content_required().services(&[119]).since(2),
    bt(45, "EF.V2X_CONFIG", 0x4F02, None, 2).below(&[0x7F10, 0x5F3E]).sfi(2).content_required().services(&[119]).since(2),
    tr(46, "EF.V2XP_PC5", 0x4F03, None, 2).below(&[0x7F10, 0x5F3E]).content_required().services(&[119]).since(2),
    tr(47, "EF.V2XP_Uu", 0x4F04, None, 2).below(&[0x7F10, 0x5F3E]).content_required().services(&[119]).since(2),
];

/// Mandatory Files at ADF.USIM.
pub(super) const USIM: &[Row] = &[
    df(2, "ADF.USIM", None, 14),
    tr(3, "EF.IMSI", 0x6F07, Some(9), 2).sfi(7).content_required(),
    lf(4, "EF.ARR", 0x6F06, None, None, 10).sfi(23).content_required(),
    tr(5, "EF.Keys", 0x6F08, Some(33), 5).sfi(8).filled_between(&[0x07], 0xFF, &[]).high_update(),
    tr(6, "EF.KeysPS", 0x6F09, Some(33), 5).sfi(9).filled_between(&[0x07], 0xFF, &[]).high_update(),
    tr(7, "EF.HPPLMN", 0x6F31, Some(1), 2).sfi(18).value(&[0x0A]),
    tr(8, "EF.UST", 0x6F38, Some(14), 2).sfi(4).content_required().until(1),
    tr(8, "EF.UST", 0x6F38, Some(17), 2).sfi(4).content_required().since(2),
    lf(9, "EF.FDN", 0x6F3B, Some(20), Some(26), 8).filled(0xFF).services(&[2, 89]),
    lf(10, "EF.SMS", 0x6F3C, Some(10), Some(176), 5).filled_between(&[0x00], 0xFF, &[]).services(&[10]),
    lf(11, "EF.SMSP", 0x6F42, Some(1), Some(38), 5).filled(0xFF).services(&[12]),
    tr(12, "EF.SMSS", 0x6F43, Some(2), 5).value(&[0xFF, 0xFF]).services(&[10]),
    tr(13, "EF.SPN", 0x6F46, Some(17), 10).content_required().services(&[19]),
    tr(14, "EF.EST", 0x6F56, Some(1), 8).sfi(5).content_required().services(&[2, 6, 34, 35]),
    tr(15, "EF.START-HFN", 0x6F5B, Some(6), 5).sfi(15).value(&[0xF0, 0x00, 0x00, 0xF0, 0x00, 0x00]).high_update(),
    tr(16, "EF.THRESHOLD", 0x6F5C, Some(3), 2).sfi(16).value(&[0xFF, 0xFF, 0xFF]),
    tr(17, "EF.PSLOCI", 0x6F73, Some(14), 5).sfi(12).value(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0x01]).high_update(),
    tr(18, "EF.ACC", 0x6F78, Some(2), 2).sfi(6).content_required(),
    tr(19, "EF.FPLMN", 0x6F7B, Some(12), 5).sfi(13).filled(0xFF),
    tr(20, "EF.LOCI", 0x6F7E, Some(11), 5).sfi(11).value(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0x01]).high_update(),
    tr(21, "EF.AD", 0x6FAD, Some(4), 10).sfi(3).value(&[0x00, 0x00, 0x00, 0x02]),
    lf(22, "EF.ECC", 0x6FB7, Some(1), Some(4), 10).sfi(1).content_required(),
    tr(23, "EF.NETPAR", 0x6FC4, Some(128), 5).filled(0xFF).high_update(),
    tr(24, "EF.EPSLOCI", 0x6FE3, Some(18), 5).sfi(30).value(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x01]).high_update().services(&[85]),
    lf(25, "EF.EPSNSC", 0x6FE4, Some(1), Some(80), 5).sfi(24).filled(0xFF).high_update().services(&[85]),
];

/// Optional Files at ADF.USIM.
pub(super) const OPT_USIM: &[Row] = &[
    tr(2, "EF.LI", 0x6F05, Some(6), 1).sfi(2).filled(0xFF),
    tr(3, "EF.ACMmax", 0x6F37, Some(3), 5).value(&[0x00, 0x00, 0x00]).services(&[13]),
    cy(4, "EF.ACM", 0x6F39, Some(1), Some(3), 7).value(&[0x00, 0x00, 0x00]).high_update().services(&[13]),
    tr(5, "EF.GID1", 0x6F3E, Some(8), 2).content_required().services(&[17]),
    tr(6, "EF.GID2", 0x6F3F, Some(8), 2).content_required().services(&[18]),
    lf(7, "EF.MSISDN", 0x6F40, Some(1), Some(24), 2).filled(0xFF).services(&[21]),
    tr(8, "EF.PUCT", 0x6F41, Some(5), 5).value(&[0xFF, 0xFF, 0xFF, 0x00, 0x00]).services(&[13]),
    tr(9, "EF.CBMI", 0x6F45, Some(10), 5).filled(0xFF).services(&[15]),
    tr(10, "EF.CBMID", 0x6F48, Some(10), 2).sfi(14).filled(0xFF).services(&[29]),
    lf(11, "EF.SDN", 0x6F49, Some(10), Some(24), 2).filled(0xFF).services(&[4, 89]),
    lf(12, "EF.EXT2", 0x6F4B, Some(10), Some(13), 8).filled_between(&[0x00], 0xFF, &[]).services(&[3]),
    lf(13, "EF.EXT3", 0x6F4C, Some(10), Some(13), 2).filled_between(&[0x00], 0xFF, &[]).services(&[5]),
    tr(14, "EF.CBMIR", 0x6F50, Some(20), 5).filled(0xFF).services(&[16]),
    tr(15, "EF.PLMNwAcT", 0x6F60, Some(40), 5).sfi(10).repeats(&[0xFF, 0xFF, 0xFF, 0x00, 0x00]).services(&[20]),
    tr(16, "EF.OPLMNwAcT", 0x6F61, Some(40), 2).sfi(17).repeats(&[0xFF, 0xFF, 0xFF, 0x00, 0x00]).services(&[42]),
    tr(17, "EF.HPLMNwAcT", 0x6F62, Some(5), 2).sfi(19).repeats(&[0xFF, 0xFF, 0xFF, 0x00, 0x00]).services(&[43]),
    tr(18, "EF.DCK", 0x6F2C, Some(16), 5).filled(0xFF).services(&[36]),
    tr(19, "EF.CNL", 0x6F32, Some(30), 2).filled(0xFF).services(&[37]),
    lf(20, "EF.SMSR", 0x6F47, Some(10), Some(30), 5).filled_between(&[0x00], 0xFF, &[]).services(&[11]),
    lf(21, "EF.BDN", 0x6F4D, Some(10), Some(25), 8).filled(0xFF).services(&[6]),
    lf(22, "EF.EXT5", 0x6F4E, Some(10), Some(13), 5).filled_between(&[0x00], 0xFF, &[]).services(&[44]),
    lf(23, "EF.CCP2", 0x6F4F, Some(5), Some(15), 5).sfi(22).filled(0xFF).services(&[14]),
    lf(24, "EF.EXT4", 0x6F55, Some(10), Some(13), 8).filled_between(&[0x00], 0xFF, &[]).services(&[7]),
    tr(25, "EF.ACL", 0x6F57, Some(101), 8).filled_between(&[0x00], 0xFF, &[]).services(&[35]),
    lf(26, "EF.CMI", 0x6F58, Some(10), Some(11), 2).filled(0xFF).services(&[6]),
    cy(27, "EF.ICI", 0x6F80, Some(20), Some(38), 5).sfi(20).filled_between(&[], 0xFF, &[0x00, 0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]).high_update().services(&[9]),
    cy(28, "EF.OCI", 0x6F81, Some(20), Some(37), 5).sfi(21).filled_between(&[], 0xFF, &[0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]).high_update().services(&[8]),
    cy(29, "EF.ICT", 0x6F82, Some(1), Some(3), 7).value(&[0x00, 0x00, 0x00]).high_update().services(&[9]),
    cy(30, "EF.OCT", 0x6F83, Some(1), Some(3), 7).value(&[0x00, 0x00, 0x00]).high_update().services(&[8]),
    tr(31, "EF.VGCS", 0x6FB1, Some(20), 2).content_required().services(&[57]),
    tr(32, "EF.VGCSS", 0x6FB2, Some(7), 5).content_required().services(&[57]),
    tr(33, "EF.VBS", 0x6FB3, Some(20), 2).content_required().services(&[58]),
    tr(34, "EF.VBSS", 0x6FB4, Some(7), 5).content_required().services(&[58]),
    tr(35, "EF.eMLPP", 0x6FB5, Some(2), 2).content_required().services(&[24]),
    tr(36, "EF.AaeM", 0x6FB6, Some(1), 5).value(&[0x00]).services(&[25]),
    tr(37, "EF.HiddenKey", 0x6FC3, Some(4), 5).filled(0xFF),
    lf(38, "EF.PNN", 0x6FC5, Some(10), Some(16), 10).sfi(25).content_required().services(&[45]),
    lf(39, "EF.OPL", 0x6FC6, Some(5), Some(8), 10).sfi(26).content_required().services(&[46]),
    lf(40, "EF.MBDN", 0x6FC7, Some(3), Some(24), 5).content_required().services(&[47]),
    lf(41, "EF.EXT6", 0x6FC8, Some(10), Some(13), 5).filled_between(&[0x00], 0xFF, &[]).services(&[47]),
    lf(42, "EF.MBI", 0x6FC9, Some(10), Some(5), 5).content_required().services(&[47]),
    lf(43, "EF.MWIS", 0x6FCA, Some(10), Some(6), 5).filled(0x00).high_update().services(&[48]),
    lf(44, "EF.CFIS", 0x6FCB, Some(10), Some(16), 5).filled_between(&[0x01, 0x00], 0xFF, &[]).services(&[49]),
    lf(45, "EF.EXT7", 0x6FCC, Some(10), Some(13), 5).filled_between(&[0x00], 0xFF, &[]).services(&[49]),
    tr(46, "EF.SPDI", 0x6FCD, Some(17), 2).sfi(27).content_required().services(&[51]),
    lf(47, "EF.MMSN", 0x6FCE, Some(10), Some(6), 5).filled_between(&[0x00, 0x00, 0x00], 0xFF, &[]).services(&[52]),
    lf(48, "EF.EXT8", 0x6FCF, Some(10), Some(13), 5).filled_between(&[0x00], 0xFF, &[]).services(&[53]),
    tr(49, "EF.MMSICP", 0x6FD0, Some(100), 2).filled(0xFF).services(&[52]),
    lf(50, "EF.MMSUP", 0x6FD1, None, None, 5).filled(0xFF).services(&[52]),
    tr(51, "EF.MMSUCP", 0x6FD2, Some(100), 5).filled(0xFF).services(&[52, 55]),
    lf(52, "EF.NIA", 0x6FD3, Some(5), Some(11), 2).filled(0xFF).services(&[56]),
    tr(53, "EF.VGCSCA", 0x6FD4, None, 2).filled(0x00).services(&[64]),
    tr(54, "EF.VBSCA", 0x6FD5, None, 2).filled(0x00).services(&[65]),
    tr(55, "EF.GBABP", 0x6FD6, None, 5).filled(0xFF).services(&[68]),
    lf(56, "EF.MSK", 0x6FD7, None, None, 2).filled(0xFF).high_update().services(&[69]),
    lf(57, "EF.MUK", 0x6FD8, None, None, 2).filled(0xFF).services(&[69]),
    tr(58, "EF.EHPLMN", 0x6FD9, Some(15), 2).sfi(29).filled(0xFF).services(&[71]),
    lf(59, "EF.GBANL", 0x6FDA, None, None, 2).filled(0xFF).services(&[68]),
    tr(60, "EF.EHPLMNPI", 0x6FDB, Some(1), 2).value(&[0x00]).services(&[71, 73]),
    tr(61, "EF.LRPLMNSI", 0x6FDC, Some(1), 2).value(&[0x00]).services(&[74]),
    lf(62, "EF.NAFKCA", 0x6FDD, None, None, 2).filled(0xFF).services(&[68, 76]),
    tr(63, "EF.SPNI", 0x6FDE, None, 10).filled_between(&[0x00], 0xFF, &[]).services(&[78]),
    lf(64, "EF.PNNI", 0x6FDF, None, None, 10).filled_between(&[0x00], 0xFF, &[]).services(&[79]),
    lf(65, "EF.NCP-IP", 0x6FE2, None, None, 2).content_required().services(&[80]),
    tr(66, "EF.UFC", 0x6FE6, Some(30), 10).value(&[0x80, 0x1E, 0x60, 0xC0, 0x1E, 0x90, 0x00, 0x80, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80]),
    tr(67, "EF.NASCONFIG", 0x6FE8, Some(18), 2).content_required().services(&[96]),
    lf(68, "EF.UICCIARI", 0x6FE7, None, None, 2).content_required().services(&[95]),
    tr(69, "EF.PWS", 0x6FEC, None, 10).content_required().services(&[97]),
    lf(70, "EF.FDNURI", 0x6FED, None, None, 8).filled(0xFF).services(&[2, 99]),
    lf(71, "EF.BDNURI", 0x6FEE, None, None, 8).filled(0xFF).services(&[6, 99]),
    lf(72, "EF.SDNURI", 0x6FEF, None, None, 2).filled(0xFF).services(&[4, 99]),
    lf(73, "EF.IAL", 0x6FF0, None, None, 3).filled(0xFF).services(&[102]),
    cy(74, "EF.IPS", 0x6FF1, None, Some(4), 10).filled(0xFF).high_update().services(&[102]),
    lf(75, "EF.IPD", 0x6FF2, None, None, 3).filled(0xFF).high_update().services(&[102]),
    tr(76, "EF.EPDGID", 0x6FF3, None, 2).content_required().all_services(&[106, 107]).since(2),
    tr(77, "EF.EPDGSELECTION", 0x6FF4, None, 2).content_required().all_services(&[106, 107]).since(2),
    tr(78, "EF.EPDGIDEM", 0x6FF5, None, 2).content_required().all_services(&[110, 111]).since(2),
    tr(79, "EF.EPDGSELECTIONEM", 0x6FF6, None, 2).content_required().all_services(&[110, 111]).since(2),
    tr(80, "EF.FromPreferred", 0x6FF7, Some(1), 2).value(&[0x00]).services(&[114]).since(2),
    bt(81, "EF.IMSConfigData", 0x6FF8, None, 2).content_required().services(&[115]).since(2),
    tr(82, "EF.3GPPPSDataOff", 0x6FF9, Some(4), 2).content_required().services(&[117]).since(2),
    lf(83, "EF.3GPPPSDATAOFFservicelist", 0x6FFA, None, None, 2).content_required().services(&[118]).since(2),
    bt(84, "EF.XCAPConfigData", 0x6FFC, None, 2).content_required().services(&[120]).since(2),
    tr(85, "EF.EARFCNLIST", 0x6FFD, None, 10).content_required().services(&[121]).since(2),
    bt(86, "EF.MuDMiDConfigData", 0x6FFE, None, 2).content_required().services(&[134]).since(2),
    tr(87, "EF.eAKA", 0x6F01, Some(1), 3).content_required().services(&[134]).since(3),
];

/// DF.PHONEBOOK Files at ADF.USIM.
pub(super) const PHONEBOOK: &[Row] = &[
    df(2, "DF.PHONEBOOK", Some(0x5F3A), 14),
    lf(3, "EF.PBR", 0x4F30, None, None, 2).below(&[0x5F3A]).content_required(),
    lf(4, "EF.EXT1", 0x4F38, None, Some(13), 5).to(0x4F3F).below(&[0x5F3A]).filled_between(&[0x00], 0xFF, &[]).sfi_required(),
    lf(5, "EF.AAS", 0x4F40, None, None, 5).to(0x4F47).below(&[0x5F3A]).filled(0xFF),
    lf(6, "EF.GAS", 0x4F48, None, None, 5).to(0x4F4F).below(&[0x5F3A]).filled(0xFF),
    tr(7, "EF.PSC", 0x4F22, Some(4), 5).below(&[0x5F3A]).value(&[0x00, 0x00, 0x00, 0x00]).sfi_required(),
    tr(8, "EF.CC", 0x4F23, Some(2), 5).below(&[0x5F3A]).value(&[0x00, 0x00]).high_update().sfi_required(),
    tr(9, "EF.PUID", 0x4F24, Some(2), 5).below(&[0x5F3A]).value(&[0x00, 0x00]).high_update().sfi_required(),
    lf(10, "EF.IAP", 0x4F50, None, None, 5).to(0x4F57).below(&[0x5F3A]).filled(0xFF).sfi_required(),
    lf(11, "EF.ADN", 0x4F58, None, None, 5).to(0x4F5F).below(&[0x5F3A]).filled(0xFF).sfi_required(),
    lf(12, "EF.PBC", 0x4F60, None, Some(2), 5).to(0x4F67).below(&[0x5F3A]).filled(0x00).sfi_required(),
    lf(13, "EF.ANR", 0x4F68, None, None, 5).to(0x4F6F).below(&[0x5F3A]).filled(0xFF).sfi_required(),
    lf(14, "EF.PURI", 0x4F70, None, None, 5).to(0x4F77).below(&[0x5F3A]).content_required().sfi_required(),
    lf(15, "EF.EMAIL", 0x4F78, None, None, 5).to(0x4F7F).below(&[0x5F3A]).filled(0xFF).sfi_required(),
    lf(16, "EF.SNE", 0x4F80, None, None, 5).to(0x4F87).below(&[0x5F3A]).filled(0xFF).sfi_required(),
    lf(17, "EF.UID", 0x4F88, None, Some(2), 5).to(0x4F8F).below(&[0x5F3A]).value(&[0x00, 0x00]).sfi_required(),
    lf(18, "EF.GRP", 0x4F90, None, None, 5).to(0x4F97).below(&[0x5F3A]).filled(0x00).sfi_required(),
    lf(19, "EF.CCP1", 0x4F98, None, None, 5).to(0x4F9F).below(&[0x5F3A]).filled(0xFF).sfi_required(),
];

/// DF.GSM-ACCESS Files at ADF.USIM.
pub(super) const GSM_ACCESS: &[Row] = &[
    df(2, "DF.GSM-ACCESS", Some(0x5F3B), 14).services(&[27]),
    tr(3, "EF.Kc", 0x4F20, Some(9), 5).below(&[0x5F3B]).sfi(1).filled_between(&[], 0xFF, &[0x07]).high_update().services(&[27]),
    tr(4, "EF.KcGPRS", 0x4F52, Some(9), 5).below(&[0x5F3B]).sfi(2).filled_between(&[], 0xFF, &[0x07]).high_update().services(&[27]),
    tr(5, "EF.CPBCCH", 0x4F63, Some(10), 5).below(&[0x5F3B]).filled(0xFF).high_update().services(&[39]),
    tr(6, "EF.InvScan", 0x4F64, Some(1), 2).below(&[0x5F3B]).value(&[0x00]).services(&[40]),
];

/// DF.5GS Files at ADF.USIM.
pub(super) const DF_5GS: &[Row] = &[
    df(2, "DF.5GS", Some(0x5FC0), 14).services(&[122, 126, 127, 128, 129, 130]),
    tr(3, "EF.5GS3GPPLOCI", 0x4F01, Some(20), 5).below(&[0x5FC0]).sfi(1).value(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x01]).high_update().services(&[122]),
    tr(4, "EF.5GSN3GPPLOCI", 0x4F02, Some(20), 5).below(&[0x5FC0]).sfi(2).value(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x01]).high_update().services(&[122]),
    lf(5, "EF.5GS3GPPNSC", 0x4F03, Some(1), Some(57), 5).below(&[0x5FC0]).sfi(3).filled(0xFF).high_update().services(&[122]).until(2),
    lf(5, "EF.5GS3GPPNSC", 0x4F03, Some(2), Some(62), 5).below(&[0x5FC0]).sfi(3).filled(0xFF).high_update().services(&[122, 136]).since(3),
    lf(6, "EF.5GSN3GPPNSC", 0x4F04, Some(1), Some(57), 5).below(&[0x5FC0]).sfi(4).filled(0xFF).high_update().services(&[122]).until(2),
    lf(6, "EF.5GSN3GPPNSC", 0x4F04, Some(2), Some(62), 5).below(&[0x5FC0]).sfi(4).filled(0xFF).high_update().services(&[122, 136]).since(3),
    tr(7, "EF.5GAUTHKEYS", 0x4F05, Some(110), 5).below(&[0x5FC0]).sfi(5).content_required().high_update().services(&[123]),
    tr(8, "EF.UAC_AIC", 0x4F06, Some(4), 2).below(&[0x5FC0]).sfi(6).content_required().services(&[126]),
    tr(9, "EF.SUCI_Calc_Info", 0x4F07, None, 2).below(&[0x5FC0]).sfi(7).filled(0xFF).services(&[124]),
    lf(10, "EF.OPL5G", 0x4F08, None, Some(10), 10).below(&[0x5FC0]).sfi(8).filled(0xFF).services(&[129]),
    tr(11, "EF.SUPI_NAI", 0x4F09, None, 2).below(&[0x5FC0]).sfi(9).content_required().services(&[130]),
    tr(12, "EF.Routing_Indicator", 0x4F0A, Some(4), 2).below(&[0x5FC0]).sfi(10).value(&[0xF0, 0xFF, 0xFF, 0xFF]).services(&[124]).until(3),
    tr(12, "EF.Routing_Indicator", 0x4F0A, Some(4), 2).below(&[0x5FC0]).sfi(10).value(&[0xF0, 0xFF, 0x00, 0x00]).services(&[124]).since(4),
    bt(13, "EF.URSP", 0x4F0B, None, 2).below(&[0x5FC0]).services(&[132]).since(2),
    tr(14, "EF.TN3GPPSNN", 0x4F0C, Some(1), 2).below(&[0x5FC0]).sfi(12).value(&[0x00]).services(&[135]).since(2),
    tr(15, "EF.CAG", 0x4F0D, Some(2), 2).below(&[0x5FC0]).sfi(13).content_required().services(&[137]).since(4),
    tr(16, "EF.SOR_CMCI", 0x4F0E, None, 2).below(&[0x5FC0]).sfi(14).content_required().services(&[138]).since(4),
    tr(17, "EF.DRI", 0x4F0F, Some(7), 2).below(&[0x5FC0]).sfi(15).content_required().services(&[150]).since(4),
    tr(18, "EF.5GSEDRX", 0x4F10, Some(2), 2).below(&[0x5FC0]).sfi(16).content_required().services(&[141]).since(4),
    tr(19, "EF.5GNSWO_CONF", 0x4F11, Some(1), 2).below(&[0x5FC0]).sfi(17).content_required().services(&[142]).since(4),
    tr(20, "EF.MCHPPLMN", 0x4F15, Some(1), 2).below(&[0x5FC0]).sfi(21).content_required().services(&[144]).since(4),
    tr(21, "EF.KAUSF_DERIVATION", 0x4F16, Some(1), 2).below(&[0x5FC0]).sfi(22).content_required().services(&[145]).since(4),
];

/// DF.SAIP Files at ADF.USIM.
pub(super) const DF_SAIP: &[Row] = &[
    df(2, "DF.SAIP", Some(0x5FD0), 14).all_services(&[124, 125]),
    tr(3, "EF.SUCICalcInfo", 0x4F01, None, 3).below(&[0x5FD0]).filled(0xFF).services(&[125]),
];

/// DF.SNPN Files at ADF.USIM.
pub(super) const DF_SNPN: &[Row] = &[
    df(2, "DF.SNPN", Some(0x5FE0), 14).services(&[143]),
    tr(3, "EF.PWS_SNPN", 0x4F01, Some(1), 10).below(&[0x5FE0]).content_required().services(&[143]),
];

/// DF.ProSe Files at ADF.USIM.
pub(super) const DF_5G_PROSE: &[Row] = &[
    df(2, "DF.5G_ProSe", Some(0x5FF0), 14).services(&[139]),
    tr(3, "EF.5G_PROSE_ST", 0x4F01, Some(1), 2).below(&[0x5FF0]).sfi(1).content_required().services(&[139]),
    tr(4, "EF.5G_PROSE_DD", 0x4F02, Some(26), 2).below(&[0x5FF0]).sfi(2).content_required().all_services(&[139, 1001]),
    tr(5, "EF.5G_PROSE_DC", 0x4F03, Some(12), 2).below(&[0x5FF0]).sfi(3).content_required().all_services(&[139, 1002]),
    tr(6, "EF.5G_PROSE_U2NRU", 0x4F04, Some(32), 2).below(&[0x5FF0]).sfi(4).content_required().all_services(&[139, 1003]),
    tr(7, "EF.5G_PROSE_RU", 0x4F05, Some(29), 2).below(&[0x5FF0]).sfi(5).content_required().all_services(&[139, 1004]),
    tr(8, "EF.5G_PROSE_UIR", 0x4F06, Some(32), 2).below(&[0x5FF0]).sfi(6).content_required().all_services(&[139, 1005]),
];

/// Mandatory Files at ADF.ISIM.
pub(super) const ISIM: &[Row] = &[
    df(2, "ADF.ISIM", None, 14),
    tr(3, "EF.IMPI", 0x6F02, None, 2).sfi(2).content_required(),
    lf(4, "EF.IMPU", 0x6F04, Some(1), None, 2).sfi(4).content_required(),
    tr(5, "EF.Domain", 0x6F03, None, 2).sfi(5).content_required(),
    tr(6, "EF.IST", 0x6F07, Some(14), 2).sfi(7).content_required(),
    tr(7, "EF.AD", 0x6FAD, Some(3), 10).sfi(3).value(&[0x00, 0x00, 0x00]),
    lf(8, "EF.ARR", 0x6F06, None, None, 10).sfi(6).content_required(),
];

/// Optional Files at ADF.ISIM.
pub(super) const OPT_ISIM: &[Row] = &[
    lf(2, "EF.PCSCF", 0x6F09, Some(1), None, 2).content_required().services(&[1, 5]),
    lf(3, "EF.SMS", 0x6F3C, Some(10), Some(176), 5).filled_between(&[0x00], 0xFF, &[]).services(&[6, 8]),
    lf(4, "EF.SMSP", 0x6F42, Some(1), Some(38), 5).filled(0xFF).services(&[8]),
    tr(5, "EF.SMSS", 0x6F43, Some(2), 5).value(&[0xFF, 0xFF]).services(&[6, 8]),
    lf(6, "EF.SMSR", 0x6F47, Some(10), Some(30), 5).filled_between(&[0x00], 0xFF, &[]).services(&[7, 8]),
    tr(7, "EF.GBABP", 0x6FD5, None, 5).filled(0xFF).services(&[2]),
    lf(8, "EF.GBANL", 0x6FD7, None, None, 2).filled(0xFF).services(&[2]),
    lf(9, "EF.NAFKCA", 0x6FDD, None, None, 2).filled(0xFF).services(&[2, 4]),
    lf(10, "EF.UICCIARI", 0x6FE7, None, None, 2).content_required().services(&[10]),
    tr(11, "EF.FromPreferred", 0x6FF7, Some(1), 2).value(&[0x00]).services(&[17]).since(2),
    bt(12, "EF.IMSConfigData", 0x6FF8, None, 2).content_required().services(&[18]).since(2),
    bt(13, "EF.XCAPConfigData", 0x6FFC, None, 2).content_required().services(&[19]).since(2),
    lf(14, "EF.WebRTCURI", 0x6FFA, None, None, 2).content_required().services(&[20]).since(2),
    bt(15, "EF.MuDMiDConfigData", 0x6FFE, None, 2).content_required().services(&[21]).since(2),
];

/// Files at DF.EAP.
pub(super) const EAP: &[Row] = &[
    df(2, "DF.EAP", None, 14).all_services(&[124, 125]),
    tr(3, "EF.EAPKEYS", 0x4F01, None, 2).content_required().high_update(),
    tr(4, "EF.EAPSTATUS", 0x4F02, Some(1), 2).value(&[0x00]).high_update(),
    tr(5, "EF.PUId", 0x4F03, None, 2).content_required(),
    tr(6, "EF.Ps", 0x4F04, None, 5).filled(0xFF).high_update(),
    tr(7, "EF.CurID", 0x4F20, None, 5).filled(0xFF).high_update(),
    tr(8, "EF.RelID", 0x4F21, None, 5).content_required(),
    tr(9, "EF.Realm", 0x4F22, None, 5).content_required(),
];
