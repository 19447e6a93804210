// What must be written beside code: why a file exists, and when a function answers nothing or refuses. What must not: work
// left to do, and types switched off.
import ts from 'typescript';
import { type Finding, filesOf, lineOf, syntaxOf, type Tree } from './tree.ts';

/** Here the words stand because they are forbidden. */
const RULES = /^test\/(house\/|house\.test|lint\.test)/;

export function openingComment(tree: Tree): Finding[] {
  return filesOf(tree, /\.(tsx?|mjs|cjs|sql|c|lua|conf)$/)
    .filter(([, text]) => !/^(\/\/|\/\*|--|#) ?\S+( \S+){4}/.test(text))
    .map(([file]) => ({ file, what: 'does not open with why it exists' }));
}

const LEFT_TO_DO = /\b(TODO|FIXME|XXX|HACK)\b|\b(test|it|describe)\.(skip|only|todo|failing)\b/;

export function leftToDo(tree: Tree): Finding[] {
  return matchesIn(filesOf(tree, /\.(tsx?|mjs|cjs|sql|c|lua|conf|md)$/), LEFT_TO_DO);
}

const SWITCHED_OFF = /@ts-(ignore|expect-error|nocheck)|\bas unknown as\b|biome-ignore/;

export function typesSwitchedOff(tree: Tree): Finding[] {
  return matchesIn(filesOf(tree, /\.(tsx?|mjs|cjs)$/), SWITCHED_OFF);
}

function matchesIn(files: readonly (readonly [string, string])[], pattern: RegExp): Finding[] {
  return files
    .filter(([file]) => !RULES.test(file))
    .flatMap(([file, text]) =>
      text.split('\n').flatMap((line, at) => {
        const found = pattern.exec(line)?.[0];
        return found === undefined ? [] : [{ file, what: `${found} in line ${at + 1}` }];
      }),
    );
}

/** A signature that may answer null, or that refuses, does not say all: its docstring says when. */
export function silentSignatures(tree: Tree): Finding[] {
  return filesOf(tree, /^(domain|services)\/.*\.ts$/).flatMap(([file, text]) =>
    exportedFunctions(syntaxOf(file, text)).flatMap((declared) => {
      const docs = ts
        .getJSDocCommentsAndTags(declared)
        .map((part) => part.getText())
        .join('\n');
      const mayBeNothing = /\b(null|undefined)\b/.test(declared.type?.getText() ?? '') && docs === '';
      const refuses = /\bthrow new TollgateError\b/.test(declared.body?.getText() ?? '') && !docs.includes('@throws');
      const name = `${declared.name?.text} in line ${lineOf(declared)}`;
      return [
        ...(mayBeNothing ? [{ file, what: `${name} does not say when it answers nothing` }] : []),
        ...(refuses ? [{ file, what: `${name} does not say what it throws` }] : []),
      ];
    }),
  );
}

function exportedFunctions(source: ts.SourceFile): ts.FunctionDeclaration[] {
  return source.statements
    .filter(ts.isFunctionDeclaration)
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true);
}
