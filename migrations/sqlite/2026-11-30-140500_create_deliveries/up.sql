-- Local deliveries: which orders a store delivers itself, who drives, and what happened on the way.
ALTER TABLE channels ADD COLUMN delivery_rule TEXT NOT NULL DEFAULT 'none';
ALTER TABLE channels ADD COLUMN delivery_methods TEXT NOT NULL DEFAULT '[]';
CREATE TABLE drivers (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    phone TEXT,
    vehicle TEXT,
    active BOOLEAN NOT NULL
);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT deliveries_public_id UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    part INTEGER NOT NULL,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    order_name TEXT NOT NULL,
    name TEXT,
    phone TEXT,
    email TEXT,
    address TEXT,
    city TEXT,
    items TEXT NOT NULL,
    note TEXT,
    payment_state TEXT NOT NULL,
    currency TEXT NOT NULL,
    total_minor BIGINT NOT NULL,
    outstanding_minor BIGINT,
    state TEXT NOT NULL,
    day TEXT NOT NULL,
    driver_id BIGINT REFERENCES users (id),
    position BIGINT NOT NULL,
    reason TEXT,
    closed_by_order BOOLEAN NOT NULL,
    dropped_off_at BIGINT,
    shipment_id BIGINT REFERENCES shipments (id),
    ship_fault TEXT,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT deliveries_order UNIQUE (order_id, part)
);
CREATE INDEX deliveries_day ON deliveries (day, driver_id, position, id);
CREATE INDEX deliveries_driver ON deliveries (driver_id, id);
CREATE INDEX deliveries_driver_changed ON deliveries (driver_id, changed_at, id);
CREATE INDEX deliveries_state ON deliveries (state, id);
CREATE INDEX deliveries_state_changed ON deliveries (state, changed_at, id);
CREATE INDEX deliveries_changed ON deliveries (changed_at, id);
CREATE INDEX deliveries_name ON deliveries (order_name);
CREATE INDEX deliveries_open ON deliveries (driver_id, day, position, id) WHERE state IN ('PENDING', 'ASSIGNED', 'OUT', 'NOT_HOME');
CREATE TABLE delivery_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    goes_apart BOOLEAN NOT NULL,
    CONSTRAINT delivery_lines_line UNIQUE (order_line_id)
);
CREATE INDEX delivery_lines_delivery ON delivery_lines (delivery_id);
CREATE TABLE delivery_assignments (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
    driver_id BIGINT NOT NULL REFERENCES users (id),
    assigned_at BIGINT NOT NULL,
    assigned_by BIGINT REFERENCES users (id),
    ended_at BIGINT,
    ended_by BIGINT REFERENCES users (id),
    end_reason TEXT
);
CREATE INDEX delivery_assignments_delivery ON delivery_assignments (delivery_id, id);
CREATE UNIQUE INDEX delivery_assignments_active ON delivery_assignments (delivery_id) WHERE ended_at IS NULL;
CREATE TABLE delivery_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
    order_id BIGINT NOT NULL REFERENCES orders (id),
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT,
    arguments TEXT NOT NULL,
    note TEXT,
    user_id BIGINT REFERENCES users (id),
    source TEXT,
    undone_at BIGINT
);
CREATE INDEX delivery_log_delivery ON delivery_log (delivery_id, id);
CREATE INDEX delivery_log_order ON delivery_log (order_id);
CREATE TABLE delivery_photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
    order_id BIGINT NOT NULL REFERENCES orders (id),
    at BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    media_type TEXT NOT NULL,
    picture BLOB NOT NULL
);
CREATE INDEX delivery_photos_delivery ON delivery_photos (delivery_id, id);
CREATE INDEX delivery_photos_order ON delivery_photos (order_id);
