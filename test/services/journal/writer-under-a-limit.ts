// A process whose files may not grow beyond a few KiB (`ulimit -f`): its journal meets a real failed write, which leaves half a line.
// Prints the request ids whose writing succeeded, and the one that failed.

import type { Segment } from '../../../services/journal/journal.ts';
import { Journal } from '../../../services/journal/journal.ts';
import { newId } from '../../../services/platform/ids.ts';
import { intentOf, spilledOf } from './records.ts';

const journal = new Journal(process.argv[2] ?? '', newId());
const written: string[] = [];
let failed: string | null = null;
while (failed === null) {
  const requestId = newId();
  const where = await new Promise<Segment | Error>((resolve) => journal.intend(intentOf(requestId), resolve));
  if (where instanceof Error) failed = requestId;
  else written.push(requestId);
}
const spilled = newId();
await journal.spill([spilledOf(spilled)]);
written.push(spilled);
process.stdout.write(JSON.stringify({ folder: journal.folder, written, failed }));
