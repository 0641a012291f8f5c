import { expect, it } from "vitest";
import { type ServerEvent, serverEvents } from "./sse.ts";

async function read(...chunks: string[]): Promise<ServerEvent[]> {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  for await (const event of serverEvents(body)) events.push(event);
  return events;
}

it("reads events however they are cut into pieces", async () => {
  const whole = 'event: run\ndata: {"a":1}\n\nevent: ready\ndata: {}\n\n';
  const expected = [
    { type: "run", data: '{"a":1}' },
    { type: "ready", data: "{}" },
  ];
  for (let at = 0; at <= whole.length; at++) expect(await read(whole.slice(0, at), whole.slice(at))).toEqual(expected);
  const windows = whole.replaceAll("\n", "\r\n");
  for (let at = 0; at <= windows.length; at++)
    expect(await read(windows.slice(0, at), windows.slice(at))).toEqual(expected);
});

it("joins data over lines, passes over comments, and drops what is not finished", async () => {
  expect(await read(": hello\n\ndata: a\ndata:b\nid: 7\n\nevent: run\ndata: cut")).toEqual([
    { type: "message", data: "a\nb" },
  ]);
});
