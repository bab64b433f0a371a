export declare const ROOMS: Readonly<Record<string, readonly string[]>>;
export declare const AGENT_GATES: readonly string[];
export declare const MCP_GATES: readonly string[];
export declare const PACKAGES: Readonly<Record<string, readonly string[]>>;
