/** An MCP server over stdio with one tool, which notes each of its calls in the file that COUNT names. */
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const send = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
const inputSchema = { type: "object", properties: { text: { type: "string" } } };

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize")
    send(id, {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: "counting", version: "1" },
    });
  else if (method === "tools/list") send(id, { tools: [{ name: "add", description: "Adds a line.", inputSchema }] });
  else if (method === "tools/call") {
    appendFileSync(process.env.COUNT, `${params.arguments.text}\n`);
    send(id, { content: [{ type: "text", text: `added ${params.arguments.text}` }] });
  }
}
