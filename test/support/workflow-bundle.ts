// All workflows as one file, made as for production: tests start their workers with it, and it is made once per set of workflows, also
// between test files and runs.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, renameSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeStale } from './kept-between-runs.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = 'scripts/bundle-workflows.ts';
/** Workflows import nothing else of ours (test/arrows.test.ts); the lock file stands for what is not ours. */
const INGREDIENTS = ['{workflows,domain}/**/*.ts', 'workers/workflow-bundle.ts', SCRIPT, 'package-lock.json'];

/** Its path. */
export async function workflowBundle(): Promise<string> {
  const digest = createHash('sha256').update(ROOT);
  for (const name of globSync(INGREDIENTS, { cwd: ROOT }).sort()) {
    digest
      .update(name)
      .update(readFileSync(join(ROOT, name)))
      .update('\0');
  }
  const prefix = join(tmpdir(), `tollgate-workflow-bundle-${process.getuid?.() ?? 'user'}-`);
  const file = `${prefix}${digest.digest('hex').slice(0, 16)}.js`;
  if (!existsSync(file)) {
    removeStale(prefix);
    const draft = `${file}.${process.pid}`;
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', join(ROOT, SCRIPT), draft]);
    renameSync(draft, file);
  }
  utimesSync(file, new Date(), new Date());
  return file;
}
