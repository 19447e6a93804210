// The demo provider as a process of its own. Its one line on stdout says where it listens; whoever started it waits for that.
import { startDemoProvider } from './server.ts';

const { DEMO_DATA_DIR, HOST = '127.0.0.1', PORT = '0' } = process.env;
if (DEMO_DATA_DIR === undefined || DEMO_DATA_DIR === '') {
  throw new Error('Cannot start: DEMO_DATA_DIR is not set (the folder of its meter file)');
}
if (!/^\d{1,5}$/.test(PORT)) throw new Error(`Cannot start: PORT=${PORT} is not a port`);

const provider = await startDemoProvider({ port: Number(PORT), dataDir: DEMO_DATA_DIR, host: HOST });
process.stdout.write(`demo provider listening on ${provider.url}\n`);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (!stopping) void provider.close();
    stopping = true;
  });
}
