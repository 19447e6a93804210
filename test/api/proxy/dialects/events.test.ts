// What the stream readers stand on: events are found wherever the network cuts them, and only what the format calls an event.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SseEvents } from '../../../../api/proxy/dialects/sse-text.ts';
import { EventSplitter } from '../../../../api/proxy/event-splitter.ts';

function eventsOf(text: string): { name: string; data: string | null; at: string }[] {
  const events = new SseEvents();
  const found: { name: string; data: string | null; at: string }[] = [];
  events.open(text);
  while (events.next()) {
    const data = events.dataStart === -1 ? null : events.data.slice(events.dataStart, events.dataEnd);
    found.push({ name: events.name, data, at: text.slice(events.start, events.end) });
  }
  return found;
}

describe('the events of a text', () => {
  test.each(['\n', '\r\n', '\r'])('are the same for lines that end in %j', (lineEnd) => {
    const text =
      ': hi\n\nevent: a\nid: 1\ndata: {"x":\ndata:1}\nretry: 5\n\ndata:  two\n\n\n\nevent:b\n\ndata\n\ndata: last'.replaceAll(
        '\n',
        lineEnd,
      );

    expect(eventsOf(text).map(({ name, data }) => [name, data])).toEqual([
      ['', null],
      ['a', '{"x":\n1}'],
      ['', ' two'],
      ['b', null],
      ['', null],
      ['', 'last'],
    ]);
  });

  test('cover the text without a gap, but for blank lines', () => {
    const text = '\n\ndata: a\n\n\nevent: b\ndata: c\n\n';
    expect(eventsOf(text).map(({ at }) => at)).toEqual(['data: a\n\n', 'event: b\ndata: c\n\n']);
  });
});

describe('cut where events end', () => {
  const EVENT = 'data: {"a":1}\n\n';

  test('a chunk of whole events comes back as the very same Buffer', () => {
    const splitter = new EventSplitter();
    for (const text of [EVENT, EVENT + EVENT, 'data: a\r\n\r\n', 'data: a\r\r', ': keep-alive\n\n']) {
      const chunk = Buffer.from(text);
      expect(splitter.push(chunk)).toBe(chunk);
    }
  });

  test('no byte is lost, changed or moved, however it comes in pieces, and no event that is whole stays behind', () => {
    const line = fc.constantFrom('data: a', 'event: b', ': c', 'data: {"x":"é"}', '');
    const stream = fc.tuple(fc.constantFrom('\n', '\r\n', '\r'), fc.array(line, { maxLength: 12 }));
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), ([lineEnd, lines], sizes) => {
        const bytes = Buffer.from(lines.map((text) => text + lineEnd).join(''));
        const splitter = new EventSplitter();
        let out = '';
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          const complete = splitter.push(bytes.subarray(at, at + size)).toString('latin1');
          out += complete;
          if (complete !== '') expect(out.endsWith(lineEnd + lineEnd)).toBe(true);
          at += size;
        }
        const rest = splitter.takeRest().toString('latin1');
        expect(out + rest).toBe(bytes.toString('latin1'));
        // A further blank line behind the one that ended an event may wait for the next: nobody misses it.
        expect(rest.replace(/^[\r\n]+/, '')).not.toContain(lineEnd + lineEnd);
      }),
      { numRuns: 500 },
    );
  });

  test('what is carried survives the reuse of the buffer that it came in', () => {
    const splitter = new EventSplitter();
    const reused = Buffer.from('data: {"a"');
    splitter.push(reused);
    reused.fill('x');
    expect(splitter.push(Buffer.from(':1}\n\n')).toString()).toBe(EVENT);
  });

  test('an event of 16 MB passes, a longer one ends the stream', () => {
    const splitter = new EventSplitter();
    const mebibyte = Buffer.alloc(1_048_576, 'a');
    for (let i = 0; i < 16; i += 1) expect(splitter.push(mebibyte).length).toBe(0);
    expect(splitter.push(Buffer.from('\n\n')).length).toBe(16 * mebibyte.length + 2);
    for (let i = 0; i < 16; i += 1) splitter.push(mebibyte);
    expect(() => splitter.push(Buffer.from('a'))).toThrow(expect.objectContaining({ code: 'upstream_unavailable' }));
  });

  test('an upstream that closes without its last blank line leaves a rest', () => {
    const splitter = new EventSplitter();
    expect(splitter.push(Buffer.from(`${EVENT}data: [DONE]\n`)).toString()).toBe(EVENT);
    expect(splitter.takeRest().toString()).toBe('data: [DONE]\n');
    expect(splitter.takeRest().length).toBe(0);
  });
});
