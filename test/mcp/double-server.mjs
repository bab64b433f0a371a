// An MCP server that misbehaves as its first argument says: plain JSON-RPC lines, no package, so that it starts at once.
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";

const [mode = "good", file] = process.argv.slice(2);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const text = (value) => ({ content: [{ type: "text", text: String(value) }] });
const tool = (name, properties = {}, more = {}) => ({
  name,
  description: `does ${name}`,
  inputSchema: { type: "object", properties },
  ...more,
});

const image = { type: "image", data: "QUJDRA==", mimeType: "image/png" };
const calls = {
  pid: () => text(process.pid),
  env: () => text(JSON.stringify(process.env)),
  count: () => {
    appendFileSync(file, "x");
    return text("counted");
  },
  die: () => {
    appendFileSync(file, "x");
    console.error("first line\nout of luck, with s3cret-token");
    process.exit(7);
  },
  hang: () => undefined,
  big: ({ megabytes }) => text("é".repeat(megabytes * 2 ** 19)),
  endless: () => {
    const piece = "x".repeat(2 ** 20);
    const more = () => process.stdout.write(piece, more);
    more();
  },
  flood: () => {
    for (let index = 0; index < 200_000; index += 1) process.stderr.write(`noise ${index}\n`);
    return text("done");
  },
  nonsense: () => ({ content: 5 }),
  fail: () => ({ ...text("no such thing"), isError: true }),
  media: () => ({
    content: [
      { type: "text", text: "see:" },
      image,
      { type: "resource", resource: { uri: "file:///a", text: "inside" } },
      { type: "resource", resource: { uri: "file:///b", blob: "QUJDRA==", mimeType: "application/pdf" } },
      { type: "resource_link", uri: "file:///c", name: "c" },
    ],
  }),
  structured: () => ({ content: [], structuredContent: { a: 1 } }),
  given: (args) => text(JSON.stringify(args)),
  "dotted.name": () => text("dotted"),
  child: () => {
    const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
      stdio: "inherit",
    });
    return text(child.pid);
  },
};

const listed = Object.keys(calls).map((name) =>
  tool(
    name,
    name === "given"
      ? { "my key": { type: "string" }, nested: { type: "object", properties: { é: { type: "number" } } } }
      : {},
  ),
);

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "double", version: "1" },
  }),
  ping: () => ({}),
  "tools/list": () => {
    if (mode === "bad-list") return { tools: "none" };
    if (mode === "twice")
      return { tools: [...listed, tool("pid"), tool("heavy", { a: { description: "x".repeat(300_000) } })] };
    if (mode === "many") return { tools: Array.from({ length: 129 }, (_, index) => tool(`t${index}`)) };
    return { tools: listed };
  },
  "tools/call": ({ name, arguments: args }) => calls[name](args),
};

function receive({ id, method, params }) {
  if (id === undefined || mode === "silent") return;
  const answer = answers[method];
  if (answer === undefined) send({ id, error: { code: -32601, message: "no such method" } });
  else {
    const result = answer(params);
    if (result !== undefined) send({ id, result });
  }
}

if (mode === "exit") {
  console.error("no licence found");
  process.exit(3);
}
if (file !== undefined && mode !== "good") writeFileSync(file, String(process.pid));
if (mode === "greets") process.stdout.write("Welcome!\n{broken\n");
if (mode === "stubborn" || mode === "silent") {
  process.on("SIGTERM", () => undefined);
  setInterval(() => undefined, 1000);
}

let held = "";
process.stdin.setEncoding("utf8").on("data", (piece) => {
  held += piece;
  const lines = held.split("\n");
  held = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
