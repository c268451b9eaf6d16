// node postgres.js PORT URL SECRET: Express 5 and pg with a pool of ten, each row committed before its answer.
import pg from "pg";
import { COLUMNS, receive } from "./receiver.js";

const pool = new pg.Pool({ connectionString: process.argv[3], max: 10 });
await pool.query(`CREATE TABLE webhook_events (id BIGSERIAL PRIMARY KEY, source TEXT, shop_domain TEXT, webhook_id TEXT,
  event_id TEXT, topic TEXT, api_version TEXT, key TEXT, snapshot SMALLINT, ver BIGINT, triggered_at BIGINT, received_at BIGINT,
  secret_label TEXT, headers TEXT, body BYTEA, due_at BIGINT, status SMALLINT NOT NULL DEFAULT 0, UNIQUE (shop_domain, webhook_id))`);
const insert = {
  name: "insert",
  text: `INSERT INTO webhook_events (${COLUMNS}) VALUES (${COLUMNS.map((_, n) => `$${n + 1}`)})
    ON CONFLICT (shop_domain, webhook_id) DO NOTHING`,
};
receive(async (values) => (await pool.query({ ...insert, values })).rowCount === 1);
