// Every word of the console is there in both languages. That none is missing in Chinese, and that no page asks for one that is not there, the
// compiler says; what it cannot see is looked for here.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const SOURCES = join(import.meta.dirname, '../../console/src');

interface Words {
  readonly [name: string]: string | Words;
}

function wordsOf(language: 'en' | 'zh'): Map<string, string> {
  const words = JSON.parse(readFileSync(join(SOURCES, `messages/${language}.json`), 'utf8')) as Words;
  return new Map(leavesOf(words, ''));
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
  const code = globSync('**/*.{ts,tsx}', { cwd: SOURCES }).map((file) => readFileSync(join(SOURCES, file), 'utf8'));
  const asked = [...code.join('\n').matchAll(/(?:\bt|exists)\((['`])(.+?)\1/g)].map(([, , name = '']) =>
    asPattern(name),
  );
  const unused = [...english.keys()].filter((name) => {
    const singular = name.replace(/_(one|other)$/, '');
    return !asked.some((pattern) => pattern.test(singular));
  });
  expect(unused).toEqual([]);
});

/** `keys.${verb}.title` asks for every one of its kind. */
function asPattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '\\w+')}$`);
}
