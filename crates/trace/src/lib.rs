//! What passes between the parties.
