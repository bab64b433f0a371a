/** Files whose commands and programs name stores of their own. */
export const FILES_NOT_ON_A_SERVER = ["test/e2e/docs*.test.ts"];

/** Tests of the command line and of the operations that mean nothing on a PostgreSQL server, by what they are of. All others run there. */
export const NOT_ON_A_SERVER: Readonly<Record<string, readonly string[]>> = {
  "paths, modes and links of files": [
    "what others may change",
    "writes a settings file that is obeyed, and a .gitignore",
    "in a webhook or a store of a settings file, or a store by flag",
    "exits with 7 where nothing can be written",
    "a foreign state directory",
    "is looked at, and kept, by the commands that verify names",
    "that is all that is left is told by ls, with the command",
    "claims no backups for a store that is new, and says how to begin it",
  ],
  "a program beside the command that names directories itself": [
    "restore of a conversation that another process has open",
  ],
  "the time of a file, which an edit changes or keeps": [
    "ls tells of a file that was edited, also of one that kept its time",
  ],
  "free space of a disk, which a server does not tell": [
    "in Prometheus' format a foreign parser finds what the JSON says",
    "--nagios gives the one line and the statuses",
  ],
  "completion, which asks no server": [
    "ids and checkpoints of threads are completed",
    "knows conversations and the timestamps of their backups, also in a directory that was named",
  ],
  "what a command loads where the store is files": ["loads nothing of LangChain, and little else, for (ls|verify)"],
  "what only a storage in memory does: a writer that hangs for ever, a clock that stands still": [
    "that was killed at its call",
    "sees an edit that keeps revision, size and time",
  ],
};
