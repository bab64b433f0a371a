import tseslint from "typescript-eslint";
import { AGENT_GATES, PACKAGES, ROOMS } from "./architecture.js";

const isWithin = (owner, room) => owner === room || owner === `${room}.ts` || owner.startsWith(`${room}/`);

/** Given a terminal to draw on: by a screen of safe rows, a spinner, a question. */
const DRAWING = ["src/cli/chat/console.ts", "src/cli/terminal/screen/spinner.ts", "src/cli/terminal/input/prompt.ts"];

/** Import rules of one room, from the table in architecture.js. Files with a right of their own are told by test/architecture.test.ts. */
function importRules(room, allowed) {
  const rooms = Object.keys(ROOMS).filter(
    (other) => other !== room && !allowed.includes(other) && !(room === "cli" && other === "agent"),
  );
  const packages = Object.entries(PACKAGES)
    .filter(([, owners]) => !owners.some((owner) => isWithin(owner, room)))
    .map(([name]) => name);
  return {
    files: [`src/${room}.ts`, `src/${room}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            ...rooms.map((other) => ({
              // Relative imports: a package may be called as a room is.
              regex: `^\\.{1,2}/(?:.*/)?${other}(?:\\.js$|/)`,
              message: `${room} may not import ${other}: see architecture.js`,
            })),
            ...packages.map((name) => ({
              regex: `^${name.replaceAll("/", "\\/")}(\\/|$)`,
              message: `${name} has no place in ${room}: see architecture.js`,
            })),
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["*.js", "bin/*.js", "scripts/*.{mjs,cjs}"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        {
          argsIgnorePattern: "^_",
          varsIgnorePattern: "^_",
          destructuredArrayIgnorePattern: "^_",
          ignoreRestSiblings: true,
        },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // Patches take fields away by name: that is what they are for.
      "@typescript-eslint/no-dynamic-delete": "off",
      // Contracts promise promises; an implementation without a wait is still one of them.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "no-restricted-globals": [
        "error",
        { name: "process", message: "import it from node:process, in cli, storage/system.ts or create-manager.ts" },
      ],
      "no-restricted-syntax": ["error", { selector: "ExportDefaultDeclaration", message: "named exports only" }],
    },
  },
  ...Object.entries(ROOMS).map(([room, allowed]) => importRules(room, allowed)),
  {
    files: ["src/cli/**/*.ts"],
    ignores: AGENT_GATES.map((file) => `src/${file}`),
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["**/agent/*", "**/agent/**"], message: "the agent is loaded by chat alone: see architecture.js" },
          ],
        },
      ],
    },
  },
  {
    // Each of these owns a stream, or draws on one for a person; all else goes through Output, which makes it safe.
    files: ["src/**/*.ts"],
    ignores: ["src/cli/output.ts", "src/cli/entry.ts"],
    rules: {
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "named exports only" },
        {
          selector: "MemberExpression[property.name=/^(stdout|stderr)$/]",
          message: "cli/output.ts is the only door to a terminal",
        },
      ],
    },
  },
  {
    files: ["src/cli/**/*.ts"],
    ignores: ["src/cli/output.ts", ...DRAWING],
    rules: {
      "no-restricted-properties": [
        "error",
        ...["terminal", "errorTerminal"].map((property) => ({
          object: "output",
          property,
          message: "write through Output, or draw with terminal/screen",
        })),
      ],
    },
  },
  {
    files: ["**/*.js", "**/*.{mjs,cjs}"],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { "no-restricted-globals": "off", "no-restricted-syntax": "off" },
  },
  { files: ["bin/*.js", "scripts/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  // The method to override is the one of the pinned version; its successor comes with the next.
  { files: ["src/agent/models/openai.ts"], rules: { "@typescript-eslint/no-deprecated": "off" } },
  {
    files: ["test/**/*.ts", "*.ts"],
    rules: {
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unnecessary-type-conversion": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "no-restricted-globals": "off",
      "no-restricted-syntax": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
);
