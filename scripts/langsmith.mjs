// LangSmith for the command: see langsmith-when-traced.cjs.
export { Client } from "langsmith";
export { convertToDottedOrderFormat, isRunTree, RunTree } from "langsmith/run_trees";
