/**
 * A list that grew, told by its bytes: JSON of the list before, without its closing bracket, begins the JSON of the list
 * after. Nothing is parsed, so it costs a comparison of bytes. Pure.
 */
const [OPEN, CLOSE, COMMA] = [0x5b, 0x5d, 0x2c];
const SHORTEST = "[0]".length;

/** JSON of the list of items that were added; undefined where the list did not grow at its end. */
export function addedItems(before: Uint8Array, after: Uint8Array): Uint8Array | undefined {
  const shared = before.length - 1;
  if (!isList(before) || !isList(after) || before.length < SHORTEST || after.length <= before.length) return undefined;
  if (after[shared] !== COMMA || Buffer.compare(before.subarray(0, shared), after.subarray(0, shared)) !== 0)
    return undefined;
  const added = Buffer.from(after.subarray(shared));
  added[0] = OPEN;
  return added;
}

/** JSON of a list that is not empty, and of those that were added to it one after another. */
export function joinLists(lists: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = lists;
  if (first === undefined || others.length === 0) return first ?? Buffer.from("[]");
  const parts = others.flatMap((list) => [Buffer.of(COMMA), list.subarray(1, -1)]);
  return Buffer.concat([first.subarray(0, -1), ...parts, Buffer.of(CLOSE)]);
}

function isList(json: Uint8Array): boolean {
  return json[0] === OPEN && json.at(-1) === CLOSE;
}
