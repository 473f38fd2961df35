/** Where a chip lives. */
export type Storage =
  /** It lasts as long as the object does. */
  | 'memory'
  /**
   * Node: a journal in a file that only its owner may read, durable when an answer is given
   * (append and fsync; replaced by rename). `cargo xtask euicc --state` reads the same file. A
   * second program on it is kept away by `FILE.lock`.
   */
  | { file: string }
  /** Dedicated Web Workers: two files in the origin private file system; one worker at a time. */
  | { opfs: string }
  /**
   * Browsers, workers: a database, for where there is no OPFS. The bytes are written behind, with
   * durability `strict`; an answer is given when they are there. One tab or worker at a time.
   */
  | { indexedDB: string };

/** What a chip shall be; all of it may be left out. */
export interface Options {
  /** The EID of a new chip: 32 digits. */
  eid?: string;
  /**
   * What the certificates and keys of a new chip are made from: 64 hexadecimal digits, or any
   * text. With the same seed it is the same chip. Nothing here is a secret to rely on: without a
   * seed every chip is made from the empty text.
   */
  seed?: string;
  /** Non-volatile memory of a new chip, in bytes. */
  memory?: number;
  /** AID of a new chip's ISD-R, 5 to 16 bytes in hexadecimal. */
  isdrAid?: string;
  /** Whether a new chip comes with a bootstrap profile, enabled; otherwise it comes empty. */
  bootstrap?: boolean;
  /**
   * Everything of a new chip: the JSON that `Factory::from_json` of the Rust crate documents,
   * such as `/lab/chip.json` of `cargo xtask dev`. Not together with `eid`, `seed`, `sgp26`.
   */
  factory?: object;
  /**
   * Node: the folder with GSMA's published test certificates (SGP.26, NIST P-256), whose eUICC
   * the new chip is. Not together with `eid`, `seed`, `factory`.
   */
  sgp26?: string;
  /** The chip that `snapshot()` gave, into a storage that is empty or damaged. */
  snapshot?: Uint8Array;
  /** Where the chip lives; where one lives already it is that one. `'memory'` if not given. */
  storage?: Storage;
  /**
   * Makes the chip's randomness one that can be had again: challenges and one-time keys come from
   * this text. For recorded sessions; such a chip is no use against anybody else.
   */
  randomSeed?: string;
}

/** A command and its response. The bytes are the caller's own: PINs and keys in them show. */
export interface ApduEvent {
  command: Uint8Array;
  /** Response data and status word. */
  response: Uint8Array;
  /** How long it took until it was durable, in milliseconds. */
  ms: number;
}

/**
 * What the chip has to say of itself: the rule that a request broke, the profile element that
 * failed. No real chip tells it. It never holds a secret.
 */
export interface TraceEvent {
  text: string;
}

/** What can be listened to. */
export interface Events {
  apdu: ApduEvent;
  trace: TraceEvent;
}

/** An SGP.22 eUICC in software, for tests. */
export declare class Euicc {
  private constructor();

  /** Makes a chip, or powers up the one that lives in the storage. */
  static create(options?: Options): Promise<Euicc>;

  /**
   * Executes a command APDU (short or extended); the result is response data and status word.
   * Rejected only when the chip is closed or its storage failed: then the chip stands before this
   * command, as after a power failure, once it is made anew.
   */
  transmit(command: Uint8Array): Promise<Uint8Array>;

  /** The same at once; not for `indexedDB`, where it throws when something was written. */
  transmitSync(command: Uint8Array): Uint8Array;

  /** Resets the chip; the result is the answer to reset (ATR). */
  reset(): Promise<Uint8Array>;

  /** The same at once; not for `indexedDB`. */
  resetSync(): Uint8Array;

  /**
   * The whole chip as one file: profiles, counters, PINs and **every secret key, in the clear**.
   * NO REAL CHIP ALLOWS THIS. It is for tests: keep a chip before an experiment, give a colleague
   * the chip that fails. `Euicc.create({ snapshot })` restores it. What is volatile (channels,
   * sessions, verified PINs) is not in it, as after a power failure.
   */
  snapshot(): Promise<Uint8Array>;

  /** Listens until the function that it returns is called. Nobody listens by default. */
  on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): () => void;

  /** Ends the power and lets go of the storage. */
  close(): Promise<void>;
}

/**
 * The test PKI of a seed as files by name, **private keys among them**: certificates in DER
 * (`CERT_CI.der`, `CERT_DPauth.der` …), keys in PEM (`SK_DPauth.pem` …). An SM-DP+ with these
 * serves the chips of the same seed.
 */
export declare function exposeTestPki(options?: {
  seed?: string;
  eid?: string;
  /** The host name in the SM-DP+'s TLS certificate; `smdp.example` if not given. */
  smdpAddress?: string;
}): Promise<Record<string, Uint8Array>>;
