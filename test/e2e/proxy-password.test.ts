/** The password of a proxy, which its URL holds, stands in no output and no file, whatever becomes of the request. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { test, TIMEOUT } from "../cli/world.js";

const PASSWORD = "p4ssw0rd";
/** As it goes over the wire. */
const ENCODED = Buffer.from(`joe:${PASSWORD}`).toString("base64");

test.for([
  ["refuses to forward", "http://model.invalid/v1", true],
  ["refuses a tunnel", "https://model.invalid/v1", true],
  ["is not there", "https://model.invalid/v1", false],
] as const)(
  "a proxy that %s fails the request, and its password is told nowhere",
  TIMEOUT,
  async ([, url, isThere], { workspace }) => {
    const sent: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      sent.push(request.headers["proxy-authorization"]);
      response.writeHead(407).end();
    });
    proxy.on("connect", (request, socket) => {
      sent.push(request.headers["proxy-authorization"]);
      socket.end("HTTP/1.1 407 No\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const named = `http://joe:${PASSWORD}@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    if (!isThere) proxy.close();
    try {
      const env = { HTTP_PROXY: named, HTTPS_PROXY: named, OPENAI_API_KEY: "sk-test-0123456789" };
      const args = ["chat", "Hi", "--id", "tale", "--base-url", url, "--verbose"];
      const { status, stdout, stderr } = await workspace.run(args, { env });
      expect(status).not.toBe(0);
      expect(sent).toEqual(isThere ? [`Basic ${ENCODED}`] : []);
      const files = [...(await workspace.files())].flat();
      expect(files.join("\n")).toContain("tale");
      const told = [stdout, stderr, ...files].join("\n");
      for (const secret of [PASSWORD, ENCODED]) expect(told).not.toContain(secret);
    } finally {
      proxy.close();
    }
  },
);
