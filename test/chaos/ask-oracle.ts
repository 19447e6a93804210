// The oracle as a process of its own: it waits until all is settled, and its last line and its exit code are its verdict.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ORACLE = fileURLToPath(new URL('../oracle/main.ts', import.meta.url));

export interface OracleQuestion {
  readonly endpointsFile: string;
  readonly driverLog: string;
  readonly killLog: string;
  readonly prices: string;
  /** Seconds for everything to settle. */
  readonly quietSeconds: number;
  /** Whether it has to show that it sees errors that are planted in these facts. */
  readonly prove: boolean;
}

export interface OracleAnswer {
  readonly code: number;
  readonly lines: readonly string[];
  readonly difference: string;
}

export async function askOracle(question: OracleQuestion): Promise<OracleAnswer> {
  const options = {
    endpoints: question.endpointsFile,
    'driver-log': question.driverLog,
    'kill-log': question.killLog,
    prices: question.prices,
    patience: String(question.quietSeconds),
  };
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const args = [ORACLE, ...given, ...(question.prove ? ['--prove'] : [])];
  const run = promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 });
  const { stdout, code } = await run.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => ({
      stdout: `${error.stderr}${error.stdout}`,
      code: error.code,
    }),
  );
  const lines = stdout.trim().split('\n');
  return { code, lines, difference: /difference (\d+) nano-USD$/.exec(lines.at(-1) ?? '')?.[1] ?? 'unknown' };
}
