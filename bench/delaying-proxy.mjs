/** A TCP proxy that holds back what it passes on, in either direction, as a network does: `[host, port, milliseconds]`. It sends its own port. */
import { connect, createServer } from "node:net";

const [host, port, delay] = process.argv.slice(2);

function pass(from, to) {
  from.setNoDelay(true);
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), Number(delay)));
  from.on("close", () => setTimeout(() => to.destroy(), Number(delay)));
  from.on("error", () => undefined);
}

const server = createServer((client) => {
  const upstream = connect(Number(port), host);
  pass(client, upstream);
  pass(upstream, client);
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
