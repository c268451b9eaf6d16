-- What came back in money and in goods: facts of the channel, never edited but for a transaction's state.
CREATE TABLE refunds (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT refunds_public UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    return_external_id TEXT,
    currency TEXT NOT NULL,
    presentment_currency TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT,
    note TEXT,
    received_at BIGINT NOT NULL,
    CONSTRAINT refunds_external UNIQUE (order_id, external_id)
);
CREATE TABLE refund_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    refund_id BIGINT NOT NULL REFERENCES refunds (id),
    external_id TEXT NOT NULL,
    order_line_id BIGINT REFERENCES order_lines (id),
    line_external_id TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    restock TEXT NOT NULL CHECK (restock IN ('no_restock', 'cancel', 'return', 'legacy_restock')),
    location_external_id TEXT,
    location_id BIGINT REFERENCES locations (id),
    restocked_quantity BIGINT NOT NULL DEFAULT 0,
    subtotal_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    presentment_subtotal_minor BIGINT NOT NULL,
    presentment_tax_minor BIGINT NOT NULL,
    CONSTRAINT refund_lines_external UNIQUE (refund_id, external_id)
);
CREATE INDEX refund_lines_line ON refund_lines (order_line_id);
CREATE TABLE refund_charges (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    refund_id BIGINT NOT NULL REFERENCES refunds (id),
    kind TEXT NOT NULL CHECK (kind IN ('shipping', 'adjustment', 'duty', 'fee')),
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    presentment_amount_minor BIGINT NOT NULL,
    presentment_tax_minor BIGINT NOT NULL,
    CONSTRAINT refund_charges_external UNIQUE (refund_id, kind, external_id)
);
CREATE TABLE refund_transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    refund_id BIGINT NOT NULL REFERENCES refunds (id),
    external_id TEXT NOT NULL,
    parent_external_id TEXT,
    gateway TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failure', 'error')),
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    processed_at BIGINT,
    CONSTRAINT refund_transactions_external UNIQUE (refund_id, external_id)
);
-- Of the pieces of a line: refunded as the last order said, and come back.
ALTER TABLE order_lines ADD COLUMN refunded_quantity BIGINT NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN returned_quantity BIGINT NOT NULL DEFAULT 0;
-- Whether goods that the store puts back on its shelves are put back on ours.
ALTER TABLE shopify_shops ADD COLUMN restock_returns BOOLEAN NOT NULL DEFAULT TRUE;
