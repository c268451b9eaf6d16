-- What was paid, by whom it was taken and how that ended. Receipts are not kept.
CREATE TABLE payments (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    parent_external_id TEXT,
    gateway TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Empty where it was told in the customer's currency alone.
    amount_minor BIGINT,
    presentment_currency TEXT NOT NULL,
    presentment_minor BIGINT,
    error_code TEXT,
    manual BOOLEAN NOT NULL,
    test BOOLEAN NOT NULL,
    processed_at BIGINT,
    received_at BIGINT NOT NULL,
    CONSTRAINT payments_external UNIQUE (order_id, external_id)
);
