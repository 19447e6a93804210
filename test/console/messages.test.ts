// Every word of the console is there in both languages. That none is missing in Chinese, and that no page asks for one that is not there, the
// compiler says; what it cannot see is looked for here.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const SOURCES = join(import.meta.dirname, '../../console/src');

interface Words {
  readonly [name: string]: string | Words;
}

function wordsOf(language: 'en' | 'zh'): Map<string, string> {
  return new Map(areasOf(language).flatMap((area) => wordsIn(language, area)));
}

const areasOf = (language: 'en' | 'zh') => globSync('*.json', { cwd: join(SOURCES, 'messages', language) }).sort();

function wordsIn(language: 'en' | 'zh', area: string): [string, string][] {
  return leavesOf(JSON.parse(readFileSync(join(SOURCES, 'messages', language, area), 'utf8')) as Words, '');
}

function leavesOf(words: Words, prefix: string): [string, string][] {
  return Object.entries(words).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + name, value]] : leavesOf(value, `${prefix}${name}.`),
  );
}

const english = wordsOf('en');
const chinese = wordsOf('zh');
const gapsIn = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();

test('both languages have the same words, with the same gaps to fill', () => {
  expect([...chinese.keys()]).toEqual([...english.keys()]);
  for (const [name, text] of english) {
    expect([name, gapsIn(chinese.get(name) ?? '')]).toEqual([name, gapsIn(text)]);
    expect([name, chinese.get(name)]).not.toEqual([name, '']);
  }
});

test('what should be Chinese is', () => {
  const same = [...english].filter(([name, text]) => chinese.get(name) === text).map(([name]) => name);
  expect(same).toEqual([]);
});

test('every word is used by a page', () => {
  const asked = globSync('**/*.{ts,tsx}', { cwd: SOURCES }).flatMap(wordsAskedIn).map(asPattern);
  const unused = [...english.keys()].filter((name) => {
    const singular = name.replace(/_(one|other)$/, '');
    return !asked.some((pattern) => pattern.test(singular));
  });
  expect(unused).toEqual([]);
});

test('whoever is not signed in is told nothing in words that he has not been given', () => {
  const given = wordsIn('en', 'visitor.json').map(([name]) => name);
  const learned = wordsIn('en', 'single-sign-on.json').map(([name]) => name);
  const lackingIn = (files: ReadonlySet<string>, words: readonly string[]) =>
    [...files].flatMap(wordsAskedIn).filter((name) => !words.some((word) => asPattern(name).test(word)));
  const routes = [...readFileSync(join(SOURCES, 'router.tsx'), 'utf8').matchAll(VISITOR_ROUTES)];
  const visited = withImports(['main.tsx', ...pagesOf(routes, undefined)]);
  const ofSingleSignOn = withImports(pagesOf(routes, 'singleSignOn'));

  expect([lackingIn(visited, given), lackingIn(ofSingleSignOn, [...given, ...learned])]).toEqual([[], []]);
  expect([...visited]).toContain('parts/form.tsx');
  expect([...ofSingleSignOn]).toContain('pages/signed-on.tsx');
});

/** Up to what differs from one address to the next, and the area whose words are learned on the way to it. */
const VISITOR_ROUTES =
  /=> visitor,\s+path: '([^'$]+?)(?:\/\$[^']*)?',(?:\s+validateSearch: \w+,)?(?:\s+beforeLoad: \(\) => learn\('(\w+)'\),)?\s+component/g;

function pagesOf(routes: readonly RegExpExecArray[], learned: string | undefined): string[] {
  return routes.filter(([, , area]) => area === learned).map(([, path]) => `pages${path}.tsx`);
}

function withImports(pages: readonly string[]): Set<string> {
  const files = new Set(pages);
  for (const file of files) for (const imported of importsOf(file)) files.add(imported);
  return files;
}

/** By a file, as in `t('keys.title')`. */
function wordsAskedIn(file: string): string[] {
  const code = readFileSync(join(SOURCES, file), 'utf8');
  return [...code.matchAll(/(?:\bt|exists)\((['`])(.+?)\1/g)].map(([, , name = '']) => name);
}

/** Of what runs; types say nothing. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(SOURCES, file), 'utf8');
  const imported = code.matchAll(/^import (?!type\b)[^;]*?'(\.[^']+\.tsx?)';/gm);
  return [...imported].map(([, path = '']) => join(dirname(file), path));
}

/** `keys.${verb}.title` asks for every one of its kind. */
function asPattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '\\w+')}$`);
}
