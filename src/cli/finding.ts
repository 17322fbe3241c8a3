/** One thing that `bagpiper doctor` looked at. */
export type Verdict = 'ok' | 'warn' | 'fail';

export interface Finding {
  check: string;
  verdict: Verdict;
  found: string;
  /** what to do; empty where all is well */
  advice: string;
}

export const finding = (check: string, verdict: Verdict, found: string, advice = ''): Finding => {
  return { check, verdict, found, advice };
};
