//! ISO 7816-4 command and response APDUs, classes and channels, status words.
