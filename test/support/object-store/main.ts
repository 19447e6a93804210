// The object storage of fake-s3.ts as a process of its own, for whoever kills it.
import { startFakeS3 } from '../fake-s3.ts';

const { OBJECT_STORE_DIR, PORT = '0' } = process.env;
if (OBJECT_STORE_DIR === undefined || OBJECT_STORE_DIR === '') {
  throw new Error('Cannot start: OBJECT_STORE_DIR is not set (the folder of its objects)');
}

const store = await startFakeS3({ port: Number(PORT), folder: OBJECT_STORE_DIR });
process.stdout.write(`object storage listening on ${store.url}\n`);
