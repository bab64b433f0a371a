/** Files whose commands and programs name stores of their own. */
export const FILES_NOT_ON_A_SERVER = ["test/e2e/docs*.test.ts"];

/** Tests of the command line and of the operations that mean nothing on a PostgreSQL server, by what they are of. All others run there. */
export const NOT_ON_A_SERVER: Readonly<Record<string, readonly string[]>> = {
  "paths, modes and links of files": [
    "what others may change",
    "writes a settings file that is obeyed, and a .gitignore",
    "imports what is good of a file, names the rest",
    "of a directory without sessions, also behind a link",
    "rewrites what is old, keeps each original as a backup",
    "in a webhook or a store of a settings file, or a store by flag",
    "exits with 7 where nothing can be written",
    "a foreign state directory",
    "is looked at, and kept, by the commands that verify names",
    "restore of a conversation that another process has open",
    "that is all that is left is told by ls, with the command",
    "claims no backups for a store that is new, and says how to begin it",
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
  "what a command loads where the store is files": [
    "is named in one line where it is not installed",
    "loads nothing of LangChain, and little else",
  ],
  "what is done to a storage that only memory can do: a lock broken from outside, a writer that hangs for ever, a clock that stands still, files put in before there are tables":
    [
      "after damage inside the journal, so that a backup",
      "after a backup stood in for the snapshot, so that",
      "that was killed at its call",
      "beside the journal of a killed writer",
      "that cannot be written is told for each conversation",
      "sees an edit that keeps revision, size and time",
      "a journal is folded in first, so that there is one file",
      "spilled",
      "gives snapshot and torn journal back",
      "keeps an answer's id when its writer dies",
      "ends with its signal, and with the manager",
      "tells what it read before the server went away",
    ],
};
