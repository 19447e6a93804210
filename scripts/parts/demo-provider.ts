// The demo provider part: the upstream that a fresh installation sells, a process of its own with its own meter.
import { join } from 'node:path';
import type { Launch } from './home.ts';
import { ownProgram } from './own-program.ts';
import { whyClosed } from './readiness.ts';
import { SupervisedProcess } from './supervised-process.ts';

const HOST = '127.0.0.1';
const PROGRAM = 'test/support/demo-provider/main.ts';

export interface DemoProvider {
  readonly url: string;
  readonly process: SupervisedProcess;
}

export async function startDemoProvider(launch: Launch, port: number): Promise<DemoProvider> {
  const process = await SupervisedProcess.start(
    {
      part: 'demo',
      ...ownProgram(launch, PROGRAM),
      env: { ...globalThis.process.env, HOST, PORT: String(port), DEMO_DATA_DIR: join(launch.home, 'demo') },
      graceMs: 10_000,
      readyWithinMs: 30_000,
      missing: () => whyClosed(port),
    },
    launch,
  );
  return { url: `http://${HOST}:${port}`, process };
}
