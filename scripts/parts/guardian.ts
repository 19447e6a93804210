// A shell that waits for the launcher's end and then stops what the launcher could not: after kill -9 of the launcher, or of
// its whole process group, the parts are ended in order within seconds, without anybody starting anything.
// It waits for the end of its input, which the kernel brings about when the launcher is gone, however it went.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Launch } from './home.ts';

export function postGuardian({ checkout, home }: Launch): { dismiss(): void } {
  const sweep = [process.execPath, '--disable-warning=ExperimentalWarning', join(checkout, 'scripts/sweep.ts')];
  const guardian = spawn('/bin/sh', ['-c', 'cat >/dev/null; exec "$0" "$@"', ...sweep], {
    cwd: checkout,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, TOLLGATE_HOME: home },
  });
  return {
    dismiss() {
      if (guardian.pid !== undefined && guardian.exitCode === null) process.kill(-guardian.pid, 'SIGKILL');
    },
  };
}
