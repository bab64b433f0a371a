/** Answers to a question by word. Only the whole word or its first letter is one: a sentence that begins alike decides nothing. Pure. */

/** What each word stands for; the words begin with different letters. */
export type Choices<T> = Readonly<Record<string, T>>;

export function chosen<T>(choices: Choices<T>, answer: string): T | undefined {
  const typed = answer.trim().toLowerCase();
  return Object.entries(choices).find(([word]) => typed === word || typed === word.slice(0, 1))?.[1];
}

export function lettersOf<T>(choices: Choices<T>): string {
  return Object.keys(choices)
    .map((word) => word.slice(0, 1))
    .join(", ");
}
