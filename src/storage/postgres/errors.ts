/**
 * What a refusal of the server or of the network means. Away: it may pass, and whether the last statement was done is unknown.
 * Messages name the server and the table at most; neither they nor their causes ever hold the password.
 */
import { DraftstateError, messageOf, systemErrorCode } from "../../errors.js";

const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "ENOTCONN",
  "EAI_AGAIN",
  "ENOTFOUND",
]);
/** Shut down, crashed, starting up; too many connections; a deadlock, a serialisation or a time-out that another attempt gets through. */
const PASSING = new Set([
  ...["57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01"],
  ...["57014", "55P03", "25P03", "25P04"],
]);
/** What `pg` says itself, without a code. */
const CONNECTION_WORDS =
  /^(connection terminated|timeout expired|query read timeout|timeout exceeded when trying to connect|client has encountered a connection error|client was closed|the server does not support ssl connections at this time)/i;

export const SHARED_SESSIONS =
  "a pooler in transaction mode, where locks would not belong to one process: use session mode (PgBouncer: pool_mode = session), or connect to the server itself";

const ADVICE: Readonly<Record<string, string>> = {
  "28P01": "the password was refused: check the URL, PGPASSWORD or .pgpass",
  "28000": "the server does not let this user in: check the user, and pg_hba.conf on the server",
  "3D000": "there is no such database: create it with createdb, or name another",
  "42501": "this role lacks a privilege: see docs/postgres.md, section Privileges",
  "25006": "the server is read-only (a standby, or a primary that was replaced): name the primary",
  "53100": "the server's disk is full: free some space there",
  // A prepared statement that another client's session has, or that this one's has not.
  "26000": `it seems to be behind ${SHARED_SESSIONS}`,
  "42P05": `it seems to be behind ${SHARED_SESSIONS}`,
  "53200": "the server is out of memory",
  "53300":
    "the server has no connection left for it: raise max_connections or the role's limit, end other clients, or share connections through PgBouncer in session mode",
  "57014":
    "a statement was ended by the server's statement_timeout, or by an administrator: give this role more time (alter role … set statement_timeout)",
  "55P03":
    "a lock of the server was waited for longer than lock_timeout: end what holds it, such as a maintenance command",
  "25P03":
    "the server ended the connection for being idle: give this role more time (alter role … set idle_in_transaction_session_timeout)",
  "25P04":
    "the server ended the connection for a long transaction: give this role more time (alter role … set transaction_timeout)",
};

/** Of the server's certificate. */
const OTHER_CA =
  "its certificate was issued by a CA that is not known here: name the CA's file in the URL (sslrootcert=/path/ca.pem), if you trust it";
const CERTIFICATES: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: OTHER_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_CA,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_CA,
  CERT_SIGNATURE_FAILURE: OTHER_CA,
  CERT_HAS_EXPIRED: "its certificate has expired: renew it on the server",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host: name the host as the certificate does",
};
/** What `pg` says where it asks for TLS and is answered that there is none. */
const NO_TLS = /^the server does not support ssl connections$/i;

/** What `pg` says of a pool that its owner ended. */
const POOL_ENDED = /^cannot use a pool after calling end on the pool$/i;

export function sqlStateOf(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !NETWORK.has(code) ? code : undefined;
}

export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = systemErrorCode(error);
  if (code === undefined) return CONNECTION_WORDS.test(error.message);
  if (NETWORK.has(code) || PASSING.has(code) || /^08[0-9A-Z]{3}$/.test(code)) return true;
  // The socket of a server on this machine that is down.
  return code === "ENOENT" && "syscall" in error && error.syscall === "connect";
}

/** The tables are not there, nor perhaps the schema. */
export function isUnprepared(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "42P01" || state === "3F000";
}

export function isTaken(error: unknown): boolean {
  return sqlStateOf(error) === "23505";
}

export function postgresError(place: string, error: unknown): unknown {
  if (error instanceof DraftstateError || !(error instanceof Error) || error instanceof TypeError) return error;
  return new DraftstateError("STORAGE", `${place}: ${explanationOf(error)}`, { path: place, cause: error });
}

function explanationOf(error: Error): string {
  const code = systemErrorCode(error);
  const suffix = code === undefined ? "" : ` (${code})`;
  const advice = ADVICE[code ?? ""] ?? CERTIFICATES[code ?? ""];
  if (advice !== undefined) return `${advice}${suffix}`;
  if (isAway(error))
    return `the server is out of reach: ${wordsOf(error)}${suffix}; start it or check the network, then run the command again`;
  if (isUnprepared(error)) return `its tables are not there: a command that writes makes them when it starts${suffix}`;
  if (POOL_ENDED.test(error.message)) return "the pool was ended by its owner: close the manager first";
  if (NO_TLS.test(error.message)) return "it offers no TLS, and the URL asks for it: turn on ssl on the server";
  return `${wordsOf(error)}${suffix}`;
}

/** Of several addresses that were tried, the first one's. */
function wordsOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return messageOf(first ?? error);
}
