/** While a model is silent: what it is waited for, and for how long. */
import { expect, test } from "vitest";
import { StatusLine } from "../../../src/cli/chat/status-line.js";

function lineAt(): { line: StatusLine; after: (seconds: number) => string } {
  let now = 0;
  const line = new StatusLine("gpt-9", () => now);
  return {
    line,
    after: (seconds) => {
      now += seconds * 1000;
      return line.text.slice(2);
    },
  };
}

test("before the first token each step of a request is named and timed", () => {
  const { line, after } = lineAt();
  expect(after(0)).toBe("waiting for gpt-9 …");
  line.request({ kind: "sent", host: "api.example", attempt: 1 });
  expect(after(4.5)).toBe("connecting to api.example … (4 s)");
  line.request({ kind: "failed", host: "api.example", attempt: 1, attempts: 3, reason: "busy" });
  expect(after(2)).toBe("api.example: busy; retrying (1 of 2) … (2 s)");
  line.request({ kind: "answered", host: "api.example" });
  expect(after(0)).toBe("waiting for the first token from api.example …");
});

test("a call is not timed while a person is asked about it", () => {
  const { line, after } = lineAt();
  line.calls(["files/read"]);
  after(30);
  line.asked();
  expect(after(2)).toBe("calling files/read … (2 s)");
});

test("thinking is timed from its first part", () => {
  const { line, after } = lineAt();
  line.thinks();
  after(2);
  line.thinks();
  expect(after(2)).toBe("thinking … (4 s)");
});

test("when tokens stop coming, the wait is told after three seconds, and the tokens so far", () => {
  const { line, after } = lineAt();
  line.token(4);
  line.token(5);
  expect([after(2), line.text]).toEqual([line.text.slice(2), "2 tokens · saved r5"]);
  expect(after(5)).toBe("waiting for more … (7 s) · 2 tokens");
  line.token(6);
  expect(line.text).toContain("3 tokens");
});
