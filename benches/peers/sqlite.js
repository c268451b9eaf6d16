// node sqlite.js PORT FILE SECRET: Express 5 and better-sqlite3, each row durable before its answer.
import Database from "better-sqlite3";
import { COLUMNS, receive } from "./receiver.js";

const db = new Database(process.argv[3]);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE webhook_events (id INTEGER PRIMARY KEY, source TEXT, shop_domain TEXT, webhook_id TEXT, event_id TEXT,
  topic TEXT, api_version TEXT, key TEXT, snapshot INTEGER, ver INTEGER, triggered_at INTEGER, received_at INTEGER,
  secret_label TEXT, headers TEXT, body BLOB, due_at INTEGER, status INTEGER NOT NULL DEFAULT 0, UNIQUE (shop_domain, webhook_id))`);
const insert = db.prepare(
  `INSERT INTO webhook_events (${COLUMNS}) VALUES (${COLUMNS.map(() => "?")}) ON CONFLICT (shop_domain, webhook_id) DO NOTHING`,
);
receive((row) => insert.run(row).changes === 1);
