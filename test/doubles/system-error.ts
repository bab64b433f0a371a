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

export function systemError(code: SystemErrorCode, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${syscall} '${path}'`), { code, syscall, path });
}
