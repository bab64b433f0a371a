/** Flags by which opens refuse links and never wait for a FIFO. Windows has neither: 0 there. */
import { constants } from "node:fs";

const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;

export const NO_FOLLOW = O_NOFOLLOW;
export const NON_BLOCK = O_NONBLOCK;
