// `npm run bundle:workflows`: writes the bundle that production's workers start with (TOLLGATE_WORKFLOW_BUNDLE).
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleWorkflows } from '../workers/workflow-bundle.ts';

const file = process.argv[2] ?? join(import.meta.dirname, '../dist/workflows.js');
mkdirSync(dirname(file), { recursive: true });
const { code } = await bundleWorkflows();
writeFileSync(file, code);
process.stdout.write(`${file}: ${code.length} characters\n`);
