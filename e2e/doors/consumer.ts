// What a user of the package writes in TypeScript; checked with `tsc --strict`. Each expected
// error must be one: tsc complains of those that are none.
import { Euicc, exposeTestPki, type ApduEvent, type Options, type Storage } from 'wasm-euicc';

const storage: Storage = { file: 'chip.nvm' };
const options: Options = { eid: '89049032123451234512345678901235', memory: 1 << 19, storage };
const chip: Euicc = await Euicc.create(options);
const atr: Uint8Array = await chip.reset();
const response: Uint8Array = await chip.transmit(new Uint8Array([0x00, 0x70, 0x00, 0x00, 0x01]));
const stop: () => void = chip.on('apdu', ({ command, response, ms }: ApduEvent) => {
  const sum: number = command.length + response.length + ms;
  void sum;
});
chip.on('trace', ({ text }) => text.toUpperCase());
const file: Uint8Array = await chip.snapshot();
const restored = await Euicc.create({ snapshot: file, storage: { indexedDB: 'mine' } });
const pki: Record<string, Uint8Array> = await exposeTestPki({ seed: 'x' });
stop();
await restored.close();

// @ts-expect-error a chip is made with create()
new Euicc();
// @ts-expect-error bytes, not text
await chip.transmit('0070000001');
// @ts-expect-error no such option
await Euicc.create({ sead: 'x' });
// @ts-expect-error no such storage
await Euicc.create({ storage: 'disk' });
// @ts-expect-error no such event
chip.on('aplu', () => {});
// @ts-expect-error a trace has no command
chip.on('trace', ({ command }) => command);
void [atr, response, pki];
