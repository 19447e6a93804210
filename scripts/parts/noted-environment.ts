// What `npm start` tells its processes, kept in $TOLLGATE_HOME for the commands that do a piece of their work.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './atomic-file.ts';
import { homeFolder } from './home.ts';

const OWNER_ONLY = 0o600;

type Noted = 'backup' | 'worker';

export function noteEnvironment(home: string, of: Noted, environment: NodeJS.ProcessEnv): void {
  replaceFile(fileIn(home, of), `${JSON.stringify(environment)}\n`, OWNER_ONLY);
}

/** Empty where no installation was started. */
export function notedEnvironment(of: Noted): Record<string, string> {
  const file = fileIn(homeFolder().home, of);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
}

function fileIn(home: string, of: Noted): string {
  return join(home, `${of}-environment.json`);
}
