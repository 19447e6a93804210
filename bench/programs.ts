// The programs that a bench needs beside Node: a C compiler, nginx, taskset. As root on Debian the missing ones are
// installed, and said; elsewhere the bench fails and names the command.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Programs {
  readonly upstream: string;
  readonly client: string;
  readonly nginx: string;
}

const PACKAGES = { cc: 'gcc libc6-dev', nginx: 'nginx-light', taskset: 'util-linux' } as const;
type Program = keyof typeof PACKAGES;

/** `folder`: where the compiled ones go. */
export function preparePrograms(folder: string, say: (text: string) => void): Programs {
  for (const program of ['cc', 'nginx', 'taskset'] as const) provide(program, say);
  return {
    upstream: compile('upstream', folder),
    client: compile('client', folder),
    nginx: pathOf('nginx') ?? 'nginx',
  };
}

/** The generator of the load alone. */
export function prepareClient(folder: string, say: (text: string) => void): string {
  provide('cc', say);
  return compile('client', folder);
}

function provide(program: Program, say: (text: string) => void): void {
  if (pathOf(program) !== null) return;
  const command = `apt-get install -y --no-install-recommends ${PACKAGES[program]}`;
  if (process.getuid?.() !== 0 || pathOf('apt-get') === null) {
    throw new Error(`the bench needs ${program}, which is not on PATH: install it (Debian, as root: ${command})`);
  }
  say(`${program} not found, installing it: ${command}`);
  const shell = { shell: true, stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  // Lists of packages are missing on a machine that is new. RUNLEVEL=1: the package must not start an nginx of its own.
  spawnSync(`apt-get update; RUNLEVEL=1 ${command}`, shell);
  if (pathOf(program) === null) throw new Error(`"${command}" did not bring ${program}: install it by hand`);
}

/** Debian keeps nginx where only root's PATH leads. */
function pathOf(program: string): string | null {
  const { stdout } = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`], { encoding: 'utf8' });
  return stdout.trim() || null;
}

function compile(name: string, folder: string): string {
  const program = join(folder, name);
  const source = join(import.meta.dirname, `${name}.c`);
  execFileSync('cc', ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-o', program, source], { stdio: 'inherit' });
  return program;
}
