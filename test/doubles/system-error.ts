/** An error as Node.js reports one from the operating system: tests tell them by `code`, and so does the code under test. */

export type SystemErrorCode =
  | "EACCES"
  | "EBADF"
  | "EBUSY"
  | "EEXIST"
  | "EINTR"
  | "EIO"
  | "EISDIR"
  | "EMFILE"
  | "EMLINK"
  | "ENOENT"
  | "ENOSPC"
  | "ENOSYS"
  | "ENOTDIR"
  | "ENOTSUP"
  | "EOPNOTSUPP"
  | "EPERM"
  | "EROFS"
  | "ETIMEDOUT"
  | "EXDEV";

/** Without a stack, as Node's own: there are hundreds of thousands of them in a sweep. */
export function systemError(code: SystemErrorCode, syscall: string, path: string): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new Error(`${code}: simulated, ${syscall} '${path}'`);
  Error.stackTraceLimit = stackTraceLimit;
  return Object.assign(error, { code, syscall, path });
}
