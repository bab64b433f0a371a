/** The webhook, against servers that answer, hang, fail and redirect: bounded in time and number, and it never throws. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterEach, describe, expect, test } from "vitest";
import { proxiesOf, type Proxies } from "../../src/http/policy.js";
import { postJson } from "../../src/http/post.js";
import { Webhook, type HttpPost, type WebhookOptions } from "../../src/monitoring/webhook.js";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

interface Got {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What a process of its own needs for it. */
const SOURCES = [
  ...["webhook", "settles-within"].map((name) => `monitoring/${name}`),
  ...["post", "policy", "policy-fetch", "proxied-fetch", "background-sockets"].map((name) => `http/${name}`),
];

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(...answers: readonly Answer[]): Promise<{ url: string; got: Got[]; server: Server }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      got.push({
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      answers[Math.min(got.length, answers.length) - 1]?.(response, request);
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got, server };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end("body that nobody reads");
const hang: Answer = () => undefined;

const postThrough =
  (proxies?: Proxies): HttpPost =>
  (url, body, signal) =>
    postJson({ url, body, signal, proxies });

function webhookTo(url: string, options: Partial<WebhookOptions> = {}): { webhook: Webhook; failures: string[] } {
  const failures: string[] = [];
  const webhook = new Webhook({
    url,
    post: postThrough(),
    delay: (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
    onFailure: (reason) => void failures.push(reason),
    firstPauseMs: 1,
    ...options,
  });
  return { webhook, failures };
}

describe("the webhook", () => {
  test("an alert arrives as JSON, in order with others", async () => {
    const { url, got } = await serve(status(204));
    const { webhook, failures } = webhookTo(url);
    for (const rule of ["a", "b", "c"]) webhook.send({ rule });
    await webhook.close(5000);
    expect(got.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ rule: "a" }, { rule: "b" }, { rule: "c" }]);
    expect(got[0]).toMatchObject({ method: "POST", headers: { "content-type": "application/json" } });
    expect(failures).toEqual([]);
  });

  test("name and password in the address become a header", async () => {
    const { url, got } = await serve(status(200));
    const { webhook } = webhookTo(url.replace("http://", "http://me:p%40ss@"));
    webhook.send({});
    await webhook.close(5000);
    expect(got[0]?.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
  });

  test("a failing server is tried again, and an alert that gets through is no failure", async () => {
    const { url, got } = await serve(status(500), (response) => response.destroy(), status(200));
    const { webhook, failures } = webhookTo(url);
    webhook.send({ rule: "a" });
    await webhook.close(5000);
    expect(got).toHaveLength(3);
    expect(failures).toEqual([]);
  });

  test("after three tries it is given up, and the next one is sent all the same", async () => {
    const { url, got } = await serve(status(503), status(503), status(503), status(200));
    const { webhook, failures } = webhookTo(url);
    webhook.send({ rule: "lost" });
    webhook.send({ rule: "kept" });
    await webhook.close(5000);
    expect(got).toHaveLength(4);
    expect(failures).toEqual([expect.stringContaining("503")]);
  });

  test("a refusal is not repeated", async () => {
    const { url, got } = await serve(status(404));
    const { webhook, failures } = webhookTo(url);
    webhook.send({});
    await webhook.close(5000);
    expect(got).toHaveLength(1);
    expect(failures).toHaveLength(1);
  });

  test.each([301, 302, 303, 307, 308])("a redirect with status %d is not followed", async (code) => {
    const elsewhere = await serve(status(200));
    const { url, got } = await serve(status(code, { location: elsewhere.url }));
    const { webhook, failures } = webhookTo(url);
    webhook.send({ rule: "a" });
    await webhook.close(5000);
    expect(got).toHaveLength(1);
    expect(elsewhere.got).toEqual([]);
    expect(failures).toEqual([expect.stringContaining("redirect")]);
  });

  test("a redirect within the origin is followed, with all that was sent", async () => {
    const { url, got } = await serve(status(308, { location: "/moved" }), status(200));
    const { webhook, failures } = webhookTo(url.replace("http://", "http://me:secret@"));
    webhook.send({ rule: "a" });
    await webhook.close(5000);
    expect(failures).toEqual([]);
    expect(got.map(({ path }) => path)).toEqual(["/hook", "/moved"]);
    expect(got[1]).toMatchObject({ body: '{"rule":"a"}', headers: { authorization: got[0]?.headers.authorization } });
  });

  test("a proxy of the environment gets what goes to another machine, and nothing that goes to this one", async () => {
    const proxy = await serve(status(200));
    const { url, got } = await serve(status(200));
    const post = postThrough(proxiesOf({ HTTP_PROXY: new URL(proxy.url).origin }));
    for (const to of ["http://hooks.invalid/a", url]) {
      const { webhook, failures } = webhookTo(to, { post });
      webhook.send({ rule: to });
      await webhook.close(5000);
      expect(failures).toEqual([]);
    }
    expect(proxy.got.map(({ path }) => path)).toEqual(["http://hooks.invalid/a"]);
    expect(got).toHaveLength(1);
  });

  test("a proxy that refuses is a failure that tells neither its password nor the address", async () => {
    const proxy = await serve(status(407));
    proxy.server.on("connect", (_request, socket) => socket.end("HTTP/1.1 407 No\r\n\r\n"));
    const named = new URL(proxy.url).origin.replace("http://", "http://joe:p4ssw0rd@");
    const post = postThrough(proxiesOf({ HTTP_PROXY: named, HTTPS_PROXY: named }));
    for (const to of ["http://hooks.invalid/s3cret", "https://hooks.invalid/s3cret"]) {
      const { webhook, failures } = webhookTo(to, { post });
      webhook.send({});
      await webhook.close(5000);
      expect(failures).toHaveLength(1);
      expect(failures.join()).not.toMatch(/p4ssw0rd|s3cret/);
    }
  });

  test("a server that never answers costs its timeout and no more", async () => {
    const { url } = await serve(hang);
    const { webhook, failures } = webhookTo(url, { timeoutMs: 20 });
    webhook.send({});
    await webhook.close(20_000);
    expect(failures).toEqual([expect.stringContaining("in time")]);
  });

  test("closing does not wait for a server that never answers, and says how many were lost", async () => {
    const { url, got } = await serve(hang);
    const { webhook, failures } = webhookTo(url, { timeoutMs: 60_000 });
    webhook.send({});
    webhook.send({});
    // A minute of its own would be over the time a test has.
    await webhook.close(30);
    expect(got.length).toBeLessThanOrEqual(1);
    expect(failures).toEqual([expect.stringContaining("2 not delivered")]);
    webhook.send({});
    expect(failures).toHaveLength(1);
  });

  test("no more than a bounded number wait: the oldest are dropped, and that is told", async () => {
    const { url } = await serve(hang);
    const { webhook, failures } = webhookTo(url, { timeoutMs: 60_000 });
    for (let alert = 0; alert < 100; alert += 1) webhook.send({ alert });
    expect(failures.length).toBeGreaterThanOrEqual(79);
    await webhook.close(0);
  });

  test("no failure tells the address, which may be a secret", async () => {
    const { url } = await serve(status(500));
    const { webhook, failures } = webhookTo(`${url}/s3cret-token`);
    webhook.send({});
    await webhook.close(5000);
    const dead = webhookTo("http://127.0.0.1:9/s3cret-token");
    dead.webhook.send({});
    await dead.webhook.close(5000);
    expect([...failures, ...dead.failures].join()).not.toContain("s3cret");
    expect(dead.failures).toHaveLength(1);
  });
});

describe("whatever the ways out of this process do", () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown): void => void unhandled.push(reason);

  test.each<readonly [string, WebhookOptions["post"]]>([
    [
      "throws at once",
      () => {
        throw new Error("no network");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no network"))],
    ["answers nothing of use", () => Promise.resolve(undefined as never)],
  ])("a post that %s fails its alert and no other, and nothing is thrown", async (_how, post) => {
    process.on("unhandledRejection", keep);
    const { webhook, failures } = webhookTo("http://127.0.0.1/", { post });
    webhook.send({ rule: "a" });
    webhook.send({ rule: "b" });
    await webhook.close(5000);
    process.off("unhandledRejection", keep);
    expect(failures).toHaveLength(2);
    expect(unhandled).toEqual([]);
  });

  test("what cannot be written as JSON is told, not thrown", async () => {
    const { webhook, failures } = webhookTo("http://127.0.0.1/");
    webhook.send({ amount: 1n });
    await webhook.close(5000);
    expect(failures).toEqual([expect.stringContaining("JSON")]);
  });

  test("a post that does not heed its signal holds back only its own alert", async () => {
    let posts = 0;
    const post = (): Promise<{ status: number }> =>
      (posts += 1) <= 3 ? new Promise(() => undefined) : Promise.resolve({ status: 200 });
    const { webhook, failures } = webhookTo("http://127.0.0.1/", { post, timeoutMs: 5 });
    webhook.send({ rule: "lost" });
    webhook.send({ rule: "kept" });
    await webhook.close(20_000);
    expect(posts).toBe(4);
    expect(failures).toEqual([expect.stringContaining("in time")]);
  });

  test("once it is closed nothing more is sent", async () => {
    const posted: string[] = [];
    const post = (_url: string, body: string): Promise<{ status: number }> => {
      posted.push(body);
      return new Promise((_resolve, reject) => setTimeout(reject, 20, new Error("reset")));
    };
    const { webhook, failures } = webhookTo("http://127.0.0.1/", { post });
    for (let alert = 0; alert < 5; alert += 1) webhook.send({ alert });
    await webhook.close(5);
    const before = posted.length;
    await delay(60);
    expect(posted).toHaveLength(before);
    expect(failures).toHaveLength(1);
  });

  test("closing ends what is under way", async () => {
    let signal: AbortSignal | undefined;
    const { webhook } = webhookTo("http://127.0.0.1/", {
      post: (_url, _body, given) => ((signal = given), new Promise(() => undefined)),
    });
    webhook.send({});
    await webhook.close(5);
    expect(signal?.aborted).toBe(true);
  });

  test("an answer without end is read no further than its status", async () => {
    let timer: NodeJS.Timeout | undefined;
    let ended = false;
    const { url } = await serve((response) => {
      response.writeHead(200);
      timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
      response.on("close", () => (ended = true));
    });
    const { webhook, failures } = webhookTo(url);
    webhook.send({});
    await webhook.close(5000);
    await delay(100);
    clearInterval(timer);
    expect(failures).toEqual([]);
    expect(ended).toBe(true);
  });

  test("a server that never answers keeps no process alive", async () => {
    const { url } = await serve(hang);
    const directory = await mkdtemp(join(tmpdir(), "draftstate-webhook-"));
    try {
      await symlink(fileURLToPath(new URL("../../node_modules", import.meta.url)), join(directory, "node_modules"));
      for (const room of ["http", "monitoring"]) await mkdir(join(directory, room));
      for (const name of SOURCES) {
        const source = await readFile(new URL(`../../src/${name}.ts`, import.meta.url), "utf8");
        const { outputText } = ts.transpileModule(source, {
          compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
        });
        await writeFile(join(directory, `${name}.js`), outputText);
      }
      await writeFile(join(directory, "package.json"), '{"type":"module"}');
      await writeFile(
        join(directory, "main.js"),
        `
        import { setTimeout as delay } from "node:timers/promises";
        import { Webhook } from "./monitoring/webhook.js";
        import { postJson } from "./http/post.js";
        const webhook = new Webhook({ url: ${JSON.stringify(url)}, post: (url, body, signal) => postJson({ url, body, signal }), delay: (ms, signal) => delay(ms, undefined, { signal, ref: false }), onFailure: () => {}, timeoutMs: 20000 });
        webhook.send({ rule: "a" });
        await delay(300);`,
      );
      const begun = performance.now();
      const child = spawn(process.execPath, [join(directory, "main.js")], { stdio: ["ignore", "inherit", "inherit"] });
      const [code] = (await once(child, "close")) as [number];
      expect(code).toBe(0);
      expect(performance.now() - begun).toBeLessThan(10_000);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
