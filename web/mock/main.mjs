// npm run mock: the console at http://127.0.0.1:8081 with a page of calls in every state.
// @ts-check
import { sample } from "./sample.mjs";
import { startMock } from "./server.mjs";

const key = process.argv[2];
const mock = await startMock(sample(), { port: 8081, ...(key && { key }) });
console.log(`listening on ${mock.url}`);
