/** The webhook, against servers that answer, hang, fail and redirect: bounded in time and number, and it never throws. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import ts from "typescript";
import { afterEach, describe, expect, test } from "vitest";
import { postJson } from "../../src/monitoring/http-post.js";
import { Webhook, type WebhookOptions } from "../../src/monitoring/webhook.js";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

interface Got {
  readonly method: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(...answers: readonly Answer[]): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      got.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() });
      answers[Math.min(got.length, answers.length) - 1]?.(response, request);
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end("body that nobody reads");
const hang: Answer = () => undefined;

function webhookTo(url: string, options: Partial<WebhookOptions> = {}): { webhook: Webhook; failures: string[] } {
  const failures: string[] = [];
  const webhook = new Webhook({
    url,
    post: postJson,
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
      for (const name of ["webhook", "http-post", "settles-within"]) {
        const source = await readFile(new URL(`../../src/monitoring/${name}.ts`, import.meta.url), "utf8");
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
        import { Webhook } from "./webhook.js";
        import { postJson } from "./http-post.js";
        const webhook = new Webhook({ url: ${JSON.stringify(url)}, post: postJson, delay: (ms, signal) => delay(ms, undefined, { signal, ref: false }), onFailure: () => {}, timeoutMs: 20000 });
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
