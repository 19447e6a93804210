// Whether the histories that stand are those that were ever kept: test/histories/KEPT has the digest of each, as sha256sum prints it, and what any
// version of it promised in the past of this repository holds as well, or a change of both in one commit would go unseen.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../histories');
const KEPT = 'test/histories/KEPT';

export interface Archive {
  /** Digests of the files that stand, by their paths. */
  readonly standing: ReadonlyMap<string, string>;
  /** Lines of KEPT as it is. */
  readonly kept: readonly string[];
  /** Lines of all versions of it that git remembers. */
  readonly keptBefore: readonly string[];
  /** What RETIRED.md says. */
  readonly retired: string;
}

export function archiveNow(): Archive {
  const paths = globSync('**/*.json', { cwd: FOLDER });
  return {
    standing: new Map(paths.map((path) => [path, digestOf(join(FOLDER, path))])),
    kept: linesOf(readFileSync(join(FOLDER, 'KEPT'), 'utf8')),
    keptBefore: versionsBefore().flatMap(linesOf),
    retired: existsSync(join(FOLDER, 'RETIRED.md')) ? readFileSync(join(FOLDER, 'RETIRED.md'), 'utf8') : '',
  };
}

/** In words, one for each history that is not as it was promised to be. */
export function brokenPromises({ standing, kept, keptBefore, retired }: Archive): string[] {
  const promised = new Set([...kept, ...keptBefore]);
  const broken = [...promised].flatMap((line) => {
    const [digest = '', path = ''] = line.split('  ');
    const found = standing.get(path);
    if (found === digest || isRetired(retired, path)) return [];
    return [found === undefined ? `${path} was removed` : `${path} was changed`];
  });
  const listed = new Set(kept.map((line) => line.split('  ')[1]));
  const unlisted = [...standing.keys()].filter((path) => !listed.has(path)).map((path) => `${path} is not in KEPT`);
  return [...broken, ...unlisted];
}

/** With why, and until when there were such workflows. */
function isRetired(retired: string, path: string): boolean {
  return retired
    .split('\n')
    .some((line) => line.startsWith(`- \`${path}\`: `) && /: .{20,}, until \d{4}-\d{2}-\d{2}\.$/.test(line));
}

/** None where this is no repository: then the list as it stands is all there is. */
function versionsBefore(): string[] {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: FOLDER, encoding: 'utf8', stdio: 'pipe' });
  try {
    const commits = linesOf(git('log', '--format=%H', '--', 'KEPT'));
    return commits.map((commit) => git('show', `${commit}:${KEPT}`));
  } catch {
    return [];
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
