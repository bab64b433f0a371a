/** What went wrong with a server, as the rest of a sentence that begins with it: "ended (exit status 1)". */
export class ServerFailure extends Error {
  override readonly name = "ServerFailure";
}
