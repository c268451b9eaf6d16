-- Holds of ours as they stand in Shopify: the intent before the call, the id afterwards.
CREATE TABLE shopify_holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    hold_id BIGINT NOT NULL REFERENCES holds (id),
    fulfillment_order_external_id TEXT NOT NULL,
    hold_external_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('sent', 'placed', 'released', 'refused')),
    reason TEXT,
    changed_at BIGINT NOT NULL,
    CONSTRAINT shopify_holds_place UNIQUE (hold_id, fulfillment_order_external_id)
);
