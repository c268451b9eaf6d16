-- Goods that are to come back, or came, as the channel tells them whole; a disposition is booked once.
CREATE TABLE returns (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT returns_public UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'open', 'closed', 'declined', 'cancelled')),
    decline_reason TEXT,
    decline_note TEXT,
    made_at BIGINT NOT NULL,
    closed_at BIGINT,
    changed_at BIGINT NOT NULL,
    CONSTRAINT returns_external UNIQUE (order_id, external_id)
);
CREATE TABLE return_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    return_id BIGINT NOT NULL REFERENCES returns (id),
    external_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('return', 'exchange')),
    order_line_id BIGINT REFERENCES order_lines (id),
    line_external_id TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    processed_quantity BIGINT NOT NULL,
    refunded_quantity BIGINT NOT NULL,
    reason TEXT,
    note TEXT,
    CONSTRAINT return_lines_external UNIQUE (return_id, external_id, line_external_id)
);
CREATE TABLE return_dispositions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    return_id BIGINT NOT NULL REFERENCES returns (id),
    external_id TEXT NOT NULL,
    order_line_id BIGINT REFERENCES order_lines (id),
    kind TEXT NOT NULL CHECK (kind IN ('restocked', 'not_restocked', 'processing_required', 'missing')),
    quantity BIGINT NOT NULL,
    location_id BIGINT REFERENCES locations (id),
    restocked_quantity BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT return_dispositions_external UNIQUE (return_id, external_id)
);
CREATE INDEX return_lines_line ON return_lines (order_line_id);
CREATE INDEX return_dispositions_line ON return_dispositions (order_line_id);
-- Pieces of a line that came back by returns, refunded or not.
ALTER TABLE order_lines ADD COLUMN back_quantity BIGINT NOT NULL DEFAULT 0;
