/** What a user says of how a model is to answer → options of its constructor. Pure. */
import type { Json } from "../../model/json.js";

export interface Tuning {
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  /** In the constructor's own words; they win. */
  readonly options: Readonly<Record<string, Json>>;
}

export function tuned(tuning: Tuning | undefined, nameOfMaxTokens: string): Readonly<Record<string, unknown>> {
  if (tuning === undefined) return {};
  const { temperature, maxTokens, options } = tuning;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { [nameOfMaxTokens]: maxTokens }),
    ...options,
  };
}
