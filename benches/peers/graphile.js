// node graphile.js URL JOBS: how many empty jobs a second graphile-worker works off, with its defaults and ten at once.
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [connectionString, count] = process.argv.slice(2);
const jobs = Number(count);
const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();
await utils.release();
const pool = new pg.Pool({ connectionString, max: 1 });
await pool.query("SELECT graphile_worker.add_job('empty', json_build_object('number', n)) FROM generate_series(1, $1::int) n", [jobs]);
await pool.query("ANALYZE");
await pool.end();

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const { Logger } = await import("graphile-worker");
let left = jobs;
let finish;
const finished = new Promise((resolve) => (finish = resolve));
const begun = process.hrtime.bigint();
const runner = await run({
  connectionString,
  concurrency: 10,
  logger: new Logger(() => (level, message) => quiet[level]?.(message)),
  taskList: { empty: () => void (--left === 0 && finish()) },
});
await finished;
const took = Number(process.hrtime.bigint() - begun) / 1e9;
console.log(Math.round(jobs / took));
await runner.stop();
process.exit(0);
