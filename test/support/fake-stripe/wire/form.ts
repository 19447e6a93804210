// Bodies and queries as Stripe takes them: a[b][0]=x is nested, a[]=x adds to a list. What is a list and what an object only the
// schema knows, so both are kept as named parts.

export interface FormNode {
  text: string | null;
  readonly parts: Map<string, FormNode>;
}

export function decodeForm(encoded: string): FormNode {
  const form = emptyNode();
  for (const [name, value] of new URLSearchParams(encoded)) {
    let node = form;
    for (const part of pathOf(name)) {
      const at = part === '' ? String(node.parts.size) : part;
      const next = node.parts.get(at) ?? emptyNode();
      node.parts.set(at, next);
      node = next;
    }
    node.text = value;
  }
  return form;
}

/** The same for the same parameters in whatever order. */
export function canonicalForm(encoded: string): string {
  const sorted = new URLSearchParams(encoded);
  sorted.sort();
  return sorted.toString();
}

function pathOf(name: string): string[] {
  const opening = name.indexOf('[');
  if (opening === -1) return [name];
  const inner = [...name.slice(opening).matchAll(/\[([^\]]*)\]/g)].map(([, part = '']) => part);
  return [name.slice(0, opening), ...inner];
}

function emptyNode(): FormNode {
  return { text: null, parts: new Map() };
}
