/** Stands between a client and the server and, once, cuts every connection: after so many bytes of both directions, or instead of an answer. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./server.js";

export class CuttingProxy {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #passed = 0;
  #cutAfter = Infinity;
  #cuts = 0;
  #cutsAnswer = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private target: number,
  ) {}

  static async start(target: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, await freePort(), target);
    server.on("connection", (client) => {
      proxy.#join(client, connect(proxy.target, "127.0.0.1"));
    });
    await new Promise<void>((listening) => server.listen(proxy.port, "127.0.0.1", listening));
    return proxy;
  }

  get passed(): number {
    return this.#passed;
  }

  get cuts(): number {
    return this.#cuts;
  }

  cutAfter(bytes: number): void {
    this.#passed = 0;
    this.#cuts = 0;
    this.#cutAfter = bytes;
  }

  /** The server gets what it is sent, and its next answer never arrives: every connection is cut instead. */
  cutNextAnswer(): void {
    this.#cuts = 0;
    this.#cutsAnswer = true;
  }

  /** Connections from now on lead to another server; those that are there are cut. */
  leadTo(target: number): void {
    this.target = target;
    this.cutNow();
  }

  cutNow(): void {
    this.#cuts += 1;
    for (const pair of [...this.#pairs]) for (const socket of pair) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((stopped) => this.server.close(stopped));
    this.cutNow();
    await closed;
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      from.on("data", (chunk: Buffer) => {
        if (this.#cutsAnswer && from === server) {
          this.#cutsAnswer = false;
          this.cutNow();
        } else this.#pass(chunk, to);
      });
    }
  }

  #pass(chunk: Buffer, to: Socket): void {
    const left = this.#cutAfter - this.#passed;
    this.#passed += chunk.length;
    if (chunk.length <= left) {
      to.write(chunk);
      return;
    }
    this.#cutAfter = Infinity;
    // What came before the cut arrives.
    to.write(chunk.subarray(0, left), () => {
      this.cutNow();
    });
  }
}
