-- Nothing has written lots until today.
DROP TABLE lots;
CREATE TABLE lots (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    code TEXT NOT NULL,
    code_normal TEXT NOT NULL,
    best_before TEXT,
    state TEXT NOT NULL DEFAULT 'open' CONSTRAINT lots_state CHECK (state IN ('open', 'blocked', 'expired')),
    note TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT lots_code UNIQUE (product_id, code_normal)
);
CREATE INDEX lots_code_of_any ON lots (code_normal);
CREATE INDEX lots_best_before ON lots (best_before) WHERE state = 'open';

-- A level is what lies of a product at a location in one lot, or in none. `expires` and `barred` repeat what the lot says,
-- so that promising reads and holds one table.
CREATE TABLE stock_levels_by_lot (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    on_hand BIGINT NOT NULL DEFAULT 0,
    reserved BIGINT NOT NULL DEFAULT 0,
    lot_id BIGINT REFERENCES lots (id),
    expires TEXT,
    barred BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO stock_levels_by_lot (id, product_id, location_id, on_hand, reserved)
SELECT id, product_id, location_id, on_hand, reserved FROM stock_levels;
DROP TABLE stock_levels;
ALTER TABLE stock_levels_by_lot RENAME TO stock_levels;
CREATE INDEX stock_levels_product ON stock_levels (product_id, location_id);
CREATE UNIQUE INDEX stock_levels_place ON stock_levels (product_id, location_id) WHERE lot_id IS NULL;
CREATE UNIQUE INDEX stock_levels_lot ON stock_levels (lot_id, location_id) WHERE lot_id IS NOT NULL;

CREATE TABLE reservations_by_lot (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    lot_id BIGINT REFERENCES lots (id)
);
INSERT INTO reservations_by_lot (id, order_line_id, product_id, location_id, quantity)
SELECT id, order_line_id, product_id, location_id, quantity FROM reservations;
DROP TABLE reservations;
ALTER TABLE reservations_by_lot RENAME TO reservations;
CREATE UNIQUE INDEX reservations_place ON reservations (order_line_id, product_id, location_id, coalesce(lot_id, 0));
CREATE INDEX reservations_stock ON reservations (product_id, location_id);
CREATE INDEX reservations_lot ON reservations (lot_id) WHERE lot_id IS NOT NULL;

ALTER TABLE stock_movements ADD COLUMN lot_id BIGINT REFERENCES lots (id);
CREATE INDEX stock_movements_lot ON stock_movements (lot_id, id) WHERE lot_id IS NOT NULL;

-- Which lot left with which line of an order: what a recall asks.
CREATE TABLE lot_uses (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    lot_id BIGINT NOT NULL REFERENCES lots (id),
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    source TEXT NOT NULL,
    at BIGINT NOT NULL,
    undone_at BIGINT
);
CREATE INDEX lot_uses_lot ON lot_uses (lot_id, id);
CREATE INDEX lot_uses_line ON lot_uses (order_line_id);
CREATE INDEX lot_uses_source ON lot_uses (source);
