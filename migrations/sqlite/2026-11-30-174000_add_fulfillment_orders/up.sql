-- What the channel answered when it was asked about an order, as far as it decides how the order stands.
CREATE TABLE order_checks (
    order_id BIGINT PRIMARY KEY NOT NULL REFERENCES orders (id),
    checked_at BIGINT NOT NULL,
    delivery_method TEXT,
    risk TEXT,
    recommendation TEXT,
    scheduled_for BIGINT,
    pickup BOOLEAN NOT NULL DEFAULT FALSE
);
-- From where the channel wants the pieces of a line shipped that are ours to ship.
CREATE TABLE line_places (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    quantity BIGINT NOT NULL CONSTRAINT line_places_quantity CHECK (quantity > 0),
    CONSTRAINT line_places_place UNIQUE (order_line_id, location_id)
);
-- Pieces that the channel has given to others, shipped or not.
ALTER TABLE order_lines ADD COLUMN others_quantity BIGINT NOT NULL DEFAULT 0
    CONSTRAINT order_lines_others_quantity CHECK (others_quantity >= 0);
-- Shopify's fulfillment orders: who ships what of an order, from where, when.
CREATE TABLE shopify_fulfillment_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    status TEXT NOT NULL,
    request_status TEXT NOT NULL,
    actions TEXT NOT NULL,
    location_external_id TEXT,
    location_name TEXT NOT NULL,
    service BOOLEAN NOT NULL,
    method TEXT,
    method_name TEXT,
    fulfil_at BIGINT,
    holds TEXT NOT NULL,
    source_updated_at BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    CONSTRAINT shopify_fulfillment_orders_external UNIQUE (shop_id, external_id)
);
CREATE INDEX shopify_fulfillment_orders_order ON shopify_fulfillment_orders (order_id);
CREATE INDEX shopify_fulfillment_orders_location ON shopify_fulfillment_orders (shop_id, location_external_id)
    WHERE status NOT IN ('closed', 'cancelled');
CREATE TABLE shopify_fulfillment_order_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    fulfillment_order_id BIGINT NOT NULL REFERENCES shopify_fulfillment_orders (id),
    external_id TEXT NOT NULL,
    line_external_id TEXT NOT NULL,
    total BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    CONSTRAINT shopify_fulfillment_order_lines_external UNIQUE (fulfillment_order_id, external_id)
);
-- Whether a new order waits until Shopify was asked about it, and whether holds of ours are placed there too.
ALTER TABLE shopify_shops ADD COLUMN check_orders BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE shopify_shops ADD COLUMN tell_holds BOOLEAN NOT NULL DEFAULT TRUE;
