// What the command line has of packages but does not need, and what it would cost at each start: their texts, changed in the
// bundle alone. Where a text is no longer what it was the build fails.
import MagicString from "magic-string";

const EDITS = [
  {
    why: "LangChain makes a run of LangSmith's for each step, and with it a client (the largest of all modules) also where nothing is traced",
    file: /[\\/]langsmith[\\/]lib[\\/]run_trees\.m?js$/,
    from: "const client = config.client ?? RunTree.getSharedClient();",
    to: "const { client } = config; if (client === undefined) Object.defineProperty(this, 'client', { enumerable: true, get: () => RunTree.getSharedClient(), set: () => undefined });",
  },
  {
    why: "what AsyncLocalStorage would keep is made also where there is none to keep it",
    file: /[\\/]@langchain[\\/]core[\\/]dist[\\/]singletons[\\/]async_local_storage[\\/]index\.js$/,
    from: "else if (!avoidCreatingRootRunTree) runTree",
    to: "else if (!avoidCreatingRootRunTree && storage !== mockAsyncLocalStorage) runTree",
  },
  {
    why: "the Web's crypto is loaded by Node when it is first used, Node's own is there already",
    file: /[\\/]@langchain[\\/]core[\\/]dist[\\/]utils[\\/]uuid[\\/]rng\.js$/,
    from: "return crypto.getRandomValues(rnds8);",
    to: 'return process.getBuiltinModule("node:crypto").randomFillSync(rnds8);',
  },
  {
    why: "as before",
    file: /[\\/]@langchain[\\/]core[\\/]dist[\\/]utils[\\/]uuid[\\/]v4\.js$/,
    from: "if (!buf && !options && crypto.randomUUID) return crypto.randomUUID();",
    to: 'if (!buf && !options) return process.getBuiltinModule("node:crypto").randomUUID();',
  },
];

const made = new Set();

export const editedPackages = {
  name: "edited-packages",
  transform(code, id) {
    const edit = EDITS.find(({ file }) => file.test(id));
    if (edit === undefined) return null;
    if (!code.includes(edit.from)) throw new Error(`${id} is not what it was: see scripts/edited-packages.mjs`);
    made.add(edit);
    const text = new MagicString(code).replaceAll(edit.from, edit.to);
    return { code: text.toString(), map: text.generateMap({ hires: "boundary" }) };
  },
};

/** Throws where an edit found nothing to change: the package has its text elsewhere by now. */
export function assertAllEdited() {
  for (const edit of EDITS)
    if (!made.has(edit))
      throw new Error(`no file of the bundle is ${String(edit.file)}: see scripts/edited-packages.mjs`);
}
