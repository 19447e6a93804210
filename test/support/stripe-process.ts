// The fake Stripe as the process that it is for everybody else, with a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('fake-stripe/main.ts', import.meta.url));

export interface StripeProcess {
  readonly url: string;
  close(): Promise<void>;
}

export async function startStripeProcess(): Promise<StripeProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'stripe-'));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, FAKE_STRIPE_DATA_DIR: folder },
  });
  return {
    url: await toldBy(child),
    close: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

async function toldBy(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the fake Stripe has no stdout');
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const url = /listening on (\S+)/.exec(String(line))?.[1];
  if (url === undefined) throw new Error(`the fake Stripe said ${line}`);
  return url;
}
