/**
 * What all objects of a process inherit from. A name that a recipe computes leads there through any draft (`draft[a][b] = 1`
 * with `__proto__`, or by `constructor` and `prototype`): what it assigns there is taken back before anyone else can see it.
 */
const TYPES = [Object, Array, String, Number, Boolean, Function] as const;
const SHARED: readonly object[] = [...TYPES, ...TYPES.map((type): object => type.prototype as object)];

interface Kept {
  readonly owner: object;
  /** What was assigned to it; what the language puts there cannot be enumerated. */
  readonly assigned: readonly string[];
  readonly values: readonly (readonly [key: PropertyKey, property: PropertyDescriptor])[];
}

function keep(owner: object): Kept {
  const properties = Reflect.ownKeys(owner).map((key) => [key, Reflect.getOwnPropertyDescriptor(owner, key)] as const);
  const values = properties.flatMap(([key, property]) =>
    property !== undefined && "value" in property ? [[key, property] as const] : [],
  );
  return { owner, assigned: Object.keys(owner), values };
}

function isUnchanged({ owner, assigned, values }: Kept): boolean {
  if (Object.keys(owner).length !== assigned.length) return false;
  for (const [key, { value }] of values) if (!Object.is(Reflect.get(owner, key), value)) return false;
  return true;
}

function restore({ owner, assigned, values }: Kept): void {
  for (const key of Object.keys(owner)) if (!assigned.includes(key)) Reflect.deleteProperty(owner, key);
  for (const [key, property] of values)
    if (!Object.is(Reflect.get(owner, key), property.value)) Reflect.defineProperty(owner, key, property);
}

/** As last seen: outside of recipes a program may extend them as it likes. */
let kept: readonly Kept[] | undefined;

/** Remembers them as they are; the function that it gives is false where they were changed since, and puts them back. */
export function guardIntrinsics(): () => boolean {
  if (kept?.every(isUnchanged) !== true) kept = SHARED.map(keep);
  const before = kept;
  return () => {
    const changed = before.filter((each) => !isUnchanged(each));
    for (const each of changed) restore(each);
    return changed.length === 0;
  };
}
