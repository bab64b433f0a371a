/** Secrets of every known form go, wherever they stand; prose stays; no input makes it slow. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ConversationDocument } from "../../src/formats/document.js";
import { Redactor } from "../../src/formats/redaction.js";
import { metadataOf } from "../../src/model/conversation.js";

/** Put together here, so that no scanner takes this file for a leak. */
const made = (...parts: readonly string[]): string => parts.join("");
const LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY";

const SECRETS: Readonly<Record<string, string>> = {
  "an OpenAI key": made("sk-", "proj-", LETTERS),
  "an Anthropic key": made("sk-", "ant-api03-", LETTERS),
  "an AWS key id": made("AKIA", "IOSFODNN7EXAMPLE"),
  "a GitHub token": made("ghp_", LETTERS, "Zz09"),
  "a GitLab token": made("glpat-", LETTERS),
  "a Slack token": made("xoxb-", "1234567890-", LETTERS),
  "a Stripe key": made("sk_", "live_", LETTERS),
  "a Google key": made("AIza", LETTERS, "abc"),
  "a Hugging Face token": made("hf_", LETTERS, "ab"),
  "an npm token": made("npm_", LETTERS, "abcd"),
  "a JSON web token": made("eyJ", "hbGciOiJIUzI1NiJ9", ".eyJ", "zdWIiOiIxIn0abc", ".", LETTERS),
  "a private key": made("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE\nabc\n-----END RSA ", "PRIVATE KEY-----"),
  "an e-mail address": "bob.o'neil+x@mail.example.org".replace("'", ""),
  "an address in other letters": "jürgen@müller.example",
};

const CASES = JSON.parse(readFileSync(new URL("../fixtures/redaction.json", import.meta.url), "utf8")) as {
  readonly positives: readonly {
    readonly before: string;
    readonly secret: readonly string[];
    readonly after: string;
  }[];
  readonly negatives: readonly string[];
};

describe("redaction", () => {
  test.each(CASES.positives.map(({ before, secret, after }) => ({ before, secret: secret.join(""), after })))(
    "takes what stands behind $before",
    ({ before, secret, after }) => {
      const redactor = new Redactor();
      const text = redactor.text(`Look: ${before}${secret}${after}`);
      expect(text).not.toContain(secret);
      expect(text).toMatch(/\[redacted [a-zA-Z- ]+\]/);
      expect(text.replace(/\[redacted [a-zA-Z- ]+\]/, secret)).toBe(`Look: ${before}${secret}${after}`);
      expect(Object.values(redactor.counts)).toEqual([1]);
    },
  );

  test.each(CASES.negatives)("leaves %s", (text) => {
    expect(new Redactor().text(text)).toBe(text);
  });

  test("takes what an application keeps under a secret's name, and no token of a model", () => {
    const kept = { lastToken: "password", tokenCount: 3, secretary: "Bob", password: "${PASSWORD}" };
    const redactor = new Redactor();
    expect(redactor.json({ ...kept, user: { dbPassword: "letmein", apiKey: "abcd", cookie: "a=bc" } })).toEqual({
      ...kept,
      user: Object.fromEntries(
        ["dbPassword", "apiKey", "cookie"].map((name) => [name, "[redacted password or secret]"]),
      ),
    });
    expect(redactor.counts).toEqual({ "password or secret": 3 });
  });

  for (const [name, secret] of Object.entries(SECRETS)) {
    test(`takes ${name} out of the middle of a text, and counts it`, () => {
      const redactor = new Redactor();
      const text = redactor.text(`before ${secret} after`);
      expect(text).toMatch(/^before \[redacted [a-zA-Z- ]+\] after$/);
      expect(Object.values(redactor.counts)).toEqual([1]);
    });
  }

  test("takes a private key that was cut off to the end of the text", () => {
    expect(new Redactor().text(made("before -----BEGIN ", "PRIVATE KEY-----\nMIIEabc"))).toBe(
      "before [redacted private key]",
    );
  });

  test("takes passwords out of URLs, headers and settings, and leaves what stands around them", () => {
    const redactor = new Redactor();
    expect(redactor.text("postgres://app:hunter2@db/x")).toBe("postgres://app:[redacted password or secret]@db/x");
    expect(redactor.text(`Authorization: Bearer ${LETTERS}`)).toBe("Authorization: Bearer [redacted access token]");
    expect(redactor.text('{"api_key": "Qw3rTyUiOp"}')).toBe('{"api_key": "[redacted password or secret]"}');
    expect(redactor.text("export DB_PASSWORD='tr0ub4dor&3'")).toBe(
      "export DB_PASSWORD='[redacted password or secret]'",
    );
  });

  test("leaves prose alone", () => {
    const prose =
      "The secret: everything. A token: something. We met @ noon, see task-force-of-the-north and https://example.org/a:b@c? Key: Wednesday.";
    expect(new Redactor().text(prose)).toBe(prose);
  });

  test("reaches fields of an application, names of fields, title and backups; what gets one name is not lost", () => {
    const state = {
      messages: [{ role: "user", content: [{ type: "text", text: "a@b.example" }] }],
      users: { "a@b.example": 1, "c@d.example": 2 },
    };
    const metadata = metadataOf({ state, info: { createdAt: "", title: "from a@b.example" }, revision: 1 }, "tale", "");
    const document: ConversationDocument = {
      conversationId: "tale",
      state,
      metadata,
      asOf: undefined,
      backups: [{ timestamp: "", state, metadata }],
    };
    const redactor = new Redactor();
    const text = JSON.stringify(redactor.document(document));
    expect(text).not.toContain("@");
    expect(text).toContain('{"[redacted e-mail address]":1,"[redacted e-mail address] 2":2}');
  });

  test("knows by its name what an application keeps beside it, as in a file", () => {
    const value = made("0f1e2d3c4b5a6978", "8796a5b4c3d2e1f0");
    const redactor = new Redactor();
    expect(redactor.json({ config: { adafruitIo: value, lastToken: value, checksum: value } })).toEqual({
      config: { adafruitIo: "[redacted API key]", lastToken: value, checksum: value },
    });
    expect(redactor.counts).toEqual({ "API key": 1 });
  });

  test.each([10, 500, 1024, 5000, 100_000])(
    "takes a secret of %i more characters whole, wherever it stands",
    (length) => {
      const padding = "prose without any end ".repeat(300);
      const long = "aB3d".repeat(length / 4);
      for (const secret of [made("sk-", LETTERS, long), made("eyJ", LETTERS, ".eyJ", LETTERS, long, ".", LETTERS)])
        expect(new Redactor().text(`${padding}${secret} ${padding}`)).toMatch(
          /^[a-z ]+\[redacted [a-zA-Z ]+\] [a-z ]+$/,
        );
      const key = made("-----BEGIN ", "PRIVATE KEY-----\n", long, "\n-----END ", "PRIVATE KEY-----");
      expect(new Redactor().text(`${padding}${key} after`)).toBe(`${padding}[redacted private key] after`);
    },
  );

  test("counts each name of a field once, also where thousands become the same", () => {
    const users = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`u${index}@b.example`, index]));
    const redactor = new Redactor();
    expect(Object.keys(redactor.json(users) as object)).toHaveLength(3000);
    expect(redactor.counts).toEqual({ "e-mail address": 3000 });
  });

  test("leaves a picture in base64, however long", () => {
    const picture = `data:image/png;base64,${createHash("sha512").update("a picture").digest("base64").repeat(2000)}`;
    expect(new Redactor().text(picture)).toBe(picture);
  });

  test("takes time in proportion to the text, whatever it is", () => {
    const redactor = new Redactor();
    for (const unit of [
      "a",
      "a.",
      "sk-",
      "token=",
      "://a:",
      "curl -u a",
      "--password ",
      "mysql ",
      "machine a login b ",
      "?key=",
      "cookie: a=",
      "a_key=",
      "kind: secret data: ",
      "-----BEGIN PRIVATE KEY-----\n",
      'password: "x',
      "s.",
      "ey",
    ])
      expect(redactor.text(`${unit.repeat(10_000 / unit.length)} @ bearer :// sk- token`).length).toBeGreaterThan(0);
  }, 30_000);
});
