// The documents and the code say the same, in both directions: what exists is described, and what is described exists.
import { join } from 'node:path';
import ts from 'typescript';
import { ERRORS, type ErrorKind } from '../../domain/errors.ts';
import { type Finding, filesOf, nodesOf, syntaxOf, type Tree, textOf } from './tree.ts';

const OPERATIONS = 'docs/operations.md';
const ERROR_LIST = 'docs/errors.md';
const DECISIONS = 'docs/decisions.md';
/** Given by the machine, not by whoever runs the product. */
const OF_THE_MACHINE = ['PATH', 'HOME'];

/** The first cell of each row of a table, without its backticks: `` | `PORT`, `HOST` | 8080 | `` names two. */
function firstCells(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

function bothWays(file: string, exist: Iterable<string>, described: Iterable<string>): Finding[] {
  const [real, told] = [new Set(exist), new Set(described)];
  return [
    ...[...real].filter((name) => !told.has(name)).map((name) => ({ file, what: `${name} is not described` })),
    ...[...told].filter((name) => !real.has(name)).map((name) => ({ file, what: `${name} does not exist` })),
  ];
}

export function errorsDescribed(tree: Tree): Finding[] {
  const kinds: [string, ErrorKind][] = Object.entries(ERRORS);
  const page = textOf(tree, ERROR_LIST);
  const wrong = kinds.filter(([code, kind]) => page.includes(`| \`${code}\` |`) && !page.includes(rowOf(code, kind)));
  return [
    ...bothWays(ERROR_LIST, Object.keys(ERRORS), firstCells(page)),
    ...wrong.map(([code, kind]) => ({ file: ERROR_LIST, what: `${code} is not as in ${rowOf(code, kind)}` })),
  ];
}

function rowOf(
  code: string,
  { status, responsesStatus, anthropicStatus, openai, anthropic, retry }: ErrorKind,
): string {
  const elsewhere = [
    responsesStatus === undefined ? '' : `, ${responsesStatus} on \`/v1/responses\``,
    anthropicStatus === undefined ? '' : `, ${anthropicStatus} on \`/v1/messages\``,
  ];
  const cells = [`\`${code}\``, status + elsewhere.join(''), `${openai.type}, ${openai.code}`, anthropic.type];
  return `| ${cells.join(' | ')} | ${retry ? 'yes' : 'no'} |`;
}

export function environmentDescribed(tree: Tree): Finding[] {
  const settings = filesOf(tree, /^services\/platform\/((worker|backup)-)?config\.ts$/)
    .map(([, text]) => text)
    .join('\n');
  const launcher = filesOf(tree, /^scripts\//).flatMap(([, text]) => [...text.matchAll(/\bprocess\.env\.([A-Z_]+)/g)]);
  const keyrings = [...settings.matchAll(/\breadKeyring\('\w+', '([A-Z_]+)'/g)].flatMap(([all, name = '']) => [
    [all, name],
    [all, `${name}_FILE`],
  ]);
  const named = [...settings.matchAll(/^ {2}([A-Z][A-Z_]+):|\benv\.([A-Z_]+)/gm), ...launcher, ...keyrings];
  const read = named.map(([, first, second]) => first ?? second ?? '').filter((name) => !OF_THE_MACHINE.includes(name));
  const described = firstCells(textOf(tree, OPERATIONS)).filter((name) => /^[A-Z][A-Z_]+$/.test(name));
  return bothWays(OPERATIONS, read, described);
}

const METRICS = 'services/platform/metrics.ts';

export function metricsDescribed(tree: Tree): Finding[] {
  const tellers = filesOf(tree, /^(services\/platform|workers)\/metrics\.ts$/).map(([, text]) => text);
  const declared = tellers.join('\n').matchAll(/(?:#counters|#durations|[gG]auge)\(\s*'(\w+)'|name: 'tollgate_(\w+)'/g);
  const described = firstCells(textOf(tree, OPERATIONS)).filter((name) => name.startsWith('tollgate_'));
  return bothWays(
    OPERATIONS,
    [...declared].map(([, first, second]) => `tollgate_${first ?? second}`),
    described,
  );
}

export function metricsObserved(tree: Tree): Finding[] {
  const fields = [...textOf(tree, METRICS).matchAll(/readonly (\w+) = this\.#(?:counters|durations)\(/g)];
  const users = filesOf(tree, /^(services|api)\//).filter(([file]) => file !== METRICS);
  return fields
    .filter(([, field]) => !users.some(([, text]) => new RegExp(`\\bmetrics\\.${field}\\b`).test(text)))
    .map(([, field]) => ({ file: METRICS, what: `${field} is never observed` }));
}

const EVENT = /^[a-z]+(_[a-z]+)+$/;

/** Whoever reads a line of the log looks its event up. */
export function eventsDescribed(tree: Tree): Finding[] {
  const events = filesOf(tree, /^(services|activities|api|workers)\/.*\.ts$/).flatMap(([file, text]) =>
    nodesOf(syntaxOf(file, text)).flatMap((node) => {
      if (
        !ts.isCallExpression(node) ||
        !/(\blog\.(info|warn|error|fatal)|\blog\[\w+\]|\.onTrouble)$/i.test(node.expression.getText())
      )
        return [];
      const event = node.arguments.find(ts.isStringLiteral);
      return event !== undefined && EVENT.test(event.text) ? [event.text] : [];
    }),
  );
  const described = firstCells(textOf(tree, OPERATIONS)).filter((name) => EVENT.test(name));
  return bothWays(
    OPERATIONS,
    events,
    described.filter((name) => !name.startsWith('tollgate_')),
  );
}

/** In docs/money.md, or by a comment of its own. */
export function sqlFunctionsExplained(tree: Tree): Finding[] {
  const money = textOf(tree, 'docs/money.md');
  return filesOf(tree, /^migrations\//).flatMap(([file, text]) =>
    [...text.matchAll(/(.*)\ncreate (?:or replace )?function (\w+)/g)]
      .filter(([, before = '', name]) => !before.startsWith('--') && !money.includes(`\`${name}\``))
      .map(([, , name]) => ({ file, what: `${name} is not explained` })),
  );
}

/** Not test/house: there decisions are planted that do not exist. */
const CITING =
  /^(domain|workflows|services|activities|api|workers|migrations|scripts|bench|test|console)\/(?!house[/.]).*\.(tsx?|mjs|sql)$/;

/** `D3` in code where a reader would otherwise "fix" it; under its heading, where that is. */
export function decisionsCited(tree: Tree): Finding[] {
  const decisions = textOf(tree, DECISIONS).split(/^## /m).slice(1);
  const known = new Map(decisions.map((text) => [text.slice(0, text.indexOf(' ')), text]));
  const cited = filesOf(tree, CITING).flatMap(([file, text]) =>
    [...text.matchAll(/\((D\d+)\)/g)].map(([, name = '']) => ({ file, name })),
  );
  const uncited = [...known].filter(([name, text]) => {
    const places = [...text.matchAll(/Cited by `([^`]+)`/g)].map(([, place = '']) => place);
    return !cited.some((one) => one.name === name && places.some((place) => one.file.startsWith(place)));
  });
  return [
    ...cited.filter(({ name }) => !known.has(name)).map(({ file, name }) => ({ file, what: `${name} is no decision` })),
    ...uncited.map(([name]) => ({ file: DECISIONS, what: `${name} is not cited where it says` })),
  ];
}

const IN_BACKTICKS = /`([\w.-]+(?:\/[\w.-]+)*\.(?:tsx?|mjs|md|sql|c)|[\w-]+\/[\w/-]*)`/g;
const LINKED = /\]\(([\w./-]+)\)/g;

/** In backticks or as a link. A file may be named by the end of its path; what begins with no folder of ours is no path. */
export function pathsExist(tree: Tree): Finding[] {
  const files = [...tree.keys()];
  // `migrations/0003` is how people name a migration.
  const isThere = (path: string) =>
    files.some(
      (file) =>
        `/${file}`.endsWith(`/${path}`) || ['/', '_'].some((end) => file.startsWith(path.replace(/\/$/, '') + end)),
    );
  const isPath = (path: string) =>
    /\.\w+$/.test(path) || files.some((file) => file.startsWith(path.replace(/\/.*/, '/')));
  return filesOf(tree, /^(README|SECURITY|docs\/[\w-]+)\.md$/).flatMap(([file, text]) => {
    const quoted = [...text.matchAll(IN_BACKTICKS)].map(([, path = '']) => path).filter(isPath);
    const linked = [...text.matchAll(LINKED)].map(([, path = '']) => join(file, '..', path));
    return [...quoted, ...linked]
      .filter((path) => !isThere(path))
      .map((path) => ({ file, what: `${path} does not exist` }));
  });
}
