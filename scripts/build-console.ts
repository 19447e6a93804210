// `npm run build:console`: the files that the API serves under /console/, and what the first of its pages weighs.
import { join } from 'node:path';
import { buildConsole } from './parts/console-build.ts';

try {
  const { wasFresh, firstPaint } = await buildConsole(join(import.meta.dirname, '..'), AbortSignal.timeout(300_000));
  process.stdout.write(`console/dist ${wasFresh ? 'is up to date' : 'built'}, first paint: ${firstPaint.text}\n`);
} catch (error) {
  process.stderr.write(`the console is not built: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// The channel to launch.mjs would keep the process alive.
process.exit();
