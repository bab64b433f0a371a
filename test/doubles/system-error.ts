/** An error as Node.js reports one from the operating system: tests tell them by `code`, and so does the code under test. */

export type SystemErrorCode =
  | "EACCES" | "EBADF" | "EEXIST" | "EIO" | "EISDIR" | "EMFILE" | "EINTR" | "ENOENT" | "ENOSPC" | "ENOTDIR" | "EROFS" | "EXDEV";

export function systemError(code: SystemErrorCode, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${syscall} '${path}'`), { code, syscall, path });
}
