-- What others have shipped of an order: never told to the channel, for it comes from there.
CREATE TABLE outside_shipments (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('shipped', 'delivered', 'cancelled')),
    location_id BIGINT REFERENCES locations (id),
    carrier TEXT,
    tracking_numbers TEXT NOT NULL,
    tracking_url TEXT,
    shipped_at BIGINT NOT NULL,
    source_updated_at BIGINT NOT NULL,
    CONSTRAINT outside_shipments_external UNIQUE (order_id, external_id)
);
CREATE TABLE outside_shipment_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    outside_shipment_id BIGINT NOT NULL REFERENCES outside_shipments (id),
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    quantity BIGINT NOT NULL CONSTRAINT outside_shipment_lines_quantity CHECK (quantity > 0)
);
CREATE INDEX outside_shipment_lines_shipment ON outside_shipment_lines (outside_shipment_id);
