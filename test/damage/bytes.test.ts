/**
 * Bytes of snapshot, journal and backup flipped in turn, by one bit and by all, and files cut in turn: noticed or harmless,
 * never wrong data, never a crash. The gate damages each byte that guards others (places.ts) and every seventh of the
 * rest; `npm run test:damage` each byte, which gives the figures of docs/durability.md.
 */
import { afterAll, describe, expect, test } from "vitest";
import { everyByte, guardsAndSample } from "./places.js";
import { askEverything, makeSpecimen, type Answer, type Answers, type Specimen, type StoredFile } from "./specimen.js";

const isDeep = process.env["DRAFTSTATE_DAMAGE_DEPTH"] === "full";
const placesIn = isDeep ? everyByte : guardsAndSample;

interface Tally {
  damages: number;
  harmless: number;
  noticed: number;
  "cut between records": number;
  wrong: number;
}

const tallies: Record<string, Tally> = {};
afterAll(() => console.table(tallies));

function isWrong(answer: Answer, specimen: Specimen): boolean {
  return "crash" in answer || ("state" in answer && !specimen.truths.has(answer.state));
}

function isPresent(answer: Answer, specimen: Specimen): boolean {
  return "state" in answer && answer.state === specimen.present;
}

/** A file that ends where a record ended could have ended there: nothing in it can tell. See docs/durability.md, limits. */
function endsWithARecord(file: StoredFile, damaged: Uint8Array): boolean {
  return (
    file.key.name.endsWith(".journal") &&
    damaged.length < file.bytes.length &&
    (damaged.length === 0 || damaged.at(-1) === 0x0a)
  );
}

function judge(specimen: Specimen, answers: Answers, cleanCut: boolean): string {
  const { load, backup, opened, restored, listed, verified, verifiedAfter } = answers;
  for (const [name, answer] of Object.entries({ load, backup, opened, restored })) {
    if (isWrong(answer, specimen)) return `${name} gave ${JSON.stringify(answer)}`;
  }
  if (listed.startsWith("crash") || listed === "") return `ls gave ${listed}`;
  if (verifiedAfter === false) return "the writer left something that verify complains of";
  const whole = isPresent(load, specimen) && isPresent(opened, specimen);
  if (verified && !whole)
    return cleanCut
      ? "cut between records"
      : `unnoticed: load ${JSON.stringify(load)}, opened ${JSON.stringify(opened)}`;
  return verified ? "harmless" : "noticed";
}

async function damageEach(
  specimen: Specimen,
  which: (file: StoredFile) => boolean,
  damages: (bytes: Uint8Array) => Iterable<Uint8Array>,
): Promise<{ tally: Tally; wrong: string[] }> {
  const tally: Tally = { damages: 0, harmless: 0, noticed: 0, "cut between records": 0, wrong: 0 };
  const wrong: string[] = [];
  const file = specimen.files.find(which);
  if (file === undefined) throw new Error("the specimen lacks such a file");
  for (const bytes of damages(file.bytes)) {
    const files = specimen.files.map((each) => (each === file ? { key: file.key, bytes } : each));
    const verdict = judge(specimen, await askEverything(files), endsWithARecord(file, bytes));
    tally.damages += 1;
    if (verdict in tally) tally[verdict as keyof Tally] += 1;
    else wrong.push(`${file.key.name}, damage ${tally.damages}: ${verdict}`);
  }
  tally.wrong = wrong.length;
  return { tally, wrong };
}

function* flips(bytes: Uint8Array, mask: (index: number) => number, oneOf = 1): Generator<Uint8Array> {
  for (const index of oneIn(placesIn(bytes), oneOf)) {
    const damaged = Uint8Array.from(bytes);
    damaged[index] = (damaged[index] ?? 0) ^ mask(index);
    yield damaged;
  }
}

function oneIn(places: readonly number[], oneOf: number): readonly number[] {
  return places.filter((_place, index) => index % oneOf === 0);
}

function* cuts(bytes: Uint8Array, oneOf: number): Generator<Uint8Array> {
  for (const length of oneIn(placesIn(bytes), oneOf)) yield bytes.slice(0, length);
}

/** A different bit at each byte, so that each of the eight is flipped many times. */
const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Iterable<Uint8Array>>> = {
  "one bit flipped": (bytes) => flips(bytes, (index) => 1 << (index % 8)),
  // Every checksum that sees one bit sees eight: in the gate at one of the same places in five.
  "all bits flipped": (bytes) => flips(bytes, () => 0xff, isDeep ? 1 : 5),
  cut: (bytes) => cuts(bytes, isDeep ? 1 : 3),
};

const FILES: Readonly<Record<string, { compression: "none" | "gzip"; which: (file: StoredFile) => boolean }>> = {
  snapshot: { compression: "none", which: ({ key }) => key.area === "state" && key.name.endsWith(".json") },
  journal: { compression: "none", which: ({ key }) => key.name.endsWith(".journal") },
  backup: { compression: "none", which: ({ key }) => key.area === "backup" },
  "backup, gzip": { compression: "gzip", which: ({ key }) => key.area === "backup" },
};

describe.each(Object.entries(FILES))("a byte of a %s", (name, { compression, which }) => {
  test.each(Object.entries(DAMAGES))("%s is noticed or harmless", { timeout: 240_000 }, async (damage, damages) => {
    const { tally, wrong } = await damageEach(await makeSpecimen(compression), which, damages);
    tallies[`${name}: ${damage}`] = tally;
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(tally.noticed).toBeGreaterThan(0);
  });
});

test("an undamaged conversation answers all with what it is", async () => {
  const specimen = await makeSpecimen("none");
  const answers = await askEverything(specimen.files);
  expect(judge(specimen, answers, false)).toBe("harmless");
  expect(answers).toMatchObject({
    verified: true,
    verifiedAfter: true,
    load: { state: specimen.present },
    opened: { state: specimen.present },
  });
});
