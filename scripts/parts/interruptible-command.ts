// A command that fetches or builds something and may take minutes. It leads a group of its own: given up, it ends with all that it
// has started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { leaderOf, stopGroup } from './process-group.ts';

const GRACE_MS = 2_000;
const LAST_WORDS = 1_000;

export async function runInterruptibly(
  command: string,
  args: readonly string[],
  settings: { readonly folder: string; readonly env: NodeJS.ProcessEnv },
  givenUp: AbortSignal,
): Promise<void> {
  givenUp.throwIfAborted();
  const child = spawn(command, args, {
    cwd: settings.folder,
    env: settings.env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-LAST_WORDS);
  });
  const ended = once(child, 'close');
  const leader = leaderOf(child.pid ?? 0);
  const abandon = () => void stopGroup(leader, 'SIGTERM', GRACE_MS);
  givenUp.addEventListener('abort', abandon);
  try {
    const [code, signal] = await ended;
    givenUp.throwIfAborted();
    if (code !== 0) throw new Error(said.trim().split('\n').at(-1) || `ended with ${signal ?? `exit ${code}`}`);
  } finally {
    givenUp.removeEventListener('abort', abandon);
  }
}
