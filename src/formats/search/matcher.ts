/** Where in a line something was found, and what finds it. */
export interface Hit {
  readonly start: number;
  readonly end: number;
}

export interface LineMatcher {
  readonly matchCase: boolean;
  find(line: string): Hit[];
}
