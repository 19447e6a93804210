// A name means one thing. In this field a "token" is a credential and a unit of text, a "key" opens the API, a channel or the
// vault: the bare words name nothing (docs/glossary.md).
import ts from 'typescript';
import { type Finding, filesOf, lineOf, nodesOf, syntaxOf, type Tree } from './tree.ts';

const BARE = new Set(['token', 'key', 'limit', 'quota', 'model']);
const SAYS_NOTHING =
  /(^|[-.])(utils?|helpers?|common|misc|manager)([-.]|$)|^(shared|lib|types|constants|base|index)(\.|$)/;

export function bareNames(tree: Tree): Finding[] {
  return filesOf(tree, /\.(tsx?|mjs)$/).flatMap(([file, text]) =>
    nodesOf(syntaxOf(file, text)).flatMap((node) => {
      const name = nameDeclaredBy(node);
      return name !== null && BARE.has(name) ? [{ file, what: `${name} in line ${lineOf(node)}` }] : [];
    }),
  );
}

/** Null for what keeps the name that it has in a record: wire formats and tables do say `model`, `key` and `limit`. */
function nameDeclaredBy(node: ts.Node): string | null {
  const declares =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node);
  if (!declares || node.name === undefined || !ts.isIdentifier(node.name)) return null;
  const isTakenOver = ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent) && !node.propertyName;
  return isTakenOver ? null : node.name.text;
}

/** Of files and folders. A number in a name stands where a meaning should. */
export function emptyFileNames(tree: Tree): Finding[] {
  return [...tree.keys()].flatMap((file) => {
    const names = file.replace(/^migrations\/\d{4}_/, '').split('/');
    return names
      .filter((name) => SAYS_NOTHING.test(name) || /[-_.]\d+\./.test(name))
      .map((name) => ({ file, what: `"${name}" does not say what it is` }));
  });
}
