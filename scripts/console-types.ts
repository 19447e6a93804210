// What the console may ask of the API and is answered, as types: written from the routes themselves before the console's types are checked.
// The file is made and not kept, so that it cannot be of another version than the routes (D94).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { ROUTES } from '../api/app.ts';
import { openapiDocument } from '../api/routes/openapi.ts';
import { replaceFile } from './parts/atomic-file.ts';

const folder = join(import.meta.dirname, '../console/generated');
mkdirSync(folder, { recursive: true });
const document = JSON.stringify(openapiDocument(ROUTES));
replaceFile(join(folder, 'api.d.ts'), astToString(await openapiTS(document)), 0o644);
process.exit();
