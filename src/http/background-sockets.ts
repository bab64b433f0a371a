/** Connections of undici that do not count for how long the process lives, to a server or through a proxy. */
import { buildConnector, Pool } from "undici";

type Connect = buildConnector.connector;
interface Socket {
  ref: () => unknown;
  unref: () => unknown;
}

/** undici counts a socket again with each request that it is used for. */
function uncounted(socket: Socket | null | undefined): void {
  if (typeof socket?.unref !== "function") return;
  socket.unref();
  socket.ref = () => socket;
}

function inBackground(connect: Connect): Connect {
  // It gives the socket at once where it opens one itself, which its type does not say.
  const open = connect as (...args: Parameters<Connect>) => Socket | undefined;
  return (options, callback) => {
    const opening = open(options, (...[error, socket]) => {
      uncounted(socket);
      if (error === null) callback(error, socket);
      else callback(error, null);
    });
    uncounted(opening);
  };
}

export function backgroundPool(origin: string | URL, options: object): Pool {
  const { connect }: { readonly connect?: unknown } = options;
  const own = typeof connect === "function" ? (connect as Connect) : buildConnector({});
  return new Pool(origin, { ...options, connect: inBackground(own) });
}
