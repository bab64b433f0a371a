/** A short story from a prompt, a chapter number and a seed: the same for the same, different for different. Pure. */

export interface StoryRequest {
  readonly prompt: string;
  /** How many times the user has spoken: later chapters continue. */
  readonly chapter: number;
  readonly seed: number;
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value;
}

/** Mulberry32 (Tommy Ettinger, public domain): 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const HEROES = [
  "a lighthouse keeper named Ines",
  "an old clockmaker called Tobias",
  "a young cartographer, Mara",
  "a night-train conductor, Aurel",
  "a beekeeper named Solveig",
  "the last archivist of a flooded town",
];
const PLACES = [
  "on an island that the maps forgot",
  "in a harbour where the fog had its own street",
  "at the edge of a salt desert",
  "under a bridge that sang in the wind",
  "in a valley where echoes arrived late",
  "in a library built inside a ship",
];
const FINDS = [
  "a letter that had been written tomorrow",
  "a key that was warm in the hand",
  "a map with a road still being drawn",
  "a bell that rang only for the truth",
  "a lamp that remembered every face",
  "a notebook that kept its own last page",
];
const TROUBLES = [
  "But the storm took half of it away",
  "But nobody believed a word of it",
  "But each night one line of it went missing",
  "But the tide wanted it back",
  "But the more it was copied, the less it said",
  "But a stranger had come with the other half",
];
const TURNS = [
  "so a rope was tied to the railing, and the long climb down began",
  "so the story was told again from the start, slowly, and nothing was left out",
  "so every word was written down the moment it was spoken",
  "so a fire was lit on the highest stone, and they waited",
  "so the doors were opened, one after another, until one of them answered",
];
const ENDINGS = [
  "In the morning everything was where it had been left, and that was the wonder of it.",
  "What was found that day is still kept there, in plain sight, for anyone who asks.",
  "And when the light went out, the story did not: it went on exactly where it had stopped.",
  "They never learned who had sent it, only that it had arrived whole.",
  "From then on nothing that was said there was ever lost.",
];

function subjectOf(prompt: string): string | undefined {
  const match = /\babout\s+(.{2,60}?)(?:[.!?,\n]|$)/i.exec(prompt);
  return match?.[1]?.trim();
}

export function tellStory({ prompt, chapter, seed }: StoryRequest): string {
  const random = randomFrom(hash(`${seed}/${chapter}/${prompt}`));
  const pick = (choices: readonly string[]): string => choices[Math.floor(random() * choices.length)] ?? "";
  const subject = subjectOf(prompt);
  const opening = chapter > 1 ? "The next chapter begins with" : "Once there was";
  const asked = subject === undefined ? "" : ` It was to be a story about ${subject}, and so it was.`;
  return [
    `${opening} ${pick(HEROES)}, who lived ${pick(PLACES)}.${asked}`,
    `One evening, between two waves of wind, there lay ${pick(FINDS)} on the doorstep. Nobody had knocked. ${pick(TROUBLES)}, ${pick(TURNS)}.`,
    `It took three days and most of the courage in the house. On the first day there was only rain; on the second, a voice that knew all their names; on the third, silence, and then a small clear sound, like a page being turned.`,
    pick(ENDINGS),
  ].join("\n\n");
}
