/** How often and from which seed: fixed in the gate, so that a run repeats; more, and others, by `npm run test:properties`. */
const FACTOR = Number(process.env["DRAFTSTATE_RUNS"] ?? 1);
const SEED = Number(process.env["DRAFTSTATE_SEED"] ?? 20260114);

export function runs(inTheGate: number): { numRuns: number; seed: number } {
  return { numRuns: inTheGate * FACTOR, seed: SEED };
}

/** For so many runs, at a leisurely pace. */
export function timeFor(inTheGate: number): { timeout: number } {
  return { timeout: 30_000 + inTheGate * FACTOR * 1000 };
}
