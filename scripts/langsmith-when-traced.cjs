// Stands in for LangSmith in the command: LangChain makes a RunTree for each step, also where nothing is traced.
// LangSmith itself is a chunk of its own, loaded where its variables ask for it.
const VARIABLES = ["LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "LANGCHAIN_TRACING"];

function RunTree(config) {
  Object.assign(this, config);
}

module.exports = VARIABLES.some((name) => process.env[name] === "true")
  ? require("./langsmith.js")
  : {
      RunTree,
      Client: function Client() {},
      isRunTree: (value) => value instanceof RunTree,
      convertToDottedOrderFormat: () => ({ dottedOrder: "", microsecondPrecisionDatestring: "" }),
    };
