DROP TABLE lot_uses;
DROP INDEX stock_movements_lot;
ALTER TABLE stock_movements DROP COLUMN lot_id;

CREATE TABLE reservations_without_lot (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    CONSTRAINT reservations_place UNIQUE (order_line_id, product_id, location_id)
);
INSERT INTO reservations_without_lot (id, order_line_id, product_id, location_id, quantity)
SELECT min(id), order_line_id, product_id, location_id, sum(quantity) FROM reservations GROUP BY 2, 3, 4;
DROP TABLE reservations;
ALTER TABLE reservations_without_lot RENAME TO reservations;
CREATE INDEX reservations_stock ON reservations (product_id, location_id);

CREATE TABLE stock_levels_without_lot (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    on_hand BIGINT NOT NULL DEFAULT 0,
    reserved BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT stock_levels_place UNIQUE (product_id, location_id)
);
INSERT INTO stock_levels_without_lot (id, product_id, location_id, on_hand, reserved)
SELECT min(id), product_id, location_id, sum(on_hand), sum(reserved) FROM stock_levels GROUP BY 2, 3;
DROP TABLE stock_levels;
ALTER TABLE stock_levels_without_lot RENAME TO stock_levels;

DROP TABLE lots;
CREATE TABLE lots (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    code TEXT NOT NULL,
    best_before TEXT,
    CONSTRAINT lots_code UNIQUE (product_id, code)
);
