/**
 * EIO, ENOSPC, EMFILE, EACCES, EROFS and short writes at the calls of workloads that mend and bring back, once and from then on: nothing
 * acknowledged is lost, what failed said so, the same process goes on when it is over, no file stays open and no lock stands.
 */
import { testFaults } from "./fault-tests.js";
import { isMending } from "./workloads.js";

testFaults(isMending);
