/** The `mcpServers` JSON as other clients have it: what is taken, what is refused, where variables are put in. */
import { describe, expect, test } from "vitest";
import { parseServers, type ParsedServers } from "../../src/mcp/server-config.js";
import { argumentNameOf, matchesPattern, modelNameOf } from "../../src/mcp/names.js";
import { withoutSecrets } from "../../src/mcp/secrets.js";

const env = { TOKEN: "s3cret-token", EMPTY: "", HOME: "/home/me" };

function parse(servers: unknown): ParsedServers {
  return parseServers({ mcpServers: servers }, { origin: "mcp.json", env });
}

function refusalOf(entry: unknown, name = "x"): string {
  try {
    parse({ [name]: entry });
  } catch (error) {
    return String(error);
  }
  throw new Error("it was taken");
}

describe("a server", () => {
  test("by stdio has a command, arguments, variables and a directory", () => {
    const { servers } = parse({ a: { command: "run", args: ["-y", ""], env: { A: "b" }, cwd: "here", timeout: 5 } });
    expect(servers).toEqual([
      { kind: "stdio", name: "a", command: "run", args: ["-y", ""], env: { A: "b" }, cwd: "here", timeout: 5 },
    ]);
  });

  test.for(["http", "streamable-http", "streamableHttp", undefined])("by HTTP may be of the type %s", (type) => {
    const entry = { url: "https://h/mcp", headers: { A: "b" }, ...(type === undefined ? {} : { type }) };
    expect(parse({ a: entry }).servers).toMatchObject([{ kind: "http", url: "https://h/mcp", headers: { A: "b" } }]);
  });

  test("that is disabled is left out, and not even read", () => {
    expect(parse({ a: { disabled: true, command: "${NONE}" }, b: { enabled: false } }).servers).toEqual([]);
  });

  test("without mcpServers around it is taken too", () => {
    expect(parseServers({ a: { command: "run" } }, { origin: "setting", env }).servers).toHaveLength(1);
  });

  test.for<[unknown, RegExp]>([
    [{}, /command is not a text/],
    ["run", /not an object/],
    [{ command: "a", url: "https://h" }, /both/],
    [{ url: "https://h", type: "sse" }, /"sse"/],
    [{ command: "a", type: "sse" }, /"sse"/],
    [{ url: "ftp://h" }, /http:\/\//],
    [{ url: "https://me:pw@h" }, /user name or password/],
    [{ command: "a", args: "b" }, /args/],
    [{ command: "a", args: [1] }, /args\[0\]/],
    [{ command: "a\0b" }, /command/],
    [{ command: "a", env: { A: 1 } }, /env\.A/],
    [{ command: "a", env: { "A=B": "c" } }, /env/],
    [{ url: "https://h", headers: { "A\nB": "c" } }, /header/],
    [{ url: "https://h", headers: { A: "c\nd" } }, /header/],
    [{ command: "a", timeout: "5s" }, /timeout/],
  ])("that is %j is refused, and named", ([entry, why]) => {
    expect(refusalOf(entry)).toMatch(why);
    expect(refusalOf(entry)).toMatch(/mcp\.json: server "x"/);
  });

  test.for(["a/b", "", "a*", "\u001b[31m"])("cannot be called %j", (name) => {
    expect(refusalOf({ command: "a" }, name)).toMatch(/its name/);
  });
});

describe("a variable", () => {
  test.for([
    ["${env:TOKEN}", "s3cret-token"],
    ["Bearer ${TOKEN}", "Bearer s3cret-token"],
    ["${NONE:-preset}/${EMPTY:-}", "preset/"],
    ["Bearer $TOKEN", "Bearer s3cret-token"],
    ["$lower costs $5", "$lower costs $5"],
  ])("%s is %s", ([text, value]) => {
    expect(parse({ a: { url: "https://h", headers: { A: text } } }).servers).toMatchObject([{ headers: { A: value } }]);
  });

  test("without braces counts only where secrets belong", () => {
    expect(parse({ a: { command: "a", args: ["$HOME", "${HOME}"] } }).servers).toMatchObject([
      { args: ["$HOME", "/home/me"] },
    ]);
  });

  test.for(["${NONE}", "$NONE", "${env:EMPTY}", "${input:key}"])("%s is refused", (text) => {
    expect(refusalOf({ command: "a", env: { A: text } })).toMatch(/env\.A/);
  });

  test("and everything in env and headers is a secret, also behind a scheme", () => {
    const { secrets } = parse({
      a: { command: "a", args: ["--key=${TOKEN}"], env: { KEY: "literal-key", ON: "1" } },
      b: { url: "https://h", headers: { Authorization: "Bearer abcdef" } },
    });
    const said = "s3cret-token literal-key abcdef 1";
    expect(withoutSecrets(said, secrets)).toBe("[redacted] [redacted] [redacted] 1");
  });
});

describe("a tool's name", () => {
  test("for the model is one that every provider takes", () => {
    const names = ["read", "a.b", "a_b", "ä", "x".repeat(100), `${"x".repeat(100)}y`, ""].map((tool) =>
      modelNameOf({ server: "fs", tool }),
    );
    expect(names[0]).toBe("fs__read");
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(new Set(names).size).toBe(names.length);
  });

  test.for([
    [
      { server: "a", tool: "b__c" },
      { server: "a__b", tool: "c" },
    ],
    [
      { server: "a", tool: "_b" },
      { server: "a_", tool: "b" },
    ],
  ] as const)("%j is never that of %j", ([one, other]) => {
    expect(modelNameOf(one)).not.toBe(modelNameOf(other));
  });

  test("of an argument is one that every provider takes", () => {
    expect(["path", "a.b-c_1", "my key", "$x"].map(argumentNameOf)).toEqual([
      "path",
      "a.b-c_1",
      expect.stringMatching(/^my_key_[0-9a-f]{6}$/),
      expect.stringMatching(/^_x_[0-9a-f]{6}$/),
    ]);
  });

  test.for<[string, boolean]>([
    ["*", true],
    ["fs", true],
    ["fs/", true],
    ["fs/read_text", true],
    ["fs/read_*", true],
    ["f*/*_text", true],
    ["fs/*d*t*", true],
    ["fs/read", false],
    ["other", false],
    ["fs/*text_*", false],
    ["fs/read_text*read_text", false],
  ])("matches %s: %s", ([pattern, matches]) => {
    expect(matchesPattern(pattern, { server: "fs", tool: "read_text" })).toBe(matches);
  });
});
