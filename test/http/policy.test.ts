/** One policy for every connection: where a redirect may lead, which proxy is asked. */
import { describe, expect, test } from "vitest";
import { HttpPolicyError, policyErrorIn, proxiesOf, redirectMessage, redirectOf } from "../../src/http/policy.js";

const FROM = "https://api.example/v1/chat";

describe("a redirect", () => {
  test.for<[number, string, boolean]>([
    [307, "/v2/chat", true],
    [308, "https://api.example/v2", true],
    [302, "/v2/chat", false],
    [307, "https://other.example/v1", false],
    [307, "http://api.example/v1", false],
    [307, "https://api.example:444/v1", false],
  ])("%i to %s may be followed: %s", ([status, location, mayFollow]) => {
    expect(redirectOf(FROM, status, location)?.mayFollow).toBe(mayFollow);
  });

  test("is none without a place, or with another status", () => {
    expect(redirectOf(FROM, 307, null)).toBeUndefined();
    expect(redirectOf(FROM, 200, "/v2")).toBeUndefined();
    expect(redirectOf(FROM, 307, "http://[")).toBeUndefined();
  });

  test("is told by its origin alone", () => {
    const to = "https://user:secret@other.example/v1?key=secret";
    const redirect = redirectOf(FROM, 307, to);
    expect(redirect === undefined ? "" : redirectMessage(redirect, FROM)).toMatch(
      /^(?!.*secret).*https:\/\/other.example/,
    );
  });
});

describe("proxies", () => {
  test("are none where none is named, or none is to be asked", () => {
    expect(proxiesOf({})).toBeUndefined();
    expect(proxiesOf({ HTTPS_PROXY: "" })).toBeUndefined();
    expect(proxiesOf({ HTTPS_PROXY: "http://proxy:1", NO_PROXY: "*" })).toBeUndefined();
  });

  test("are those of the environment, the lower case first, and never asked for this machine", () => {
    const env = {
      HTTP_PROXY: "http://a:1",
      HTTPS_PROXY: "http://b:1",
      https_proxy: "http://c:1",
      NO_PROXY: "x.example",
    };
    const { http, https, none } = proxiesOf(env) ?? {};
    expect([http, https]).toEqual(["http://a:1", "http://c:1"]);
    expect(none?.split(",")).toEqual(["x.example", "localhost", "127.0.0.1", "[::1]"]);
  });
});

test("the policy's own error is found among causes", () => {
  const own = new HttpPolicyError("silent");
  expect(policyErrorIn(new Error("a", { cause: new Error("b", { cause: own }) }))).toBe(own);
  expect(policyErrorIn(new Error("a"))).toBeUndefined();
});
