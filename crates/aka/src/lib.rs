//! Authentication and key agreement: MILENAGE, TUAK, the XOR test algorithm, SQN; card and network side.
