/** Secrets of every known form go, wherever they stand; prose stays; no input makes it slow. */
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

  test("takes time in proportion to the text, whatever it is", () => {
    const redactor = new Redactor();
    for (const text of [
      "a".repeat(20000),
      "a.".repeat(10000),
      "sk-".repeat(7000),
      "token=".repeat(3000),
      "://".repeat(7000),
      "curl ".repeat(4000),
      "--password ".repeat(2000),
      "mysql ".repeat(3000),
      "machine a login b ".repeat(1000),
      "?key=".repeat(4000),
      "cookie: a=".repeat(2000),
      "a_key=".repeat(3000),
      `password: "${"x".repeat(20000)}`,
    ])
      expect(redactor.text(`${text} @ bearer :// sk- token`).length).toBeGreaterThan(0);
  }, 30_000);
});
