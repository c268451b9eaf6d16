-- Cancellations that people ask the channel for.
CREATE TABLE order_cancellations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    reason TEXT NOT NULL CHECK (reason IN ('customer', 'inventory', 'fraud', 'declined', 'staff', 'other')),
    refund BOOLEAN NOT NULL,
    restock BOOLEAN NOT NULL,
    notify BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'sent', 'done', 'refused')),
    asked_at BIGINT NOT NULL,
    asked_by BIGINT REFERENCES users (id),
    sent_at BIGINT,
    job_external_id TEXT,
    answer TEXT,
    finished_at BIGINT
);
CREATE UNIQUE INDEX order_cancellations_open ON order_cancellations (order_id) WHERE state IN ('asked', 'sent');
CREATE INDEX order_cancellations_order ON order_cancellations (order_id);
