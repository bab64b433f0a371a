/** Markdown and HTML: what a person reads, and nothing that a message says can break out of its place. */
import { describe, expect, test } from "vitest";
import type { ConversationDocument } from "../../src/formats/document.js";
import { toHtml } from "../../src/formats/html/page.js";
import { toMarkdown } from "../../src/formats/markdown-export.js";
import { metadataOf } from "../../src/model/conversation.js";
import type { Json, JsonObject } from "../../src/model/json.js";
import { toSafeText } from "../../src/cli/terminal/text/safe-text.js";

const AT = "2026-01-14T21:30:00.000Z";

function documentOf(
  messages: readonly Json[],
  more: Partial<ConversationDocument> = {},
  title?: string,
): ConversationDocument {
  const state = { messages } as JsonObject;
  const metadata = metadataOf(
    { state, info: { createdAt: AT, ...(title === undefined ? {} : { title }) }, revision: 3 },
    "tale",
    AT,
  );
  return { conversationId: "tale", state, metadata, asOf: undefined, backups: [], ...more };
}

/** An answer that was cut off, the one that continues it, and one to another question. */
const CONTINUED: readonly JsonObject[] = [
  { id: "u1", role: "user", content: "Tell me", createdAt: AT },
  { id: "a1", role: "assistant", content: "Once", createdAt: AT, status: "interrupted" },
  { id: "a2", role: "assistant", content: "upon a time.", createdAt: AT, status: "complete" },
  { id: "u2", role: "user", content: "More", createdAt: AT },
  { id: "a3", role: "assistant", content: "The end.", createdAt: AT, status: "complete" },
];

function user(content: string): JsonObject {
  return { id: "u1", role: "user", content, createdAt: AT };
}

/** The body of the page, where no text of ours has what is looked for. */
function body(document: ConversationDocument): string {
  const page = toHtml(document, toSafeText);
  return page.slice(page.indexOf("<body>"));
}

const HOSTILE: Readonly<Record<string, string>> = {
  "a script": "<script>alert(1)</script>",
  "an end of ours and a script": "</div></article></main></body></html><script>alert(1)</script>",
  "an image with a handler": '<img src=x onerror="alert(1)">',
  "a javascript link": "[x](javascript:alert(1)) <javascript:alert(1)> [y]: javascript:alert(2)\n\n[y]",
  "a javascript link in entities":
    "[x](&#106;avascript&colon;alert(1)) [y](java\nscript:alert(1)) [z](\u0001javascript:alert(1))",
  "a data link": "[x](data:text/html;base64,PHNjcmlwdD4=) ![x](data:image/svg+xml;base64,PHN2Zz4=)",
  "a remote picture": "![x](https://evil.example/pixel.png)",
  "a link that leaves its attribute":
    '[x](https://a.example/"onmouseover="alert(1)) [x](https://a.example "t" onclick=alert(1))',
  "a fence whose language is markup": '```"><script>alert(1)</script>\ncode\n```',
  "an unclosed fence": "```js\nconst a = 1;",
  "an unclosed comment and CDATA": "<!-- <![CDATA[ <style> <textarea> <title> <plaintext>",
  "a style": "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
  "a frame and a form":
    "<iframe src=https://evil.example></iframe><form action=https://evil.example><input></form><base href=https://evil.example>",
  "a meta refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  "a table with markup": "| a | b |\n| --- | --- |\n| <script>x</script> | `</td><script>` |",
};

describe("html", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    test(`shows ${name} as text, in messages, titles, names and backups`, () => {
      const messages = [
        {
          ...user(text),
          name: text,
          model: text,
          status: text,
          createdAt: text,
          toolCalls: [{ id: text, name: text, args: { [text]: text } }],
          error: { message: text },
        },
      ];
      const metadata = metadataOf(
        { state: {}, info: { createdAt: text, title: text, model: text }, revision: 1 },
        "tale",
        text,
      );
      const page = body(
        documentOf(
          messages,
          {
            metadata,
            backups: [
              {
                timestamp: text,
                state: { messages: [user(`${text} once`)] },
                metadata: { ...metadata, backup: { reason: "manual", tag: text } },
              },
            ],
          },
          text,
        ),
      );
      const tags = [...page.matchAll(/<\/?([a-zA-Z][a-zA-Z0-9]*)/g)].map(([, tag]) => tag?.toLowerCase());
      for (const tag of [
        "script",
        "img",
        "style",
        "link",
        "iframe",
        "form",
        "input",
        "base",
        "meta",
        "textarea",
        "svg",
        "object",
      ])
        expect(tags).not.toContain(tag);
      const attributes = [...page.matchAll(/<[a-z][a-z0-9]*((?:\s+[^\s=>]+(?:="[^"]*")?)*)\s*>/g)].flatMap(
        ([, all]) => [...(all ?? "").matchAll(/([^\s=]+)(?:="([^"]*)")?/g)],
      );
      expect(attributes.filter(([, attribute]) => /^on/i.test(attribute ?? ""))).toEqual([]);
      expect(
        attributes.filter(
          ([, attribute, value]) => attribute === "href" && !/^(?:https?:|mailto:|#m\d+$)/.test(value ?? ""),
        ),
      ).toEqual([]);
    });
  }

  test("forbids scripts and loading by its policy, and links to nothing by itself", () => {
    const page = toHtml(documentOf([user("Hi")]), toSafeText);
    expect(page).toContain(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
    );
    expect(page).not.toMatch(/https?:|<script|src=/);
  });

  test("makes control and bidi characters visible, those that entities stand for too", () => {
    const page = toHtml(
      documentOf([user("a\u202Eb &#x202E; \u001b[31m `\u2066` [l](https://a.example '\u202E')")]),
      toSafeText,
    );
    expect(page.match(/(?!\n)\p{Cc}|\p{Bidi_Control}/u)).toBeNull();
    expect(page).toContain("a\\u{202e}b");
  });

  test("shows pictures that are in the message itself, of harmless kinds", () => {
    const picture = (media_type: string, data: string): JsonObject => ({
      ...user(""),
      content: [{ type: "image", source: { type: "base64", media_type, data } }],
    });
    expect(body(documentOf([picture("image/png", "iVBORw0KGgo=")]))).toContain(
      '<img alt="" src="data:image/png;base64,iVBORw0KGgo=">',
    );
    for (const hostile of [
      picture("image/svg+xml", "PHN2Zz4="),
      picture("image/png", '"><script>'),
      picture("text/html", "PHN2Zz4="),
    ])
      expect(body(documentOf([hostile]))).not.toContain("<img");
  });

  test("renders 100 KB on one line, and what is worse for parsers", () => {
    for (const text of [
      "x".repeat(100_000),
      "[".repeat(50_000),
      "*a_".repeat(30_000),
      "> ".repeat(20_000),
      "`".repeat(99_999),
    ])
      expect(body(documentOf([user(text)]))).toContain("</article>");
  });

  test("shows what changed between backups, words marked", () => {
    const point = (timestamp: string, content: string): ConversationDocument["backups"][number] => ({
      timestamp,
      state: { messages: [user(content)] },
      metadata: documentOf([user(content)]).metadata,
    });
    const page = body(
      documentOf([user("The quick red fox")], {
        backups: [
          point("2026-01-14T21-31-00-000Z", "The quick brown fox"),
          point("2026-01-14T21-30-00-000Z", "The slow brown fox"),
        ],
      }),
    );
    expect(page).toContain("The quick <del>brown</del><ins>red</ins> fox");
    expect(page).toContain("The <del>slow</del><ins>quick</ins> brown fox");
  });

  test("says of an answer that it continues the interrupted one before it, and of no other", () => {
    const speakers = [...body(documentOf(CONTINUED)).matchAll(/<b>([^<]*)<\/b>/g)].map(([, speaker]) => speaker);
    expect(speakers).toEqual(["User", "Assistant", "Assistant (continued)", "User", "Assistant"]);
  });

  test("has the partial answer in its place", () => {
    const state = {
      messages: [user("Hi")],
      streamingProperties: { partialResponse: "Once upon", streamingStartTime: AT, streamingEndTime: null },
    } as JsonObject;
    expect(body(documentOf([], { state }))).toContain("Once upon");
  });
});

describe("md", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    test(`keeps ${name} from acting, and the next message a message`, () => {
      const text2 = toMarkdown(
        documentOf([user(text), { role: "assistant", content: "after", createdAt: AT }], {}, text),
        toSafeText,
      );
      const outsideCode = text2.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, "").replaceAll(/(`+)[^`\n]+\1/g, "");
      expect(outsideCode).not.toMatch(/(?<!\\)<(?!https?:)[a-z!/?]/i);
      expect(outsideCode).not.toMatch(/(?<!\\)\]\((?:javascript|data):/);
      expect(outsideCode).toContain("\n## Assistant");
      expect(outsideCode).toContain("\nafter\n");
    });
  }

  test("says of an answer that it continues the interrupted one before it, and of no other", () => {
    const headings = [...toMarkdown(documentOf(CONTINUED), toSafeText).matchAll(/^## ([^·]*) ·/gm)].map(
      ([, speaker]) => speaker,
    );
    expect(headings).toEqual(["User", "Assistant", "Assistant (continued)", "User", "Assistant"]);
  });

  test("lets no message pass for another", () => {
    const text = toMarkdown(
      documentOf([user("# Big\n\n## Assistant\n\nfake\n\nAssistant\n---\nfake\n```\n## in code\n```")]),
      toSafeText,
    );
    expect(text.match(/^#{1,2} .*/gm)).toEqual(["# \\# Big", "## User · 2026-01-14 21:30 UTC", "## in code"]);
    expect(text).toContain("#### Assistant");
  });

  test("leaves good Markdown as it is", () => {
    const good =
      "Some **bold** and `code <b>`:\n\n1. one\n2. two\n\n```html\n<p>kept</p>\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n[link](https://a.example)";
    expect(toMarkdown(documentOf([user(good)]), toSafeText)).toContain(good);
  });
});
