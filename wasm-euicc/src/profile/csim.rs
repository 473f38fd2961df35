//! CSIM, as far as a chip without CAVE goes: its files can be created.

use saip::File;

/// Bytes of a CSIM file whose size the profile leaves to the template, by its
/// identifier: those of 3GPP2 C.S0065 §3.4, which the CSIM templates of the
/// profile package repeat; at least what its content and pattern need.
pub(super) fn size(fid: u16, file: &File) -> u32 {
    let standard = match fid {
        // EF.CallCount: one record.
        0x6F21 => 2,
        // EF.IMSI_M, EF.IMSI_T, EF.TMSI, EF.AH, EF.AOP, EF.ALOC
        0x6F22 | 0x6F23 => 10,
        0x6F24 => 16,
        0x6F25 => 2,
        0x6F26 => 1,
        0x6F27 => 7,
        // EF.SNREGI, EF.DISTREGI, EF.ACCOLC, EF.TERM, EF.SSCI, EF.ACP
        0x6F2A => 7,
        0x6F2B => 8,
        0x6F2C..=0x6F2E => 1,
        0x6F2F => 7,
        // EF.SPC, EF.OTAPASPC, EF.NAMLOCK, EF.SP, EF.ESN_MEID_ME
        0x6F33 => 3,
        0x6F34 | 0x6F35 | 0x6F37 => 1,
        0x6F38 => 8,
        // EF.SPN, EF.USGIND, EF.AD, EF.SPCS
        0x6F41 => 35,
        0x6F42 => 1,
        0x6F43 => 3,
        0x6F46 => 1,
        // EF.ME3GPDOPC, EF.3GPDOPM, EF.SIPCAP, EF.MIPCAP, EF.SIPSP
        0x6F48 | 0x6F49 => 1,
        0x6F4A => 4,
        0x6F4B => 5,
        0x6F4E => 1,
        // EF.MECRP, EF.HRPDCAP, EF.CSSPR, EF.ATC
        0x6F55 | 0x6F56 => 3,
        0x6F58 | 0x6F59 => 1,
        // EF.3GCIK, EF.SF_EUIMID, EF.Model
        0x6F6B => 32,
        0x6F74 => 7,
        0x6F81 => 126,
        _ => 0,
    };
    let pattern = file.fcp().and_then(|fcp| fcp.fill_pattern().or_else(|| fcp.repeat_pattern()));
    let needed = file.content_end().max(pattern.map_or(0, <[u8]>::len));
    u32::try_from(needed).unwrap_or(u32::MAX).max(standard)
}
