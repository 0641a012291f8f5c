import type { Run } from "@onetake/player";
import { expect, it } from "vitest";
import { whyOf } from "./why.ts";

const run = (change: Partial<Run>): Run => ({ id: "1", call_sid: "CA1", status: "queued", ...change });

it.each<[Partial<Run>, string, string]>([
  [{ reason: "queued" }, "in the queue", ""],
  [{ reason: "retrying", error: "stalled: stopped sending" }, "retrying", "stalled: stopped sending"],
  [{ status: "failed", error: "forbidden" }, "The provider does not let the server have this recording.", "forbidden"],
  [{ status: "failed", error: "an eclipse" }, "", "an eclipse"],
  [{ status: "completed", error: "stalled" }, "", ""],
  [{ reason: "constructor" }, "constructor", ""],
])("tells why: %j", (change, reason, cause) => expect(whyOf(run(change), "en")).toEqual({ reason, cause }));

it("tells why in Hebrew", () =>
  expect(whyOf(run({ reason: "throttled", error: "throttled" }), "he").reason).toBe("הספק מגביל"));
