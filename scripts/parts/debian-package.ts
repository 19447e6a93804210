// A program of Debian that a machine lacks, installed where that may be done: by root, who is told what is run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** install: `apt-get install -y ...` */
export async function installFromDebian(install: string, say: (text: string) => void): Promise<void> {
  say(`not found, installing it: ${install}`);
  // Lists of packages are missing on a machine that is new, and old on one that is not.
  for (const command of ['apt-get update', install]) {
    if (!(await runAsInstaller(command))) say(`"${command}" failed`);
  }
}

async function runAsInstaller(command: string): Promise<boolean> {
  const installer = spawn(command, {
    shell: true,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = await once(installer, 'exit');
  return code === 0;
}
