// Plays a recorded session to the chip and times it, in Node and in a browser's worker alike.
// Between two replays the bare P-256 operations have their turn.
export async function replay({ Euicc, Bare }, session) {
  const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const steps = session.steps.map(({ name, apdus }) => ({ name, apdus: apdus.map((pair) => [...pair.map(bytes), []]) }));
  const names = Object.keys(session.bare);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  const bare = new Bare();
  // The first round, which compiles the module's hot code, does not count.
  for (let round = -1; round < session.rounds; round += 1) {
    const chip = await Euicc.create({ seed: session.seed, randomSeed: session.chance });
    for (const step of steps) {
      for (const [command, expected, times] of step.apdus) {
        const start = performance.now();
        const response = chip.transmitSync(command);
        if (round >= 0) times.push(performance.now() - start);
        if (response.length !== expected.length || !response.every((byte, at) => byte === expected[at])) {
          throw new Error(`${step.name}: the chip answers otherwise than natively`);
        }
      }
    }
    await chip.close();
    for (const name of names) {
      for (let repeat = 0; repeat < session.repeats; repeat += 1) {
        const start = performance.now();
        bare[name]();
        if (round >= 0) times[name].push(performance.now() - start);
      }
    }
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return {
    // As many medians on both sides, as natively.
    steps: Object.fromEntries(steps.map(({ name, apdus }) => [name, apdus.reduce((sum, [, , times]) => sum + median(times), 0)])),
    bare: Object.fromEntries(names.map((name) => [name, median(times[name])])),
  };
}
