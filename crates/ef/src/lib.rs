//! The files of a UICC.
